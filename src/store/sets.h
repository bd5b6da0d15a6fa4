/*
 * What a person sees of the resources of a realm (REST contract d.2): those owned, and those that an active permission of somebody
 * names the person or one of the person's groups in. Groups are looked up in the statements themselves, so a membership counts at
 * once. Nothing here costs more than the person has: no statement goes over the resources of a realm.
 *
 * A page is read in two steps, so that no list is ever held whole: us_sets_page() gives its ids, then the members of
 * US_SETS_BATCH resources are read at a time, one statement each for resources, labels and shares.
 */
#ifndef USHER_STORE_SETS_H
#define USHER_STORE_SETS_H

#include "model/list.h"
#include "model/model.h"
#include "store/labels.h"

/* Which of these does the viewer see? Absent places are skipped; ret_ids[i] is 0 for what is unknown or not visible. */
#define US_SETS_VISIBLE_MAX 8
enum us_code us_sets_visible(struct us_cx *cx, const struct us_viewer *viewer,
                             const struct us_str uuids[US_SETS_VISIBLE_MAX],
                             int64_t ret_ids[US_SETS_VISIBLE_MAX]) US_MUST_CHECK;

/* Where a page is looked for. The filter is applied all the same: this is only the narrowest place that it allows. */
enum us_sets_where {
  US_SETS_ALL,
  US_SETS_OWNED,
  US_SETS_SHARED,  /* by others */
  US_SETS_LABELLED /* with the label of row `label_id` */
};
extern const struct us_list us_sets_list;
/* Comparisons of `labels` are with the decimal row id of a label. Ids in order, room for query->page_size. */
enum us_code us_sets_page(struct us_cx *cx, const struct us_viewer *viewer, enum us_sets_where where, int64_t label_id,
                          const struct us_list_query *query, int64_t *ret_ids,
                          struct us_list_end *ret_end) US_MUST_CHECK;

#define US_SETS_BATCH 16
struct us_set_row {
  int64_t id, rev, owner_id;
  struct us_str uuid, name, type, icon_uri, about;
  struct us_str scopes; /* JSON array */
  struct us_str resource_server, owner_name;
};
/* Unused places of `ids` hold 0. Rows come in no particular order; resources that are gone are left out. */
typedef void (*us_set_row_fn)(void *self, const struct us_set_row *row);
enum us_code us_sets_rows(struct us_cx *cx, const int64_t ids[US_SETS_BATCH], us_set_row_fn each,
                          void *self) US_MUST_CHECK;
/* Labels that belong to the viewer: SYSTEM ones are there only on own resources. In the order of resources. */
typedef enum us_code (*us_set_label_fn)(struct us_cx *cx, void *self, int64_t resource_id,
                                        const struct us_label_row *label);
enum us_code us_sets_labels(struct us_cx *cx, int64_t account_id, const int64_t ids[US_SETS_BATCH],
                            us_set_label_fn each, void *self) US_MUST_CHECK;
/* What the viewer shares of them. In the order of resources and of the lines of a policy. */
struct us_set_share {
  int64_t resource_id, policy_rev;
  struct us_str subject, scopes;
};
typedef enum us_code (*us_set_share_fn)(struct us_cx *cx, void *self, const struct us_set_share *share);
enum us_code us_sets_shares(struct us_cx *cx, int64_t account_id, const int64_t ids[US_SETS_BATCH],
                            us_set_share_fn each, void *self) US_MUST_CHECK;

/* Private labels of one person on one resource: all off, then some on. *ret_count: how many of the batch hang now; labels that are
 * not that person's, or SYSTEM, do not. Unused places hold 0. */
enum us_code us_sets_clear_labels(struct us_cx *cx, int64_t account_id, int64_t resource_id) US_MUST_CHECK;
enum us_code us_sets_add_labels(struct us_cx *cx, int64_t account_id, int64_t resource_id,
                                const int64_t label_ids[US_LABELS_BATCH], int64_t *ret_count) US_MUST_CHECK;

/* Resources of which somebody shares anything, visible or not any more: the first `max`. */
enum us_code us_sets_policies(struct us_cx *cx, int64_t sharer_id, size_t max, int64_t *ret_resource_ids,
                              size_t *ret_count) US_MUST_CHECK;

#endif
