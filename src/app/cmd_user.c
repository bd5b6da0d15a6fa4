/* `usher user`: accounts of a realm. Passwords come from standard input, never from the command line. */
#include <stdio.h>
#include <string.h>

#include "app/admin.h"
#include "base/mem.h"
#include "crypto/password.h"
#include "domain/account.h"

struct user_options {
  const char *mail, *given_name, *family_name;
  bool is_admin;
};
struct user_change {
  const struct us_realm *realm;
  struct us_account_new in;
  struct us_account account;
  int64_t id;
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

static enum us_code delete_step(struct us_cx *cx, void *self) {
  struct user_change *c = self;
  return us_account_delete(cx, &c->account);
}
static enum us_code user_delete(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  struct user_change c = {0};
  US_TRY(find(a, arguments->v[0], &c));
  return say_done(a, arguments->v[0], us_admin_change(a, delete_step, &c));
}

static void print_user(struct us_admin *a, const struct us_account *u, bool is_first) {
  struct us_buf out;
  struct us_json_writer w;
  if (!a->is_json) {
    printf("%.*s%s%s\n", US_STR_ARG(u->name), u->is_admin ? "  administrator" : "", u->is_active ? "" : "  inactive");
    return;
  }
  us_buf_init(&out, 64 * 1024);
  us_json_writer_init(&w, &out);
  us_json_open(&w, '{');
  us_json_member(&w, "name", u->name);
  us_json_member(&w, "mail", u->mail);
  us_json_member(&w, "givenName", u->given_name);
  us_json_member(&w, "sn", u->family_name);
  us_json_name(&w, "admin");
  us_json_bool(&w, u->is_admin);
  us_json_name(&w, "active");
  us_json_bool(&w, u->is_active);
  us_json_close(&w, '}');
  printf("%s%.*s", is_first ? "\n" : ",\n", US_STR_ARG(us_buf_str(&out)));
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
  bool is_first = true;
  US_TRY(us_admin_realm(a, &p.realm));
  if (a->is_json)
    printf("[");
  do {
    US_TRY(us_admin_read(a, page_step, &p));
    for (size_t i = 0; i < p.n; i++, is_first = false)
      print_user(a, &p.v[i], is_first);
    if (p.n > 0)
      p.after = p.v[p.n - 1].name_key;
  } while (p.n == US_USER_PAGE);
  if (a->is_json)
    printf(is_first ? "]\n" : "\n]\n");
  return US_OK;
}

int us_cmd_user(const struct us_command *command, int argc, char **argv) {
  static const struct us_verb verbs[] = {{"create", 1, 1, US_VERB_REALM, user_create},
                                         {"list", 0, 0, US_VERB_REALM, user_list},
                                         {"delete", 1, 1, US_VERB_REALM, user_delete},
                                         {"password", 1, 1, US_VERB_REALM, user_password}};
  struct us_admin admin = {0};
  struct user_options o = {0};
  struct us_arguments arguments;
  const struct us_option options[] = {
      US_STORE_OPTIONS(&admin),
      US_REALM_OPTION(&admin),
      {"mail", "ADDRESS", "create: mail address", &o.mail, NULL},
      {"given-name", "NAME", "create: given name", &o.given_name, NULL},
      {"family-name", "NAME", "create: family name", &o.family_name, NULL},
      {"admin", NULL, "create: administrator of the realm (in /: of everything)", NULL, &o.is_admin},
  };
  int code = us_options_parse(command, options, 7, argc, argv, &arguments);
  if (code != 0)
    return code == 1 ? 0 : code;
  return us_admin_run(&admin, command, verbs, 4, &arguments, &o);
}
