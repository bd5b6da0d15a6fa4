/* Rows of `token`: see tokens.h. */
#include "store/tokens.h"

#include "store/seen.h"
#include "json/json.h"

#define TOKEN_COLUMNS                                                                                                  \
  "t.id, t.kind, t.realm_id, t.client_ref, t.account_id, t.grant_id, t.grant_type, t.auth_time_s, t.issued_s,"         \
  " t.expires_s, t.spent, t.digest, t.scopes, t.cnf"

struct token_columns {
  struct us_token token;
  struct us_str digest, scopes;
  struct us_str client_id, client_scopes, owner_name;
};
#define TOKEN_MEMBERS                                                                                                  \
  {US_COLUMN_I64, offsetof(struct token_columns, token.id)},                                                           \
      {US_COLUMN_INT, offsetof(struct token_columns, token.kind)},                                                     \
      {US_COLUMN_I64, offsetof(struct token_columns, token.realm_id)},                                                 \
      {US_COLUMN_I64, offsetof(struct token_columns, token.client_ref)},                                               \
      {US_COLUMN_I64, offsetof(struct token_columns, token.account_id)},                                               \
      {US_COLUMN_I64, offsetof(struct token_columns, token.grant_id)},                                                 \
      {US_COLUMN_TEXT, offsetof(struct token_columns, token.grant_type)},                                              \
      {US_COLUMN_I64, offsetof(struct token_columns, token.auth_time_s)},                                              \
      {US_COLUMN_I64, offsetof(struct token_columns, token.issued_s)},                                                 \
      {US_COLUMN_I64, offsetof(struct token_columns, token.expires_s)},                                                \
      {US_COLUMN_BOOL, offsetof(struct token_columns, token.spent)},                                                   \
      {US_COLUMN_TEXT, offsetof(struct token_columns, digest)},                                                        \
      {US_COLUMN_TEXT, offsetof(struct token_columns, scopes)}, {                                                      \
    US_COLUMN_TEXT, offsetof(struct token_columns, token.cnf)                                                          \
  }

enum us_code us_token_row_insert(struct us_cx *cx, const struct us_token *t, const char *digest) {
  static const char sql[] =
      "INSERT INTO token (id, kind, digest, realm_id, client_ref, account_id, grant_id, grant_type, scopes,"
      " auth_time_s, issued_s, expires_s, cnf, spent) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, "
      "0)";
  static const char sql_no_owner[] =
      "INSERT INTO token (id, kind, digest, realm_id, client_ref, grant_id, grant_type, scopes,"
      " auth_time_s, issued_s, expires_s, cnf, spent) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0)";
  struct us_str scopes = us_json_from_strs(cx->mem, t->scopes);
  if (scopes.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  if (t->account_id == 0)
    return us_sql_run(cx, NULL, sql_no_owner, "iiciiittiiit", t->id, (int64_t)t->kind, digest, t->realm_id,
                      t->client_ref, t->grant_id, t->grant_type, scopes, t->auth_time_s, t->issued_s, t->expires_s,
                      t->cnf);
  return us_sql_run(cx, NULL, sql, "iiciiiittiiit", t->id, (int64_t)t->kind, digest, t->realm_id, t->client_ref,
                    t->account_id, t->grant_id, t->grant_type, scopes, t->auth_time_s, t->issued_s, t->expires_s,
                    t->cnf);
}

enum us_code us_token_row_by_id(struct us_cx *cx, int64_t id, struct us_token_row *ret_row) {
  static const char sql[] = "SELECT " TOKEN_COLUMNS " FROM token t WHERE t.id = $1";
  static const struct us_column columns[] = {TOKEN_MEMBERS};
  struct token_columns row = {0};
  US_TRY(us_sql_one(cx, columns, US_COLUMN_COUNT(columns), &row, sql, "i", id));
  US_TRY(us_json_to_strs(cx, row.scopes, &row.token.scopes));
  *ret_row = (struct us_token_row){.token = row.token, .digest = row.digest};
  return US_OK;
}

static enum us_code read_live(struct us_cx *cx, int64_t id, int kind, int64_t realm_id, struct us_access_row *ret_row) {
  static const char sql[] =
      "SELECT " TOKEN_COLUMNS ", c.client_id, c.scopes, a.name FROM token t"
      " JOIN client c ON c.id = t.client_ref AND c.is_active = 1"
      " LEFT JOIN account a ON a.id = t.account_id AND a.is_active = 1"
      " LEFT JOIN consent w ON w.account_id = t.account_id AND w.client_ref = t.client_ref"
      " WHERE t.id = $1 AND t.kind = $2 AND (t.realm_id = $3 OR $3 = 0) AND t.expires_s > $4 AND t.spent = 0"
      " AND (t.account_id IS NULL OR t.id >= a.valid_from)" /* NULL, which is not true, without an account */
      " AND t.id >= COALESCE(w.valid_from, 0)";
  static const struct us_column columns[] = {
      TOKEN_MEMBERS,
      {US_COLUMN_TEXT, offsetof(struct token_columns, client_id)},
      {US_COLUMN_TEXT, offsetof(struct token_columns, client_scopes)},
      {US_COLUMN_TEXT, offsetof(struct token_columns, owner_name)},
  };
  struct token_columns row = {0};
  US_TRY(us_sql_one(cx, columns, US_COLUMN_COUNT(columns), &row, sql, "iiii", id, (int64_t)kind, realm_id,
                    us_cx_now_s(cx)));
  struct us_access access = {.token = row.token, .client_id = row.client_id, .owner_name = row.owner_name};
  US_TRY(us_json_to_strs(cx, row.scopes, &access.token.scopes));
  US_TRY(us_json_to_strs(cx, row.client_scopes, &access.client_scopes));
  *ret_row = (struct us_access_row){.access = access, .digest = row.digest};
  return US_OK;
}

/* Read into memory of its own, so that it can be remembered. Whatever goes wrong is met again, and told, by read_live(). */
static const struct us_access_row *see(struct us_cx *cx, struct us_seen *seen, int64_t id, int kind, int64_t realm_id,
                                       enum us_code *ret_code) {
  struct us_cx own = *cx;
  struct us_access_row *row;
  struct us_seen_token *token = us_seen_token_new(&own.mem, &row);
  *ret_code = token ? read_live(&own, id, kind, realm_id, row) : US_E_NO_MEMORY;
  if (*ret_code == US_OK)
    return us_seen_keep(cx, seen, id, token);
  us_seen_token_drop(token);
  return NULL;
}

/* The conditions of the statement in read_live() that are about who asks, and when. */
static bool is_asked_for(const struct us_token *token, int kind, int64_t realm_id, int64_t now_s) {
  return token->kind == kind && (token->realm_id == realm_id || realm_id == 0) && token->expires_s > now_s;
}

enum us_code us_token_row_live(struct us_cx *cx, int64_t id, int kind, int64_t realm_id,
                               struct us_access_row *ret_row) {
  struct us_seen *seen = us_seen_of(cx);
  if (!seen)
    return read_live(cx, id, kind, realm_id, ret_row);
  enum us_code code = US_OK;
  const struct us_access_row *row = us_seen_find(cx, seen, id);
  if (!row)
    row = see(cx, seen, id, kind, realm_id, &code);
  if (code == US_E_NOT_FOUND || (row && !is_asked_for(&row->access.token, kind, realm_id, us_cx_now_s(cx))))
    return us_fail_plain(cx, US_E_NOT_FOUND);
  if (!row)
    return read_live(cx, id, kind, realm_id, ret_row);
  *ret_row = *row;
  return US_OK;
}

enum us_code us_token_row_spend(struct us_cx *cx, int64_t id, bool *ret_spent) {
  static const char sql[] = "UPDATE token SET spent = 1 WHERE id = $1 AND spent = 0 RETURNING id";
  struct us_rows rows;
  US_TRY(us_sql_open(cx, &rows, sql, "i", id));
  bool spent = us_sql_next(&rows);
  while (us_sql_next(&rows)) { /* runs the statement to its end */
  }
  US_TRY(us_sql_close(&rows));
  *ret_spent = spent;
  return US_OK;
}

enum us_code us_token_row_delete(struct us_cx *cx, int64_t id) {
  static const char sql[] = "DELETE FROM token WHERE id = $1";
  return us_sql_run(cx, NULL, sql, "i", id);
}

enum us_code us_token_row_delete_grant(struct us_cx *cx, int64_t grant_id) {
  static const char sql[] = "DELETE FROM token WHERE grant_id = $1";
  return us_sql_run(cx, NULL, sql, "i", grant_id);
}
