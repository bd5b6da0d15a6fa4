/* Dynamic registration: see registration.h. */
#include "domain/registration.h"

#include "base/mem.h"
#include "crypto/random.h"
#include "domain/client.h"
#include "domain/client_secret.h"
#include "domain/throttle.h"
#include "domain/token.h"
#include "store/clients.h"

bool us_registration_is_on(const struct us_realm *realm) {
  return realm->settings.open_registration || realm->settings.registration_token_scope.n > 0;
}

bool us_client_registered_itself(const struct us_client *client) {
  return client->registration_digest.p != NULL;
}

/* ---- Who may ---- */

enum us_code us_registration_admit(struct us_cx *cx, const struct us_realm *realm, struct us_str authorization,
                                   enum us_registrar *ret_registrar) {
  struct us_str scope = realm->settings.registration_token_scope, token;
  struct us_access access = {0};
  if (realm->settings.open_registration && (scope.n == 0 || !us_bearer_of(authorization, &token))) {
    *ret_registrar = US_REGISTRAR_NOBODY;
    return US_OK;
  }
  US_TRY(us_bearer_check(cx, realm, authorization, scope, &access));
  if (!us_strs_has(access.client_scopes, scope)) /* its client may not have it any more */
    return us_fail_plain(cx, US_E_INVALID_TOKEN);
  *ret_registrar = US_REGISTRAR_TOKEN;
  return US_OK;
}

enum us_code us_registration_find(struct us_cx *cx, const struct us_realm *realm, struct us_str authorization,
                                  struct us_str client_id, struct us_client *ret_client) {
  struct us_client client = {0};
  struct us_str token;
  int64_t ref = 0;
  uint16_t iteration = 0;
  char digest[US_SHA256_TEXT_BYTES];
  if (!us_bearer_of(authorization, &token))
    return us_fail_plain(cx, US_E_NO_TOKEN);
  enum us_code code = us_client_by_id(cx, realm->id, client_id, &client);
  if (code == US_E_NOT_FOUND) /* RFC 7592 2.1 */
    return us_fail_plain(cx, US_E_INVALID_TOKEN);
  US_TRY(code);
  if (!us_handle_parse(token, &ref, &iteration, digest) || ref != client.ref || client.registration_digest.n == 0 ||
      !us_handle_matches(digest, client.registration_digest) || !client.is_active)
    return us_fail_plain(cx, US_E_INVALID_TOKEN);
  *ret_client = client;
  return US_OK;
}

/* ---- How often ---- */

/* What a registration is counted by: the address and the realm; a change: the client. */
struct count {
  struct us_throttle_key who, realm;
  bool has_realm, is_taken;
};

static enum us_code slow_down(struct us_cx *cx, int wait_s) {
  us_fail(cx, US_E_SLOW_DOWN, "Too many registrations. Try again later.");
  cx->err.retry_after_s = wait_s;
  return US_E_SLOW_DOWN;
}

static struct count count_of_new(struct us_cx *cx, const struct us_realm *realm, struct us_str address) {
  struct us_throttle *t = cx->svc->throttle;
  return (struct count){.who = us_throttle_key(t, US_THROTTLE_REGISTRATIONS_OF_ADDRESS, realm->id, address),
                        .realm = us_throttle_key(t, US_THROTTLE_REGISTRATIONS_OF_REALM, realm->id, US_STR("")),
                        .has_realm = true};
}

static struct count count_of_change(struct us_cx *cx, const struct us_realm *realm, const struct us_client *client) {
  struct us_throttle *t = cx->svc->throttle;
  return (struct count){.who = us_throttle_key(t, US_THROTTLE_REGISTRATION_CHANGES, realm->id, client->client_id)};
}

static enum us_code take(struct us_cx *cx, const struct us_settings *s, struct count *count) {
  struct us_throttle *t = cx->svc->throttle;
  int wait_s = 0;
  if (count->is_taken)
    return US_OK;
  wait_s = us_throttle_take(t, &count->who, s->registrations_per_address, s->registrations_window_s, cx->now_ms);
  if (wait_s > 0)
    return slow_down(cx, wait_s);
  if (count->has_realm)
    wait_s = us_throttle_take(t, &count->realm, s->registrations_per_realm, s->registrations_window_s, cx->now_ms);
  if (wait_s > 0) {
    us_throttle_give_back(t, &count->who);
    return slow_down(cx, wait_s);
  }
  count->is_taken = true;
  return US_OK;
}

static void give_back(struct us_cx *cx, const struct count *count) {
  us_throttle_give_back(cx->svc->throttle, &count->who);
  if (count->has_realm)
    us_throttle_give_back(cx->svc->throttle, &count->realm);
}

/* ---- Registering ---- */

/* The statement's word goes before the document's, so the document is read again with it. */
static enum us_code read_document(struct us_cx *cx, const struct us_realm *realm, json_t *document, struct count *count,
                                  struct us_client_metadata *ret_metadata) {
  US_TRY(us_client_metadata_read(cx, document, ret_metadata));
  if (ret_metadata->software_statement.n > 0) {
    US_TRY(take(cx, &realm->settings, count)); /* a signature is checked */
    US_TRY(us_software_statement_apply(cx, realm, ret_metadata->software_statement, document));
    return us_client_metadata_read(cx, document, ret_metadata);
  }
  if (realm->settings.requires_software_statement)
    return us_fail(cx, US_E_INVALID_METADATA, "software_statement: is required");
  return US_OK;
}

/* Its secret, if it is to have one, is made last: until then something that has its form stands for it. */
static enum us_code check(struct us_cx *cx, struct us_client *client) {
  struct us_client probe = *client;
  probe.secret_hash = US_STR_ABSENT;
  probe.sealed_secret = us_str_eq_c(client->auth_method, "client_secret_jwt") ? US_STR("follows") : US_STR_ABSENT;
  US_TRY(us_client_check(cx, &probe, &probe));
  client->id_token_alg = probe.id_token_alg;
  return US_OK;
}

/* Everything that can be wrong is looked for before the expensive part. */
static enum us_code complete(struct us_cx *cx, const struct us_realm *realm, enum us_registrar registrar,
                             const struct us_client_metadata *in, const json_t *document, struct count *count,
                             struct us_registration *r) {
  US_TRY(us_client_metadata_apply(cx, realm, registrar, in, document, &r->client));
  US_TRY(take(cx, &realm->settings, count));
  enum us_code code = check(cx, &r->client);
  if (code != US_OK && r->client.jwks.n == 0 && in->software_statement.n == 0) /* no key was looked at */
    give_back(cx, count);
  US_TRY(code);
  return us_client_provide_secret(cx, &r->client, US_STR_ABSENT, &r->secret);
}

/* SB-16: chosen here, whatever the request says. */
static enum us_code new_client_id(struct us_cx *cx, struct us_str *ret_id) {
  uint8_t random[16];
  char uuid[US_UUID_BYTES];
  us_random(random, sizeof(random));
  us_uuid7_format(cx->now_ms, random, uuid);
  *ret_id = us_str_dup(cx->mem, (struct us_str){uuid, US_UUID_BYTES - 2}); /* without the digit that resources have */
  return ret_id->p == NULL ? us_fail_plain(cx, US_E_NO_MEMORY) : US_OK;
}

enum us_code us_registration_new(struct us_cx *cx, const struct us_realm *realm, enum us_registrar registrar,
                                 struct us_str address, json_t *document, struct us_registration *ret_registration) {
  struct us_client_metadata in;
  struct count count = count_of_new(cx, realm, address);
  struct us_registration r = {.client = {.ref = us_next_id(cx),
                                         .realm_id = realm->id,
                                         .is_active = true,
                                         .created_ms = cx->now_ms,
                                         .registration_digest = US_STR("")}};
  US_TRY(new_client_id(cx, &r.client.client_id));
  US_TRY(read_document(cx, realm, document, &count, &in));
  US_TRY(complete(cx, realm, registrar, &in, document, &count, &r));
  *ret_registration = r;
  if (!realm->settings.generates_registration_tokens)
    return US_OK;
  us_handle_mint(r.client.ref, 0, &ret_registration->token);
  ret_registration->client.registration_digest = us_str_dup(cx->mem, us_str_c(ret_registration->token.digest));
  return ret_registration->client.registration_digest.p == NULL ? us_fail_plain(cx, US_E_NO_MEMORY) : US_OK;
}

/* RFC 7592 2.2: the client says which client it is, and may say its secret. Neither becomes another by that. */
static enum us_code check_own(struct us_cx *cx, const struct us_client *client, const struct us_client_metadata *in) {
  bool is_right = true;
  if (!us_str_eq(in->client_id, client->client_id))
    return us_fail(cx, US_E_INVALID_METADATA, "client_id: %s",
                   in->client_id.n == 0 ? "is required" : "cannot become another");
  if (in->client_secret.n > 0)
    US_TRY(us_client_secret_is(cx, client, in->client_secret, &is_right));
  return is_right ? US_OK : us_fail(cx, US_E_INVALID_METADATA, "client_secret: cannot become another");
}

enum us_code us_registration_renew(struct us_cx *cx, const struct us_realm *realm, const struct us_client *client,
                                   json_t *document, struct us_registration *ret_registration) {
  struct us_client_metadata in;
  struct us_registration r = {0};
  struct count count = count_of_change(cx, realm, client);
  enum us_code code = us_client_by_ref(cx, client->ref, &r.client);
  if (code == US_E_NOT_FOUND ||
      (code == US_OK && (!r.client.is_active || !us_str_eq(r.client.registration_digest, client->registration_digest))))
    return us_fail_plain(cx, US_E_INVALID_TOKEN); /* it ended meanwhile */
  US_TRY(code);
  US_TRY(read_document(cx, realm, document, &count, &in));
  US_TRY(take(cx, &realm->settings, &count)); /* a secret may be looked at */
  US_TRY(check_own(cx, &r.client, &in));
  US_TRY(complete(cx, realm, US_REGISTRAR_CLIENT, &in, document, &count, &r));
  *ret_registration = r;
  return US_OK;
}

enum us_code us_registration_insert(struct us_cx *cx, const struct us_realm *realm, struct us_registration *r) {
  int64_t most = realm->settings.registered_clients_max, n = 0;
  if (most > 0) {
    US_TRY(us_client_rows_registered(cx, realm->id, most, &n));
    if (n >= most)
      return us_fail(cx, US_E_FORBIDDEN, "There are as many registered clients as this realm may have");
  }
  return us_client_insert(cx, realm->id, &r->client);
}

enum us_code us_registration_replace(struct us_cx *cx, const struct us_registration *r) {
  enum us_code code = us_client_replace(cx, &r->client);
  if (code != US_E_CONFLICT)
    return code;
  us_error_clear(cx);
  return us_fail_plain(cx, US_E_STALE);
}
