/* Rows of `realm`, `setting` and `signing_key`, and the revision under which all of them are cached (meta.config_rev). */
#ifndef USHER_STORE_REALMS_H
#define USHER_STORE_REALMS_H

#include "model/model.h"
#include "store/sql.h"

enum us_code us_config_rev_read(struct us_cx *cx, int64_t *ret_rev) US_MUST_CHECK;
enum us_code us_config_rev_bump(struct us_cx *cx) US_MUST_CHECK;

/* meta.store_key: random text that never leaves the store, from which keys of ours are derived. US_E_NOT_FOUND (an answer) before the
 * first realm. `put` leaves a key that is there already. */
enum us_code us_store_key_row(struct us_cx *cx, struct us_str *ret_key) US_MUST_CHECK;
enum us_code us_store_key_row_put(struct us_cx *cx, struct us_str key) US_MUST_CHECK;

struct us_realm_row {
  int64_t id;
  struct us_str path;
  bool has_oauth, has_uma;
};
struct us_setting_row {
  int64_t realm_id;
  struct us_str name, value;
};
struct us_signing_key_row {
  int64_t id, realm_id;
  struct us_str alg;
  struct us_str jwk; /* private, sealed */
  bool is_active;
  int64_t created_ms, starts_ms;
  int64_t retired_ms; /* 0: it is active */
  int64_t token_s;
};
/* Whole tables in one statement each, in the order of ids (realms: of paths). Lists end up in cx->mem. */
enum us_code us_realm_rows(struct us_cx *cx, struct us_realm_row **ret_rows, size_t *ret_n) US_MUST_CHECK;
enum us_code us_setting_rows(struct us_cx *cx, struct us_setting_row **ret_rows, size_t *ret_n) US_MUST_CHECK;
enum us_code us_signing_key_rows(struct us_cx *cx, struct us_signing_key_row **ret_rows, size_t *ret_n) US_MUST_CHECK;

/* US_E_NOT_FOUND (an answer). */
enum us_code us_realm_row_by_path(struct us_cx *cx, struct us_str path, struct us_realm_row *ret_row) US_MUST_CHECK;
/* US_E_CONFLICT (an answer) when the path is taken. */
enum us_code us_realm_row_insert(struct us_cx *cx, const struct us_realm_row *row) US_MUST_CHECK;
/* Removes realm, settings and keys. */
enum us_code us_realm_row_delete(struct us_cx *cx, int64_t id) US_MUST_CHECK;
enum us_code us_realm_row_has_children(struct us_cx *cx, struct us_str path, bool *ret_has) US_MUST_CHECK;

enum us_code us_setting_row_put(struct us_cx *cx, int64_t realm_id, struct us_str name,
                                struct us_str value) US_MUST_CHECK;
enum us_code us_setting_row_delete(struct us_cx *cx, int64_t realm_id, struct us_str name) US_MUST_CHECK;

enum us_code us_signing_key_row_insert(struct us_cx *cx,
                                       const struct us_signing_key_row *row) US_MUST_CHECK; /* active */
/* The newest key of `alg` has a successor, which starts at `when_ms`. *ret_id: it; 0: there was none. */
enum us_code us_signing_key_row_retire(struct us_cx *cx, int64_t realm_id, struct us_str alg, int64_t when_ms,
                                       int64_t *ret_id) US_MUST_CHECK;
/* ID tokens of the realm live so long now: those of its keys that sign have signed such ones. */
enum us_code us_signing_key_row_stretch(struct us_cx *cx, int64_t realm_id, int64_t token_s) US_MUST_CHECK;
/* Forgets keys of which everything they signed has been dead for a while: `skew_s` seconds. */
enum us_code us_signing_key_row_forget(struct us_cx *cx, int64_t skew_s, int64_t *ret_rows) US_MUST_CHECK;

#endif
