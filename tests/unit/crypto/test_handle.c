/* Handles: the round trip, their uniqueness, and everything that is none of ours. */
#include "crypto/handle.h"

#include "fixture.h"

#define MANY 10000

static struct us_str text_of(const struct us_handle *handle) {
  return (struct us_str){handle->text, handle->n};
}

static bool parses(struct us_str text) {
  int64_t id = -7;
  uint16_t iteration = 77;
  char digest[US_SHA256_TEXT_BYTES] = "untouched";
  if (us_handle_parse(text, &id, &iteration, digest))
    return true;
  /* Results are written only on success. */
  assert_int_equal(id, -7);
  assert_int_equal(iteration, 77);
  assert_string_equal(digest, "untouched");
  return false;
}

static void a_handle_comes_back_with_its_id_iteration_and_digest(void **state) {
  (void)state;
  static const int64_t ids[] = {0, 1, 255, 256, INT64_C(0x0102030405060708), INT64_MAX};
  static const uint16_t iterations[] = {0, 1, 2, 256, UINT16_MAX};
  for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
    for (size_t j = 0; j < sizeof(iterations) / sizeof(iterations[0]); j++) {
      struct us_handle handle;
      int64_t id = -1;
      uint16_t iteration = 9;
      char digest[US_SHA256_TEXT_BYTES];
      us_handle_mint(ids[i], iterations[j], &handle);
      assert_int_equal(handle.n, iterations[j] == 0 ? 38 : 40);
      assert_int_equal(strlen(handle.text), handle.n);
      assert_true(us_handle_parse(text_of(&handle), &id, &iteration, digest));
      assert_true(id == ids[i]);
      assert_int_equal(iteration, iterations[j]);
      assert_string_equal(digest, handle.digest);
    }
}

static void the_digest_is_sha256_of_the_whole_text(void **state) {
  (void)state;
  struct us_handle handle;
  char expected[US_SHA256_TEXT_BYTES];
  us_handle_mint(42, 3, &handle);
  us_sha256_text(text_of(&handle), expected);
  assert_string_equal(handle.digest, expected);
}

static void the_layout_is_id_iteration_secret(void **state) {
  (void)state;
  struct us_handle handle;
  uint8_t raw[30];
  size_t n = 0;
  static const uint8_t head[] = {1, 2, 3, 4, 5, 6, 7, 8, 0xab, 0xcd};
  us_handle_mint(INT64_C(0x0102030405060708), 0xabcd, &handle);
  assert_true(us_base64url_decode(text_of(&handle), raw, sizeof(raw), &n));
  assert_int_equal(n, 30);
  assert_memory_equal(raw, head, sizeof(head));
}

static int compare_texts(const void *a, const void *b) {
  return strcmp(a, b);
}

/* SB-15: all of one row, so that only the secret can tell them apart. */
static void ten_thousand_handles_of_one_id_are_unique(void **state) {
  (void)state;
  char(*texts)[US_HANDLE_TEXT_BYTES] = calloc(MANY, sizeof(*texts));
  assert_non_null(texts);
  for (size_t i = 0; i < MANY; i++) {
    struct us_handle handle;
    us_handle_mint(1, 0, &handle);
    memcpy(texts[i], handle.text, sizeof(texts[i]));
  }
  qsort(texts, MANY, sizeof(*texts), compare_texts);
  for (size_t i = 1; i < MANY; i++)
    assert_string_not_equal(texts[i - 1], texts[i]);
  free(texts);
}

static void a_text_of_another_length_or_alphabet_is_none_of_ours(void **state) {
  (void)state;
  struct us_handle handle;
  us_handle_mint(42, 0, &handle);
  char text[64];
  memcpy(text, handle.text, handle.n);

  assert_true(parses((struct us_str){text, 38}));
  assert_false(parses((struct us_str){text, 37}));
  text[38] = 'A';
  assert_false(parses((struct us_str){text, 39}));
  text[39] = 'A';
  text[40] = 'A';
  assert_false(parses((struct us_str){text, 41}));
  assert_false(parses(US_STR("")));
  assert_false(parses(US_STR_ABSENT));

  static const char odd[] = {'=', '+', '/', '.', ' ', '\n', '\0', '\xff'};
  for (size_t i = 0; i < sizeof(odd); i++)
    for (size_t at = 0; at < 38; at += 37) {
      memcpy(text, handle.text, handle.n);
      text[at] = odd[i];
      assert_false(parses((struct us_str){text, 38}));
    }
}

/* One handle has one text: otherwise a second text would be "unknown" in one place and found in another. */
static void unused_bits_a_zero_iteration_and_a_negative_id_are_refused(void **state) {
  (void)state;
  uint8_t raw[30] = {0};
  char text[US_HANDLE_TEXT_BYTES];
  size_t n = us_base64url_encode(raw, 28, text);
  assert_int_equal(n, 38);
  assert_true(parses((struct us_str){text, n}));
  text[37] = 'B';
  assert_false(parses((struct us_str){text, n}));

  n = us_base64url_encode(raw, 30, text);
  assert_false(parses((struct us_str){text, n}));
  raw[9] = 1;
  n = us_base64url_encode(raw, 30, text);
  assert_true(parses((struct us_str){text, n}));

  raw[0] = 0x80;
  n = us_base64url_encode(raw, 28, text);
  assert_false(parses((struct us_str){text, n}));
}

static void a_very_long_text_is_refused_by_its_length(void **state) {
  (void)state;
  /* The bytes are not there: reading one of them would be seen by the sanitizers. */
  assert_false(parses((struct us_str){"x", 1 << 20}));
}

static void matching_wants_the_whole_digest(void **state) {
  (void)state;
  struct us_handle handle;
  us_handle_mint(42, 0, &handle);
  struct us_str stored = {handle.digest, 43};
  assert_true(us_handle_matches(handle.digest, stored));
  stored.n = 42;
  assert_false(us_handle_matches(handle.digest, stored));
  assert_false(us_handle_matches(handle.digest, US_STR("")));
  assert_false(us_handle_matches(handle.digest, US_STR_ABSENT));

  struct us_handle other;
  us_handle_mint(42, 0, &other);
  assert_false(us_handle_matches(handle.digest, us_str_c(other.digest)));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_handle_comes_back_with_its_id_iteration_and_digest),
      cmocka_unit_test(the_digest_is_sha256_of_the_whole_text),
      cmocka_unit_test(the_layout_is_id_iteration_secret),
      cmocka_unit_test(ten_thousand_handles_of_one_id_are_unique),
      cmocka_unit_test(a_text_of_another_length_or_alphabet_is_none_of_ours),
      cmocka_unit_test(unused_bits_a_zero_iteration_and_a_negative_id_are_refused),
      cmocka_unit_test(a_very_long_text_is_refused_by_its_length),
      cmocka_unit_test(matching_wants_the_whole_digest),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  if (us_crypto_setup() != 0)
    return 1;
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  us_crypto_done();
  return failed;
}
