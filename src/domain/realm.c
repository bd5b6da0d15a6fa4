/* Administration of realms: see realm.h. */
#include "domain/realm.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "crypto/box.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "domain/cascade.h"
#include "domain/settings.h"
#include "domain/signing_key.h"
#include "domain/snapshot.h"
#include "store/realms.h"

#define US_REALM_NAME_MAX 64
#define US_REALM_DEPTH_MAX 8

/* One level's name: what can stand in a URL as it is, and cannot be taken for the words of the realm syntax. */
static bool is_name_ok(struct us_str name) {
  if (name.n == 0 || name.n > US_REALM_NAME_MAX || us_str_eq_nocase(name, US_STR("root")) ||
      us_str_eq_nocase(name, US_STR("realms")) || name.p[0] == '.')
    return false;
  for (size_t i = 0; i < name.n; i++) {
    char c = name.p[i];
    bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!is_plain && (c == '\0' || strchr("-._~", c) == NULL))
      return false;
  }
  return true;
}

/* "/a/b": *ret_parent becomes "/a"; absent for "/". */
static bool split_path(struct us_str path, struct us_str *ret_parent) {
  size_t depth = 0, start = 1, last = 0;
  *ret_parent = US_STR_ABSENT;
  if (us_str_eq_c(path, "/"))
    return true;
  if (path.n < 2 || path.p[0] != '/')
    return false;
  for (size_t i = 1; i <= path.n; i++) {
    if (i < path.n && path.p[i] != '/')
      continue;
    if (++depth > US_REALM_DEPTH_MAX || !is_name_ok((struct us_str){path.p + start, i - start}))
      return false;
    last = start - 1;
    start = i + 1;
  }
  *ret_parent = last == 0 ? US_STR("/") : (struct us_str){path.p, last};
  return true;
}

static enum us_code add_first_key(struct us_cx *cx, int64_t realm_id, struct us_str jwk, enum us_alg alg) {
  struct us_settings defaults;
  if (!us_settings_init(cx->mem, &defaults))
    return us_fail_plain(cx, US_E_NO_MEMORY);
  struct us_signing_key_new key = {
      .realm_id = realm_id, .token_s = defaults.id_token_s, .private_jwk = jwk, .wanted = alg};
  return us_signing_key_add(cx, &key);
}

/* With the first realm the store gets the key under which its texts are sealed (domain/seal.h). */
static enum us_code need_store_key(struct us_cx *cx) {
  uint8_t bytes[US_SHA256_BYTES];
  char text[US_SHA256_TEXT_BYTES];
  us_random(bytes, sizeof(bytes));
  size_t n = us_base64url_encode(bytes, sizeof(bytes), text);
  struct us_str sealed;
  enum us_code code = us_box_seal(cx, cx->svc->box, US_STORE_KEY_PLACE, (struct us_str){text, n}, &sealed);
  if (code == US_OK)
    code = us_store_key_row_put(cx, sealed);
  explicit_bzero(bytes, sizeof(bytes));
  explicit_bzero(text, sizeof(text));
  return code;
}

enum us_code us_realm_create(struct us_cx *cx, struct us_str path, bool has_oauth, bool has_uma,
                             struct us_str rs256_jwk, struct us_str es256_jwk, int64_t *ret_id) {
  struct us_str parent;
  struct us_realm_row above = {0};
  struct us_realm_row row = {.id = us_next_id(cx), .path = path, .has_oauth = has_oauth, .has_uma = has_uma};
  if (!split_path(path, &parent))
    return us_fail(cx, US_E_INVALID_REQUEST,
                   "A realm is named by a path like /alpha or /north/oslo (letters, digits, - . _ ~)");
  if (parent.p != NULL) {
    enum us_code code = us_realm_row_by_path(cx, parent, &above);
    if (code == US_E_NOT_FOUND)
      return us_fail(cx, US_E_INVALID_REQUEST, "The realm above it does not exist");
    US_TRY(code);
  }
  US_TRY(us_realm_row_insert(cx, &row));
  US_TRY(need_store_key(cx));
  US_TRY(add_first_key(cx, row.id, rs256_jwk, US_ALG_RS256));
  US_TRY(add_first_key(cx, row.id, es256_jwk, US_ALG_ES256));
  US_TRY(us_config_bump(cx));
  *ret_id = row.id;
  return US_OK;
}

enum us_code us_realm_delete(struct us_cx *cx, const struct us_realm *realm) {
  bool has_children = false;
  if (us_str_eq_c(realm->path, "/"))
    return us_fail(cx, US_E_CONFLICT, "The top-level realm cannot be deleted");
  US_TRY(us_realm_row_has_children(cx, realm->path, &has_children));
  if (has_children)
    return us_fail(cx, US_E_CONFLICT, "There are realms below it");
  US_TRY(us_realm_row_delete(cx, realm->id));
  US_TRY(us_config_bump(cx));
  return us_cascade_realm(cx, realm->id);
}

enum us_code us_realm_rotate_key(struct us_cx *cx, const struct us_realm *realm, struct us_str private_jwk,
                                 int64_t wait_s) {
  struct us_signing_key_new key = {
      .realm_id = realm->id, .token_s = realm->settings.id_token_s, .private_jwk = private_jwk, .wait_s = wait_s};
  if (wait_s < 0 || wait_s > US_SIGNING_KEY_WAIT_MAX_S)
    return us_fail(cx, US_E_INVALID_REQUEST, "A key can wait for 0 to %d seconds", US_SIGNING_KEY_WAIT_MAX_S);
  return us_signing_key_add(cx, &key);
}

enum us_code us_setting_set(struct us_cx *cx, const struct us_realm *realm, struct us_str name, struct us_str value) {
  const struct us_setting *row = us_setting_find(name);
  struct us_settings scratch = realm->settings;
  if (row == NULL && us_setting_is_retired(name)) {
    us_log(US_LOG_WARN, "setting", "%.*s means nothing any more; ignored", US_STR_ARG(name));
    return US_OK;
  }
  if (row == NULL)
    return us_fail(cx, US_E_INVALID_REQUEST, "There is no setting of this name");
  const char *problem = us_setting_parse(cx->mem, row, value, &scratch);
  if (problem != NULL)
    return us_fail(cx, US_E_INVALID_REQUEST, "%s: %s", row->name, problem);
  /* Stored as we would print it; a value that is the default needs no row. */
  struct us_str text = us_setting_print(cx->mem, row, &scratch);
  if (text.p == NULL || us_mem_is_spent(cx->mem))
    return us_fail_plain(cx, US_E_NO_MEMORY);
  if (us_str_eq_c(text, row->default_value))
    US_TRY(us_setting_row_delete(cx, realm->id, us_str_c(row->name)));
  else
    US_TRY(us_setting_row_put(cx, realm->id, us_str_c(row->name), text));
  US_TRY(us_config_bump(cx));
  if (scratch.id_token_s > realm->settings.id_token_s)
    US_TRY(us_signing_key_row_stretch(cx, realm->id, scratch.id_token_s));
  bool means_others = !us_str_eq(scratch.username_attribute, realm->settings.username_attribute);
  return means_others ? us_cascade_names(cx, realm->id) : US_OK;
}

enum us_code us_settings_each(struct us_cx *cx, const struct us_realm *realm, us_setting_fn each, void *self) {
  for (size_t i = 0; i < us_setting_count; i++) {
    const struct us_setting *row = &us_setting_table[i];
    struct us_str value = us_setting_print(cx->mem, row, &realm->settings);
    if (value.p == NULL)
      return us_fail_plain(cx, US_E_NO_MEMORY);
    each(self, row->name, value, us_str_c(row->default_value), row->meaning);
  }
  return US_OK;
}
