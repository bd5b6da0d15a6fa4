/* Secrets at rest under another key: see at_rest.h. */
#include "domain/at_rest.h"

#include "base/mem.h"
#include "crypto/box.h"
#include "domain/account.h"
#include "domain/client_secret.h"
#include "domain/signing_key.h"
#include "domain/snapshot.h"
#include "store/realms.h"
#include "store/secrets.h"

static const char *const prefixes[US_SECRET_KINDS] = {[US_SECRET_SIGNING_KEY] = US_SIGNING_KEY_PLACE,
                                                      [US_SECRET_TOTP] = US_ACCOUNT_TOTP_PLACE,
                                                      [US_SECRET_CLIENT] = US_CLIENT_SECRET_PLACE};

/* Absent in *ret_sealed: it is as it should be. */
static enum us_code seal_anew(struct us_cx *cx, const struct us_at_rest *walk, const char *place, struct us_str text,
                              struct us_str *ret_sealed) {
  struct us_str plain;
  *ret_sealed = US_STR_ABSENT;
  if (us_box_is_of(cx->svc->box, text))
    return US_OK;
  bool is_old = walk->old != NULL && us_box_is_of(walk->old, text);
  US_TRY(us_box_open(cx, is_old ? walk->old : cx->svc->box, place, text, &plain));
  return us_box_seal(cx, cx->svc->box, place, plain, ret_sealed);
}

static enum us_code seal_row(struct us_cx *cx, struct us_at_rest *walk, const struct us_secret_row *row) {
  struct us_str sealed, place = us_str_fmt(cx->mem, "%s%lld", prefixes[walk->kind], (long long)row->id);
  if (place.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(seal_anew(cx, walk, place.p, row->text, &sealed));
  if (sealed.p == NULL)
    return US_OK;
  walk->sealed++;
  return us_secret_row_put(cx, (enum us_secret_kind)walk->kind, row, sealed);
}

static enum us_code seal_store_key(struct us_cx *cx, struct us_at_rest *walk) {
  struct us_str text, sealed;
  enum us_code code = us_store_key_row(cx, &text);
  if (code == US_E_NOT_FOUND) { /* a store without a realm */
    us_error_clear(cx);
    return US_OK;
  }
  US_TRY(code);
  US_TRY(seal_anew(cx, walk, US_STORE_KEY_PLACE, text, &sealed));
  if (sealed.p == NULL)
    return US_OK;
  walk->sealed++;
  return us_store_key_row_replace(cx, sealed);
}

enum us_code us_at_rest_seal(struct us_cx *cx, struct us_at_rest *walk) {
  struct us_secret_row *rows = US_NEW_ARRAY(cx->mem, struct us_secret_row, US_AT_REST_ROWS);
  size_t n = 0;
  if (rows == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  if (walk->kind == US_SECRET_KINDS) {
    US_TRY(seal_store_key(cx, walk));
    walk->is_done = true;
    return us_config_bump(cx);
  }
  US_TRY(us_secret_rows(cx, (enum us_secret_kind)walk->kind, walk->after, US_AT_REST_ROWS, rows, &n));
  for (size_t i = 0; i < n; i++)
    US_TRY(seal_row(cx, walk, &rows[i]));
  walk->after = n < US_AT_REST_ROWS ? 0 : rows[n - 1].id;
  walk->kind += n < US_AT_REST_ROWS;
  return US_OK;
}
