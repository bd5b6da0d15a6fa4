/*
 * The graph in the store (domain/graph.h): after each of many random changes what is stored as active is what a plain reference
 * says, and so is every decision. Then large graphs: a chain of a thousand, ten thousand shares, the largest that is allowed.
 */
#include "flow/people.h"

#include <time.h>

#include "base/mem.h"
#include "domain/access.h"
#include "domain/graph.h"
#include "domain/group.h"
#include "domain/resource.h"
#include "domain/share.h"
#include "json/json.h"

#define PEOPLE 7 /* alice owns */
#define GROUPS 2
#define SUBJECTS (PEOPLE + GROUPS + 1) /* people, groups, somebody who does not exist */
#define SCOPES 5
#define ROUNDS 600

static const char *const names[SUBJECTS] = {"alice", "bob",   "carol",    "dave",     "erin",
                                            "frank", "grace", "group:g0", "group:g1", "ghost"};
static const char *const scope_names[SCOPES] = {"s0", "s1", "s2", "s3", "s4"};

static uint64_t seed;
static uint32_t below(size_t n) {
  seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)((seed >> 33) % n);
}

/* What should be stored. A share with no scopes is none. */
struct model {
  unsigned available; /* bits */
  unsigned shares[PEOPLE][SUBJECTS];
  bool member[GROUPS][PEOPLE];
};
static bool is_meant(const struct model *m, size_t subject, size_t person) {
  if (subject < PEOPLE)
    return subject == person;
  return subject < PEOPLE + GROUPS && m->member[subject - PEOPLE][person];
}
static void rights_of(const struct model *m, unsigned rights[PEOPLE]) {
  memset(rights, 0, PEOPLE * sizeof(rights[0]));
  rights[0] = m->available;
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t from = 0; from < PEOPLE; from++)
      for (size_t subject = 0; subject < SUBJECTS; subject++)
        for (size_t to = 1; to < PEOPLE; to++) {
          unsigned given = m->shares[from][subject] & rights[from];
          if (!is_meant(m, subject, to) || (given & ~rights[to]) == 0)
            continue;
          rights[to] |= given;
          changed = true;
        }
  }
}

struct test {
  struct us_world *w;
  struct model model;
  const char *pat, *id;
  int64_t realm_id;
  /* of the step that runs */
  size_t who;
  unsigned wish[SUBJECTS];
  enum us_code code;
};

static struct us_strs scopes_of(struct us_cx *cx, unsigned bits) {
  struct us_strs set = {US_NEW_ARRAY(cx->mem, struct us_str, SCOPES), 0};
  for (size_t i = 0; i < SCOPES; i++)
    if (bits >> i & 1)
      set.v[set.n++] = us_str_c(scope_names[i]);
  return set;
}
static unsigned bits_of(struct us_cx *cx, struct us_str json) {
  struct us_strs set;
  unsigned bits = 0;
  assert_int_equal(us_json_to_strs(cx, json, &set), US_OK);
  for (size_t i = 0; i < SCOPES; i++)
    bits |= us_strs_has(set, us_str_c(scope_names[i])) ? 1u << i : 0;
  return bits;
}
static int64_t account_id(struct us_cx *cx, struct test *t, const char *name) {
  struct us_account account;
  assert_int_equal(us_account_by_name(cx, t->realm_id, us_str_c(name), &account), US_OK);
  return account.id;
}

static enum us_code share_step(struct us_cx *cx, void *self) {
  struct test *t = self;
  struct us_resource resource;
  struct us_policy policy, result;
  struct us_share shares[SUBJECTS];
  struct us_share_wish wish = {.shares = shares};
  int64_t sharer_id = account_id(cx, t, names[t->who]);
  US_TRY(us_resource_by_uuid(cx, t->realm_id, us_str_c(t->id), &resource));
  US_TRY(us_resource_touch_access(cx, resource.id));
  for (size_t i = 0; i < SUBJECTS; i++)
    if (t->wish[i])
      shares[wish.share_count++] =
          (struct us_share){.subject = us_str_c(names[i]), .scopes = scopes_of(cx, t->wish[i])};
  enum us_code code = us_policy_find(cx, resource.id, sharer_id, &policy);
  if (code == US_OK)
    return below(8) == 0 && wish.share_count == 0 ? us_policy_remove(cx, &policy)
                                                  : us_policy_replace(cx, &resource, &policy, &wish, &result);
  us_error_clear(cx);
  return wish.share_count == 0 ? US_OK : us_policy_create(cx, &resource, sharer_id, &wish, &result);
}

/* May `who` have the shares of the wish (REST i.1)? */
static bool is_allowed(const struct test *t) {
  unsigned rights[PEOPLE], added = 0;
  bool has_policy = false;
  rights_of(&t->model, rights);
  for (size_t i = 0; i < SUBJECTS; i++) {
    added |= t->wish[i] & ~t->model.shares[t->who][i];
    has_policy = has_policy || t->model.shares[t->who][i] != 0;
  }
  if (t->who == 0 || (added == 0 && has_policy))
    return true;
  return (added & ~rights[t->who]) == 0 && (added != 0 || rights[t->who] != 0);
}

static void change_shares(struct test *t) {
  bool is_empty = true;
  t->who = below(3) == 0 ? 0 : below(PEOPLE);
  unsigned rights[PEOPLE];
  rights_of(&t->model, rights);
  for (size_t i = 0; i < SUBJECTS; i++) {
    unsigned some = below(1u << SCOPES) & t->model.available;
    if (below(10) != 0)
      some &= rights[t->who] | t->model.shares[t->who][i];
    t->wish[i] = below(3) == 0 ? some : below(4) == 0 ? 0 : t->model.shares[t->who][i];
    is_empty = is_empty && t->wish[i] == 0;
  }
  bool has_policy = false;
  for (size_t i = 0; i < SUBJECTS; i++)
    has_policy = has_policy || t->model.shares[t->who][i] != 0;
  us_world_advance_ms(t->w, 1);
  enum us_code code = us_world_transact(t->w, share_step, t);
  if (is_empty && !has_policy)
    return;
  assert_int_equal(code, is_allowed(t) ? US_OK : US_E_FORBIDDEN);
  if (code == US_OK)
    memcpy(t->model.shares[t->who], t->wish, sizeof(t->wish));
}

static enum us_code member_step(struct us_cx *cx, void *self) {
  struct test *t = self;
  struct us_group group;
  int64_t id = account_id(cx, t, names[t->who]);
  size_t g = t->wish[0];
  US_TRY(us_group_by_name(cx, t->realm_id, us_str_c(names[PEOPLE + g] + strlen("group:")), &group));
  return t->model.member[g][t->who] ? us_group_remove(cx, &group, id) : us_group_add(cx, &group, id);
}
static void change_group(struct test *t) {
  t->who = below(PEOPLE);
  t->wish[0] = below(GROUPS);
  us_world_advance_ms(t->w, 1);
  assert_int_equal(us_world_transact(t->w, member_step, t), US_OK);
  t->model.member[t->wish[0]][t->who] = !t->model.member[t->wish[0]][t->who];
}

/* By the resource server: what is taken away is gone from all shares. */
static void change_scopes(struct test *t) {
  const char *list = "";
  t->model.available = 1 + below((1u << SCOPES) - 1);
  for (size_t i = 0; i < SCOPES; i++)
    if (t->model.available >> i & 1)
      list = us_text(t->w, "%s%s\"%s\"", list, *list ? "," : "", scope_names[i]);
  us_world_advance_ms(t->w, 1);
  assert_reply(us_with_pat(t->w, "PUT", us_text(t->w, ALPHA_UMA "resource_set/%s", t->id), t->pat,
                           us_text(t->w, "{\"resource_scopes\":[%s]}", list)),
               200);
  for (size_t from = 0; from < PEOPLE; from++)
    for (size_t subject = 0; subject < SUBJECTS; subject++)
      t->model.shares[from][subject] &= t->model.available;
}

static enum us_code delete_now(struct us_cx *cx, struct us_account *account) {
  return us_account_delete(cx, account);
}
static void replace_person(struct test *t) {
  size_t who = 1 + below(PEOPLE - 1);
  change_person(t->w, names[who], delete_now);
  add_person(t->w, "/alpha", names[who], false);
  for (size_t i = 0; i < SUBJECTS; i++)
    t->model.shares[who][i] = 0;
  for (size_t i = 0; i < PEOPLE; i++)
    t->model.shares[i][who] = 0;
  for (size_t g = 0; g < GROUPS; g++)
    t->model.member[g][who] = false;
}

static size_t place_of(struct us_str name) {
  for (size_t i = 0; i < SUBJECTS; i++)
    if (us_str_eq_c(name, names[i]))
      return i;
  fail_msg("a share with '%.*s'", US_STR_ARG(name));
  return 0;
}

/* The rows are those of the model, no more and no fewer. */
static void check_rows(struct us_cx *cx, struct test *t) {
  static const char SQL[] = "SELECT a.name, q.subject_key, q.scopes, q.active_scopes, q.is_active FROM permission q "
                            "JOIN account a ON a.id = q.sharer_id JOIN policy p ON p.id = q.policy_id";
  struct model seen = {0};
  unsigned rights[PEOPLE];
  struct us_rows rows;
  rights_of(&t->model, rights);
  assert_int_equal(us_sql_open(cx, &rows, SQL, ""), US_OK);
  while (us_sql_next(&rows)) {
    size_t from = place_of(us_sql_text(&rows, 0)), to = place_of(us_sql_text(&rows, 1));
    unsigned scopes = bits_of(cx, us_sql_text(&rows, 2)), active = bits_of(cx, us_sql_text(&rows, 3));
    seen.shares[from][to] = scopes;
    if (scopes != t->model.shares[from][to] || active != (scopes & rights[from]))
      fail_msg("%s to %s: stored %x active %x, should be %x active %x", names[from], names[to], scopes, active,
               t->model.shares[from][to], t->model.shares[from][to] & rights[from]);
    assert_int_equal(us_sql_i64(&rows, 4), active != 0);
  }
  assert_int_equal(us_sql_close(&rows), US_OK);
  assert_memory_equal(seen.shares, t->model.shares, sizeof(seen.shares));
}

static void check_decisions(struct us_cx *cx, struct test *t, const struct us_realm *realm) {
  struct us_resource resource;
  unsigned rights[PEOPLE];
  rights_of(&t->model, rights);
  assert_int_equal(us_resource_by_uuid(cx, t->realm_id, us_str_c(t->id), &resource), US_OK);
  for (size_t who = 1; who < PEOPLE; who++) {
    struct us_access_request request = {.realm = realm,
                                        .party_id = account_id(cx, t, names[who]),
                                        .party_name = us_str_c(names[who]),
                                        .client_id = US_STR("C1")};
    struct us_facts facts;
    assert_int_equal(us_access_facts(cx, &request, &resource, &facts), US_OK);
    for (size_t i = 0; i < SCOPES; i++) {
      struct us_verdict verdict;
      assert_true(us_policy_scope(cx->mem, &facts, us_str_c(scope_names[i]), &verdict));
      enum us_reason should = !(t->model.available >> i & 1) ? US_REASON_NOT_REGISTERED
                              : rights[who] >> i & 1         ? US_REASON_SHARED
                                                             : US_REASON_NO_SHARE;
      if (verdict.reason != should)
        fail_msg("%s, %s: %s", names[who], scope_names[i], us_reason_text(verdict.reason));
    }
  }
}

static enum us_code check_step(struct us_cx *cx, void *self) {
  struct test *t = self;
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  check_rows(cx, t);
  check_decisions(cx, t, us_snapshot_realm(snapshot, US_STR("/alpha")));
  us_snapshot_unref(snapshot);
  return US_OK;
}

static enum us_code group_step(struct us_cx *cx, void *self) {
  struct test *t = self;
  int64_t id;
  t->realm_id = people_realm_id(cx, "/alpha");
  US_TRY(us_group_create(cx, t->realm_id, US_STR("g0"), &id));
  return us_group_create(cx, t->realm_id, US_STR("g1"), &id);
}

static void what_is_stored_is_what_the_reference_says(void **state) {
  static struct test t;
  t = (struct test){.w = *state, .model.available = (1u << SCOPES) - 1};
  for (size_t i = 4; i < PEOPLE; i++)
    add_person(t.w, "/alpha", names[i], false);
  t.pat = us_pat(t.w, "alice", RS1);
  t.id = us_register(t.w, t.pat, "{\"resource_scopes\":[\"s0\",\"s1\",\"s2\",\"s3\",\"s4\"]}");
  us_world_advance_ms(t.w, 1);
  assert_int_equal(us_world_transact(t.w, group_step, &t), US_OK);
  for (int round = 0; round < ROUNDS; round++) {
    uint32_t kind = below(100);
    if (kind < 80)
      change_shares(&t);
    else if (kind < 93)
      change_group(&t);
    else if (kind < 97)
      change_scopes(&t);
    else
      replace_person(&t);
    us_world_advance_ms(t.w, 1);
    assert_int_equal(us_world_transact(t.w, check_step, &t), US_OK);
  }
}

/* Large graphs, written as the store would have them. */
struct large {
  struct us_world *w;
  const char *id;
  const char *sql;
  int64_t count;
  struct us_str subject, text; /* in: who asks, whose share; out: of an error */
  int64_t sharer_id;
  int64_t took_us, value;
  enum us_reason reason;
};
static int64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}
static enum us_code fill_step(struct us_cx *cx, void *self) {
  struct large *l = self;
  return us_sql_run(cx, NULL, l->sql, "ic", l->count, l->id);
}
static void fill(struct large *l, const char *sql, int64_t count) {
  l->sql = sql;
  l->count = count;
  us_world_advance_ms(l->w, 1);
  assert_int_equal(us_world_transact(l->w, fill_step, l), US_OK);
}
#define NUMBERS(from) "WITH RECURSIVE n (i) AS (SELECT " from " UNION ALL SELECT i + 1 FROM n WHERE i < $1) "
#define RESOURCE "resource r ON r.uuid = $2"
/* Person i has id i and name pI. */
static const char SQL_PEOPLE[] = NUMBERS(
    "1") "INSERT INTO account (id, realm_id, name, name_key, password_hash, is_active, is_admin, rev, created_ms) "
         "SELECT n.i, r.realm_id, 'p' || n.i, 'p' || n.i, 'x', 1, 0, 1, 1 FROM n JOIN " RESOURCE;
static const char SQL_POLICIES[] =
    NUMBERS("1") "INSERT INTO policy (id, realm_id, resource_id, sharer_id, rev, created_ms, modified_ms) "
                 "SELECT n.i, r.realm_id, r.id, n.i, 1, 1, 1 FROM n JOIN " RESOURCE;
#define SQL_GRANTS(from, sharer, subject, scopes)                                                                      \
  NUMBERS(from)                                                                                                        \
  "INSERT INTO permission (id, policy_id, resource_id, sharer_id, realm_id, position, subject, "                       \
  "subject_key, scopes, active_scopes, is_active, conditions, created_ms, modified_ms) SELECT n.i, " sharer            \
  ", r.id, " sharer ", r.realm_id, n.i, " subject ", " subject ", " scopes ", " scopes                                 \
  ", 1, '', 1, 1 FROM n JOIN " RESOURCE
/* pI to pI+1 */
static const char SQL_CHAIN[] = SQL_GRANTS("1", "n.i", "'p' || (n.i + 1)", "'[\"see\"]'");
/* forty people with 250 others each */
static const char SQL_FAN[] = SQL_GRANTS("1", "(1 + n.i / 250)", "'q' || n.i", "'[\"see\"]'");
/* p1 with so many others */
static const char SQL_MANY[] = SQL_GRANTS("1", "1", "'q' || n.i", "'[\"see\"]'");

static enum us_code ask_step(struct us_cx *cx, void *self) {
  struct large *l = self;
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  struct us_access_request request = {.realm = us_snapshot_realm(snapshot, US_STR("/alpha")),
                                      .client_id = US_STR("C1")};
  struct us_resource resource;
  struct us_account account;
  struct us_facts facts;
  struct us_verdict verdict;
  assert_int_equal(us_resource_by_uuid(cx, request.realm->id, us_str_c(l->id), &resource), US_OK);
  assert_int_equal(us_account_by_name(cx, request.realm->id, l->subject, &account), US_OK);
  request.party_id = account.id;
  request.party_name = account.name;
  int64_t begin = now_us();
  assert_int_equal(us_access_facts(cx, &request, &resource, &facts), US_OK);
  assert_true(us_policy_scope(cx->mem, &facts, US_STR("see"), &verdict));
  l->took_us = now_us() - begin;
  l->reason = verdict.reason;
  l->value = (int64_t)verdict.path_count;
  us_snapshot_unref(snapshot);
  return US_OK;
}
/* What the sanitizers allow for what takes milliseconds without them. */
#define SOON_US 5000000
static void decides(struct large *l, const char *subject, enum us_reason reason, int64_t path) {
  l->subject = us_str_c(subject);
  us_world_advance_ms(l->w, 1);
  assert_int_equal(us_world_transact(l->w, ask_step, l), US_OK);
  print_message("# decided for %s in %lld us\n", subject, (long long)l->took_us);
  assert_int_equal(l->reason, reason);
  assert_int_equal(l->value, path);
  assert_true(l->took_us < SOON_US);
}

/* The sharer's policy becomes a share with one subject, or none. */
static enum us_code one_share_step(struct us_cx *cx, void *self) {
  struct large *l = self;
  int64_t realm_id = people_realm_id(cx, "/alpha"), begin = now_us();
  struct us_resource resource;
  struct us_policy policy, result;
  struct us_str see = US_STR("see");
  struct us_share share = {.subject = l->subject, .scopes = {&see, 1}};
  struct us_share_wish wish = {.shares = &share, .share_count = l->subject.n > 0};
  US_TRY(us_resource_by_uuid(cx, realm_id, us_str_c(l->id), &resource));
  US_TRY(us_resource_touch_access(cx, resource.id));
  int64_t sharer_id = l->sharer_id ? l->sharer_id : resource.owner_id;
  enum us_code code = us_policy_find(cx, resource.id, sharer_id, &policy);
  us_error_clear(cx);
  code = code == US_OK ? us_policy_replace(cx, &resource, &policy, &wish, &result)
                       : us_policy_create(cx, &resource, sharer_id, &wish, &result);
  l->text = us_str_c(us_text(l->w, "%.*s", US_STR_ARG(cx->err.text)));
  l->took_us = now_us() - begin;
  return code;
}
static enum us_code shares(struct large *l, int64_t sharer_id, const char *subject) {
  l->sharer_id = sharer_id;
  l->subject = us_str_c(subject);
  us_world_advance_ms(l->w, 1);
  enum us_code code = us_world_transact(l->w, one_share_step, l);
  print_message("# shared in %lld us\n", (long long)l->took_us);
  assert_true(l->took_us < SOON_US);
  return code;
}
static enum us_code count_step(struct us_cx *cx, void *self) {
  static const struct us_column columns[] = {{US_COLUMN_I64, 0}};
  static const char SQL[] = "SELECT COUNT(*) FROM permission WHERE is_active = 1 AND active_scopes = scopes";
  return us_sql_one(cx, columns, 1, self, SQL, "");
}
static int64_t active_count(struct us_world *w) {
  int64_t count = 0;
  us_world_advance_ms(w, 1);
  assert_int_equal(us_world_transact(w, count_step, &count), US_OK);
  return count;
}

static struct large large_in(void **state, const char *resource) {
  struct large l = {.w = *state};
  l.id = us_register(l.w, us_pat(l.w, "alice", RS1), resource);
  return l;
}

static void a_chain_of_a_thousand(void **state) {
  struct large l = large_in(state, "{\"resource_scopes\":[\"see\"]}");
  fill(&l, SQL_PEOPLE, 1001);
  fill(&l, SQL_POLICIES, 1000);
  fill(&l, SQL_CHAIN, 1000);
  assert_int_equal(shares(&l, 0, "p1"), US_OK);
  assert_int_equal(active_count(l.w), 1001);
  decides(&l, "p1001", US_REASON_SHARED, 1001);
  decides(&l, "p2", US_REASON_SHARED, 2);
  assert_int_equal(shares(&l, 0, "p2"), US_OK); /* p1 is out: one share is no more, the rest goes on */
  assert_int_equal(active_count(l.w), 1000);
  assert_int_equal(shares(&l, 0, ""), US_OK);
  assert_int_equal(active_count(l.w), 0);
  decides(&l, "p1001", US_REASON_NO_SHARE, 0);
  assert_int_equal(shares(&l, 0, "p1"), US_OK);
  assert_int_equal(active_count(l.w), 1001);
  decides(&l, "p1001", US_REASON_SHARED, 1001);
}

static void ten_thousand_shares(void **state) {
  struct large l = large_in(state, "{\"resource_scopes\":[\"see\"]}");
  fill(&l, SQL_PEOPLE, 40);
  fill(&l, SQL_POLICIES, 40);
  fill(&l, SQL_FAN, 9999);
  add_person(l.w, "/alpha", "q77", false);
  assert_int_equal(shares(&l, 0, "p1"), US_OK);
  assert_int_equal(active_count(l.w), 250);
  decides(&l, "q77", US_REASON_SHARED, 2);
  assert_int_equal(shares(&l, 0, "p2"), US_OK);
  decides(&l, "q77", US_REASON_NO_SHARE, 0);
  assert_int_equal(shares(&l, 2, "q77"), US_OK);
  decides(&l, "q77", US_REASON_SHARED, 2);
}

static void a_graph_may_be_so_large(void **state) {
  struct large l = large_in(state, "{\"resource_scopes\":[\"see\"]}");
  fill(&l, SQL_PEOPLE, 4);
  fill(&l, SQL_POLICIES, 1);
  fill(&l, SQL_MANY, US_GRAPH_GRANTS_MAX - 1);
  add_person(l.w, "/alpha", "q77", false);
  assert_int_equal(shares(&l, 0, "p1"), US_OK);
  assert_int_equal(active_count(l.w), US_GRAPH_GRANTS_MAX);
  fill(&l, "UPDATE permission SET subject = 'p2', subject_key = 'p2' WHERE id = $1 AND $2 <> ''", 1);
  fill(&l, "UPDATE permission SET subject = 'p3', subject_key = 'p3' WHERE id = $1 AND $2 <> ''", 2);
  assert_int_equal(shares(&l, 2, "bob"), US_OK); /* at the limit */
  decides(&l, "q77", US_REASON_SHARED, 2);
  assert_int_equal(shares(&l, 3, "bob"), US_E_INVALID_REQUEST); /* one past it */
  assert_non_null(strstr(l.text.p, "at most 16384 permissions"));
  decides(&l, "bob", US_REASON_SHARED, 3);
  assert_int_equal(shares(&l, 2, ""), US_OK);
  assert_int_equal(shares(&l, 3, "bob"), US_OK);
  assert_int_equal(shares(&l, 0, "p2"), US_OK); /* the owner always has room */
  assert_int_equal(active_count(l.w), 1);
}

/* The same for bytes: long conditions, all alike or all different. On clients: they do not count for the right to share. */
#define LONG_BYTES 16000
#define LONG_BEGIN "{\"type\":\"AND\",\"conditions\":[{\"type\":\"ClientId\",\"clientIds\":[\""
#define LONG_END "\"]}]}"
static const char SQL_ALIKE[] =
    "UPDATE permission SET conditions = '" LONG_BEGIN "' || replace(hex(zeroblob(8000)), '0', 'x') || '" LONG_END
    "' WHERE id <= $1 AND $2 <> ''";
static const char SQL_DIFFERENT[] =
    "UPDATE permission SET conditions = '" LONG_BEGIN
    "' || substr(10000 + id, 1, 5) || replace(hex(zeroblob(7998)), '0', 'x') || '" LONG_END
    "' WHERE id <= $1 AND $2 <> ''";
static void its_texts_may_be_so_long(void **state) {
  static const struct {
    const char *sql;
    int64_t max;
  } cases[] = {{SQL_ALIKE, US_GRAPH_MAX_BYTES}, {SQL_DIFFERENT, US_GRAPH_TEXTS_MAX_BYTES}};
  const int64_t row_bytes = LONG_BYTES + (int64_t)strlen(LONG_BEGIN LONG_END "[\"see\"]");
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    for (int64_t more = 0; more <= 2; more += 2) {
      struct large l = {.w = us_world_new()};
      l.id = us_register(l.w, us_pat(l.w, "alice", RS1), "{\"resource_scopes\":[\"see\"]}");
      int64_t fits = cases[i].max / (row_bytes + 10);
      fill(&l, SQL_PEOPLE, 2);
      fill(&l, SQL_POLICIES, 1);
      fill(&l, SQL_MANY, fits + more);
      fill(&l, cases[i].sql, fits + more);
      fill(&l, "UPDATE permission SET subject = 'p2', subject_key = 'p2' WHERE id = $1 AND $2 <> ''", 1);
      assert_int_equal(shares(&l, 0, "p1"), US_OK);
      assert_int_equal(shares(&l, 2, "bob"), more == 0 ? US_OK : US_E_INVALID_REQUEST);
      decides(&l, "p2", US_REASON_CONDITION, 2); /* for another client: all of it was read */
      us_world_free(l.w);
    }
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      STORY(what_is_stored_is_what_the_reference_says),
      STORY(a_chain_of_a_thousand),
      STORY(ten_thousand_shares),
      STORY(a_graph_may_be_so_large),
      cmocka_unit_test(its_texts_may_be_so_long),
  };
  us_test_setup();
  seed = argc > 1 ? strtoull(argv[1], NULL, 10) : (uint64_t)time(NULL);
  printf("# seed %llu\n", (unsigned long long)seed);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
