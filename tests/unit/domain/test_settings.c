/* The table of settings: sound by itself, and every value prints as it is read. */
#include "../unit.h"

#include <stdio.h>

#include "domain/settings.h"

static struct us_settings defaults(struct us_cx *cx) {
  struct us_settings settings;
  assert_true(us_settings_init(cx->mem, &settings));
  return settings;
}

static const char *set(struct us_cx *cx, struct us_settings *settings, const char *name, const char *value) {
  const struct us_setting *row = us_setting_find(unit_str(name));
  assert_non_null(row);
  return us_setting_parse(cx->mem, row, unit_str(value), settings);
}
static struct us_str get(struct us_cx *cx, const struct us_settings *settings, const char *name) {
  return us_setting_print(cx->mem, us_setting_find(unit_str(name)), settings);
}

static size_t size_of(const struct us_setting *row) {
  switch (row->kind) {
  case US_SETTING_INT:
    return sizeof(int64_t);
  case US_SETTING_BOOL:
    return sizeof(bool);
  case US_SETTING_TEXT:
  case US_SETTING_JSON:
    return sizeof(struct us_str);
  case US_SETTING_LIST:
    return sizeof(struct us_strs);
  case US_SETTING_ENUM:
  case US_SETTING_SET:
    return strcmp(row->name, "crestQueryErrors") == 0 ? sizeof(bool) : sizeof(int);
  }
  return 0;
}

/* The table is walked: names and slots are unique, limits make sense, the default is a value. */
static void every_row_is_sound(void **state) {
  struct us_cx *cx = *state;
  char owner[sizeof(struct us_settings)] = {0};
  for (size_t i = 0; i < us_setting_count; i++) {
    const struct us_setting *row = &us_setting_table[i];
    assert_ptr_equal(us_setting_find(unit_str(row->name)), row);
    assert_non_null(row->meaning);
    assert_true(strlen(row->meaning) > 10);
    assert_true(row->offset + size_of(row) <= sizeof(struct us_settings));
    for (size_t b = 0; b < size_of(row); b++) {
      assert_int_equal(owner[row->offset + b], 0);
      owner[row->offset + b] = 1;
    }
    if (row->kind == US_SETTING_INT)
      assert_true(row->min <= row->max);
    if (row->kind == US_SETTING_TEXT || row->kind == US_SETTING_LIST || row->kind == US_SETTING_JSON)
      assert_true(row->max > 0);
    assert_int_equal(row->kind == US_SETTING_ENUM || row->kind == US_SETTING_SET, row->words != NULL);
    struct us_settings settings = defaults(cx);
    assert_null(us_setting_parse(cx->mem, row, unit_str(row->default_value), &settings));
    assert_str(us_setting_print(cx->mem, row, &settings), row->default_value);
  }
}

/* Protocol contract 9, design 6. */
static void defaults_are_those_of_the_contract(void **state) {
  struct us_cx *cx = *state;
  struct us_settings s = defaults(cx);
  assert_int_equal(s.permission_ticket_s, 120);
  assert_true(s.delete_policies_on_delete_rs && s.delete_resource_sets_on_delete_rs && s.pending_requests);
  assert_true(s.mail_owner_on_pending && s.mail_party_on_approval && s.owner_implicit_consent);
  assert_str(s.locale_attribute, "inetOrgPerson");
  assert_int_equal(s.resharing, US_RESHARING_IMPLICIT);
  assert_int_equal(s.rpt_conditions, US_RPT_REQUEST_PARTIAL | US_RPT_REQUEST_NONE | US_RPT_TICKET_PARTIAL);
  assert_str(s.username_attribute, "");
  assert_false(s.warn_confusable_usernames || s.interactive_claims || s.require_if_match || s.allow_plain_pkce);
  assert_str(s.claims_gathering_service, "[Empty]");
  assert_int_equal(s.pct_s, 604800);
  assert_true(s.claim_token_audience && s.revoke_rpt_on_policy_change && s.introspect_rpt_identity);
  assert_int_equal(s.access_token_s, 3600);
  assert_int_equal(s.refresh_token_s, 604800);
  assert_int_equal(s.refresh_idle_s, 0);
  assert_int_equal(s.code_s, 120);
  assert_int_equal(s.id_token_s, 3600);
  assert_true(s.issue_refresh_token && s.issue_refresh_token_on_refresh);
  assert_int_equal(s.code_verifier_enforced, US_VERIFIER_PUBLIC);
  assert_int_equal(s.supported_scopes.n, 0);
  assert_int_equal(s.default_scopes.n, 0);
  assert_false(s.introspect_query_token || s.strict_client_auth_method || s.second_factor || s.crest_errors_rfc);
  assert_int_equal(s.failures_per_account, 10);
  assert_int_equal(s.failures_per_address, 50);
  assert_int_equal(s.failures_window_s, 300);
  assert_true(s.csrf_filter);
  assert_int_equal(s.session_idle_s, 1800);
  assert_int_equal(s.session_max_s, 7200);
  /* dynamic registration: the product's; docs/adr/0025 */
  assert_false(s.open_registration || s.requires_software_statement);
  assert_true(s.generates_registration_tokens);
  assert_str(s.registration_token_scope, "dynamic_client_registration");
  assert_int_equal(s.software_attested.n, 1);
  assert_str(s.software_attested.v[0], "redirect_uris");
  assert_int_equal(s.registration_scopes.n + s.software_issuers.n, 0);
  assert_int_equal(s.registrations_per_address, 100);
  assert_int_equal(s.registrations_per_realm, 1000);
  assert_int_equal(s.registrations_window_s, 60);
  assert_int_equal(s.registered_clients_max, 10000);
}

static void numbers_have_limits(void **state) {
  struct us_cx *cx = *state;
  struct us_settings s = defaults(cx);
  assert_null(set(cx, &s, "permissionTicketLifetime", "1"));
  assert_int_equal(s.permission_ticket_s, 1);
  assert_null(set(cx, &s, "permissionTicketLifetime", "86400"));
  assert_int_equal(s.permission_ticket_s, 86400);
  static const char *const bad[] = {
      "0", "86401", "-1", "", "1s", " 1", "1.5", "9223372036854775808", "99999999999999999999"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    assert_non_null(set(cx, &s, "permissionTicketLifetime", bad[i]));
  assert_int_equal(s.permission_ticket_s, 86400); /* what is refused changes nothing */
}

static void truth_is_true_or_false(void **state) {
  struct us_cx *cx = *state;
  struct us_settings s = defaults(cx);
  static const char *const bad[] = {"", "True", "1", "yes", "true "};
  assert_null(set(cx, &s, "pendingRequestsEnabled", "false"));
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    assert_non_null(set(cx, &s, "pendingRequestsEnabled", bad[i]));
  assert_false(s.pending_requests);
}

static void lists_are_sets_with_limits(void **state) {
  struct us_cx *cx = *state;
  struct us_settings s = defaults(cx);
  assert_null(set(cx, &s, "supportedScopes", "a,b,,a,c"));
  assert_int_equal(s.supported_scopes.n, 3);
  assert_str(get(cx, &s, "supportedScopes"), "a,b,c");
  assert_null(set(cx, &s, "supportedScopes", ""));
  assert_int_equal(s.supported_scopes.n, 0);
  char text[8 * 300] = "";
  size_t n = 0;
  for (int i = 0; i < 256; i++)
    n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%d", i ? "," : "", i);
  assert_null(set(cx, &s, "supportedScopes", text));
  assert_int_equal(s.supported_scopes.n, 256);
  snprintf(text + n, sizeof(text) - n, ",x");
  assert_non_null(set(cx, &s, "supportedScopes", text));
  char item[US_SETTING_LIST_ITEM_MAX + 2];
  memset(item, 'x', sizeof(item));
  item[US_SETTING_LIST_ITEM_MAX] = '\0';
  assert_null(set(cx, &s, "defaultScopes", item));
  item[US_SETTING_LIST_ITEM_MAX] = 'x';
  item[US_SETTING_LIST_ITEM_MAX + 1] = '\0';
  assert_non_null(set(cx, &s, "defaultScopes", item));
  assert_non_null(set(cx, &s, "defaultScopes", "a\nb"));
}

static void texts_have_limits(void **state) {
  struct us_cx *cx = *state;
  struct us_settings s = defaults(cx);
  char text[257];
  memset(text, 'x', sizeof(text));
  text[255] = '\0';
  assert_null(set(cx, &s, "usernameAttribute", text));
  assert_int_equal(s.username_attribute.n, 255);
  text[255] = 'x';
  text[256] = '\0';
  assert_non_null(set(cx, &s, "usernameAttribute", text));
  assert_non_null(set(cx, &s, "usernameAttribute", "a\xff"));
  assert_non_null(set(cx, &s, "usernameAttribute", "a\x01"));
}

static void objects_are_json_in_one_line(void **state) {
  struct us_cx *cx = *state;
  struct us_settings s = defaults(cx);
  static const char name[] = "softwareStatementIssuers";
  static const char *const bad[] = {
      "[]", "7", "\"x\"", "null", "{", "{}x", " ", "{\"a\":1,\"a\":2}", "{\"a\":\n1}", "{\"a\":\"\xff\"}"};
  static char text[32770];
  assert_null(set(cx, &s, name, "{\"https://a\":{\"keys\":[]}}"));
  assert_str(get(cx, &s, name), "{\"https://a\":{\"keys\":[]}}");
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    assert_non_null(set(cx, &s, name, bad[i]));
  assert_str(s.software_issuers, "{\"https://a\":{\"keys\":[]}}");
  assert_null(set(cx, &s, name, ""));
  assert_str(get(cx, &s, name), "");
  memset(text, ' ', sizeof(text));
  text[0] = '{';
  text[32767] = '}';
  text[32768] = '\0';
  assert_null(set(cx, &s, name, text));
  text[32767] = ' ';
  text[32768] = '}';
  text[32769] = '\0';
  assert_non_null(set(cx, &s, name, text));
}

static void words_are_those_of_the_product(void **state) {
  struct us_cx *cx = *state;
  struct us_settings s = defaults(cx);
  assert_null(set(cx, &s, "resharingMode", "OFF"));
  assert_int_equal(s.resharing, US_RESHARING_OFF);
  assert_non_null(set(cx, &s, "resharingMode", "off"));
  assert_null(set(cx, &s, "codeVerifierEnforced", "passwordless"));
  assert_str(get(cx, &s, "codeVerifierEnforced"), "passwordless");
  assert_null(set(cx, &s, "grantRptConditions", "TICKET_PARTIAL,REQUEST_NONE"));
  assert_int_equal(s.rpt_conditions, US_RPT_TICKET_PARTIAL | US_RPT_REQUEST_NONE);
  assert_str(get(cx, &s, "grantRptConditions"), "REQUEST_NONE,TICKET_PARTIAL");
  assert_null(set(cx, &s, "grantRptConditions", ""));
  assert_int_equal(s.rpt_conditions, 0);
  assert_str(get(cx, &s, "grantRptConditions"), "");
  static const char *const bad[] = {"REQUEST_ALL", "REQUEST_NONE,", ",REQUEST_NONE", "REQUEST_NONE, TICKET_PARTIAL"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    assert_non_null(set(cx, &s, "grantRptConditions", bad[i]));
  assert_null(set(cx, &s, "crestQueryErrors", "rfc"));
  assert_true(s.crest_errors_rfc);
  assert_str(get(cx, &s, "crestQueryErrors"), "rfc");
}

static void retired_names_are_known_as_such(void **state) {
  static const char *const retired[] = {"rptLifetime", "requireTrustElevation", "supportedUmaProfiles"};
  for (size_t i = 0; i < sizeof(retired) / sizeof(retired[0]); i++) {
    assert_true(us_setting_is_retired(unit_str(retired[i])));
    assert_null(us_setting_find(unit_str(retired[i])));
  }
  assert_false(us_setting_is_retired(US_STR("nope")));
  assert_null(us_setting_find(US_STR("nope")));
  assert_null(us_setting_find(US_STR_ABSENT));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      UNIT_WITH_CX(every_row_is_sound),
      UNIT_WITH_CX(defaults_are_those_of_the_contract),
      UNIT_WITH_CX(objects_are_json_in_one_line),
      UNIT_WITH_CX(numbers_have_limits),
      UNIT_WITH_CX(truth_is_true_or_false),
      UNIT_WITH_CX(lists_are_sets_with_limits),
      UNIT_WITH_CX(texts_have_limits),
      UNIT_WITH_CX(words_are_those_of_the_product),
      cmocka_unit_test(retired_names_are_known_as_such),
  };
  return UNIT_RUN(tests);
}
