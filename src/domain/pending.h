/*
 * Pending requests (REST contract f): filed by the UMA grant, approved or denied by the owner. There is no state besides being
 * there: approving writes the owner's policy and removes the request in one transaction, denying removes it and leaves a mark
 * for a day, so that the client which still polls with its successor ticket is told request_denied.
 */
#ifndef USHER_DOMAIN_PENDING_H
#define USHER_DOMAIN_PENDING_H

#include "domain/services.h"
#include "model/list.h"

/* Files one for `scopes` of a resource, unless one of the same (resource, owner, party) covers them already; either way *ret_id
 * is the request that stands for it. US_E_REQUEST_DENIED when the party or the owner has too many open (design 6). */
#define US_PENDING_MAX_PER_PARTY 1000
#define US_PENDING_MAX_PER_OWNER 10000
enum us_code us_pending_file(struct us_cx *cx, const struct us_realm *realm, int64_t resource_id, int64_t owner_id,
                             int64_t party_id, struct us_strs scopes, int64_t *ret_id) US_MUST_CHECK;
/* Has the owner denied one of these requests? `ids` is a JSON array of numbers as tickets keep it. */
enum us_code us_pending_any_denied(struct us_cx *cx, struct us_str ids, bool *ret_denied) US_MUST_CHECK;

#define US_DENIAL_S (24 * 60 * 60) /* how long a denial is remembered for clients that poll */
/* One of this owner's by the id that clients see: US_E_NOT_FOUND without text for all others. */
enum us_code us_pending_find(struct us_cx *cx, int64_t owner_id, struct us_str uuid,
                             struct us_pending *ret_pending) US_MUST_CHECK;
/* Write step. Gives the party `scopes` (absent: those asked for) through the owner's policy and removes the request.
 * US_E_NOT_FOUND (without text) when somebody was faster; US_E_INVALID_REQUEST for scopes the resource does not define. */
enum us_code us_pending_approve(struct us_cx *cx, const struct us_pending *pending,
                                struct us_strs scopes) US_MUST_CHECK;
/* Write step. US_E_NOT_FOUND (without text) when somebody was faster. */
enum us_code us_pending_deny(struct us_cx *cx, const struct us_pending *pending) US_MUST_CHECK;

/* Queries (domain/pending_query.c): a page of an owner's, asked for by the fields of us_pendings_list. `seen` is given each in
 * memory that is gone when it returns, and says false when the page is full. */
extern const struct us_list us_pendings_list;
typedef bool (*us_pending_seen_fn)(void *self, const struct us_pending *pending);
enum us_code us_pending_page(struct us_cx *cx, int64_t owner_id, const struct us_list_query *query,
                             us_pending_seen_fn seen, void *self, struct us_list_end *ret_end) US_MUST_CHECK;

struct us_pending_row;
enum us_code us_pending_of_row(struct us_cx *cx, const struct us_pending_row *row,
                               struct us_pending *ret_pending) US_MUST_CHECK;

#endif
