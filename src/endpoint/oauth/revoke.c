/* Revocation (protocol contract 8.2, RFC 7009). One write step; unknown and dead tokens are a success. */
#include "endpoint/oauth/oauth.h"

#include "domain/pct.h"
#include "domain/rpt.h"
#include "domain/token.h"

struct revoke_request {
  struct us_str token, token_type_hint;
  struct us_str client_id, client_secret, client_assertion,
      client_assertion_type; /* not for the query string (OA-08) */
};
#define ROW(member, flag, most)                                                                                        \
  {                                                                                                                    \
    .name = #member, .kind = US_FIELD_STRING, .offset = offsetof(struct revoke_request, member), .flags = flag,        \
    .max = most                                                                                                        \
  }
static const struct us_field fields[] = {
    ROW(token, US_FIELD_SECRET, 16 * 1024),
    ROW(token_type_hint, 0, 255),
    ROW(client_id, 0, 1024),
    ROW(client_secret, US_FIELD_SECRET, 1024),
    ROW(client_assertion, US_FIELD_SECRET, 16 * 1024),
    ROW(client_assertion_type, 0, 255),
};
const struct us_field_table us_revoke_table = {.size = sizeof(struct revoke_request), US_FIELDS(fields)};

/* A wrong hint does not stop the search (TR-05); there are three kinds of rows, each found by its key, so hints are not needed. */
static enum us_code revoke(struct us_call *call, struct us_str text) {
  struct us_cx *cx = &call->cx;
  const struct us_client *client = &call->caller.client;
  enum us_code code = us_token_revoke(cx, call->realm, client, text);
  if (code == US_E_NOT_FOUND)
    code = us_rpt_revoke(cx, call->realm, text, client);
  if (code == US_E_NOT_FOUND)
    code = us_pct_revoke(cx, call->realm, text, client);
  if (code != US_OK && code != US_E_NOT_FOUND)
    return code;
  us_error_clear(cx);
  return US_OK;
}

enum us_code us_ep_revoke(struct us_call *call) {
  const struct revoke_request *in = call->input;
  struct us_json_writer w;
  if (in->token.n == 0)
    return us_fail(&call->cx, US_E_INVALID_REQUEST, "Missing parameter: token");
  enum us_code code = revoke(call, in->token);
  if (code == US_E_INTERNAL) /* what it was stays for the log */
    code = call->cx.err.code = US_E_REVOKE_FAILED;
  US_TRY(code);
  us_answer_json(call, 200, &w);
  us_json_open(&w, '{');
  us_json_close(&w, '}');
  return US_OK;
}
