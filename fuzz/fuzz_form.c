/*
 * Forms and query strings from anybody. Beyond not crashing: what was accepted is valid UTF-8 without NUL, names occur
 * once, and encoding it again gives a form with the same pairs.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "fuzz.h"
#include "json/field.h"

static struct us_str encode(struct us_cx *cx, const struct us_params *params) {
  struct us_strs pairs = {us_mem_array(cx->mem, params->n, sizeof(struct us_str)), 0};
  for (size_t i = 0; i < params->n; i++)
    pairs.v[pairs.n++] = us_str_fmt(cx->mem, "%s=%s", us_percent_encode(cx->mem, params->v[i].name).p,
                                    us_percent_encode(cx->mem, params->v[i].value).p);
  return us_strs_join(cx->mem, pairs, "&");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct us_cx cx = {.mem = us_mem_root_new(US_MEM_REQUEST_POOL_BYTES, US_MEM_REQUEST_MAX_BYTES)};
  struct us_params params, again;
  if (us_form_parse(&cx, (struct us_str){(const char *)data, size}, &params) == US_OK) {
    fuzz_must(us_form_parse(&cx, encode(&cx, &params), &again) == US_OK);
    fuzz_must(again.n == params.n);
    for (size_t i = 0; i < params.n; i++) {
      struct us_param *param = &params.v[i];
      fuzz_must(us_str_is_utf8(param->name) && us_str_is_utf8(param->value));
      fuzz_must(!us_str_has_nul(param->name) && !us_str_has_nul(param->value));
      fuzz_must(us_params_get(&params, param->name.p).p == param->value.p);
      fuzz_must(us_str_eq(again.v[i].name, param->name) && us_str_eq(again.v[i].value, param->value));
    }
  } else
    fuzz_must(fuzz_is_clean(cx.err.text));
  us_mem_free(cx.mem);
  return 0;
}
