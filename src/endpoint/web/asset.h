/*
 * Files of the pages that are built into the program: stylesheet and logo. Their URL has a digest of their bytes in it, so browsers
 * may keep them for ever.
 */
#ifndef USHER_ENDPOINT_WEB_ASSET_H
#define USHER_ENDPOINT_WEB_ASSET_H

#include "endpoint/call.h"

struct us_asset {
  const char *name; /* "usher-3f2a9c0d1b4e5f60.css" */
  const char *type;
  struct us_str bytes;
  int64_t rev; /* for the entity tag: of the digest too */
};
extern const struct us_asset us_asset_style, us_asset_logo; /* made by tools/embed-files */

/* "/am/XUI/assets/usher-3f2a9c0d1b4e5f60.css" */
struct us_str us_asset_path(struct us_cx *cx, const struct us_asset *asset);
enum us_code us_ep_asset(struct us_call *call);

#endif
