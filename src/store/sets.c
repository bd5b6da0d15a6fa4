/* Resources as a person sees them: see sets.h. */
#include "store/sets.h"

#include <string.h>

/* The person's subject keys as rows: $2 and one a group of account $3. Seeks in permission_decide follow, one a key. */
#define KEYS                                                                                                           \
  "(SELECT CAST($2 AS text) UNION ALL SELECT 'group:' || g.name_key FROM group_member m "                              \
  "JOIN user_group g ON g.id = m.group_id WHERE m.account_id = $3)"
#define IS_SHARED                                                                                                      \
  "EXISTS (SELECT 1 FROM permission p WHERE p.resource_id = r.id AND p.is_active = 1 AND p.subject_key IN " KEYS ")"

static const char SQL_VISIBLE[] =
    "WITH wanted (uuid) AS (VALUES (CAST($4 AS text)), (CAST($5 AS text)), (CAST($6 AS text)), (CAST($7 AS text)), "
    "(CAST($8 AS text)), (CAST($9 AS text)), (CAST($10 AS text)), (CAST($11 AS text))) "
    "SELECT r.id, r.uuid FROM wanted JOIN resource r ON r.uuid = wanted.uuid "
    "WHERE r.realm_id = $1 AND (r.owner_id = $3 OR " IS_SHARED ")";
enum us_code us_sets_visible(struct us_cx *cx, const struct us_viewer *viewer, const struct us_str uuids[US_SETS_BATCH],
                             int64_t ret_ids[US_SETS_BATCH]) {
  struct us_rows rows;
  memset(ret_ids, 0, US_SETS_BATCH * sizeof(ret_ids[0]));
  US_TRY(us_sql_open(cx, &rows, SQL_VISIBLE,
                     "itittttttt"
                     "t",
                     viewer->realm_id, viewer->subject_key, viewer->account_id, uuids[0], uuids[1], uuids[2], uuids[3],
                     uuids[4], uuids[5], uuids[6], uuids[7]));
  while (us_sql_next(&rows)) {
    int64_t id = us_sql_i64(&rows, 0);
    struct us_str uuid = us_sql_text(&rows, 1);
    for (size_t i = 0; i < US_SETS_BATCH; i++) {
      if (uuids[i].p != NULL && us_str_eq(uuids[i], uuid))
        ret_ids[i] = id;
    }
  }
  return us_sql_close(&rows);
}
