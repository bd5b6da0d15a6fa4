/* Random bytes: every byte is written, for any length, and no two draws are alike. */
#include "crypto/random.h"

#include "fixture.h"

static void every_byte_is_drawn(void **state) {
  (void)state;
  /* Or-ing 64 draws leaves a byte without all its bits set about once in 10^17 runs. */
  uint8_t seen[61] = {0};
  for (int draw = 0; draw < 64; draw++) {
    uint8_t bytes[61] = {0};
    us_random(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
      seen[i] |= bytes[i];
  }
  for (size_t i = 0; i < sizeof(seen); i++)
    assert_int_equal(seen[i], 0xff);
}

static void two_draws_differ(void **state) {
  (void)state;
  uint8_t a[32];
  uint8_t b[32];
  us_random(a, sizeof(a));
  us_random(b, sizeof(b));
  assert_memory_not_equal(a, b, sizeof(a));
}

static void nothing_is_written_past_the_length(void **state) {
  (void)state;
  uint8_t bytes[8] = {7, 7, 7, 7, 7, 7, 7, 7};
  us_random(bytes, 0);
  assert_int_equal(bytes[0], 7);
  us_random(bytes, 4);
  for (size_t i = 4; i < sizeof(bytes); i++)
    assert_int_equal(bytes[i], 7);
}

/* OpenSSL is asked in pieces of 1 MiB; the last piece must not be forgotten. */
static void a_long_draw_is_filled_to_its_end(void **state) {
  (void)state;
  size_t n = ((size_t)1 << 20) + 32;
  uint8_t *bytes = calloc(1, n);
  assert_non_null(bytes);
  us_random(bytes, n);
  static const uint8_t zeros[32];
  assert_memory_not_equal(bytes, zeros, 32);
  assert_memory_not_equal(bytes + n - 32, zeros, 32);
  assert_memory_not_equal(bytes, bytes + n - 32, 32);
  free(bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_byte_is_drawn),
      cmocka_unit_test(two_draws_differ),
      cmocka_unit_test(nothing_is_written_past_the_length),
      cmocka_unit_test(a_long_draw_is_filled_to_its_end),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
