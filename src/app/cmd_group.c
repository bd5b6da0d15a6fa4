/* `usher group`: groups of a realm, and who is in them. A share may mean one: subject group:NAME. */
#include <stdio.h>

#include "app/admin.h"
#include "base/mem.h"
#include "domain/account.h"
#include "domain/cascade.h"
#include "domain/group.h"

struct group_change {
  const struct us_realm *realm;
  struct us_str name;
  const char *const *users; /* that come or go */
  size_t user_count;
  const char *problem_user; /* of them the one that stopped it */
  struct us_group group;
  int64_t id;
  bool is_leaving; /* a deleted group is not gone altogether yet */
};

static enum us_code say_done(struct us_admin *a, const char *name, enum us_code code) {
  if (code == US_OK && a->is_json)
    us_admin_print_member("name", us_str_c(name));
  return code;
}

static enum us_code create_step(struct us_cx *cx, void *self) {
  struct group_change *c = self;
  return us_group_create(cx, c->realm->id, c->name, &c->id);
}
static enum us_code group_create(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  struct group_change c = {.name = us_str_c(arguments->v[0])};
  (void)options;
  US_TRY(us_admin_realm(a, &c.realm));
  enum us_code code = us_admin_change(a, create_step, &c);
  if (code == US_E_CONFLICT && a->cx.err.text.n == 0)
    return us_fail(&a->cx, code, "the group %s exists already", arguments->v[0]);
  return say_done(a, arguments->v[0], code);
}

static enum us_code find_step(struct us_cx *cx, void *self) {
  struct group_change *c = self;
  return us_group_by_name(cx, c->realm->id, c->name, &c->group);
}
static enum us_code no_group(struct us_admin *a, const char *name) {
  return us_fail(&a->cx, US_E_NOT_FOUND, "there is no group %s in %s", name, a->realm_path);
}
static enum us_code find(struct us_admin *a, const char *name, struct group_change *c) {
  c->name = us_str_c(name);
  US_TRY(us_admin_realm(a, &c->realm));
  enum us_code code = us_admin_read(a, find_step, c);
  return code == US_E_NOT_FOUND ? no_group(a, name) : code;
}

/* Found again in the transaction: somebody may have removed it meanwhile. */
static enum us_code delete_step(struct us_cx *cx, void *self) {
  struct group_change *c = self;
  US_TRY(find_step(cx, c));
  US_TRY(us_group_delete(cx, &c->group));
  return us_cascade_holds_group(cx, c->realm->id, c->group.name_key, &c->is_leaving);
}
static enum us_code go_on_step(struct us_cx *cx, void *self) {
  struct group_change *c = self;
  bool more = false;
  US_TRY(us_cascade_continue(cx, &more));
  return us_cascade_holds_group(cx, c->realm->id, c->group.name_key, &c->is_leaving);
}
/* A large group goes in portions; nobody is in it from the first on. A server beside us may take some of them. */
static enum us_code group_delete(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  struct group_change c = {0};
  (void)options;
  US_TRY(find(a, arguments->v[0], &c));
  enum us_code code = us_admin_change(a, delete_step, &c);
  if (code == US_E_NOT_FOUND)
    return no_group(a, arguments->v[0]);
  while (code == US_OK && c.is_leaving)
    code = us_admin_change(a, go_on_step, &c);
  return say_done(a, arguments->v[0], code);
}

static enum us_code each_user(struct us_cx *cx, struct group_change *c,
                              enum us_code (*change)(struct us_cx *cx, const struct us_group *group, int64_t id)) {
  US_TRY(find_step(cx, c));
  for (size_t i = 0; i < c->user_count; i++) {
    struct us_account account;
    c->problem_user = c->users[i];
    enum us_code code = us_account_by_name(cx, c->realm->id, us_str_c(c->users[i]), &account);
    if (code == US_E_NOT_FOUND)
      return us_fail(cx, code, "there is no user %s in this realm", c->users[i]);
    US_TRY(code);
    US_TRY(change(cx, &c->group, account.id));
  }
  return US_OK;
}
static enum us_code add_step(struct us_cx *cx, void *self) {
  return each_user(cx, self, us_group_add);
}
static enum us_code remove_step(struct us_cx *cx, void *self) {
  return each_user(cx, self, us_group_remove);
}

/* All of them or none. */
static enum us_code change_members(struct us_admin *a, const struct us_arguments *arguments, us_db_step_fn step,
                                   enum us_code is_so_already, const char *so_already) {
  struct group_change c = {.users = arguments->v + 1, .user_count = arguments->n - 1};
  US_TRY(find(a, arguments->v[0], &c));
  enum us_code code = us_admin_change(a, step, &c);
  if (code == is_so_already && a->cx.err.text.n == 0 && c.problem_user != NULL)
    return us_fail(&a->cx, code, "%s is %s the group %s", c.problem_user, so_already, arguments->v[0]);
  if (code == US_E_NOT_FOUND && a->cx.err.text.n == 0) /* the group went meanwhile */
    return no_group(a, arguments->v[0]);
  return say_done(a, arguments->v[0], code);
}
static enum us_code group_add(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  (void)options;
  return change_members(a, arguments, add_step, US_E_CONFLICT, "already in");
}
static enum us_code group_remove(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  (void)options;
  return change_members(a, arguments, remove_step, US_E_NOT_FOUND, "not in");
}

/* Names come a page after the other, a line each, in JSON too: memory does not grow with their number. */
#define PAGE 500
struct group_page {
  struct group_change change; /* of the group whose members are listed */
  bool has_group;
  struct us_str after;
  struct us_group *groups;
  struct us_account *accounts;
  size_t n;
};
static enum us_code page_step(struct us_cx *cx, void *self) {
  struct group_page *p = self;
  if (p->has_group)
    return us_group_members(cx, p->change.group.id, p->after, PAGE, &p->accounts, &p->n);
  return us_group_page(cx, p->change.realm->id, p->after, PAGE, &p->groups, &p->n);
}
static void print_name(struct us_admin *a, struct us_str name) {
  struct us_buf out;
  struct us_json_writer w;
  if (!a->is_json) {
    printf("%.*s\n", US_STR_ARG(name));
    return;
  }
  us_buf_init(&out, 8 * 1024);
  us_json_writer_init(&w, &out);
  us_json_open(&w, '{');
  us_json_member(&w, "name", name);
  us_json_close(&w, '}');
  us_admin_list_item(a, us_buf_str(&out));
  us_buf_done(&out);
}
static enum us_code group_list(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  struct group_page p = {.after = US_STR(""), .has_group = arguments->n > 0};
  (void)options;
  US_TRY(p.has_group ? find(a, arguments->v[0], &p.change) : us_admin_realm(a, &p.change.realm));
  us_admin_list_open(a);
  do {
    US_TRY(us_admin_read(a, page_step, &p));
    for (size_t i = 0; i < p.n; i++) {
      print_name(a, p.has_group ? p.accounts[i].name : p.groups[i].name);
      p.after = p.has_group ? p.accounts[i].name_key : p.groups[i].name_key;
    }
  } while (p.n == PAGE);
  us_admin_list_close(a);
  return US_OK;
}

int us_cmd_group(const struct us_command *command, int argc, char **argv) {
  static const struct us_verb verbs[] = {{"create", 1, 1, US_VERB_REALM, group_create},
                                         {"delete", 1, 1, US_VERB_REALM, group_delete},
                                         {"list", 0, 1, US_VERB_REALM, group_list},
                                         {"add", 2, US_ARGUMENTS_MAX, US_VERB_REALM, group_add},
                                         {"remove", 2, US_ARGUMENTS_MAX, US_VERB_REALM, group_remove}};
  struct us_admin admin = {0};
  struct us_arguments arguments;
  const struct us_option options[] = {US_STORE_OPTIONS(&admin), US_REALM_OPTION(&admin)};
  int code = us_options_parse(command, options, 3, argc, argv, &arguments);
  if (code != 0)
    return code == 1 ? 0 : code;
  return us_admin_run(&admin, command, verbs, 5, &arguments, NULL);
}
