/*
 * Filters of Common REST (REST contract a.9): text to a tree, and the walk over it. What fields and operators mean is the
 * business of each collection, which is asked about one comparison at a time; the tree is never turned into SQL text.
 *
 *   or -- and -- compare permissions/subject eq "bob"
 *    |     '---- compare resourceServer eq "PhotoVault"
 *    '--- not -- true
 *
 * A stranger's text is bounded in bytes, depth and number of comparisons; anything past a bound is the same 400 as bad syntax.
 */
#ifndef USHER_JSON_FILTER_H
#define USHER_JSON_FILTER_H

#include "base/cx.h"
#include "model/filter.h"

#define US_FILTER_MAX_BYTES (64 * 1024)

/* The tree lives in cx->mem. US_E_INVALID_REQUEST with the text of a.8, "... could not be parsed as a valid query filter". */
enum us_code us_filter_parse(struct us_cx *cx, struct us_str text, struct us_filter **ret_filter) US_MUST_CHECK;

/* Calls `check` for each comparison, left to right; stops at the first failure. For what a collection supports. */
typedef enum us_code (*us_filter_check_fn)(struct us_cx *cx, void *self, struct us_filter *comparison);
enum us_code us_filter_check(struct us_cx *cx, struct us_filter *filter, us_filter_check_fn check,
                             void *self) US_MUST_CHECK;
/* Does it hold, when `holds` answers for the comparisons? */
typedef bool (*us_filter_holds_fn)(void *self, const struct us_filter *comparison);
bool us_filter_matches(const struct us_filter *filter, us_filter_holds_fn holds, void *self);
/* Whatever the comparisons are: always (1), never (0), or it depends (-1). */
int us_filter_constant(const struct us_filter *filter);

/* One text against a comparison with a string value: eq, co, sw and the orders. `fold`: without ASCII case. */
bool us_filter_text_holds(const struct us_filter *comparison, struct us_str text, bool fold);
bool us_filter_number_holds(const struct us_filter *comparison, int64_t number);

#endif
