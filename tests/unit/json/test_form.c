/* Forms and percent-encoding (json/field.h): strict decoding (HT-21), repeats, the limit on parameters. */
#include <stdio.h>

#include "../unit.h"
#include "base/buf.h"
#include "json/field.h"

static struct us_params parsed(struct us_cx *cx, const char *text) {
  struct us_params params = {NULL, 0};
  if (us_form_parse(cx, unit_str(text), &params) != US_OK)
    fail_msg("%s: %s", text, cx->err.text.p);
  return params;
}

static void decodes_names_and_values(void **state) {
  struct us_cx *cx = *state;
  struct us_params p = parsed(cx, "a=1&b%20c=%C3%a9+x%2B&empty=&bare&&d==e=&%26=%3D&");
  assert_int_equal(p.n, 6);
  assert_str(us_params_get(&p, "a"), "1");
  assert_str(us_params_get(&p, "b c"), "\xC3\xA9 x+");
  assert_str(us_params_get(&p, "empty"), "");
  assert_str(us_params_get(&p, "bare"), "");
  assert_str(us_params_get(&p, "d"), "=e=");
  assert_str(us_params_get(&p, "&"), "=");
  assert_null(us_params_get(&p, "A").p);
  assert_str(us_params_get_nocase(&p, "A"), "1");
  assert_null(us_params_get_nocase(&p, "no").p);
  for (size_t i = 0; i < p.n; i++) {
    assert_int_equal(p.v[i].name.p[p.v[i].name.n], '\0');
    assert_int_equal(p.v[i].value.p[p.v[i].value.n], '\0');
  }
  assert_int_equal(parsed(cx, "").n, 0);
  assert_int_equal(parsed(cx, "&&&").n, 0);
  struct us_params none;
  assert_int_equal(us_form_parse(cx, US_STR_ABSENT, &none), US_OK);
  assert_int_equal(none.n, 0);
}

/* HT-21 */
static void bad_encoding_is_refused(void **state) {
  struct us_cx *cx = *state;
  static const char *const bad[] = {"a=%",    "a=%4",    "a=%GG",  "a=%4G",  "a=%00", "%00=1",
                                    "a=%C3",  "a=%FF",   "a=\xFF", "%C0%80", "a=%-1", "a=%ED%A0%80",
                                    "a=%%41", "a=1&b=%", "%=1",    "a=% 1",  "a=%4&b"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct us_params params;
    assert_int_equal(us_form_parse(cx, unit_str(bad[i]), &params), US_E_INVALID_REQUEST);
  }
  struct us_params params;
  assert_int_equal(us_form_parse(cx, (struct us_str){"a=b\0c", 5}, &params), US_E_INVALID_REQUEST);
}

static void a_repeated_parameter_is_refused_and_named_cleanly(void **state) {
  struct us_cx *cx = *state;
  struct us_params params;
  assert_int_equal(us_form_parse(cx, US_STR("a=1&b=2&%61=1"), &params), US_E_INVALID_REQUEST);
  assert_str(cx->err.text, "Multiple values provided for the single-valued request parameter 'a'");
  assert_int_equal(us_form_parse(cx, US_STR("a=&a="), &params), US_E_INVALID_REQUEST);
  assert_int_equal(us_form_parse(cx, US_STR("x%22%0D%0A%C3%A9=1&x%22%0D%0A%C3%A9=1"), &params), US_E_INVALID_REQUEST);
  assert_str(cx->err.text, "Multiple values provided for the single-valued request parameter 'x????"
                           "?'");
  assert_int_equal(us_form_parse(cx, US_STR("a=1&A=2"), &params), US_OK);
}

static void parameters_have_a_limit(void **state) {
  struct us_cx *cx = *state;
  struct us_buf b;
  us_buf_init(&b, 10000);
  for (int i = 0; i < US_FORM_MAX_PARAMS; i++)
    us_buf_addf(&b, "p%d=%d&", i, i);
  struct us_params params;
  assert_int_equal(us_form_parse(cx, us_buf_str(&b), &params), US_OK);
  assert_int_equal(params.n, US_FORM_MAX_PARAMS);
  assert_str(us_params_get(&params, "p127"), "127");
  us_buf_add_c(&b, "more");
  assert_int_equal(us_form_parse(cx, us_buf_str(&b), &params), US_E_INVALID_REQUEST);
  us_buf_done(&b);
}

static void a_path_segment_is_decoded_once(void **state) {
  struct us_cx *cx = *state;
  struct us_str out;
  assert_true(us_percent_decode(cx->mem, US_STR("a%252F+%7e"), false, &out));
  assert_str(out, "a%2F+~");
  assert_true(us_percent_decode(cx->mem, US_STR("a+b"), true, &out));
  assert_str(out, "a b");
  assert_true(us_percent_decode(cx->mem, US_STR(""), false, &out));
  assert_str(out, "");
  static const char *const bad[] = {"%", "%2", "%zz", "%00", "a%", "%E2%82", "\x80"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_false(us_percent_decode(cx->mem, unit_str(bad[i]), false, &out));
}

static void encoding_is_undone_by_decoding(void **state) {
  struct us_cx *cx = *state;
  char all[127];
  for (int c = 1; c < 128; c++)
    all[c - 1] = (char)c;
  struct us_str encoded = us_percent_encode(cx->mem, (struct us_str){all, sizeof all}), decoded;
  assert_true(us_percent_decode(cx->mem, encoded, true, &decoded));
  assert_int_equal(decoded.n, sizeof all);
  assert_memory_equal(decoded.p, all, sizeof all);
  assert_str(us_percent_encode(cx->mem, US_STR("aZ0-._~ /\xC3\xA9")), "aZ0-._~%20%2F%C3%A9");
}

static void no_memory_is_its_own_code(void **state) {
  (void)state;
  struct us_cx *cx = unit_cx_new(1);
  struct us_params params;
  struct us_str out;
  assert_int_equal(us_form_parse(cx, US_STR("a=1"), &params), US_E_NO_MEMORY);
  assert_false(us_percent_decode(cx->mem, US_STR("a"), false, &out));
  assert_null(us_percent_encode(cx->mem, US_STR("a")).p);
  unit_cx_free(cx);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      UNIT_WITH_CX(decodes_names_and_values),
      UNIT_WITH_CX(bad_encoding_is_refused),
      UNIT_WITH_CX(a_repeated_parameter_is_refused_and_named_cleanly),
      UNIT_WITH_CX(parameters_have_a_limit),
      UNIT_WITH_CX(a_path_segment_is_decoded_once),
      UNIT_WITH_CX(encoding_is_undone_by_decoding),
      cmocka_unit_test(no_memory_is_its_own_code),
  };
  return UNIT_RUN(tests);
}
