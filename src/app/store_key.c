/* The key for secrets at rest: see store_key.h. */
#include "app/store_key.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "crypto/box.h"
#include "crypto/digest.h"
#include "crypto/random.h"

#define FILE_MAX_BYTES 128 /* base64 of 32 bytes has 44, and an end of line */

static enum us_code refuse(struct us_cx *cx, const char *file, const char *why) {
  return us_fail(cx, US_E_INVALID_REQUEST, "the store key %s: %s", file, why);
}

static enum us_code read_all(struct us_cx *cx, const char *file, int fd, struct us_str *ret_text) {
  struct stat status;
  char *text = us_mem_secret(cx->mem, FILE_MAX_BYTES + 1);
  if (text == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
    return refuse(cx, file, "is no file");
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return refuse(cx, file, "others may read or write it; chmod 600 mends that");
  ssize_t n = read(fd, text, FILE_MAX_BYTES + 1);
  if (n < 0)
    return refuse(cx, file, strerror(errno));
  if (n > FILE_MAX_BYTES)
    return refuse(cx, file, "is too long; it has 32 bytes, as they are or as base64");
  *ret_text = (struct us_str){text, (size_t)n};
  return US_OK;
}

enum us_code us_store_key_read(struct us_cx *cx, const char *file, struct us_box **ret_box) {
  struct us_str text;
  int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    return refuse(cx, file, errno == ELOOP ? "is a link" : strerror(errno));
  enum us_code code = read_all(cx, file, fd, &text);
  close(fd);
  US_TRY(code);
  code = us_box_new(cx, text, ret_box);
  return code == US_E_INVALID_REQUEST ? refuse(cx, file, "must have 32 bytes, as they are or as base64") : code;
}

/* "store.key" in the folder of an SQLite store ("sqlite:PATH", or a bare path: store/db.h); NULL for other stores, which have a
 * word and a colon in front. *ret_store is the file of the store. */
static const char *beside(struct us_cx *cx, const char *store_url, const char **ret_store) {
  bool is_named = strncmp(store_url, "sqlite:", 7) == 0;
  const char *store = is_named ? store_url + 7 : store_url;
  if (!is_named && store[strcspn(store, ":/")] == ':')
    return NULL;
  const char *slash = strrchr(store, '/');
  *ret_store = store;
  return us_str_fmt(cx->mem, "%.*sstore.key", slash != NULL ? (int)(slash - store) + 1 : 0, store).p;
}

enum us_code us_store_key_of(struct us_cx *cx, const char *file, const char *store_url, struct us_box **ret_box) {
  const char *store;
  *ret_box = NULL;
  if (file == NULL || file[0] == '\0') {
    file = beside(cx, store_url, &store);
    if (file == NULL || access(file, F_OK) != 0)
      return US_OK;
  }
  return us_store_key_read(cx, file, ret_box);
}

static enum us_code write_new(struct us_cx *cx, const char *file) {
  uint8_t key[32];
  char text[64];
  int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    return errno == EEXIST ? US_OK : refuse(cx, file, strerror(errno));
  us_random(key, sizeof(key));
  size_t n = us_base64url_encode(key, sizeof(key), text);
  text[n++] = '\n';
  bool is_written = write(fd, text, n) == (ssize_t)n && fsync(fd) == 0;
  explicit_bzero(key, sizeof(key));
  explicit_bzero(text, sizeof(text));
  is_written = close(fd) == 0 && is_written;
  if (is_written)
    return US_OK;
  unlink(file);
  return refuse(cx, file, "cannot be written");
}

enum us_code us_store_key_make(struct us_cx *cx, const char *store_url) {
  const char *store, *file = beside(cx, store_url, &store);
  return file == NULL || access(store, F_OK) == 0 ? US_OK : write_new(cx, file);
}
