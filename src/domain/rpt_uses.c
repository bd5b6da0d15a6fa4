/*
 * Uses of shares (condition MaxUses, design 6): one for each RPT and resource, counted by one statement each in the transaction that
 * issues. Somebody may have been faster, where several transactions run at once; then it is decided again.
 */
#include "domain/rpt_in.h"

#include "base/mem.h"
#include "store/grants.h"

bool us_rpt_has_id(struct us_ids ids, int64_t id) {
  for (size_t i = 0; i < ids.n; i++) {
    if (ids.v[i] == id)
      return true;
  }
  return false;
}

/* The shares that the decision relies on and that have a limit. False: more than one RPT may use up. */
enum us_code us_rpt_limited_shares(struct us_rpt_work *g, struct us_reliance **ret_list, size_t *ret_count,
                                   bool *ret_fits) {
  struct us_reliance *list = NULL; /* mostly there are none */
  size_t n = 0;
  *ret_fits = true;
  for (size_t i = 0; i < g->count; i++) {
    for (size_t k = 0; k < g->wanted[i].relied_count; k++) {
      if (g->wanted[i].relied[k].uses == 0)
        continue;
      *ret_fits = n < US_RPT_COUNTED_MAX;
      if (!*ret_fits)
        return US_OK;
      if (!list)
        list = US_NEW_ARRAY(g->cx->mem, struct us_reliance, US_RPT_COUNTED_MAX);
      if (!list)
        return us_fail_plain(g->cx, US_E_NO_MEMORY);
      list[n++] = g->wanted[i].relied[k];
    }
  }
  *ret_list = list;
  *ret_count = n;
  return US_OK;
}

/* Gives back uses that were counted before and that this decision does not need. */
enum us_code us_rpt_give_back(struct us_rpt_work *g, const struct us_reliance *list, size_t count) {
  size_t kept = 0;
  for (size_t i = 0; i < g->counted.n; i++) {
    bool is_needed = false;
    for (size_t k = 0; k < count; k++)
      is_needed = is_needed || list[k].grant_id == g->counted.v[i];
    if (is_needed)
      g->counted.v[kept++] = g->counted.v[i];
    else
      US_TRY(us_grants_unuse(g->cx, g->counted.v[i]));
  }
  g->counted.n = kept;
  return US_OK;
}

enum us_code us_rpt_count_uses(struct us_rpt_work *g, const struct us_reliance *list, size_t count, bool *ret_all) {
  if (g->counted.v == NULL)
    g->counted.v = US_NEW_ARRAY(g->cx->mem, int64_t, US_RPT_COUNTED_MAX);
  if (g->counted.v == NULL)
    return us_fail_plain(g->cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < count; i++) {
    if (us_rpt_has_id(g->counted, list[i].grant_id))
      continue;
    enum us_code code = us_grants_use(g->cx, list[i].grant_id, list[i].uses);
    *ret_all = code != US_E_CONFLICT;
    if (code == US_E_CONFLICT) {
      us_error_clear(g->cx);
      return US_OK;
    }
    US_TRY(code);
    g->counted.v[g->counted.n++] = list[i].grant_id;
  }
  *ret_all = true;
  return US_OK;
}
