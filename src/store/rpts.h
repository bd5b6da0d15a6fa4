/* Rows of tables rpt and rpt_permission. */
#ifndef USHER_STORE_RPTS_H
#define USHER_STORE_RPTS_H

#include "model/model.h"
#include "store/sql.h"

/* The RPT and its permissions, as decided. */
enum us_code us_rpts_insert(struct us_cx *cx, const struct us_rpt *rpt, const char *digest) US_MUST_CHECK;

/* One permission of an RPT beside its resource as it is now. */
struct us_rpt_permission_row {
  struct us_permission permission;
  int64_t current_rev;          /* resource.access_rev; 0 when the resource is gone */
  struct us_str current_scopes; /* JSON; absent unless it, or the party's, differs from what was decided under */
};
struct us_rpt_row {
  struct us_rpt rpt; /* without permissions */
  struct us_str digest;
  struct us_str client_id, party_name;
  int64_t current_party_rev; /* account.access_rev of the party now */
  bool is_active; /* client and requesting party exist and are active; of owner and resource server the caller knows */
  struct us_rpt_permission_row *v;
  size_t n;
};
/* An RPT with those it speaks for and its permissions: what introspection reads. US_E_NOT_FOUND without text. */
enum us_code us_rpts_live(struct us_cx *cx, int64_t id, int64_t realm_id, struct us_rpt_row *ret_row) US_MUST_CHECK;

/* The RPT with its permissions, dead or alive. US_E_NOT_FOUND without text. */
enum us_code us_rpts_find(struct us_cx *cx, int64_t id, const char *digest, int64_t realm_id,
                          struct us_rpt *ret_rpt) US_MUST_CHECK;
enum us_code us_rpts_delete(struct us_cx *cx, int64_t id) US_MUST_CHECK;
/* Processes that `id` has taken over from RPTs it replaced, as far as they began behind `after_tid`: tickets of older ones are
 * forgotten, nobody can steal them any more. */
enum us_code us_rpts_count_merged(struct us_cx *cx, int64_t id, int64_t after_tid, int64_t *ret_count) US_MUST_CHECK;
/* `id` holds what `old`, which it replaces, was given in its own process and in those. */
enum us_code us_rpts_merge(struct us_cx *cx, int64_t id, const struct us_rpt *old, int64_t after_tid) US_MUST_CHECK;
/* Every RPT obtained in one authorization process, or holding something that was. */
enum us_code us_rpts_delete_by_tid(struct us_cx *cx, int64_t tid) US_MUST_CHECK;

#endif
