/* The fault layer: passes everything on to the default VFS, except the operations it was armed for. */
#include "fault_vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <string.h>

struct fault_file {
  sqlite3_file base;
  bool counts;        /* the database or its log */
  sqlite3_file *real; /* behind this struct */
};

static sqlite3_vfs fault_vfs;
static sqlite3_io_methods fault_methods;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fault armed;
static int counted, fired;

void fault_vfs_arm(struct fault fault) {
  pthread_mutex_lock(&lock);
  armed = fault;
  counted = fired = 0;
  pthread_mutex_unlock(&lock);
}

static int read_locked(const int *value) {
  pthread_mutex_lock(&lock);
  int copy = *value;
  pthread_mutex_unlock(&lock);
  return copy;
}

int fault_vfs_counted(void) {
  return read_locked(&counted);
}

int fault_vfs_fired(void) {
  return read_locked(&fired);
}

/* SQLITE_OK, or the code this operation has to fail with. */
static int outcome(const struct fault_file *file, bool is_write) {
  if (!file->counts)
    return SQLITE_OK;
  int code = SQLITE_OK;
  pthread_mutex_lock(&lock);
  if (is_write || armed.ops == FAULT_ALL) {
    counted++;
    if (armed.at > 0 && (counted == armed.at || (armed.stays && counted > armed.at))) {
      fired++;
      code = armed.code;
    }
  }
  pthread_mutex_unlock(&lock);
  return code;
}

static sqlite3_file *real_of(sqlite3_file *file) {
  return ((struct fault_file *)file)->real;
}

static sqlite3_vfs *real_vfs(sqlite3_vfs *vfs) {
  return vfs->pAppData;
}

static int f_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at) {
  int code = outcome((struct fault_file *)file, true);
  if (code == SQLITE_OK)
    return real_of(file)->pMethods->xWrite(real_of(file), bytes, n, at);
  /* A disk that fills up takes the first half. */
  (void)real_of(file)->pMethods->xWrite(real_of(file), bytes, n / 2, at);
  return code;
}

static int f_sync(sqlite3_file *file, int flags) {
  int code = outcome((struct fault_file *)file, false);
  return code != SQLITE_OK ? code : real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int f_truncate(sqlite3_file *file, sqlite3_int64 size) {
  int code = outcome((struct fault_file *)file, false);
  return code != SQLITE_OK ? code : real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int f_close(sqlite3_file *file) {
  return real_of(file)->pMethods->xClose(real_of(file));
}
static int f_read(sqlite3_file *file, void *bytes, int n, sqlite3_int64 at) {
  return real_of(file)->pMethods->xRead(real_of(file), bytes, n, at);
}
static int f_size(sqlite3_file *file, sqlite3_int64 *size) {
  return real_of(file)->pMethods->xFileSize(real_of(file), size);
}
static int f_lock(sqlite3_file *file, int level) {
  return real_of(file)->pMethods->xLock(real_of(file), level);
}
static int f_unlock(sqlite3_file *file, int level) {
  return real_of(file)->pMethods->xUnlock(real_of(file), level);
}
static int f_check_reserved(sqlite3_file *file, int *result) {
  return real_of(file)->pMethods->xCheckReservedLock(real_of(file), result);
}
static int f_control(sqlite3_file *file, int op, void *argument) {
  return real_of(file)->pMethods->xFileControl(real_of(file), op, argument);
}
static int f_sector_size(sqlite3_file *file) {
  return real_of(file)->pMethods->xSectorSize(real_of(file));
}
static int f_characteristics(sqlite3_file *file) {
  return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}
static int f_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **map) {
  return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, map);
}
static int f_shm_lock(sqlite3_file *file, int offset, int n, int flags) {
  return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}
static void f_shm_barrier(sqlite3_file *file) {
  real_of(file)->pMethods->xShmBarrier(real_of(file));
}
static int f_shm_unmap(sqlite3_file *file, int remove) {
  return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static int f_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags) {
  struct fault_file *f = (struct fault_file *)file;
  memset(f, 0, sizeof *f);
  f->real = (sqlite3_file *)(f + 1);
  f->counts = (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) != 0;
  int rc = real_vfs(vfs)->xOpen(real_vfs(vfs), name, f->real, flags, ret_flags);
  if (f->real->pMethods)
    file->pMethods = &fault_methods;
  return rc;
}

int fault_vfs_register(void) {
  sqlite3_vfs *real = sqlite3_vfs_find(NULL);
  if (!real)
    return SQLITE_ERROR;
  fault_methods = (sqlite3_io_methods){
      .iVersion = 2,
      .xClose = f_close,
      .xRead = f_read,
      .xWrite = f_write,
      .xTruncate = f_truncate,
      .xSync = f_sync,
      .xFileSize = f_size,
      .xLock = f_lock,
      .xUnlock = f_unlock,
      .xCheckReservedLock = f_check_reserved,
      .xFileControl = f_control,
      .xSectorSize = f_sector_size,
      .xDeviceCharacteristics = f_characteristics,
      .xShmMap = f_shm_map,
      .xShmLock = f_shm_lock,
      .xShmBarrier = f_shm_barrier,
      .xShmUnmap = f_shm_unmap,
  };
  /* All but opening is the default's own, which wants to see itself: those functions do not look at the vfs. */
  fault_vfs = *real;
  fault_vfs.zName = FAULT_VFS;
  fault_vfs.pNext = NULL;
  fault_vfs.pAppData = real;
  fault_vfs.szOsFile = (int)sizeof(struct fault_file) + real->szOsFile;
  fault_vfs.xOpen = f_open;
  return sqlite3_vfs_register(&fault_vfs, 0);
}
