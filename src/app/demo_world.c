/* The demo world: see demo_world.h. Slow work (hashes, keys) is done before the transaction that writes it all. */
#include "app/demo_world.h"

#include "base/mem.h"
#include "crypto/key.h"
#include "crypto/password.h"
#include "domain/account.h"
#include "domain/client.h"
#include "domain/realm.h"
#include "domain/settings.h"
#include "domain/snapshot.h"

static const char *const people[] = {"alice", "bob", "carol", "dave"};
#define PEOPLE (sizeof(people) / sizeof(people[0]))

#define UMA_GRANT "urn:ietf:params:oauth:grant-type:uma-ticket"
static const struct demo_client {
  const char *id;
  bool is_public;
  const char *grants, *scopes, *redirect_uri, *claims_redirect_uri;
} clients[] = {
    {"UMA-Resource-Server", false, "password authorization_code refresh_token client_credentials",
     "uma_protection openid", "http://127.0.0.1:9/rs/cb", NULL},
    {"UMA-Resource-Server-2", false, "password authorization_code refresh_token client_credentials",
     "uma_protection openid", "http://127.0.0.1:9/rs2/cb", NULL},
    {"UMA-Client", false, UMA_GRANT " password authorization_code refresh_token", "openid profile email view download",
     "http://127.0.0.1:9/cb", "http://127.0.0.1:9/claims"},
    {"UMA-Client-2", false, UMA_GRANT " password authorization_code refresh_token",
     "openid profile email view download", "http://127.0.0.1:9/cb2", "http://127.0.0.1:9/claims2"},
    {"Public-Client", true, "authorization_code refresh_token " UMA_GRANT, "openid view", "http://127.0.0.1:9/pub",
     "http://127.0.0.1:9/pubclaims"},
};
#define CLIENTS (sizeof(clients) / sizeof(clients[0]))

struct world {
  struct us_str root_keys[2], alpha_keys[2]; /* RS256, ES256 */
  char hashes[PEOPLE + 1][US_PASSWORD_HASH_BYTES];
  char secret_hashes[CLIENTS][US_PASSWORD_HASH_BYTES];
};
struct extra {
  int64_t realm_id;
  char hash[US_PASSWORD_HASH_BYTES];
  unsigned first, end;
};

static struct us_strs words(struct us_cx *cx, const char *text) {
  struct us_strs set = {NULL, 0};
  if (text != NULL)
    (void)us_str_split(cx->mem, us_str_c(text), ' ', 32, &set);
  return set;
}

static enum us_code add_client(struct us_cx *cx, int64_t realm_id, const struct demo_client *c, struct us_str id,
                               const char *hash) {
  int64_t ref = 0;
  struct us_client client = {
      .realm_id = realm_id,
      .client_id = id,
      .secret_hash = c->is_public ? US_STR_ABSENT : us_str_c(hash),
      .is_public = c->is_public,
      .is_active = true,
      .display_name = id,
      .auth_method = us_str_c(c->is_public ? "none" : "client_secret_post"),
      .grants = words(cx, c->grants),
      .scopes = words(cx, c->scopes),
      .redirect_uris = words(cx, c->redirect_uri),
      .claims_redirect_uris = words(cx, c->claims_redirect_uri),
      .id_token_alg = US_STR("RS256"),
  };
  return us_client_create(cx, realm_id, &client, &ref);
}

/* Design 6: clients may register themselves in the demo world. */
static enum us_code open_registration(struct us_cx *cx, int64_t realm_id) {
  struct us_realm realm = {.id = realm_id};
  if (!us_settings_init(cx->mem, &realm.settings))
    return us_fail_plain(cx, US_E_NO_MEMORY);
  return us_setting_set(cx, &realm, US_STR("allowDynamicRegistration"), US_STR("true"));
}

static enum us_code write_world(struct us_cx *cx, void *self) {
  struct world *world = self;
  int64_t root = 0, alpha = 0, account = 0;
  US_TRY(us_realm_create(cx, US_STR("/"), true, true, world->root_keys[0], world->root_keys[1], &root));
  US_TRY(us_realm_create(cx, US_STR("/alpha"), true, true, world->alpha_keys[0], world->alpha_keys[1], &alpha));
  US_TRY(open_registration(cx, root));
  US_TRY(open_registration(cx, alpha));
  struct us_account_new admin = {
      .name = US_STR("amAdmin"), .password_hash = us_str_c(world->hashes[PEOPLE]), .is_admin = true};
  US_TRY(us_account_create(cx, root, &admin, &account));
  for (size_t i = 0; i < PEOPLE; i++) {
    struct us_account_new person = {
        .name = us_str_c(people[i]),
        .password_hash = us_str_c(world->hashes[i]),
        .mail = us_str_fmt(cx->mem, "%s@usher.test", people[i]),
        .given_name = us_str_c(people[i]),
    };
    US_TRY(us_account_create(cx, alpha, &person, &account));
  }
  for (size_t i = 0; i < CLIENTS; i++)
    US_TRY(add_client(cx, alpha, &clients[i], us_str_c(clients[i].id), world->secret_hashes[i]));
  return US_OK;
}

/* More clients of the kind of UMA-Client, where they are missing. */
static enum us_code write_extra_clients(struct us_cx *cx, void *self) {
  const struct extra *extra = self;
  for (unsigned i = extra->first; i < extra->end; i++) {
    struct us_str id = us_str_fmt(cx->mem, "UMA-Client-%u", 101 + i);
    enum us_code code = add_client(cx, extra->realm_id, &clients[2], id, extra->hash);
    if (code == US_E_CONFLICT) {
      us_error_clear(cx);
      continue;
    }
    US_TRY(code);
  }
  return US_OK;
}

/* One transaction for so many (design 2), each with memory of its own. */
#define US_DEMO_CLIENTS_AT_ONCE 1000
static enum us_code create_extra_clients(struct us_cx *cx, struct us_db *db, struct extra *extra, unsigned count) {
  enum us_code code = US_OK;
  void *outer = cx->mem;
  for (extra->first = 0; code == US_OK && extra->first < count; extra->first = extra->end) {
    extra->end = extra->first + US_DEMO_CLIENTS_AT_ONCE < count ? extra->first + US_DEMO_CLIENTS_AT_ONCE : count;
    cx->mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES);
    code = cx->mem ? us_db_transact(cx, db, write_extra_clients, extra) : US_E_NO_MEMORY;
    us_mem_free(cx->mem);
    cx->mem = outer;
    if (code != US_OK)
      return us_fail_plain(cx, code); /* its text went with the memory */
  }
  return code;
}

/* The id of /alpha; 0: the store has no demo world. Leaves the snapshot fresh. */
static enum us_code find_alpha(struct us_cx *cx, struct us_db *db, int64_t *ret_id) {
  US_TRY(us_db_begin_read(cx, db));
  enum us_code code = us_snapshot_refresh(cx, true);
  us_db_end_read(cx, db);
  US_TRY(code);
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  const struct us_realm *alpha = us_snapshot_realm(snapshot, US_STR("/alpha"));
  *ret_id = alpha ? alpha->id : 0;
  us_snapshot_unref(snapshot);
  return US_OK;
}

static enum us_code create_world(struct us_cx *cx, struct us_db *db) {
  static const enum us_alg algs[2] = {US_ALG_RS256, US_ALG_ES256};
  struct world *world = US_NEW(cx->mem, struct world);
  if (world == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < 2; i++) {
    US_TRY(us_key_generate(cx, algs[i], &world->root_keys[i]));
    US_TRY(us_key_generate(cx, algs[i], &world->alpha_keys[i]));
  }
  for (size_t i = 0; i < PEOPLE + 1; i++)
    US_TRY(us_password_hash(cx, US_STR(US_DEMO_PASSWORD), world->hashes[i]));
  for (size_t i = 0; i < CLIENTS; i++)
    US_TRY(us_password_hash(cx, US_STR(US_DEMO_SECRET), world->secret_hashes[i]));
  return us_db_transact(cx, db, write_world, world);
}

enum us_code us_demo_world_create(struct us_cx *cx, struct us_db *db, unsigned extra_clients) {
  struct extra extra = {0};
  if (extra_clients > US_DEMO_EXTRA_CLIENTS_MAX)
    return us_fail(cx, US_E_INVALID_REQUEST, "at most %d extra clients", US_DEMO_EXTRA_CLIENTS_MAX);
  US_TRY(find_alpha(cx, db, &extra.realm_id));
  if (extra.realm_id == 0) {
    US_TRY(create_world(cx, db));
    US_TRY(find_alpha(cx, db, &extra.realm_id));
  }
  if (extra_clients == 0)
    return US_OK;
  US_TRY(us_password_hash(cx, US_STR(US_DEMO_SECRET), extra.hash));
  US_TRY(create_extra_clients(cx, db, &extra, extra_clients));
  return find_alpha(cx, db, &extra.realm_id);
}
