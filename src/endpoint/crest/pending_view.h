/* A pending request as Common REST shows it (REST contract f.1). */
#ifndef USHER_ENDPOINT_CREST_PENDING_VIEW_H
#define USHER_ENDPOINT_CREST_PENDING_VIEW_H

#include "endpoint/call.h"

/* `rev` is shown on read only: absent in lists. */
void us_pending_write(struct us_json_writer *w, const struct us_pending *pending, struct us_str rev);

#endif
