/*
 * A filter of Common REST (REST contract a.9) as a tree. json/filter.c reads it from text, store/list.c turns it into
 * fixed pieces of SQL and bound values; what fields and operators there are says the collection (model/list.h).
 *
 *   or -- and -- compare permissions/subject eq "bob"
 *    |     '---- compare resourceServer eq "PhotoVault"
 *    '--- not -- true
 */
#ifndef USHER_MODEL_FILTER_H
#define USHER_MODEL_FILTER_H

#include "base/str.h"

#define US_FILTER_MAX_DEPTH 256 /* brackets and negations inside one another (a.9) */
#define US_FILTER_MAX_TERMS 256 /* comparisons and literals in one filter */

enum us_filter_kind { US_FILTER_TRUE, US_FILTER_FALSE, US_FILTER_AND, US_FILTER_OR, US_FILTER_NOT, US_FILTER_COMPARE };
enum us_filter_op {
  US_OP_EQ,
  US_OP_CO,
  US_OP_SW,
  US_OP_LT,
  US_OP_LE,
  US_OP_GT,
  US_OP_GE,
  US_OP_PR, /* is present: has no value */
  US_OP_OTHER
};
enum us_filter_value { US_FILTER_STRING, US_FILTER_NUMBER, US_FILTER_BOOLEAN };
struct us_filter {
  int kind;
  struct us_filter *first, *next; /* children of AND, OR, NOT; their siblings */
  struct us_str field;            /* COMPARE: the pointer without its leading slash */
  int op;
  struct us_str op_text; /* as written */
  int value_kind;
  struct us_str text; /* STRING: unescaped; NUMBER: as written */
  double number;
  bool truth;
  unsigned slot; /* the collection's own: where it keeps what it knows about this comparison */
};

#endif
