/*
 * Rows of tables label and resource_label. SYSTEM labels are those that a resource server gives its resources; they belong to the
 * owner of the resource. USER and STAR labels belong to whoever made them, on own resources and on others'.
 */
#ifndef USHER_STORE_LABELS_H
#define USHER_STORE_LABELS_H

#include "model/list.h"
#include "model/model.h"
#include "store/sql.h"

/* Values of label.kind. */
enum us_label_kind { US_LABEL_SYSTEM = 1, US_LABEL_USER = 2, US_LABEL_STAR = 3 };

/* Names of a resource's SYSTEM labels, in order of creation. */
enum us_code us_labels_of_resource(struct us_cx *cx, int64_t resource_id, int64_t owner_id,
                                   struct us_strs *ret_names) US_MUST_CHECK;

/* Makes those of a batch that the owner does not have yet, under ids[i], and hangs all of them on the resource. */
#define US_LABELS_BATCH 8
enum us_code us_labels_attach(struct us_cx *cx, int64_t resource_id, int64_t owner_id, int64_t rs_ref,
                              const int64_t ids[US_LABELS_BATCH],
                              const struct us_str names[US_LABELS_BATCH]) US_MUST_CHECK;
/* Takes the SYSTEM labels off a resource; those that no other resource uses go away. */
enum us_code us_labels_detach_system(struct us_cx *cx, int64_t resource_id, int64_t owner_id) US_MUST_CHECK;
/* The same for a resource that is going: labels of any kind, its owner's and other people's. */
enum us_code us_labels_detach_all(struct us_cx *cx, int64_t resource_id) US_MUST_CHECK;

struct us_label_row {
  int64_t id, owner_id;
  int kind;           /* enum us_label_kind */
  int64_t rs_ref;     /* SYSTEM: the client; otherwise 0 */
  struct us_str uuid; /* USER, STAR */
  struct us_str name;
  int64_t rev;
  struct us_str client_id, client_name; /* SYSTEM, read along; absent when there is none */
};
/* A lock: whoever changes private labels of this account waits for the transaction. US_E_NOT_FOUND (an answer): it is gone. */
enum us_code us_labels_lock_owner(struct us_cx *cx, int64_t owner_id) US_MUST_CHECK;
/* How many USER and STAR labels the owner has, counted up to `max`. */
enum us_code us_labels_count_private(struct us_cx *cx, int64_t owner_id, int64_t max, int64_t *ret_count) US_MUST_CHECK;
/* US_E_CONFLICT (an answer): the owner has one of this kind and name. */
enum us_code us_labels_insert(struct us_cx *cx, const struct us_label_row *row) US_MUST_CHECK;
/* US_E_NOT_FOUND (an answer). */
enum us_code us_labels_by_uuid(struct us_cx *cx, int64_t owner_id, struct us_str uuid,
                               struct us_label_row *ret_row) US_MUST_CHECK;
enum us_code us_labels_system_by_name(struct us_cx *cx, int64_t realm_id, int64_t owner_id, struct us_str client_id,
                                      struct us_str name, struct us_label_row *ret_row) US_MUST_CHECK;
/* The row alone: what hangs on it is dead. US_E_NOT_FOUND when somebody was faster. */
enum us_code us_labels_delete(struct us_cx *cx, int64_t id) US_MUST_CHECK;
/* Removes at most `max` links of a label. */
enum us_code us_labels_unhang(struct us_cx *cx, int64_t id, int64_t max, int64_t *ret_count) US_MUST_CHECK;
/* Hangs a label on resources; unused places hold 0. What hangs already stays. */
enum us_code us_labels_hang(struct us_cx *cx, int64_t owner_id, int64_t label_id,
                            const int64_t resource_ids[US_LABELS_BATCH]) US_MUST_CHECK;

/* An owner's labels: USER and STAR before SYSTEM, in the order of the unique index. Filter, sort keys of `query` are not looked at. */
typedef bool (*us_label_row_fn)(struct us_cx *cx, void *self, const struct us_label_row *row);
enum us_code us_labels_list(struct us_cx *cx, int64_t owner_id, const struct us_list_query *query, us_label_row_fn each,
                            void *self, struct us_list_end *ret_end) US_MUST_CHECK;

#endif
