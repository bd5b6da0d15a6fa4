/*
 * One statement for a page of any collection: see model/list.h. The collection brings its fixed SQL; filter, order and page
 * are put together here from fixed pieces, every value a parameter.
 *
 *   SELECT r.id, r.name, r.name_sort, r.id FROM resource r WHERE r.owner_id = $1      the source
 *     AND (r.name_key = $2 OR NOT EXISTS (...))                                       the filter
 *     AND (r.name_sort, r.id) > ($3, $4)                                              behind the mark of the page before
 *     ORDER BY r.name_sort, r.id LIMIT $5 OFFSET $6
 *
 * What is left behind the page is counted by the same WHERE, and only when another row was seen there.
 */
#ifndef USHER_STORE_LIST_H
#define USHER_STORE_LIST_H

#include "model/list.h"
#include "store/sql.h"

/* Fixed SQL, never made from input. An index that begins with what `from` fixes and goes on with the order's keys and the tie
 * serves pages without sorting. */
struct us_list_source {
  const char *columns; /* "r.id, r.uuid, r.name": what `each` reads, from column 0 on */
  const char *from;    /* "resource r JOIN ... WHERE r.realm_id = $1 AND r.owner_id = $2": never without WHERE, an OR in
                        * brackets. A row of the list is one row of it, so no join that multiplies */
  const char *tie;     /* unique bigint of a row: "r.id". It is ordered as the last key is */
  bool tie_descending; /* newest first, where no key is asked for */
};
/* One row. Its texts live in scratch memory (rows->cx->mem) that is renewed between rows: what is kept goes into cx->mem. False:
 * the page is full for other reasons than its size (bytes, an error of `each`, which it remembers itself); the row counts as
 * written. */
typedef bool (*us_list_each_fn)(struct us_cx *cx, void *self, struct us_rows *rows);
/* `letters` and what follows are the parameters of `from`, as for us_sql_open(): at most US_LIST_FROM_MAX. Inside one read
 * transaction, so that page and counts agree. */
#define US_LIST_FROM_MAX 32
/* Lists are as long as people make them, and a filter can cost much for every line. A list that a loop asks for may use so much
 * processor time, then it is US_E_TO_POOL; elsewhere so much, then it is US_E_TOO_LONG. */
#define US_LIST_LOOP_MS 20
#define US_LIST_POOL_MS 1000
enum us_code us_list_run(struct us_cx *cx, const struct us_list_query *query, const struct us_list_source *source,
                         us_list_each_fn each, void *self, struct us_list_end *ret_end, const char *letters,
                         ...) US_MUST_CHECK;

/* A comparison `field eq "text"` that must hold: the filter itself or a member of its outermost AND. With `negated` one whose
 * negation must. NULL when there is none. Lets a collection choose a narrower source; the filter is applied all the same. */
const struct us_filter *us_filter_demanded(const struct us_filter *filter, const char *field, bool negated);
/* Is there one with this text? `fold`: without ASCII case. */
bool us_filter_demands(const struct us_filter *filter, const char *field, struct us_str text, bool fold, bool negated);

#endif
