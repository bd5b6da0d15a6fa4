/*
 * Who is this client? See client_auth.h; protocol contract 1.7. What is shown (an id alone, a secret, an assertion) is found first;
 * then the method that the client is registered with says what is asked of it.
 *
 * Guessing secrets (OA-26) is counted by client and address together, and by address over all clients. So whoever guesses is
 * paused, at his address, for that client and soon for all; the client itself, elsewhere, never notices, and nobody can lock it
 * out. During the pause even the right secret is refused at that address, remembered or not: otherwise the answer would still
 * tell a guesser when he is right, as fast as he can ask.
 */
#include <string.h>

#include "base/mem.h"
#include "crypto/box.h"
#include "crypto/digest.h"
#include "crypto/jws.h"
#include "crypto/password.h"
#include "domain/client.h"
#include "domain/client_assertion.h"
#include "domain/jwt.h"
#include "domain/outside_url.h"
#include "domain/secret.h"
#include "json/field.h"
#include "json/json.h"

#define US_BASIC_MAX_BYTES 4096 /* decoded "id:secret" */

enum shown_kind { SHOWN_ID, SHOWN_SECRET, SHOWN_ASSERTION };
/* What was shown, whichever way. */
struct shown {
  enum shown_kind kind;
  struct us_str client_id;
  struct us_str secret;
  struct us_str assertion;
  struct us_jws_said said; /* the assertion */
  const char *method;      /* SECRET: which of the two */
  bool by_header;
};

const struct us_auth_method us_auth_methods[] = {
    {"client_secret_basic", US_AUTH_NEEDS_SECRET, false, false},
    {"client_secret_post", US_AUTH_NEEDS_SECRET, false, false},
    {"private_key_jwt", US_AUTH_NEEDS_KEYS, true, false},
    {"client_secret_jwt", US_AUTH_NEEDS_SEALED, true, false},
    {"tls_client_auth", US_AUTH_NEEDS_TLS_NAME, false, true},
    {"self_signed_tls_client_auth", US_AUTH_NEEDS_KEYS, false, true},
    {"none", US_AUTH_NEEDS_NOTHING, false, false},
};
const size_t us_auth_method_count = sizeof(us_auth_methods) / sizeof(us_auth_methods[0]);

const struct us_auth_method *us_auth_method_find(struct us_str name) {
  for (size_t i = 0; i < us_auth_method_count; i++) {
    if (us_str_eq_c(name, us_auth_methods[i].name))
      return &us_auth_methods[i];
  }
  return NULL;
}

bool us_auth_method_is_offered(const struct us_services *svc, const struct us_auth_method *method) {
  if (method->need == US_AUTH_NEEDS_SEALED)
    return svc->box != NULL;
  if (method->need == US_AUTH_NEEDS_TLS_NAME)
    return svc->sees_certificates && svc->authorities != NULL;
  return !method->is_certificate || svc->sees_certificates;
}

const char *const *us_assertion_algorithms(const struct us_services *svc) {
  static const char *const algorithms[] = {"RS256", "ES256", "HS256", NULL};
  static const char *const without_secrets[] = {"RS256", "ES256", NULL};
  return svc->box != NULL ? algorithms : without_secrets;
}

static enum us_code refuse(struct us_cx *cx, bool by_header) {
  enum us_code code = us_fail_plain(cx, US_E_INVALID_CLIENT);
  if (by_header)
    cx->err.status = 401; /* RFC 6749 5.2 */
  return code;
}

static enum us_code refuse_mixture(struct us_cx *cx) {
  return us_fail(cx, US_E_INVALID_REQUEST, "Client authentication failed");
}

static enum us_code slow_down(struct us_cx *cx, int wait_s) {
  enum us_code code = us_fail_plain(cx, US_E_SLOW_DOWN);
  cx->err.retry_after_s = wait_s;
  return code;
}

/* RFC 6749 2.3.1: id and secret are form-encoded before they are joined and base64-encoded. */
static enum us_code read_basic(struct us_cx *cx, struct us_str header, struct shown *ret_shown) {
  if (header.n < 6 || !us_str_eq_nocase((struct us_str){header.p, 6}, US_STR("Basic ")))
    return refuse(cx, true);
  struct us_str text = {header.p + 6, header.n - 6};
  while (text.n > 0 && text.p[0] == ' ')
    text = (struct us_str){text.p + 1, text.n - 1};
  char *bytes = us_mem_secret(cx->mem, US_BASIC_MAX_BYTES);
  size_t n = 0;
  if (bytes == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  if (!us_base64_decode(text, bytes, US_BASIC_MAX_BYTES, &n))
    return refuse(cx, true);
  const char *colon = memchr(bytes, ':', n);
  if (colon == NULL)
    return refuse(cx, true);
  struct us_str id = {bytes, (size_t)(colon - bytes)};
  struct us_str secret = {colon + 1, n - id.n - 1};
  if (!us_percent_decode(cx->mem, id, true, &ret_shown->client_id) ||
      !us_percent_decode(cx->mem, secret, true, &ret_shown->secret))
    return refuse(cx, true);
  ret_shown->by_header = true;
  ret_shown->method = "client_secret_basic";
  /* Without a secret: how some libraries send a public client's id. */
  ret_shown->kind = ret_shown->secret.n > 0 ? SHOWN_SECRET : SHOWN_ID;
  return US_OK;
}

/* RFC 7521 4.2: the id may be repeated in the form, and then is the same. */
static enum us_code read_assertion(struct us_cx *cx, const struct us_client_credentials *in, struct shown *ret_shown) {
  if (!us_str_eq_c(in->client_assertion_type, US_ASSERTION_TYPE) || in->client_assertion.n == 0) {
    (void)refuse(cx, false);
    return us_error_detail(cx, "client assertion: of another type, or only half of it");
  }
  ret_shown->kind = SHOWN_ASSERTION;
  ret_shown->assertion = in->client_assertion;
  US_TRY(us_assertion_peek(cx, in->client_assertion, &ret_shown->said, &ret_shown->client_id));
  return in->client_id.n > 0 && !us_str_eq(in->client_id, ret_shown->client_id) ? refuse_mixture(cx) : US_OK;
}

/* One method and no more (OA-07). Values that are empty count as not sent (contract 1.3). A certificate is no second one: it may be
 * there for the tokens that are bound to it. */
static enum us_code read_credentials(struct us_cx *cx, const struct us_client_credentials *in,
                                     struct shown *ret_shown) {
  bool has_assertion = in->client_assertion.n > 0 || in->client_assertion_type.n > 0;
  bool has_secret = in->client_secret.n > 0;
  if (in->authorization.p != NULL) {
    if (has_assertion || has_secret)
      return refuse_mixture(cx);
    US_TRY(read_basic(cx, in->authorization, ret_shown));
    if (in->client_id.n > 0 && !us_str_eq(in->client_id, ret_shown->client_id))
      return refuse_mixture(cx);
    return US_OK;
  }
  if (has_assertion && has_secret)
    return refuse_mixture(cx);
  if (has_assertion)
    return read_assertion(cx, in, ret_shown);
  if (in->client_id.n == 0)
    return refuse(cx, false);
  ret_shown->client_id = in->client_id;
  ret_shown->secret = in->client_secret;
  ret_shown->method = "client_secret_post";
  ret_shown->kind = has_secret ? SHOWN_SECRET : SHOWN_ID;
  return US_OK;
}

struct guesses {
  struct us_throttle_key pair, address;
  struct us_str text; /* of the pair */
};

static struct guesses guesses_of(struct us_cx *cx, const struct us_realm *realm, struct us_str client_id,
                                 struct us_str address) {
  struct us_throttle *t = cx->svc->throttle;
  struct us_str pair = us_str_fmt(cx->mem, "%.*s\n%.*s", US_STR_ARG(client_id), US_STR_ARG(address));
  return (struct guesses){
      .pair = us_throttle_key(t, US_THROTTLE_CLIENT_AT_ADDRESS, realm->id, pair),
      .text = pair,
      .address = us_throttle_key(t, US_THROTTLE_CLIENTS_OF_ADDRESS, realm->id, address),
  };
}

static enum us_code take(struct us_cx *cx, const struct us_settings *s, const struct guesses *g) {
  struct us_throttle *t = cx->svc->throttle;
  int wait_s = us_throttle_take(t, &g->pair, s->failures_per_account, s->failures_window_s, cx->now_ms);
  if (wait_s > 0)
    return slow_down(cx, wait_s);
  wait_s = us_throttle_take(t, &g->address, s->failures_per_address, s->failures_window_s, cx->now_ms);
  if (wait_s == 0)
    return US_OK;
  us_throttle_give_back(t, &g->pair);
  return slow_down(cx, wait_s);
}

/* Is the secret right for a client that may also be unknown (NULL)? Both ways take the same time. */
static enum us_code check_secret(struct us_cx *cx, const struct us_realm *realm, const struct shown *shown,
                                 const struct us_client *client, struct us_str address, bool may_block) {
  struct guesses g = guesses_of(cx, realm, shown->client_id, address);
  int wait_s = us_throttle_wait_s(cx->svc->throttle, &g.pair, realm->settings.failures_per_account, cx->now_ms);
  if (wait_s > 0)
    return slow_down(cx, wait_s);
  if (client != NULL && us_secret_is_known(cx->svc->secrets, client->ref, client->rev, shown->secret))
    return US_OK;
  if (!may_block)
    return us_fail_plain(cx, US_E_TO_POOL);
  US_TRY(take(cx, &realm->settings, &g));
  bool is_right = false;
  if (client != NULL && client->secret_hash.n > 0)
    is_right = us_password_verify(shown->secret, client->secret_hash);
  else
    us_password_burn(shown->secret);
  if (!is_right)
    return refuse(cx, shown->by_header);
  us_throttle_forget(cx->svc->throttle, &g.pair);
  us_throttle_give_back(cx->svc->throttle, &g.address);
  us_secret_remember(cx->svc->secrets, client->ref, client->rev, shown->secret);
  return US_OK;
}

/* May this client be asked for at this address now? Who repeats what was used, or shows what is wrong, is paused. */
static enum us_code wait_for_turn(struct us_cx *cx, const struct us_settings *s, const struct guesses *g,
                                  const struct us_throttle_key *repeats) {
  struct us_throttle *t = cx->svc->throttle;
  int wait_s = us_throttle_wait_s(t, &g->pair, s->failures_per_account, cx->now_ms);
  if (wait_s == 0)
    wait_s = us_throttle_wait_s(t, repeats, s->failures_per_account, cx->now_ms);
  if (wait_s == 0)
    wait_s = us_throttle_wait_s(t, &g->address, s->failures_per_address, cx->now_ms);
  return wait_s == 0 ? US_OK : slow_down(cx, wait_s);
}

/* A signature check costs a tenth of a millisecond: on the loop, and counted when it fails, so that nobody makes us do many. Counted
 * before, as passwords are, a client that asks much at once would pause itself. */
static enum us_code check_assertion(struct us_cx *cx, const struct us_realm *realm, const struct shown *shown,
                                    const struct us_client_credentials *in, bool may_block,
                                    struct us_client_proof *proof) {
  const struct us_client *client = &proof->client;
  const struct us_settings *s = &realm->settings;
  struct us_throttle *t = cx->svc->throttle;
  struct guesses g = guesses_of(cx, realm, shown->client_id, in->address);
  struct us_throttle_key repeats = us_throttle_key(t, US_THROTTLE_ASSERTION_REPEATS, realm->id, g.text);
  const struct us_jwk_set *set = NULL;
  US_TRY(wait_for_turn(cx, s, &g, &repeats));
  enum us_code code = us_assertion_keys(cx, client, &shown->said, may_block, &set, &proof->wanted);
  if (code == US_OK)
    code = us_assertion_judge(cx, realm, client, shown->assertion, in->endpoint_url, &shown->said, set, &proof->use);
  if (code == US_E_INVALID_CLIENT) {
    (void)us_throttle_take(t, &g.pair, s->failures_per_account, s->failures_window_s, cx->now_ms);
    (void)us_throttle_take(t, &g.address, s->failures_per_address, s->failures_window_s, cx->now_ms);
  }
  US_TRY(code);
  us_throttle_forget(t, &g.pair);
  proof->use.repeats = repeats;
  proof->use.address = g.address;
  return US_OK;
}

static enum us_code refuse_certificate(struct us_cx *cx, bool by_header, const char *why) {
  (void)refuse(cx, by_header);
  us_error_detail(cx, "client certificate: %s", why);
  return US_E_INVALID_CLIENT;
}

/* RFC 8705 2.1: an authority vouches for the certificate, and it has the one name that is registered. */
static enum us_code check_name(struct us_cx *cx, const struct us_client *client, const struct us_cert *certificate,
                               bool by_header) {
  enum us_cert_name kind = US_CERT_SUBJECT_DN;
  struct us_str name = US_STR_ABSENT;
  if (!us_cert_is_trusted(certificate, cx->svc->authorities, us_cx_now_s(cx)))
    return refuse_certificate(cx, by_header, "no authority vouches for it now");
  if (!us_client_tls_name(cx, client->tls_names, &kind, &name) || !us_cert_has_name(certificate, kind, name))
    return refuse_certificate(cx, by_header, "it does not have the name that the client registered");
  return US_OK;
}

/* RFC 8705 2.2: it, or its key, is one that the client registered. */
static enum us_code check_registered(struct us_cx *cx, struct us_client_proof *proof, const struct us_cert *certificate,
                                     bool by_header, bool may_block) {
  const struct us_jwk_set *set = NULL;
  struct us_str own = us_cert_thumbprint(certificate), key = us_cert_key_thumbprint(certificate);
  if (!us_cert_is_valid(certificate, us_cx_now_s(cx)))
    return refuse_certificate(cx, by_header, "it has expired, or is not valid yet");
  enum us_code code = us_client_keys_get(cx, &proof->client, may_block, &set, &proof->wanted);
  if (code == US_OK && us_jwk_set_has_certificate(set, own, key))
    return US_OK;
  if (code == US_OK)
    code = us_client_keys_refresh(cx, &proof->client, &proof->wanted);
  return code == US_E_NOT_FOUND ? refuse_certificate(cx, by_header, "it is none of those that the client registered")
                                : code;
}

/* An id alone is nothing but for public clients (OA-10), and for those that the connection speaks for. */
static enum us_code check_id(struct us_cx *cx, const struct shown *shown, const struct us_client_credentials *in,
                             bool may_block, struct us_client_proof *proof) {
  const struct us_auth_method *method = us_auth_method_find(proof->client.auth_method);
  if (proof->client.is_public)
    return US_OK;
  if (method == NULL || !method->is_certificate)
    return refuse(cx, shown->by_header);
  if (in->certificate == NULL)
    return refuse_certificate(cx, shown->by_header, "there is none");
  return method->need == US_AUTH_NEEDS_TLS_NAME
             ? check_name(cx, &proof->client, in->certificate, shown->by_header)
             : check_registered(cx, proof, in->certificate, shown->by_header, may_block);
}

static bool is_secret_method(struct us_str method) {
  return us_str_eq_c(method, "client_secret_basic") || us_str_eq_c(method, "client_secret_post");
}

/* Design 6: whoever is registered for one of the secret methods may use both, unless the realm is strict. */
static bool is_method_ok(const struct us_realm *realm, const struct us_client *client, const char *method) {
  if (us_str_eq_c(client->auth_method, method))
    return true;
  return !realm->settings.strict_client_auth_method && is_secret_method(client->auth_method) &&
         is_secret_method(us_str_c(method));
}

static enum us_code check_by_secret(struct us_cx *cx, const struct us_realm *realm, const struct shown *shown,
                                    const struct us_client_credentials *in, bool may_block, bool is_known,
                                    struct us_client_proof *proof) {
  const struct us_client *client = is_known && !proof->client.is_public ? &proof->client : NULL;
  US_TRY(check_secret(cx, realm, shown, client, in->address, may_block));
  if (is_method_ok(realm, &proof->client, shown->method))
    return US_OK;
  (void)us_fail(cx, US_E_INVALID_CLIENT, "Invalid authentication method for accessing this endpoint.");
  cx->err.status = shown->by_header ? 401 : 0;
  return US_E_INVALID_CLIENT;
}

static enum us_code check(struct us_cx *cx, const struct us_realm *realm, const struct shown *shown,
                          const struct us_client_credentials *in, bool may_block, bool is_known,
                          struct us_client_proof *proof) {
  const struct us_auth_method *method = is_known ? us_auth_method_find(proof->client.auth_method) : NULL;
  if (shown->kind == SHOWN_SECRET)
    return check_by_secret(cx, realm, shown, in, may_block, is_known, proof);
  if (!is_known)
    return refuse(cx, shown->by_header);
  if (shown->kind == SHOWN_ID)
    return check_id(cx, shown, in, may_block, proof);
  if (method == NULL || !method->is_assertion) /* nothing to check it by, so nothing more is said */
    return refuse(cx, shown->by_header);
  return check_assertion(cx, realm, shown, in, may_block, proof);
}

enum us_code us_client_authenticate(struct us_cx *cx, const struct us_realm *realm,
                                    const struct us_client_credentials *in, bool may_block,
                                    struct us_client_proof *ret_proof) {
  struct shown shown = {0};
  struct us_client_proof proof = {0};
  US_TRY(read_credentials(cx, in, &shown));
  enum us_code code = us_client_by_id(cx, realm->id, shown.client_id, &proof.client);
  bool is_known = code == US_OK && proof.client.is_active;
  if (code == US_E_NOT_FOUND)
    us_error_clear(cx);
  else
    US_TRY(code);
  code = check(cx, realm, &shown, in, may_block, is_known, &proof);
  if (code == US_E_TO_FETCH)
    ret_proof->wanted = proof.wanted;
  US_TRY(code);
  *ret_proof = proof;
  return US_OK;
}

/* ---- Registration ---- */

bool us_client_tls_name(struct us_cx *cx, struct us_str tls_names, enum us_cert_name *ret_kind,
                        struct us_str *ret_value) {
  static const struct {
    const char *member;
    enum us_cert_name kind;
  } kinds[] = {{"tls_client_auth_subject_dn", US_CERT_SUBJECT_DN},
               {"tls_client_auth_san_dns", US_CERT_SAN_DNS},
               {"tls_client_auth_san_uri", US_CERT_SAN_URI},
               {"tls_client_auth_san_ip", US_CERT_SAN_IP},
               {"tls_client_auth_san_email", US_CERT_SAN_EMAIL}};
  json_t *names = NULL;
  bool ok = false;
  if (tls_names.n == 0 || us_json_parse(cx, tls_names, US_E_INVALID_REQUEST, &names) != US_OK) {
    us_error_clear(cx);
    return false;
  }
  for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && json_object_size(names) == 1; i++) {
    struct us_str value = us_str_dup(cx->mem, us_jwt_text(names, kinds[i].member));
    if (value.p == NULL || !us_cert_name_ok(kinds[i].kind, value))
      continue;
    *ret_kind = kinds[i].kind;
    *ret_value = value;
    ok = true;
  }
  us_json_drop(cx, names);
  return ok;
}

static enum us_code check_keys(struct us_cx *cx, const struct us_client *client, bool are_needed) {
  if (client->jwks.n > 0 && client->jwks_uri.n > 0) /* RFC 7591 2 */
    return us_fail(cx, US_E_INVALID_REQUEST, "A client has either jwks or jwks_uri");
  if (client->jwks_uri.n > 0) {
    const char *flaw = us_outside_url_flaw(&cx->svc->outside, client->jwks_uri);
    return flaw == NULL ? US_OK : us_fail(cx, US_E_INVALID_REQUEST, "The jwks_uri %s", flaw);
  }
  if (client->jwks.n > US_JWK_SET_MAX_BYTES)
    return us_fail(cx, US_E_INVALID_REQUEST, "jwks may have %d bytes at most", US_JWK_SET_MAX_BYTES);
  if (client->jwks.n == 0 && are_needed)
    return us_fail(cx, US_E_INVALID_REQUEST, "This authentication method needs jwks or jwks_uri");
  return US_OK;
}

enum us_code us_client_check_keys(struct us_cx *cx, struct us_str jwks) {
  struct us_jwk_set *set = NULL;
  if (jwks.n == 0)
    return US_OK;
  US_TRY(us_jwk_set_load(cx, jwks, &set));
  size_t n = us_jwk_set_count(set);
  us_jwk_set_free(set);
  if (n == 0)
    return us_fail(cx, US_E_INVALID_REQUEST,
                   "jwks has no key that can be used: RSA of 2048 bits or more, or P-256, for signatures");
  return US_OK;
}

enum us_code us_client_auth_check(struct us_cx *cx, const struct us_client *client) {
  const struct us_auth_method *method = us_auth_method_find(client->auth_method);
  enum us_cert_name kind;
  struct us_str name;
  if (method == NULL)
    return us_fail(cx, US_E_INVALID_REQUEST, "The client authentication method is not known");
  if (client->is_public != (method->need == US_AUTH_NEEDS_NOTHING))
    return us_fail(cx, US_E_INVALID_REQUEST, "Public clients, and only they, have the authentication method none");
  if (client->is_public && (client->secret_hash.n > 0 || client->sealed_secret.n > 0))
    return us_fail(cx, US_E_INVALID_REQUEST, "A public client has no secret");
  if (method->need == US_AUTH_NEEDS_SEALED && client->sealed_secret.n == 0)
    return us_fail(cx, US_E_INVALID_REQUEST, "client_secret_jwt needs a sealed secret");
  if (method->need != US_AUTH_NEEDS_SEALED && client->sealed_secret.n > 0)
    return us_fail(cx, US_E_INVALID_REQUEST, "Only secrets of client_secret_jwt are kept in a form that can be read");
  bool has_name = client->tls_names.n > 2; /* {} */
  if (has_name != (method->need == US_AUTH_NEEDS_TLS_NAME) ||
      (has_name && !us_client_tls_name(cx, client->tls_names, &kind, &name)))
    return us_fail(cx, US_E_INVALID_REQUEST,
                   "tls_client_auth, and only it, needs exactly one tls_client_auth_ name of the certificate");
  return check_keys(cx, client, method->need == US_AUTH_NEEDS_KEYS);
}

enum us_code us_client_seal_secret(struct us_cx *cx, struct us_client *client, struct us_str secret) {
  if (cx->svc->box == NULL)
    return us_fail(cx, US_E_INVALID_REQUEST,
                   "client_secret_jwt needs a secret that can be read again, and there is no store key to seal it by");
  if (secret.n < US_JWS_MAC_SECRET_MIN_BYTES)
    return us_fail(cx, US_E_INVALID_REQUEST, "The secret of client_secret_jwt must have %d bytes at least",
                   US_JWS_MAC_SECRET_MIN_BYTES);
  if (client->ref == 0)
    client->ref = us_next_id(cx);
  struct us_str place = us_str_fmt(cx->mem, "client:%lld", (long long)client->ref);
  if (place.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  return us_box_seal(cx, cx->svc->box, place.p, secret, &client->sealed_secret);
}
