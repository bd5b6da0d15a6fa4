/* Rows of what people allowed clients: see consents.h. */
#include "store/consents.h"

#include <stddef.h>

#include "store/list.h"
#include "json/json.h"

struct consent_columns {
  struct us_consent consent;
  struct us_str scopes, remembered;
};
#define AT(member) offsetof(struct consent_columns, member)
static const struct us_column consent_columns[] = {
    {US_COLUMN_I64, AT(consent.account_id)},   {US_COLUMN_I64, AT(consent.client_ref)},
    {US_COLUMN_I64, AT(consent.realm_id)},     {US_COLUMN_I64, AT(consent.valid_from)},
    {US_COLUMN_I64, AT(consent.modified_ms)},  {US_COLUMN_TEXT, AT(scopes)},
    {US_COLUMN_TEXT, AT(remembered)},          {US_COLUMN_TEXT, AT(consent.client_id)},
    {US_COLUMN_TEXT, AT(consent.client_name)},
};
#define CONSENT_COLUMNS "w.account_id, w.client_ref, w.realm_id, w.valid_from, w.modified_ms, w.scopes, w.remembered, "

static enum us_code read_lists(struct us_cx *cx, struct consent_columns *columns) {
  US_TRY(us_json_to_strs(cx, columns->scopes, &columns->consent.scopes));
  return us_json_to_strs(cx, columns->remembered, &columns->consent.remembered);
}

static const char SQL_FIND[] =
    "SELECT " CONSENT_COLUMNS "NULL, NULL FROM consent w WHERE w.account_id = $1 AND w.client_ref = $2";
enum us_code us_consents_find(struct us_cx *cx, int64_t account_id, int64_t client_ref,
                              struct us_consent *ret_consent) {
  struct consent_columns columns = {0};
  US_TRY(us_sql_one(cx, consent_columns, US_COLUMN_COUNT(consent_columns), &columns, SQL_FIND, "ii", account_id,
                    client_ref));
  US_TRY(read_lists(cx, &columns));
  *ret_consent = columns.consent;
  return US_OK;
}

static const char SQL_PUT[] =
    "INSERT INTO consent (account_id, client_ref, realm_id, scopes, remembered, modified_ms)"
    " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account_id, client_ref) DO UPDATE SET scopes = excluded.scopes,"
    " remembered = excluded.remembered, modified_ms = excluded.modified_ms";
enum us_code us_consents_put(struct us_cx *cx, const struct us_consent *c) {
  struct us_str scopes = us_json_from_strs(cx->mem, c->scopes);
  struct us_str remembered = us_json_from_strs(cx->mem, c->remembered);
  if (scopes.p == NULL || remembered.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  return us_sql_run(cx, NULL, SQL_PUT, "iiitti", c->account_id, c->client_ref, c->realm_id, scopes, remembered,
                    c->modified_ms);
}

static const char SQL_WITHDRAW[] =
    "INSERT INTO consent (account_id, client_ref, realm_id, scopes, remembered, valid_from, modified_ms)"
    " VALUES ($1, $2, $3, '[]', '[]', $4, $5) ON CONFLICT (account_id, client_ref) DO UPDATE SET scopes = '[]',"
    " remembered = '[]', valid_from = excluded.valid_from, modified_ms = excluded.modified_ms";
/* Tokens that loops remember are believed until a row of account changes (store/seen.h), and this table is none that they watch. */
static const char SQL_FORGET_SEEN[] = "UPDATE account SET rev = rev WHERE id = $1";
enum us_code us_consents_withdraw(struct us_cx *cx, const struct us_consent *c) {
  US_TRY(us_sql_run(cx, NULL, SQL_WITHDRAW, "iiiii", c->account_id, c->client_ref, c->realm_id, c->valid_from,
                    c->modified_ms));
  return us_sql_run(cx, NULL, SQL_FORGET_SEEN, "i", c->account_id);
}

static const char SQL_FORGET_REMEMBERED[] =
    "UPDATE consent SET remembered = '[]' WHERE client_ref = $1 AND remembered <> '[]'";
enum us_code us_consents_forget_remembered(struct us_cx *cx, int64_t client_ref) {
  return us_sql_run(cx, NULL, SQL_FORGET_REMEMBERED, "i", client_ref);
}

/* By the primary key. */
static const struct us_list_source of_account = {
    .columns = CONSENT_COLUMNS "c.client_id, c.display_name",
    .from = "consent w JOIN client c ON c.id = w.client_ref WHERE w.account_id = $1 AND w.scopes <> '[]'",
    .tie = "w.client_ref",
};

struct page {
  us_consent_row_fn each;
  void *self;
  enum us_code code;
};
static bool see(struct us_cx *cx, void *self, struct us_rows *rows) {
  struct page *page = self;
  struct consent_columns columns = {0};
  us_sql_read(rows, consent_columns, US_COLUMN_COUNT(consent_columns), &columns);
  if (read_lists(rows->cx, &columns) != US_OK) /* said in memory that goes with the row */
    page->code = us_fail(cx, US_E_STORE, "a row of consent is damaged");
  return page->code == US_OK && page->each(rows->cx, page->self, &columns.consent);
}

enum us_code us_consents_page(struct us_cx *cx, int64_t account_id, const struct us_list_query *query,
                              us_consent_row_fn each, void *self, struct us_list_end *ret_end) {
  struct page page = {each, self, US_OK};
  US_TRY(us_list_run(cx, query, &of_account, see, &page, ret_end, "i", account_id));
  return page.code;
}
