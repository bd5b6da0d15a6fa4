/* Files of the pages: see asset.h. */
#include "endpoint/web/asset.h"

struct us_str us_asset_path(struct us_cx *cx, const struct us_asset *asset) {
  return us_str_fmt(cx->mem, "%.*s/XUI/assets/%s", US_STR_ARG(cx->svc->context_path), asset->name);
}

static void answer(struct us_call *call, const struct us_asset *asset) {
  struct us_str known = us_call_header_list(call, "if-none-match");
  bool is_known = known.p != NULL && us_etag_matches(known, asset->rev);
  us_answer_empty(call, is_known ? 304 : 200);
  if (!is_known) {
    us_buf_add_str(&call->response->body, asset->bytes);
    us_answer_header(call, "Content-Type", us_str_c(asset->type));
  }
  us_answer_etag(call, asset->rev, false);
  us_answer_header(call, "Cache-Control", US_STR("public, max-age=31536000, immutable"));
}

enum us_code us_ep_asset(struct us_call *call) {
  static const struct us_asset *const assets[] = {&us_asset_style, &us_asset_logo};
  for (size_t i = 0; i < sizeof(assets) / sizeof(assets[0]); i++) {
    if (us_str_eq_c(call->params[0], assets[i]->name)) {
      answer(call, assets[i]);
      return US_OK;
    }
  }
  return us_fail_plain(&call->cx, US_E_NOT_FOUND);
}
