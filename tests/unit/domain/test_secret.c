/* Client secrets that were right once: by client and revision, bounded. */
#include "../unit.h"

#include "crypto/digest.h"
#include "domain/secret.h"

static int up(void **state) {
  assert_int_equal(us_crypto_setup(), 0);
  *state = us_secret_cache_new(8);
  assert_non_null(*state);
  return 0;
}
static int down(void **state) {
  us_secret_cache_free(*state);
  return 0;
}

static void only_the_remembered_secret_is_known(void **state) {
  struct us_secret_cache *cache = *state;
  assert_false(us_secret_is_known(cache, 1, 1, US_STR("mySecret")));
  us_secret_remember(cache, 1, 1, US_STR("mySecret"));
  assert_true(us_secret_is_known(cache, 1, 1, US_STR("mySecret")));
  assert_false(us_secret_is_known(cache, 1, 1, US_STR("mySecre")));
  assert_false(us_secret_is_known(cache, 1, 1, US_STR("mySecret ")));
  assert_false(us_secret_is_known(cache, 1, 1, US_STR("")));
  assert_false(us_secret_is_known(cache, 2, 1, US_STR("mySecret")));
}

static void another_revision_is_unknown(void **state) {
  struct us_secret_cache *cache = *state;
  us_secret_remember(cache, 1, 1, US_STR("old"));
  assert_false(us_secret_is_known(cache, 1, 2, US_STR("old")));
  us_secret_remember(cache, 1, 2, US_STR("new"));
  assert_true(us_secret_is_known(cache, 1, 2, US_STR("new")));
  assert_false(us_secret_is_known(cache, 1, 1, US_STR("old")));
  assert_int_equal(us_secret_count(cache), 1); /* one a client */
}

static void the_longest_unused_one_is_forgotten(void **state) {
  struct us_secret_cache *cache = *state;
  for (int64_t i = 1; i <= 8; i++)
    us_secret_remember(cache, i, 1, US_STR("s"));
  assert_int_equal(us_secret_count(cache), 8);
  assert_true(us_secret_is_known(cache, 1, 1, US_STR("s"))); /* used again: 2 is the oldest now */
  us_secret_remember(cache, 9, 1, US_STR("s"));
  assert_int_equal(us_secret_count(cache), 8);
  assert_true(us_secret_is_known(cache, 1, 1, US_STR("s")));
  assert_true(us_secret_is_known(cache, 9, 1, US_STR("s")));
  assert_false(us_secret_is_known(cache, 2, 1, US_STR("s")));
}

/* A wrong guess is no use: it does not keep an entry alive. */
static void a_wrong_guess_is_no_use(void **state) {
  struct us_secret_cache *cache = *state;
  for (int64_t i = 1; i <= 8; i++)
    us_secret_remember(cache, i, 1, US_STR("s"));
  assert_false(us_secret_is_known(cache, 1, 1, US_STR("guess")));
  us_secret_remember(cache, 9, 1, US_STR("s"));
  assert_false(us_secret_is_known(cache, 1, 1, US_STR("s")));
}

int main(void) {
#define WITH(test) cmocka_unit_test_setup_teardown(test, up, down)
  const struct CMUnitTest tests[] = {
      WITH(only_the_remembered_secret_is_known),
      WITH(another_revision_is_unknown),
      WITH(the_longest_unused_one_is_forgotten),
      WITH(a_wrong_guess_is_no_use),
  };
  return UNIT_RUN(tests);
}
