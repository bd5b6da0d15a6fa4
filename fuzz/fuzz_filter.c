/*
 * Query filters from anybody. Beyond not crashing: depth and number of comparisons keep to their limits, what is constant
 * does not depend on the comparisons, a negation turns every answer round, and refusals are valid UTF-8.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "fuzz.h"
#include "json/filter.h"

static bool yes(void *self, const struct us_filter *comparison) {
  return true;
}
static bool no(void *self, const struct us_filter *comparison) {
  return false;
}

static size_t terms(const struct us_filter *f, unsigned depth) {
  size_t n = f->kind == US_FILTER_AND || f->kind == US_FILTER_OR || f->kind == US_FILTER_NOT ? 0 : 1;
  fuzz_must(depth <= 3 * US_FILTER_MAX_DEPTH + 3); /* a level of the text is at most OR, AND and NOT of the tree */
  for (const struct us_filter *part = f->first; part; part = part->next)
    n += terms(part, depth + 1);
  return n;
}

static void use(struct us_filter *f) {
  int constant = us_filter_constant(f);
  bool with = us_filter_matches(f, yes, NULL), without = us_filter_matches(f, no, NULL);
  struct us_filter negated = {.kind = US_FILTER_NOT, .first = f};
  fuzz_must(terms(f, 0) <= US_FILTER_MAX_TERMS);
  fuzz_must(constant < 0 || (with == (constant == 1) && without == (constant == 1)));
  fuzz_must(us_filter_matches(&negated, yes, NULL) == !with);
  for (struct us_filter *part = f->first; part; part = part->next) {
    if (part->kind != US_FILTER_COMPARE)
      continue;
    fuzz_must(us_str_is_utf8(part->text));
    us_filter_text_holds(part, part->text, true);
    us_filter_number_holds(part, 1935600000000);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct us_cx cx = {.mem = us_mem_root_new(US_MEM_REQUEST_POOL_BYTES, US_MEM_REQUEST_MAX_BYTES)};
  struct us_str text = {(const char *)data, size};
  struct us_filter *filter;
  if (!us_str_is_utf8(text)) { /* the query string was decoded strictly before */
    us_mem_free(cx.mem);
    return 0;
  }
  if (us_filter_parse(&cx, text, &filter) == US_OK)
    use(filter);
  else
    fuzz_must(us_str_is_utf8(cx.err.text));
  us_mem_free(cx.mem);
  return 0;
}
