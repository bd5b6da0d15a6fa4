/*
 * Resource sets: the resources of a realm as a person sees them (REST contract d). Visible is what the person owns, and what an active
 * share of somebody reaches, by the person's name or by a group.
 */
#ifndef USHER_DOMAIN_SET_H
#define USHER_DOMAIN_SET_H

#include "domain/services.h"
#include "domain/share.h"
#include "model/list.h"

/* The account as one who looks. */
enum us_code us_viewer_of(struct us_cx *cx, const struct us_realm *realm, const struct us_account *account,
                          struct us_viewer *ret_viewer) US_MUST_CHECK;

struct us_set {
  int64_t id;  /* row */
  int64_t rev; /* of what this viewer sees of it: description, own labels, own policy */
  struct us_str uuid, name, type, icon_uri, about; /* absent: not registered */
  struct us_str scopes;                            /* JSON array */
  struct us_str resource_server, owner_name;
  struct us_strs labels; /* ids: the viewer's own, SYSTEM ones on own resources */
  bool has_policy;       /* the viewer shares something of it */
  struct us_share_text *shares;
  size_t share_count;
};
/* One that the viewer sees, whole. US_E_NOT_FOUND with the text of d.3. */
enum us_code us_set_find(struct us_cx *cx, const struct us_viewer *viewer, struct us_str uuid,
                         struct us_set *ret_set) US_MUST_CHECK;

/* A page of what the viewer sees, in pieces as policies are read (share.h): what `each` is given is gone when it returns, with its cx.
 * Policies are read only when wanted. US_E_INVALID_REQUEST: the filter compares with a label that the viewer has not. */
extern const struct us_list us_sets_list;
typedef bool (*us_set_fn)(struct us_cx *cx, void *self, const struct us_set *set);
enum us_code us_set_query(struct us_cx *cx, const struct us_viewer *viewer, const struct us_list_query *query,
                          bool wants_policy, us_set_fn each, void *self, struct us_list_end *ret_end) US_MUST_CHECK;

/* Labels of one set, d.4: ids to rows, SYSTEM ones left out. US_E_NOT_FOUND for an id that the viewer has not. */
#define US_SET_LABELS_MAX 128
struct us_set_labels {
  int64_t rows[US_SET_LABELS_MAX];
  size_t n;
};
enum us_code us_set_labels_find(struct us_cx *cx, const struct us_viewer *viewer, struct us_strs ids,
                                struct us_set_labels *ret_labels) US_MUST_CHECK;
/* Write step: these, and no others of the viewer's, are on it now. US_E_STALE: one of them has gone since it was found. */
enum us_code us_set_labels_put(struct us_cx *cx, const struct us_viewer *viewer, int64_t resource_id,
                               const struct us_set_labels *labels) US_MUST_CHECK;

/* Write step, d.5: what the account shares of anything, of resources that it does not see any more too, is withdrawn: at most
 * US_SET_REVOKE_MAX policies. *ret_more: there are others. */
#define US_SET_REVOKE_MAX 50
enum us_code us_set_revoke_some(struct us_cx *cx, int64_t account_id, bool *ret_more) US_MUST_CHECK;

#endif
