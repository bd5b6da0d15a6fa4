/* The configuration as one value: what it holds, when it is read again, how long it lives. On a store of its own. */
#include "../unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "crypto/digest.h"
#include "crypto/key.h"
#include "domain/realm.h"
#include "domain/snapshot.h"
#include "store/db.h"

struct fixture {
  char file[64];
  struct us_services svc;
  struct us_db *db;
  struct us_cx *cx;
  struct us_str rs256, es256;
};

static int up(void **state) {
  struct fixture *f = test_calloc(1, sizeof(*f));
  char url[80];
  us_log_setup(US_LOG_OFF, US_LOG_LOGFMT, 2);
  assert_int_equal(us_crypto_setup(), 0);
  strcpy(f->file, "/tmp/usher-snapshot-XXXXXX");
  int fd = mkstemp(f->file);
  assert_true(fd >= 0);
  close(fd);
  snprintf(url, sizeof(url), "sqlite:%s", f->file);
  f->cx = unit_cx_new(64u * 1024 * 1024);
  f->cx->svc = &f->svc;
  f->cx->now_ms = INT64_C(1935600000000);
  us_idgen_init(&f->svc.ids, 1, 0);
  f->svc.base_url = US_STR("https://as.usher.test:8443/am");
  f->svc.snapshots = us_snapshot_box_new();
  assert_non_null(f->svc.snapshots);
  struct us_db_options options = {.url = url};
  assert_int_equal(us_db_migrate(f->cx, url), US_OK);
  assert_int_equal(us_db_open(f->cx, &options, &f->db), US_OK);
  assert_int_equal(us_key_generate(f->cx, US_ALG_RS256, &f->rs256), US_OK);
  assert_int_equal(us_key_generate(f->cx, US_ALG_ES256, &f->es256), US_OK);
  *state = f;
  return 0;
}
static int down(void **state) {
  struct fixture *f = *state;
  char name[80];
  us_db_close(f->db);
  us_snapshot_box_free(f->svc.snapshots);
  unit_cx_free(f->cx);
  unlink(f->file);
  snprintf(name, sizeof(name), "%s-wal", f->file);
  unlink(name);
  snprintf(name, sizeof(name), "%s-shm", f->file);
  unlink(name);
  test_free(f);
  return 0;
}

static void refresh(struct fixture *f, bool force) {
  assert_int_equal(us_db_begin_read(f->cx, f->db), US_OK);
  assert_int_equal(us_snapshot_refresh(f->cx, force), US_OK);
  us_db_end_read(f->cx, f->db);
}

struct create {
  struct fixture *f;
  const char *path;
};
static enum us_code create_step(struct us_cx *cx, void *self) {
  const struct create *c = self;
  int64_t id;
  return us_realm_create(cx, unit_str(c->path), true, strcmp(c->path, "/") != 0, c->f->rs256, c->f->es256, &id);
}
static void create(struct fixture *f, const char *path) {
  struct create c = {f, path};
  assert_int_equal(us_db_transact(f->cx, f->db, create_step, &c), US_OK);
}

static void an_empty_store_has_no_realm(void **state) {
  struct fixture *f = *state;
  refresh(f, true);
  const struct us_snapshot *s = us_snapshot_ref(f->svc.snapshots);
  assert_int_equal(us_snapshot_count(s), 0);
  assert_null(us_snapshot_at(s, 0));
  assert_null(us_snapshot_realm(s, US_STR("/")));
  assert_null(us_snapshot_realm_by_id(s, 1));
  us_snapshot_unref(s);
  us_snapshot_unref(NULL);
}

static void realms_are_found_by_exact_path_and_id(void **state) {
  struct fixture *f = *state;
  static const char *const paths[] = {"/", "/north", "/north/oslo", "/North"};
  for (size_t i = 0; i < 4; i++)
    create(f, paths[i]);
  refresh(f, true);
  const struct us_snapshot *s = us_snapshot_ref(f->svc.snapshots);
  assert_int_equal(us_snapshot_count(s), 4);
  for (size_t i = 0; i < 4; i++) {
    const struct us_realm *realm = us_snapshot_realm(s, unit_str(paths[i]));
    assert_non_null(realm);
    assert_str(realm->path, paths[i]);
    assert_ptr_equal(us_snapshot_realm_by_id(s, realm->id), realm);
    assert_true(realm->has_oauth);
    assert_int_equal(realm->has_uma, i > 0);
    assert_int_equal(realm->key_count, 2);
  }
  static const char *const unknown[] = {"", "/nort", "/northx", "/NORTH", "north", "/north/", "/north/oslo/x"};
  for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
    assert_null(us_snapshot_realm(s, unit_str(unknown[i])));
  assert_null(us_snapshot_realm(s, US_STR_ABSENT));
  us_snapshot_unref(s);
}

/* Protocol contract 1.1, 2.1; Q2. */
static void urls_are_canonical(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *path, *issuer, *uma, *json;
  } rows[] = {
      {"/", "/oauth2", "/uma/realms/root", "/json/realms/root"},
      {"/north", "/oauth2/realms/root/realms/north", "/uma/realms/root/realms/north", "/json/realms/root/realms/north"},
      {"/north/oslo", "/oauth2/realms/root/realms/north/realms/oslo", "/uma/realms/root/realms/north/realms/oslo",
       "/json/realms/root/realms/north/realms/oslo"},
  };
  for (size_t i = 0; i < 3; i++)
    create(f, rows[i].path);
  refresh(f, true);
  const struct us_snapshot *s = us_snapshot_ref(f->svc.snapshots);
  for (size_t i = 0; i < 3; i++) {
    const struct us_realm *realm = us_snapshot_realm(s, unit_str(rows[i].path));
    struct us_str base = US_STR("https://as.usher.test:8443/am");
    assert_non_null(realm);
    assert_str(realm->base_url, base.p);
    assert_str(realm->issuer, us_str_fmt(f->cx->mem, "%s%s", base.p, rows[i].issuer).p);
    assert_str(realm->oauth_url, realm->issuer.p);
    assert_str(realm->uma_url, us_str_fmt(f->cx->mem, "%s%s", base.p, rows[i].uma).p);
    assert_str(realm->json_url, us_str_fmt(f->cx->mem, "%s%s", base.p, rows[i].json).p);
  }
  us_snapshot_unref(s);
}

struct change {
  const char *name, *value;
};
static enum us_code set_step(struct us_cx *cx, void *self) {
  const struct change *c = self;
  const struct us_snapshot *s = us_snapshot_ref(cx->svc->snapshots);
  enum us_code code = us_setting_set(cx, us_snapshot_realm(s, US_STR("/")), unit_str(c->name), unit_str(c->value));
  us_snapshot_unref(s);
  return code;
}
static enum us_code set(struct fixture *f, const char *name, const char *value) {
  struct change c = {name, value};
  return us_db_transact(f->cx, f->db, set_step, &c);
}
static int64_t ticket_life(struct fixture *f) {
  const struct us_snapshot *s = us_snapshot_ref(f->svc.snapshots);
  int64_t life = us_snapshot_realm(s, US_STR("/"))->settings.permission_ticket_s;
  us_snapshot_unref(s);
  return life;
}

static void a_change_is_seen_and_what_is_held_stays(void **state) {
  struct fixture *f = *state;
  create(f, "/");
  refresh(f, false);
  const struct us_snapshot *held = us_snapshot_ref(f->svc.snapshots);
  assert_int_equal(set(f, "permissionTicketLifetime", "77"), US_OK);
  assert_int_equal(ticket_life(f), 120);
  refresh(f, false);
  assert_int_equal(ticket_life(f), 77);
  assert_int_equal(us_snapshot_realm(held, US_STR("/"))->settings.permission_ticket_s, 120);
  us_snapshot_unref(held);
  assert_int_equal(set(f, "permissionTicketLifetime", "120"), US_OK); /* the default again */
  refresh(f, false);
  assert_int_equal(ticket_life(f), 120);
}

static void nothing_is_read_again_without_a_change(void **state) {
  struct fixture *f = *state;
  create(f, "/");
  refresh(f, true);
  const struct us_snapshot *first = us_snapshot_ref(f->svc.snapshots);
  refresh(f, false);
  const struct us_snapshot *second = us_snapshot_ref(f->svc.snapshots);
  assert_ptr_equal(first, second);
  f->svc.base_url = US_STR("http://127.0.0.1:9/am");
  refresh(f, true); /* by force: the base URL is not in the store */
  const struct us_snapshot *third = us_snapshot_ref(f->svc.snapshots);
  assert_str(us_snapshot_at(third, 0)->issuer, "http://127.0.0.1:9/am/oauth2");
  assert_ptr_equal(us_snapshot_at(third, 0)->keys[0].key, us_snapshot_at(first, 0)->keys[0].key); /* keys are shared */
  us_snapshot_unref(first);
  us_snapshot_unref(second);
  us_snapshot_unref(third);
}

static void bad_settings_are_refused_with_their_name(void **state) {
  struct fixture *f = *state;
  create(f, "/");
  refresh(f, true);
  assert_int_equal(set(f, "permissionTicketLifetime", "0"), US_E_INVALID_REQUEST);
  assert_str(f->cx->err.text, "permissionTicketLifetime: is out of range");
  assert_int_equal(set(f, "nope", "1"), US_E_INVALID_REQUEST);
  assert_str(f->cx->err.text, "There is no setting of this name");
  assert_int_equal(set(f, "rptLifetime", "3600"), US_OK); /* retired: ignored */
  refresh(f, false);
  assert_int_equal(ticket_life(f), 120);
}

static enum us_code damage_step(struct us_cx *cx, void *self) {
  static const char sql[] = "INSERT INTO setting (realm_id, name, value) SELECT id, $1, $2 FROM realm";
  const struct change *c = self;
  enum us_code code = us_sql_run(cx, NULL, sql, "cc", c->name, c->value);
  return code == US_OK ? us_config_bump(cx) : code;
}
/* What another version left behind does not stop the server. */
static void stored_nonsense_leaves_the_default(void **state) {
  struct fixture *f = *state;
  struct change rows[] = {{"permissionTicketLifetime", "soon"}, {"ofTheFuture", "1"}};
  create(f, "/");
  for (size_t i = 0; i < 2; i++)
    assert_int_equal(us_db_transact(f->cx, f->db, damage_step, &rows[i]), US_OK);
  refresh(f, false);
  assert_int_equal(ticket_life(f), 120);
}

struct walk {
  size_t n;
  bool has_changed_one;
};
static void each(void *self, const char *name, struct us_str value, struct us_str default_value, const char *meaning) {
  struct walk *walk = self;
  walk->n++;
  assert_non_null(meaning);
  if (strcmp(name, "codeLifetime") == 0) {
    assert_str(value, "60");
    assert_str(default_value, "120");
    walk->has_changed_one = true;
  } else {
    assert_true(us_str_eq(value, default_value));
  }
}
static void settings_are_walked_in_order(void **state) {
  struct fixture *f = *state;
  struct walk walk = {0};
  create(f, "/");
  refresh(f, true);
  assert_int_equal(set(f, "codeLifetime", "60"), US_OK);
  refresh(f, false);
  const struct us_snapshot *s = us_snapshot_ref(f->svc.snapshots);
  assert_int_equal(us_settings_each(f->cx, us_snapshot_at(s, 0), each, &walk), US_OK);
  assert_true(walk.n > 30 && walk.has_changed_one);
  us_snapshot_unref(s);
}

struct readers {
  struct us_snapshot_box *box;
  atomic_bool stop;
};
static void *read_on(void *self) {
  struct readers *r = self;
  size_t seen = 0;
  do {
    const struct us_snapshot *s = us_snapshot_ref(r->box);
    const struct us_realm *realm = us_snapshot_at(s, 0);
    seen += realm != NULL && realm->issuer.n > 0 && us_key_alg(realm->keys[0].key) != US_ALG_NONE;
    us_snapshot_unref(s);
  } while (!atomic_load(&r->stop));
  return seen > 0 ? self : NULL;
}
/* Threads hold what they were given while others are published; run under ThreadSanitizer too. */
static void readers_and_a_writer_do_not_meet(void **state) {
  struct fixture *f = *state;
  struct readers readers = {.box = f->svc.snapshots};
  pthread_t threads[3];
  create(f, "/");
  refresh(f, true);
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, read_on, &readers), 0);
  for (int i = 0; i < 50; i++)
    refresh(f, true);
  atomic_store(&readers.stop, true);
  for (size_t i = 0; i < 3; i++) {
    void *result = NULL;
    pthread_join(threads[i], &result);
    assert_non_null(result);
  }
}

int main(void) {
#define WITH(test) cmocka_unit_test_setup_teardown(test, up, down)
  const struct CMUnitTest tests[] = {
      WITH(an_empty_store_has_no_realm),
      WITH(realms_are_found_by_exact_path_and_id),
      WITH(urls_are_canonical),
      WITH(a_change_is_seen_and_what_is_held_stays),
      WITH(nothing_is_read_again_without_a_change),
      WITH(bad_settings_are_refused_with_their_name),
      WITH(stored_nonsense_leaves_the_default),
      WITH(settings_are_walked_in_order),
      WITH(readers_and_a_writer_do_not_meet),
  };
  return UNIT_RUN(tests);
}
