/* Does the store answer? It reads a row that every store has, so that the file is touched and not only the parser. */
#include "store/ping.h"

static const char SQL_PING[] = "SELECT 1 FROM meta WHERE key = 'config_rev'";

enum us_code us_store_ping(struct us_cx *cx) {
  static const struct us_column columns[] = {{US_COLUMN_I64, 0}};
  int64_t one = 0;
  return us_sql_one(cx, columns, 1, &one, SQL_PING, "");
}
