/*
 * Feeds every file of the given folders to a fuzz target, so that its corpus runs as a plain test, in any compiler and
 * under every sanitizer. Prints TAP, one line a folder; a folder that is missing or empty is a failure, because it would
 * test nothing.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

/* False when the file cannot be read. The bytes are in a block of just their size, so that a read past them shows. */
static bool replay_file(const char *path) {
  struct stat about;
  FILE *file = fopen(path, "rb");
  if (!file)
    return false;
  bool is_read = fstat(fileno(file), &about) == 0;
  size_t size = is_read ? (size_t)about.st_size : 0;
  uint8_t *bytes = malloc(size ? size : 1);
  is_read = is_read && bytes && fread(bytes, 1, size, file) == size;
  fclose(file);
  if (is_read)
    LLVMFuzzerTestOneInput(bytes, size);
  free(bytes);
  return is_read;
}

/* The number of files replayed, or -1. */
static int replay_folder(const char *folder) {
  DIR *dir = opendir(folder);
  if (!dir)
    return -1;
  int count = 0;
  for (struct dirent *entry; count >= 0 && (entry = readdir(dir)) != NULL;) {
    char path[4096];
    if (entry->d_name[0] == '.')
      continue;
    int n = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    count = n > 0 && (size_t)n < sizeof path && replay_file(path) ? count + 1 : -1;
  }
  closedir(dir);
  return count;
}

int main(int argc, char **argv) {
  int failed = argc < 2;
  printf("1..%d\n", argc - 1);
  for (int i = 1; i < argc; i++) {
    int count = replay_folder(argv[i]);
    const char *slash = strrchr(argv[i], '/');
    printf("%sok %d - corpus %s, %d files\n", count > 0 ? "" : "not ", i, slash ? slash + 1 : argv[i], count);
    failed |= count <= 0;
  }
  return failed;
}
