/* `usher outbox`: the mails that wait, and those that were given up. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/admin.h"
#include "base/mem.h"
#include "domain/notice.h"
#include "store/outbox.h"

#define US_OUTBOX_PAGE 500
#define US_OUTBOX_BATCH 1000 /* rows that one transaction changes */

struct outbox_page {
  int64_t after;
  struct us_outbox_row *v;
  size_t n;
};
static enum us_code page_step(struct us_cx *cx, void *self) {
  struct outbox_page *p = self;
  return us_outbox_page(cx, p->after, US_OUTBOX_PAGE, &p->v, &p->n);
}

static const char *state_of(const struct us_outbox_row *row, int64_t now_ms) {
  if (row->is_failed)
    return "failed";
  return row->claimed_by != 0 && row->due_ms > now_ms ? "sending" : "waiting";
}

/* Events are told with the plugin that they are for, which their key begins with. */
static const char *kind_of(const struct us_outbox_row *row) {
  return row->channel == US_OUTBOX_PLUGIN ? "plugin-event" : us_notice_kind_text(row->kind);
}

static void print_json(struct us_admin *a, const struct us_outbox_row *row, int64_t now_ms) {
  struct us_buf out;
  struct us_json_writer w;
  char id[24];
  snprintf(id, sizeof(id), "%" PRId64, row->id);
  us_buf_init(&out, 64 * 1024);
  us_json_writer_init(&w, &out);
  us_json_open(&w, '{');
  us_json_name(&w, "id"); /* as text: many readers of JSON count in 53 bits only */
  us_json_c(&w, id);
  us_json_name(&w, "kind");
  us_json_c(&w, kind_of(row));
  us_json_member(&w, "realm", row->realm_path);
  us_json_member(&w, "user", row->account_name);
  us_json_member_i64(&w, "created", row->created_ms);
  us_json_member_i64(&w, "due", row->due_ms);
  us_json_member_i64(&w, "tries", row->tries);
  us_json_name(&w, "state");
  us_json_c(&w, state_of(row, now_ms));
  us_json_member(&w, "error", row->last_error);
  us_json_close(&w, '}');
  us_admin_list_item(a, us_buf_str(&out));
  us_buf_done(&out);
}

static void print_row(struct us_admin *a, const struct us_outbox_row *row) {
  int64_t now_ms = us_clock_now_ms(&us_clock_system);
  struct us_str realm = row->realm_path.p ? row->realm_path : US_STR("-");
  struct us_str user = row->account_name.p ? row->account_name : US_STR("-");
  if (a->is_json) {
    print_json(a, row, now_ms);
    return;
  }
  printf("%" PRId64 "  %-24s  %.*s  %.*s  %" PRId64 "  %s  %.*s\n", row->id, kind_of(row), US_STR_ARG(realm),
         US_STR_ARG(user), row->tries, state_of(row, now_ms), US_STR_ARG(row->last_error));
}

static enum us_code outbox_list(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  struct outbox_page p = {0};
  (void)arguments;
  (void)options;
  us_admin_list_open(a);
  do {
    US_TRY(us_admin_read(a, page_step, &p));
    for (size_t i = 0; i < p.n; i++)
      print_row(a, &p.v[i]);
    if (p.n > 0)
      p.after = p.v[p.n - 1].id;
  } while (p.n == US_OUTBOX_PAGE);
  us_admin_list_close(a);
  return US_OK;
}

/* `retry` and `drop` alike: one row, or all that failed. */
struct change {
  enum us_code (*one)(struct us_cx *cx, int64_t id);
  enum us_code (*failed)(struct us_cx *cx, int64_t max, int64_t *ret_n);
  int64_t id, n;
};
static enum us_code one_step(struct us_cx *cx, void *self) {
  struct change *c = self;
  return c->one(cx, c->id);
}
static enum us_code failed_step(struct us_cx *cx, void *self) {
  struct change *c = self;
  return c->failed(cx, US_OUTBOX_BATCH, &c->n);
}

static void print_count(struct us_admin *a, int64_t n) {
  if (a->is_json)
    printf("{\"mails\":%" PRId64 "}\n", n);
}

static enum us_code change(struct us_admin *a, const char *which, struct change *c) {
  uint64_t id = 0;
  int64_t total = 0;
  if (strcmp(which, "failed") == 0) {
    do {
      US_TRY(us_admin_change(a, failed_step, c));
      total += c->n;
    } while (c->n == US_OUTBOX_BATCH);
    print_count(a, total);
    return US_OK;
  }
  if (!us_str_to_u64(us_str_c(which), INT64_MAX, &id))
    return us_admin_misused(a, us_fail(&a->cx, US_E_INVALID_REQUEST, "'%.100s' is neither an id nor 'failed'", which));
  c->id = (int64_t)id;
  enum us_code code = us_admin_change(a, one_step, c);
  if (code == US_E_NOT_FOUND)
    return us_fail(&a->cx, code, "there is no mail %s that could be touched now", which);
  if (code == US_OK)
    print_count(a, 1);
  return code;
}

static enum us_code outbox_retry(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  struct change c = {.one = us_outbox_retry, .failed = us_outbox_retry_failed};
  (void)options;
  return change(a, arguments->v[0], &c);
}

static enum us_code drop_failed(struct us_cx *cx, int64_t max, int64_t *ret_n) {
  return us_outbox_drop_failed(cx, INT64_MAX, max, ret_n);
}
static enum us_code outbox_drop(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  struct change c = {.one = us_outbox_drop, .failed = drop_failed};
  (void)options;
  return change(a, arguments->v[0], &c);
}

int us_cmd_outbox(const struct us_command *command, int argc, char **argv) {
  static const struct us_verb verbs[] = {
      {"list", 0, 0, 0, outbox_list}, {"retry", 1, 1, 0, outbox_retry}, {"drop", 1, 1, 0, outbox_drop}};
  struct us_admin admin = {0};
  struct us_arguments arguments;
  const struct us_option options[] = {US_STORE_OPTIONS(&admin)};
  int code = us_options_parse(command, options, 2, argc, argv, &arguments);
  if (code != 0)
    return code == 1 ? 0 : code;
  return us_admin_run(&admin, command, verbs, 3, &arguments, NULL);
}
