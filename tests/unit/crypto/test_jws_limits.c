/*
 * Compact JWS at its limits: the size of a token (JW-15), the length of a signature (JW-17), one key in several
 * threads, and memory that runs out on the way.
 */
#include "tokens.h"

#include <pthread.h>

/* JW-15. */

/* A good token of exactly `n` bytes. Base64url has no length of 4k + 1, hence the padding in the header. */
static struct us_str token_of_length(struct us_cx *cx, size_t n) {
  static const char *const paddings[] = {"", ",\"p\":1", ",\"p\":12", ",\"p\":123"};
  char *claims = us_mem_zalloc(cx->mem, n);
  for (size_t i = 0; i < 4; i++) {
    size_t overhead = token(cx, &ec, paddings[i], "").n;
    for (size_t spaces = (n - overhead) / 4 * 3 - 4; spaces < (n - overhead) / 4 * 3 + 4; spaces++) {
      memset(claims, ' ', spaces);
      memcpy(claims + spaces - 2, "{}", 3);
      struct us_str compact = token(cx, &ec, paddings[i], claims);
      if (compact.n == n)
        return compact;
    }
  }
  fail_msg("no token of %zu bytes", n);
  return US_STR_ABSENT;
}

static void a_token_has_a_maximum(void **state) {
  struct us_cx *cx = *state;
  assert_accepted(cx, token_of_length(cx, US_JWS_MAX_BYTES));
  assert_refused_early(cx, token_of_length(cx, US_JWS_MAX_BYTES + 1));
  assert_non_null(strstr(cx->err.detail.p, "too long"));
}

static void a_megabyte_is_refused_in_constant_memory(void **state) {
  struct us_cx *cx = *state;
  size_t n = 1 << 20;
  char *text = malloc(n);
  assert_non_null(text);
  memset(text, 'A', n);
  text[100] = '.';
  text[n - 100] = '.';
  size_t before = us_mem_used(cx->mem);
  assert_refused_early(cx, (struct us_str){text, n});
  assert_true(us_mem_used(cx->mem) - before < 1024);
  free(text);
}

static void claims_too_long_to_be_read_back_are_not_signed(void **state) {
  struct us_cx *cx = *state;
  char *claims = us_mem_zalloc(cx->mem, US_JWS_MAX_BYTES + 2);
  struct us_str compact = US_STR_ABSENT;
  memset(claims, ' ', US_JWS_MAX_BYTES + 1);
  assert_int_equal(us_jws_sign(cx, ec.key, "JWT", (struct us_str){claims, US_JWS_MAX_BYTES + 1}, &compact),
                   US_E_INTERNAL);
  assert_int_equal(us_jws_sign(cx, ec.key, "JWT", (struct us_str){claims, US_JWS_MAX_BYTES}, &compact), US_E_INTERNAL);
  assert_int_equal(us_jws_sign(cx, ec.key, "JWT", US_STR_ABSENT, &compact), US_E_INTERNAL);
  assert_null(compact.p);
  /* The longest that fits: found from below. */
  size_t n = (US_JWS_MAX_BYTES - 200) / 4 * 3;
  while (us_jws_sign(cx, ec.key, "JWT", (struct us_str){claims, n}, &compact) == US_OK)
    n++;
  assert_true(compact.n <= US_JWS_MAX_BYTES && compact.n > US_JWS_MAX_BYTES - 3);
}

/* JW-17: RFC 7518 3.4. */

static struct us_str with_signature(struct us_cx *cx, struct us_str input, const void *sig, size_t n) {
  return us_str_fmt(cx->mem, "%.*s.%s", US_STR_ARG(input), b64(cx, (struct us_str){sig, n}).p);
}

static void an_ecdsa_signature_is_two_numbers_of_32_bytes(void **state) {
  struct us_cx *cx = *state;
  struct us_str good = token(cx, &ec, "", CLAIMS);
  struct us_str input = {good.p, (size_t)(strrchr(good.p, '.') - good.p)};
  uint8_t sig[66] = {0};
  struct us_str raw = signature(cx, &ec, input);
  memcpy(sig, raw.p, 64);
  assert_accepted(cx, with_signature(cx, input, sig, 64));
  assert_refused(cx, with_signature(cx, input, sig, 63));
  assert_refused(cx, with_signature(cx, input, sig, 65)); /* libcjose alone takes this one */
  assert_refused(cx, with_signature(cx, input, sig, 66));
  assert_refused(cx, with_signature(cx, input, sig, 32));
  assert_refused(cx, with_signature(cx, input, sig, 1));
  struct us_str der = sign_bytes(cx, &ec, "SHA256", 0, input);
  assert_refused(cx, with_signature(cx, input, der.p, der.n));

  static const uint8_t zeros[64];
  uint8_t half[64];
  assert_refused(cx, with_signature(cx, input, zeros, 64));
  memcpy(half, sig, 64);
  memset(half, 0, 32);
  assert_refused(cx, with_signature(cx, input, half, 64)); /* r = 0 */
  memcpy(half, sig, 64);
  memset(half + 32, 0, 32);
  assert_refused(cx, with_signature(cx, input, half, 64)); /* s = 0 */
  memset(half, 0xff, 64);
  assert_refused(cx, with_signature(cx, input, half, 64)); /* past the order */
  /* Each number widened to 33 bytes by a leading zero. */
  uint8_t wide[66] = {0};
  memcpy(wide + 1, sig, 32);
  memcpy(wide + 34, sig + 32, 32);
  assert_refused(cx, with_signature(cx, input, wide, 66));
}

static void an_rsa_signature_is_as_long_as_the_modulus(void **state) {
  struct us_cx *cx = *state;
  struct us_str good = token(cx, &rsa, "", CLAIMS);
  struct us_str input = {good.p, (size_t)(strrchr(good.p, '.') - good.p)};
  uint8_t sig[258] = {0};
  struct us_str raw = signature(cx, &rsa, input);
  assert_int_equal(raw.n, 256);
  memcpy(sig + 1, raw.p, 256);
  assert_accepted(cx, with_signature(cx, input, sig + 1, 256));
  assert_refused(cx, with_signature(cx, input, sig + 1, 255));
  assert_refused(cx, with_signature(cx, input, sig + 1, 257));
  assert_refused(cx, with_signature(cx, input, sig, 257));
  static const uint8_t zeros[256];
  assert_refused(cx, with_signature(cx, input, zeros, 256));
}

/* Several threads, one key: see key_impl.h. Here for the thread sanitizer. */

struct worker {
  pthread_t thread;
  unsigned wrong;
};

static void *sign_and_verify(void *self) {
  struct worker *w = self;
  const struct signer *signers[] = {&rsa, &ec};
  for (int i = 0; i < 20; i++)
    for (size_t j = 0; j < 2; j++) {
      struct us_cx cx = {.mem = us_mem_root_new(US_MEM_REQUEST_POOL_BYTES, US_MEM_REQUEST_MAX_BYTES)};
      struct resolver r = {0};
      struct us_str compact = US_STR_ABSENT;
      struct us_str claims = US_STR_ABSENT;
      struct us_str typ = US_STR_ABSENT;
      bool ok = us_jws_sign(&cx, signers[j]->key, "JWT", US_STR(CLAIMS), &compact) == US_OK &&
                us_jws_verify(&cx, compact, careful, &r, &claims, &typ) == US_OK && us_str_eq_c(claims, CLAIMS);
      w->wrong += !ok;
      us_mem_free(cx.mem);
    }
  return NULL;
}

static void one_key_serves_several_threads(void **state) {
  (void)state;
  struct worker workers[4] = {0};
  for (size_t i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&workers[i].thread, NULL, sign_and_verify, &workers[i]), 0);
  for (size_t i = 0; i < 4; i++) {
    assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    assert_int_equal(workers[i].wrong, 0);
  }
}

/* Memory that runs out is an error of its own, and leaves nothing behind for the leak checker. */
static void running_out_of_memory_is_told_apart(void **state) {
  struct us_cx *cx = *state;
  struct us_str compact = token_of_length(cx, US_JWS_MAX_BYTES);
  unsigned refused = 0;
  for (size_t limit = 1024; limit < 64 * 1024; limit += 1024) {
    struct us_cx small = {.mem = us_mem_root_new(512, limit)};
    struct resolver r = {0};
    struct us_str claims = US_STR_ABSENT;
    struct us_str typ = US_STR_ABSENT;
    assert_non_null(small.mem);
    enum us_code code = us_jws_verify(&small, compact, careful, &r, &claims, &typ);
    if (code != US_OK) {
      assert_int_equal(code, US_E_NO_MEMORY);
      refused++;
    }
    us_mem_free(small.mem);
  }
  assert_true(refused > 0 && refused < 63);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
  const struct CMUnitTest tests[] = {
      TEST(a_token_has_a_maximum),
      TEST(a_megabyte_is_refused_in_constant_memory),
      TEST(claims_too_long_to_be_read_back_are_not_signed),
      TEST(an_ecdsa_signature_is_two_numbers_of_32_bytes),
      TEST(an_rsa_signature_is_as_long_as_the_modulus),
      TEST(one_key_serves_several_threads),
      TEST(running_out_of_memory_is_told_apart),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  if (us_crypto_setup() != 0)
    return 1;
  int failed = cmocka_run_group_tests(tests, make_signers, free_signers);
  us_crypto_done();
  return failed;
}
