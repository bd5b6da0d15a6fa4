/*
 * Rows of audit_event and audit_chain (REST contract g). A realm's lines are a chain; its row of audit_chain is the lock under
 * which they are added, and keeps both ends. What a hash is over says domain/audit.c.
 */
#ifndef USHER_STORE_AUDIT_H
#define USHER_STORE_AUDIT_H

#include "model/list.h"
#include "store/sql.h"

struct us_audit_row {
  int64_t realm_id, id;
  int64_t account_id, kind;
  struct us_str resource_uuid, resource_name, party_name;
  int64_t event_ms;
  struct us_str hash;
};
/* Takes the next `count` numbers of the realm's chain, and with them the lock on it until the transaction ends. *ret_last_id is
 * the last of them, *ret_hash that of the line before the first. */
enum us_code us_audit_rows_take(struct us_cx *cx, int64_t realm_id, int64_t count, int64_t *ret_last_id,
                                struct us_str *ret_hash) US_MUST_CHECK;
/* Lines with those numbers, in as few statements as can be. */
enum us_code us_audit_rows_insert(struct us_cx *cx, const struct us_audit_row *rows, size_t count) US_MUST_CHECK;
/* The hash of the last of them: what the next line stands on. */
enum us_code us_audit_rows_end(struct us_cx *cx, int64_t realm_id, struct us_str hash) US_MUST_CHECK;

struct us_audit_ends {
  int64_t last_id;
  struct us_str last_hash;
  int64_t removed_id;
  struct us_str removed_hash;
};
/* US_E_NOT_FOUND (an answer): nothing was ever written for this realm. */
enum us_code us_audit_rows_ends(struct us_cx *cx, int64_t realm_id, struct us_audit_ends *ret_ends) US_MUST_CHECK;
/* At most `max` lines from number `from` on, in order; `seen` says false to stop. */
typedef bool (*us_audit_row_fn)(void *self, const struct us_audit_row *row);
enum us_code us_audit_rows_from(struct us_cx *cx, int64_t realm_id, int64_t from, int64_t max, us_audit_row_fn seen,
                                void *self) US_MUST_CHECK;
/* The realm behind `after` that has a chain or lines; 0: no more. */
enum us_code us_audit_rows_next_realm(struct us_cx *cx, int64_t after, int64_t *ret_realm_id) US_MUST_CHECK;
/* One that has a chain but is no realm any more; 0: there is none. */
enum us_code us_audit_rows_lost_realm(struct us_cx *cx, int64_t *ret_realm_id) US_MUST_CHECK;

/* The last of the chain's first `max` lines that is older than before_ms together with all before it: its number and hash;
 * *ret_count is how many lines that are, 0 when the first is young enough. */
enum us_code us_audit_rows_old(struct us_cx *cx, int64_t realm_id, int64_t before_ms, int64_t max, int64_t *ret_last_id,
                               struct us_str *ret_hash, int64_t *ret_count) US_MUST_CHECK;
/* Removes the lines up to this one, and moves the chain's beginning behind it. */
enum us_code us_audit_rows_remove(struct us_cx *cx, int64_t realm_id, int64_t last_id,
                                  struct us_str hash) US_MUST_CHECK;
/* Removes at most `max` lines of a realm, and with the last of them its chain. */
enum us_code us_audit_rows_drop(struct us_cx *cx, int64_t realm_id, int64_t max, int64_t *ret_count) US_MUST_CHECK;

/* One page of somebody's lines (store/list.h), newest first where nothing else is asked for. Only lines of that realm's chain,
 * so that nothing is shown that us_audit_verify() does not look at. */
extern const struct us_list us_audit_list;
typedef bool (*us_audit_page_fn)(struct us_cx *cx, void *self, const struct us_audit_row *row);
enum us_code us_audit_rows_page(struct us_cx *cx, int64_t realm_id, int64_t account_id,
                                const struct us_list_query *query, us_audit_page_fn each, void *self,
                                struct us_list_end *ret_end) US_MUST_CHECK;

#endif
