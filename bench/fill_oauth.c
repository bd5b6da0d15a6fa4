/* Fills in what the rows about OAuth and claims gathering need: see fill_oauth.h. */
#include "fill_oauth.h"

#include <stdio.h>

#include "base/mem.h"
#include "crypto/handle.h"
#include "crypto/key.h"
#include "domain/account.h"
#include "domain/client.h"
#include "domain/realm.h"
#include "domain/resource.h"
#include "domain/share.h"
#include "domain/snapshot.h"

#define LIFE_S (10 * 24 * 3600)
#define REFRESH_TOKENS 4096
#define BATCH 10000
#define RESOURCES 100
/* RFC 7636 appendix B; the verifier is in the scripts. */
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

struct oauth {
  const struct bench_oauth *in;
  const struct us_realm *gather;
  struct us_client rs, client;
  struct us_account owner, party;
  struct us_resource resources[RESOURCES];
  struct us_str keys[2]; /* RS256, ES256 */
  FILE *codes, *refresh, *gathered;
  int64_t from;
};

static const char SQL_CODE[] =
    "INSERT INTO code (id, digest, realm_id, client_ref, account_id, redirect_uri, uri_was_sent, scopes, challenge,"
    " challenge_method, auth_time_s, expires_s) VALUES ($1, $2, $3, $4, $5, $6, 1, '[\"openid\",\"profile\"]', $7,"
    " 'S256', $8, $9)";
static const char SQL_REFRESH[] =
    "INSERT INTO token (id, kind, digest, realm_id, client_ref, account_id, grant_id, grant_type, scopes, auth_time_s,"
    " issued_s, expires_s, spent) VALUES ($1, 2, $2, $3, $4, $5, $1, 'authorization_code', '[\"profile\"]', $6, $6, $7,"
    " 0)";
static const char SQL_TICKET[] =
    "INSERT INTO ticket (id, digest, iteration, state, realm_id, owner_id, rs_ref, client_ref, permissions,"
    " pending_ids, created_s, expires_s, challenge, challenge_method, party_id, gathered_id)"
    " VALUES ($1, $2, 1, 0, $3, $4, $5, $6, $7, '[]', $8, $9, $10, 'S256', $11, $1)";

static enum us_code make_realm(struct us_cx *cx, void *self) {
  struct oauth *o = self;
  int64_t id;
  return us_realm_create(cx, US_STR("/gather"), true, true, o->keys[0], o->keys[1], &id);
}

static enum us_code add_person(struct us_cx *cx, const struct oauth *o, const char *name,
                               struct us_account *ret_account) {
  struct us_account_new person = {.name = us_str_c(name), .password_hash = US_STR("-")};
  int64_t id;
  US_TRY(us_account_create(cx, o->gather->id, &person, &id));
  return us_account_by_id(cx, id, ret_account);
}

static enum us_code copy_client(struct us_cx *cx, const struct oauth *o, const struct us_client *of,
                                struct us_client *ret_client) {
  struct us_client client = *of;
  int64_t ref;
  client.ref = 0;
  client.realm_id = o->gather->id;
  US_TRY(us_client_create(cx, o->gather->id, &client, &ref));
  return us_client_by_ref(cx, ref, ret_client);
}

static enum us_code add_shared_resource(struct us_cx *cx, struct oauth *o, struct us_resource *ret_resource) {
  struct us_str view = US_STR("view");
  struct us_access pat = {.token = {.realm_id = o->gather->id, .account_id = o->owner.id, .client_ref = o->rs.ref}};
  struct us_resource_input input = {.scopes = {&view, 1}, .description = US_STR("{\"resource_scopes\":[\"view\"]}")};
  struct us_share share = {.subject = o->party.name, .scopes = {&view, 1}};
  struct us_share_wish wish = {.shares = &share, .share_count = 1};
  struct us_policy policy;
  US_TRY(us_resource_input_new(cx, &input));
  US_TRY(us_resource_register(cx, &pat, &input, ret_resource));
  return us_policy_create(cx, ret_resource, o->owner.id, &wish, &policy);
}

static enum us_code fill_realm(struct us_cx *cx, void *self) {
  struct oauth *o = self;
  US_TRY(us_setting_set(cx, o->gather, US_STR("interactiveClaimsGatheringEnabled"), US_STR("true")));
  US_TRY(add_person(cx, o, "owner", &o->owner));
  US_TRY(add_person(cx, o, "party", &o->party));
  US_TRY(copy_client(cx, o, o->in->rs, &o->rs));
  US_TRY(copy_client(cx, o, o->in->client, &o->client));
  for (int i = 0; i < RESOURCES; i++)
    US_TRY(add_shared_resource(cx, o, &o->resources[i]));
  return US_OK;
}

static enum us_code add_refresh_tokens(struct us_cx *cx, void *self) {
  const struct oauth *o = self;
  int64_t now_s = us_cx_now_s(cx);
  struct us_handle handle;
  for (int i = 0; i < REFRESH_TOKENS; i++) {
    int64_t id = us_next_id(cx);
    us_handle_mint(id, 0, &handle);
    US_TRY(us_sql_run(cx, NULL, SQL_REFRESH, "iciiiii", id, handle.digest, o->in->realm->id, o->in->client->ref,
                      o->in->people[i % o->in->people_count].id, now_s, now_s + LIFE_S));
    fprintf(o->refresh, "%s\n", handle.text);
  }
  return US_OK;
}

static enum us_code add_code_and_ticket(struct us_cx *cx, const struct oauth *o, int64_t i) {
  int64_t now_s = us_cx_now_s(cx), code = us_next_id(cx), tid = us_next_id(cx);
  const struct us_resource *resource = &o->resources[i % RESOURCES];
  struct us_handle handle;
  us_handle_mint(code, 0, &handle);
  US_TRY(us_sql_run(cx, NULL, SQL_CODE, "iciiitcii", code, handle.digest, o->in->realm->id, o->in->client->ref,
                    o->in->people[i % o->in->people_count].id, o->in->client->redirect_uris.v[0], CHALLENGE, now_s,
                    now_s + LIFE_S));
  fprintf(o->codes, "%s\n", handle.text);
  us_handle_mint(tid, 1, &handle);
  US_TRY(us_sql_run(
      cx, NULL, SQL_TICKET, "iciiiitiici", tid, handle.digest, o->gather->id, o->owner.id, o->rs.ref, o->client.ref,
      us_str_fmt(cx->mem, "[[%lld,\"%.*s\",[\"view\"]]]", (long long)resource->id, US_STR_ARG(resource->uuid)), now_s,
      now_s + LIFE_S, CHALLENGE, o->party.id));
  fprintf(o->gathered, "%s\n", handle.text);
  return US_OK;
}

static enum us_code add_batch(struct us_cx *cx, void *self) {
  struct oauth *o = self;
  struct us_cx batch = *cx; /* memory of its own, as in fill.c */
  enum us_code code = US_OK;
  batch.mem = us_mem_root_new(0, SIZE_MAX / 2);
  for (int64_t i = o->from; code == US_OK && i < o->from + BATCH && i < o->in->count; i++)
    code = add_code_and_ticket(&batch, o, i);
  us_mem_free(batch.mem);
  return code;
}

static FILE *create(struct us_cx *cx, const struct oauth *o, const char *name) {
  struct us_str path = us_str_fmt(cx->mem, "%s/%s", o->in->folder, name);
  return path.p != NULL ? fopen(path.p, "w") : NULL;
}

static enum us_code find_realm(struct us_cx *cx, struct oauth *o) {
  US_TRY(us_db_begin_read(cx, o->in->db));
  enum us_code code = us_snapshot_refresh(cx, true);
  us_db_end_read(cx, o->in->db);
  US_TRY(code);
  o->gather =
      us_snapshot_realm(us_snapshot_ref(cx->svc->snapshots), US_STR("/gather")); /* held until the process ends */
  return o->gather != NULL ? US_OK : us_fail(cx, US_E_INTERNAL, "the realm of claims gathering is not there");
}

enum us_code bench_fill_oauth(struct us_cx *cx, const struct bench_oauth *in) {
  static struct oauth o;
  o.in = in;
  o.codes = create(cx, &o, "codes.txt");
  o.refresh = create(cx, &o, "refresh.txt");
  o.gathered = create(cx, &o, "gathered.txt");
  if (o.codes == NULL || o.refresh == NULL || o.gathered == NULL)
    return us_fail(cx, US_E_INTERNAL, "a file of samples cannot be written");
  US_TRY(us_key_generate(cx, US_ALG_RS256, &o.keys[0]));
  US_TRY(us_key_generate(cx, US_ALG_ES256, &o.keys[1]));
  US_TRY(us_db_transact(cx, in->db, make_realm, &o));
  US_TRY(find_realm(cx, &o));
  US_TRY(us_db_transact(cx, in->db, fill_realm, &o));
  US_TRY(us_db_transact(cx, in->db, add_refresh_tokens, &o));
  for (o.from = 0; o.from < in->count; o.from += BATCH)
    US_TRY(us_db_transact(cx, in->db, add_batch, &o));
  bool is_written = fclose(o.codes) == 0;
  is_written = fclose(o.refresh) == 0 && is_written;
  is_written = fclose(o.gathered) == 0 && is_written;
  return is_written ? US_OK : us_fail(cx, US_E_INTERNAL, "a file of samples cannot be written");
}
