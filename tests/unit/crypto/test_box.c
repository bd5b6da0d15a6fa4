/* Secrets at rest (conformance SB-15): what opens, and that nothing else does. */
#include "crypto/box.h"

#include "fixture.h"

#define KEY "0123456789abcdef0123456789ABCDEF"
#define OTHER_KEY "0123456789abcdef0123456789ABCDEf"
#define PLACE "signing_key:17"
#define SECRET "{\"kty\":\"EC\",\"d\":\"Tg\"}"

static struct us_box *new_box(struct us_cx *cx, const char *key) {
  struct us_box *box = NULL;
  assert_int_equal(us_box_new(cx, us_str_c(key), &box), US_OK);
  return box;
}

static struct us_str seal(struct us_cx *cx, const struct us_box *box, struct us_str text) {
  struct us_str sealed;
  assert_int_equal(us_box_seal(cx, box, PLACE, text, &sealed), US_OK);
  return sealed;
}

static void refuses(struct us_cx *cx, const struct us_box *box, const char *place, struct us_str sealed) {
  struct us_str text;
  assert_int_equal(us_box_open(cx, box, place, sealed, &text), US_E_STORE);
  assert_true(cx->err.text.n > 0);
  us_error_clear(cx);
}

static void what_was_sealed_opens(void **state) {
  struct us_cx *cx = *state;
  struct us_box *box = new_box(cx, KEY);
  static char large[200 * 1024];
  memset(large, 'x', sizeof(large));
  const struct us_str texts[] = {US_STR(""), US_STR("x"), US_STR(SECRET), US_STR("a\0b"), {large, sizeof(large)}};
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    struct us_str sealed = seal(cx, box, texts[i]), again = seal(cx, box, texts[i]), text;
    assert_true(us_box_is_sealed(sealed));
    assert_false(us_str_eq(sealed, again)); /* a nonce of its own each time */
    assert_int_equal(us_box_open(cx, box, PLACE, sealed, &text), US_OK);
    assert_true(us_str_eq(text, texts[i]));
  }
  assert_null(memmem(seal(cx, box, US_STR(SECRET)).p, seal(cx, box, US_STR(SECRET)).n, "EC", 2));
  us_box_free(box);
}

static void nothing_else_opens(void **state) {
  struct us_cx *cx = *state;
  struct us_box *box = new_box(cx, KEY), *other = new_box(cx, OTHER_KEY);
  struct us_str sealed = seal(cx, box, US_STR(SECRET));
  refuses(cx, other, PLACE, sealed);
  refuses(cx, NULL, PLACE, sealed);
  refuses(cx, box, "signing_key:18", sealed);
  refuses(cx, box, "", sealed);
  for (size_t n = strlen("usher:1:"); n < sealed.n; n++)
    refuses(cx, box, PLACE, (struct us_str){sealed.p, n});
  char *copy = us_mem_alloc(cx->mem, sealed.n);
  for (size_t i = strlen("usher:1:"); i < sealed.n; i++) {
    memcpy(copy, sealed.p, sealed.n);
    copy[i] = copy[i] == 'A' ? 'B' : 'A';
    refuses(cx, box, PLACE, (struct us_str){copy, sealed.n});
  }
  us_box_free(other);
  us_box_free(box);
}

/* Stores from before there was a key, and servers without one. */
static void plain_texts_stay_as_they_are(void **state) {
  struct us_cx *cx = *state;
  struct us_box *box = new_box(cx, KEY);
  struct us_str text;
  fixture_assert_str(seal(cx, NULL, US_STR(SECRET)), SECRET);
  assert_false(us_box_is_sealed(US_STR(SECRET)));
  assert_false(us_box_is_sealed(US_STR("usher:2:")));
  assert_false(us_box_is_sealed(US_STR_ABSENT));
  assert_int_equal(us_box_open(cx, box, PLACE, US_STR(SECRET), &text), US_OK);
  fixture_assert_str(text, SECRET);
  assert_int_equal(us_box_open(cx, NULL, PLACE, US_STR(SECRET), &text), US_OK);
  fixture_assert_str(text, SECRET);
  us_box_free(box);
  us_box_free(NULL);
}

static void a_key_is_32_bytes_or_their_base64(void **state) {
  struct us_cx *cx = *state;
  struct us_box *box = new_box(cx, KEY);
  struct us_str sealed = seal(cx, box, US_STR(SECRET)), text;
  static const char *const same[] = {
      "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERUY=", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERUY",
      "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERUY=\n"};
  for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
    struct us_box *again = new_box(cx, same[i]);
    assert_int_equal(us_box_open(cx, again, PLACE, sealed, &text), US_OK);
    us_box_free(again);
  }
  static const char *const none[] = {"",
                                     "0123456789abcdef0123456789ABCDE",
                                     "0123456789abcdef0123456789ABCDEF0",
                                     "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERQ==",
                                     "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERUYw",
                                     "!DEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlBQkNERUY="};
  for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
    struct us_box *never = NULL;
    assert_int_equal(us_box_new(cx, us_str_c(none[i]), &never), US_E_INVALID_REQUEST);
    assert_null(never);
    us_error_clear(cx);
  }
  us_box_free(box);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_was_sealed_opens, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(nothing_else_opens, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(plain_texts_stay_as_they_are, fixture_setup, fixture_teardown),
      cmocka_unit_test_setup_teardown(a_key_is_32_bytes_or_their_base64, fixture_setup, fixture_teardown),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  if (us_crypto_setup() != 0)
    return 1;
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  us_crypto_done();
  return failed;
}
