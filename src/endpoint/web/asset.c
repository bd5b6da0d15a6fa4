/* Files of the pages: see asset.h. */
#include "endpoint/web/asset.h"

struct us_str us_asset_path(struct us_cx *cx, const struct us_asset *asset) {
  return us_str_fmt(cx->mem, "%.*s/XUI/assets/%s", US_STR_ARG(cx->svc->context_path), asset->name);
}

enum us_code us_ep_asset(struct us_call *call) {
  static const struct us_asset *const assets[] = {&us_asset_style, &us_asset_logo};
  for (size_t i = 0; i < sizeof(assets) / sizeof(assets[0]); i++) {
    if (!us_str_eq_c(call->params[0], assets[i]->name))
      continue;
    us_answer_empty(call, 200);
    us_buf_add_str(&call->response->body, assets[i]->bytes);
    us_answer_header(call, "Content-Type", us_str_c(assets[i]->type));
    us_answer_header(call, "Cache-Control", US_STR("public, max-age=31536000, immutable"));
    return US_OK;
  }
  return us_fail_plain(&call->cx, US_E_NOT_FOUND);
}
