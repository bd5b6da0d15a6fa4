/* Rows of pending requests and of denials (REST contract f). Rules live in domain/pending.c. */
#ifndef USHER_STORE_PENDING_H
#define USHER_STORE_PENDING_H

#include "model/model.h"
#include "store/sql.h"

struct us_pending_row {
  int64_t id;
  struct us_str uuid;
  int64_t realm_id, owner_id, resource_id, party_id;
  struct us_str scopes; /* JSON array */
  int64_t created_ms, rev;
  struct us_str party_name, party_key, resource_name,
      resource_uuid; /* read along; of the requesting party and the resource */
};
enum us_code us_pendings_insert(struct us_cx *cx, const struct us_pending_row *row) US_MUST_CHECK;
/* One of the owner's by the id that clients see. US_E_NOT_FOUND (an answer). */
enum us_code us_pendings_find(struct us_cx *cx, int64_t owner_id, struct us_str uuid,
                              struct us_pending_row *ret_row) US_MUST_CHECK;
/* Takes it, once: US_E_NOT_FOUND when somebody was faster. */
enum us_code us_pendings_take(struct us_cx *cx, int64_t id) US_MUST_CHECK;

/* Those that one party has open for one resource; `seen` says false to stop. */
typedef bool (*us_pending_fn)(void *self, const struct us_pending_row *row);
enum us_code us_pendings_of_party(struct us_cx *cx, int64_t resource_id, int64_t owner_id, int64_t party_id,
                                  us_pending_fn seen, void *self) US_MUST_CHECK;
/* Everything an owner has open, resource by resource: the resources in order, at most `max`, and the requests for one behind
 * request `after`. */
enum us_code us_pendings_resources(struct us_cx *cx, int64_t owner_id, size_t max, int64_t *ret_ids,
                                   size_t *ret_n) US_MUST_CHECK;
enum us_code us_pendings_of_resource(struct us_cx *cx, int64_t owner_id, int64_t resource_id, int64_t after,
                                     int64_t max, us_pending_fn seen, void *self) US_MUST_CHECK;
/* The same by age: how many of the next `max` behind `after` there are, and the last of them. */
enum us_code us_pendings_window(struct us_cx *cx, int64_t owner_id, int64_t after, int64_t max, int64_t *ret_last,
                                int64_t *ret_count) US_MUST_CHECK;
/* Takes all of a window; `seen` gets each. A party or resource that is gone has no name. */
enum us_code us_pendings_take_window(struct us_cx *cx, int64_t owner_id, int64_t after, int64_t last,
                                     us_pending_fn seen, void *self) US_MUST_CHECK;
/* How many are open, counted up to `max`. */
enum us_code us_pendings_count_party(struct us_cx *cx, int64_t party_id, int64_t max, int64_t *ret_count) US_MUST_CHECK;
enum us_code us_pendings_count_owner(struct us_cx *cx, int64_t owner_id, int64_t max, int64_t *ret_count) US_MUST_CHECK;

/* For lists (store/pending_list.c): rows are read whole. A request whose resource or party is gone counts as gone: inner joins. */
#define US_PENDINGS_COLUMNS                                                                                            \
  "q.id, q.uuid, q.realm_id, q.owner_id, q.resource_id, q.party_id, q.scopes, q.created_ms, q.rev, a.name, "           \
  "a.name_key, r.name, r.uuid"
#define US_PENDINGS_TABLES                                                                                             \
  "pending_request q JOIN account a ON a.id = q.party_id JOIN resource r ON r.id = q.resource_id"
void us_pendings_read(struct us_rows *rows, struct us_pending_row *ret_row);

enum us_code us_denials_insert(struct us_cx *cx, int64_t pending_id, int64_t expires_s) US_MUST_CHECK;
/* For all requests of a window (us_pendings_window), while they are there. */
enum us_code us_denials_insert_window(struct us_cx *cx, int64_t owner_id, int64_t after, int64_t last,
                                      int64_t expires_s) US_MUST_CHECK;
/* Is one of these denied and not forgotten? Unused places hold 0. */
#define US_DENIALS_BATCH 16
enum us_code us_denials_any(struct us_cx *cx, const int64_t ids[US_DENIALS_BATCH], int64_t now_s,
                            bool *ret_denied) US_MUST_CHECK;
/* Forgets at most US_DENIALS_SWEEP of those that expired. */
#define US_DENIALS_SWEEP 64
enum us_code us_denials_sweep(struct us_cx *cx, int64_t now_s) US_MUST_CHECK;

#endif
