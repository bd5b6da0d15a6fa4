/* `usher client`: OAuth clients of a realm. A secret is printed once when it is made, and only its hash is kept. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "app/admin.h"
#include "base/mem.h"
#include "crypto/jwk_set.h"
#include "domain/client.h"
#include "domain/client_auth.h"
#include "domain/client_secret.h"
#include "domain/registration.h"
#include "json/json.h"

#define US_CLIENT_LIST_MAX 64
#define US_CLIENT_PAGE 200
#define US_CLIENT_LIFE_MAX INT64_C(316224000) /* ten years, as for the realm */

struct client_options {
  const char *grants, *scopes, *default_scopes, *redirect_uris, *claims_redirect_uris, *auth_method, *id_token_alg,
      *name, *jwks_file, *jwks_uri, *tls_name, *access_life, *refresh_life, *code_life;
  bool is_public, secret_stdin, new_secret, implies_consent, asks_consent, binds_tokens, frees_tokens;
};
struct client_change {
  const struct us_realm *realm;
  struct us_client client;
  int64_t ref;
  struct us_str after;
  struct us_client *page;
  size_t page_count;
};

/* ---- Options ---- */

#define misused(a, ...) us_admin_misused((a), us_fail(&(a)->cx, US_E_INVALID_REQUEST, __VA_ARGS__))

/* A list is replaced by an option that is there; "" is the empty one. */
static enum us_code put_words(struct us_admin *a, const char *option, const char *text, struct us_strs *set) {
  if (text != NULL && !us_str_split(a->cx.mem, us_str_c(text), ' ', US_CLIENT_LIST_MAX, set))
    return misused(a, "--%s: at most %d values", option, US_CLIENT_LIST_MAX);
  return US_OK;
}

static void put_text(const char *text, struct us_str *slot) {
  if (text != NULL)
    *slot = text[0] != '\0' ? us_str_c(text) : US_STR_ABSENT;
}

static enum us_code put_life(struct us_admin *a, const char *option, const char *text, int64_t *slot) {
  uint64_t seconds = 0;
  if (text == NULL)
    return US_OK;
  if (!us_str_to_u64(us_str_c(text), US_CLIENT_LIFE_MAX, &seconds))
    return misused(a, "--%s: seconds, or 0 for the realm's", option);
  *slot = (int64_t)seconds;
  return US_OK;
}

static enum us_code put_flag(struct us_admin *a, bool on, bool off, const char *names, bool *slot) {
  if (on && off)
    return misused(a, "%s: one of them", names);
  if (on || off)
    *slot = on;
  return US_OK;
}

/* A grant type that is written wrong would be a client that cannot do what it was made for. */
static enum us_code check_grants(struct us_admin *a, struct us_strs grants) {
  for (size_t i = 0; i < grants.n; i++) {
    if (us_grant_type_find(grants.v[i]) == NULL)
      return misused(a, "--grants: there is no grant type '%.*s'", US_STR_ARG(grants.v[i]));
  }
  return US_OK;
}

static enum us_code put_method(struct us_admin *a, const struct client_options *o, bool is_new, struct us_client *c) {
  const char *name = o->auth_method ? o->auth_method : o->is_public ? "none" : is_new ? "client_secret_basic" : NULL;
  if (name == NULL)
    return US_OK;
  if (us_auth_method_find(us_str_c(name)) == NULL)
    return misused(a, "--auth-method: there is no method '%.200s'", name);
  bool is_none = strcmp(name, "none") == 0;
  if (o->is_public ? !is_none : is_new && is_none)
    return misused(a, "--auth-method: none goes with --public");
  c->auth_method = us_str_c(name);
  c->is_public = is_none;
  return US_OK;
}

static enum us_code read_file(struct us_admin *a, const char *path, struct us_str *ret_text) {
  char *text = us_mem_alloc(a->cx.mem, US_JWK_SET_MAX_BYTES + 1);
  FILE *file = fopen(path, "rb");
  if (file == NULL)
    return us_fail(&a->cx, US_E_INVALID_REQUEST, "--jwks: %s: %s", path, strerror(errno));
  size_t n = text != NULL ? fread(text, 1, US_JWK_SET_MAX_BYTES + 1, file) : 0;
  bool is_bad = ferror(file) != 0;
  fclose(file);
  if (text == NULL)
    return us_fail_plain(&a->cx, US_E_NO_MEMORY);
  if (is_bad || n > US_JWK_SET_MAX_BYTES)
    return us_fail(&a->cx, US_E_INVALID_REQUEST, "--jwks: %s: cannot be read, or has more than %d bytes", path,
                   US_JWK_SET_MAX_BYTES);
  *ret_text = (struct us_str){text, n};
  return US_OK;
}

/* Stored in one line, however the file is written. */
static enum us_code read_keys(struct us_admin *a, const char *path, struct us_str *ret_jwks) {
  struct us_str text = US_STR_ABSENT;
  json_t *set = NULL;
  US_TRY(read_file(a, path, &text));
  US_TRY(us_json_parse(&a->cx, text, US_E_INVALID_REQUEST, &set));
  *ret_jwks = us_json_dump(&a->cx, set);
  return ret_jwks->p == NULL ? us_fail_plain(&a->cx, US_E_NO_MEMORY) : US_OK;
}

/* san_dns=app.example becomes {"tls_client_auth_san_dns":"app.example"} (RFC 8705 2.1.2). */
static enum us_code put_tls_name(struct us_admin *a, const char *text, struct us_client *c) {
  const char *equals = text != NULL ? strchr(text, '=') : NULL;
  if (text == NULL)
    return US_OK;
  c->tls_names = US_STR_ABSENT;
  if (text[0] == '\0')
    return US_OK;
  if (equals == NULL)
    return misused(a, "--tls-name: KIND=VALUE, for example san_dns=app.example");
  struct us_str name = us_str_fmt(a->cx.mem, "tls_client_auth_%.*s", (int)(equals - text), text);
  struct us_str printed = US_STR_ABSENT;
  json_t *object = json_object();
  if (object != NULL && name.p != NULL && json_object_set_new(object, name.p, json_string(equals + 1)) == 0)
    printed = us_json_dump(&a->cx, object);
  json_decref(object);
  c->tls_names = printed;
  enum us_cert_name kind;
  struct us_str value;
  return us_client_tls_name(&a->cx, c->tls_names, &kind, &value)
             ? US_OK
             : misused(a, "--tls-name: subject_dn, san_dns, san_uri, san_ip or san_email, and a value of that kind");
}

static enum us_code put_keys(struct us_admin *a, const struct client_options *o, struct us_client *c) {
  put_text(o->jwks_uri, &c->jwks_uri);
  if (o->jwks_file != NULL)
    c->jwks = US_STR_ABSENT;
  if (o->jwks_file != NULL && o->jwks_file[0] != '\0')
    US_TRY(read_keys(a, o->jwks_file, &c->jwks));
  return put_tls_name(a, o->tls_name, c);
}

/* What the options say, over what the client is. */
static enum us_code fill(struct us_admin *a, const struct client_options *o, bool is_new, struct us_client *c) {
  US_TRY(put_method(a, o, is_new, c));
  if (o->id_token_alg != NULL && strcmp(o->id_token_alg, "RS256") != 0 && strcmp(o->id_token_alg, "ES256") != 0)
    return misused(a, "--id-token-alg: RS256 or ES256");
  put_text(o->id_token_alg, &c->id_token_alg);
  put_text(o->name, &c->display_name);
  US_TRY(put_words(a, "grants", o->grants == NULL && is_new ? "authorization_code" : o->grants, &c->grants));
  US_TRY(check_grants(a, c->grants));
  US_TRY(put_words(a, "scopes", o->scopes, &c->scopes));
  US_TRY(put_words(a, "default-scopes", o->default_scopes, &c->default_scopes));
  US_TRY(put_words(a, "redirect-uris", o->redirect_uris, &c->redirect_uris));
  US_TRY(put_words(a, "claims-redirect-uris", o->claims_redirect_uris, &c->claims_redirect_uris));
  if (!us_strs_contains_all(c->scopes, c->default_scopes))
    return misused(a, "--default-scopes must be among --scopes");
  US_TRY(put_life(a, "access-token-lifetime", o->access_life, &c->access_token_s));
  US_TRY(put_life(a, "refresh-token-lifetime", o->refresh_life, &c->refresh_token_s));
  US_TRY(put_life(a, "code-lifetime", o->code_life, &c->code_s));
  US_TRY(put_flag(a, o->implies_consent, o->asks_consent, "--consent-implied, --consent-asked", &c->implies_consent));
  US_TRY(put_flag(a, o->binds_tokens, o->frees_tokens, "--bind-tokens, --unbind-tokens", &c->binds_tokens));
  return put_keys(a, o, c);
}

/* ---- Secrets ---- */

/* 256 random bits, what the caller wants it to be, or what it is. *ret_made: what was made here. */
static enum us_code provide_secret(struct us_admin *a, const struct client_options *o, struct us_client *c,
                                   struct us_str *ret_made) {
  struct us_str given = US_STR_ABSENT;
  enum us_auth_need need = us_auth_method_find(c->auth_method)->need;
  bool has_secret = need == US_AUTH_NEEDS_SECRET || need == US_AUTH_NEEDS_SEALED;
  if (!has_secret && (o->secret_stdin || o->new_secret))
    return misused(a, "a client that authenticates by %.*s has no secret", US_STR_ARG(c->auth_method));
  if (o->secret_stdin) {
    given = us_admin_read_secret(a, "Client secret");
    if (given.n == 0)
      return us_fail(&a->cx, US_E_INVALID_REQUEST, "--secret-stdin: there was no line on standard input");
  }
  if (o->new_secret)
    c->secret_hash = c->sealed_secret = US_STR_ABSENT;
  return us_client_provide_secret(&a->cx, c, given, ret_made);
}

/* A secret that was made here is shown this once; one that the caller brought is not repeated. */
static void print_secret(const struct us_admin *a, struct us_str id, struct us_str secret) {
  if (!a->is_json) {
    if (secret.p != NULL)
      printf("client_secret %.*s\n", US_STR_ARG(secret));
    return;
  }
  struct us_buf out;
  struct us_json_writer w;
  us_buf_init(&out, 64 * 1024);
  us_json_writer_init(&w, &out);
  us_json_open(&w, '{');
  us_json_member(&w, "client_id", id);
  us_json_member(&w, "client_secret", secret);
  us_json_close(&w, '}');
  printf("%.*s\n", US_STR_ARG(us_buf_str(&out)));
  us_buf_done(&out);
}

/* ---- Verbs ---- */

static enum us_code create_step(struct us_cx *cx, void *self) {
  struct client_change *c = self;
  return us_client_create(cx, c->realm->id, &c->client, &c->ref);
}
static enum us_code client_create(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  const struct client_options *o = options;
  struct client_change c = {.client = {.client_id = us_str_c(arguments->v[0]), .is_active = true}};
  struct us_str made = US_STR_ABSENT;
  if (o->new_secret)
    return misused(a, "--new-secret is for update");
  US_TRY(us_admin_realm(a, &c.realm));
  US_TRY(fill(a, o, true, &c.client));
  US_TRY(provide_secret(a, o, &c.client, &made));
  enum us_code code = us_admin_change(a, create_step, &c);
  if (code == US_E_CONFLICT)
    return us_fail(&a->cx, code, "the client %s exists already", arguments->v[0]);
  US_TRY(code);
  print_secret(a, c.client.client_id, made);
  return US_OK;
}

static enum us_code find_step(struct us_cx *cx, void *self) {
  struct client_change *c = self;
  return us_client_by_id(cx, c->realm->id, c->client.client_id, &c->client);
}
static enum us_code find(struct us_admin *a, const char *id, struct client_change *c) {
  c->client.client_id = us_str_c(id);
  US_TRY(us_admin_realm(a, &c->realm));
  enum us_code code = us_admin_read(a, find_step, c);
  return code == US_E_NOT_FOUND ? us_fail(&a->cx, code, "there is no client %s in %s", id, a->realm_path) : code;
}

static enum us_code update_step(struct us_cx *cx, void *self) {
  struct client_change *c = self;
  return us_client_update(cx, &c->client);
}
static enum us_code change(struct us_admin *a, struct client_change *c) {
  enum us_code code = us_admin_change(a, update_step, c);
  return code == US_E_CONFLICT ? us_fail(&a->cx, code, "the client was changed at the same time; try again") : code;
}

static bool says_nothing(const struct client_options *o) {
  const char *const texts[] = {o->grants,       o->scopes,       o->default_scopes, o->redirect_uris,
                               o->auth_method,  o->id_token_alg, o->name,           o->claims_redirect_uris,
                               o->jwks_file,    o->jwks_uri,     o->tls_name,       o->access_life,
                               o->refresh_life, o->code_life};
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    if (texts[i] != NULL)
      return false;
  }
  return !(o->is_public || o->secret_stdin || o->new_secret || o->implies_consent || o->asks_consent ||
           o->binds_tokens || o->frees_tokens);
}
static enum us_code client_update(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  const struct client_options *o = options;
  struct client_change c = {0};
  struct us_str made = US_STR_ABSENT;
  if (says_nothing(o))
    return misused(a, "what shall change?");
  US_TRY(find(a, arguments->v[0], &c));
  US_TRY(fill(a, o, false, &c.client));
  US_TRY(provide_secret(a, o, &c.client, &made));
  US_TRY(change(a, &c));
  print_secret(a, c.client.client_id, made);
  return US_OK;
}

static enum us_code set_active(struct us_admin *a, const char *id, bool is_active) {
  struct client_change c = {0};
  US_TRY(find(a, id, &c));
  c.client.is_active = is_active;
  US_TRY(change(a, &c));
  print_secret(a, c.client.client_id, US_STR_ABSENT);
  return US_OK;
}
static enum us_code client_activate(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  return set_active(a, arguments->v[0], true);
}
static enum us_code client_deactivate(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  return set_active(a, arguments->v[0], false);
}

static void raw_member(struct us_json_writer *w, const char *name, struct us_str json) {
  if (json.n <= 2) /* {} */
    return;
  us_json_name(w, name);
  us_json_raw(w, json);
}
static void bool_member(struct us_json_writer *w, const char *name, bool value) {
  us_json_name(w, name);
  us_json_bool(w, value);
}
static void list_member(struct us_json_writer *w, const char *name, struct us_strs set) {
  us_json_name(w, name);
  us_json_strs(w, set);
}
static void print_client(struct us_admin *a, const struct us_client *c, bool is_listed) {
  struct us_buf out;
  struct us_json_writer w;
  us_buf_init(&out, 1024 * 1024);
  us_json_writer_init(&w, &out);
  us_json_open(&w, '{');
  us_json_member(&w, "client_id", c->client_id);
  us_json_member(&w, "clientType", us_str_c(c->is_public ? "Public" : "Confidential"));
  us_json_member(&w, "status", us_str_c(c->is_active ? "Active" : "Inactive"));
  us_json_member(&w, "tokenEndpointAuthMethod", c->auth_method);
  list_member(&w, "grantTypes", c->grants);
  list_member(&w, "scopes", c->scopes);
  list_member(&w, "defaultScopes", c->default_scopes);
  list_member(&w, "redirectionUris", c->redirect_uris);
  list_member(&w, "claimsRedirectionUris", c->claims_redirect_uris);
  us_json_member(&w, "idTokenSignedResponseAlg", c->id_token_alg);
  us_json_member(&w, "displayName", c->display_name);
  us_json_member_i64(&w, "accessTokenLifetime", c->access_token_s);
  us_json_member_i64(&w, "refreshTokenLifetime", c->refresh_token_s);
  us_json_member_i64(&w, "authorizationCodeLifetime", c->code_s);
  bool_member(&w, "isConsentImplied", c->implies_consent);
  bool_member(&w, "mTLSCertificateBoundAccessTokens", c->binds_tokens);
  us_json_member(&w, "jwksUri", c->jwks_uri);
  raw_member(&w, "jwks", c->jwks);
  raw_member(&w, "tlsNames", c->tls_names);
  bool_member(&w, "registeredItself", us_client_registered_itself(c));
  raw_member(&w, "metadata", c->metadata);
  us_json_close(&w, '}');
  if (is_listed)
    us_admin_list_item(a, us_buf_str(&out));
  else
    printf("%.*s\n", US_STR_ARG(us_buf_str(&out)));
  us_buf_done(&out);
}
static enum us_code client_show(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  struct client_change c = {0};
  US_TRY(find(a, arguments->v[0], &c));
  print_client(a, &c.client, false);
  return US_OK;
}

static enum us_code page_step(struct us_cx *cx, void *self) {
  struct client_change *c = self;
  return us_client_page(cx, c->realm->id, c->after, US_CLIENT_PAGE, &c->page, &c->page_count);
}
static enum us_code client_list(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  struct client_change c = {.after = US_STR("")};
  US_TRY(us_admin_realm(a, &c.realm));
  us_admin_list_open(a);
  do {
    US_TRY(us_admin_read(a, page_step, &c));
    for (size_t i = 0; i < c.page_count; i++) {
      if (a->is_json)
        print_client(a, &c.page[i], true);
      else
        printf("%.*s%s%s\n", US_STR_ARG(c.page[i].client_id), c.page[i].is_public ? "  public" : "",
               c.page[i].is_active ? "" : "  inactive");
    }
    if (c.page_count > 0)
      c.after = c.page[c.page_count - 1].client_id;
  } while (c.page_count == US_CLIENT_PAGE);
  us_admin_list_close(a);
  return US_OK;
}

static enum us_code delete_step(struct us_cx *cx, void *self) {
  struct client_change *c = self;
  return us_client_delete(cx, &c->client, c->realm);
}
static enum us_code client_delete(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  struct client_change c = {0};
  US_TRY(find(a, arguments->v[0], &c));
  US_TRY(us_admin_change(a, delete_step, &c));
  if (a->is_json)
    us_admin_print_member("client_id", c.client.client_id);
  return US_OK;
}

int us_cmd_client(const struct us_command *command, int argc, char **argv) {
  static const struct us_verb verbs[] = {{"create", 1, 1, US_VERB_REALM, client_create},
                                         {"list", 0, 0, US_VERB_REALM, client_list},
                                         {"show", 1, 1, US_VERB_REALM, client_show},
                                         {"get", 1, 1, US_VERB_REALM, client_show},
                                         {"update", 1, 1, US_VERB_REALM, client_update},
                                         {"activate", 1, 1, US_VERB_REALM, client_activate},
                                         {"deactivate", 1, 1, US_VERB_REALM, client_deactivate},
                                         {"delete", 1, 1, US_VERB_REALM, client_delete}};
  struct us_admin admin = {0};
  struct client_options o = {0};
  struct us_arguments arguments;
  const struct us_option options[] = {
      US_STORE_OPTIONS(&admin),
      US_REALM_OPTION(&admin),
      {"grants", "LIST", "grant types, separated by blanks (create: authorization_code)", &o.grants, NULL},
      {"scopes", "LIST", "scopes it may ask for, separated by blanks", &o.scopes, NULL},
      {"default-scopes", "LIST", "scopes it gets when it asks for none; among --scopes", &o.default_scopes, NULL},
      {"redirect-uris", "LIST", "redirection URIs, separated by blanks", &o.redirect_uris, NULL},
      {"claims-redirect-uris", "LIST", "claims redirection URIs, separated by blanks", &o.claims_redirect_uris, NULL},
      {"auth-method", "NAME", "how it authenticates, see above (create: client_secret_basic)", &o.auth_method, NULL},
      {"jwks", "FILE", "its public keys, a JWK set; \"\" = none", &o.jwks_file, NULL},
      {"jwks-uri", "URL", "where it publishes them instead; \"\" = nowhere", &o.jwks_uri, NULL},
      {"tls-name", "KIND=VALUE",
       "the name in its certificate, for tls_client_auth: subject_dn, san_dns, san_uri, san_ip or san_email; \"\" = "
       "none",
       &o.tls_name, NULL},
      {"bind-tokens", NULL, "its access tokens are bound to its TLS certificate", NULL, &o.binds_tokens},
      {"unbind-tokens", NULL, "they are not (default)", NULL, &o.frees_tokens},
      {"consent-implied", NULL, "nobody is asked whether it may have the scopes it asks for", NULL, &o.implies_consent},
      {"consent-asked", NULL, "people are asked (default)", NULL, &o.asks_consent},
      {"access-token-lifetime", "SECONDS", "life of its access tokens and RPTs; 0 = the realm's", &o.access_life, NULL},
      {"refresh-token-lifetime", "SECONDS", "life of its refresh tokens; 0 = the realm's", &o.refresh_life, NULL},
      {"code-lifetime", "SECONDS", "life of its authorization codes, 600 at most; 0 = the realm's", &o.code_life, NULL},
      {"id-token-alg", "ALG", "what signs its ID tokens, RS256 (default) or ES256", &o.id_token_alg, NULL},
      {"name", "TEXT", "the name people see", &o.name, NULL},
      {"public", NULL, "a public client, without a secret", NULL, &o.is_public},
      {"secret-stdin", NULL, "read the secret from standard input (one line) instead of making one", NULL,
       &o.secret_stdin},
      {"new-secret", NULL, "update: make a new secret, and print it", NULL, &o.new_secret},
  };
  int code = us_options_parse(command, options, sizeof(options) / sizeof(options[0]), argc, argv, &arguments);
  if (code != 0)
    return code == 1 ? 0 : code;
  return us_admin_run(&admin, command, verbs, sizeof(verbs) / sizeof(verbs[0]), &arguments, &o);
}
