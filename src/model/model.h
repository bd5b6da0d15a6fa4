/*
 * What the things are: plain structs, no functions. How they are stored (store/, store/) or sent (endpoint/) is not
 * known here. Strings belong to whoever made the struct: mostly the request's memory, for realms the snapshot's.
 * References named *_ref or *_id are row ids (base/id.h); `client_id`, `uuid` and `name` are what people and programs see.
 */
#ifndef USHER_MODEL_MODEL_H
#define USHER_MODEL_MODEL_H

#include "base/str.h"

struct us_key;

/* Provider settings of a realm; names on the wire and defaults stand in domain/settings.c (protocol contract 9). */
enum us_verifier_rule { US_VERIFIER_OFF, US_VERIFIER_ALL, US_VERIFIER_PUBLIC, US_VERIFIER_PASSWORDLESS };
enum us_resharing { US_RESHARING_OFF, US_RESHARING_IMPLICIT };
enum us_rpt_condition { US_RPT_REQUEST_PARTIAL = 1, US_RPT_REQUEST_NONE = 2, US_RPT_TICKET_PARTIAL = 4 };
/* Which resource version is meant where a request of the /json side names none. */
enum us_api_version { US_API_VERSION_LATEST, US_API_VERSION_OLDEST, US_API_VERSION_NONE };

struct us_settings {
  /* UMA provider */
  int64_t permission_ticket_s;
  bool delete_policies_on_delete_rs, delete_resource_sets_on_delete_rs;
  bool pending_requests;
  int64_t pending_per_party, pending_per_owner; /* open at once */
  bool mail_owner_on_pending, mail_party_on_approval;
  bool owner_implicit_consent;
  struct us_str locale_attribute;
  struct us_str default_locale; /* "de"; empty: the top realm's, and English there */
  int resharing;                /* enum us_resharing */
  int rpt_conditions;           /* set of enum us_rpt_condition */
  struct us_str username_attribute;
  bool warn_confusable_usernames;
  bool interactive_claims;
  struct us_str claims_gathering_service;
  int64_t pct_s;
  bool require_if_match;
  bool claim_token_audience; /* Q21: the audience of a claim token must be the presenting client */
  bool revoke_rpt_on_policy_change;
  /* OAuth2 provider */
  int64_t access_token_s, refresh_token_s, refresh_idle_s, code_s, id_token_s;
  bool issue_refresh_token, issue_refresh_token_on_refresh;
  int code_verifier_enforced; /* enum us_verifier_rule */
  bool allow_plain_pkce;
  bool clients_can_skip_consent;
  struct us_strs supported_scopes, default_scopes;
  bool introspect_query_token;
  bool introspect_rpt_identity;
  bool strict_client_auth_method;
  int64_t client_assertion_s, client_assertions_max; /* longest life of one; live ones of one client */
  /* dynamic registration */
  bool open_registration, generates_registration_tokens;
  struct us_str registration_token_scope; /* of initial access tokens; empty: there are none */
  struct us_strs registration_scopes;     /* reserved scopes that may be registered all the same */
  bool requires_software_statement;
  struct us_str software_issuers; /* JSON: issuer to JWK set; empty: none is trusted */
  struct us_strs software_attested;
  int64_t registrations_per_address, registrations_per_realm, registrations_window_s;
  int64_t registered_clients_max;
  bool second_factor; /* the journey asks for TOTP: the password grant answers the documented 500 */
  /* throttles */
  int64_t failures_per_account, failures_per_address, failures_window_s;
  /* REST */
  bool csrf_filter;
  bool crest_errors_rfc;   /* crestQueryErrors=rfc */
  int api_version_default; /* enum us_api_version */
  struct us_strs dns_aliases;
  bool api_version_warning;
  bool audit_deletions;
  int64_t key_rotation_days;    /* 0: only by hand */
  int64_t audit_retention_days; /* 0: for ever */
  int64_t session_idle_s, session_max_s;
  int64_t sessions_per_user;
  bool zero_page_login;
  struct us_strs valid_goto_urls;
};

struct us_realm_key {
  int64_t id;
  struct us_key *key;
  bool is_active; /* the newest of its algorithm */
  int64_t created_ms;
  int64_t starts_ms;        /* signs from then on */
  int64_t retired_ms;       /* and until then; 0: no end is set */
  int64_t verifies_until_s; /* of a retired key: nothing it signed is alive any more; 0 = it is active */
};
struct us_realm {
  int64_t id;
  struct us_str path; /* "/" or "/alpha" */
  bool has_oauth, has_uma;
  struct us_settings settings;
  const struct us_realm_key *keys;
  size_t key_count;
  struct us_str issuer;    /* BASE/oauth2[/realms/root/realms/...]; every oauth2 endpoint URL begins with oauth_url */
  struct us_str oauth_url; /* BASE/oauth2/realms/root[/realms/...] or BASE/oauth2 for the top: equal to issuer */
  struct us_str uma_url;   /* BASE/uma/realms/root[/realms/...] */
  struct us_str json_url;  /* BASE/json/realms/root[/realms/...] */
  struct us_str base_url;  /* BASE */
};

struct us_client {
  int64_t ref;
  int64_t realm_id;
  struct us_str client_id;
  struct us_str secret_hash;
  bool is_public, is_active;
  struct us_str display_name;
  struct us_str auth_method;
  struct us_strs grants, scopes, default_scopes, redirect_uris, claims_redirect_uris;
  struct us_str id_token_alg;
  int64_t access_token_s, refresh_token_s, code_s; /* 0: the realm's */
  bool implies_consent;                            /* isConsentImplied: nobody is asked */
  bool binds_tokens;                               /* mTLSCertificateBoundAccessTokens */
  struct us_str sealed_secret;                     /* client_secret_jwt: the secret itself, sealed */
  struct us_str jwks, jwks_uri;                    /* its public keys, or where they are; absent without */
  struct us_str tls_names;           /* tls_client_auth: {"tls_client_auth_san_dns":"..."} (RFC 8705 2.1.2) */
  struct us_str metadata;            /* what else registration said: a JSON object */
  struct us_str registration_digest; /* of its registration access token; absent: not registered that way */
  int64_t rev, created_ms;
};

struct us_account {
  int64_t id;
  int64_t realm_id;
  struct us_str name; /* as registered; compared by name_key */
  struct us_str name_key;
  struct us_str password_hash;
  struct us_str mail, given_name, family_name, locale;
  bool is_active, is_admin;
  bool has_totp; /* a second factor is enrolled */
  int64_t rev, access_rev;
  int64_t valid_from; /* tokens with smaller ids are dead */
  int64_t created_ms;
};

/* A person who looks at what there is: the account, and the key by which shares name it (absent: by none). */
struct us_viewer {
  int64_t realm_id, account_id;
  struct us_str name; /* of the account */
  struct us_str subject_key;
};

struct us_session {
  int64_t id;
  int64_t realm_id;
  int64_t account_id;
  int64_t created_ms, touched_ms, expires_ms;
  struct us_str journey; /* the flow by which the person logged in */
};

enum us_token_kind { US_TOKEN_ACCESS = 1, US_TOKEN_REFRESH = 2 };
struct us_token {
  int64_t id;
  int kind;
  int64_t realm_id, client_ref, account_id /* 0: none */, grant_id;
  struct us_str grant_type;
  struct us_strs scopes;
  int64_t auth_time_s, issued_s, expires_s;
  bool spent;
  struct us_str cnf; /* x5t#S256 of the certificate it is bound to; absent: to none */
};

/* An authorization code (protocol contract 3.2). */
struct us_code_grant {
  int64_t id;
  int64_t realm_id, client_ref, account_id;
  struct us_str redirect_uri;
  bool uri_was_sent;
  struct us_strs scopes;
  struct us_str challenge, challenge_method, nonce; /* absent without */
  int64_t auth_time_s, expires_s;
  int64_t grant_id; /* of the tokens it was exchanged for; 0: not used yet */
};
/* What a person lets a client do. */
struct us_consent {
  int64_t account_id, client_ref, realm_id;
  struct us_strs scopes;     /* none: withdrawn */
  struct us_strs remembered; /* those of them for which nobody is asked again */
  int64_t valid_from;        /* tokens and codes of the two with smaller ids are dead */
  int64_t modified_ms;
  struct us_str client_id, client_name; /* read along in lists */
};
/* A persisted claims token (protocol contract 7.5). */
struct us_pct {
  int64_t id;
  int64_t realm_id, client_ref, account_id;
  int64_t issued_s, expires_s;
  struct us_str cnf;
};
/* A live access token with those it speaks for, read in one statement. */
struct us_access {
  struct us_token token;
  struct us_str client_id;
  bool client_has_uma; /* uma_protection is still among the client's registered scopes */
  struct us_strs client_scopes;
  struct us_str owner_name; /* absent for client credentials */
};

struct us_resource {
  int64_t id;
  struct us_str uuid;
  int64_t realm_id, owner_id, rs_ref;
  struct us_str name, type, icon_uri, about;
  struct us_str description; /* JSON */
  struct us_strs scopes;
  struct us_str type_actions;     /* of its resource type (REST h): JSON array, or '' for those of its scopes */
  struct us_str type_denied;      /* those of them that are false: JSON array */
  struct us_str type_description; /* absent: the usual one */
  int64_t type_modifier;          /* account that changed the type last; 0: the owner */
  int64_t rev, access_rev, created_ms, modified_ms;
};

/* One resource with scopes: in tickets, in RPTs. */
struct us_permission {
  int64_t resource_id;
  struct us_str uuid;
  struct us_strs scopes;
  int64_t access_rev; /* RPT: decided under */
  int64_t expires_s;  /* RPT */
};
struct us_permissions {
  struct us_permission *v;
  size_t n;
};

enum us_ticket_state { US_TICKET_OPEN = 0, US_TICKET_CLAIMS = 1, US_TICKET_DEAD = 2 };
struct us_ticket {
  int64_t tid;
  int64_t iteration;
  int state;
  int64_t realm_id, owner_id, rs_ref, client_ref /* 0: none yet */;
  struct us_permissions permissions;
  struct us_str pending_ids; /* JSON array of numbers */
  int64_t created_s, expires_s;
  /* claims gathering */
  struct us_str challenge, challenge_method; /* absent without */
  int64_t party_id, gathered_id;             /* who was there, and when in the order of ids; 0: nobody yet */
  bool wants_pct;
};
/* What a browser brought along to the claims endpoint (PKCE for tickets). */
struct us_ticket_challenge {
  struct us_str text, method; /* absent: none */
  bool is_required;           /* by now: with this presentation or an earlier one */
};

/* Row ids. */
struct us_ids {
  int64_t *v;
  size_t n;
};
struct us_rpt {
  int64_t id;
  int64_t realm_id, owner_id, rs_ref, client_ref, party_id, tid;
  int64_t party_rev;     /* access_rev of the party's account under which it was decided */
  struct us_ids counted; /* permissions of which it used up a use (MaxUses) */
  int64_t issued_s, expires_s;
  struct us_str cnf; /* as in us_token */
  struct us_permissions permissions;
};

/* A condition on a share (REST contract c.8). */
enum us_condition_kind {
  US_CONDITION_EXPIRATION = 1, /* holds before date_s */
  US_CONDITION_CLIENT_ID = 2,  /* holds for these clients */
  US_CONDITION_NOT_BEFORE = 3, /* holds from date_s on (ours) */
  US_CONDITION_MAX_USES = 4    /* holds until `uses` RPTs relied on the share (ours) */
};
struct us_condition {
  int kind;
  int64_t date_s;
  int64_t uses;
  struct us_strs client_ids;
};
struct us_conditions {
  bool any; /* OR; otherwise AND */
  struct us_condition *v;
  size_t n;
};
/* One grant: sharer lets subject do scopes with a resource. */
struct us_share {
  int64_t id;                         /* of its row; 0: not stored yet */
  struct us_str subject, subject_key; /* a user, or "group:NAME" */
  struct us_strs scopes;
  struct us_strs active_scopes; /* as stored: a cache of the graph (REST i.3) */
  struct us_conditions conditions;
  int64_t used;             /* RPTs that relied on it */
  struct us_str entry_name; /* at users/{user}/policies (REST c.9) */
  int64_t created_ms, modified_ms;
};
struct us_policy {
  int64_t id;
  int64_t realm_id, resource_id, sharer_id;
  int64_t rev, created_ms, modified_ms;
  struct us_share *shares;
  size_t share_count;
};

struct us_pending {
  int64_t id;
  struct us_str uuid;
  int64_t realm_id, owner_id, resource_id, party_id;
  struct us_strs scopes;
  int64_t created_ms, rev;
  struct us_str party_name, resource_name, resource_uuid; /* read along */
};

#endif
