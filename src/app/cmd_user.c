/* `usher user`: accounts of a realm. Passwords come from standard input, never from the command line; the secret of a second
 * factor is made here and printed once. */
#include <stdio.h>
#include <string.h>

#include "app/admin.h"
#include "base/mem.h"
#include "crypto/password.h"
#include "crypto/totp.h"
#include "domain/account.h"

struct user_options {
  const char *mail, *given_name, *family_name, *locale;
  bool is_admin;
};
struct user_change {
  const struct us_realm *realm;
  struct us_account_new in;
  struct us_account account;
  int64_t id;
  bool is_active;       /* activate, deactivate */
  struct us_str secret; /* totp; absent: remove */
};

static enum us_code read_hash(struct us_admin *a, struct us_str *ret_hash) {
  char *hash = us_mem_alloc(a->cx.mem, US_PASSWORD_HASH_BYTES);
  struct us_str password = us_admin_read_secret(a, "Password");
  if (hash == NULL)
    return us_fail_plain(&a->cx, US_E_NO_MEMORY);
  if (password.n == 0)
    return us_fail(&a->cx, US_E_INVALID_REQUEST, "the password is read from standard input, and there was none");
  US_TRY(us_password_hash(&a->cx, password, hash));
  *ret_hash = us_str_c(hash);
  return US_OK;
}

/* With --json every verb prints a document. */
static enum us_code say_done(struct us_admin *a, const char *name, enum us_code code) {
  if (code == US_OK && a->is_json)
    us_admin_print_member("name", us_str_c(name));
  return code;
}

static enum us_code create_step(struct us_cx *cx, void *self) {
  struct user_change *c = self;
  return us_account_create(cx, c->realm->id, &c->in, &c->id);
}
static enum us_code user_create(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  const struct user_options *o = options;
  struct user_change c = {.in = {.name = us_str_c(arguments->v[0]),
                                 .mail = us_str_c(o->mail),
                                 .given_name = us_str_c(o->given_name),
                                 .family_name = us_str_c(o->family_name),
                                 .locale = us_str_c(o->locale),
                                 .is_admin = o->is_admin}};
  US_TRY(us_admin_realm(a, &c.realm));
  US_TRY(read_hash(a, &c.in.password_hash));
  enum us_code code = us_admin_change(a, create_step, &c);
  if (code == US_E_CONFLICT)
    return us_fail(&a->cx, code, "the user %s exists already", arguments->v[0]);
  return say_done(a, arguments->v[0], code);
}

static enum us_code find_step(struct us_cx *cx, void *self) {
  struct user_change *c = self;
  return us_account_by_name(cx, c->realm->id, c->in.name, &c->account);
}
static enum us_code find(struct us_admin *a, const char *name, struct user_change *c) {
  c->in.name = us_str_c(name);
  US_TRY(us_admin_realm(a, &c->realm));
  enum us_code code = us_admin_read(a, find_step, c);
  return code == US_E_NOT_FOUND ? us_fail(&a->cx, code, "there is no user %s in %s", name, a->realm_path) : code;
}

static enum us_code password_step(struct us_cx *cx, void *self) {
  struct user_change *c = self;
  return us_account_set_password(cx, c->account.id, c->in.password_hash);
}
static enum us_code user_password(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  struct user_change c = {0};
  US_TRY(find(a, arguments->v[0], &c));
  US_TRY(read_hash(a, &c.in.password_hash));
  return say_done(a, arguments->v[0], us_admin_change(a, password_step, &c));
}

static enum us_code update_step(struct us_cx *cx, void *self) {
  struct user_change *c = self;
  return us_account_update(cx, &c->account, &c->in);
}
static enum us_code user_update(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  const struct user_options *o = options;
  struct user_change c = {.in = {.mail = us_str_c(o->mail),
                                 .given_name = us_str_c(o->given_name),
                                 .family_name = us_str_c(o->family_name),
                                 .locale = us_str_c(o->locale)}};
  if (o->is_admin)
    return us_admin_misused(a, us_fail(&a->cx, US_E_INVALID_REQUEST, "--admin is for create"));
  if (o->mail == NULL && o->given_name == NULL && o->family_name == NULL && o->locale == NULL)
    return us_admin_misused(
        a, us_fail(&a->cx, US_E_INVALID_REQUEST, "what shall change? --mail, --given-name, --family-name, --locale"));
  US_TRY(find(a, arguments->v[0], &c));
  return say_done(a, arguments->v[0], us_admin_change(a, update_step, &c));
}

static enum us_code active_step(struct us_cx *cx, void *self) {
  struct user_change *c = self;
  return us_account_set_active(cx, &c->account, c->is_active);
}
static enum us_code set_active(struct us_admin *a, const char *name, bool is_active) {
  struct user_change c = {.is_active = is_active};
  US_TRY(find(a, name, &c));
  return say_done(a, name, us_admin_change(a, active_step, &c));
}
static enum us_code user_activate(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  return set_active(a, arguments->v[0], true);
}
static enum us_code user_deactivate(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  return set_active(a, arguments->v[0], false);
}

static enum us_code totp_step(struct us_cx *cx, void *self) {
  struct user_change *c = self;
  return us_account_enroll(cx, c->account.id, c->secret);
}

/* The one moment at which the secret is shown. */
static enum us_code print_secret(struct us_admin *a, const struct user_change *c) {
  struct us_str issuer = us_str_fmt(a->cx.mem, "Usher %s", a->realm_path);
  struct us_str uri = us_totp_uri(a->cx.mem, issuer, c->account.name, c->secret);
  struct us_buf out;
  struct us_json_writer w;
  if (issuer.p == NULL || uri.p == NULL)
    return us_fail_plain(&a->cx, US_E_NO_MEMORY);
  if (!a->is_json) {
    printf("secret  %.*s\nuri     %.*s\n", US_STR_ARG(c->secret), US_STR_ARG(uri));
    return US_OK;
  }
  us_buf_init(&out, 16 * 1024);
  us_json_writer_init(&w, &out);
  us_json_open(&w, '{');
  us_json_member(&w, "name", c->account.name);
  us_json_member(&w, "secret", c->secret);
  us_json_member(&w, "uri", uri);
  us_json_close(&w, '}');
  printf("%.*s\n", US_STR_ARG(us_buf_str(&out)));
  us_buf_done(&out);
  return US_OK;
}

static enum us_code user_totp(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  struct user_change c = {0};
  bool is_removal = strcmp(arguments->v[1], "remove") == 0;
  char *secret = us_mem_secret(a->cx.mem, US_TOTP_SECRET_TEXT);
  if (!is_removal && strcmp(arguments->v[1], "enroll") != 0)
    return us_admin_misused(a, us_fail(&a->cx, US_E_INVALID_REQUEST, "totp takes a name, and enroll or remove"));
  if (secret == NULL)
    return us_fail_plain(&a->cx, US_E_NO_MEMORY);
  US_TRY(find(a, arguments->v[0], &c));
  if (is_removal)
    return say_done(a, arguments->v[0], us_admin_change(a, totp_step, &c));
  us_totp_secret_new(secret);
  c.secret = us_str_c(secret);
  US_TRY(us_admin_change(a, totp_step, &c));
  return print_secret(a, &c);
}

static enum us_code delete_step(struct us_cx *cx, void *self) {
  struct user_change *c = self;
  return us_account_delete(cx, &c->account);
}
static enum us_code user_delete(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  struct user_change c = {0};
  US_TRY(find(a, arguments->v[0], &c));
  return say_done(a, arguments->v[0], us_admin_change(a, delete_step, &c));
}

static void print_user(struct us_admin *a, const struct us_account *u) {
  struct us_buf out;
  struct us_json_writer w;
  if (!a->is_json) {
    printf("%.*s%s%s%s\n", US_STR_ARG(u->name), u->is_admin ? "  administrator" : "", u->is_active ? "" : "  inactive",
           u->has_totp ? "  totp" : "");
    return;
  }
  us_buf_init(&out, 64 * 1024);
  us_json_writer_init(&w, &out);
  us_json_open(&w, '{');
  us_json_member(&w, "name", u->name);
  us_json_member(&w, "mail", u->mail);
  us_json_member(&w, "givenName", u->given_name);
  us_json_member(&w, "sn", u->family_name);
  us_json_member(&w, "locale", u->locale);
  us_json_name(&w, "admin");
  us_json_bool(&w, u->is_admin);
  us_json_name(&w, "active");
  us_json_bool(&w, u->is_active);
  us_json_name(&w, "totp");
  us_json_bool(&w, u->has_totp);
  us_json_close(&w, '}');
  us_admin_list_item(a, us_buf_str(&out));
  us_buf_done(&out);
}

/* One page after another, a line a user, in JSON too: memory does not grow with their number. */
#define US_USER_PAGE 500
struct user_page {
  const struct us_realm *realm;
  struct us_str after;
  struct us_account *v;
  size_t n;
};
static enum us_code page_step(struct us_cx *cx, void *self) {
  struct user_page *p = self;
  return us_account_page(cx, p->realm->id, p->after, US_USER_PAGE, &p->v, &p->n);
}
static enum us_code user_list(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  struct user_page p = {.after = US_STR("")};
  US_TRY(us_admin_realm(a, &p.realm));
  us_admin_list_open(a);
  do {
    US_TRY(us_admin_read(a, page_step, &p));
    for (size_t i = 0; i < p.n; i++)
      print_user(a, &p.v[i]);
    if (p.n > 0)
      p.after = p.v[p.n - 1].name_key;
  } while (p.n == US_USER_PAGE);
  us_admin_list_close(a);
  return US_OK;
}

int us_cmd_user(const struct us_command *command, int argc, char **argv) {
  static const struct us_verb verbs[] = {
      {"create", 1, 1, US_VERB_REALM, user_create},         {"list", 0, 0, US_VERB_REALM, user_list},
      {"delete", 1, 1, US_VERB_REALM, user_delete},         {"password", 1, 1, US_VERB_REALM, user_password},
      {"update", 1, 1, US_VERB_REALM, user_update},         {"activate", 1, 1, US_VERB_REALM, user_activate},
      {"deactivate", 1, 1, US_VERB_REALM, user_deactivate}, {"totp", 2, 2, US_VERB_REALM, user_totp}};
  struct us_admin admin = {0};
  struct user_options o = {0};
  struct us_arguments arguments;
  const struct us_option options[] = {
      US_STORE_OPTIONS(&admin),
      US_REALM_OPTION(&admin),
      {"mail", "ADDRESS", "create, update: mail address; update: an empty value takes it away", &o.mail, NULL},
      {"given-name", "NAME", "create, update: given name", &o.given_name, NULL},
      {"family-name", "NAME", "create, update: family name", &o.family_name, NULL},
      {"locale", "TAG", "create, update: language of mails, for example de or de-CH", &o.locale, NULL},
      {"admin", NULL, "create: administrator of the realm (in /: of everything)", NULL, &o.is_admin},
  };
  int code = us_options_parse(command, options, sizeof(options) / sizeof(options[0]), argc, argv, &arguments);
  if (code != 0)
    return code == 1 ? 0 : code;
  return us_admin_run(&admin, command, verbs, sizeof(verbs) / sizeof(verbs[0]), &arguments, &o);
}
