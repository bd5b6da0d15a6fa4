/* Client metadata: see client_metadata.h. */
#include "domain/client_metadata.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/jws.h"
#include "crypto/password.h"
#include "domain/client.h"
#include "domain/client_auth.h"
#include "domain/outside_url.h"
#include "domain/scope.h"
#include "domain/token.h"
#include "json/field.h"
#include "json/json.h"

/* A text of a list is as long as the body lets it be: of URIs, us_client_check() says which length it takes. */
#define ITEM_MAX (64 * 1024)
#define WORD_MAX 64

#define ROW(name_, kind_, member_, ...)                                                                                \
  { .name = name_, .kind = kind_, .offset = offsetof(struct us_client_metadata, member_), __VA_ARGS__ }
#define TEXT(name_, member_, max_) ROW(name_, US_FIELD_STRING, member_, .flags = US_FIELD_NO_CONTROLS, .max = (max_))
#define LIST(name_, member_, flags_, max_, item_)                                                                      \
  ROW(name_, US_FIELD_STRINGS, member_, .flags = US_FIELD_UNIQUE | US_FIELD_NO_CONTROLS | (flags_), .max = (max_),     \
      .item_max = (item_))
#define URL(name_, member_) ROW(name_, US_FIELD_STRING, member_, .max = US_OUTSIDE_URL_MAX)

static const struct us_field rows[] = {
    LIST("redirect_uris", redirect_uris, 0, US_METADATA_URIS_MAX, ITEM_MAX),
    LIST("claims_redirect_uris", claims_redirect_uris, 0, US_METADATA_URIS_MAX, ITEM_MAX), /* UMA grant 2 */
    ROW("grant_types", US_FIELD_STRINGS, grant_types, .flags = US_FIELD_UNIQUE | US_FIELD_NOT_EMPTY, .max = 16,
        .item_max = US_METADATA_TEXT_MAX, .seen_offset = offsetof(struct us_client_metadata, has_grant_types)),
    ROW("response_types", US_FIELD_STRINGS, response_types, .flags = US_FIELD_UNIQUE, .max = 16,
        .item_max = US_METADATA_TEXT_MAX, .seen_offset = offsetof(struct us_client_metadata, has_response_types)),
    TEXT("token_endpoint_auth_method", auth_method, WORD_MAX),
    TEXT("token_endpoint_auth_signing_alg", auth_signing_alg, WORD_MAX),
    TEXT("id_token_signed_response_alg", id_token_alg, WORD_MAX),
    TEXT("application_type", application_type, WORD_MAX),
    TEXT("subject_type", subject_type, WORD_MAX),
    TEXT("scope", scope, US_METADATA_SCOPE_MAX),
    TEXT("client_name", client_name, US_METADATA_TEXT_MAX),
    URL("client_uri", client_uri),
    URL("logo_uri", logo_uri),
    URL("policy_uri", policy_uri),
    URL("tos_uri", tos_uri),
    LIST("contacts", contacts, US_FIELD_NO_EMPTY_ITEMS, US_METADATA_CONTACTS_MAX, US_METADATA_TEXT_MAX),
    TEXT("software_id", software_id, US_METADATA_TEXT_MAX),
    TEXT("software_version", software_version, US_METADATA_TEXT_MAX),
    TEXT("software_statement", software_statement, US_JWS_MAX_BYTES),
    ROW("jwks", US_FIELD_JSON, jwks, ),
    URL("jwks_uri", jwks_uri),
    TEXT("tls_client_auth_subject_dn", tls_subject_dn, 1024),
    TEXT("tls_client_auth_san_dns", tls_san_dns, 255),
    TEXT("tls_client_auth_san_uri", tls_san_uri, 1024),
    TEXT("tls_client_auth_san_ip", tls_san_ip, 64),
    TEXT("tls_client_auth_san_email", tls_san_email, 320),
    ROW("tls_client_certificate_bound_access_tokens", US_FIELD_BOOL, binds_tokens, ),
    ROW("require_auth_time", US_FIELD_BOOL, require_auth_time, ),
    TEXT("client_id", client_id, US_CLIENT_ID_MAX),
    ROW("client_secret", US_FIELD_STRING, client_secret, .flags = US_FIELD_SECRET, .max = US_PASSWORD_MAX_BYTES),
};
const struct us_field_table us_client_metadata_table = {
    .size = sizeof(struct us_client_metadata),
    US_FIELDS(rows),
    .code = US_E_INVALID_METADATA,
    .keep_unknown = true,
    .unknown_offset = offsetof(struct us_client_metadata, others),
};

/* What has no place of its own in struct us_client. The first few may come in several languages (RFC 7591 2.2). */
static const char *const kept[] = {"client_uri",       "logo_uri",           "policy_uri",
                                   "tos_uri",          "contacts",           "software_id",
                                   "software_version", "software_statement", "token_endpoint_auth_signing_alg",
                                   "require_auth_time"};
static const struct {
  const char *name;
  bool is_url;
  int64_t max;
} for_people[] = {
    {"client_name", false, US_METADATA_TEXT_MAX}, {"client_uri", true, US_OUTSIDE_URL_MAX},
    {"logo_uri", true, US_OUTSIDE_URL_MAX},       {"policy_uri", true, US_OUTSIDE_URL_MAX},
    {"tos_uri", true, US_OUTSIDE_URL_MAX},
};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct us_strs one(struct us_cx *cx, struct us_str word) {
  struct us_strs set = {us_mem_array(cx->mem, 1, sizeof(word)), 1};
  if (set.v == NULL)
    return (struct us_strs){NULL, 0};
  set.v[0] = word;
  return set;
}

/* ---- Reading ---- */

static bool is_said(const json_t *value) {
  return !json_is_null(value) && !(json_is_string(value) && json_string_length(value) == 0);
}

enum us_code us_client_metadata_read(struct us_cx *cx, json_t *document, struct us_client_metadata *ret_metadata) {
  const char *name;
  json_t *value;
  void *next;
  json_object_foreach_safe(document, next, name, value) {
    if (!is_said(value))
      json_object_del(document, name);
  }
  struct us_client_metadata metadata = {0};
  US_TRY(us_field_from_json(cx, &us_client_metadata_table, document, &metadata));
  *ret_metadata = metadata;
  return US_OK;
}

/* Index in for_people[] of "client_name#de"; COUNT(for_people): it is none of these. */
static size_t base_of(const char *member) {
  const char *sharp = strchr(member, '#');
  size_t n = sharp != NULL ? (size_t)(sharp - member) : 0, i = 0;
  while (i < COUNT(for_people) && (strlen(for_people[i].name) != n || strncmp(for_people[i].name, member, n) != 0))
    i++;
  return i;
}

bool us_client_metadata_has(const char *member) {
  static const char *const not_metadata[] = {"client_id", "client_secret", "software_statement"};
  for (size_t i = 0; i < COUNT(not_metadata); i++) {
    if (strcmp(member, not_metadata[i]) == 0)
      return false;
  }
  for (size_t i = 0; i < COUNT(rows); i++) {
    if (strcmp(member, rows[i].name) == 0)
      return true;
  }
  return base_of(member) < COUNT(for_people);
}

/* ---- What single members mean ---- */

static enum us_code refuse(struct us_cx *cx, const char *member, const char *words) {
  return us_fail(cx, US_E_INVALID_METADATA, "%s: %s", member, words);
}

static enum us_code check_url(struct us_cx *cx, const char *member, struct us_str url) {
  const char *flaw = url.n > 0 ? us_outside_url_flaw(&cx->svc->outside, url) : NULL; /* DR-10 */
  return flaw != NULL ? refuse(cx, member, flaw) : US_OK;
}

static bool is_tag(const char *tag) {
  size_t n = strlen(tag);
  return n > 0 && n <= US_METADATA_TAG_MAX &&
         strspn(tag, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == n;
}

/* A member in another language is read by the rules of the one it translates. */
static enum us_code check_tagged(struct us_cx *cx, const json_t *others, const char *member, size_t base) {
  struct us_str text = US_STR_ABSENT;
  const struct us_field row = {
      .name = member, .kind = US_FIELD_STRING, .flags = US_FIELD_NO_CONTROLS, .max = for_people[base].max};
  const struct us_field_table table = {.size = sizeof(text), .fields = &row, .n = 1, .code = US_E_INVALID_METADATA};
  if (!is_tag(strchr(member, '#') + 1))
    return us_fail(cx, US_E_INVALID_METADATA, "%s: is followed by no language tag", for_people[base].name);
  US_TRY(us_field_from_json(cx, &table, others, &text));
  return for_people[base].is_url ? check_url(cx, member, text) : US_OK;
}

static enum us_code check_all_tagged(struct us_cx *cx, const json_t *others) {
  const char *name;
  json_t *value;
  size_t n = 0;
  json_object_foreach((json_t *)(uintptr_t)others, name, value) {
    size_t base = base_of(name);
    if (base == COUNT(for_people))
      continue;
    US_TRY(check_tagged(cx, others, name, base));
    if (++n > US_METADATA_TAGGED_MAX)
      return us_fail(cx, US_E_INVALID_METADATA, "%s: at most %d members may have language tags", for_people[base].name,
                     US_METADATA_TAGGED_MAX);
  }
  return US_OK;
}

static enum us_code check_urls(struct us_cx *cx, const struct us_client_metadata *in) {
  US_TRY(check_url(cx, "client_uri", in->client_uri));
  US_TRY(check_url(cx, "logo_uri", in->logo_uri));
  US_TRY(check_url(cx, "policy_uri", in->policy_uri));
  return check_url(cx, "tos_uri", in->tos_uri);
}

static bool is_one_of(struct us_str word, const char *const *list) {
  while (*list != NULL && !us_str_eq_c(word, *list))
    list++;
  return *list != NULL;
}

static enum us_code apply_method(struct us_cx *cx, const struct us_client_metadata *in, struct us_client *c) {
  c->auth_method = in->auth_method.n > 0 ? in->auth_method : US_STR("client_secret_basic");
  const struct us_auth_method *method = us_auth_method_find(c->auth_method);
  if (method == NULL || !us_auth_method_is_offered(cx->svc, method))
    return refuse(cx, "token_endpoint_auth_method", "is not offered here");
  c->is_public = method->need == US_AUTH_NEEDS_NOTHING;
  struct us_str alg = in->auth_signing_alg;
  if (alg.n == 0)
    return US_OK;
  bool fits = is_one_of(alg, us_assertion_algorithms(cx->svc)) &&
              (!method->is_assertion || us_str_eq_c(alg, "HS256") == (method->need == US_AUTH_NEEDS_SEALED));
  return fits ? US_OK : refuse(cx, "token_endpoint_auth_signing_alg", "is not offered for this authentication method");
}

/* SB-06: what is not for everybody is for those an administrator, or his initial access token, says so of. */
static bool may_have_grant(const struct us_grant_type *type, enum us_registrar registrar, struct us_strs held) {
  if (us_strs_has(held, us_str_c(type->name)))
    return true;
  return type->right == US_GRANT_FOR_ALL || (type->right == US_GRANT_BY_TOKEN && registrar == US_REGISTRAR_TOKEN);
}

/* RFC 7591 2.1: "code" and "authorization_code" come together or not at all. What is not said follows from what is. */
static enum us_code check_response_types(struct us_cx *cx, const struct us_client_metadata *in, bool uses_code) {
  for (size_t i = 0; i < in->response_types.n; i++) {
    if (!us_str_eq_c(in->response_types.v[i], "code"))
      return us_fail(cx, US_E_INVALID_METADATA, "response_types[%zu]: is not offered here", i);
  }
  if (in->has_response_types && (in->response_types.n > 0) != uses_code)
    return refuse(cx, "response_types", "does not fit grant_types: code goes with authorization_code");
  return US_OK;
}

static enum us_code apply_grants(struct us_cx *cx, enum us_registrar registrar, const struct us_client_metadata *in,
                                 struct us_client *c) {
  struct us_strs grants = in->has_grant_types ? in->grant_types : one(cx, US_STR("authorization_code"));
  if (grants.v == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < grants.n; i++) {
    const struct us_grant_type *type = us_grant_type_find(grants.v[i]);
    if (type == NULL)
      return us_fail(cx, US_E_INVALID_METADATA, "grant_types[%zu]: is not offered here", i);
    if (!may_have_grant(type, registrar, c->grants))
      return us_fail(cx, US_E_INVALID_METADATA, "grant_types[%zu]: %s is not to be had by registration", i, type->name);
  }
  if (c->is_public && us_strs_has(grants, US_STR("client_credentials"))) /* RFC 6749 4.4 */
    return refuse(cx, "grant_types", "client_credentials is not for public clients");
  US_TRY(check_response_types(cx, in, us_strs_has(grants, US_STR("authorization_code"))));
  c->grants = grants;
  return US_OK;
}

static bool are_all_https(struct us_strs uris) {
  for (size_t i = 0; i < uris.n; i++) {
    if (uris.v[i].n < 8 || !us_str_eq_nocase((struct us_str){uris.v[i].p, 8}, US_STR("https://")))
      return false;
  }
  return true;
}

/* SB-02: URIs that are not https are for native applications. Who does not say what he is, is what his URIs make him. */
static enum us_code apply_uris(struct us_cx *cx, const struct us_client_metadata *in, struct us_client *c,
                               struct us_str *ret_application_type) {
  static const char *const types[] = {"web", "native", NULL};
  bool is_web = are_all_https(in->redirect_uris) && are_all_https(in->claims_redirect_uris);
  if (in->application_type.n > 0 && !is_one_of(in->application_type, types))
    return refuse(cx, "application_type", "must be web or native");
  if (!is_web && us_str_eq_c(in->application_type, "web"))
    return us_fail(cx, US_E_INVALID_REDIRECT_URI, "redirect_uris: of a web application must be https");
  if (in->redirect_uris.n == 0 && us_strs_has(c->grants, US_STR("authorization_code")))
    return us_fail(cx, US_E_INVALID_REDIRECT_URI, "redirect_uris: is required for the grant authorization_code");
  *ret_application_type = in->application_type.n > 0 ? in->application_type : us_str_c(is_web ? "web" : "native");
  c->redirect_uris = in->redirect_uris;
  c->claims_redirect_uris = in->claims_redirect_uris;
  return US_OK;
}

/* ---- Scopes ---- */

/* DR-05: scopes that mean power over others. An administrator gives them to one client, or to all in `registrationScopes`. */
static bool is_reserved(const struct us_realm *realm, struct us_str scope) {
  static const char *const reserved[] = {US_SCOPE_UMA, US_SCOPE_SEES_ALL, US_SCOPE_SEES_ALL_REALMS, NULL};
  if (us_strs_has(realm->settings.registration_scopes, scope))
    return false;
  return is_one_of(scope, reserved) || us_str_eq(scope, realm->settings.registration_token_scope);
}

static bool may_have_scope(const struct us_realm *realm, struct us_str scope, struct us_strs held) {
  struct us_strs supported = realm->settings.supported_scopes;
  if (us_strs_has(held, scope))
    return true;
  return !is_reserved(realm, scope) && (supported.n == 0 || us_strs_has(supported, scope));
}

static enum us_code ask(struct us_cx *cx, const struct us_realm *realm, const struct us_client_metadata *in,
                        struct us_strs *ret_asked) {
  enum us_code code = us_scope_parse(cx, in->scope, ret_asked);
  if (code == US_E_INVALID_SCOPE)
    return refuse(cx, "scope", "is malformed, or has too many scopes");
  US_TRY(code);
  if (ret_asked->n == 0)
    *ret_asked = realm->settings.default_scopes.n > 0 ? realm->settings.default_scopes : one(cx, US_STR("openid"));
  return ret_asked->v == NULL ? us_fail_plain(cx, US_E_NO_MEMORY) : US_OK;
}

/* What is asked for as far as it may be had, and what an administrator gave: that is not the client's to lose by saying nothing of it,
 * for with uma_protection would go the resources of its users (protocol contract 9.1). */
static enum us_code apply_scopes(struct us_cx *cx, const struct us_realm *realm, const struct us_client_metadata *in,
                                 struct us_client *c) {
  struct us_strs asked = {NULL, 0}, held = c->scopes;
  US_TRY(ask(cx, realm, in, &asked));
  struct us_strs given = {us_mem_array(cx->mem, asked.n + held.n, sizeof(struct us_str)), 0};
  if (given.v == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < asked.n; i++) {
    if (may_have_scope(realm, asked.v[i], held))
      given.v[given.n++] = asked.v[i];
  }
  for (size_t i = 0; i < held.n; i++) {
    if (is_reserved(realm, held.v[i]) && !us_strs_has(given, held.v[i]))
      given.v[given.n++] = held.v[i];
  }
  c->scopes = given;
  c->default_scopes = us_strs_intersect(cx->mem, c->default_scopes, given);
  return c->default_scopes.v == NULL ? us_fail_plain(cx, US_E_NO_MEMORY) : US_OK;
}

/* ---- Keys, certificates, the rest ---- */

static enum us_code apply_tls_names(struct us_cx *cx, const struct us_client_metadata *in, struct us_client *c) {
  const struct {
    const char *member;
    struct us_str value;
  } names[] = {{"tls_client_auth_subject_dn", in->tls_subject_dn},
               {"tls_client_auth_san_dns", in->tls_san_dns},
               {"tls_client_auth_san_uri", in->tls_san_uri},
               {"tls_client_auth_san_ip", in->tls_san_ip},
               {"tls_client_auth_san_email", in->tls_san_email}};
  json_t *object = us_json_own(cx, json_object());
  bool ok = object != NULL;
  for (size_t i = 0; ok && i < COUNT(names); i++) {
    if (names[i].value.n > 0)
      ok = json_object_set_new(object, names[i].member, json_stringn(names[i].value.p, names[i].value.n)) == 0;
  }
  c->tls_names = ok ? us_json_dump(cx, object) : US_STR_ABSENT;
  return c->tls_names.p == NULL ? us_fail_plain(cx, US_E_NO_MEMORY) : US_OK;
}

static enum us_code apply_keys(struct us_cx *cx, const struct us_client_metadata *in, struct us_client *c) {
  if (in->binds_tokens && !cx->svc->sees_certificates)
    return refuse(cx, "tls_client_certificate_bound_access_tokens", "is not offered here");
  if (in->jwks != NULL && !json_is_object(in->jwks))
    return refuse(cx, "jwks", "must be an object");
  c->binds_tokens = in->binds_tokens;
  c->jwks_uri = in->jwks_uri;
  c->jwks = in->jwks != NULL ? us_json_dump(cx, in->jwks) : US_STR_ABSENT;
  if (in->jwks != NULL && c->jwks.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  return apply_tls_names(cx, in, c);
}

static enum us_code apply_rest(struct us_cx *cx, const struct us_client_metadata *in, const json_t *document,
                               struct us_str application_type, struct us_client *c) {
  json_t *object = us_json_own(cx, json_object()), *value;
  const char *name;
  bool ok = object != NULL &&
            json_object_set_new(object, "application_type", json_stringn(application_type.p, application_type.n)) == 0;
  for (size_t i = 0; ok && i < COUNT(kept); i++) {
    value = json_object_get(document, kept[i]);
    ok = value == NULL || json_object_set(object, kept[i], value) == 0;
  }
  json_object_foreach(in->others, name, value) {
    if (ok && base_of(name) < COUNT(for_people))
      ok = json_object_set(object, name, value) == 0;
  }
  c->metadata = ok ? us_json_dump(cx, object) : US_STR_ABSENT;
  return c->metadata.p == NULL ? us_fail_plain(cx, US_E_NO_MEMORY) : US_OK;
}

enum us_code us_client_metadata_apply(struct us_cx *cx, const struct us_realm *realm, enum us_registrar registrar,
                                      const struct us_client_metadata *in, const json_t *document,
                                      struct us_client *client) {
  struct us_client c = *client;
  struct us_str application_type = US_STR_ABSENT;
  if (in->subject_type.n > 0 && !us_str_eq_c(in->subject_type, "public"))
    return refuse(cx, "subject_type", "must be public");
  US_TRY(apply_method(cx, in, &c));
  US_TRY(apply_grants(cx, registrar, in, &c));
  US_TRY(apply_uris(cx, in, &c, &application_type));
  US_TRY(apply_scopes(cx, realm, in, &c));
  US_TRY(apply_keys(cx, in, &c));
  US_TRY(check_urls(cx, in));
  US_TRY(check_all_tagged(cx, in->others));
  US_TRY(apply_rest(cx, in, document, application_type, &c));
  c.display_name = in->client_name;
  c.id_token_alg = in->id_token_alg;
  *client = c;
  return US_OK;
}

/* ---- Writing ---- */

static void write_list(struct us_json_writer *w, const char *name, struct us_strs list) {
  if (list.n == 0)
    return;
  us_json_name(w, name);
  us_json_strs(w, list);
}

/* The members of a stored object. */
static enum us_code write_members(struct us_cx *cx, struct us_json_writer *w, struct us_str stored) {
  json_t *object = NULL, *value;
  const char *name;
  if (stored.n == 0)
    return US_OK;
  US_TRY(us_json_parse(cx, stored, US_E_INTERNAL, &object));
  json_object_foreach(object, name, value) {
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (text == NULL)
      return us_fail_plain(cx, US_E_NO_MEMORY);
    us_json_name(w, name);
    us_json_raw(w, us_str_c(text));
    free(text);
  }
  us_json_drop(cx, object);
  return US_OK;
}

enum us_code us_client_metadata_write(struct us_cx *cx, const struct us_client *client, struct us_json_writer *w) {
  bool uses_code = us_strs_has(client->grants, US_STR("authorization_code"));
  us_json_member(w, "client_name", client->display_name);
  write_list(w, "redirect_uris", client->redirect_uris);
  write_list(w, "claims_redirect_uris", client->claims_redirect_uris);
  us_json_name(w, "grant_types");
  us_json_strs(w, client->grants);
  us_json_name(w, "response_types");
  us_json_open(w, '[');
  if (uses_code)
    us_json_c(w, "code");
  us_json_close(w, ']');
  us_json_member(w, "token_endpoint_auth_method", client->auth_method);
  us_json_member(w, "id_token_signed_response_alg", client->id_token_alg);
  us_json_member(w, "subject_type", US_STR("public"));
  if (client->scopes.n > 0)
    us_json_member(w, "scope", us_strs_join(cx->mem, client->scopes, " "));
  us_json_member(w, "jwks_uri", client->jwks_uri);
  if (client->jwks.n > 0) {
    us_json_name(w, "jwks");
    us_json_raw(w, client->jwks);
  }
  if (client->binds_tokens) {
    us_json_name(w, "tls_client_certificate_bound_access_tokens");
    us_json_bool(w, true);
  }
  US_TRY(write_members(cx, w, client->tls_names));
  return write_members(cx, w, client->metadata);
}
