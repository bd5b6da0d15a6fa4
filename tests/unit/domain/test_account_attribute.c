/* The table of profile attributes that accounts have. */
#include "../unit.h"

#include "domain/account.h"

static const struct us_account alice = {
    .name = {"alice", 5},
    .mail = {"alice@example.net", 17},
    .family_name = {"Ash", 3},
    .given_name = {"", 0},
    .locale = {"de-CH", 5},
};

static void an_attribute_is_found_by_its_name_without_case(void **state) {
  assert_true(us_str_eq_c(us_account_attribute(&alice, US_STR("uid")), "alice"));
  assert_true(us_str_eq_c(us_account_attribute(&alice, US_STR("mail")), "alice@example.net"));
  assert_true(us_str_eq_c(us_account_attribute(&alice, US_STR("SN")), "Ash"));
  assert_true(us_str_eq_c(us_account_attribute(&alice, US_STR("preferredLanguage")), "de-CH"));
  assert_true(us_str_eq_c(us_account_attribute(&alice, US_STR("preferredlocale")), "de-CH"));
}

static void no_value_and_no_such_attribute_are_absent(void **state) {
  assert_null(us_account_attribute(&alice, US_STR("givenName")).p);
  assert_null(us_account_attribute(&alice, US_STR("inetOrgPerson")).p);
  assert_null(us_account_attribute(&alice, US_STR("password_hash")).p);
  assert_null(us_account_attribute(&alice, US_STR("")).p);
  assert_true(us_account_has_attribute(US_STR("givenname")));
  assert_false(us_account_has_attribute(US_STR("inetOrgPerson")));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_attribute_is_found_by_its_name_without_case),
      cmocka_unit_test(no_value_and_no_such_attribute_are_absent),
  };
  return UNIT_RUN(tests);
}
