/*
 * What goes along: see cascade.h. Notes in the store:
 *
 *   doomed:account:REALM:NAME_KEY   value: account id
 *   doomed:rs:CLIENT_REF            value: cursor,before,what   (what: 1 resources go, 2 only their policies)
 *   doomed:realm:REALM              value: empty
 *   doomed:label:LABEL              value: empty
 */
#include "domain/cascade.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "domain/resource.h"
#include "store/accounts.h"
#include "store/cascades.h"
#include "store/labels.h"

#define US_CASCADE_WINDOW 2000 /* rows of resources looked at in one portion */

enum rs_fate { RS_RESOURCES = 1, RS_POLICIES = 2 };

struct doomed_account {
  int64_t id, realm_id;
  struct us_str name_key;
};

static struct us_str account_key(struct us_cx *cx, int64_t realm_id, struct us_str name_key) {
  return us_str_fmt(cx->mem, "doomed:account:%" PRId64 ":%.*s", realm_id, US_STR_ARG(name_key));
}

static enum us_code put_note(struct us_cx *cx, struct us_str key, struct us_str value) {
  if (key.p == NULL || value.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  return us_cascade_note_put(cx, key, value);
}

static enum us_code drop_note(struct us_cx *cx, struct us_str key) {
  return key.p == NULL ? us_fail_plain(cx, US_E_NO_MEMORY) : us_cascade_note_delete(cx, key);
}

static enum us_code drop_owned(struct us_cx *cx, int64_t owner_id, bool *ret_more) {
  int64_t ids[US_CASCADE_RESOURCES];
  size_t n = 0;
  US_TRY(us_cascade_rows_owned(cx, owner_id, US_CASCADE_RESOURCES, ids, &n));
  for (size_t i = 0; i < n; i++)
    US_TRY(us_resource_remove(cx, ids[i]));
  *ret_more = n == US_CASCADE_RESOURCES;
  return US_OK;
}

/* One portion: the first kind of row of which there is more than a portion ends it. */
static enum us_code account_portion(struct us_cx *cx, const struct doomed_account *a, bool *ret_more) {
  int64_t n = 0;
  US_TRY(us_cascade_drop_subject(cx, a->realm_id, a->name_key, US_CASCADE_ROWS, &n));
  *ret_more = n >= US_CASCADE_ROWS;
  if (!*ret_more)
    US_TRY(drop_owned(cx, a->id, ret_more));
  if (!*ret_more) {
    US_TRY(us_cascade_drop_policies_of_sharer(cx, a->id, US_CASCADE_ROWS, &n));
    *ret_more = n >= US_CASCADE_ROWS;
  }
  if (!*ret_more) {
    US_TRY(us_cascade_drop_pending_of_party(cx, a->id, US_CASCADE_ROWS, &n));
    *ret_more = n >= US_CASCADE_ROWS;
  }
  if (!*ret_more) {
    US_TRY(us_cascade_drop_labels(cx, a->id, US_CASCADE_ROWS, &n));
    *ret_more = n >= US_CASCADE_ROWS;
  }
  if (!*ret_more) {
    US_TRY(us_cascade_drop_sessions(cx, a->id, US_CASCADE_ROWS, &n));
    *ret_more = n >= US_CASCADE_ROWS;
  }
  return US_OK;
}

static enum us_code account_step(struct us_cx *cx, const struct doomed_account *a, bool had_note) {
  bool more = false;
  struct us_str key = account_key(cx, a->realm_id, a->name_key);
  US_TRY(account_portion(cx, a, &more));
  if (more)
    return put_note(cx, key, us_str_fmt(cx->mem, "%" PRId64, a->id));
  return had_note ? drop_note(cx, key) : US_OK;
}

enum us_code us_cascade_account(struct us_cx *cx, const struct us_account *account) {
  struct doomed_account a = {account->id, account->realm_id, account->name_key};
  return account_step(cx, &a, false);
}

enum us_code us_cascade_holds_name(struct us_cx *cx, int64_t realm_id, struct us_str name_key, bool *ret_holds) {
  struct us_str key = account_key(cx, realm_id, name_key);
  if (key.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  return us_cascade_note_has(cx, key, ret_holds);
}

static enum us_code label_step(struct us_cx *cx, int64_t label_id, bool had_note) {
  int64_t n = 0;
  struct us_str key = us_str_fmt(cx->mem, "doomed:label:%" PRId64, label_id);
  US_TRY(us_labels_unhang(cx, label_id, US_CASCADE_ROWS, &n));
  if (n >= US_CASCADE_ROWS)
    return put_note(cx, key, US_STR(""));
  return had_note ? drop_note(cx, key) : US_OK;
}

enum us_code us_cascade_label(struct us_cx *cx, int64_t label_id) {
  return label_step(cx, label_id, false);
}

struct doomed_rs {
  int64_t rs_ref;
  int64_t cursor;
  int64_t before; /* resources registered after the event are not meant: the client may have got its scope back */
  int64_t fate;
};

static enum us_code rs_portion(struct us_cx *cx, struct doomed_rs *rs, bool *ret_more) {
  int64_t ids[US_CASCADE_RESOURCES];
  size_t n = 0;
  bool is_end = false;
  US_TRY(us_cascade_rows_of_rs(cx, rs->rs_ref, rs->before, US_CASCADE_WINDOW, &rs->cursor, US_CASCADE_RESOURCES, ids,
                               &n, &is_end));
  for (size_t i = 0; i < n; i++) {
    if (rs->fate == RS_RESOURCES)
      US_TRY(us_resource_remove(cx, ids[i]));
    else
      US_TRY(us_cascade_drop_policies_of_resource(cx, ids[i]));
  }
  *ret_more = !is_end;
  return US_OK;
}

static enum us_code rs_step(struct us_cx *cx, struct doomed_rs *rs, bool had_note) {
  bool more = false;
  struct us_str key = us_str_fmt(cx->mem, "doomed:rs:%" PRId64, rs->rs_ref);
  US_TRY(rs_portion(cx, rs, &more));
  if (more)
    return put_note(cx, key, us_str_fmt(cx->mem, "%" PRId64 ",%" PRId64 ",%" PRId64, rs->cursor, rs->before, rs->fate));
  return had_note ? drop_note(cx, key) : US_OK;
}

enum us_code us_cascade_resource_server(struct us_cx *cx, const struct us_realm *realm, int64_t rs_ref) {
  const struct us_settings *s = &realm->settings;
  if (!s->delete_resource_sets_on_delete_rs && !s->delete_policies_on_delete_rs)
    return US_OK;
  struct doomed_rs rs = {
      .rs_ref = rs_ref,
      .before = us_next_id(cx),
      .fate = s->delete_resource_sets_on_delete_rs ? RS_RESOURCES : RS_POLICIES,
  };
  return rs_step(cx, &rs, false);
}

/* A realm loses one account a portion, with all its rows, then its clients. */
static enum us_code realm_step(struct us_cx *cx, int64_t realm_id, bool had_note) {
  struct us_str key = us_str_fmt(cx->mem, "doomed:realm:%" PRId64, realm_id);
  struct us_account account = {0};
  int64_t id = 0, clients = 0;
  size_t n = 0;
  US_TRY(us_cascade_rows_accounts(cx, realm_id, 1, &id, &n));
  if (n == 1) {
    US_TRY(us_account_row_by_id(cx, id, &account));
    US_TRY(us_account_row_delete(cx, id));
    US_TRY(us_cascade_account(cx, &account));
  } else {
    US_TRY(us_cascade_drop_clients(cx, realm_id, US_CASCADE_ROWS, &clients));
  }
  if (n == 1 || clients >= US_CASCADE_ROWS)
    return put_note(cx, key, US_STR(""));
  return had_note ? drop_note(cx, key) : US_OK;
}

enum us_code us_cascade_realm(struct us_cx *cx, int64_t realm_id) {
  return realm_step(cx, realm_id, false);
}

/* A decimal number in front of `stop`; false when there is none. Notes are ours, but a damaged one must not stop the clean-up. */
static bool eat_number(struct us_str *text, char stop, int64_t *ret_number) {
  const char *end = memchr(text->p, stop, text->n);
  size_t n = end ? (size_t)(end - text->p) : text->n;
  uint64_t number = 0;
  if (!us_str_to_u64((struct us_str){text->p, n}, INT64_MAX, &number))
    return false;
  *ret_number = (int64_t)number;
  size_t eaten = end ? n + 1 : n;
  *text = (struct us_str){text->p + eaten, text->n - eaten};
  return true;
}

static bool eat_prefix(struct us_str *text, struct us_str prefix) {
  if (!us_str_starts(*text, prefix))
    return false;
  *text = (struct us_str){text->p + prefix.n, text->n - prefix.n};
  return true;
}

static enum us_code continue_note(struct us_cx *cx, struct us_str key, struct us_str value) {
  struct us_str rest = key;
  struct doomed_account a = {0};
  struct doomed_rs rs = {0};
  int64_t realm_id = 0, label_id = 0;
  if (eat_prefix(&rest, US_STR("doomed:account:")) && eat_number(&rest, ':', &a.realm_id) &&
      eat_number(&value, ',', &a.id)) {
    a.name_key = rest;
    return account_step(cx, &a, true);
  }
  if (eat_prefix(&rest, US_STR("doomed:rs:")) && eat_number(&rest, ':', &rs.rs_ref) &&
      eat_number(&value, ',', &rs.cursor) && eat_number(&value, ',', &rs.before) && eat_number(&value, ',', &rs.fate))
    return rs_step(cx, &rs, true);
  if (eat_prefix(&rest, US_STR("doomed:realm:")) && eat_number(&rest, ':', &realm_id))
    return realm_step(cx, realm_id, true);
  if (eat_prefix(&rest, US_STR("doomed:label:")) && eat_number(&rest, ':', &label_id))
    return label_step(cx, label_id, true);
  return us_cascade_note_delete(cx, key);
}

enum us_code us_cascade_continue(struct us_cx *cx, bool *ret_more) {
  struct us_str key, value;
  *ret_more = false;
  enum us_code code = us_cascade_note_first(cx, &key, &value);
  if (code == US_E_NOT_FOUND) {
    us_error_clear(cx);
    return US_OK;
  }
  US_TRY(code);
  *ret_more = true;
  return continue_note(cx, key, value);
}
