/* Rows of `client`: see clients.h. */
#include "store/clients.h"

#include "base/mem.h"
#include "json/json.h"

#define CLIENT_COLUMNS                                                                                                 \
  "id, realm_id, client_id, secret_hash, is_public, is_active, display_name, auth_method, id_token_alg,"               \
  " access_token_s, refresh_token_s, rev, grants, scopes, default_scopes, redirect_uris, claims_redirect_uris,"        \
  " code_s, implies_consent, binds_tokens, sealed_secret, jwks, jwks_uri, tls_names, metadata, registration_digest,"   \
  " created_ms"

struct client_row {
  struct us_client client;
  struct us_str grants, scopes, default_scopes, redirect_uris, claims_redirect_uris;
};
static const struct us_column client_columns[] = {
    {US_COLUMN_I64, offsetof(struct client_row, client.ref)},
    {US_COLUMN_I64, offsetof(struct client_row, client.realm_id)},
    {US_COLUMN_TEXT, offsetof(struct client_row, client.client_id)},
    {US_COLUMN_TEXT, offsetof(struct client_row, client.secret_hash)},
    {US_COLUMN_BOOL, offsetof(struct client_row, client.is_public)},
    {US_COLUMN_BOOL, offsetof(struct client_row, client.is_active)},
    {US_COLUMN_TEXT, offsetof(struct client_row, client.display_name)},
    {US_COLUMN_TEXT, offsetof(struct client_row, client.auth_method)},
    {US_COLUMN_TEXT, offsetof(struct client_row, client.id_token_alg)},
    {US_COLUMN_I64, offsetof(struct client_row, client.access_token_s)},
    {US_COLUMN_I64, offsetof(struct client_row, client.refresh_token_s)},
    {US_COLUMN_I64, offsetof(struct client_row, client.rev)},
    {US_COLUMN_TEXT, offsetof(struct client_row, grants)},
    {US_COLUMN_TEXT, offsetof(struct client_row, scopes)},
    {US_COLUMN_TEXT, offsetof(struct client_row, default_scopes)},
    {US_COLUMN_TEXT, offsetof(struct client_row, redirect_uris)},
    {US_COLUMN_TEXT, offsetof(struct client_row, claims_redirect_uris)},
    {US_COLUMN_I64, offsetof(struct client_row, client.code_s)},
    {US_COLUMN_BOOL, offsetof(struct client_row, client.implies_consent)},
    {US_COLUMN_BOOL, offsetof(struct client_row, client.binds_tokens)},
    {US_COLUMN_TEXT, offsetof(struct client_row, client.sealed_secret)},
    {US_COLUMN_TEXT, offsetof(struct client_row, client.jwks)},
    {US_COLUMN_TEXT, offsetof(struct client_row, client.jwks_uri)},
    {US_COLUMN_TEXT, offsetof(struct client_row, client.tls_names)},
    {US_COLUMN_TEXT, offsetof(struct client_row, client.metadata)},
    {US_COLUMN_TEXT, offsetof(struct client_row, client.registration_digest)},
    {US_COLUMN_I64, offsetof(struct client_row, client.created_ms)},
};

static enum us_code unpack(struct us_cx *cx, struct client_row *row, struct us_client *ret_client) {
  struct us_client *c = &row->client;
  US_TRY(us_json_to_strs(cx, row->grants, &c->grants));
  US_TRY(us_json_to_strs(cx, row->scopes, &c->scopes));
  US_TRY(us_json_to_strs(cx, row->default_scopes, &c->default_scopes));
  US_TRY(us_json_to_strs(cx, row->redirect_uris, &c->redirect_uris));
  US_TRY(us_json_to_strs(cx, row->claims_redirect_uris, &c->claims_redirect_uris));
  *ret_client = *c;
  return US_OK;
}

enum us_code us_client_row_by_id(struct us_cx *cx, int64_t realm_id, struct us_str client_id,
                                 struct us_client *ret_client) {
  static const char sql[] = "SELECT " CLIENT_COLUMNS " FROM client WHERE realm_id = $1 AND client_id = $2";
  struct client_row row = {0};
  US_TRY(us_sql_one(cx, client_columns, US_COLUMN_COUNT(client_columns), &row, sql, "it", realm_id, client_id));
  return unpack(cx, &row, ret_client);
}

enum us_code us_client_row_by_ref(struct us_cx *cx, int64_t ref, struct us_client *ret_client) {
  static const char sql[] = "SELECT " CLIENT_COLUMNS " FROM client WHERE id = $1";
  struct client_row row = {0};
  US_TRY(us_sql_one(cx, client_columns, US_COLUMN_COUNT(client_columns), &row, sql, "i", ref));
  return unpack(cx, &row, ret_client);
}

enum us_code us_client_rows_page(struct us_cx *cx, int64_t realm_id, struct us_str after, int64_t limit,
                                 struct us_client **ret_clients, size_t *ret_count) {
  static const char sql[] =
      "SELECT " CLIENT_COLUMNS " FROM client WHERE realm_id = $1 AND client_id > $2 ORDER BY client_id LIMIT $3";
  struct us_client *page = us_mem_array(cx->mem, (size_t)limit, sizeof(*page));
  struct us_rows rows;
  enum us_code code = US_OK;
  size_t n = 0;
  if (page == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_sql_open(cx, &rows, sql, "iti", realm_id, after, limit));
  while (code == US_OK && n < (size_t)limit && us_sql_next(&rows)) {
    struct client_row row = {0};
    us_sql_read(&rows, client_columns, US_COLUMN_COUNT(client_columns), &row);
    code = unpack(cx, &row, &page[n++]);
  }
  enum us_code closed = us_sql_close(&rows);
  US_TRY(code);
  US_TRY(closed);
  *ret_clients = page;
  *ret_count = n;
  return US_OK;
}

/* By the index of these alone, and no further than it matters. */
static const char SQL_REGISTERED[] =
    "SELECT count(*) FROM (SELECT 1 FROM client WHERE realm_id = $1 AND registration_digest IS NOT NULL LIMIT $2) AS"
    " registered";
enum us_code us_client_rows_registered(struct us_cx *cx, int64_t realm_id, int64_t most, int64_t *ret_count) {
  static const struct us_column column = {US_COLUMN_I64, 0};
  return us_sql_one(cx, &column, 1, ret_count, SQL_REGISTERED, "ii", realm_id, most);
}

static enum us_code pack(struct us_cx *cx, const struct us_client *c, struct client_row *ret_row) {
  struct client_row row = {
      .grants = us_json_from_strs(cx->mem, c->grants),
      .scopes = us_json_from_strs(cx->mem, c->scopes),
      .default_scopes = us_json_from_strs(cx->mem, c->default_scopes),
      .redirect_uris = us_json_from_strs(cx->mem, c->redirect_uris),
      .claims_redirect_uris = us_json_from_strs(cx->mem, c->claims_redirect_uris),
  };
  if (row.grants.p == NULL || row.scopes.p == NULL || row.default_scopes.p == NULL || row.redirect_uris.p == NULL ||
      row.claims_redirect_uris.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  *ret_row = row;
  return US_OK;
}

static struct us_str or_empty(struct us_str object) {
  return object.n > 0 ? object : US_STR("{}");
}

enum us_code us_client_row_insert(struct us_cx *cx, const struct us_client *c) {
  static const char sql[] =
      "INSERT INTO client (id, realm_id, client_id, secret_hash, is_public, is_active, display_name, auth_method,"
      " id_token_alg, access_token_s, refresh_token_s, rev, grants, scopes, default_scopes, redirect_uris,"
      " claims_redirect_uris, created_ms, code_s, implies_consent, binds_tokens, sealed_secret, jwks, jwks_uri,"
      " tls_names, metadata, registration_digest)"
      " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,"
      " $23, $24, $25, $26, $27)"
      " ON CONFLICT (realm_id, client_id) DO NOTHING";
  struct client_row row;
  int64_t changed = 0;
  US_TRY(pack(cx, c, &row));
  US_TRY(us_sql_run(cx, &changed, sql, "iittiitttiiitttttiiiitttttt", c->ref, c->realm_id, c->client_id, c->secret_hash,
                    (int64_t)c->is_public, (int64_t)c->is_active, c->display_name, c->auth_method, c->id_token_alg,
                    c->access_token_s, c->refresh_token_s, c->rev, row.grants, row.scopes, row.default_scopes,
                    row.redirect_uris, row.claims_redirect_uris, cx->now_ms, c->code_s, (int64_t)c->implies_consent,
                    (int64_t)c->binds_tokens, c->sealed_secret, c->jwks, c->jwks_uri, or_empty(c->tls_names),
                    or_empty(c->metadata), c->registration_digest));
  return changed == 1 ? US_OK : us_fail_plain(cx, US_E_CONFLICT);
}

enum us_code us_client_row_update(struct us_cx *cx, const struct us_client *c) {
  static const char sql[] =
      "UPDATE client SET secret_hash = $3, is_public = $4, is_active = $5, display_name = $6, auth_method = $7,"
      " id_token_alg = $8, access_token_s = $9, refresh_token_s = $10, grants = $11, scopes = $12,"
      " default_scopes = $13, redirect_uris = $14, claims_redirect_uris = $15, code_s = $16, implies_consent = $17,"
      " binds_tokens = $18, sealed_secret = $19, jwks = $20, jwks_uri = $21, tls_names = $22, metadata = $23,"
      " registration_digest = $24, rev = rev + 1"
      " WHERE id = $1 AND rev = $2";
  struct client_row row;
  int64_t changed = 0;
  US_TRY(pack(cx, c, &row));
  US_TRY(us_sql_run(cx, &changed, sql, "iitiitttiitttttiiitttttt", c->ref, c->rev, c->secret_hash,
                    (int64_t)c->is_public, (int64_t)c->is_active, c->display_name, c->auth_method, c->id_token_alg,
                    c->access_token_s, c->refresh_token_s, row.grants, row.scopes, row.default_scopes,
                    row.redirect_uris, row.claims_redirect_uris, c->code_s, (int64_t)c->implies_consent,
                    (int64_t)c->binds_tokens, c->sealed_secret, c->jwks, c->jwks_uri, or_empty(c->tls_names),
                    or_empty(c->metadata), c->registration_digest));
  return changed == 1 ? US_OK : us_fail_plain(cx, US_E_CONFLICT);
}

enum us_code us_client_row_delete(struct us_cx *cx, int64_t ref) {
  static const char sql[] = "DELETE FROM client WHERE id = $1";
  return us_sql_run(cx, NULL, sql, "i", ref);
}

enum us_code us_client_row_is_current(struct us_cx *cx, int64_t ref, int64_t rev, bool *ret_is_current) {
  static const char sql[] = "SELECT 1 FROM client WHERE id = $1 AND rev = $2 AND is_active = 1";
  struct us_rows rows;
  US_TRY(us_sql_open(cx, &rows, sql, "ii", ref, rev));
  bool is_current = us_sql_next(&rows);
  US_TRY(us_sql_close(&rows));
  *ret_is_current = is_current;
  return US_OK;
}
