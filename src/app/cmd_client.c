/* `usher client`: OAuth clients of a realm. A secret is printed once when it is made, and only its hash is kept. */
#include <stdio.h>
#include <string.h>

#include "app/admin.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "crypto/password.h"
#include "crypto/random.h"
#include "domain/client.h"

#define US_CLIENT_LIST_MAX 64
#define US_CLIENT_PAGE 200

struct client_options {
  const char *grants, *scopes, *default_scopes, *redirect_uris, *claims_redirect_uris, *auth_method, *id_token_alg,
      *name;
  bool is_public, secret_stdin;
};
struct client_change {
  const struct us_realm *realm;
  struct us_client client;
  int64_t ref;
  struct us_str after;
  struct us_client *page;
  size_t page_count;
};

static enum us_code words(struct us_admin *a, const char *option, const char *text, struct us_strs *ret_set) {
  *ret_set = (struct us_strs){NULL, 0};
  if (text != NULL && !us_str_split(a->cx.mem, us_str_c(text), ' ', US_CLIENT_LIST_MAX, ret_set))
    return us_admin_misused(
        a, us_fail(&a->cx, US_E_INVALID_REQUEST, "--%s: at most %d values", option, US_CLIENT_LIST_MAX));
  return US_OK;
}

/* A grant type that is written wrong would be a client that cannot do what it was made for. */
static enum us_code check_grants(struct us_admin *a, struct us_strs grants) {
  static const char *const known[] = {"authorization_code", "refresh_token", "client_credentials", "password",
                                      "urn:ietf:params:oauth:grant-type:uma-ticket"};
  for (size_t i = 0; i < grants.n; i++) {
    bool is_known = false;
    for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
      is_known |= us_str_eq_c(grants.v[i], known[k]);
    if (!is_known)
      return us_admin_misused(
          a, us_fail(&a->cx, US_E_INVALID_REQUEST, "--grants: there is no grant type '%.*s'", US_STR_ARG(grants.v[i])));
  }
  return US_OK;
}

static enum us_code fill(struct us_admin *a, const struct client_options *o, struct us_client *c) {
  static const char *const methods[] = {"client_secret_basic", "client_secret_post", "none"};
  const char *method = o->auth_method ? o->auth_method : o->is_public ? "none" : "client_secret_basic";
  bool is_known = false;
  for (size_t i = 0; i < 3; i++)
    is_known |= strcmp(method, methods[i]) == 0;
  if (!is_known || o->is_public != (strcmp(method, "none") == 0))
    return us_admin_misused(a, us_fail(&a->cx, US_E_INVALID_REQUEST,
                                       "--auth-method: client_secret_basic or client_secret_post; none with --public"));
  if (o->id_token_alg != NULL && strcmp(o->id_token_alg, "RS256") != 0 && strcmp(o->id_token_alg, "ES256") != 0)
    return us_admin_misused(a, us_fail(&a->cx, US_E_INVALID_REQUEST, "--id-token-alg: RS256 or ES256"));
  c->is_public = o->is_public;
  c->is_active = true;
  c->display_name = us_str_c(o->name);
  c->auth_method = us_str_c(method);
  c->id_token_alg = us_str_c(o->id_token_alg ? o->id_token_alg : "RS256");
  US_TRY(words(a, "grants", o->grants ? o->grants : "authorization_code", &c->grants));
  US_TRY(check_grants(a, c->grants));
  US_TRY(words(a, "scopes", o->scopes, &c->scopes));
  US_TRY(words(a, "default-scopes", o->default_scopes, &c->default_scopes));
  US_TRY(words(a, "redirect-uris", o->redirect_uris, &c->redirect_uris));
  US_TRY(words(a, "claims-redirect-uris", o->claims_redirect_uris, &c->claims_redirect_uris));
  if (!us_strs_contains_all(c->scopes, c->default_scopes))
    return us_admin_misused(a, us_fail(&a->cx, US_E_INVALID_REQUEST, "--default-scopes must be among --scopes"));
  return US_OK;
}

/* 256 random bits, or what the caller wants it to be. */
static enum us_code make_secret(struct us_admin *a, bool from_stdin, struct us_str *ret_secret,
                                struct us_str *ret_hash) {
  uint8_t random[32];
  char *hash = us_mem_alloc(a->cx.mem, US_PASSWORD_HASH_BYTES);
  struct us_str secret;
  if (from_stdin) {
    secret = us_admin_read_secret(a, "Client secret");
  } else {
    us_random(random, sizeof(random));
    secret = us_base64url(a->cx.mem, random, sizeof(random));
  }
  if (hash == NULL)
    return us_fail_plain(&a->cx, US_E_NO_MEMORY);
  if (secret.n == 0)
    return us_fail(&a->cx, US_E_INVALID_REQUEST, "--secret-stdin: there was no line on standard input");
  US_TRY(us_password_hash(&a->cx, secret, hash));
  *ret_hash = us_str_c(hash);
  *ret_secret = secret;
  return US_OK;
}

static enum us_code create_step(struct us_cx *cx, void *self) {
  struct client_change *c = self;
  return us_client_create(cx, c->realm->id, &c->client, &c->ref);
}
/* A secret that was made here is shown this once; one that the caller brought is not repeated. */
static void print_created(const struct us_admin *a, struct us_str id, struct us_str secret) {
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
static enum us_code client_create(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  const struct client_options *o = options;
  struct client_change c = {.client = {.client_id = us_str_c(arguments->v[0])}};
  struct us_str secret = US_STR_ABSENT;
  US_TRY(us_admin_realm(a, &c.realm));
  US_TRY(fill(a, o, &c.client));
  if (!o->is_public)
    US_TRY(make_secret(a, o->secret_stdin, &secret, &c.client.secret_hash));
  enum us_code code = us_admin_change(a, create_step, &c);
  if (code == US_E_CONFLICT)
    return us_fail(&a->cx, code, "the client %s exists already", arguments->v[0]);
  US_TRY(code);
  print_created(a, c.client.client_id, o->secret_stdin ? US_STR_ABSENT : secret);
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
        printf("%.*s%s\n", US_STR_ARG(c.page[i].client_id), c.page[i].is_public ? "  public" : "");
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
                                         {"delete", 1, 1, US_VERB_REALM, client_delete}};
  struct us_admin admin = {0};
  struct client_options o = {0};
  struct us_arguments arguments;
  const struct us_option options[] = {
      US_STORE_OPTIONS(&admin),
      US_REALM_OPTION(&admin),
      {"grants", "LIST", "create: grant types, separated by blanks (authorization_code)", &o.grants, NULL},
      {"scopes", "LIST", "create: scopes it may ask for, separated by blanks", &o.scopes, NULL},
      {"default-scopes", "LIST", "create: scopes it gets when it asks for none; among --scopes", &o.default_scopes,
       NULL},
      {"redirect-uris", "LIST", "create: redirection URIs, separated by blanks", &o.redirect_uris, NULL},
      {"claims-redirect-uris", "LIST", "create: claims redirection URIs, separated by blanks", &o.claims_redirect_uris,
       NULL},
      {"auth-method", "NAME", "create: client_secret_basic (default) or client_secret_post", &o.auth_method, NULL},
      {"id-token-alg", "ALG", "create: what signs its ID tokens, RS256 (default) or ES256", &o.id_token_alg, NULL},
      {"name", "TEXT", "create: the name people see", &o.name, NULL},
      {"public", NULL, "create: a public client, without a secret", NULL, &o.is_public},
      {"secret-stdin", NULL, "create: read the secret from standard input (one line) instead of making one", NULL,
       &o.secret_stdin},
  };
  int code = us_options_parse(command, options, 13, argc, argv, &arguments);
  if (code != 0)
    return code == 1 ? 0 : code;
  return us_admin_run(&admin, command, verbs, 4, &arguments, &o);
}
