/*
 * A file layer for SQLite ("fault") over the default one, in which the n-th write, sync or truncation of the database or
 * its write-ahead log fails. For tests of what a full or failing disk may do.
 */
#ifndef USHER_TESTS_FAULT_VFS_H
#define USHER_TESTS_FAULT_VFS_H

#include <stdbool.h>

#define FAULT_VFS "fault"

enum fault_ops { FAULT_WRITES, FAULT_ALL };
struct fault {
  enum fault_ops ops; /* which operations count */
  int at;             /* the how-manieth fails, from 1; 0: none */
  int code;           /* SQLITE_FULL or an SQLITE_IOERR_... */
  bool stays;         /* and all after it */
};

int fault_vfs_register(void);           /* SQLITE_OK or what it said */
void fault_vfs_arm(struct fault fault); /* counts from now */
int fault_vfs_counted(void);            /* operations since it was armed */
int fault_vfs_fired(void);              /* those that failed */

#endif
