/* base/mem.h: the limit, the count, ownership of foreign objects, wiping. */
#include "../unit.h"
#include "base/mem.h"

#define POOL 1024
#define MAX (64 * 1024)

static void memory_is_aligned_zeroed_and_copied(void **state) {
  (void)state;
  void *root = us_mem_root_new(POOL, MAX);
  for (size_t n = 0; n < 40; n++) {
    char *p = us_mem_alloc(root, n);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 16, 0);
    memset(p, 0xEE, n);
  }
  char *zeroed = us_mem_zalloc(root, 3000);
  for (size_t i = 0; i < 3000; i++)
    assert_int_equal(zeroed[i], 0);
  assert_string_equal(us_mem_copy(root, "abc", 4), "abc");
  us_mem_free(root);
  us_mem_free(NULL);
}

static void the_limit_holds_exactly(void **state) {
  (void)state;
  void *root = us_mem_root_new(POOL, MAX);
  us_mem_alloc(root, 1);
  size_t overhead = us_mem_used(root) - 1;
  assert_int_equal(us_mem_used(root), overhead + 1);
  size_t left = MAX - us_mem_used(root);
  assert_null(us_mem_alloc(root, left - overhead + 1));
  assert_true(us_mem_is_spent(root));
  assert_non_null(us_mem_alloc(root, left - overhead));
  assert_int_equal(us_mem_used(root), MAX);
  assert_null(us_mem_alloc(root, 0));
  us_mem_free(root);
}

static void sizes_that_overflow_are_refused(void **state) {
  (void)state;
  void *root = us_mem_root_new(POOL, SIZE_MAX);
  assert_false(us_mem_is_spent(root));
  assert_null(us_mem_array(root, SIZE_MAX / 2, 3));
  assert_null(us_mem_alloc(root, SIZE_MAX));
  assert_null(us_mem_alloc(root, SIZE_MAX - 16));
  assert_true(us_mem_is_spent(root));
  assert_int_equal(us_mem_used(root), 0);
  us_mem_free(root);
}

static void children_give_back_what_they_held(void **state) {
  (void)state;
  void *root = us_mem_root_new(POOL, MAX);
  us_mem_alloc(root, 100);
  size_t before = us_mem_used(root);
  void *child = us_mem_alloc(root, 50);
  void *grandchild = us_mem_alloc(child, 70);
  us_mem_alloc(grandchild, 4000);
  assert_int_equal(us_mem_used(root), us_mem_used(grandchild));
  us_mem_free(child);
  assert_int_equal(us_mem_used(root), before);
  us_mem_free(root);
}

static void grows_in_place_of_the_old(void **state) {
  (void)state;
  void *root = us_mem_root_new(POOL, MAX);
  char *p = us_mem_grow(root, NULL, 0, 4);
  memcpy(p, "abc", 4);
  for (size_t n = 4; n < 4000; n *= 3) {
    p = us_mem_grow(root, p, n, n * 3);
    assert_string_equal(p, "abc");
    us_mem_alloc(root, 8); /* so that it cannot simply extend the last block of the pool */
  }
  size_t before = us_mem_used(root);
  assert_null(us_mem_grow(root, p, 4000, MAX));
  assert_null(us_mem_grow(root, p, 4000, SIZE_MAX));
  assert_int_equal(us_mem_used(root), before);
  assert_string_equal(p, "abc");
  us_mem_free(root);
}

static int order[4];
static int destroyed;
static void note_destroyed(void *object) {
  order[destroyed++] = *(int *)object;
}

static void foreign_objects_go_with_their_context_newest_first(void **state) {
  (void)state;
  destroyed = 0;
  int a = 1, b = 2, c = 3;
  void *root = us_mem_root_new(POOL, MAX);
  void *child = us_mem_alloc(root, 1);
  assert_int_equal(us_mem_own(root, &a, note_destroyed), 0);
  assert_int_equal(us_mem_own(child, &b, note_destroyed), 0);
  assert_int_equal(us_mem_own(root, &c, note_destroyed), 0);
  us_mem_free(child);
  assert_int_equal(destroyed, 1);
  us_mem_free(root);
  assert_int_equal(destroyed, 3);
  assert_int_equal(order[0], 2);
  assert_int_equal(order[1], 3);
  assert_int_equal(order[2], 1);
}

static void a_foreign_object_can_be_released_early_and_once(void **state) {
  (void)state;
  destroyed = 0;
  int a = 1, b = 2, c = 3;
  void *root = us_mem_root_new(POOL, MAX);
  size_t before = us_mem_used(root);
  us_mem_own(root, &a, note_destroyed);
  us_mem_own(root, &b, note_destroyed);
  us_mem_own(root, &c, note_destroyed);
  assert_true(us_mem_release(root, &b));
  assert_false(us_mem_release(root, &b));
  assert_true(us_mem_release(root, &a));
  assert_true(us_mem_release(root, &c));
  assert_int_equal(destroyed, 3);
  assert_int_equal(us_mem_used(root), before);
  us_mem_free(root);
  assert_int_equal(destroyed, 3);
}

static void owning_without_memory_destroys_at_once(void **state) {
  (void)state;
  destroyed = 0;
  int a = 7;
  void *root = us_mem_root_new(POOL, 1);
  assert_int_equal(us_mem_own(root, &a, note_destroyed), -1);
  assert_int_equal(destroyed, 1);
  us_mem_free(root);
  assert_int_equal(destroyed, 1);
}

/* The destructor of an object owned by the secret's own root runs while its memory is still there to be looked at. */
static const char *watched;
static char found[16];
static void look(void *object) {
  memcpy(found, *(const char **)object, sizeof found);
}

static void a_secret_is_wiped_before_its_memory_goes(void **state) {
  (void)state;
  void *root = us_mem_root_new(POOL, MAX);
  char *secret = us_mem_secret(root, 16);
  memcpy(secret, "0123456789abcdef", 16);
  watched = secret;
  /* The secret is the parent, and a parent's destructor runs before its children's. */
  assert_int_equal(us_mem_own(secret, &watched, look), 0);
  memset(found, 'x', sizeof found);
  us_mem_free(root);
  for (size_t i = 0; i < sizeof found; i++)
    assert_int_equal(found[i], 0);
}

static void a_growing_secret_stays_one(void **state) {
  (void)state;
  void *root = us_mem_root_new(POOL, MAX);
  char *secret = us_mem_secret(root, 4);
  memcpy(secret, "abc", 4);
  secret = us_mem_grow(root, secret, 4, 16);
  assert_string_equal(secret, "abc");
  watched = secret;
  assert_int_equal(us_mem_own(secret, &watched, look), 0);
  memset(found, 'x', sizeof found);
  us_mem_free(root);
  assert_int_equal(found[0], 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(memory_is_aligned_zeroed_and_copied),
      cmocka_unit_test(the_limit_holds_exactly),
      cmocka_unit_test(sizes_that_overflow_are_refused),
      cmocka_unit_test(children_give_back_what_they_held),
      cmocka_unit_test(grows_in_place_of_the_old),
      cmocka_unit_test(foreign_objects_go_with_their_context_newest_first),
      cmocka_unit_test(a_foreign_object_can_be_released_early_and_once),
      cmocka_unit_test(owning_without_memory_destroys_at_once),
      cmocka_unit_test(a_secret_is_wiped_before_its_memory_goes),
      cmocka_unit_test(a_growing_secret_stays_one),
  };
  return UNIT_RUN(tests);
}
