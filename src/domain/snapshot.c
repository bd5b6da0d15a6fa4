/*
 * The configuration as one immutable value: see snapshot.h. A snapshot lives in memory of its own. Keys are shared between
 * snapshots, because parsing an RSA key costs more than everything else here and a key never changes under its id.
 */
#include "domain/snapshot.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "crypto/box.h"
#include "crypto/key.h"
#include "domain/settings.h"
#include "domain/signing_key.h"
#include "store/realms.h"

#define US_SNAPSHOT_MAX_BYTES (256u * 1024 * 1024)
#define US_CLOCK_SKEW_S 60

struct shared_key {
  atomic_int refs;
  int64_t id;
  struct us_key *key;
};
struct us_snapshot {
  atomic_int refs;
  void *mem;
  int64_t config_rev;
  struct us_str store_key;
  struct us_realm *realms; /* by path */
  size_t realm_count;
  struct shared_key **keys; /* by id */
  size_t key_count;
};
struct us_snapshot_box {
  pthread_mutex_t lock;
  struct us_snapshot *current; /* never NULL */
};

static void shared_key_unref(struct shared_key *shared) {
  if (shared == NULL || atomic_fetch_sub(&shared->refs, 1) != 1)
    return;
  us_key_free(shared->key);
  free(shared);
}

static struct us_snapshot *snapshot_new(void) {
  struct us_snapshot *s = calloc(1, sizeof(*s));
  if (s == NULL)
    return NULL;
  atomic_init(&s->refs, 1);
  s->mem = us_mem_root_new(0, US_SNAPSHOT_MAX_BYTES);
  if (s->mem != NULL)
    return s;
  free(s);
  return NULL;
}

static void snapshot_free(struct us_snapshot *s) {
  for (size_t i = 0; i < s->key_count; i++)
    shared_key_unref(s->keys[i]);
  us_mem_free(s->mem);
  free(s);
}

struct us_snapshot_box *us_snapshot_box_new(void) {
  struct us_snapshot_box *box = calloc(1, sizeof(*box));
  if (box == NULL)
    return NULL;
  box->current = snapshot_new();
  if (box->current != NULL && pthread_mutex_init(&box->lock, NULL) == 0)
    return box;
  if (box->current != NULL)
    snapshot_free(box->current);
  free(box);
  return NULL;
}

void us_snapshot_box_free(struct us_snapshot_box *box) {
  if (box == NULL)
    return;
  us_snapshot_unref(box->current);
  pthread_mutex_destroy(&box->lock);
  free(box);
}

const struct us_snapshot *us_snapshot_ref(struct us_snapshot_box *box) {
  pthread_mutex_lock(&box->lock);
  struct us_snapshot *s = box->current;
  atomic_fetch_add(&s->refs, 1);
  pthread_mutex_unlock(&box->lock);
  return s;
}

void us_snapshot_unref(const struct us_snapshot *snapshot) {
  struct us_snapshot *s = (struct us_snapshot *)(uintptr_t)snapshot; /* only the count is written */
  if (s != NULL && atomic_fetch_sub(&s->refs, 1) == 1)
    snapshot_free(s);
}

int64_t us_snapshot_config_rev(const struct us_snapshot *snapshot) {
  return snapshot->config_rev;
}

size_t us_snapshot_count(const struct us_snapshot *snapshot) {
  return snapshot->realm_count;
}

const struct us_realm *us_snapshot_at(const struct us_snapshot *snapshot, size_t index) {
  return index < snapshot->realm_count ? &snapshot->realms[index] : NULL;
}

struct us_str us_snapshot_store_key(const struct us_snapshot *snapshot) {
  return snapshot->store_key;
}

static int compare_str(struct us_str a, struct us_str b) {
  size_t n = a.n < b.n ? a.n : b.n;
  int c = n > 0 ? memcmp(a.p, b.p, n) : 0;
  return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

static int compare_realms(const void *a, const void *b) {
  const struct us_realm *x = a, *y = b;
  return compare_str(x->path, y->path);
}

const struct us_realm *us_snapshot_realm(const struct us_snapshot *snapshot, struct us_str path) {
  struct us_realm wanted = {.path = path};
  if (snapshot->realm_count == 0 || path.p == NULL)
    return NULL;
  return bsearch(&wanted, snapshot->realms, snapshot->realm_count, sizeof(wanted), compare_realms);
}

const struct us_realm *us_snapshot_realm_by_id(const struct us_snapshot *snapshot, int64_t id) {
  for (size_t i = 0; i < snapshot->realm_count; i++) {
    if (snapshot->realms[i].id == id)
      return &snapshot->realms[i];
  }
  return NULL;
}

/* What one refresh reads, in the request's memory. */
struct loading {
  struct us_snapshot *to;
  const struct us_snapshot *from; /* the one before, for its keys */
  struct us_realm_row *realms;
  size_t realm_count;
  struct us_setting_row *settings;
  size_t setting_count;
  struct us_signing_key_row *keys;
  size_t key_count;
};

/* "/a/b" to "/realms/root/realms/a/realms/b": the canonical form, whichever was asked for (protocol contract 1.1). */
static struct us_str canonical(void *mem, struct us_str path) {
  struct us_str text = US_STR("/realms/root");
  size_t start = 1;
  for (size_t i = 1; i <= path.n && path.n > 1; i++) {
    if (i < path.n && path.p[i] != '/')
      continue;
    text = us_str_fmt(mem, "%.*s/realms/%.*s", US_STR_ARG(text), (int)(i - start), path.p + start);
    start = i + 1;
  }
  return text;
}

static void make_urls(void *mem, struct us_str base, struct us_realm *realm) {
  struct us_str tail = canonical(mem, realm->path);
  bool is_top = us_str_eq_c(realm->path, "/");
  realm->base_url = us_str_dup(mem, base);
  realm->issuer = us_str_fmt(mem, "%.*s/oauth2%.*s", US_STR_ARG(base), US_STR_ARG(is_top ? US_STR("") : tail));
  realm->oauth_url = realm->issuer;
  realm->uma_url = us_str_fmt(mem, "%.*s/uma%.*s", US_STR_ARG(base), US_STR_ARG(tail));
  realm->json_url = us_str_fmt(mem, "%.*s/json%.*s", US_STR_ARG(base), US_STR_ARG(tail));
}

/* A stored value that no longer fits (an older or newer version wrote it) leaves the default and a warning. */
static void apply_setting(struct loading *l, const struct us_setting_row *row, struct us_realm *realm) {
  const struct us_setting *setting = us_setting_find(row->name);
  const char *problem =
      setting ? us_setting_parse(l->to->mem, setting, row->value, &realm->settings) : "is not a setting";
  if (problem != NULL)
    us_log(US_LOG_WARN, "setting", "realm %.*s: %.*s %s; ignored", US_STR_ARG(realm->path), US_STR_ARG(row->name),
           problem);
}

static bool takes_any_session(const struct us_realm *realm) {
  return realm != NULL && realm->settings.interactive_claims && us_settings_claims_journey(&realm->settings).p == NULL;
}
/* Protocol contract Q31; once, not with every change of something else. */
static void warn_of_claims(const struct loading *l, const struct us_realm *realm) {
  if (takes_any_session(realm) && !takes_any_session(us_snapshot_realm_by_id(l->from, realm->id)))
    us_log(US_LOG_WARN, "setting",
           "realm %.*s: interactiveClaimsGatheringEnabled without claimsGatheringService; any session of a user of the "
           "realm says who the requesting party is",
           US_STR_ARG(realm->path));
}

static int compare_shared(const void *a, const void *b) {
  const struct shared_key *x = *(struct shared_key *const *)a, *y = *(struct shared_key *const *)b;
  return (x->id > y->id) - (x->id < y->id);
}

static enum us_code take_key(struct us_cx *cx, struct loading *l, const struct us_signing_key_row *row,
                             struct us_key **ret_key) {
  struct shared_key wanted = {.id = row->id}, *wanted_at = &wanted;
  struct shared_key **known = l->from->key_count == 0 ? NULL
                                                      : bsearch(&wanted_at, l->from->keys, l->from->key_count,
                                                                sizeof(*l->from->keys), compare_shared);
  struct shared_key *shared = known ? *known : calloc(1, sizeof(*shared));
  if (shared == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  if (known != NULL) {
    atomic_fetch_add(&shared->refs, 1);
  } else {
    atomic_init(&shared->refs, 1);
    shared->id = row->id;
    enum us_code code = us_signing_key_open(cx, row->id, row->jwk, &shared->key);
    if (code != US_OK) {
      free(shared);
      return code;
    }
  }
  l->to->keys[l->to->key_count++] = shared;
  *ret_key = shared->key;
  return US_OK;
}

/* Since when nothing that the key signed is alive: JW-19. */
static int64_t verifies_until(const struct us_signing_key_row *row) {
  return row->is_active ? 0 : row->retired_ms / 1000 + row->token_s + US_SIGNING_KEY_SKEW_S;
}

static enum us_code load_keys(struct us_cx *cx, struct loading *l, struct us_realm *realm) {
  size_t n = 0;
  for (size_t i = 0; i < l->key_count; i++)
    n += l->keys[i].realm_id == realm->id;
  struct us_realm_key *keys = us_mem_array(l->to->mem, n, sizeof(*keys));
  if (keys == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  realm->keys = keys;
  for (size_t i = 0; i < l->key_count; i++) {
    const struct us_signing_key_row *row = &l->keys[i];
    int64_t until = verifies_until(row);
    if (row->realm_id != realm->id || (until != 0 && until < us_cx_now_s(cx)))
      continue;
    struct us_realm_key *key = &keys[realm->key_count];
    *key = (struct us_realm_key){.id = row->id,
                                 .is_active = row->is_active,
                                 .created_ms = row->created_ms,
                                 .starts_ms = row->starts_ms,
                                 .retired_ms = row->retired_ms,
                                 .verifies_until_s = until};
    US_TRY(take_key(cx, l, row, &key->key));
    realm->key_count++;
  }
  return US_OK;
}

static enum us_code build_realm(struct us_cx *cx, struct loading *l, const struct us_realm_row *row,
                                struct us_realm *realm) {
  void *mem = l->to->mem;
  realm->id = row->id;
  realm->path = us_str_dup(mem, row->path);
  realm->has_oauth = row->has_oauth;
  realm->has_uma = row->has_uma;
  if (!us_settings_init(mem, &realm->settings))
    return us_fail_plain(cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < l->setting_count; i++) {
    if (l->settings[i].realm_id == row->id)
      apply_setting(l, &l->settings[i], realm);
  }
  warn_of_claims(l, realm);
  make_urls(mem, cx->svc->base_url, realm);
  return load_keys(cx, l, realm);
}

static enum us_code load_store_key(struct us_cx *cx, struct us_snapshot *s) {
  struct us_str sealed = US_STR_ABSENT, text;
  enum us_code code = us_store_key_row(cx, &sealed);
  if (code == US_E_NOT_FOUND) { /* no realm yet */
    us_error_clear(cx);
    return US_OK;
  }
  US_TRY(code);
  US_TRY(us_box_open(cx, cx->svc->box, US_STORE_KEY_PLACE, sealed, &text));
  char *copy = us_mem_secret(s->mem, text.n + 1);
  if (copy == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  memcpy(copy, text.p, text.n);
  s->store_key = (struct us_str){copy, text.n};
  return US_OK;
}

static enum us_code build(struct us_cx *cx, struct loading *l) {
  struct us_snapshot *s = l->to;
  US_TRY(us_realm_rows(cx, &l->realms, &l->realm_count));
  US_TRY(us_setting_rows(cx, &l->settings, &l->setting_count));
  US_TRY(us_signing_key_rows(cx, &l->keys, &l->key_count));
  US_TRY(load_store_key(cx, s));
  s->realms = us_mem_array(s->mem, l->realm_count, sizeof(*s->realms));
  s->keys = us_mem_array(s->mem, l->key_count, sizeof(struct shared_key *));
  if (s->realms == NULL || s->keys == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < l->realm_count; i++) {
    US_TRY(build_realm(cx, l, &l->realms[i], &s->realms[i]));
    s->realm_count++;
  }
  qsort(s->realms, s->realm_count, sizeof(*s->realms), compare_realms); /* whatever order the database keeps */
  qsort(s->keys, s->key_count, sizeof(struct shared_key *), compare_shared);
  return us_mem_is_spent(s->mem) ? us_fail_plain(cx, US_E_NO_MEMORY) : US_OK;
}

/* Two may refresh at once; the one that read the older configuration gives way. */
static void publish(struct us_snapshot_box *box, struct us_snapshot *s) {
  struct us_snapshot *old = s;
  pthread_mutex_lock(&box->lock);
  if (s->config_rev >= box->current->config_rev) {
    old = box->current;
    box->current = s;
  }
  pthread_mutex_unlock(&box->lock);
  us_snapshot_unref(old);
}

enum us_code us_snapshot_refresh(struct us_cx *cx, bool force) {
  struct us_snapshot_box *box = cx->svc->snapshots;
  int64_t rev = 0;
  US_TRY(us_config_rev_read(cx, &rev));
  const struct us_snapshot *from = us_snapshot_ref(box);
  if (!force && from->config_rev == rev) {
    us_snapshot_unref(from);
    return US_OK;
  }
  struct loading l = {.to = snapshot_new(), .from = from};
  if (l.to == NULL) {
    us_snapshot_unref(from);
    return us_fail_plain(cx, US_E_NO_MEMORY);
  }
  enum us_code code = build(cx, &l);
  us_snapshot_unref(from);
  if (code != US_OK) {
    us_snapshot_unref(l.to);
    return code;
  }
  l.to->config_rev = rev;
  publish(box, l.to);
  return US_OK;
}

enum us_code us_config_bump(struct us_cx *cx) {
  return us_config_rev_bump(cx);
}
