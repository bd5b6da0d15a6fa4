/* base/error.h: one error, made once; recording it must work without memory. */
#include "../unit.h"
#include "base/error.h"
#include "base/log.h"

static void records_code_and_text(void **state) {
  struct us_cx *cx = *state;
  assert_int_equal(us_fail(cx, US_E_INVALID_SCOPE, "scope '%s' is not registered", "fly"), US_E_INVALID_SCOPE);
  assert_int_equal(cx->err.code, US_E_INVALID_SCOPE);
  assert_str(cx->err.text, "scope 'fly' is not registered");
  assert_null(cx->err.detail.p);
}

static void a_new_error_replaces_all_of_the_old(void **state) {
  struct us_cx *cx = *state;
  us_fail(cx, US_E_NOT_FOUND, "no row");
  us_error_detail(cx, "table x");
  cx->err.retry_after_s = 5;
  cx->err.keeps_writes = true;
  us_fail(cx, US_E_INVALID_GRANT, "was: %.*s", US_STR_ARG(cx->err.text));
  assert_str(cx->err.text, "was: no row");
  assert_null(cx->err.detail.p);
  assert_int_equal(cx->err.retry_after_s, 0);
  assert_false(cx->err.keeps_writes);
  assert_int_equal(us_fail_plain(cx, US_E_CONFLICT), US_E_CONFLICT);
  assert_null(cx->err.text.p);
  us_error_clear(cx);
  assert_int_equal(cx->err.code, US_OK);
}

static void details_add_up_and_keep_the_code(void **state) {
  struct us_cx *cx = *state;
  us_fail_plain(cx, US_E_STORE);
  assert_int_equal(us_error_detail(cx, "disk %d", 1), US_E_STORE);
  assert_int_equal(us_error_detail(cx, "tried twice"), US_E_STORE);
  assert_str(cx->err.detail, "disk 1; tried twice");
}

static void records_the_code_without_memory(void **state) {
  (void)state;
  struct us_cx *cx = unit_cx_new(1);
  assert_int_equal(us_fail(cx, US_E_NO_MEMORY, "used %d bytes", 1), US_E_NO_MEMORY);
  assert_int_equal(cx->err.code, US_E_NO_MEMORY);
  assert_null(cx->err.text.p);
  assert_int_equal(us_error_detail(cx, "more"), US_E_NO_MEMORY);
  assert_null(cx->err.detail.p);
  unit_cx_free(cx);
}

static void cuts_long_texts_between_characters(void **state) {
  struct us_cx *cx = *state;
  char text[2001];
  for (size_t i = 0; i < 2000; i += 2)
    memcpy(text + i, "\xC3\xA9", 2);
  text[2000] = '\0';
  us_fail(cx, US_E_INVALID_REQUEST, "x%s", text);
  assert_int_equal(cx->err.text.n, 1023);
  assert_true(us_str_is_utf8(cx->err.text));
  us_fail(cx, US_E_INVALID_REQUEST, "%s", text);
  assert_int_equal(cx->err.text.n, 1022);
  assert_true(us_str_is_utf8(cx->err.text));
}

static enum us_code fails_below(struct us_cx *cx) {
  return us_fail(cx, US_E_CONFLICT, "taken");
}

static enum us_code passes_on(struct us_cx *cx, bool *reached) {
  US_TRY(fails_below(cx));
  *reached = true;
  return US_OK;
}

static void try_passes_on_untouched(void **state) {
  struct us_cx *cx = *state;
  bool reached = false;
  assert_int_equal(passes_on(cx, &reached), US_E_CONFLICT);
  assert_false(reached);
  assert_str(cx->err.text, "taken");
}

static void every_code_has_a_full_row(void **state) {
  (void)state;
  for (int code = 0; code < US_CODE_COUNT; code++) {
    assert_non_null(us_code_name((enum us_code)code));
    assert_non_null(us_code_oauth((enum us_code)code));
    assert_string_not_equal(us_status_reason(us_code_status((enum us_code)code)), "Unknown");
    assert_in_range(us_code_log_level((enum us_code)code), US_LOG_DEBUG, US_LOG_ERROR);
    /* A code that is an error has an OAuth name, and a server error is logged as one or has a reason not to be. */
    assert_true(code == US_OK || us_code_oauth((enum us_code)code)[0] != '\0');
  }
  assert_string_equal(us_code_name(US_E_NOT_FOUND), "E_NOT_FOUND");
  assert_int_equal(us_code_status(US_E_NEED_INFO), 403);
  assert_string_equal(us_code_oauth(US_E_INVALID_GRANT), "invalid_grant");
  assert_int_equal(us_code_log_level(US_E_STORE), US_LOG_ERROR);
  assert_int_equal(us_code_status(US_CODE_COUNT), 500);
}

static void reasons_are_those_of_common_rest(void **state) {
  (void)state;
  static const int statuses[] = {200, 201, 204, 302, 303, 304, 400, 401, 403, 404, 405, 406, 408, 409,
                                 410, 412, 413, 414, 415, 417, 428, 429, 431, 500, 501, 503, 505};
  for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
    assert_string_not_equal(us_status_reason(statuses[i]), "Unknown");
  assert_string_equal(us_status_reason(404), "Not Found");
  assert_string_equal(us_status_reason(412), "Precondition Failed");
  assert_string_equal(us_status_reason(428), "Precondition Required");
  assert_string_equal(us_status_reason(503), "Service Unavailable");
  assert_string_equal(us_status_reason(299), "Unknown");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      UNIT_WITH_CX(records_code_and_text),
      UNIT_WITH_CX(a_new_error_replaces_all_of_the_old),
      UNIT_WITH_CX(details_add_up_and_keep_the_code),
      cmocka_unit_test(records_the_code_without_memory),
      UNIT_WITH_CX(cuts_long_texts_between_characters),
      UNIT_WITH_CX(try_passes_on_untouched),
      cmocka_unit_test(every_code_has_a_full_row),
      cmocka_unit_test(reasons_are_those_of_common_rest),
  };
  return UNIT_RUN(tests);
}
