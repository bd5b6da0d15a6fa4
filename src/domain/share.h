/*
 * Policies: what a sharer gives to others of one resource (REST contract c). The grants that bear on a decision are loaded here
 * and handed to us_policy_decide() (policy/decide.h), the only place that decides access.
 */
#ifndef USHER_DOMAIN_SHARE_H
#define USHER_DOMAIN_SHARE_H

#include "domain/services.h"

/* The owner's own shares of a resource with one subject: the facts of a decision. Empty when there are none. */
enum us_code us_share_facts(struct us_cx *cx, int64_t resource_id, int64_t owner_id, struct us_str subject_key,
                            struct us_share **ret_shares, size_t *ret_count) US_MUST_CHECK;
/* Conditions as stored (JSON text, '' = none) and back. */
enum us_code us_conditions_parse(struct us_cx *cx, struct us_str text,
                                 struct us_conditions *ret_conditions) US_MUST_CHECK;
struct us_str us_conditions_text(struct us_cx *cx, const struct us_conditions *conditions);

#endif
