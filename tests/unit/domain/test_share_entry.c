/* Names of entries at users/{user}/policies (REST contract c.9). */
#include "../unit.h"

#include "base/mem.h"
#include "domain/share_entry.h"

static const struct us_resource lake = {
    .uuid = {"7c1f2a9e-53b0-4d6e-9a41-0be7d2f6c8150", 37},
    .name = {"Lake Trip", 9},
};
#define LAKE_ALICE "Lake Trip - alice - 7c1f2a9e-53b0-4d6e-9a41-0be7d2f6c8150-"

static int32_t hash(const char *text) {
  return us_share_entry_hash(us_str_c(text));
}

static void hashes_are_those_of_java(void **state) {
  assert_int_equal(hash(""), 0);
  assert_int_equal(hash("bob"), 97717);
  assert_int_equal(hash("carol"), 94431409);
  assert_int_equal(hash("Bob"), 66965);
  assert_int_equal(hash("polygenelubricants"), INT32_MIN);
  assert_int_equal(hash("Aa"), hash("BB"));
}

static void a_hash_is_over_utf16_code_units(void **state) {
  assert_int_equal(hash("\xc3\xab"), 0xeb); /* one unit, two bytes */
  assert_int_equal(hash("\xe2\x82\xac"
                        "a"),
                   0x20ac * 31 + 'a');                              /* three bytes */
  assert_int_equal(hash("\xef\xbf\xbd"), 0xfffd);                   /* the last plane of one unit */
  assert_int_equal(hash("\xf0\x90\x80\x80"), 0xd800 * 31 + 0xdc00); /* the first pair of surrogates */
  assert_int_equal(hash("\xf0\x9f\x98\x80"
                        "!"),
                   (0xd83d * 31 + 0xde00) * 31 + '!');
}

static struct us_str name_of(struct us_cx *cx, const char *subject, struct us_strs taken) {
  return us_share_entry_name(cx, &lake, US_STR("alice"), us_str_c(subject), taken);
}

static void a_name_says_resource_sharer_and_subject(void **state) {
  struct us_cx cx = {.mem = us_mem_root_new(0, 1 << 20)};
  assert_true(us_str_eq_c(name_of(&cx, "bob", (struct us_strs){0}), LAKE_ALICE "97717"));
  assert_true(us_str_eq_c(name_of(&cx, "polygenelubricants", (struct us_strs){0}), LAKE_ALICE "-2147483648"));
  struct us_resource bare = {.uuid = US_STR("r1")};
  assert_true(us_str_eq_c(us_share_entry_name(&cx, &bare, US_STR("bob"), US_STR("bob"), (struct us_strs){0}),
                          "r1 - bob - r1-97717"));
  us_mem_free(cx.mem);
}

static void names_that_collide_are_counted(void **state) {
  struct us_cx cx = {.mem = us_mem_root_new(0, 1 << 20)};
  struct us_str names[3];
  const char *const subjects[] = {"carol", "Aa", "BB"};
  struct us_strs taken = {names, 0};
  for (; taken.n < 3; taken.n++)
    names[taken.n] = name_of(&cx, subjects[taken.n], taken);
  assert_true(us_str_eq_c(names[1], LAKE_ALICE "2112"));
  assert_true(us_str_eq_c(names[2], LAKE_ALICE "2112-2"));
  names[1] = names[0]; /* the first is gone: the count goes on, a name that is in use never comes twice */
  assert_true(us_str_eq_c(name_of(&cx, "Aa", taken), LAKE_ALICE "2112-3"));
  us_mem_free(cx.mem);
}

static void a_longer_number_is_no_collision(void **state) {
  struct us_cx cx = {.mem = us_mem_root_new(0, 1 << 20)};
  struct us_str names[] = {US_STR(LAKE_ALICE "977170"), US_STR(LAKE_ALICE "97717-"), US_STR(LAKE_ALICE "97717-x"),
                           US_STR(LAKE_ALICE "9771")};
  assert_true(us_str_eq_c(name_of(&cx, "bob", (struct us_strs){names, 4}), LAKE_ALICE "97717"));
  us_mem_free(cx.mem);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hashes_are_those_of_java),
      cmocka_unit_test(a_hash_is_over_utf16_code_units),
      cmocka_unit_test(a_name_says_resource_sharer_and_subject),
      cmocka_unit_test(names_that_collide_are_counted),
      cmocka_unit_test(a_longer_number_is_no_collision),
  };
  return UNIT_RUN(tests);
}
