/* Realms and people for stories about who may act (REST contract b.6): everybody's password is that of the demo world. */
#ifndef USHER_FLOW_PEOPLE_H
#define USHER_FLOW_PEOPLE_H

#include "flow/crest.h"

#include "crypto/key.h"
#include "domain/account.h"
#include "domain/realm.h"
#include "domain/snapshot.h"

struct people_step {
  const char *realm, *name;
  bool is_admin;
  struct us_account account;
  enum us_code (*change)(struct us_cx *cx, struct us_account *account);
};
static inline int64_t people_realm_id(struct us_cx *cx, const char *path) {
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  const struct us_realm *realm = us_snapshot_realm(snapshot, us_str_c(path));
  int64_t id = realm ? realm->id : 0;
  us_snapshot_unref(snapshot);
  assert_true(id > 0);
  return id;
}

static inline enum us_code add_realm_step(struct us_cx *cx, void *self) {
  struct people_step *step = self;
  struct us_str rs256, es256;
  int64_t id;
  assert_int_equal(us_key_generate(cx, US_ALG_RS256, &rs256), US_OK);
  assert_int_equal(us_key_generate(cx, US_ALG_ES256, &es256), US_OK);
  return us_realm_create(cx, us_str_c(step->realm), true, true, rs256, es256, &id);
}
static inline void add_realm(struct us_world *w, const char *path) {
  struct people_step step = {.realm = path};
  us_world_advance_ms(w, 1);
  assert_int_equal(us_world_transact(w, add_realm_step, &step), US_OK);
}

static inline enum us_code add_person_step(struct us_cx *cx, void *self) {
  struct people_step *step = self;
  struct us_account alice;
  int64_t id;
  US_TRY(us_account_by_name(cx, people_realm_id(cx, "/alpha"), US_STR("alice"), &alice));
  struct us_account_new in = {
      .name = us_str_c(step->name), .password_hash = alice.password_hash, .is_admin = step->is_admin};
  return us_account_create(cx, people_realm_id(cx, step->realm), &in, &id);
}
static inline void add_person(struct us_world *w, const char *realm, const char *name, bool is_admin) {
  struct people_step step = {.realm = realm, .name = name, .is_admin = is_admin};
  us_world_advance_ms(w, 1);
  assert_int_equal(us_world_transact(w, add_person_step, &step), US_OK);
}

static inline enum us_code change_person_step(struct us_cx *cx, void *self) {
  struct people_step *step = self;
  US_TRY(us_account_by_name(cx, people_realm_id(cx, step->realm), us_str_c(step->name), &step->account));
  return step->change(cx, &step->account);
}
static inline void change_person(struct us_world *w, const char *name,
                                 enum us_code (*change)(struct us_cx *cx, struct us_account *account)) {
  struct people_step step = {.realm = "/alpha", .name = name, .change = change};
  us_world_advance_ms(w, 1);
  assert_int_equal(us_world_transact(w, change_person_step, &step), US_OK);
}

/* ".../json/realms/root/realms/a/realms/b/" of "/a/b". */
static inline const char *json_url(struct us_world *w, const char *realm) {
  const char *text = "/am/json/realms/root/";
  for (const char *p = realm; *p == '/' && p[1] != '\0';) {
    const char *end = strchrnul(p + 1, '/');
    text = us_text(w, "%srealms/%.*s/", text, (int)(end - p - 1), p + 1);
    p = end;
  }
  return text;
}
static inline const char *sso_in(struct us_world *w, const char *realm, const char *user) {
  struct us_reply r = us_send(w, "POST", us_text(w, "%sauthenticate", json_url(w, realm)),
                              us_text(w,
                                      "X-OpenAM-Username: %s\nX-OpenAM-Password: Ch4ng31t\n"
                                      "Content-Type: application/json",
                                      user),
                              "{}");
  assert_status(r, 200);
  return us_reply_str(&r, "tokenId");
}

#endif
