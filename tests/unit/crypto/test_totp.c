/* One-time passwords: RFC 6238's own numbers, the window, and what is no code or no secret. */
#include "../unit.h"

#include "crypto/totp.h"

/* "12345678901234567890" */
#define RFC_SECRET US_STR("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")

/* RFC 6238 appendix B, the column SHA1. It prints eight digits; six are their rest by a million (RFC 4226 5.3). */
static const struct {
  int64_t time_s;
  const char *code;
} vectors[] = {
    {59, "94287082"},         {1111111109, "07081804"}, {1111111111, "14050471"},
    {1234567890, "89005924"}, {2000000000, "69279037"}, {INT64_C(20000000000), "65353130"},
};

static void codes_are_those_of_rfc_6238(void **state) {
  char code[US_TOTP_DIGITS + 1];
  for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
    assert_true(us_totp_code(RFC_SECRET, vectors[i].time_s / US_TOTP_STEP_S, code));
    assert_string_equal(code, vectors[i].code + 2);
  }
}

static void a_code_is_right_one_step_early_and_one_late(void **state) {
  int64_t step = -1;
  struct us_str code = US_STR("050471"); /* of step 37037037, from second 1111111110 to 1111111139 */
  assert_true(us_totp_find_step(RFC_SECRET, code, 1111111110, &step));
  assert_int_equal(step, 37037037);
  assert_true(us_totp_find_step(RFC_SECRET, code, 1111111139, &step));
  assert_true(us_totp_find_step(RFC_SECRET, code, 1111111110 - 30, &step));
  assert_int_equal(step, 37037037);
  assert_true(us_totp_find_step(RFC_SECRET, code, 1111111139 + 30, &step));
  assert_int_equal(step, 37037037);
  assert_false(us_totp_find_step(RFC_SECRET, code, 1111111110 - 31, &step));
  assert_false(us_totp_find_step(RFC_SECRET, code, 1111111139 + 31, &step));
}

static void what_is_no_code_is_wrong(void **state) {
  static const char *const wrong[] = {"", "05047", "0504711", "50471", "05047a", " 50471", "050472", "14050471"};
  int64_t step = -1;
  for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
    assert_false(us_totp_find_step(RFC_SECRET, us_str_c(wrong[i]), 1111111111, &step));
  assert_false(us_totp_find_step(RFC_SECRET, US_STR_ABSENT, 1111111111, &step));
  assert_false(us_totp_find_step(RFC_SECRET, (struct us_str){"05047\0", 6}, 1111111111, &step));
  assert_int_equal(step, -1);
}

static void what_is_no_secret_has_no_codes(void **state) {
  static const char much[US_TOTP_SECRET_TEXT_MAX + 2] =
      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  char code[US_TOTP_DIGITS + 1];
  int64_t step = -1;
  assert_false(us_totp_code(US_STR(""), 1, code));
  assert_false(us_totp_code(US_STR_ABSENT, 1, code));
  assert_false(us_totp_code(US_STR("not base32!"), 1, code));
  assert_false(us_totp_code(RFC_SECRET, -1, code));
  assert_true(us_totp_code((struct us_str){much, US_TOTP_SECRET_TEXT_MAX}, 1, code));
  assert_false(us_totp_code((struct us_str){much, US_TOTP_SECRET_TEXT_MAX + 1}, 1, code));
  assert_false(us_totp_find_step(US_STR("not base32!"), US_STR("000000"), 59, &step));
}

static void the_first_step_has_none_before_it(void **state) {
  int64_t step = -1;
  char code[US_TOTP_DIGITS + 1];
  assert_true(us_totp_code(RFC_SECRET, 0, code));
  assert_true(us_totp_find_step(RFC_SECRET, us_str_c(code), 0, &step));
  assert_int_equal(step, 0);
}

static void new_secrets_differ_and_work(void **state) {
  char first[US_TOTP_SECRET_TEXT], second[US_TOTP_SECRET_TEXT], code[US_TOTP_DIGITS + 1];
  us_totp_secret_new(first);
  us_totp_secret_new(second);
  assert_string_not_equal(first, second);
  assert_int_equal(strlen(first), 32);
  assert_true(us_totp_code(us_str_c(first), 1, code));
}

static void the_uri_is_one_that_apps_read(void **state) {
  struct us_cx *cx = *state;
  assert_str(us_totp_uri(cx->mem, US_STR("Usher /alpha"), US_STR("al&ice"), US_STR("ABC")),
             "otpauth://totp/Usher%20%2Falpha:al%26ice?secret=ABC&issuer=Usher%20%2Falpha&algorithm=SHA1&digits=6"
             "&period=30");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(codes_are_those_of_rfc_6238),
      cmocka_unit_test(a_code_is_right_one_step_early_and_one_late),
      cmocka_unit_test(what_is_no_code_is_wrong),
      cmocka_unit_test(what_is_no_secret_has_no_codes),
      cmocka_unit_test(the_first_step_has_none_before_it),
      cmocka_unit_test(new_secrets_differ_and_work),
      UNIT_WITH_CX(the_uri_is_one_that_apps_read),
  };
  return UNIT_RUN(tests);
}
