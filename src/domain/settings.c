/* Settings of a realm: see settings.h. */
#include "domain/settings.h"

#include <inttypes.h>

#include <jansson.h>

#include "base/mem.h"

#define YEAR_S (INT64_C(366) * 24 * 3600)
#define DAY_S (INT64_C(24) * 3600)

static const struct us_setting_word resharing_words[] = {
    {"IMPLICIT", US_RESHARING_IMPLICIT}, {"OFF", US_RESHARING_OFF}, {NULL, 0}};
static const struct us_setting_word rpt_words[] = {{"REQUEST_PARTIAL", US_RPT_REQUEST_PARTIAL},
                                                   {"REQUEST_NONE", US_RPT_REQUEST_NONE},
                                                   {"TICKET_PARTIAL", US_RPT_TICKET_PARTIAL},
                                                   {NULL, 0}};
static const struct us_setting_word verifier_words[] = {{"false", US_VERIFIER_OFF},
                                                        {"true", US_VERIFIER_ALL},
                                                        {"public", US_VERIFIER_PUBLIC},
                                                        {"passwordless", US_VERIFIER_PASSWORDLESS},
                                                        {NULL, 0}};
static const struct us_setting_word api_version_words[] = {
    {"Latest", US_API_VERSION_LATEST}, {"Oldest", US_API_VERSION_OLDEST}, {"None", US_API_VERSION_NONE}, {NULL, 0}};
static const struct us_setting_word crest_error_words[] = {{"am", 0}, {"rfc", 1}, {NULL, 0}};

#define AT(member) offsetof(struct us_settings, member)
#define INT(name, member, value, least, most, meaning)                                                                 \
  { name, US_SETTING_INT, AT(member), value, least, most, NULL, meaning }
#define BOOL(name, member, value, meaning)                                                                             \
  { name, US_SETTING_BOOL, AT(member), value, 0, 0, NULL, meaning }
#define TEXT(name, member, value, most, meaning)                                                                       \
  { name, US_SETTING_TEXT, AT(member), value, 0, most, NULL, meaning }
#define LIST(name, member, most, meaning)                                                                              \
  { name, US_SETTING_LIST, AT(member), "", 0, most, NULL, meaning }

const struct us_setting us_setting_table[] = {
    /* UMA provider, general: protocol contract 9.1. */
    INT("permissionTicketLifetime", permission_ticket_s, "120", 1, DAY_S, "life of a permission ticket, seconds"),
    BOOL("deletePoliciesOnDeleteRS", delete_policies_on_delete_rs, "true",
         "a resource server that goes takes the policies on its resources along"),
    BOOL("deleteResourceSetsOnDeleteRS", delete_resource_sets_on_delete_rs, "true",
         "a resource server that goes takes its resources along"),
    BOOL("pendingRequestsEnabled", pending_requests, "true",
         "a refused request is put before the resource owner (request_submitted)"),
    INT("pendingRequestsPerRequestingParty", pending_per_party, "1000", 1, 10000,
        "requests that one requesting party may have open at once; one more is refused (ours)"),
    INT("pendingRequestsPerResourceOwner", pending_per_owner, "10000", 1, 10000,
        "requests that may be open for one owner at once; one more is refused (ours)"),
    BOOL("emailResourceOwnerOnPendingRequestCreation", mail_owner_on_pending, "true",
         "mail the owner about a new pending request"),
    BOOL("emailRequestingPartyOnPendingRequestApproval", mail_party_on_approval, "true",
         "mail the requesting party about an approval"),
    BOOL("grantResourceOwnerImplicitConsent", owner_implicit_consent, "true",
         "owners pass at their own resources whatever the policy says"),
    TEXT("userProfileLocaleAttribute", locale_attribute, "inetOrgPerson", 255,
         "profile attribute with the preferred locale, for mails"),
    TEXT("defaultLocale", default_locale, "", 35,
         "language of mails to people without a preferred locale, as in de-CH; empty = the top realm's, else English "
         "(ours)"),
    {"resharingMode", US_SETTING_ENUM, AT(resharing), "IMPLICIT", 0, 0, resharing_words,
     "may people share on what was shared with them: IMPLICIT or OFF"},
    {"grantRptConditions", US_SETTING_SET, AT(rpt_conditions), "REQUEST_PARTIAL,REQUEST_NONE,TICKET_PARTIAL", 0, 0,
     rpt_words, "when an RPT may be granted although not every scope matched"},
    TEXT("usernameAttribute", username_attribute, "", 255, "attribute that people type when they share"),
    BOOL("warnOnConfusableUsernames", warn_confusable_usernames, "false",
         "warn the sharer about look-alike user names (ours)"),
    BOOL("requireIfMatch", require_if_match, "false", "updates of resources must carry If-Match (ours)"),
    BOOL("claimTokenAudienceRequired", claim_token_audience, "true",
         "the audience of a claim token must be the client that presents it (ours)"),
    BOOL("revokeRptOnPolicyChange", revoke_rpt_on_policy_change, "true",
         "a withdrawn share is taken from live RPTs at once (ours)"),
    BOOL("introspectRptIdentity", introspect_rpt_identity, "true",
         "introspection of an RPT also shows sub, client_id and iat (ours)"),

    /* UMA provider, claims gathering: 9.2. */
    BOOL("interactiveClaimsGatheringEnabled", interactive_claims, "false",
         "requesting parties say who they are at the claims interaction endpoint, or by a PCT; claim tokens do not "
         "count"),
    TEXT("claimsGatheringService", claims_gathering_service, "[Empty]", 255,
         "journey a requesting party must have logged in with"),
    INT("pctLifetime", pct_s, "604800", 1, YEAR_S, "life of a persisted claims token, seconds"),

    /* OAuth2 provider: 9.3. */
    INT("accessTokenLifetime", access_token_s, "3600", 1, YEAR_S, "life of access tokens and RPTs, seconds"),
    INT("refreshTokenLifetime", refresh_token_s, "604800", 1, 10 * YEAR_S, "life of refresh tokens, seconds"),
    INT("refreshIdleLifetime", refresh_idle_s, "0", 0, 10 * YEAR_S,
        "a refresh token not used for so many seconds is dead; 0 = off (ours)"),
    INT("codeLifetime", code_s, "120", 1, 600, "life of an authorization code, seconds"),
    INT("jwtTokenLifetime", id_token_s, "3600", 1, 30 * DAY_S,
        "life of ID tokens, which are the claim tokens, seconds"),
    BOOL("issueRefreshToken", issue_refresh_token, "true", "grants that may, come with a refresh token"),
    BOOL("issueRefreshTokenOnRefreshedToken", issue_refresh_token_on_refresh, "true",
         "a refresh gives a new refresh token and ends the old one; public clients always do"),
    {"codeVerifierEnforced", US_SETTING_ENUM, AT(code_verifier_enforced), "public", 0, 0, verifier_words,
     "who must use PKCE: false, true (all), public, passwordless"},
    BOOL("allowPlainPkce", allow_plain_pkce, "false", "the challenge method plain is taken too (ours)"),
    BOOL("clientsCanSkipConsent", clients_can_skip_consent, "false",
         "clients registered with implied consent (isConsentImplied) get codes without the person being asked"),
    LIST("supportedScopes", supported_scopes, 256, "the only scopes of this realm; empty = whatever clients register"),
    LIST("defaultScopes", default_scopes, 256, "scopes of clients that have no defaults and ask for none"),
    BOOL("introspectQueryParameterAllowed", introspect_query_token, "false",
         "clients may introspect by GET with the token in the query, and tokeninfo takes it there"),
    BOOL("strictClientAuthMethod", strict_client_auth_method, "false",
         "a client authenticates only by the method it is registered with (ours)"),
    INT("clientAssertionMaxLifetime", client_assertion_s, "600", 1, DAY_S,
        "a client's assertion may expire so many seconds ahead at most (ours)"),
    INT("clientAssertionsPerClient", client_assertions_max, "20000", 1, 1000000,
        "assertions of one client that are valid at once; one more is refused until some have expired (ours)"),
    BOOL("secondFactorRequired", second_factor, "false",
         "the journey asks for a second factor; the password grant then answers 500 as documented (ours)"),

    /* OAuth2 provider, dynamic client registration. */
    BOOL("allowDynamicRegistration", open_registration, "false", "anybody may register a client, without a token"),
    TEXT("dynamicClientRegistrationScope", registration_token_scope, "dynamic_client_registration",
         US_SETTING_LIST_ITEM_MAX,
         "an access token with this scope may register clients; empty = none may, and without "
         "allowDynamicRegistration there is no registration at all"),
    BOOL("generateRegistrationAccessTokens", generates_registration_tokens, "true",
         "a registered client gets a token by which it can read, change and delete itself"),
    BOOL("dynamicClientRegistrationSoftwareStatementRequired", requires_software_statement, "false",
         "a registration must bring a software statement"),
    {"requiredSoftwareStatementAttestedAttributes", US_SETTING_LIST, AT(software_attested), "redirect_uris", 0, 64,
     NULL, "metadata that a software statement, where one is brought, must speak of"},
    {"softwareStatementIssuers", US_SETTING_JSON, AT(software_issuers), "", 0, 32768, NULL,
     "issuers of software statements, each with its JWK set: {\"https://issuer\":{\"keys\":[...]}}; empty = none is "
     "trusted (ours)"},
    LIST("registrationScopes", registration_scopes, 256,
         "scopes that registered clients may have although they mean power over others, as uma_protection does (ours)"),
    INT("registrationsPerAddress", registrations_per_address, "100", 0, 1000000,
        "registrations from one address, or changes by one client, until a pause; 0 = no limit (ours)"),
    INT("registrationsPerRealm", registrations_per_realm, "1000", 0, 1000000,
        "registrations from everywhere until a pause; 0 = no limit (ours)"),
    INT("registrationsWindow", registrations_window_s, "60", 1, DAY_S, "seconds in which they are counted (ours)"),
    INT("registeredClientsMax", registered_clients_max, "10000", 0, 1000000,
        "clients that registered themselves and are still there; one more is refused; 0 = no limit (ours)"),

    /* Throttles: design 6, ours. */
    INT("failedPasswordsPerAccount", failures_per_account, "10", 0, 1000000,
        "wrong passwords for one account, or secrets for one client, from one address until a pause there; ten times "
        "as "
        "many from everywhere pause the account; 0 = no limit"),
    INT("failedPasswordsPerAddress", failures_per_address, "50", 0, 1000000,
        "wrong passwords or secrets from one address until a pause; 0 = no limit"),
    INT("failedPasswordsWindow", failures_window_s, "300", 1, DAY_S, "seconds in which they are counted"),

    /* The owner's side: REST contract. */
    BOOL("csrfFilter", csrf_filter, "true", "cookie requests that change something need X-Requested-With (ours)"),
    {"crestQueryErrors", US_SETTING_ENUM, AT(crest_errors_rfc), "am", 0, 0, crest_error_words,
     "an unknown field in a query is answered as the product does (am: 500) or as it should be (rfc: 400) (ours)"},
    BOOL("auditDeletions", audit_deletions, "true", "shares that are removed stand in the history too (ours)"),
    INT("keyRotationDays", key_rotation_days, "0", 0, 3650,
        "days after which a signing key gets a successor by itself; 0 = only by hand (ours)"),
    INT("auditRetentionDays", audit_retention_days, "0", 0, 36500,
        "lines of the history go when they are so many days old; 0 = they stay (ours)"),
    LIST("dnsAliases", dns_aliases, 64,
         "hosts that stand for this realm where a request names none, by path or query; without ports (ours)"),
    {"apiVersionDefault", US_SETTING_ENUM, AT(api_version_default), "Latest", 0, 0, api_version_words,
     "resource version of /json requests that name none: Latest, Oldest, or None, which refuses them (ours)"},
    BOOL("apiVersionWarning", api_version_warning, "true",
         "answers to /json requests without Accept-API-Version carry a Warning header (ours)"),
    INT("sessionIdleTime", session_idle_s, "1800", 60, 30 * DAY_S,
        "a session not used for so many seconds ends (ours)"),
    INT("sessionMaxTime", session_max_s, "7200", 60, YEAR_S, "longest life of a session, seconds (ours)"),
    INT("sessionsPerUser", sessions_per_user, "1000", 1, 10000,
        "sessions that one user may have at once; the oldest end (ours)"),
    BOOL("zeroPageLoginEnabled", zero_page_login, "true",
         "user name and password may come in headers; otherwise callbacks ask for them (ours)"),
    LIST("validGotoUrls", valid_goto_urls, 64,
         "where goto and gotoOnFail may lead besides Usher itself: URLs or paths, with /* at the end all below (ours)"),
};
const size_t us_setting_count = sizeof(us_setting_table) / sizeof(us_setting_table[0]);

const struct us_setting *us_setting_find(struct us_str name) {
  for (size_t i = 0; i < us_setting_count; i++) {
    if (us_str_eq_c(name, us_setting_table[i].name))
      return &us_setting_table[i];
  }
  return NULL;
}

bool us_setting_is_retired(struct us_str name) {
  static const char *const retired[] = {
      "rptLifetime",          "requireTrustElevation",       "supportedPatProfiles", "supportedAatProfiles",
      "supportedRptProfiles", "supportedClaimTokenProfiles", "supportedUmaProfiles",
  };
  for (size_t i = 0; i < sizeof(retired) / sizeof(retired[0]); i++) {
    if (us_str_eq_c(name, retired[i]))
      return true;
  }
  return false;
}

bool us_settings_init(void *mem, struct us_settings *settings) {
  bool ok = true;
  *settings = (struct us_settings){0};
  for (size_t i = 0; i < us_setting_count; i++) {
    const struct us_setting *row = &us_setting_table[i];
    ok &= us_setting_parse(mem, row, us_str_c(row->default_value), settings) == NULL;
  }
  return ok;
}

static void *slot_of(const struct us_setting *row, struct us_settings *settings) {
  return (char *)settings + row->offset;
}
static const void *const_slot_of(const struct us_setting *row, const struct us_settings *settings) {
  return (const char *)settings + row->offset;
}

static const char *parse_int(const struct us_setting *row, struct us_str value, int64_t *slot) {
  uint64_t number = 0;
  if (!us_str_to_u64(value, INT64_MAX, &number))
    return "must be a whole number";
  if ((int64_t)number < row->min || (int64_t)number > row->max)
    return "is out of range";
  *slot = (int64_t)number;
  return NULL;
}

static const char *parse_bool(struct us_str value, bool *slot) {
  if (!us_str_eq_c(value, "true") && !us_str_eq_c(value, "false"))
    return "must be true or false";
  *slot = us_str_eq_c(value, "true");
  return NULL;
}

static bool is_clean(struct us_str value) {
  for (size_t i = 0; i < value.n; i++) {
    if ((unsigned char)value.p[i] < 0x20 || value.p[i] == 0x7f)
      return false;
  }
  return us_str_is_utf8(value);
}

static const char *parse_text(void *mem, const struct us_setting *row, struct us_str value, struct us_str *slot) {
  if ((int64_t)value.n > row->max)
    return "is too long";
  if (!is_clean(value))
    return "must be plain text";
  struct us_str copy = us_str_dup(mem, value);
  if (copy.p == NULL)
    return "there is no memory for it";
  *slot = copy;
  return NULL;
}

/* One line of JSON: shells and files of settings carry it unchanged. */
static const char *parse_json(void *mem, const struct us_setting *row, struct us_str value, struct us_str *slot) {
  json_t *object = value.n > 0 ? json_loadb(value.p, value.n, JSON_REJECT_DUPLICATES, NULL) : json_object();
  bool is_object = json_is_object(object);
  json_decref(object);
  return is_object ? parse_text(mem, row, value, slot) : "must be a JSON object";
}

static const char *parse_list(void *mem, const struct us_setting *row, struct us_str value, struct us_strs *slot) {
  struct us_strs parts;
  if (!is_clean(value))
    return "must be plain text";
  struct us_str copy = us_str_dup(mem, value);
  if (copy.p == NULL)
    return "there is no memory for it";
  if (!us_str_split(mem, copy, ',', (size_t)row->max, &parts))
    return "has too many members";
  for (size_t i = 0; i < parts.n; i++) {
    if (parts.v[i].n > US_SETTING_LIST_ITEM_MAX)
      return "has a member that is too long";
  }
  struct us_strs unique = us_strs_unique(mem, parts);
  if (unique.v == NULL)
    return "there is no memory for it";
  *slot = unique;
  return NULL;
}

static const struct us_setting_word *word_of(const struct us_setting *row, struct us_str text) {
  for (const struct us_setting_word *w = row->words; w->word != NULL; w++) {
    if (us_str_eq_c(text, w->word))
      return w;
  }
  return NULL;
}

/* `crestQueryErrors` is a word on the wire and a bool in the struct. */
static bool is_bool_slot(const struct us_setting *row) {
  return row->words == crest_error_words;
}

static const char *parse_enum(const struct us_setting *row, struct us_str value, void *slot) {
  const struct us_setting_word *w = word_of(row, value);
  if (w == NULL)
    return "is none of the words it may be";
  if (is_bool_slot(row))
    *(bool *)slot = w->value != 0;
  else
    *(int *)slot = w->value;
  return NULL;
}

static const char *parse_set(const struct us_setting *row, struct us_str value, int *slot) {
  int set = 0;
  size_t start = 0;
  for (size_t i = 0; i <= value.n && value.n > 0; i++) {
    if (i < value.n && value.p[i] != ',')
      continue;
    const struct us_setting_word *w = word_of(row, (struct us_str){value.p + start, i - start});
    if (w == NULL)
      return "has a word it may not have";
    set |= w->value;
    start = i + 1;
  }
  *slot = set;
  return NULL;
}

const char *us_setting_parse(void *mem, const struct us_setting *row, struct us_str value,
                             struct us_settings *settings) {
  void *slot = slot_of(row, settings);
  switch (row->kind) {
  case US_SETTING_INT:
    return parse_int(row, value, slot);
  case US_SETTING_BOOL:
    return parse_bool(value, slot);
  case US_SETTING_TEXT:
    return parse_text(mem, row, value, slot);
  case US_SETTING_JSON:
    return parse_json(mem, row, value, slot);
  case US_SETTING_LIST:
    return parse_list(mem, row, value, slot);
  case US_SETTING_ENUM:
    return parse_enum(row, value, slot);
  case US_SETTING_SET:
    return parse_set(row, value, slot);
  }
  return "is of no kind";
}

static struct us_str print_enum(const struct us_setting *row, const void *slot) {
  int value = is_bool_slot(row) ? (int)*(const bool *)slot : *(const int *)slot;
  for (const struct us_setting_word *w = row->words; w->word != NULL; w++) {
    if (w->value == value)
      return us_str_c(w->word);
  }
  return US_STR("");
}

static struct us_str print_set(void *mem, const struct us_setting *row, int value) {
  struct us_str text = US_STR("");
  for (const struct us_setting_word *w = row->words; w->word != NULL; w++) {
    if (value & w->value)
      text = us_str_fmt(mem, "%.*s%s%s", US_STR_ARG(text), text.n ? "," : "", w->word);
  }
  return text;
}

struct us_str us_setting_print(void *mem, const struct us_setting *row, const struct us_settings *settings) {
  const void *slot = const_slot_of(row, settings);
  switch (row->kind) {
  case US_SETTING_INT:
    return us_str_fmt(mem, "%" PRId64, *(const int64_t *)slot);
  case US_SETTING_BOOL:
    return us_str_c(*(const bool *)slot ? "true" : "false");
  case US_SETTING_TEXT:
  case US_SETTING_JSON:
    return *(const struct us_str *)slot;
  case US_SETTING_LIST:
    return us_strs_join(mem, *(const struct us_strs *)slot, ",");
  case US_SETTING_ENUM:
    return print_enum(row, slot);
  case US_SETTING_SET:
    return print_set(mem, row, *(const int *)slot);
  }
  return US_STR_ABSENT;
}

struct us_str us_settings_claims_journey(const struct us_settings *settings) {
  struct us_str name = settings->claims_gathering_service;
  return name.n == 0 || us_str_eq_c(name, "[Empty]") ? US_STR_ABSENT : name; /* the product's word for nothing */
}
