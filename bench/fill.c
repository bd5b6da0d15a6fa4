/*
 * Fills a store for the benchmark: the demo world, a client whose ID tokens are ES256, owners and parties, N resources each
 * shared with one party, and N live RPTs; and writes the credentials that the load needs to text files. Rows go in as the
 * server would write them (digests of real handles), in transactions of 10,000.
 *
 *   fill STORE_URL N FOLDER [CODES]
 *     FOLDER/introspect.txt   PAT RPT                      one line a sample
 *     FOLDER/tickets.txt      PAT RESOURCE ID_TOKEN        one line a sample
 *     and those of fill_lists.h, and with CODES those of fill_oauth.h
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "app/demo_world.h"
#include "base/mem.h"
#include "crypto/handle.h"
#include "crypto/password.h"
#include "crypto/random.h"
#include "domain/account.h"
#include "domain/client.h"
#include "domain/id_token.h"
#include "domain/realm.h"
#include "domain/share_entry.h"
#include "domain/snapshot.h"
#include "domain/token.h"
#include "fill_lists.h"
#include "fill_oauth.h"
#include "store/policies.h"

#define PEOPLE 100
#define BATCH 10000
#define SAMPLES 200000
#define LIFE_S (10 * 24 * 3600)

struct fill {
  struct us_db *db;
  const struct us_realm *realm;
  struct us_account owners[PEOPLE], parties[PEOPLE];
  struct us_client rs, client;
  struct us_handle pats[PEOPLE];
  struct us_str id_tokens[PEOPLE];
  char hash[US_PASSWORD_HASH_BYTES];
  int64_t from, n, every;
  FILE *introspect, *tickets;
};

static const char SQL_TOKEN[] =
    "INSERT INTO token (id, kind, digest, realm_id, client_ref, account_id, grant_id, grant_type, scopes, auth_time_s, "
    "issued_s, "
    "expires_s, spent) VALUES ($1, 1, $2, $3, $4, $5, $1, 'password', '[\"uma_protection\"]', $6, $6, $7, 0)";
static const char SQL_RESOURCE[] =
    "INSERT INTO resource (id, uuid, realm_id, owner_id, rs_ref, name, description, scopes, rev, access_rev, "
    "created_ms, modified_ms, name_sort, name_key) "
    "VALUES ($1, $2, $3, $4, $5, $6, '{\"resource_scopes\":[\"view\",\"edit\"]}', '[\"view\",\"edit\"]', 1, 1, $7, $7, "
    "$6, LOWER($6))";
static const char SQL_POLICY[] = "INSERT INTO policy (id, realm_id, resource_id, sharer_id, rev, created_ms, "
                                 "modified_ms) VALUES ($1, $2, $3, $4, 1, $5, $5)";
static const char SQL_RPT[] =
    "INSERT INTO rpt (id, digest, realm_id, owner_id, rs_ref, client_ref, party_id, tid, issued_s, expires_s, more, "
    "resource_id, uuid, scopes, access_rev, permission_expires_s) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $1, $8, $9, 0, $10, $11, '[\"view\"]', 1, $9)";

static void die(const struct us_cx *cx, const char *what) {
  fprintf(stderr, "fill: %s: %s %.*s %.*s\n", what, us_code_name(cx->err.code), US_STR_ARG(cx->err.text),
          US_STR_ARG(cx->err.detail));
  exit(1);
}

static enum us_code add_people(struct us_cx *cx, void *self) {
  struct fill *f = self;
  int64_t id = 0;
  struct us_client client = f->client;
  US_TRY(us_setting_set(cx, f->realm, US_STR("jwtTokenLifetime"), US_STR("864000")));
  for (int i = 0; i < 2 * PEOPLE; i++) {
    struct us_account_new person = {.name = us_str_fmt(cx->mem, "%s%d", i < PEOPLE ? "owner" : "party", i % PEOPLE),
                                    .password_hash = us_str_c(f->hash)};
    US_TRY(us_account_create(cx, f->realm->id, &person, &id));
  }
  client.ref = 0;
  client.client_id = US_STR("Bench-Client");
  client.id_token_alg = US_STR("ES256");
  return us_client_create(cx, f->realm->id, &client, &id);
}

static enum us_code find_people(struct us_cx *cx, void *self) {
  struct fill *f = self;
  US_TRY(us_client_by_id(cx, f->realm->id, US_STR("UMA-Resource-Server"), &f->rs));
  US_TRY(us_client_by_id(cx, f->realm->id, US_STR("Bench-Client"), &f->client));
  for (int i = 0; i < PEOPLE; i++) {
    US_TRY(us_account_by_name(cx, f->realm->id, us_str_fmt(cx->mem, "owner%d", i), &f->owners[i]));
    US_TRY(us_account_by_name(cx, f->realm->id, us_str_fmt(cx->mem, "party%d", i), &f->parties[i]));
    struct us_id_token_claims claims = {.account = &f->parties[i],
                                        .client_id = US_STR("Bench-Client"),
                                        .alg = US_STR("ES256"),
                                        .auth_time_s = us_cx_now_s(cx),
                                        .issued_id = us_next_id(cx)};
    US_TRY(us_id_token_issue(cx, f->realm, &claims, true, &f->id_tokens[i]));
  }
  return US_OK;
}

static enum us_code add_pats(struct us_cx *cx, void *self) {
  struct fill *f = self;
  for (int i = 0; i < PEOPLE; i++) {
    int64_t id = us_next_id(cx);
    us_handle_mint(id, 0, &f->pats[i]);
    US_TRY(us_sql_run(cx, NULL, SQL_TOKEN, "iciiiii", id, f->pats[i].digest, f->realm->id, f->rs.ref, f->owners[i].id,
                      us_cx_now_s(cx), us_cx_now_s(cx) + LIFE_S));
  }
  return US_OK;
}

static enum us_code add_one(struct us_cx *cx, struct fill *f, int64_t i) {
  int64_t resource = us_next_id(cx), policy = us_next_id(cx), rpt = us_next_id(cx);
  int owner = (int)(i % PEOPLE), party = (int)((i / PEOPLE) % PEOPLE);
  int64_t realm = f->realm->id, owner_id = f->owners[owner].id;
  char uuid[US_UUID_BYTES], name[48];
  uint8_t random[16];
  struct us_handle handle;
  us_random(random, sizeof(random));
  us_uuid7_of_id(resource, random, uuid);
  us_handle_mint(rpt, 0, &handle);
  snprintf(name, sizeof(name), "Album %" PRId64, i);
  US_TRY(us_sql_run(cx, NULL, SQL_RESOURCE, "iciiici", resource, uuid, realm, owner_id, f->rs.ref, name, cx->now_ms));
  US_TRY(us_sql_run(cx, NULL, SQL_POLICY, "iiiii", policy, realm, resource, owner_id, cx->now_ms));
  struct us_resource named = {.uuid = us_str_c(uuid), .name = us_str_c(name)};
  struct us_policy_row shared = {.id = policy, .realm_id = realm, .resource_id = resource, .sharer_id = owner_id};
  struct us_permission_row line = {
      .id = us_next_id(cx),
      .subject = f->parties[party].name_key,
      .subject_key = f->parties[party].name_key,
      .scopes = US_STR("[\"view\"]"),
      .conditions = US_STR(""),
      .entry_name =
          us_share_entry_name(cx, &named, f->owners[owner].name, f->parties[party].name_key, (struct us_strs){0}),
  };
  US_TRY(us_policies_put_line(cx, &shared, &line, cx->now_ms));
  US_TRY(us_sql_run(cx, NULL, SQL_RPT, "iciiiiiiiic", rpt, handle.digest, realm, owner_id, f->rs.ref, f->client.ref,
                    f->parties[party].id, us_cx_now_s(cx), us_cx_now_s(cx) + LIFE_S, resource, uuid));
  if (i % f->every == 0) {
    fprintf(f->introspect, "%s %s\n", f->pats[owner].text, handle.text);
    fprintf(f->tickets, "%s %s %.*s\n", f->pats[owner].text, uuid, US_STR_ARG(f->id_tokens[party]));
  }
  return US_OK;
}

static enum us_code add_batch(struct us_cx *cx, void *self) {
  struct fill *f = self;
  struct us_cx batch = *cx; /* memory of its own: a million names are not kept */
  enum us_code code = US_OK;
  batch.mem = us_mem_root_new(0, SIZE_MAX / 2);
  for (int64_t i = f->from; code == US_OK && i < f->from + BATCH && i < f->n; i++)
    code = add_one(&batch, f, i);
  if (code != US_OK)
    die(&batch, "row");
  us_mem_free(batch.mem);
  return code;
}

static void refresh(struct us_cx *cx, struct fill *f) {
  if (us_db_begin_read(cx, f->db) != US_OK || us_snapshot_refresh(cx, true) != US_OK)
    die(cx, "configuration");
  us_db_end_read(cx, f->db);
  f->realm = us_snapshot_realm(us_snapshot_ref(cx->svc->snapshots), US_STR("/alpha")); /* held until the process ends */
}

static FILE *create(const char *folder, const char *name) {
  char path[4096];
  snprintf(path, sizeof(path), "%s/%s", folder, name);
  FILE *out = fopen(path, "w");
  if (out == NULL) {
    fprintf(stderr, "fill: %s cannot be written\n", path);
    exit(1);
  }
  return out;
}

int main(int argc, char **argv) {
  static struct fill f;
  if (argc < 4 || argc > 5 || (f.n = atoll(argv[2])) < 1) {
    fprintf(stderr, "usage: fill STORE_URL N FOLDER [CODES]\n");
    return 2;
  }
  us_crypto_setup();
  struct us_cx cx = {.mem = us_mem_root_new(0, SIZE_MAX / 2), .now_ms = us_clock_now_ms(&us_clock_system)};
  cx.svc = us_services_new(&us_clock_system, "http://127.0.0.1:18080/am", NULL, NULL, NULL);
  struct us_db_options options = {.url = argv[1], .busy_ms = 2000, .cache_kib = 65536};
  uint16_t node = 0;
  int64_t high_water = 0;
  if (us_db_migrate(&cx, argv[1]) != US_OK || us_db_open(&cx, &options, &f.db) != US_OK)
    die(&cx, "store");
  cx.db = f.db;
  if (us_node_lease(&cx, f.db, &node, &high_water) != US_OK)
    die(&cx, "node");
  us_idgen_init(&cx.svc->ids, node, high_water);
  f.every = f.n > SAMPLES ? f.n / SAMPLES : 1;
  f.introspect = create(argv[3], "introspect.txt");
  f.tickets = create(argv[3], "tickets.txt");
  if (us_demo_world_create(&cx, f.db, 0) != US_OK || us_password_hash(&cx, US_STR(US_DEMO_PASSWORD), f.hash) != US_OK)
    die(&cx, "demo world");
  refresh(&cx, &f);
  if (us_db_begin_read(&cx, f.db) != US_OK ||
      us_client_by_id(&cx, f.realm->id, US_STR("UMA-Client"), &f.client) != US_OK)
    die(&cx, "UMA-Client");
  us_db_end_read(&cx, f.db);
  if (us_db_transact(&cx, f.db, add_people, &f) != US_OK)
    die(&cx, "people");
  refresh(&cx, &f);
  if (us_db_begin_read(&cx, f.db) != US_OK || find_people(&cx, &f) != US_OK)
    die(&cx, "people");
  us_db_end_read(&cx, f.db);
  if (us_db_transact(&cx, f.db, add_pats, &f) != US_OK)
    die(&cx, "tokens");
  for (f.from = 0; f.from < f.n; f.from += BATCH) {
    if (us_db_transact(&cx, f.db, add_batch, &f) != US_OK)
      die(&cx, "rows");
  }
  struct bench_lists lists = {.db = f.db,
                              .realm = f.realm,
                              .password_hash = us_str_c(f.hash),
                              .rs_ref = f.rs.ref,
                              .owners = f.owners,
                              .parties = f.parties,
                              .people = PEOPLE,
                              .resources = f.n,
                              .folder = argv[3]};
  if (f.n >= BENCH_LISTS_RESOURCES_MIN && bench_fill_lists(&cx, &lists) != US_OK)
    die(&cx, "lists");
  struct bench_oauth oauth = {.db = f.db,
                              .realm = f.realm,
                              .rs = &f.rs,
                              .client = &f.client,
                              .people = f.parties,
                              .people_count = PEOPLE,
                              .count = argc > 4 ? atoll(argv[4]) : 0,
                              .folder = argv[3]};
  if (oauth.count > 0 && bench_fill_oauth(&cx, &oauth) != US_OK)
    die(&cx, "codes");
  if (us_node_release(&cx, f.db, node, us_next_id(&cx)) != US_OK)
    die(&cx, "node");
  us_db_close(f.db);
  return fclose(f.introspect) == 0 && fclose(f.tickets) == 0 ? 0 : 1;
}
