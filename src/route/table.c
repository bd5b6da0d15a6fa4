/*
 * The whole HTTP surface, a row per method and path. Read it to know the product. Columns: name, service (where the
 * realm is written), method, pattern behind the realm, Common REST action, who may call, error style, body and its
 * table, read or write, flags, steps, section of the contract, summary.
 *
 * HEAD follows GET by itself. A method without a row is 405 with the right Allow (501 under /json where REST a.2 says so).
 */
#include "route/route.h"

#include "endpoint/crest/crest.h"
#include "endpoint/oauth/oauth.h"
#include "endpoint/uma/uma.h"
#include "endpoint/web/web.h"

#define OAUTH_FLAGS (US_ROUTE_NO_STORE | US_ROUTE_NEEDS_OAUTH)
#define UMA_FLAGS (US_ROUTE_NO_STORE | US_ROUTE_NEEDS_UMA | US_ROUTE_UNSUPPORTED_METHOD)
#define POLICIES "users/{user}/uma/policies"
#define PENDING "users/{user}/uma/pendingrequests"
#define LABELS "users/{user}/oauth2/resources/labels"
#define SETS "users/{user}/oauth2/resources/sets"

const struct us_route us_routes[] = {
    /* Discovery: protocol contract 2. */
    {"uma.metadata", US_SERVICE_UMA, US_METHOD_GET, ".well-known/uma2-configuration", NULL, US_AUTH_NONE,
     US_STYLE_OAUTH, US_BODY_NONE, NULL, US_READ, US_ROUTE_NEEDS_UMA, NULL, us_ep_uma_metadata, NULL, "protocol 2.1",
     "UMA metadata"},
    {"oauth.uma_metadata", US_SERVICE_OAUTH, US_METHOD_GET, ".well-known/uma2-configuration", NULL, US_AUTH_NONE,
     US_STYLE_OAUTH, US_BODY_NONE, NULL, US_READ, US_ROUTE_NEEDS_UMA, NULL, us_ep_uma_metadata, NULL,
     "protocol 2.1 (issuer + suffix, G 2)", "UMA metadata under the issuer"},
    {"origin.uma_metadata", US_SERVICE_ORIGIN, US_METHOD_GET, ".well-known/uma2-configuration", NULL, US_AUTH_NONE,
     US_STYLE_OAUTH, US_BODY_NONE, NULL, US_READ, US_ROUTE_NEEDS_UMA, NULL, us_ep_uma_metadata, NULL,
     "design 6 (Discovery)", "UMA metadata of the default realm at the origin"},
    {"oauth.openid_metadata", US_SERVICE_OAUTH, US_METHOD_GET, ".well-known/openid-configuration", NULL, US_AUTH_NONE,
     US_STYLE_OAUTH, US_BODY_NONE, NULL, US_READ, US_ROUTE_NEEDS_OAUTH, NULL, us_ep_openid_metadata, NULL,
     "protocol 2.2", "OpenID provider metadata"},
    {"oauth.metadata", US_SERVICE_OAUTH, US_METHOD_GET, ".well-known/oauth-authorization-server", NULL, US_AUTH_NONE,
     US_STYLE_OAUTH, US_BODY_NONE, NULL, US_READ, US_ROUTE_NEEDS_OAUTH, NULL, us_ep_oauth_metadata, NULL,
     "protocol 2.3", "Authorization server metadata"},
    {"origin.oauth_metadata", US_SERVICE_ORIGIN, US_METHOD_GET, ".well-known/oauth-authorization-server/{issuer*}",
     NULL, US_AUTH_NONE, US_STYLE_OAUTH, US_BODY_NONE, NULL, US_READ, US_ROUTE_NEEDS_OAUTH, NULL, us_ep_oauth_metadata,
     NULL, "protocol 2.3 (RFC 8414 3)", "Authorization server metadata at RFC 8414's own place"},

    /* OAuth 2.0: protocol contract 3 and 8. */
    {"oauth.access_token", US_SERVICE_OAUTH, US_METHOD_POST, "access_token", NULL, US_AUTH_CLIENT, US_STYLE_OAUTH,
     US_BODY_FORM, &us_token_request_table, US_WRITE, OAUTH_FLAGS, us_ep_token_prepare, us_ep_token_run,
     us_ep_token_finish, "protocol 3.1, 6", "Token endpoint: password, refresh_token, client_credentials, uma-ticket"},
    {"oauth.introspect", US_SERVICE_OAUTH, US_METHOD_POST, "introspect", NULL, US_AUTH_PAT_OR_CLIENT, US_STYLE_OAUTH,
     US_BODY_FORM, &us_introspect_table, US_READ, OAUTH_FLAGS, NULL, us_ep_introspect, NULL, "protocol 8.1",
     "Introspection"},
    {"oauth.introspect_get", US_SERVICE_OAUTH, US_METHOD_GET, "introspect", NULL, US_AUTH_PAT_OR_CLIENT, US_STYLE_OAUTH,
     US_BODY_NONE, &us_introspect_table, US_READ, OAUTH_FLAGS, NULL, us_ep_introspect, NULL, "protocol 8.1.1",
     "Introspection by query, for PATs"},
    {"oauth.revoke", US_SERVICE_OAUTH, US_METHOD_POST, "token/revoke", NULL, US_AUTH_CLIENT, US_STYLE_OAUTH,
     US_BODY_FORM, &us_revoke_table, US_WRITE, OAUTH_FLAGS, NULL, us_ep_revoke, NULL, "protocol 8.2", "Revocation"},
    {"oauth.jwks", US_SERVICE_OAUTH, US_METHOD_GET, "connect/jwk_uri", NULL, US_AUTH_NONE, US_STYLE_OAUTH, US_BODY_NONE,
     NULL, US_READ, US_ROUTE_NEEDS_OAUTH, NULL, us_ep_jwks, NULL, "protocol 8.4", "Public keys"},

    /* UMA protection API: protocol contract 4 and 5. */
    {"uma.resource_set.create", US_SERVICE_UMA, US_METHOD_POST, "resource_set", NULL, US_AUTH_PAT, US_STYLE_OAUTH,
     US_BODY_RAW, NULL, US_WRITE, UMA_FLAGS, us_ep_resource_prepare, us_ep_resource_create, NULL, "protocol 4.3",
     "Register a resource"},
    {"uma.resource_set.list", US_SERVICE_UMA, US_METHOD_GET, "resource_set", NULL, US_AUTH_PAT, US_STYLE_OAUTH,
     US_BODY_NONE, NULL, US_READ, UMA_FLAGS, NULL, us_ep_resource_list, NULL, "protocol 4.4",
     "Ids of the owner's resources here"},
    {"uma.resource_set.read", US_SERVICE_UMA, US_METHOD_GET, "resource_set/{id}", NULL, US_AUTH_PAT, US_STYLE_OAUTH,
     US_BODY_NONE, NULL, US_READ, UMA_FLAGS, NULL, us_ep_resource_read, NULL, "protocol 4.4", "Read a resource"},
    {"uma.resource_set.update", US_SERVICE_UMA, US_METHOD_PUT, "resource_set/{id}", NULL, US_AUTH_PAT, US_STYLE_OAUTH,
     US_BODY_RAW, NULL, US_WRITE, UMA_FLAGS, us_ep_resource_prepare, us_ep_resource_update, NULL, "protocol 4.5",
     "Replace a resource"},
    {"uma.resource_set.delete", US_SERVICE_UMA, US_METHOD_DELETE, "resource_set/{id}", NULL, US_AUTH_PAT,
     US_STYLE_OAUTH, US_BODY_NONE, NULL, US_WRITE, UMA_FLAGS, NULL, us_ep_resource_delete, NULL, "protocol 4.6",
     "Delete a resource"},
    {"uma.permission_request", US_SERVICE_UMA, US_METHOD_POST, "permission_request", NULL, US_AUTH_PAT, US_STYLE_OAUTH,
     US_BODY_RAW, NULL, US_WRITE, UMA_FLAGS, us_ep_permission_prepare, us_ep_permission_request, NULL, "protocol 5",
     "Permission ticket"},

    /* The owner's side: REST contract. */
    {"json.authenticate", US_SERVICE_JSON, US_METHOD_POST, "authenticate", NULL, US_AUTH_SESSION_OPTIONAL,
     US_STYLE_CREST, US_BODY_RAW, NULL, US_WRITE, US_ROUTE_NO_STORE | US_ROUTE_JSON_STRICT_TYPE,
     us_ep_authenticate_prepare, us_ep_authenticate_run, us_ep_authenticate_finish, "REST b.1, b.2", "Log in"},
    {"json.sessions.info", US_SERVICE_JSON, US_METHOD_POST, "sessions", "getSessionInfo", US_AUTH_SESSION,
     US_STYLE_CREST, US_BODY_RAW, NULL, US_READ, US_ROUTE_NO_STORE, NULL, us_ep_session_info, NULL, "REST b.4",
     "Session information"},
    {"json.sessions.info_and_reset", US_SERVICE_JSON, US_METHOD_POST, "sessions", "getSessionInfoAndResetIdleTime",
     US_AUTH_SESSION, US_STYLE_CREST, US_BODY_RAW, NULL, US_WRITE, US_ROUTE_NO_STORE, us_ep_session_use_prepare,
     us_ep_session_use, us_ep_session_info_finish, "REST b.4", "The same, and it counts as use"},
    {"json.sessions.refresh", US_SERVICE_JSON, US_METHOD_POST, "sessions", "refresh", US_AUTH_SESSION, US_STYLE_CREST,
     US_BODY_RAW, NULL, US_WRITE, US_ROUTE_NO_STORE, us_ep_session_use_prepare, us_ep_session_use,
     us_ep_session_refresh_finish, "REST b.4", "Use a session, and say how long it lasts"},
    {"json.sessions.validate", US_SERVICE_JSON, US_METHOD_POST, "sessions", "validate", US_AUTH_SESSION_OPTIONAL,
     US_STYLE_CREST, US_BODY_RAW, NULL, US_READ, US_ROUTE_NO_STORE, NULL, us_ep_session_validate, NULL, "REST b.4",
     "Is this session alive?"},
    {"json.sessions.logout", US_SERVICE_JSON, US_METHOD_POST, "sessions", "logout", US_AUTH_SESSION_OPTIONAL,
     US_STYLE_CREST, US_BODY_RAW, NULL, US_WRITE, US_ROUTE_NO_STORE, NULL, us_ep_session_logout, NULL, "REST b.4",
     "Log out"},
    {"json.sessions.logout_handles", US_SERVICE_JSON, US_METHOD_POST, "sessions", "logoutByHandle", US_AUTH_SESSION,
     US_STYLE_CREST, US_BODY_RAW, NULL, US_WRITE, US_ROUTE_NO_STORE, NULL, us_ep_session_logout_handles, NULL,
     "REST b.4", "End sessions, for administrators"},
    {"json.sessions.logout_user", US_SERVICE_JSON, US_METHOD_POST, "sessions", "logoutByUser", US_AUTH_SESSION,
     US_STYLE_CREST, US_BODY_RAW, NULL, US_WRITE, US_ROUTE_NO_STORE, NULL, us_ep_session_logout_user, NULL, "REST b.4",
     "End all sessions of a user"},
    {"json.sessions.query", US_SERVICE_JSON, US_METHOD_GET, "sessions", NULL, US_AUTH_SESSION, US_STYLE_CREST,
     US_BODY_NONE, NULL, US_READ, US_ROUTE_NO_STORE, NULL, us_ep_session_query, NULL, "REST b.4",
     "Sessions of a user, for administrators"},
    {"json.users.profile", US_SERVICE_JSON, US_METHOD_GET, "users/{user}", NULL, US_AUTH_OWNER_OR_ADMIN, US_STYLE_CREST,
     US_BODY_NONE, NULL, US_READ, 0, NULL, us_ep_profile, NULL, "REST b.7", "Profile of a user"},
    {"json.users.id_from_session", US_SERVICE_JSON, US_METHOD_POST, "users", "idFromSession", US_AUTH_SESSION,
     US_STYLE_CREST, US_BODY_RAW, NULL, US_READ, US_ROUTE_NO_STORE, NULL, us_ep_id_from_session, NULL, "REST b.7",
     "Who am I?"},
    {"json.serverinfo", US_SERVICE_JSON, US_METHOD_GET, "serverinfo/{what}", NULL, US_AUTH_NONE, US_STYLE_CREST,
     US_BODY_NONE, NULL, US_READ, 0, NULL, us_ep_server_info, NULL, "REST b.7",
     "Cookie name, realm, language; uma: modes"},
    {"json.policies.create", US_SERVICE_JSON, US_METHOD_POST, POLICIES, "create", US_AUTH_OWNER_OR_PAT, US_STYLE_CREST,
     US_BODY_RAW, NULL, US_WRITE, US_ROUTE_NEEDS_UMA, NULL, us_ep_policy_create, NULL, "REST c.3", "Share a resource"},
    {"json.policies.query", US_SERVICE_JSON, US_METHOD_GET, POLICIES, NULL, US_AUTH_OWNER_OR_ADMIN, US_STYLE_CREST,
     US_BODY_NONE, NULL, US_READ, US_ROUTE_NEEDS_UMA, NULL, us_ep_policy_query, NULL, "REST c.7",
     "Query what a user shares"},
    {"json.policies.put", US_SERVICE_JSON, US_METHOD_PUT, POLICIES "/{id}", NULL, US_AUTH_OWNER_OR_PAT, US_STYLE_CREST,
     US_BODY_RAW, NULL, US_WRITE, US_ROUTE_NEEDS_UMA, NULL, us_ep_policy_put, NULL, "REST c.3, c.5",
     "Share or change a share"},
    {"json.policies.read", US_SERVICE_JSON, US_METHOD_GET, POLICIES "/{id}", NULL, US_AUTH_OWNER_ADMIN_OR_PAT,
     US_STYLE_CREST, US_BODY_NONE, NULL, US_READ, US_ROUTE_NEEDS_UMA, NULL, us_ep_policy_read, NULL, "REST c.4",
     "Read a share"},
    {"json.policies.delete", US_SERVICE_JSON, US_METHOD_DELETE, POLICIES "/{id}", NULL, US_AUTH_OWNER_ADMIN_OR_PAT,
     US_STYLE_CREST, US_BODY_NONE, NULL, US_WRITE, US_ROUTE_NEEDS_UMA, NULL, us_ep_policy_delete, NULL, "REST c.4",
     "Stop sharing"},
    {"json.pending.query", US_SERVICE_JSON, US_METHOD_GET, PENDING, NULL, US_AUTH_OWNER_OR_ADMIN, US_STYLE_CREST,
     US_BODY_NONE, NULL, US_READ, US_ROUTE_NEEDS_UMA, NULL, us_ep_pending_query, NULL, "REST f.3",
     "Requests waiting for the owner"},
    {"json.pending.read", US_SERVICE_JSON, US_METHOD_GET, PENDING "/{id}", NULL, US_AUTH_OWNER_OR_ADMIN, US_STYLE_CREST,
     US_BODY_NONE, NULL, US_READ, US_ROUTE_NEEDS_UMA, NULL, us_ep_pending_read, NULL, "REST f.3", "One request"},
    {"json.pending.approve", US_SERVICE_JSON, US_METHOD_POST, PENDING "/{id}", "approve", US_AUTH_OWNER, US_STYLE_CREST,
     US_BODY_RAW, NULL, US_WRITE, US_ROUTE_NEEDS_UMA, NULL, us_ep_pending_approve, NULL, "REST f.4",
     "Approve a request"},
    {"json.pending.deny", US_SERVICE_JSON, US_METHOD_POST, PENDING "/{id}", "deny", US_AUTH_OWNER, US_STYLE_CREST,
     US_BODY_RAW, NULL, US_WRITE, US_ROUTE_NEEDS_UMA, NULL, us_ep_pending_deny, NULL, "REST f.4", "Deny a request"},
    {"json.pending.approve_all", US_SERVICE_JSON, US_METHOD_POST, PENDING, "approveAll", US_AUTH_OWNER, US_STYLE_CREST,
     US_BODY_RAW, NULL, US_WRITE, US_ROUTE_NEEDS_UMA, NULL, us_ep_pending_approve_all, NULL, "REST f.4",
     "Approve all requests"},
    {"json.pending.deny_all", US_SERVICE_JSON, US_METHOD_POST, PENDING, "denyAll", US_AUTH_OWNER, US_STYLE_CREST,
     US_BODY_RAW, NULL, US_WRITE, US_ROUTE_NEEDS_UMA, NULL, us_ep_pending_deny_all, NULL, "REST f.4",
     "Deny all requests"},

    {"json.labels.create", US_SERVICE_JSON, US_METHOD_POST, LABELS, "create", US_AUTH_OWNER, US_STYLE_CREST,
     US_BODY_RAW, NULL, US_WRITE, US_ROUTE_NEEDS_UMA, us_ep_label_prepare, us_ep_label_create, NULL, "REST e.2",
     "Make a label"},
    {"json.labels.query", US_SERVICE_JSON, US_METHOD_GET, LABELS, NULL, US_AUTH_OWNER_OR_ADMIN, US_STYLE_CREST,
     US_BODY_NONE, NULL, US_READ, US_ROUTE_NEEDS_UMA, NULL, us_ep_label_query, NULL, "REST e.3",
     "Labels that a user sees"},
    {"json.labels.delete", US_SERVICE_JSON, US_METHOD_DELETE, LABELS "/{label}", NULL, US_AUTH_OWNER, US_STYLE_CREST,
     US_BODY_NONE, NULL, US_WRITE, US_ROUTE_NEEDS_UMA, NULL, us_ep_label_delete, NULL, "REST e.3", "Delete a label"},
    {"json.sets.query", US_SERVICE_JSON, US_METHOD_GET, SETS, NULL, US_AUTH_OWNER_OR_ADMIN, US_STYLE_CREST,
     US_BODY_NONE, NULL, US_READ, US_ROUTE_NEEDS_UMA, NULL, us_ep_set_query, NULL, "REST d.2",
     "Resources that a user sees"},
    {"json.sets.revoke_all", US_SERVICE_JSON, US_METHOD_POST, SETS, "revokeAll", US_AUTH_OWNER, US_STYLE_CREST,
     US_BODY_RAW, NULL, US_WRITE, US_ROUTE_NEEDS_UMA, us_ep_set_revoke_prepare, us_ep_set_revoke_all, NULL, "REST d.5",
     "Stop sharing anything"},
    {"json.sets.read", US_SERVICE_JSON, US_METHOD_GET, SETS "/{id}", NULL, US_AUTH_OWNER_OR_ADMIN, US_STYLE_CREST,
     US_BODY_NONE, NULL, US_READ, US_ROUTE_NEEDS_UMA, NULL, us_ep_set_read, NULL, "REST d.3", "One of them"},
    {"json.sets.update", US_SERVICE_JSON, US_METHOD_PUT, SETS "/{id}", NULL, US_AUTH_OWNER, US_STYLE_CREST, US_BODY_RAW,
     NULL, US_WRITE, US_ROUTE_NEEDS_UMA, us_ep_set_prepare, us_ep_set_update, NULL, "REST d.4",
     "Set one's labels on it"},

    /* Operations: design 4. */
    {"json.health.live", US_SERVICE_JSON, US_METHOD_GET, "health/live", NULL, US_AUTH_NONE, US_STYLE_CREST,
     US_BODY_NONE, NULL, US_READ, US_ROUTE_NO_STORE | US_ROUTE_NO_REALM, NULL, us_ep_health_live, NULL, "design 4",
     "The process answers"},
    {"json.health.ready", US_SERVICE_JSON, US_METHOD_GET, "health/ready", NULL, US_AUTH_NONE, US_STYLE_CREST,
     US_BODY_NONE, NULL, US_READ, US_ROUTE_NO_STORE | US_ROUTE_NO_REALM, NULL, us_ep_health_ready, NULL, "design 4",
     "The store answers too"},
};
const size_t us_route_count = sizeof(us_routes) / sizeof(us_routes[0]);
