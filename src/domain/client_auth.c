/*
 * Who is this client? See us_client_authenticate() in client.h; protocol contract 1.7.
 *
 * Guessing secrets (OA-26) is counted by client and address together, and by address over all clients. So whoever guesses is
 * paused, at his address, for that client and soon for all; the client itself, elsewhere, never notices, and nobody can lock it
 * out. During the pause even the right secret is refused at that address, remembered or not: otherwise the answer would still
 * tell a guesser when he is right, as fast as he can ask.
 */
#include <string.h>

#include "base/mem.h"
#include "crypto/digest.h"
#include "crypto/password.h"
#include "domain/client.h"
#include "domain/secret.h"
#include "domain/throttle.h"
#include "json/field.h"

#define US_BASIC_MAX_BYTES 4096 /* decoded "id:secret" */

/* What was shown, whichever way. */
struct shown {
  struct us_str client_id;
  struct us_str secret; /* absent: only the id */
  const char *method;
  bool by_header;
};

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
  if (ret_shown->secret.n == 0) { /* how some libraries send a public client's id */
    ret_shown->method = "none";
    ret_shown->secret = US_STR_ABSENT;
  }
  return US_OK;
}

/* One method and no more (OA-07). Values that are empty count as not sent (contract 1.3). */
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
  if (has_assertion) { /* private_key_jwt is not offered: the metadata does not list it */
    (void)refuse(cx, false);
    return us_error_detail(cx, "client assertions are not offered");
  }
  if (in->client_id.n == 0)
    return refuse(cx, false);
  ret_shown->client_id = in->client_id;
  ret_shown->secret = has_secret ? in->client_secret : US_STR_ABSENT;
  ret_shown->method = has_secret ? "client_secret_post" : "none";
  return US_OK;
}

struct guesses {
  struct us_throttle_key pair, address;
};

static struct guesses guesses_of(struct us_cx *cx, const struct us_realm *realm, struct us_str client_id,
                                 struct us_str address) {
  struct us_throttle *t = cx->svc->throttle;
  struct us_str pair = us_str_fmt(cx->mem, "%.*s\n%.*s", US_STR_ARG(client_id), US_STR_ARG(address));
  return (struct guesses){
      .pair = us_throttle_key(t, US_THROTTLE_CLIENT_AT_ADDRESS, realm->id, pair),
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

enum us_code us_client_authenticate(struct us_cx *cx, const struct us_realm *realm,
                                    const struct us_client_credentials *in, bool may_block,
                                    struct us_client *ret_client) {
  struct shown shown = {0};
  struct us_client client = {0};
  US_TRY(read_credentials(cx, in, &shown));
  enum us_code code = us_client_by_id(cx, realm->id, shown.client_id, &client);
  bool is_known = code == US_OK && client.is_active;
  if (code == US_E_NOT_FOUND)
    us_error_clear(cx);
  else
    US_TRY(code);
  if (shown.secret.p != NULL) {
    US_TRY(check_secret(cx, realm, &shown, is_known && !client.is_public ? &client : NULL, in->address, may_block));
  } else if (!is_known || !client.is_public) { /* an id alone is nothing but for public clients (OA-10) */
    return refuse(cx, shown.by_header);
  }
  if (!is_method_ok(realm, &client, shown.method)) {
    code = us_fail(cx, US_E_INVALID_CLIENT, "Invalid authentication method for accessing this endpoint.");
    cx->err.status = shown.by_header ? 401 : 0;
    return code;
  }
  *ret_client = client;
  return US_OK;
}
