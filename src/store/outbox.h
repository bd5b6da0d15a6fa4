/*
 * Rows of `outbox`: mails that are to go out, and events for plugins. A row comes in the transaction of its event and goes when it was
 * handed on. Each channel is emptied by somebody of its own.
 *
 * One statement claims what is due and moves due_ms to the end of the claim: a claim whose process died is due again by itself
 * when that time has come. `tries` counts the claims, and is what tells one claim of a row from the next.
 */
#ifndef USHER_STORE_OUTBOX_H
#define USHER_STORE_OUTBOX_H

#include "store/sql.h"

enum us_outbox_channel { US_OUTBOX_MAIL = 0, US_OUTBOX_PLUGIN = 1 };
struct us_outbox_row {
  int64_t id;
  int64_t realm_id;
  int channel;             /* enum us_outbox_channel */
  int kind;                /* mails: enum us_notice_kind */
  struct us_str event_key; /* unique */
  int64_t account_id;      /* to whom */
  struct us_str body;      /* JSON */
  int64_t created_ms;
  int64_t due_ms; /* not before; of a claimed row: until when; of a failed one: since when */
  int64_t tries;
  int64_t claimed_by; /* a node; 0: nobody */
  bool is_failed;     /* given up, kept for the operator */
  struct us_str last_error;
  struct us_str account_name, realm_path; /* only in pages; absent when gone */
};

/* Nothing happens when the event has a row already. */
enum us_code us_outbox_insert(struct us_cx *cx, const struct us_outbox_row *row) US_MUST_CHECK;
/* Claims for `node` until `until_ms` what has been due longest. US_E_NOT_FOUND (an answer) when nothing is due. */
enum us_code us_outbox_claim(struct us_cx *cx, enum us_outbox_channel channel, int64_t node, int64_t until_ms,
                             struct us_outbox_row *ret_row) US_MUST_CHECK;
/* When the next row will be due; INT64_MAX: there is none. */
enum us_code us_outbox_next_due(struct us_cx *cx, enum us_outbox_channel channel, int64_t *ret_due_ms) US_MUST_CHECK;
enum us_code us_outbox_delete(struct us_cx *cx, int64_t id) US_MUST_CHECK;
/* Ends the claim that `node` took as number `claim` (row.tries): the row gets due_ms, tries, is_failed and last_error of `row`.
 * Nothing happens when the claim is somebody else's by now. */
enum us_code us_outbox_put_back(struct us_cx *cx, int64_t node, int64_t claim,
                                const struct us_outbox_row *row) US_MUST_CHECK;
/* All claims of a node are due again. */
enum us_code us_outbox_release_node(struct us_cx *cx, enum us_outbox_channel channel, int64_t node) US_MUST_CHECK;

/* Rows behind `after` in order of their ids, at most `limit`; without their bodies. */
enum us_code us_outbox_page(struct us_cx *cx, int64_t after, int64_t limit, struct us_outbox_row **ret_rows,
                            size_t *ret_n) US_MUST_CHECK;
/* Makes a row due now, with all its tries before it; one that is being sent is left alone. US_E_NOT_FOUND (an answer). */
enum us_code us_outbox_retry(struct us_cx *cx, int64_t id) US_MUST_CHECK;
/* The same for up to `max` failed ones. */
enum us_code us_outbox_retry_failed(struct us_cx *cx, int64_t max, int64_t *ret_n) US_MUST_CHECK;
/* Removes a row unless it is being sent. US_E_NOT_FOUND (an answer). */
enum us_code us_outbox_drop(struct us_cx *cx, int64_t id) US_MUST_CHECK;
/* Removes up to `max` of those that failed before `before_ms`. */
enum us_code us_outbox_drop_failed(struct us_cx *cx, int64_t before_ms, int64_t max, int64_t *ret_n) US_MUST_CHECK;

#endif
