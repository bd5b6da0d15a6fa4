/* base/id.h: order, uniqueness under threads, and clocks that go wrong. */
#include <pthread.h>
#include <stdlib.h>

#include "../unit.h"
#include "base/id.h"

#define NOW (US_ID_EPOCH_MS + INT64_C(200000000000))

static void carries_time_node_and_counter(void **state) {
  (void)state;
  struct us_idgen g;
  us_idgen_init(&g, 511, 0);
  int64_t id = us_idgen_next(&g, NOW);
  assert_int_equal(us_id_time_ms(id), NOW);
  assert_int_equal(id >> 12 & 511, 511);
  assert_int_equal(id & 4095, 0);
  assert_int_equal(us_idgen_next(&g, NOW) & 4095, 1);
  assert_int_equal(us_idgen_next(&g, NOW + 1) & 4095, 0);
}

static void borrows_the_next_millisecond(void **state) {
  (void)state;
  struct us_idgen g;
  us_idgen_init(&g, 1, 0);
  int64_t last = 0;
  for (int i = 0; i < 4096; i++)
    last = us_idgen_next(&g, NOW);
  assert_int_equal(us_id_time_ms(last), NOW);
  int64_t next = us_idgen_next(&g, NOW);
  assert_int_equal(us_id_time_ms(next), NOW + 1);
  assert_true(next > last);
}

static void a_clock_that_steps_back_repeats_nothing(void **state) {
  (void)state;
  struct us_idgen g;
  us_idgen_init(&g, 1, 0);
  int64_t first = us_idgen_next(&g, NOW);
  int64_t second = us_idgen_next(&g, NOW - 300000);
  int64_t third = us_idgen_next(&g, INT64_MIN);
  assert_true(second > first && third > second);
  assert_int_equal(us_id_time_ms(third), NOW);
}

static void never_below_the_high_water_mark_whatever_its_node(void **state) {
  (void)state;
  struct us_idgen other, g;
  us_idgen_init(&other, 511, 0);
  int64_t mark = us_idgen_next(&other, NOW);
  us_idgen_init(&g, 0, mark);
  assert_true(us_idgen_next(&g, NOW - 1000) > mark);
  us_idgen_init(&g, 0, mark);
  assert_true(us_idgen_next(&g, NOW) > mark);
  us_idgen_init(&g, 0, -5);
  assert_int_equal(us_id_time_ms(us_idgen_next(&g, NOW)), NOW);
}

static void the_smallest_and_largest_times_stay_positive(void **state) {
  (void)state;
  struct us_idgen g;
  us_idgen_init(&g, 0, 0);
  assert_int_equal(us_idgen_next(&g, 0), 0);
  assert_true(us_idgen_next(&g, INT64_MAX) > 0);
}

#define THREADS 4
#define IDS_EACH 20000
static struct us_idgen shared;
static int64_t ids[THREADS][IDS_EACH];

static void *draw_ids(void *argument) {
  int64_t *mine = argument;
  for (int i = 0; i < IDS_EACH; i++)
    mine[i] = us_idgen_next(&shared, NOW + i / 1000);
  return NULL;
}

static int compare_ids(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static void threads_never_draw_the_same(void **state) {
  (void)state;
  us_idgen_init(&shared, 3, 0);
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, draw_ids, ids[i]), 0);
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
  for (int i = 0; i < THREADS; i++)
    for (int j = 1; j < IDS_EACH; j++)
      assert_true(ids[i][j] > ids[i][j - 1]);
  qsort(ids, THREADS * IDS_EACH, sizeof ids[0][0], compare_ids);
  const int64_t *all = &ids[0][0];
  for (int i = 1; i < THREADS * IDS_EACH; i++)
    assert_true(all[i] != all[i - 1]);
}

static void uuids_have_time_version_and_variant(void **state) {
  (void)state;
  char text[US_UUID_BYTES];
  uint8_t ones[16];
  memset(ones, 0xFF, sizeof ones);
  us_uuid7_format(INT64_C(0x017F22E279B0), ones, text);
  assert_string_equal(text, "017f22e2-79b0-7fff-bfff-ffffffffffff0");
  /* RFC 9562 appendix A.6, with the digit of ours behind it. */
  static const uint8_t bytes[16] = {0, 0, 0, 0, 0, 0, 0x0C, 0xC3, 0x18, 0xC4, 0xDC, 0x0C, 0x0C, 0x07, 0x39, 0x8F};
  us_uuid7_format(INT64_C(1645557742000), bytes, text);
  assert_string_equal(text, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0");
}

static void uuids_of_rows_carry_their_ids(void **state) {
  (void)state;
  struct us_idgen g;
  char text[US_UUID_BYTES];
  uint8_t ones[16], zeros[16] = {0};
  memset(ones, 0xFF, sizeof ones);
  us_idgen_init(&g, US_ID_NODE_MAX, 0);
  for (int i = 0; i < 5000; i++) { /* past the counter's end too */
    int64_t id = us_idgen_next(&g, INT64_C(1645557742000));
    us_uuid7_of_id(id, i % 2 ? ones : zeros, text);
    assert_true(us_uuid7_id(us_str_c(text)) == id);
    assert_int_equal(text[14], '7');
    assert_non_null(strchr("89ab", text[19]));
    assert_int_equal(text[36], '0');
  }
  us_uuid7_of_id(0, zeros, text);
  assert_string_equal(text, "016f5e66-e800-7000-8000-0000000000000"); /* 2020-01-01 */
  us_idgen_init(&g, 5, 0);
  us_uuid7_of_id(us_idgen_next(&g, INT64_C(1645557742000)), ones, text);
  assert_string_equal(text, "017f22e2-79b0-7000-80bf-ffffffffffff0");
}

/* A hint for what has the form, nothing for what has not. */
static void other_texts_carry_no_id(void **state) {
  (void)state;
  static const char *const texts[] = {"",
                                      "x",
                                      "017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
                                      "017f22e2-79b0-4cc3-98c4-dc0c0c07398f0",
                                      "017f22e2-79b0-7cc3-58c4-dc0c0c07398f0",
                                      "017F22E2-79B0-7CC3-98C4-DC0C0C07398F0",
                                      "017f22g2-79b0-7cc3-98c4-dc0c0c07398f0",
                                      "000000000000-7cc3-98c4-dc0c0c07398f00",
                                      "ffffffff-ffff-7cc3-98c4-dc0c0c07398f0",
                                      "016f5e66-e7ff-7cc3-98c4-dc0c0c07398f0"};
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
    assert_true(us_uuid7_id(us_str_c(texts[i])) == 0);
  assert_true(us_uuid7_id(US_STR_ABSENT) == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(carries_time_node_and_counter),
      cmocka_unit_test(borrows_the_next_millisecond),
      cmocka_unit_test(a_clock_that_steps_back_repeats_nothing),
      cmocka_unit_test(never_below_the_high_water_mark_whatever_its_node),
      cmocka_unit_test(the_smallest_and_largest_times_stay_positive),
      cmocka_unit_test(threads_never_draw_the_same),
      cmocka_unit_test(uuids_have_time_version_and_variant),
      cmocka_unit_test(uuids_of_rows_carry_their_ids),
      cmocka_unit_test(other_texts_carry_no_id),
  };
  return UNIT_RUN(tests);
}
