/* Work in memory of its own: see cx.h. */
#include "base/cx.h"

#include "base/mem.h"

/* The same error in the memory of who goes on. */
static void bring_along(struct us_cx *cx, const struct us_error *error) {
  cx->err = *error;
  cx->err.text = us_str_dup(cx->mem, error->text);
  cx->err.detail = us_str_dup(cx->mem, error->detail);
  cx->err.extra = us_str_dup(cx->mem, error->extra);
  cx->err.oauth = us_str_dup(cx->mem, error->oauth);
}

enum us_code us_cx_apart(struct us_cx *cx, size_t pool_bytes, size_t max_bytes, us_step_apart_fn step, void *self) {
  struct us_cx apart = *cx;
  apart.err = (struct us_error){0};
  apart.mem = us_mem_root_new(pool_bytes, max_bytes);
  if (apart.mem == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  enum us_code code = step(&apart, self);
  if (code == US_OK && us_mem_is_spent(apart.mem))
    code = us_fail_plain(&apart, US_E_NO_MEMORY);
  if (code != US_OK && apart.err.code != code)
    us_fail_plain(&apart, code);
  if (code != US_OK)
    bring_along(cx, &apart.err);
  us_mem_free(apart.mem);
  return code;
}
