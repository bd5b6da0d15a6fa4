/* A policy as Common REST shows it (REST contract c.2, c.8). */
#ifndef USHER_ENDPOINT_CREST_POLICY_VIEW_H
#define USHER_ENDPOINT_CREST_POLICY_VIEW_H

#include "domain/share.h"
#include "endpoint/call.h"

enum { US_POLICY_WITH_REV = 1, US_POLICY_WITH_NAME = 2 };
/* `type` and `conditions` are shown only when they are there and the same for every permission. */
void us_policy_write(struct us_json_writer *w, const struct us_policy_text *policy, unsigned what);
/* A policy that was read or written, as the texts that us_policy_write() sends. */
enum us_code us_policy_as_text(struct us_cx *cx, const struct us_policy *policy, const struct us_resource *resource,
                               struct us_policy_text *ret_text) US_MUST_CHECK;
/* "7" */
struct us_str us_rev_text(struct us_cx *cx, int64_t rev);

#endif
