/*
 * The token endpoint (protocol contract 3.1): the phases that all grants share. The pipeline has looked at method and content
 * type and authenticated the client; here the grant is found and allowed, then each step is the grant's own.
 */
#include "endpoint/oauth/oauth.h"

#include "crypto/jws.h"
#include "crypto/password.h"
#include "domain/client.h"

#define US_HANDLE_PARAMETER_MAX                                                                                        \
  4096 /* of a handle that a client sends; a longer one than ours is unknown, not malformed */
#define US_SCOPE_PARAMETER_MAX (16 * 1024)

#define TEXT(member, most)                                                                                             \
  { .name = #member, .kind = US_FIELD_STRING, .offset = offsetof(struct us_token_request, member), .max = most }
#define SECRET(member, most)                                                                                           \
  {                                                                                                                    \
    .name = #member, .kind = US_FIELD_STRING, .offset = offsetof(struct us_token_request, member),                     \
    .flags = US_FIELD_SECRET, .max = most                                                                              \
  }

/* What is missing is said by the grants, which know what they need. */
static const struct us_field fields[] = {
    TEXT(grant_type, 255),
    TEXT(scope, US_SCOPE_PARAMETER_MAX),
    TEXT(username, 1024),
    SECRET(password, US_PASSWORD_MAX_BYTES),
    SECRET(refresh_token, US_HANDLE_PARAMETER_MAX),
    SECRET(code, US_HANDLE_PARAMETER_MAX),
    TEXT(redirect_uri, 4096),
    SECRET(ticket, US_HANDLE_PARAMETER_MAX),
    SECRET(claim_token, US_JWS_MAX_BYTES),
    TEXT(claim_token_format, 255),
    SECRET(pct, US_HANDLE_PARAMETER_MAX),
    SECRET(rpt, US_HANDLE_PARAMETER_MAX),
    SECRET(code_verifier, 255),
    TEXT(cnf_key, 4096),
    TEXT(client_id, 1024),
    SECRET(client_secret, US_PASSWORD_MAX_BYTES),
    SECRET(client_assertion, US_JWS_MAX_BYTES),
    TEXT(client_assertion_type, 255),
};
const struct us_field_table us_token_request_table = {.size = sizeof(struct us_token_request), US_FIELDS(fields)};

const struct us_grant *const us_grants[] = {&us_grant_uma, &us_grant_code, &us_grant_password, &us_grant_refresh,
                                            &us_grant_client_credentials};
const size_t us_grant_count = sizeof(us_grants) / sizeof(us_grants[0]);

static const struct us_grant *find_grant(const struct us_call *call) {
  const struct us_token_request *in = call->input;
  for (size_t i = 0; i < us_grant_count; i++) {
    if (us_str_eq_c(in->grant_type, us_grants[i]->type))
      return us_grants[i];
  }
  return NULL;
}

/* Contract 6.2 step 3 and 3.1. */
static enum us_code check_grant(struct us_call *call, const struct us_grant **ret_grant) {
  struct us_cx *cx = &call->cx;
  const struct us_token_request *in = call->input;
  const struct us_client *client = &call->caller.client;
  if (in->grant_type.n == 0)
    return us_fail(cx, US_E_INVALID_REQUEST, "Missing parameters: grant_type");
  const struct us_grant *grant = find_grant(call);
  if (grant == NULL)
    return us_fail(cx, US_E_UNSUPPORTED_GRANT, "Grant type is not supported: %.*s",
                   US_STR_ARG(us_error_safe(cx, in->grant_type)));
  if (grant == &us_grant_client_credentials && client->is_public)
    return us_fail(cx, US_E_UNAUTHORIZED_CLIENT, "Public clients can't use client credentials grant.");
  if (!us_client_may_use_grant(client, grant->type))
    return us_fail_plain(cx, US_E_UNAUTHORIZED_CLIENT);
  *ret_grant = grant;
  return US_OK;
}

enum us_code us_ep_token_prepare(struct us_call *call) {
  const struct us_grant *grant = NULL;
  US_TRY(check_grant(call, &grant));
  return grant->prepare == NULL ? US_OK : grant->prepare(call);
}

enum us_code us_ep_token_run(struct us_call *call) {
  const struct us_grant *grant = find_grant(call);
  return grant == NULL || grant->run == NULL ? US_OK : grant->run(call);
}

enum us_code us_ep_token_finish(struct us_call *call) {
  const struct us_grant *grant = find_grant(call);
  return grant == NULL || grant->finish == NULL ? US_OK : grant->finish(call);
}
