/* `usher audit`: is the history still what was written? */
#include <inttypes.h>
#include <stdio.h>

#include "app/admin.h"
#include "base/clock.h"
#include "base/mem.h"
#include "domain/audit.h"

static enum us_code portion_step(struct us_cx *cx, void *self) {
  return us_audit_verify(cx, self);
}

/* In portions, each with a snapshot of its own: a running server is not held up, and memory does not grow. */
static enum us_code walk_chain(struct us_admin *a, struct us_audit_walk *walk) {
  while (!walk->is_done)
    US_TRY(us_admin_read(a, portion_step, walk));
  return US_OK;
}

static struct us_str realm_name(struct us_admin *a, int64_t realm_id) {
  const struct us_realm *realm = us_snapshot_realm_by_id(a->snapshot, realm_id);
  return realm != NULL ? realm->path : us_str_fmt(a->cx.mem, "realm %" PRId64 " (gone)", realm_id);
}

static struct us_str time_text(struct us_admin *a, int64_t time_ms) {
  char text[US_TIME_ISO_BYTES];
  us_time_iso_ms(time_ms, text);
  return us_str_dup(a->cx.mem, us_str_c(text));
}

static void write_walk(struct us_admin *a, struct us_json_writer *w, struct us_str name,
                       const struct us_audit_walk *walk) {
  bool is_intact = walk->flaw == US_AUDIT_FITS;
  us_json_open(w, '{');
  us_json_member(w, "realm", name);
  us_json_name(w, "intact");
  us_json_bool(w, is_intact);
  us_json_member_i64(w, "lines", walk->count);
  us_json_member_i64(w, "removed", walk->removed_id);
  if (walk->first_ms != 0)
    us_json_member(w, "since", time_text(a, walk->first_ms));
  if (is_intact) {
    us_json_member_i64(w, "last", walk->last_id);
    us_json_member(w, "hash", us_str_c(walk->last_hash));
  } else {
    us_json_member_i64(w, "line", walk->flaw_id);
    us_json_member(w, "flaw", us_str_c(us_audit_flaw_text(walk->flaw)));
  }
  us_json_close(w, '}');
}

/* A front that somebody cut off looks like retention: whoever reads this must be able to tell. */
static void print_removed(struct us_admin *a, const struct us_audit_walk *walk) {
  if (walk->removed_id == 0)
    printf("\n");
  else if (walk->first_ms == 0)
    printf("; %" PRId64 " before are removed\n", walk->removed_id);
  else
    printf("; %" PRId64 " before %.*s are removed\n", walk->removed_id, US_STR_ARG(time_text(a, walk->first_ms)));
}

static void print_text(struct us_admin *a, struct us_str name, const struct us_audit_walk *walk) {
  if (walk->flaw != US_AUDIT_FITS)
    printf("%.*s  line %" PRId64 " %s", US_STR_ARG(name), walk->flaw_id, us_audit_flaw_text(walk->flaw));
  else if (walk->last_id == 0)
    printf("%.*s  no lines", US_STR_ARG(name));
  else
    printf("%.*s  %" PRId64 " lines fit, the last is %" PRId64 " %s", US_STR_ARG(name), walk->count, walk->last_id,
           walk->last_hash);
  print_removed(a, walk);
}

static void print_walk(struct us_admin *a, const struct us_audit_walk *walk) {
  struct us_str name = realm_name(a, walk->realm_id);
  struct us_buf out;
  struct us_json_writer w;
  if (!a->is_json) {
    print_text(a, name, walk);
    return;
  }
  us_buf_init(&out, 64 * 1024);
  us_json_writer_init(&w, &out);
  write_walk(a, &w, name, walk);
  us_admin_list_item(a, us_buf_str(&out));
  us_buf_done(&out);
}

struct next_realm {
  int64_t after, id;
};
static enum us_code next_step(struct us_cx *cx, void *self) {
  struct next_realm *next = self;
  return us_audit_next_realm(cx, next->after, &next->id);
}

/* Which realm is looked at behind `after`; 0: all were. */
static enum us_code choose(struct us_admin *a, int64_t after, int64_t *ret_realm_id) {
  struct next_realm next = {.after = after};
  const struct us_realm *only;
  *ret_realm_id = 0;
  if (a->realm_path == NULL) {
    US_TRY(us_admin_read(a, next_step, &next));
    *ret_realm_id = next.id;
  } else if (after == 0) {
    US_TRY(us_admin_realm(a, &only));
    *ret_realm_id = only->id;
  }
  return US_OK;
}

static enum us_code audit_verify(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  struct us_audit_walk broken = {0};
  int64_t realm_id = 0;
  US_TRY(choose(a, 0, &realm_id));
  us_admin_list_open(a);
  while (realm_id != 0) {
    struct us_audit_walk walk = {.realm_id = realm_id};
    US_TRY(walk_chain(a, &walk));
    print_walk(a, &walk);
    if (walk.flaw != US_AUDIT_FITS && broken.flaw == US_AUDIT_FITS)
      broken = walk;
    US_TRY(choose(a, realm_id, &realm_id));
  }
  us_admin_list_close(a);
  if (broken.flaw == US_AUDIT_FITS)
    return US_OK;
  return us_fail(&a->cx, US_E_CONFLICT, "the history of %.*s is not what was written: line %" PRId64 " %s",
                 US_STR_ARG(realm_name(a, broken.realm_id)), broken.flaw_id, us_audit_flaw_text(broken.flaw));
}

int us_cmd_audit(const struct us_command *command, int argc, char **argv) {
  static const struct us_verb verbs[] = {{"verify", 0, 0, 0, audit_verify}};
  struct us_admin admin = {0};
  struct us_arguments arguments;
  const struct us_option options[] = {US_STORE_OPTIONS(&admin),
                                      {"realm", "PATH", "only this realm; without it all", &admin.realm_path, NULL}};
  int code = us_options_parse(command, options, 3, argc, argv, &arguments);
  if (code != 0)
    return code == 1 ? 0 : code;
  return us_admin_run(&admin, command, verbs, 1, &arguments, NULL);
}
