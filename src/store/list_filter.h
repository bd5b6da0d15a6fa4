/* Filters as SQL, for store/list.c: text with parameters behind those that are there already. */
#ifndef USHER_STORE_LIST_FILTER_H
#define USHER_STORE_LIST_FILTER_H

#include "base/buf.h"
#include "store/backend.h"
#include "store/list.h"

/* A statement that is being put together. */
struct us_list_sql {
  struct us_buf *text;
  const struct us_backend *backend;
  struct us_value values[US_SQL_PARAMETERS_MAX];
  size_t count;
};
/* Binds a value and gives the number of its parameter. One too many leaves the text failed. */
unsigned us_list_text_parameter(struct us_list_sql *sql, struct us_str text);
unsigned us_list_i64_parameter(struct us_list_sql *sql, int64_t number);
/* A number of a mark. The mark was signed by us: what is no number is 0. */
int64_t us_list_mark_number(struct us_str text);

/* Adds " AND (...)", or nothing for a filter that is true. */
enum us_code us_list_put_filter(struct us_cx *cx, struct us_list_sql *sql, const struct us_list *list,
                                const struct us_filter *filter) US_MUST_CHECK;

#endif
