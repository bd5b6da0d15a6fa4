/*
 * /oauth2/register: clients register themselves (RFC 7591) and read, replace and delete what they registered (RFC 7592). The body is
 * read on the loop; keys, signatures and argon2 wait for the pool; what is written is one row.
 */
#include "endpoint/oauth/oauth.h"

#include "base/mem.h"
#include "domain/client.h"
#include "domain/registration.h"
#include "domain/token.h"
#include "json/json.h"

struct state {
  json_t *document;
  struct us_registration registration;
};

/* A body that is not even metadata needs no thread of the pool. */
static enum us_code begin(struct us_call *call, struct state **ret_state) {
  struct us_cx *cx = &call->cx;
  struct us_client_metadata unused;
  struct state *state = call->state;
  if (state == NULL) {
    state = US_NEW(cx->mem, struct state);
    if (state == NULL)
      return us_fail_plain(cx, US_E_NO_MEMORY);
    US_TRY(us_json_parse(cx, call->request->body, US_E_INVALID_REQUEST, &state->document));
    US_TRY(us_client_metadata_read(cx, state->document, &unused));
    call->state = state;
  }
  *ret_state = state;
  return us_call_may_block(call) ? US_OK : us_call_to_pool(call);
}

static struct us_str management_url(struct us_call *call, const struct us_client *client) {
  void *mem = call->cx.mem;
  return us_str_fmt(mem, "%.*s/register?client_id=%.*s", US_STR_ARG(call->realm->oauth_url),
                    US_STR_ARG(us_percent_encode(mem, client->client_id)));
}

/* RFC 7591 3.2.1, RFC 7592 3. A secret is told when it is made; the registration access token also to who has just shown it. */
static enum us_code answer(struct us_call *call, int status, const struct us_client *client, struct us_str secret,
                           struct us_str token) {
  struct us_json_writer w;
  us_answer_json(call, status, &w);
  us_json_open(&w, '{');
  us_json_member(&w, "client_id", client->client_id);
  us_json_member_i64(&w, "client_id_issued_at", client->created_ms / 1000);
  if (secret.n > 0) {
    us_json_member(&w, "client_secret", secret);
    us_json_member_i64(&w, "client_secret_expires_at", 0);
  }
  if (token.n > 0) {
    us_json_member(&w, "registration_access_token", token);
    us_json_member(&w, "registration_client_uri", management_url(call, client));
  }
  US_TRY(us_client_metadata_write(&call->cx, client, &w));
  us_json_close(&w, '}');
  return US_OK;
}

static struct us_str shown_token(const struct us_call *call) {
  struct us_str token = US_STR_ABSENT;
  (void)us_bearer_of(us_http_header(call->request, "authorization"), &token);
  return token;
}

enum us_code us_ep_register_prepare(struct us_call *call) {
  struct state *state = NULL;
  US_TRY(begin(call, &state));
  return us_registration_new(&call->cx, call->realm, call->caller.registrar, call->request->peer_group, state->document,
                             &state->registration);
}

enum us_code us_ep_register_create(struct us_call *call) {
  struct state *state = call->state;
  return us_registration_insert(&call->cx, call->realm, &state->registration);
}

enum us_code us_ep_register_create_finish(struct us_call *call) {
  const struct us_registration *r = &((struct state *)call->state)->registration;
  return answer(call, 201, &r->client, r->secret, (struct us_str){r->token.text, r->token.n});
}

enum us_code us_ep_register_read(struct us_call *call) {
  return answer(call, 200, &call->caller.client, US_STR_ABSENT, shown_token(call));
}

enum us_code us_ep_register_update_prepare(struct us_call *call) {
  struct state *state = NULL;
  US_TRY(begin(call, &state));
  return us_registration_renew(&call->cx, call->realm, &call->caller.client, state->document, &state->registration);
}

enum us_code us_ep_register_update(struct us_call *call) {
  const struct state *state = call->state;
  return us_registration_replace(&call->cx, &state->registration);
}

enum us_code us_ep_register_update_finish(struct us_call *call) {
  const struct us_registration *r = &((struct state *)call->state)->registration;
  return answer(call, 200, &r->client, r->secret, shown_token(call));
}

enum us_code us_ep_register_delete(struct us_call *call) {
  US_TRY(us_client_delete(&call->cx, &call->caller.client, call->realm));
  us_answer_empty(call, 204);
  return US_OK;
}
