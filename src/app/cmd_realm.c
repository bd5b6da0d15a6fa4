/* `usher realm`, `usher settings` and `usher key`: what belongs to a realm as a whole. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/admin.h"
#include "base/mem.h"
#include "crypto/key.h"
#include "domain/realm.h"

/* Prints what a verb made of JSON, and gives the buffer back. */
static void print_json(struct us_buf *out) {
  printf("%.*s\n", US_STR_ARG(us_buf_str(out)));
  us_buf_done(out);
}

struct new_realm {
  struct us_str path, rs256, es256;
  int64_t id;
};
static enum us_code create_realm_step(struct us_cx *cx, void *self) {
  struct new_realm *n = self;
  return us_realm_create(cx, n->path, true, true, n->rs256, n->es256, &n->id);
}
static enum us_code realm_create(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  struct new_realm n = {.path = us_str_c(arguments->v[0])};
  US_TRY(us_key_generate(&a->cx, US_ALG_RS256, &n.rs256));
  US_TRY(us_key_generate(&a->cx, US_ALG_ES256, &n.es256));
  enum us_code code = us_admin_change(a, create_realm_step, &n);
  if (code == US_E_CONFLICT)
    return us_fail(&a->cx, code, "the realm %s exists already", arguments->v[0]);
  US_TRY(code);
  if (a->is_json)
    us_admin_print_member("realm", n.path);
  else
    printf("%s\n", arguments->v[0]);
  return US_OK;
}

static enum us_code realm_list(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  struct us_buf out;
  struct us_json_writer w;
  us_buf_init(&out, 16 * 1024 * 1024);
  us_json_writer_init(&w, &out);
  us_json_open(&w, '[');
  for (size_t i = 0; i < us_snapshot_count(a->snapshot); i++) {
    const struct us_realm *realm = us_snapshot_at(a->snapshot, i);
    if (!a->is_json)
      printf("%.*s\n", US_STR_ARG(realm->path));
    us_json_open(&w, '{');
    us_json_member(&w, "realm", realm->path);
    us_json_name(&w, "uma");
    us_json_bool(&w, realm->has_uma);
    us_json_name(&w, "oauth2");
    us_json_bool(&w, realm->has_oauth);
    us_json_close(&w, '}');
  }
  us_json_close(&w, ']');
  if (a->is_json)
    print_json(&out);
  else
    us_buf_done(&out);
  return US_OK;
}

static enum us_code delete_realm_step(struct us_cx *cx, void *self) {
  return us_realm_delete(cx, self);
}
static enum us_code realm_delete(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  const struct us_realm *realm = NULL;
  a->realm_path = arguments->v[0];
  US_TRY(us_admin_realm(a, &realm));
  US_TRY(us_admin_change(a, delete_realm_step, (void *)realm));
  if (a->is_json)
    us_admin_print_member("realm", us_str_c(arguments->v[0]));
  return US_OK;
}

int us_cmd_realm(const struct us_command *command, int argc, char **argv) {
  static const struct us_verb verbs[] = {{"create", 1, 1, US_VERB_CREATES, realm_create},
                                         {"list", 0, 0, 0, realm_list},
                                         {"delete", 1, 1, 0, realm_delete}};
  struct us_admin admin = {0};
  struct us_arguments arguments;
  const struct us_option options[] = {US_STORE_OPTIONS(&admin)};
  int code = us_options_parse(command, options, 2, argc, argv, &arguments);
  if (code != 0)
    return code == 1 ? 0 : code;
  return us_admin_run(&admin, command, verbs, 3, &arguments, NULL);
}

/* ---- settings ---- */

struct setting_print {
  struct us_admin *admin;
  const struct us_arguments *wanted;
  struct us_json_writer w;
  size_t found;
};
static void print_setting(void *self, const char *name, struct us_str value, struct us_str default_value,
                          const char *meaning) {
  struct setting_print *p = self;
  bool is_wanted = p->wanted->n == 0;
  for (size_t i = 0; i < p->wanted->n; i++)
    is_wanted |= strcmp(p->wanted->v[i], name) == 0;
  if (!is_wanted)
    return;
  p->found++;
  us_json_member(&p->w, name, value.p ? value : US_STR(""));
  if (p->admin->is_json)
    return;
  bool is_default = us_str_eq(value, default_value);
  if (p->wanted->n == 1)
    printf("%.*s\n", US_STR_ARG(value));
  else
    printf("%-46s %-24.*s %s%s\n", name, US_STR_ARG(value), is_default ? "" : "* ", meaning);
}
static enum us_code settings_get(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  const struct us_realm *realm = NULL;
  struct us_buf out;
  US_TRY(us_admin_realm(a, &realm));
  us_buf_init(&out, 1024 * 1024);
  struct setting_print p = {.admin = a, .wanted = arguments};
  us_json_writer_init(&p.w, &out);
  us_json_open(&p.w, '{');
  enum us_code code = us_settings_each(&a->cx, realm, print_setting, &p);
  us_json_close(&p.w, '}');
  if (code == US_OK && a->is_json)
    printf("%.*s\n", US_STR_ARG(us_buf_str(&out)));
  us_buf_done(&out);
  if (code == US_OK && p.found < arguments->n)
    return us_fail(&a->cx, US_E_NOT_FOUND, "there is no such setting; `usher settings get --realm %s` lists them",
                   a->realm_path);
  return code;
}

struct setting_change {
  const struct us_realm *realm;
  const struct us_arguments *arguments;
};
static enum us_code set_step(struct us_cx *cx, void *self) {
  struct setting_change *c = self;
  for (size_t i = 0; i < c->arguments->n; i++) { /* all or none: one transaction */
    const char *pair = c->arguments->v[i], *equals = strchr(pair, '=');
    US_TRY(us_setting_set(cx, c->realm, (struct us_str){pair, (size_t)(equals - pair)}, us_str_c(equals + 1)));
  }
  return US_OK;
}
static void print_changed(const struct us_arguments *arguments) {
  struct us_buf out;
  struct us_json_writer w;
  us_buf_init(&out, 1024 * 1024);
  us_json_writer_init(&w, &out);
  us_json_open(&w, '{');
  for (size_t i = 0; i < arguments->n; i++) {
    const char *pair = arguments->v[i], *equals = strchr(pair, '=');
    us_json_name_str(&w, (struct us_str){pair, (size_t)(equals - pair)});
    us_json_str(&w, us_str_c(equals + 1));
  }
  us_json_close(&w, '}');
  print_json(&out);
}
static enum us_code settings_set(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  struct setting_change change = {.arguments = arguments};
  for (size_t i = 0; i < arguments->n; i++) {
    const char *equals = strchr(arguments->v[i], '=');
    if (equals == NULL || equals == arguments->v[i])
      return us_admin_misused(a, us_fail(&a->cx, US_E_INVALID_REQUEST, "%s: NAME=VALUE is needed", arguments->v[i]));
  }
  US_TRY(us_admin_realm(a, &change.realm));
  US_TRY(us_admin_change(a, set_step, &change));
  if (a->is_json)
    print_changed(arguments);
  return US_OK;
}

int us_cmd_settings(const struct us_command *command, int argc, char **argv) {
  static const struct us_verb verbs[] = {{"get", 0, US_ARGUMENTS_MAX, US_VERB_REALM, settings_get},
                                         {"set", 1, US_ARGUMENTS_MAX, US_VERB_REALM, settings_set}};
  struct us_admin admin = {0};
  struct us_arguments arguments;
  const struct us_option options[] = {US_STORE_OPTIONS(&admin), US_REALM_OPTION(&admin)};
  int code = us_options_parse(command, options, 3, argc, argv, &arguments);
  if (code != 0)
    return code == 1 ? 0 : code;
  return us_admin_run(&admin, command, verbs, 2, &arguments, NULL);
}
