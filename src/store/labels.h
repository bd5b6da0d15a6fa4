/* Rows of tables label and resource_label. Here: SYSTEM labels, those that a resource server gives its resources. */
#ifndef USHER_STORE_LABELS_H
#define USHER_STORE_LABELS_H

#include "model/model.h"
#include "store/sql.h"

/* Values of label.kind. */
enum us_label_kind { US_LABEL_SYSTEM = 1, US_LABEL_USER = 2, US_LABEL_STAR = 3 };

/* Names of a resource's SYSTEM labels, in order of creation. */
enum us_code us_labels_of_resource(struct us_cx *cx, int64_t resource_id, struct us_strs *ret_names) US_MUST_CHECK;

/* Makes those of a batch that the owner does not have yet, under ids[i], and hangs all of them on the resource. */
#define US_LABELS_BATCH 8
enum us_code us_labels_attach(struct us_cx *cx, int64_t resource_id, int64_t owner_id, int64_t rs_ref,
                              const int64_t ids[US_LABELS_BATCH],
                              const struct us_str names[US_LABELS_BATCH]) US_MUST_CHECK;
/* Takes the SYSTEM labels off a resource; those that no other resource uses go away. */
enum us_code us_labels_detach_system(struct us_cx *cx, int64_t resource_id) US_MUST_CHECK;
/* The same for a resource that is going: labels of any kind, its owner's and other people's. */
enum us_code us_labels_detach_all(struct us_cx *cx, int64_t resource_id) US_MUST_CHECK;

#endif
