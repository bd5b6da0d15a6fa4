/* Queries of pending requests: see pending.h. */
#include "domain/pending.h"
#include "store/pending_list.h"

struct page {
  us_pending_seen_fn seen;
  void *self;
  enum us_code code;
};

static bool see_row(struct us_cx *scratch, void *self, const struct us_pending_row *row) {
  struct page *page = self;
  struct us_pending pending;
  page->code = us_pending_of_row(scratch, row, &pending);
  return page->code == US_OK && page->seen(page->self, &pending);
}

enum us_code us_pending_page(struct us_cx *cx, int64_t owner_id, const struct us_list_query *query,
                             us_pending_seen_fn seen, void *self, struct us_list_end *ret_end) {
  struct page page = {.seen = seen, .self = self, .code = US_OK};
  US_TRY(us_pendings_page(cx, owner_id, query, see_row, &page, ret_end));
  return page.code == US_OK ? US_OK : us_fail_plain(cx, page.code);
}
