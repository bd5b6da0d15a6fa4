/*
 * One statement for a page of any collection: see model/list.h. The collection brings its fixed SQL; filter, order and page
 * are put together here from fixed pieces, every value a parameter.
 */
#ifndef USHER_STORE_LIST_H
#define USHER_STORE_LIST_H

#include "model/list.h"
#include "store/sql.h"

struct us_list_source {
  const char *columns; /* "r.id, r.uuid, r.name": what `each` reads, from column 0 on */
  const char *from;    /* "resource r JOIN ... WHERE r.realm_id = $1 AND r.owner_id = $2", never without WHERE */
  const char *tie;     /* unique bigint of a row: "r.id" */
  bool tie_descending; /* newest first, where no other key is asked for */
};
/* One row; what it keeps it copies out of cx->mem of `rows` into its own. False: the page is full for other reasons than its
 * size (bytes); the row counts as written. */
typedef bool (*us_list_each_fn)(struct us_cx *cx, void *self, struct us_rows *rows);
/* `letters` and what follows are the parameters of `from`, as for us_sql_open(). Reads at most page_size rows, and counts what
 * is behind them by the same index. Errors of `each` are its own business (it stops and remembers). */
enum us_code us_list_run(struct us_cx *cx, const struct us_list_query *query, const struct us_list_source *source,
                         us_list_each_fn each, void *self, struct us_list_end *ret_end, const char *letters,
                         ...) US_MUST_CHECK;

/* Is `comparison` (field, eq, this text) part of what must hold: the filter itself or a member of its outermost AND? With
 * `negated`: its negation is. Lets a collection choose a narrower source. */
bool us_filter_demands(const struct us_filter *filter, const char *field, struct us_str text, bool fold, bool negated);

#endif
