/* Fills in what the rows about lists need: see fill_lists.h. */
#include "fill_lists.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/handle.h"
#include "crypto/random.h"
#include "domain/account.h"
#include "domain/realm.h"
#include "domain/share_entry.h"
#include "store/policies.h"

#define SHARES 1000 /* of each person with many */
#define HEAVY 10    /* people with many shares */
#define REQUESTS_EACH 200
#define CHAIN 1000
#define WIDE_SHARERS 40
#define WIDE_SUBJECTS 250 /* of each of them */
#define PEOPLE_MAX 100

struct pick {
  int64_t id, owner_id, policy_id;
  struct us_str uuid, name;
};

struct lists {
  const struct bench_lists *in;
  struct us_account heavy[HEAVY], chain[CHAIN], wide[WIDE_SHARERS];
  struct us_handle heavy_sso[HEAVY], owner_sso[PEOPLE_MAX], last_sso;
  struct pick picks[SHARES];
  FILE *approve;
  int round;
};

static const char SQL_SESSION[] =
    "INSERT INTO session (id, digest, realm_id, account_id, created_ms, touched_ms, expires_ms)"
    " VALUES ($1, $2, $3, $4, $5, $5, $6)";
static const char SQL_RESOURCE[] =
    "INSERT INTO resource (id, uuid, realm_id, owner_id, rs_ref, name, description, scopes, rev, access_rev, "
    "created_ms,"
    " modified_ms, name_sort, name_key) VALUES ($1, $2, $3, $4, $5, $6, '{\"resource_scopes\":[\"view\",\"edit\"]}',"
    " '[\"view\",\"edit\"]', 1, 1, $7, $7, $6, LOWER($6))";
static const char SQL_POLICY[] =
    "INSERT INTO policy (id, realm_id, resource_id, sharer_id, rev, created_ms, modified_ms)"
    " VALUES ($1, $2, $3, $4, 1, $5, $5)";
static const char SQL_REQUEST[] =
    "INSERT INTO pending_request (id, uuid, realm_id, owner_id, resource_id, party_id, scopes, created_ms, rev)"
    " VALUES ($1, $2, $3, $4, $5, $6, '[\"edit\"]', $7, 1)";
static const char SQL_RESOURCES[] =
    "SELECT r.id, r.owner_id, p.id, r.uuid, r.name FROM resource r JOIN policy p ON p.resource_id = r.id"
    " AND p.sharer_id = r.owner_id ORDER BY r.id";

static const struct us_column pick_columns[] = {
    {US_COLUMN_I64, offsetof(struct pick, id)},        {US_COLUMN_I64, offsetof(struct pick, owner_id)},
    {US_COLUMN_I64, offsetof(struct pick, policy_id)}, {US_COLUMN_TEXT, offsetof(struct pick, uuid)},
    {US_COLUMN_TEXT, offsetof(struct pick, name)},
};

static void new_uuid(int64_t now_ms, char *ret_text) {
  uint8_t random[16];
  us_random(random, sizeof(random));
  us_uuid7_format(now_ms, random, ret_text);
}

static enum us_code add_person(struct us_cx *cx, const struct lists *l, const char *kind, int i,
                               struct us_account *ret_account) {
  struct us_account_new person = {.name = us_str_fmt(cx->mem, "%s%d", kind, i), .password_hash = l->in->password_hash};
  int64_t id;
  US_TRY(us_account_create(cx, l->in->realm->id, &person, &id));
  return us_account_by_id(cx, id, ret_account);
}

static enum us_code add_session(struct us_cx *cx, const struct lists *l, const struct us_account *account,
                                struct us_handle *ret_handle) {
  int64_t id = us_next_id(cx), life_ms = INT64_C(10) * 24 * 3600 * 1000;
  us_handle_mint(id, 0, ret_handle);
  return us_sql_run(cx, NULL, SQL_SESSION, "iciiii", id, ret_handle->digest, l->in->realm->id, account->id, cx->now_ms,
                    cx->now_ms + life_ms);
}

static enum us_code add_people(struct us_cx *cx, void *self) {
  struct lists *l = self;
  US_TRY(us_setting_set(cx, l->in->realm, US_STR("sessionIdleTime"), US_STR("864000")));
  US_TRY(us_setting_set(cx, l->in->realm, US_STR("sessionMaxTime"), US_STR("864000")));
  for (int i = 0; i < HEAVY; i++) {
    US_TRY(add_person(cx, l, "heavy", i, &l->heavy[i]));
    US_TRY(add_session(cx, l, &l->heavy[i], &l->heavy_sso[i]));
  }
  for (int i = 0; i < CHAIN; i++)
    US_TRY(add_person(cx, l, "chain", i, &l->chain[i]));
  for (int i = 0; i < WIDE_SHARERS; i++)
    US_TRY(add_person(cx, l, "wide", i, &l->wide[i]));
  for (int64_t i = 0; i < l->in->people; i++)
    US_TRY(add_session(cx, l, &l->in->owners[i], &l->owner_sso[i]));
  return add_session(cx, l, &l->chain[CHAIN - 1], &l->last_sso);
}

/* 1,000 resources out of all, one of each part, and ten of each owner as far as a part has some of every owner. */
static int64_t place_of_pick(const struct lists *l, int64_t n) {
  int64_t part = l->in->resources / SHARES, people = l->in->people;
  int64_t towards_owner = ((n - n * part) % people + people) % people;
  return n * part + towards_owner % part;
}

static enum us_code pick(struct us_cx *cx, struct lists *l) {
  struct us_rows rows;
  int64_t n = 0;
  US_TRY(us_sql_open(cx, &rows, SQL_RESOURCES, ""));
  for (int64_t i = 0; n < SHARES && us_sql_next(&rows); i++) {
    if (i == place_of_pick(l, n))
      us_sql_read(&rows, pick_columns, US_COLUMN_COUNT(pick_columns), &l->picks[n++]);
  }
  return us_sql_close(&rows);
}

static enum us_code add_permission(struct us_cx *cx, const struct lists *l, const struct pick *on,
                                   const struct us_account *sharer, int64_t position, struct us_str subject) {
  struct us_resource resource = {.uuid = on->uuid, .name = on->name};
  struct us_policy_row policy = {
      .id = on->policy_id, .realm_id = l->in->realm->id, .resource_id = on->id, .sharer_id = sharer->id};
  struct us_permission_row line = {
      .id = us_next_id(cx),
      .position = position,
      .subject = subject,
      .subject_key = subject,
      .scopes = US_STR("[\"view\"]"),
      .conditions = US_STR(""),
      .entry_name = us_share_entry_name(cx, &resource, sharer->name, subject, (struct us_strs){0}),
  };
  return us_policies_put_line(cx, &policy, &line, cx->now_ms);
}

static int owner_of(const struct lists *l, const struct pick *on) {
  int i = 0;
  while (i < l->in->people - 1 && l->in->owners[i].id != on->owner_id)
    i++;
  return i;
}

static enum us_code add_shares(struct us_cx *cx, void *self) {
  struct lists *l = self;
  for (int i = 0; i < SHARES; i++) {
    const struct pick *on = &l->picks[i];
    for (int k = 0; k < HEAVY; k++)
      US_TRY(add_permission(cx, l, on, &l->in->owners[owner_of(l, on)], 1 + k, l->heavy[k].name));
  }
  return US_OK;
}

/* One request of a person for each resource: all of those who have a share already, so that approving widens it and the policy does
 * not grow. */
static enum us_code add_requests(struct us_cx *cx, void *self) {
  struct lists *l = self;
  char uuid[US_UUID_BYTES];
  for (int i = 0; i < SHARES; i++) {
    const struct pick *on = &l->picks[i];
    int owner = owner_of(l, on);
    new_uuid(cx->now_ms, uuid);
    US_TRY(us_sql_run(cx, NULL, SQL_REQUEST, "iciiiii", us_next_id(cx), uuid, l->in->realm->id, on->owner_id, on->id,
                      l->heavy[(i + l->round) % HEAVY].id, cx->now_ms));
    fprintf(l->approve, "%s %.*s %s\n", l->owner_sso[owner].text, US_STR_ARG(l->in->owners[owner].name), uuid);
  }
  return US_OK;
}

static enum us_code add_resource(struct us_cx *cx, const struct lists *l, const char *name, struct pick *ret_pick) {
  char uuid[US_UUID_BYTES];
  new_uuid(cx->now_ms, uuid);
  *ret_pick = (struct pick){.id = us_next_id(cx),
                            .owner_id = l->in->owners[0].id,
                            .uuid = us_str_dup(cx->mem, us_str_c(uuid)),
                            .name = us_str_c(name)};
  return us_sql_run(cx, NULL, SQL_RESOURCE, "iciiici", ret_pick->id, uuid, l->in->realm->id, ret_pick->owner_id,
                    l->in->rs_ref, name, cx->now_ms);
}

static enum us_code add_policy(struct us_cx *cx, const struct lists *l, struct pick *on, int64_t sharer_id) {
  on->policy_id = us_next_id(cx);
  return us_sql_run(cx, NULL, SQL_POLICY, "iiiii", on->policy_id, l->in->realm->id, on->id, sharer_id, cx->now_ms);
}

static void write_hard(const struct lists *l, FILE *out, const struct pick *on, const struct us_account *party,
                       const struct us_handle *sso) {
  fprintf(out, "%.*s %s %.*s %.*s %.*s %s\n", US_STR_ARG(on->name), l->owner_sso[0].text,
          US_STR_ARG(l->in->owners[0].name), US_STR_ARG(on->uuid), US_STR_ARG(party->name), sso->text);
}

/* The owner shares with forty, each of them with 250 whom nobody knows yet; the last one's last share is with a person who is. */
static enum us_code add_wide(struct us_cx *cx, const struct lists *l, FILE *out) {
  struct pick on;
  US_TRY(add_resource(cx, l, "wide", &on));
  US_TRY(add_policy(cx, l, &on, on.owner_id));
  for (int i = 0; i < WIDE_SHARERS; i++)
    US_TRY(add_permission(cx, l, &on, &l->in->owners[0], i, l->wide[i].name));
  for (int i = 0; i < WIDE_SHARERS; i++) {
    US_TRY(add_policy(cx, l, &on, l->wide[i].id));
    for (int k = 0; k < WIDE_SUBJECTS; k++) {
      bool is_last = i == WIDE_SHARERS - 1 && k == WIDE_SUBJECTS - 1;
      struct us_str guest = us_str_fmt(cx->mem, "guest%d-%d", i, k);
      US_TRY(add_permission(cx, l, &on, &l->wide[i], k, is_last ? l->heavy[0].name : guest));
    }
  }
  write_hard(l, out, &on, &l->heavy[0], &l->heavy_sso[0]);
  return US_OK;
}

static enum us_code add_chain(struct us_cx *cx, const struct lists *l, FILE *out) {
  const struct us_account *sharer = &l->in->owners[0];
  struct pick on;
  US_TRY(add_resource(cx, l, "chain", &on));
  for (int i = 0; i < CHAIN; i++) {
    US_TRY(add_policy(cx, l, &on, sharer->id));
    US_TRY(add_permission(cx, l, &on, sharer, 0, l->chain[i].name));
    sharer = &l->chain[i];
  }
  write_hard(l, out, &on, sharer, &l->last_sso);
  return US_OK;
}

static FILE *create(struct us_cx *cx, const struct lists *l, const char *name) {
  struct us_str path = us_str_fmt(cx->mem, "%s/%s", l->in->folder, name);
  return path.p != NULL ? fopen(path.p, "w") : NULL;
}

static enum us_code finish(struct us_cx *cx, FILE *out) {
  return out != NULL && fclose(out) == 0 ? US_OK : us_fail(cx, US_E_INTERNAL, "a file of samples cannot be written");
}

static enum us_code add_hard(struct us_cx *cx, void *self) {
  const struct lists *l = self;
  FILE *out = create(cx, l, "hard.txt");
  if (out == NULL)
    return finish(cx, out);
  enum us_code code = add_wide(cx, l, out);
  if (code == US_OK)
    code = add_chain(cx, l, out);
  enum us_code written = finish(cx, out);
  return code != US_OK ? code : written;
}

static enum us_code write_samples(struct us_cx *cx, const struct lists *l) {
  FILE *sets = create(cx, l, "sets.txt"), *policies = create(cx, l, "policies.txt"),
       *evaluate = create(cx, l, "evaluate.txt");
  for (int k = 0; k < HEAVY && sets != NULL; k++)
    fprintf(sets, "%s %.*s\n", l->heavy_sso[k].text, US_STR_ARG(l->heavy[k].name));
  for (int i = 0; i < SHARES && policies != NULL && evaluate != NULL; i++) {
    int owner = owner_of(l, &l->picks[i]);
    struct us_str name = l->in->owners[owner].name, subject = l->heavy[i % HEAVY].name;
    fprintf(policies, "%s %.*s %.*s\n", l->owner_sso[owner].text, US_STR_ARG(name), US_STR_ARG(subject));
    fprintf(evaluate, "%s %.*s %.*s %.*s\n", l->owner_sso[owner].text, US_STR_ARG(name), US_STR_ARG(l->picks[i].uuid),
            US_STR_ARG(subject));
  }
  US_TRY(finish(cx, sets));
  US_TRY(finish(cx, policies));
  return finish(cx, evaluate);
}

enum us_code bench_fill_lists(struct us_cx *cx, const struct bench_lists *in) {
  static struct lists l;
  l.in = in;
  if (in->resources < BENCH_LISTS_RESOURCES_MIN || in->people > PEOPLE_MAX)
    return us_fail(cx, US_E_INVALID_REQUEST, "the store does not fit the lists");
  US_TRY(us_db_transact(cx, in->db, add_people, &l));
  US_TRY(us_db_begin_read(cx, in->db));
  enum us_code code = pick(cx, &l);
  us_db_end_read(cx, in->db);
  US_TRY(code);
  US_TRY(us_db_transact(cx, in->db, add_shares, &l));
  l.approve = create(cx, &l, "approve.txt");
  for (l.round = 0; l.round < REQUESTS_EACH && l.approve != NULL; l.round++)
    US_TRY(us_db_transact(cx, in->db, add_requests, &l));
  US_TRY(finish(cx, l.approve));
  US_TRY(us_db_transact(cx, in->db, add_hard, &l));
  return write_samples(cx, &l);
}
