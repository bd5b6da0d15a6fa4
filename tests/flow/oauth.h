/* Words that the stories of the OAuth side share: forms, credentials, clients made for one story. */
#ifndef USHER_FLOW_OAUTH_H
#define USHER_FLOW_OAUTH_H

#include "flow/flow.h"

#include "base/mem.h"
#include "crypto/password.h"
#include "domain/account.h"
#include "domain/client.h"
#include "domain/snapshot.h"
#include "store/sql.h"

#define RS1 "UMA-Resource-Server"
#define RS2 "UMA-Resource-Server-2"
#define C1 "UMA-Client"
#define C2 "UMA-Client-2"
#define P1 "Public-Client"
#define TOKEN ALPHA_OAUTH "access_token"
#define INTROSPECT ALPHA_OAUTH "introspect"
#define REVOKE ALPHA_OAUTH "token/revoke"
#define ALPHA_ISSUER WORLD_BASE "/oauth2/realms/root/realms/alpha"
#define FORM_TYPE "Content-Type: application/x-www-form-urlencoded"
#define INVALID_GRANT_TEXT "The provided access grant is invalid, expired, or revoked."

static inline struct us_reply send_form(struct us_world *w, const char *target, const char *headers, const char *body) {
  return us_send(w, "POST", target, headers ? us_text(w, FORM_TYPE "\n%s", headers) : FORM_TYPE, body);
}

/* As a confidential client of the demo world, by form. `text` is the rest of the form. */
static inline struct us_reply as_client(struct us_world *w, const char *target, const char *client, const char *text) {
  return send_form(w, target, NULL, us_text(w, "%s&client_id=%s&client_secret=mySecret", text, us_enc(w, client)));
}
static inline struct us_reply token(struct us_world *w, const char *client, const char *text) {
  return as_client(w, TOKEN, client, text);
}
static inline struct us_reply password(struct us_world *w, const char *user, const char *client, const char *scope) {
  return token(w, client,
               us_text(w, "grant_type=password&username=%s&password=Ch4ng31t&scope=%s", us_enc(w, user), scope));
}
static inline struct us_reply refresh(struct us_world *w, const char *client, const char *refresh_token,
                                      const char *more) {
  return token(w, client, us_text(w, "grant_type=refresh_token&refresh_token=%s%s", refresh_token, more ? more : ""));
}
static inline struct us_reply look(struct us_world *w, const char *client, const char *text) {
  return as_client(w, INTROSPECT, client, us_text(w, "token=%s", us_enc(w, text)));
}

/* A string member that must be there. */
static inline const char *take(struct us_reply r, const char *member) {
  assert_status(r, 200);
  assert_string_not_equal(us_reply_str(&r, member), "");
  return us_reply_str(&r, member);
}
static inline bool is_active(struct us_reply r) {
  assert_status(r, 200);
  return json_is_true(json_object_get(r.json, "active"));
}
static inline const char *description(struct us_reply r) {
  return us_reply_str(&r, "error_description");
}
#define expect_status(reply, wanted) us_expect((reply), (wanted), NULL, __FILE__, __LINE__)
#define expect_error(reply, wanted, oauth_error) us_expect((reply), (wanted), (oauth_error), __FILE__, __LINE__)
static inline void us_expect(struct us_reply r, int wanted, const char *oauth_error, const char *file, int line) {
  if (oauth_error)
    us_assert_error(&r, wanted, oauth_error, file, line);
  else
    us_assert_status(&r, wanted, file, line);
}

/* Standard base64, for Basic. */
static inline const char *base64(struct us_world *w, const char *text) {
  static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const char *out = "";
  size_t n = strlen(text);
  for (size_t i = 0; i < n; i += 3) {
    unsigned v = (unsigned)(unsigned char)text[i] << 16 | (i + 1 < n ? (unsigned)(unsigned char)text[i + 1] << 8 : 0) |
                 (i + 2 < n ? (unsigned)(unsigned char)text[i + 2] : 0);
    out = us_text(w, "%s%c%c%c%c", out, set[v >> 18], set[v >> 12 & 63], i + 1 < n ? set[v >> 6 & 63] : '=',
                  i + 2 < n ? set[v & 63] : '=');
  }
  return out;
}
static inline const char *basic_raw(struct us_world *w, const char *joined) {
  return us_text(w, "Authorization: Basic %s", base64(w, joined));
}
static inline const char *basic(struct us_world *w, const char *id, const char *secret) {
  return basic_raw(w, us_text(w, "%s:%s", us_enc(w, id), us_enc(w, secret)));
}

/* Realm /alpha now; valid until the next change of configuration. */
static inline const struct us_realm *alpha(struct us_world *w) {
  const struct us_snapshot *snapshot = us_snapshot_ref(us_world_services(w)->snapshots);
  const struct us_realm *realm = us_snapshot_realm(snapshot, US_STR("/alpha"));
  us_snapshot_unref(snapshot);
  assert_non_null(realm);
  return realm;
}

/* A client for one story: words with blanks between. `secret` NULL: public. */
struct new_client {
  const char *id, *secret, *method, *grants, *scopes, *default_scopes, *redirect_uris, *alg;
  int64_t access_token_s;
};
struct client_step {
  struct us_world *w;
  const struct new_client *in;
};
static inline struct us_strs words(void *mem, const char *text) {
  struct us_strs set = {NULL, 0};
  if (text)
    assert_true(us_str_split(mem, us_str_c(text), ' ', 512, &set));
  return set;
}
static inline enum us_code create_client_step(struct us_cx *cx, void *self) {
  const struct client_step *step = self;
  const struct new_client *in = step->in;
  char hash[US_PASSWORD_HASH_BYTES] = "";
  int64_t ref = 0;
  if (in->secret)
    assert_int_equal(us_password_hash(cx, us_str_c(in->secret), hash), US_OK);
  struct us_client client = {
      .client_id = us_str_c(in->id),
      .secret_hash = in->secret ? us_str_c(hash) : US_STR_ABSENT,
      .is_public = !in->secret,
      .is_active = true,
      .auth_method = us_str_c(in->method),
      .grants = words(cx->mem, in->grants),
      .scopes = words(cx->mem, in->scopes),
      .default_scopes = words(cx->mem, in->default_scopes),
      .redirect_uris = words(cx->mem, in->redirect_uris),
      .id_token_alg = us_str_c(in->alg),
      .access_token_s = in->access_token_s,
  };
  enum us_code code = us_client_create(cx, alpha(step->w)->id, &client, &ref);
  if (code != US_OK)
    fail_msg("client %s: %.*s", in->id, US_STR_ARG(cx->err.text));
  return code;
}
static inline void create_client(struct us_world *w, struct new_client in) {
  struct client_step step = {w, &in};
  us_world_advance_ms(w, 1); /* a world's ids begin where those of its template began */
  assert_int_equal(us_world_transact(w, create_client_step, &step), US_OK);
}

/* Changes one client in the way `change` does. */
typedef void (*client_change_fn)(struct us_cx *cx, struct us_client *client);
struct change_step {
  struct us_world *w;
  const char *id;
  client_change_fn change;
};
static inline enum us_code change_client_step(struct us_cx *cx, void *self) {
  struct change_step *step = self;
  struct us_client client;
  assert_int_equal(us_client_by_id(cx, alpha(step->w)->id, us_str_c(step->id), &client), US_OK);
  step->change(cx, &client);
  return us_client_update(cx, &client);
}
static inline void change_client(struct us_world *w, const char *id, client_change_fn change) {
  struct change_step step = {w, id, change};
  assert_int_equal(us_world_transact(w, change_client_step, &step), US_OK);
}
static inline enum us_code delete_client_step(struct us_cx *cx, void *self) {
  struct change_step *step = self;
  struct us_client client;
  assert_int_equal(us_client_by_id(cx, alpha(step->w)->id, us_str_c(step->id), &client), US_OK);
  return us_client_delete(cx, &client, alpha(step->w));
}
static inline void delete_client(struct us_world *w, const char *id) {
  struct change_step step = {w, id, NULL};
  assert_int_equal(us_world_transact(w, delete_client_step, &step), US_OK);
}
static inline enum us_code delete_account_step(struct us_cx *cx, void *self) {
  struct change_step *step = self;
  struct us_account account;
  assert_int_equal(us_account_by_name(cx, alpha(step->w)->id, us_str_c(step->id), &account), US_OK);
  return us_account_delete(cx, &account);
}
static inline void delete_account(struct us_world *w, const char *name) {
  struct change_step step = {w, name, NULL};
  assert_int_equal(us_world_transact(w, delete_account_step, &step), US_OK);
}
static inline enum us_code switch_off_step(struct us_cx *cx, void *self) {
  static const char sql[] = "UPDATE account SET is_active = 0 WHERE name_key = $1";
  struct change_step *step = self;
  int64_t n = 0;
  enum us_code code = us_sql_run(cx, &n, sql, "c", step->id);
  assert_int_equal(n, 1);
  return code;
}
static inline void switch_off_account(struct us_world *w, const char *name_key) {
  struct change_step step = {w, name_key, NULL};
  assert_int_equal(us_world_transact(w, switch_off_step, &step), US_OK);
}

#endif
