/* The OAuth endpoints (protocol contract 2, 3, 8), one file a message. Steps of the rows in route/table.c. */
#ifndef USHER_ENDPOINT_OAUTH_OAUTH_H
#define USHER_ENDPOINT_OAUTH_OAUTH_H

#include "endpoint/call.h"

/* access_token: 3.1 and, for the UMA grant, endpoint/uma/grant.c. Dispatches by grant_type through a table of grants. */
extern const struct us_field_table us_token_request_table;
enum us_code us_ep_token_prepare(struct us_call *call);
enum us_code us_ep_token_run(struct us_call *call);
enum us_code us_ep_token_finish(struct us_call *call);
/* authorize: 3.2. */
extern const struct us_field_table us_authorize_table;
extern const char *const us_prompt_values[]; /* ends with NULL */
enum us_code us_ep_authorize_prepare(struct us_call *call);
enum us_code us_ep_authorize_run(struct us_call *call);
enum us_code us_ep_authorize_finish(struct us_call *call);
enum us_code us_ep_userinfo(struct us_call *call);
enum us_code us_ep_tokeninfo(struct us_call *call);
extern const struct us_field_table us_introspect_table; /* token, token_type_hint */
enum us_code us_ep_introspect(struct us_call *call);
extern const struct us_field_table us_revoke_table;
enum us_code us_ep_revoke(struct us_call *call);
/* register: RFC 7591, and RFC 7592 for the client itself. */
enum us_code us_ep_register_prepare(struct us_call *call);
enum us_code us_ep_register_create(struct us_call *call);
enum us_code us_ep_register_create_finish(struct us_call *call);
enum us_code us_ep_register_read(struct us_call *call);
enum us_code us_ep_register_update_prepare(struct us_call *call);
enum us_code us_ep_register_update(struct us_call *call);
enum us_code us_ep_register_update_finish(struct us_call *call);
enum us_code us_ep_register_delete(struct us_call *call);
enum us_code us_ep_jwks(struct us_call *call);
enum us_code us_ep_uma_metadata(struct us_call *call);
enum us_code us_ep_openid_metadata(struct us_call *call);
enum us_code us_ep_oauth_metadata(struct us_call *call);

/* What a grant does inside the three steps of the token endpoint; one row a grant type in endpoint/oauth/token.c. */
struct us_token_request { /* decoded form: members of every grant, and of client authentication */
  struct us_str grant_type, scope;
  struct us_str username, password;
  struct us_str refresh_token;
  struct us_str code, redirect_uri;
  struct us_str ticket, claim_token, claim_token_format, pct, rpt, code_verifier, cnf_key;
  struct us_str client_id, client_secret, client_assertion, client_assertion_type;
};
struct us_grant {
  const char *type;
  enum us_code (*prepare)(struct us_call *call);
  enum us_code (*run)(struct us_call *call);
  enum us_code (*finish)(struct us_call *call);
};
extern const struct us_grant us_grant_uma; /* endpoint/uma/grant.c */
extern const struct us_grant us_grant_password, us_grant_code, us_grant_refresh,
    us_grant_client_credentials; /* token_grants.c */
/* All there are; the metadata lists exactly these. */
extern const struct us_grant *const us_grants[];
extern const size_t us_grant_count;

#endif
