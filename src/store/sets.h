/*
 * What a person sees of the resources of a realm (REST contract d.2): those owned, and those that an active permission of somebody
 * names the person or one of the person's groups in. Groups are looked up in the statement itself, so a membership counts at once.
 */
#ifndef USHER_STORE_SETS_H
#define USHER_STORE_SETS_H

#include "model/model.h"
#include "store/sql.h"

/* Which of these does the viewer see? Absent places are skipped; ret_ids[i] is 0 for what is unknown or not visible. */
#define US_SETS_BATCH 8
enum us_code us_sets_visible(struct us_cx *cx, const struct us_viewer *viewer, const struct us_str uuids[US_SETS_BATCH],
                             int64_t ret_ids[US_SETS_BATCH]) US_MUST_CHECK;

#endif
