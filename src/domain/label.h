/*
 * System labels (protocol contract 4.1): words that a resource server gives its resources. They belong to the owner, keyed by
 * (resource server, word); one comes into being with its first use and goes with its last.
 */
#ifndef USHER_DOMAIN_LABEL_H
#define USHER_DOMAIN_LABEL_H

#include "domain/services.h"

/* The words on a resource, as GET shows them. */
enum us_code us_label_names(struct us_cx *cx, int64_t resource_id, struct us_strs *ret_names) US_MUST_CHECK;
/* Write step: puts them on a resource that has none yet. */
enum us_code us_label_add_system(struct us_cx *cx, const struct us_resource *resource,
                                 struct us_strs names) US_MUST_CHECK;
/* Write step: makes `names` the system labels of the resource. Labels of people stay as they are. */
enum us_code us_label_set_system(struct us_cx *cx, const struct us_resource *resource,
                                 struct us_strs names) US_MUST_CHECK;

#endif
