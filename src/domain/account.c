/* Accounts: see account.h. Logging in is account_login.c. */
#include "domain/account.h"

#include "domain/cascade.h"
#include "domain/subject.h"
#include "store/accounts.h"
#include "store/groups.h"
#include "store/sessions.h"

#define US_ACCOUNT_NAME_MAX 255
#define US_ACCOUNT_LOCALE_MAX 35
#define FLAW_OF_LOCALE "The locale must be a language tag such as de or de-CH"

enum us_code us_account_by_name(struct us_cx *cx, int64_t realm_id, struct us_str name,
                                struct us_account *ret_account) {
  if (name.n == 0 || name.n > US_ACCOUNT_NAME_MAX)
    return us_fail_plain(cx, US_E_NOT_FOUND);
  struct us_str key = us_str_fold(cx->mem, name);
  if (key.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  return us_account_row_by_name(cx, realm_id, key, ret_account);
}

enum us_code us_account_page(struct us_cx *cx, int64_t realm_id, struct us_str after, int64_t limit,
                             struct us_account **ret_accounts, size_t *ret_count) {
  return us_account_rows_page(cx, realm_id, after, limit, ret_accounts, ret_count);
}

enum us_code us_account_by_id(struct us_cx *cx, int64_t id, struct us_account *ret_account) {
  return us_account_row_by_id(cx, id, ret_account);
}

/* What would be hard to tell apart, to quote or to put into a URL or a universal id is no name. */
const char *us_account_flaw_of_name(struct us_str name) {
  if (name.n == 0)
    return "is empty";
  if (name.n > US_ACCOUNT_NAME_MAX)
    return "is longer than 255 bytes";
  if (!us_str_is_utf8(name))
    return "is not UTF-8";
  for (size_t i = 0; i < name.n; i++) {
    unsigned char c = (unsigned char)name.p[i];
    if (c < 0x20 || c == 0x7f || c == '/' || c == ',' || c == '=' || c == '"' || c == '\\')
      return "has a character that names cannot have";
  }
  if (name.p[0] == ' ' || name.p[name.n - 1] == ' ')
    return "begins or ends with a blank";
  /* "(usr!name)" and "(age!client)" are subjects of tokens, "group:NAME" is a subject of shares (SB-16). */
  if (name.p[0] == '(' || (name.n >= 6 && us_str_eq_nocase((struct us_str){name.p, 6}, US_STR("group:"))))
    return "looks like something that is no user name";
  return NULL;
}

static const struct {
  const char *name;
  size_t offset;
} attributes[] = {
    {"uid", offsetof(struct us_account, name)},
    {"mail", offsetof(struct us_account, mail)},
    {"givenName", offsetof(struct us_account, given_name)},
    {"sn", offsetof(struct us_account, family_name)},
    {"preferredLanguage", offsetof(struct us_account, locale)},
    {"preferredLocale", offsetof(struct us_account, locale)},
};

static const struct us_str *find_attribute(const struct us_account *account, struct us_str name) {
  for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
    if (us_str_eq_nocase(name, us_str_c(attributes[i].name)))
      return (const struct us_str *)(const void *)((const char *)account + attributes[i].offset);
  }
  return NULL;
}

struct us_str us_account_attribute(const struct us_account *account, struct us_str name) {
  const struct us_str *value = find_attribute(account, name);
  return value != NULL && value->n > 0 ? *value : US_STR_ABSENT;
}

bool us_account_has_attribute(struct us_str name) {
  static const struct us_account nobody;
  return find_attribute(&nobody, name) != NULL;
}

/* A language tag as in "de" or "de-CH" (RFC 5646, its shape only); empty is none. */
static bool is_locale(struct us_str text) {
  size_t part = 0, parts = 1;
  for (size_t i = 0; i < text.n; i++) {
    unsigned char c = (unsigned char)text.p[i];
    bool is_letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    bool is_digit = c >= '0' && c <= '9';
    if (c == '-' && part > 0) {
      part = 0;
      parts++;
    } else if ((!is_letter && !(is_digit && parts > 1)) || ++part > 8) {
      return false;
    }
  }
  return text.n == 0 || (part > 0 && text.n >= 2 && text.n <= US_ACCOUNT_LOCALE_MAX);
}

enum us_code us_account_create(struct us_cx *cx, int64_t realm_id, const struct us_account_new *in, int64_t *ret_id) {
  const char *flaw = us_account_flaw_of_name(in->name);
  if (flaw != NULL)
    return us_fail(cx, US_E_INVALID_REQUEST, "The user name %s", flaw);
  if (!is_locale(in->locale))
    return us_fail(cx, US_E_INVALID_REQUEST, FLAW_OF_LOCALE);
  struct us_account account = {
      .id = us_next_id(cx),
      .realm_id = realm_id,
      .name = in->name,
      .name_key = us_str_fold(cx->mem, in->name),
      .password_hash = in->password_hash,
      .mail = in->mail,
      .given_name = in->given_name,
      .family_name = in->family_name,
      .locale = in->locale,
      .is_active = true,
      .is_admin = in->is_admin,
      .rev = 1,
  };
  if (account.name_key.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  bool is_leaving = false;
  US_TRY(us_cascade_holds_name(cx, realm_id, account.name_key, &is_leaving));
  if (is_leaving)
    return us_fail(cx, US_E_CONFLICT, "The shares of a deleted user of this name are still being removed");
  US_TRY(us_account_row_insert(cx, &account));
  *ret_id = account.id;
  return US_OK;
}

enum us_code us_account_delete(struct us_cx *cx, const struct us_account *account) {
  US_TRY(us_account_row_delete(cx, account->id)); /* from here on whatever speaks for it is dead */
  return us_cascade_account(cx, account);
}

/* Sessions go; tokens are too many to be looked for, so the account says from which id on they count. */
static enum us_code end_sessions(struct us_cx *cx, int64_t id) {
  int64_t rows = 0;
  return us_sessions_delete_of_account(cx, id, &rows);
}

enum us_code us_account_set_password(struct us_cx *cx, int64_t id, struct us_str password_hash) {
  US_TRY(us_account_row_set_password(cx, id, password_hash, us_next_id(cx)));
  return end_sessions(cx, id);
}

enum us_code us_account_set_active(struct us_cx *cx, const struct us_account *account, bool is_active) {
  if (account->is_active == is_active)
    return US_OK;
  US_TRY(us_account_row_set_active(cx, account->id, is_active, us_next_id(cx)));
  return end_sessions(cx, account->id);
}

bool us_account_stands_by(const struct us_account *account, int64_t issued_id) {
  return account->is_active && issued_id >= account->valid_from;
}

/* With usernameAttribute shares may mean the person by what has just changed: access goes with it, as it does with a group. */
static enum us_code follow_subject(struct us_cx *cx, const struct us_account *before, const struct us_account *after) {
  struct us_str keys[2];
  US_TRY(us_subject_own_key_now(cx, before, &keys[0]));
  US_TRY(us_subject_own_key_now(cx, after, &keys[1]));
  if (us_str_eq(keys[0], keys[1]))
    return US_OK;
  US_TRY(us_groups_touch_account(cx, after->id));
  for (size_t i = 0; i < 2; i++) {
    if (keys[i].n > 0)
      US_TRY(us_cascade_member(cx, after->id, keys[i]));
  }
  return US_OK;
}

enum us_code us_account_update(struct us_cx *cx, const struct us_account *account, const struct us_account_new *in) {
  struct us_account changed = *account;
  if (!is_locale(in->locale))
    return us_fail(cx, US_E_INVALID_REQUEST, FLAW_OF_LOCALE);
  const struct {
    struct us_str in, *out;
  } members[] = {{in->mail, &changed.mail},
                 {in->given_name, &changed.given_name},
                 {in->family_name, &changed.family_name},
                 {in->locale, &changed.locale}};
  for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
    if (members[i].in.p != NULL)
      *members[i].out = members[i].in.n > 0 ? members[i].in : US_STR_ABSENT;
  }
  US_TRY(us_account_row_update(cx, &changed));
  return follow_subject(cx, account, &changed);
}

struct us_str us_account_universal_id(struct us_cx *cx, struct us_str realm_path, struct us_str name) {
  struct us_str text = us_str_fmt(cx->mem, "id=%.*s,ou=user", US_STR_ARG(name));
  if (realm_path.n <= 1)
    return us_str_fmt(cx->mem, "%.*s,ou=services,dc=usher", US_STR_ARG(text));
  /* "/north/oslo" is o=oslo,ou=services,o=north,ou=services: the innermost first, as directories write it. */
  size_t end = realm_path.n;
  for (size_t i = realm_path.n; i-- > 0;) {
    if (realm_path.p[i] != '/')
      continue;
    text = us_str_fmt(cx->mem, "%.*s,o=%.*s,ou=services", US_STR_ARG(text), (int)(end - i - 1), realm_path.p + i + 1);
    end = i;
  }
  return us_str_fmt(cx->mem, "%.*s,dc=usher", US_STR_ARG(text));
}
