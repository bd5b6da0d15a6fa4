/* Subjects of shares: see subject.h. */
#include "domain/subject.h"

#include "base/mem.h"
#include "domain/account.h"
#include "domain/group.h"
#include "domain/snapshot.h"
#include "store/grants.h"

static bool is_group_key(struct us_str text) {
  struct us_str prefix = US_STR(US_SUBJECT_GROUP);
  return text.n >= prefix.n && us_str_eq_nocase((struct us_str){text.p, prefix.n}, prefix);
}

/* A setting that names no attribute is as good as none: the user name. */
static struct us_str name_of(const struct us_settings *settings, const struct us_account *account) {
  struct us_str attribute = settings->username_attribute;
  if (attribute.n == 0 || !us_account_has_attribute(attribute))
    return account->name;
  return us_account_attribute(account, attribute);
}

struct us_str us_subject_own_name(const struct us_settings *settings, const struct us_account *account) {
  struct us_str name = name_of(settings, account);
  return name.n == 0 || is_group_key(name) ? US_STR_ABSENT : name;
}

enum us_code us_subject_own_key(struct us_cx *cx, const struct us_settings *settings, const struct us_account *account,
                                struct us_str *ret_key) {
  struct us_str name = us_subject_own_name(settings, account);
  *ret_key = US_STR_ABSENT;
  if (name.p == NULL)
    return US_OK;
  *ret_key = us_str_fold(cx->mem, name);
  return ret_key->p != NULL ? US_OK : us_fail_plain(cx, US_E_NO_MEMORY);
}

enum us_code us_subject_own_key_now(struct us_cx *cx, const struct us_account *account, struct us_str *ret_key) {
  static const struct us_settings nothing_set;
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  const struct us_realm *realm = us_snapshot_realm_by_id(snapshot, account->realm_id);
  enum us_code code = us_subject_own_key(cx, realm != NULL ? &realm->settings : &nothing_set, account, ret_key);
  us_snapshot_unref(snapshot);
  return code;
}

static enum us_code add_group(struct us_cx *cx, void *self, int64_t account_id, struct us_str key) {
  struct us_strs *keys = self;
  (void)account_id;
  if (keys->n == 1 + US_GROUPS_OF_ACCOUNT_MAX) /* no more can be added to; see group.h */
    return US_OK;
  keys->v[keys->n] = us_str_dup(cx->mem, key);
  return keys->v[keys->n++].p != NULL ? US_OK : us_fail_plain(cx, US_E_NO_MEMORY);
}

enum us_code us_subject_keys(struct us_cx *cx, const struct us_settings *settings, const struct us_account *account,
                             struct us_strs *ret_keys) {
  struct us_strs keys = {US_NEW_ARRAY(cx->mem, struct us_str, 1 + US_GROUPS_OF_ACCOUNT_MAX), 0};
  if (keys.v == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_subject_own_key(cx, settings, account, &keys.v[0]));
  keys.n = keys.v[0].p != NULL;
  US_TRY(us_grants_groups_of(cx, account->id, add_group, &keys));
  *ret_keys = keys;
  return US_OK;
}

struct us_str us_subject_group_key(void *mem, struct us_str name) {
  struct us_str key = us_str_fmt(mem, US_SUBJECT_GROUP "%.*s", US_STR_ARG(name));
  return key.p != NULL ? us_str_fold(mem, key) : US_STR_ABSENT;
}
