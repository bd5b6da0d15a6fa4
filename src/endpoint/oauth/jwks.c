/* The public keys of a realm (protocol contract 8.4): active ones, and retired ones while something they signed is alive. */
#include "endpoint/oauth/oauth.h"

#include "crypto/key.h"

enum us_code us_ep_jwks(struct us_call *call) {
  const struct us_realm *realm = call->realm;
  struct us_json_writer w;
  us_answer_json(call, 200, &w);
  us_json_open(&w, '{');
  us_json_name(&w, "keys");
  us_json_open(&w, '[');
  for (size_t i = 0; i < realm->key_count; i++) {
    const struct us_realm_key *key = &realm->keys[i];
    if (key->is_active || key->verifies_until_s >= us_cx_now_s(&call->cx))
      us_json_raw(&w, us_key_public_jwk(key->key));
  }
  us_json_close(&w, ']');
  us_json_close(&w, '}');
  return US_OK;
}
