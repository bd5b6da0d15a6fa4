/*
 * The UMA grant at the token endpoint (protocol contract 6). The token endpoint has authenticated the client, checked that it may
 * use the grant and decoded the form; here is step 4 of 6.2, the claim token, and the answer. The rules are in domain/rpt.c.
 */
#include "endpoint/uma/uma.h"

#include "base/mem.h"
#include "crypto/digest.h"
#include "domain/rpt.h"
#include "json/json.h"

struct uma_state {
  struct us_rpt_request request;
  struct us_account party;
  struct us_rpt_grant grant;
};

#define CNF_KEY_MAX_BYTES 1024

static enum us_code refuse_cnf_key(struct us_cx *cx) {
  return us_fail(cx, US_E_INVALID_REQUEST, "Invalid cnf_key parameter");
}

/* Standard base64 with or without padding; the URL-safe alphabet too (6.8). */
static bool decode_cnf_key(struct us_str text, char room[CNF_KEY_MAX_BYTES], size_t *ret_n) {
  char standard[CNF_KEY_MAX_BYTES];
  if (text.n > sizeof(standard))
    return false;
  for (size_t i = 0; i < text.n; i++)
    standard[i] = text.p[i] == '-' ? '+' : text.p[i] == '_' ? '/' : text.p[i];
  return us_base64_decode((struct us_str){standard, text.n}, room, CNF_KEY_MAX_BYTES, ret_n);
}

/* {"x5t#S256":"<base64url of 32 bytes>"} and nothing else; a jwk is not supported in UMA flows. *ret_thumbprint: the value. */
static bool is_thumbprint(struct us_cx *cx, const json_t *key, struct us_str *ret_thumbprint) {
  const json_t *value = json_object_get(key, "x5t#S256");
  struct us_str text = {json_string_value(value), json_string_length(value)};
  uint8_t digest[US_SHA256_BYTES];
  size_t n;
  bool is_good = json_object_size(key) == 1 && text.p && us_base64url_decode(text, digest, sizeof(digest), &n) &&
                 n == sizeof(digest);
  if (is_good)
    *ret_thumbprint = us_str_dup(cx->mem, text);
  return is_good;
}

/* 6.2 step 4, 6.8: the ticket is not touched. */
static enum us_code read_cnf_key(struct us_cx *cx, struct us_str cnf_key, struct us_str *ret_thumbprint) {
  char room[CNF_KEY_MAX_BYTES];
  size_t n;
  json_t *key;
  *ret_thumbprint = US_STR_ABSENT;
  if (!cnf_key.p)
    return US_OK;
  if (!decode_cnf_key(cnf_key, room, &n))
    return refuse_cnf_key(cx);
  enum us_code code = us_json_parse(cx, (struct us_str){room, n}, US_E_INVALID_REQUEST, &key);
  if (code == US_E_INVALID_REQUEST)
    return refuse_cnf_key(cx);
  US_TRY(code);
  bool is_well_formed = is_thumbprint(cx, key, ret_thumbprint);
  us_json_drop(cx, key);
  if (!is_well_formed)
    return refuse_cnf_key(cx);
  return ret_thumbprint->p ? US_OK : us_fail_plain(cx, US_E_NO_MEMORY);
}

/* 6.2 step 4. */
static enum us_code check_syntax(struct us_cx *cx, const struct us_token_request *form) {
  if (!form->ticket.p)
    return us_fail(cx, US_E_INVALID_REQUEST, "Missing parameters: ticket");
  if (form->claim_token.p && !form->claim_token_format.p)
    return us_fail(cx, US_E_INVALID_REQUEST, "Missing parameters: claim_token_format");
  if (form->claim_token_format.p && !form->claim_token.p)
    return us_fail(cx, US_E_INVALID_REQUEST, "Missing parameters: claim_token");
  return US_OK;
}

static enum us_code uma_prepare(struct us_call *call) {
  const struct us_token_request *form = call->input;
  struct us_cx *cx = &call->cx;
  struct us_str cnf_key;
  US_TRY(check_syntax(cx, form));
  US_TRY(read_cnf_key(cx, form->cnf_key, &cnf_key));
  US_TRY(us_rpt_check_binding(cx, &call->caller.client, cnf_key));
  struct uma_state *state = US_NEW(cx->mem, struct uma_state);
  if (!state)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  state->request = (struct us_rpt_request){.ticket = form->ticket,
                                           .scope = form->scope,
                                           .code_verifier = form->code_verifier,
                                           .rpt = form->rpt,
                                           .pct = form->pct,
                                           .cnf_key = cnf_key,
                                           .client = &call->caller.client};
  enum us_code code =
      us_rpt_party(cx, call->realm, &call->caller.client, form->claim_token, form->claim_token_format, &state->party);
  if (code == US_OK)
    state->request.party = &state->party;
  else if (code == US_E_NOT_FOUND) /* no usable claims: need_info, once the ticket has been looked at */
    us_error_clear(cx);
  else
    return code;
  call->state = state;
  return US_OK;
}

static enum us_code uma_run(struct us_call *call) {
  struct uma_state *state = call->state;
  return us_rpt_grant(&call->cx, call->realm, &state->request, &state->grant);
}

/* 6.4. Never `scope`. */
static enum us_code uma_finish(struct us_call *call) {
  const struct us_rpt_grant *grant = &((struct uma_state *)call->state)->grant;
  struct us_json_writer w;
  us_answer_json(call, 200, &w);
  us_json_open(&w, '{');
  us_json_member(&w, "access_token", (struct us_str){grant->handle.text, grant->handle.n});
  us_json_member(&w, "token_type", US_STR("Bearer"));
  us_json_member_i64(&w, "expires_in", grant->expires_in_s);
  if (grant->pct.n > 0)
    us_json_member(&w, "pct", (struct us_str){grant->pct.text, grant->pct.n});
  if (grant->is_upgraded) {
    us_json_name(&w, "upgraded");
    us_json_bool(&w, true);
  }
  us_json_close(&w, '}');
  return US_OK;
}

const struct us_grant us_grant_uma = {
    .type = "urn:ietf:params:oauth:grant-type:uma-ticket",
    .prepare = uma_prepare,
    .run = uma_run,
    .finish = uma_finish,
};
