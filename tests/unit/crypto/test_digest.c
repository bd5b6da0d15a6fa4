/* Digests against published vectors, base64 in both alphabets with all it must refuse, and life across threads. */
#include "crypto/digest.h"

#include <pthread.h>

#include "fixture.h"

static struct us_str filled(char *bytes, char c, size_t n) {
  memset(bytes, c, n);
  return (struct us_str){bytes, n};
}

static void assert_hmac(struct us_str key, struct us_str in, const char *hex) {
  uint8_t mac[US_SHA256_BYTES];
  char text[65];
  us_hmac_sha256(key, in, mac);
  for (size_t i = 0; i < sizeof(mac); i++)
    snprintf(text + 2 * i, 3, "%02x", mac[i]);
  assert_string_equal(text, hex);
}

/* FIPS 180-4, examples of SHA-256. */
static void sha256_agrees_with_fips_180(void **state) {
  (void)state;
  char hex[65];
  us_sha256_hex(US_STR("abc"), hex);
  assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  us_sha256_hex(US_STR(""), hex);
  assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  us_sha256_hex(US_STR_ABSENT, hex);
  assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  us_sha256_hex(US_STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"), hex);
  assert_string_equal(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

/* RFC 7636 appendix B, and the protocol contract's own vector for tickets (6.7). */
static void sha256_text_is_the_s256_challenge(void **state) {
  struct us_cx *cx = *state;
  static const char *const files[] = {"rfc7636-b.json", "protocol-contract-6.7.json"};
  for (size_t i = 0; i < 2; i++) {
    char text[US_SHA256_TEXT_BYTES];
    us_sha256_text(fixture_vector(cx, files[i], "code_verifier"), text);
    fixture_assert_str(fixture_vector(cx, files[i], "code_challenge"), text);
  }
}

/* RFC 4231 4.2, 4.3, 4.7: a short key, a shorter one, and one longer than a block. */
static void hmac_agrees_with_rfc_4231(void **state) {
  (void)state;
  char key[131];
  assert_hmac(filled(key, 0x0b, 20), US_STR("Hi There"),
              "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  assert_hmac(US_STR("Jefe"), US_STR("what do ya want for nothing?"),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  assert_hmac(filled(key, (char)0xaa, 131), US_STR("Test Using Larger Than Block-Size Key - Hash Key First"),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/* OpenSSL reads a missing key as "the key of last time". */
static void hmac_with_an_empty_key_forgets_the_key_before(void **state) {
  (void)state;
  static const char expected[] = "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
  assert_hmac(US_STR("Jefe"), US_STR("what do ya want for nothing?"),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  assert_hmac(US_STR_ABSENT, US_STR(""), expected);
  assert_hmac(US_STR(""), US_STR_ABSENT, expected);
}

/* RFC 4648 10, without its padding. */
static void base64url_goes_out_and_comes_back(void **state) {
  struct us_cx *cx = *state;
  static const struct {
    const char *bytes;
    const char *text;
  } cases[] = {{"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
               {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xbf", "-_-_"}};
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    char text[16];
    char bytes[16];
    size_t n = 99;
    size_t text_n = us_base64url_encode(cases[i].bytes, strlen(cases[i].bytes), text);
    assert_string_equal(text, cases[i].text);
    assert_int_equal(text_n, strlen(text));
    fixture_assert_str(us_base64url(cx->mem, cases[i].bytes, strlen(cases[i].bytes)), cases[i].text);
    assert_true(us_base64url_decode(us_str_c(cases[i].text), bytes, sizeof(bytes), &n));
    assert_int_equal(n, strlen(cases[i].bytes));
    assert_memory_equal(bytes, cases[i].bytes, n);
  }
}

/* RFC 7515 2 and appendix C; JW-05. */
static void base64url_refuses_what_is_not_canonical(void **state) {
  (void)state;
  static const struct us_str cases[] = {{"Zg==", 4},  {"Zg=", 3},   {"Zm8=", 4},    {"Zm9v=", 5},  {"Z", 1},
                                        {"Zm9vY", 5}, {"Zh", 2},    {"Zm9", 3},     {"+/+/", 4},   {"Zm9v ", 5},
                                        {" Zm9v", 5}, {"Zm 9v", 5}, {"Zm9v\n", 5},  {"Zm\n9v", 5}, {"Zm9v\0", 5},
                                        {"Zm\0v", 4}, {"Zm9.", 4},  {"Zm9\xc3", 4}, {"====", 4},   {NULL, 0}};
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    char bytes[16];
    size_t n = 99;
    if (us_base64url_decode(cases[i], bytes, sizeof(bytes), &n))
      fail_msg("case %zu was accepted", i);
    assert_int_equal(n, 99);
  }
}

/* Every byte in every place, in both alphabets: 64 characters each and no alias of one. */
static void an_alphabet_has_64_characters(void **state) {
  (void)state;
  for (size_t at = 0; at < 4; at++) {
    size_t url = 0;
    size_t plain = 0;
    for (int c = 0; c < 256; c++) {
      char text[5] = "AAAA";
      char bytes[3];
      size_t n = 0;
      text[at] = (char)c;
      url += us_base64url_decode((struct us_str){text, 4}, bytes, sizeof(bytes), &n);
      plain += c != '=' && us_base64_decode((struct us_str){text, 4}, bytes, sizeof(bytes), &n);
    }
    assert_int_equal(url, 64);
    assert_int_equal(plain, 64);
  }
}

static void decoding_stops_at_the_room_given(void **state) {
  (void)state;
  char bytes[7] = {0};
  size_t n = 0;
  bytes[6] = 'x';
  assert_true(us_base64url_decode(US_STR("Zm9vYmFy"), bytes, 6, &n));
  assert_int_equal(n, 6);
  assert_int_equal(bytes[6], 'x');
  assert_false(us_base64url_decode(US_STR("Zm9vYmFy"), bytes, 5, &n));
  assert_false(us_base64_decode(US_STR("Zm9vYmFy"), bytes, 5, &n));
}

/* HTTP Basic (RFC 7617 2): `user:pass` with padding, without it, and nothing else. */
static void base64_takes_padding_or_none_and_nothing_else(void **state) {
  struct us_cx *cx = *state;
  char bytes[256];
  size_t n = 0;
  static const char *const good[] = {"Zm9vYg==", "Zm9vYg", "Zm9vYmE=", "Zm9vYmE", "Zm9vYmFy", "+/+/"};
  for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
    assert_true(us_base64_decode(us_str_c(good[i]), bytes, sizeof(bytes), &n));

  static const char *const bad[] = {"Zm9vYg=",    "Zm9vYg===", "Zm9vYmE==", "Zm9vYmFy=", "Zm9vYmFy==",
                                    "-_-_",       "Zm9vYh==",  "Zm9vYmF=",  "Z",         "Zm9v YmFy",
                                    "Zm9vYmFy\n", "=",         "Zg==Zg=="};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    if (us_base64_decode(us_str_c(bad[i]), bytes, sizeof(bytes), &n))
      fail_msg("\"%s\" was accepted", bad[i]);

  /* Protocol contract 6.8. */
  assert_true(us_base64_decode(fixture_vector(cx, "protocol-contract-6.8.json", "cnf_key"), bytes, sizeof(bytes), &n));
  struct us_str thumbprint = fixture_vector(cx, "protocol-contract-6.8.json", "thumbprint");
  char expected[128];
  snprintf(expected, sizeof(expected), "{\"x5t#S256\":\"%s\"}", thumbprint.p);
  fixture_assert_str(((struct us_str){bytes, n}), expected);
}

static void comparison_sees_every_byte_and_the_length(void **state) {
  (void)state;
  assert_true(us_equal_ct("abc", "abc", 3));
  assert_true(us_equal_ct(NULL, NULL, 0));
  assert_false(us_equal_ct("abc", "abd", 3));
  assert_false(us_equal_ct("abc", "bbc", 3));
  assert_true(us_str_equal_ct(US_STR("secret"), US_STR("secret")));
  assert_false(us_str_equal_ct(US_STR("secret"), US_STR("secre")));
  assert_false(us_str_equal_ct(US_STR("secre"), US_STR("secret")));
  assert_false(us_str_equal_ct(US_STR("secret"), US_STR("sEcret")));
}

static void *hash_much(void *wrong_ones) {
  for (int i = 0; i < 500; i++) {
    char hex[65];
    uint8_t mac[US_SHA256_BYTES];
    us_sha256_hex(US_STR("abc"), hex);
    us_hmac_sha256(US_STR("Jefe"), US_STR("what do ya want for nothing?"), mac);
    if (strcmp(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") != 0 || mac[0] != 0x5b ||
        mac[31] != 0x43)
      (*(int *)wrong_ones)++;
  }
  return NULL;
}

/* None of these threads calls us_crypto_setup(); the leak checker sees whether their contexts went with them. */
static void threads_hash_without_setup_of_their_own(void **state) {
  (void)state;
  pthread_t threads[4];
  int wrong_ones[4] = {0};
  for (size_t i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, hash_much, &wrong_ones[i]), 0);
  for (size_t i = 0; i < 4; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(wrong_ones[i], 0);
  }
}

static void setup_may_be_repeated_and_follow_done(void **state) {
  (void)state;
  char hex[65];
  assert_int_equal(us_crypto_setup(), 0);
  us_sha256_hex(US_STR("abc"), hex);
  us_crypto_done();
  us_crypto_done();
  assert_int_equal(us_crypto_setup(), 0);
  us_sha256_hex(US_STR("abc"), hex);
  assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sha256_agrees_with_fips_180),
      cmocka_unit_test_setup_teardown(sha256_text_is_the_s256_challenge, fixture_setup, fixture_teardown),
      cmocka_unit_test(hmac_agrees_with_rfc_4231),
      cmocka_unit_test(hmac_with_an_empty_key_forgets_the_key_before),
      cmocka_unit_test_setup_teardown(base64url_goes_out_and_comes_back, fixture_setup, fixture_teardown),
      cmocka_unit_test(base64url_refuses_what_is_not_canonical),
      cmocka_unit_test(an_alphabet_has_64_characters),
      cmocka_unit_test(decoding_stops_at_the_room_given),
      cmocka_unit_test_setup_teardown(base64_takes_padding_or_none_and_nothing_else, fixture_setup, fixture_teardown),
      cmocka_unit_test(comparison_sees_every_byte_and_the_length),
      cmocka_unit_test(threads_hash_without_setup_of_their_own),
      cmocka_unit_test(setup_may_be_repeated_and_follow_done),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  if (us_crypto_setup() != 0)
    return 1;
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  us_crypto_done();
  return failed;
}
