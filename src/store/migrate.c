/*
 * Brings a store's schema to the version this program wants, one numbered migration a transaction. Two programs that
 * start at once are no harm: the number is read again inside the write transaction.
 */
#include "store/migrate.h"

#include <string.h>

#include "base/buf.h"
#include "store/backend.h"

/* The text of one migration with its placeholders replaced. */
#define MIGRATION_MAX_BYTES (1024 * 1024)
#define PLACEHOLDER_NAME_MAX 24

static const struct us_placeholder *find_placeholder(const struct us_backend *backend, struct us_str name) {
  for (const struct us_placeholder *p = backend->placeholders; p->name; p++)
    if (us_str_eq_c(name, p->name))
      return p;
  return NULL;
}

/* The name after an '@' at `p`, when it is one: capitals, then '@'. */
static struct us_str placeholder_name(const char *p) {
  size_t n = strspn(p + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
  if (n == 0 || n > PLACEHOLDER_NAME_MAX || p[1 + n] != '@')
    return US_STR_ABSENT;
  return (struct us_str){p + 1, n};
}

static enum us_code expand(struct us_cx *cx, const struct us_backend *backend, const struct us_migration *migration,
                           struct us_buf *ret_sql) {
  for (const char *p = migration->sql; *p;) {
    size_t plain = strcspn(p, "@");
    us_buf_add(ret_sql, p, plain);
    p += plain;
    if (!*p)
      break;
    struct us_str name = placeholder_name(p);
    const struct us_placeholder *placeholder = name.p ? find_placeholder(backend, name) : NULL;
    if (!placeholder)
      return us_fail(cx, US_E_INTERNAL, "migration %s: '%.*s' is no placeholder of backend '%s'", migration->name,
                     (int)strcspn(p, "\n"), p, backend->name);
    us_buf_add_c(ret_sql, placeholder->text);
    p += name.n + 2;
  }
  return us_buf_ok(ret_sql) ? US_OK : us_fail(cx, US_E_INTERNAL, "migration %s is too large", migration->name);
}

struct migration_step {
  struct us_db *db;
  const struct us_migrations *set;
  int version; /* the one to bring it to */
};

static const char SQL_NOTE_VERSION[] = "INSERT INTO meta (key, value) VALUES ('schema_version', $1) "
                                       "ON CONFLICT (key) DO UPDATE SET value = excluded.value";

static enum us_code apply(struct us_cx *cx, const struct migration_step *s) {
  const struct us_migration *migration = &s->set->v[s->version - 1];
  struct us_buf sql;
  us_buf_init(&sql, MIGRATION_MAX_BYTES);
  enum us_code code = expand(cx, s->db->backend, migration, &sql);
  if (code == US_OK)
    code = s->db->backend->script(cx, s->db, sql.p ? sql.p : "");
  us_buf_done(&sql);
  if (code != US_OK) {
    us_error_detail(cx, "in migration %s", migration->name);
    return code;
  }
  US_TRY(s->db->backend->set_schema_version(cx, s->db, s->version));
  return us_sql_run(cx, NULL, SQL_NOTE_VERSION, "t", us_str_fmt(cx->mem, "%d", s->version));
}

static enum us_code migrate_step(struct us_cx *cx, void *self) {
  const struct migration_step *s = self;
  int version;
  US_TRY(s->db->backend->schema_version(cx, s->db, &version));
  return version >= s->version ? US_OK : apply(cx, s); /* another program was faster */
}

static enum us_code migrate(struct us_cx *cx, struct us_db *db, const char *url, const struct us_migrations *set) {
  int version;
  US_TRY(db->backend->schema_version(cx, db, &version));
  if (version > (int)set->n)
    return us_fail(cx, US_E_STORE, "store '%s' was written by a newer version (schema %d, this program knows %zu)", url,
                   version, set->n);
  while (version < (int)set->n) {
    version++;
    struct migration_step s = {.db = db, .set = set, .version = version};
    US_TRY(us_db_transact(cx, db, migrate_step, &s));
  }
  return US_OK;
}

enum us_code us_db_migrate_with(struct us_cx *cx, const struct us_db_options *options) {
  const struct us_migrations *set = options->migrations ? options->migrations : &us_migrations_own;
  struct us_db *db;
  US_TRY(us_db_open_raw(cx, options, true, &db));
  enum us_code code = migrate(cx, db, options->url, set);
  us_db_close(db);
  return code;
}

enum us_code us_db_migrate(struct us_cx *cx, const char *url) {
  return us_db_migrate_with(cx, &(struct us_db_options){.url = url});
}
