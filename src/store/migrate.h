/*
 * Numbered migrations. The program's own are the files of store/migrations/, built into the binary by tools/embed-sql;
 * tests bring sets of their own through us_db_options.migrations. Each runs in one transaction together with the number
 * it brings the schema to. The number also stands in meta ('schema_version'), so a set's first migration creates
 * meta(key, value).
 */
#ifndef USHER_STORE_MIGRATE_H
#define USHER_STORE_MIGRATE_H

#include "store/db.h"

struct us_migration {
  const char *name; /* "001_schema"; its number is its place in the set, from 1 */
  const char *sql;  /* with @PLACEHOLDERS@ */
};
struct us_migrations {
  const struct us_migration *v;
  size_t n;
};
extern const struct us_migrations us_migrations_own;

/* As us_db_migrate, with all options (vfs, migrations, busy_ms). */
enum us_code us_db_migrate_with(struct us_cx *cx, const struct us_db_options *options) US_MUST_CHECK;

#endif
