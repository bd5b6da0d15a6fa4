/* Secrets at rest under another key: everything that is sealed in the store, or should be, is sealed anew (crypto/box.h). */
#ifndef USHER_DOMAIN_AT_REST_H
#define USHER_DOMAIN_AT_REST_H

#include "domain/services.h"

#define US_AT_REST_ROWS 1000 /* of one transaction (design 2) */

struct us_at_rest {
  const struct us_box *old; /* under which texts may be sealed, besides the present key; NULL: none */
  int kind;                 /* where the walk is: 0 at first */
  int64_t after;
  int64_t sealed; /* texts that were sealed anew */
  bool is_done;
};
/* Write step: one portion. The present key is svc->box. Texts that are under it already stay as they are. US_E_STORE with a reason when
 * one is sealed under neither key. */
enum us_code us_at_rest_seal(struct us_cx *cx, struct us_at_rest *walk) US_MUST_CHECK;

#endif
