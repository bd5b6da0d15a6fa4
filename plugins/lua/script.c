/* The file of a script: see lua.h. It is as good as code of the server, so it is held to the same as a plugin's file and its folder. */
#include "lua.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCRIPT_MAX_BYTES (1024 * 1024)
#define PATH_BYTES 4096

/* NULL: it is nobody else's to change. */
static const char *why_unsafe(const struct stat *st) {
  bool keeps_files = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) != 0; /* as /tmp does: each its owner's */
  if (st->st_uid != 0 && st->st_uid != geteuid())
    return "belongs neither to root nor to the user who runs the server";
  if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0 && !keeps_files)
    return "may be written by others than its owner; chmod go-w it";
  return NULL;
}

/* Who may write a folder may put another file in the place of this one. False: see the message. */
static bool check_folder(const char *file, char ret_message[US_LUA_MESSAGE_BYTES]) {
  char folder[PATH_BYTES];
  struct stat st;
  snprintf(folder, sizeof(folder), "%s", file);
  char *slash = strrchr(folder, '/');
  if (slash)
    slash[slash == folder] = '\0';
  else
    strcpy(folder, ".");
  const char *why = strlen(file) < sizeof(folder) && stat(folder, &st) == 0 ? why_unsafe(&st) : "cannot be looked at";
  if (why)
    snprintf(ret_message, US_LUA_MESSAGE_BYTES, "its folder %.600s %s", folder, why);
  return why == NULL;
}

/* The folder in which it is named, and the one to which links lead from there. */
static bool check_file(int fd, const char *path, const struct stat *st, char ret_message[US_LUA_MESSAGE_BYTES]) {
  char own_path[64], target[PATH_BYTES];
  const char *why = S_ISREG(st->st_mode) ? why_unsafe(st) : "is not a regular file";
  if (!why && st->st_size > SCRIPT_MAX_BYTES)
    why = "is larger than 1 MiB";
  snprintf(own_path, sizeof(own_path), "/proc/self/fd/%d", fd);
  ssize_t n = readlink(own_path, target, sizeof(target) - 1);
  if (!why && n <= 0)
    why = "cannot be looked at";
  if (why) {
    snprintf(ret_message, US_LUA_MESSAGE_BYTES, "%s", why);
    return false;
  }
  target[n] = '\0';
  return check_folder(path, ret_message) && check_folder(target, ret_message);
}

/* One byte more is asked for than is there: half a script would be half the rules. */
static char *read_all(int fd, size_t size, char ret_message[US_LUA_MESSAGE_BYTES]) {
  char *text = malloc(size + 1);
  size_t n = 0;
  ssize_t got = 1;
  while (text && n <= size && (got > 0 || (got < 0 && errno == EINTR))) {
    got = read(fd, text + n, size + 1 - n);
    n += got > 0 ? (size_t)got : 0;
  }
  if (text && got == 0 && n == size) {
    text[n] = '\0';
    return text;
  }
  snprintf(ret_message, US_LUA_MESSAGE_BYTES, "%s", text ? "was not read as a whole" : "out of memory");
  free(text);
  return NULL;
}

char *us_lua_script_read(const char *path, size_t *ret_n, char ret_message[US_LUA_MESSAGE_BYTES]) {
  struct stat st;
  char *text = NULL;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 || fstat(fd, &st) != 0)
    snprintf(ret_message, US_LUA_MESSAGE_BYTES, "%s", strerror(errno));
  else if (check_file(fd, path, &st, ret_message))
    text = read_all(fd, *ret_n = (size_t)st.st_size, ret_message);
  if (fd >= 0)
    close(fd);
  return text;
}
