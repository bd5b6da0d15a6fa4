/* Ids for rows: see services.h. */
#include "domain/services.h"

int64_t us_next_id(struct us_cx *cx) {
  return us_idgen_next(&cx->svc->ids, cx->now_ms);
}
