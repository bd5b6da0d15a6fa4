/*
 * The public keys of a realm (protocol contract 8.4): those that sign, those that will, and those of which something is alive. Others
 * may keep the set for US_JWKS_MAX_AGE_S.
 */
#include "endpoint/oauth/oauth.h"

#include "crypto/key.h"
#include "domain/signing_key.h"

#define KEYS_SHOWN_MAX 1024 /* for the entity tag only */

/* The set changes with the configuration, and when the last thing that a key signed has died. */
static int64_t revision(struct us_call *call) {
  int64_t shown = 0;
  for (size_t i = 0; i < call->realm->key_count; i++)
    shown += us_signing_key_verifies(&call->cx, &call->realm->keys[i]);
  return us_snapshot_config_rev(call->snapshot) * KEYS_SHOWN_MAX + shown % KEYS_SHOWN_MAX;
}

static void write_keys(struct us_call *call) {
  struct us_json_writer w;
  us_answer_json(call, 200, &w);
  us_json_open(&w, '{');
  us_json_name(&w, "keys");
  us_json_open(&w, '[');
  for (size_t i = 0; i < call->realm->key_count; i++) {
    if (us_signing_key_verifies(&call->cx, &call->realm->keys[i]))
      us_json_raw(&w, us_key_public_jwk(call->realm->keys[i].key));
  }
  us_json_close(&w, ']');
  us_json_close(&w, '}');
}

enum us_code us_ep_jwks(struct us_call *call) {
  int64_t rev = revision(call);
  struct us_str known = us_call_header_list(call, "if-none-match");
  if (known.p != NULL && us_etag_matches(known, rev))
    us_answer_empty(call, 304);
  else
    write_keys(call);
  us_answer_etag(call, rev, true);
  us_answer_header(call, "Cache-Control", us_str_fmt(call->cx.mem, "public, max-age=%d", US_JWKS_MAX_AGE_S));
  return US_OK;
}
