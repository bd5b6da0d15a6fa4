/* Rows of authorization codes: see codes.h. */
#include "store/codes.h"

#include <stddef.h>

#include "json/json.h"

struct code_columns {
  struct us_code_row row;
  struct us_str scopes;
};
#define AT(member) offsetof(struct code_columns, member)
static const struct us_column code_columns[] = {
    {US_COLUMN_I64, AT(row.code.id)},
    {US_COLUMN_I64, AT(row.code.realm_id)},
    {US_COLUMN_I64, AT(row.code.client_ref)},
    {US_COLUMN_I64, AT(row.code.account_id)},
    {US_COLUMN_TEXT, AT(row.code.redirect_uri)},
    {US_COLUMN_BOOL, AT(row.code.uri_was_sent)},
    {US_COLUMN_TEXT, AT(row.code.challenge)},
    {US_COLUMN_TEXT, AT(row.code.challenge_method)},
    {US_COLUMN_TEXT, AT(row.code.nonce)},
    {US_COLUMN_I64, AT(row.code.auth_time_s)},
    {US_COLUMN_I64, AT(row.code.expires_s)},
    {US_COLUMN_I64, AT(row.code.grant_id)},
    {US_COLUMN_TEXT, AT(row.digest)},
    {US_COLUMN_TEXT, AT(scopes)},
};

static const char SQL_INSERT[] =
    "INSERT INTO code (id, digest, realm_id, client_ref, account_id, redirect_uri, uri_was_sent, scopes, challenge,"
    " challenge_method, nonce, auth_time_s, expires_s) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
enum us_code us_codes_insert(struct us_cx *cx, const struct us_code_grant *c, const char *digest) {
  struct us_str scopes = us_json_from_strs(cx->mem, c->scopes);
  if (scopes.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  return us_sql_run(cx, NULL, SQL_INSERT, "iciiitittttii", c->id, digest, c->realm_id, c->client_ref, c->account_id,
                    c->redirect_uri, (int64_t)c->uri_was_sent, scopes, c->challenge, c->challenge_method, c->nonce,
                    c->auth_time_s, c->expires_s);
}

static const char SQL_FIND[] = "SELECT id, realm_id, client_ref, account_id, redirect_uri, uri_was_sent, challenge,"
                               " challenge_method, nonce, auth_time_s, expires_s, grant_id, digest, scopes FROM code"
                               " WHERE id = $1";
enum us_code us_codes_find(struct us_cx *cx, int64_t id, struct us_code_row *ret_row) {
  struct code_columns columns = {0};
  US_TRY(us_sql_one(cx, code_columns, US_COLUMN_COUNT(code_columns), &columns, SQL_FIND, "i", id));
  US_TRY(us_json_to_strs(cx, columns.scopes, &columns.row.code.scopes));
  *ret_row = columns.row;
  return US_OK;
}

/* One statement: of two at once one finds the 0 (OA-15). */
static const char SQL_USE[] = "UPDATE code SET grant_id = $2 WHERE id = $1 AND grant_id = 0";
enum us_code us_codes_use(struct us_cx *cx, int64_t id, int64_t grant_id, bool *ret_first) {
  int64_t changed = 0;
  US_TRY(us_sql_run(cx, &changed, SQL_USE, "ii", id, grant_id));
  *ret_first = changed == 1;
  return US_OK;
}
