/*
 * What goes along: see cascade.h. Notes in the store:
 *
 *   doomed:account:REALM:NAME_KEY   value: account id,subject key
 *   doomed:group:REALM:NAME_KEY     value: group id
 *   doomed:member:ACCOUNT:SUBJECT   value: resource id up to which it is done
 *   doomed:names:REALM              value: config_rev of the change,cursor
 *   doomed:rs:CLIENT_REF            value: cursor,before,what   (what: 1 resources go, 2 only their policies)
 *   doomed:realm:REALM              value: empty
 *   doomed:label:LABEL              value: empty
 */
#include "domain/cascade.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "domain/graph.h"
#include "domain/group.h"
#include "domain/resource.h"
#include "domain/snapshot.h"
#include "domain/subject.h"
#include "store/accounts.h"
#include "store/cascades.h"
#include "store/groups.h"
#include "store/labels.h"
#include "store/realms.h"

#define US_CASCADE_WINDOW 2000 /* rows of resources looked at in one portion */

enum rs_fate { RS_RESOURCES = 1, RS_POLICIES = 2 };

struct doomed_account {
  int64_t id, realm_id;
  struct us_str name_key;
  struct us_str subject_key; /* by which shares mean it; absent when none does */
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

/* How much of a portion recomputing graphs has taken. */
struct effort {
  size_t resources, grants;
};

static bool is_enough(const struct effort *effort) {
  return effort->resources >= US_CASCADE_GRAPHS || effort->grants >= US_CASCADE_GRANTS_MAX;
}

/* Shares of a resource are changed by `change`, and what is active of the others follows. A resource that is gone has only rows to
 * lose. */
struct graph_change {
  enum us_code (*run)(struct us_cx *cx, int64_t resource_id, const struct graph_change *change);
  int64_t account_id;
  struct us_str subject_key;
};

static enum us_code change_graph(struct us_cx *cx, int64_t resource_id, const struct graph_change *change,
                                 struct effort *effort) {
  struct us_resource resource;
  struct us_graph_size size;
  effort->resources++;
  US_TRY(us_resource_touch_access(cx, resource_id));
  US_TRY(change->run(cx, resource_id, change));
  enum us_code code = us_resource_by_id(cx, resource_id, &resource);
  if (code == US_E_NOT_FOUND) {
    us_error_clear(cx);
    return US_OK;
  }
  US_TRY(code);
  US_TRY(us_graph_refresh(cx, &resource, US_GRAPH_GRANTS, &size));
  effort->grants += size.grants;
  return US_OK;
}

static enum us_code drop_policy(struct us_cx *cx, int64_t resource_id, const struct graph_change *change) {
  return us_cascade_drop_policy(cx, resource_id, change->account_id);
}

static enum us_code drop_subject(struct us_cx *cx, int64_t resource_id, const struct graph_change *change) {
  return us_cascade_drop_subject(cx, resource_id, change->subject_key);
}

static enum us_code change_nothing(struct us_cx *cx, int64_t resource_id, const struct graph_change *change) {
  (void)cx;
  (void)resource_id;
  (void)change;
  return US_OK; /* who is in a group did */
}

/* What somebody who is gone shared, resource after resource. */
static enum us_code drop_shared(struct us_cx *cx, int64_t sharer_id, struct effort *effort, bool *ret_more) {
  const struct graph_change change = {.run = drop_policy, .account_id = sharer_id};
  int64_t ids[US_CASCADE_GRAPHS];
  size_t n = 0, i = 0;
  US_TRY(us_cascade_rows_shared(cx, sharer_id, US_CASCADE_GRAPHS, ids, &n));
  for (; i < n && !is_enough(effort); i++)
    US_TRY(change_graph(cx, ids[i], &change, effort));
  *ret_more = i < n || n == US_CASCADE_GRAPHS;
  return US_OK;
}

/* What was shared with a subject that is gone. */
static enum us_code drop_named(struct us_cx *cx, int64_t realm_id, struct us_str subject_key, struct effort *effort,
                               bool *ret_more) {
  const struct graph_change change = {.run = drop_subject, .subject_key = subject_key};
  int64_t ids[US_CASCADE_GRAPHS];
  size_t n = 0, i = 0;
  US_TRY(us_cascade_rows_naming(cx, realm_id, subject_key, US_CASCADE_GRAPHS, ids, &n));
  for (; i < n && !is_enough(effort); i++)
    US_TRY(change_graph(cx, ids[i], &change, effort));
  *ret_more = i < n || n == US_CASCADE_GRAPHS;
  return US_OK;
}

/* By the name, whatever the realm's settings were when it was shared, and by what they mean the person by now. */
static enum us_code drop_named_person(struct us_cx *cx, const struct doomed_account *a, struct effort *effort,
                                      bool *ret_more) {
  US_TRY(drop_named(cx, a->realm_id, a->name_key, effort, ret_more));
  if (*ret_more || a->subject_key.n == 0 || us_str_eq(a->subject_key, a->name_key))
    return US_OK;
  return drop_named(cx, a->realm_id, a->subject_key, effort, ret_more);
}

/* One portion: the first kind of row of which there is more than a portion ends it. */
static enum us_code account_portion(struct us_cx *cx, const struct doomed_account *a, bool *ret_more) {
  int64_t n = 0;
  struct effort effort = {0};
  US_TRY(drop_shared(cx, a->id, &effort, ret_more));
  if (!*ret_more)
    US_TRY(drop_named_person(cx, a, &effort, ret_more));
  if (!*ret_more)
    US_TRY(drop_owned(cx, a->id, ret_more));
  if (!*ret_more) {
    US_TRY(us_groups_leave_all(cx, a->id, US_CASCADE_ROWS, &n));
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
  if (!*ret_more) {
    US_TRY(us_cascade_drop_pcts(cx, a->id, US_CASCADE_ROWS, &n));
    *ret_more = n >= US_CASCADE_ROWS;
  }
  if (!*ret_more) {
    US_TRY(us_cascade_drop_consents(cx, a->id, US_CASCADE_ROWS, &n));
    *ret_more = n >= US_CASCADE_ROWS;
  }
  return US_OK;
}

static enum us_code account_step(struct us_cx *cx, const struct doomed_account *a, bool had_note) {
  bool more = false;
  struct us_str key = account_key(cx, a->realm_id, a->name_key);
  US_TRY(account_portion(cx, a, &more));
  if (more)
    return put_note(cx, key, us_str_fmt(cx->mem, "%" PRId64 ",%.*s", a->id, US_STR_ARG(a->subject_key)));
  return had_note ? drop_note(cx, key) : US_OK;
}

enum us_code us_cascade_account(struct us_cx *cx, const struct us_account *account) {
  struct doomed_account a = {.id = account->id, .realm_id = account->realm_id, .name_key = account->name_key};
  US_TRY(us_subject_own_key_now(cx, account, &a.subject_key));
  US_TRY(us_cascade_touch_shared(cx, a.id, US_CASCADE_ROWS));
  return account_step(cx, &a, false);
}

struct doomed_group {
  int64_t id, realm_id;
  struct us_str name_key;
};

static struct us_str group_note(struct us_cx *cx, int64_t realm_id, struct us_str name_key) {
  return us_str_fmt(cx->mem, "doomed:group:%" PRId64 ":%.*s", realm_id, US_STR_ARG(name_key));
}

/* Members first: what they have by RPTs ends when they have left. */
static enum us_code group_portion(struct us_cx *cx, const struct doomed_group *g, bool *ret_more) {
  struct effort effort = {0};
  int64_t n = 0;
  struct us_str key = us_subject_group_key(cx->mem, g->name_key);
  if (key.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_groups_empty(cx, g->id, US_CASCADE_ROWS, &n));
  *ret_more = n >= US_CASCADE_ROWS;
  return *ret_more ? US_OK : drop_named(cx, g->realm_id, key, &effort, ret_more);
}

static enum us_code group_step(struct us_cx *cx, const struct doomed_group *g, bool had_note) {
  bool more = false;
  struct us_str key = group_note(cx, g->realm_id, g->name_key);
  US_TRY(group_portion(cx, g, &more));
  if (more)
    return put_note(cx, key, us_str_fmt(cx->mem, "%" PRId64, g->id));
  return had_note ? drop_note(cx, key) : US_OK;
}

enum us_code us_cascade_group(struct us_cx *cx, const struct us_group *group) {
  struct doomed_group g = {.id = group->id, .realm_id = group->realm_id, .name_key = group->name_key};
  return group_step(cx, &g, false);
}

enum us_code us_cascade_holds_group(struct us_cx *cx, int64_t realm_id, struct us_str name_key, bool *ret_holds) {
  struct us_str key = group_note(cx, realm_id, name_key);
  return key.p == NULL ? us_fail_plain(cx, US_E_NO_MEMORY) : us_cascade_note_has(cx, key, ret_holds);
}

struct moved_member {
  int64_t account_id, cursor;
  struct us_str subject_key;
};

/* The resources of a window are touched at once, so that RPTs are decided anew; their activity is recomputed as far as a portion goes. */
static enum us_code member_portion(struct us_cx *cx, struct moved_member *m, bool *ret_more) {
  const struct graph_change change = {.run = change_nothing};
  struct effort effort = {0};
  int64_t *ids = US_NEW_ARRAY(cx->mem, int64_t, US_CASCADE_ROWS), last = 0;
  size_t n = 0, i = 0;
  if (ids == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_cascade_rows_shared_with(cx, m->account_id, m->subject_key, m->cursor, US_CASCADE_ROWS, ids, &n, &last));
  for (; i < n && !is_enough(&effort); i++)
    US_TRY(change_graph(cx, ids[i], &change, &effort));
  bool is_cut = i < n;
  if (is_cut)
    m->cursor = ids[i - 1];
  else
    m->cursor = last;
  for (; i < n; i++)
    US_TRY(us_resource_touch_access(cx, ids[i]));
  *ret_more = is_cut || last != 0;
  return US_OK;
}

static enum us_code member_step(struct us_cx *cx, struct moved_member *m, bool had_note) {
  bool more = false;
  struct us_str key = us_str_fmt(cx->mem, "doomed:member:%" PRId64 ":%.*s", m->account_id, US_STR_ARG(m->subject_key));
  US_TRY(member_portion(cx, m, &more));
  if (more)
    return put_note(cx, key, us_str_fmt(cx->mem, "%" PRId64, m->cursor));
  return had_note ? drop_note(cx, key) : US_OK;
}

enum us_code us_cascade_member(struct us_cx *cx, int64_t account_id, struct us_str subject_key) {
  struct moved_member m = {.account_id = account_id, .subject_key = subject_key};
  return member_step(cx, &m, false);
}

struct changed_names {
  int64_t realm_id;
  int64_t config_rev; /* of the change: whoever still goes by older settings waits */
  int64_t cursor;
};

static enum us_code names_portion(struct us_cx *cx, struct changed_names *names, bool *ret_more) {
  const struct graph_change change = {.run = change_nothing};
  struct effort effort = {0};
  int64_t ids[US_CASCADE_GRAPHS];
  size_t n = 0, i = 0;
  bool is_end = false;
  US_TRY(us_cascade_rows_in_realm(cx, names->realm_id, US_CASCADE_WINDOW, &names->cursor, US_CASCADE_GRAPHS, ids, &n,
                                  &is_end));
  for (; i < n && !is_enough(&effort); i++)
    US_TRY(change_graph(cx, ids[i], &change, &effort));
  if (i < n)
    names->cursor = ids[i - 1];
  *ret_more = i < n || !is_end;
  return US_OK;
}

static enum us_code put_names_note(struct us_cx *cx, const struct changed_names *names) {
  return put_note(cx, us_str_fmt(cx->mem, "doomed:names:%" PRId64, names->realm_id),
                  us_str_fmt(cx->mem, "%" PRId64 ",%" PRId64, names->config_rev, names->cursor));
}

static enum us_code names_step(struct us_cx *cx, struct changed_names *names) {
  bool more = false;
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  bool is_current = us_snapshot_config_rev(snapshot) >= names->config_rev;
  us_snapshot_unref(snapshot);
  if (!is_current)
    return put_names_note(cx, names);
  US_TRY(names_portion(cx, names, &more));
  if (more)
    return put_names_note(cx, names);
  return drop_note(cx, us_str_fmt(cx->mem, "doomed:names:%" PRId64, names->realm_id));
}

enum us_code us_cascade_names(struct us_cx *cx, int64_t realm_id) {
  struct changed_names names = {.realm_id = realm_id};
  US_TRY(us_config_rev_read(cx, &names.config_rev));
  return put_names_note(cx, &names);
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

/* One group of a realm; *ret_found is false when there is none left. */
static enum us_code drop_one_group(struct us_cx *cx, int64_t realm_id, bool *ret_found) {
  struct us_group_row row = {0};
  enum us_code code = us_groups_first(cx, realm_id, &row);
  *ret_found = code == US_OK;
  if (code == US_E_NOT_FOUND) {
    us_error_clear(cx);
    return US_OK;
  }
  US_TRY(code);
  const struct us_group group = {.id = row.id, .realm_id = realm_id, .name = row.name, .name_key = row.name_key};
  return us_group_delete(cx, &group);
}

/* A realm loses one account a portion, with all its rows, then its groups and clients. */
static enum us_code realm_step(struct us_cx *cx, int64_t realm_id, bool had_note) {
  struct us_str key = us_str_fmt(cx->mem, "doomed:realm:%" PRId64, realm_id);
  struct us_account account = {0};
  int64_t id = 0, clients = 0;
  size_t n = 0;
  bool has_group = false;
  US_TRY(us_cascade_rows_accounts(cx, realm_id, 1, &id, &n));
  if (n == 1) {
    US_TRY(us_account_row_by_id(cx, id, &account));
    US_TRY(us_account_row_delete(cx, id));
    US_TRY(us_cascade_account(cx, &account));
  } else {
    US_TRY(drop_one_group(cx, realm_id, &has_group));
  }
  if (n == 0 && !has_group)
    US_TRY(us_cascade_drop_clients(cx, realm_id, US_CASCADE_ROWS, &clients));
  if (n == 1 || has_group || clients >= US_CASCADE_ROWS)
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
  struct doomed_group g = {0};
  struct moved_member m = {0};
  struct changed_names names = {0};
  struct doomed_rs rs = {0};
  int64_t realm_id = 0, label_id = 0;
  if (eat_prefix(&rest, US_STR("doomed:account:")) && eat_number(&rest, ':', &a.realm_id) &&
      eat_number(&value, ',', &a.id)) {
    a.name_key = rest;
    a.subject_key = value;
    return account_step(cx, &a, true);
  }
  rest = key;
  if (eat_prefix(&rest, US_STR("doomed:group:")) && eat_number(&rest, ':', &g.realm_id) &&
      eat_number(&value, ',', &g.id)) {
    g.name_key = rest;
    return group_step(cx, &g, true);
  }
  rest = key;
  if (eat_prefix(&rest, US_STR("doomed:member:")) && eat_number(&rest, ':', &m.account_id) &&
      eat_number(&value, ',', &m.cursor)) {
    m.subject_key = rest;
    return member_step(cx, &m, true);
  }
  rest = key;
  if (eat_prefix(&rest, US_STR("doomed:names:")) && eat_number(&rest, ':', &names.realm_id) &&
      eat_number(&value, ',', &names.config_rev) && eat_number(&value, ',', &names.cursor))
    return names_step(cx, &names);
  rest = key;
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
