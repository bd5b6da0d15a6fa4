/*
 * Lists: one mechanism for every collection that can be queried (REST contract a.8 to a.10). A collection is a table of fields;
 * what a request asks (filter, order, page) is one struct that travels from the endpoint down to store/list.c, which makes one
 * statement of it: fixed pieces of SQL from the tables, values always bound. Nothing that a caller wrote becomes SQL text.
 *
 * Pages go by key: the order always ends in the collection's unique number, so "behind this item" is a comparison that the index
 * answers. The cookie that a caller gets is that key (struct us_list_mark), signed by the endpoint.
 */
#ifndef USHER_MODEL_LIST_H
#define USHER_MODEL_LIST_H

#include "model/filter.h"

enum us_list_kind {
  US_LIST_TEXT,   /* compares byte by byte: ids, scopes, clients */
  US_LIST_NAME,   /* compares without ASCII case: `sql` is a column that C folded */
  US_LIST_NUMBER, /* bigint */
  US_LIST_BOOL    /* smallint 0 or 1 */
};
enum us_list_refusal {
  US_LIST_REFUSE_500, /* as the product documents for policies and history (setting crestQueryErrors=rfc: 400) */
  US_LIST_REFUSE_501, /* sets */
  US_LIST_REFUSE_400
};
#define US_LIST_OP(op) (1u << (op))
#define US_LIST_EQ US_LIST_OP(US_OP_EQ)
#define US_LIST_TEXT_OPS (US_LIST_OP(US_OP_EQ) | US_LIST_OP(US_OP_CO) | US_LIST_OP(US_OP_SW) | US_LIST_OP(US_OP_PR))
#define US_LIST_ORDER_OPS (US_LIST_OP(US_OP_LT) | US_LIST_OP(US_OP_LE) | US_LIST_OP(US_OP_GT) | US_LIST_OP(US_OP_GE))

struct us_list_field {
  const char *name; /* the pointer without its leading slash: "permissions/subject" */
  enum us_list_kind kind;
  unsigned ops; /* bits US_LIST_OP(op) that are served; 0: only sorted by */
  /* The rest is the store's; nobody else reads it. `sql` or `elements` is there unless ops is 0. */
  const char *sql;      /* the expression that is compared; where it is NULL the row has no such value */
  const char *elements; /* instead: a JSON array of strings, any of which may match */
  const char
      *wrap; /* NULL, or SQL with one '@' where the comparison goes: "EXISTS (SELECT 1 FROM ... WHERE ... AND @)" */
  const char
      *order; /* the expression that is sorted by, never NULL in a row, code point order (a @TEXTKEY@ column when it
                         * is text); NULL: not sortable */
};
struct us_list {
  const struct us_list_field *fields;
  size_t field_count;
  enum us_list_refusal refusal; /* how an unknown field or operator is answered */
  bool takes_query_id;          /* _queryId=* asks for everything */
  bool asks_plugins;            /* about filters: beforeQueryResourceSets */
  const char *last_key;         /* NULL, or the field that every order ends with, before the unique number */
  const char *newest_first;     /* NULL, or the field that is sorted by, descending, where nothing is asked for */
};

#define US_LIST_KEYS_MAX 4
struct us_list_key {
  unsigned field; /* index; its `order` is not NULL */
  bool descending;
};
/* Where a page ended: the values of the order's keys, then the unique number (ordered as the last key is). */
struct us_list_mark {
  struct us_str values[US_LIST_KEYS_MAX]; /* numbers in decimal */
  int64_t tie;
};
struct us_list_query {
  const struct us_list *list;
  struct us_filter *filter; /* checked against `list`: a comparison's slot is the index of its field */
  struct us_list_key keys[US_LIST_KEYS_MAX];
  size_t key_count;
  int64_t page_size;                /* 1 .. US_QUERY_PAGE_MAX of endpoint/crest/query.h */
  int64_t offset;                   /* items to skip; 0 with `after` */
  const struct us_list_mark *after; /* NULL: from the start */
  bool wants_total;                 /* of all that match, before paging */
  bool counts_only;                 /* no items are read, only the total */
};
struct us_list_end {
  int64_t written;          /* items that `each` took */
  int64_t remaining;        /* exactly how many follow the last of them */
  int64_t total;            /* -1 unless asked for */
  struct us_list_mark last; /* of the last item, when remaining > 0 */
};

#endif
