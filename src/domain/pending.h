/*
 * Pending requests (REST contract f): filed by the UMA grant, approved or denied by the owner. There is no state besides being
 * there: approving writes the owner's policy and removes the request in one transaction, denying removes it and leaves a mark
 * for a day, so that the client which still polls with its successor ticket is told request_denied.
 */
#ifndef USHER_DOMAIN_PENDING_H
#define USHER_DOMAIN_PENDING_H

#include "domain/notice.h"
#include "domain/services.h"
#include "model/list.h"

struct us_pending_wish {
  const struct us_resource *resource; /* id, owner_id, uuid, name */
  const struct us_account *party;     /* id, name */
  struct us_strs scopes;
};
/* Write step. Files one, and a notice to the owner, unless one of the same resource, owner and party covers the scopes already;
 * either way *ret_id is the request that stands for it, *ret_is_new says which. US_E_REQUEST_DENIED, with a text, when the party
 * or the owner has as many open as the realm allows (settings pendingRequestsPerRequestingParty and
 * pendingRequestsPerResourceOwner). */
enum us_code us_pending_file(struct us_cx *cx, const struct us_realm *realm, const struct us_pending_wish *wish,
                             int64_t *ret_id, bool *ret_is_new) US_MUST_CHECK;
/* Has the owner denied one of these requests? `ids` is a JSON array of numbers as tickets keep it. */
enum us_code us_pending_any_denied(struct us_cx *cx, struct us_str ids, bool *ret_denied) US_MUST_CHECK;

#define US_DENIAL_S (24 * 60 * 60) /* how long a denial is remembered for clients that poll */
/* One of this owner's by the id that clients see: US_E_NOT_FOUND without text for all others. */
enum us_code us_pending_find(struct us_cx *cx, int64_t owner_id, struct us_str uuid,
                             struct us_pending *ret_pending) US_MUST_CHECK;
/* Write step. Gives the party `scopes` (absent: those asked for) through the owner's policy, removes the request, tells history
 * and requesting party. With texts: US_E_NOT_FOUND when somebody was faster, US_E_INVALID_REQUEST for scopes the resource does not
 * define, US_E_DOCUMENTED_500 for what nobody can help (f.4). */
enum us_code us_pending_approve(struct us_cx *cx, const struct us_realm *realm, const struct us_account *owner,
                                const struct us_pending *pending, struct us_strs scopes) US_MUST_CHECK;
/* Write step. Errors as above. */
enum us_code us_pending_deny(struct us_cx *cx, const struct us_pending *pending) US_MUST_CHECK;

/* All that an owner has open, in one transaction: all or nothing (domain/pending_all.c). Nothing open is fine. No owner can have
 * more than US_PENDING_ALL_MAX open, so one call takes no more; should there be more, US_E_INVALID_REQUEST. */
#define US_PENDING_ALL_MAX 10000 /* what the settings of f.2 may be set to at most */
struct us_pending_choice {
  struct us_str uuid;
  struct us_strs scopes; /* absent: those asked for */
};
struct us_pending_choices {
  struct us_strs
      scopes; /* not absent: these for every request, as far as its resource has them; without any it stays open */
  struct us_pending_choice *v; /* else for some requests; the others get what they asked for */
  size_t n;
};
/* Write step. Every request named in the choices must be one of this owner's: US_E_NOT_FOUND, with a text. Sorts the choices. */
enum us_code us_pending_approve_all(struct us_cx *cx, const struct us_realm *realm, const struct us_account *owner,
                                    struct us_pending_choices *choices) US_MUST_CHECK;
enum us_code us_pending_deny_all(struct us_cx *cx, const struct us_account *owner) US_MUST_CHECK;

/* Queries (domain/pending_query.c): a page of an owner's, asked for by the fields of us_pendings_list. `seen` is given each in
 * memory that is gone when it returns, and says false when the page is full. */
extern const struct us_list us_pendings_list;
typedef bool (*us_pending_seen_fn)(void *self, const struct us_pending *pending);
enum us_code us_pending_page(struct us_cx *cx, int64_t owner_id, const struct us_list_query *query,
                             us_pending_seen_fn seen, void *self, struct us_list_end *ret_end) US_MUST_CHECK;

/* Between the files of this header. */
struct us_pending_row;
enum us_code us_pending_of_row(struct us_cx *cx, const struct us_pending_row *row,
                               struct us_pending *ret_pending) US_MUST_CHECK;
/* `verb`: "approved" or "denied". What the caller can do something about passes, the rest becomes the documented 500. */
enum us_code us_pending_failed(struct us_cx *cx, enum us_code code, struct us_str uuid, const char *verb);
/* What the owner's policy calls the requesting party (c.6); absent when no share can mean it now. */
enum us_code us_pending_subject(struct us_cx *cx, const struct us_realm *realm, const struct us_pending *pending,
                                struct us_str *ret_subject) US_MUST_CHECK;
struct us_notice us_pending_approval_notice(const struct us_account *owner, const struct us_pending *pending,
                                            struct us_strs scopes);

#endif
