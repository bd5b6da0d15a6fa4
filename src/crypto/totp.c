/* One-time passwords by liboath: see totp.h. */
#include "crypto/totp.h"

#include <liboath/oath.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "json/field.h"

static void set_up(void) {
  if (oath_init() == OATH_OK)
    return;
  us_log(US_LOG_ERROR, "crypto_failed", "oath_init failed; giving up");
  abort();
}

static void need_liboath(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, set_up);
}

void us_totp_secret_new(char ret_secret[US_TOTP_SECRET_TEXT]) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  uint8_t bytes[US_TOTP_SECRET_TEXT - 1];
  us_random(bytes, sizeof(bytes));
  for (size_t i = 0; i < sizeof(bytes); i++) /* 32 characters of five random bits each: no rest, no padding */
    ret_secret[i] = alphabet[bytes[i] & 31];
  ret_secret[sizeof(bytes)] = '\0';
  OPENSSL_cleanse(bytes, sizeof(bytes));
}

/* The secret's bytes; NULL when it is none. Freed by drop(). */
static char *decode(struct us_str secret, size_t *ret_n) {
  char *bytes = NULL;
  need_liboath();
  if (secret.n == 0 || secret.n > US_TOTP_SECRET_TEXT_MAX)
    return NULL;
  if (oath_base32_decode(secret.p, secret.n, &bytes, ret_n) != OATH_OK)
    return NULL;
  return bytes;
}

static void drop(char *bytes, size_t n) {
  OPENSSL_cleanse(bytes, n);
  free(bytes);
}

static bool code_of(const char *bytes, size_t n, int64_t step, char ret_code[US_TOTP_DIGITS + 1]) {
  return step >= 0 && oath_totp_generate(bytes, n, (time_t)(step * US_TOTP_STEP_S), US_TOTP_STEP_S, 0, US_TOTP_DIGITS,
                                         ret_code) == OATH_OK;
}

bool us_totp_code(struct us_str secret, int64_t step, char ret_code[US_TOTP_DIGITS + 1]) {
  size_t n = 0;
  char *bytes = decode(secret, &n);
  if (bytes == NULL)
    return false;
  bool ok = n > 0 && code_of(bytes, n, step, ret_code);
  drop(bytes, n);
  return ok;
}

bool us_totp_find_step(struct us_str secret, struct us_str code, int64_t now_s, int64_t *ret_step) {
  size_t n = 0;
  int64_t found = -1, now = now_s / US_TOTP_STEP_S;
  char *bytes = code.n == US_TOTP_DIGITS ? decode(secret, &n) : NULL;
  if (bytes == NULL)
    return false;
  for (int64_t step = now - US_TOTP_WINDOW; n > 0 && step <= now + US_TOTP_WINDOW; step++) {
    char wanted[US_TOTP_DIGITS + 1];
    bool is_right = code_of(bytes, n, step, wanted) && us_equal_ct(wanted, code.p, US_TOTP_DIGITS);
    found = is_right ? step : found; /* goes on: how long it takes does not say which it was */
    OPENSSL_cleanse(wanted, sizeof(wanted));
  }
  drop(bytes, n);
  if (found < 0)
    return false;
  *ret_step = found;
  return true;
}

struct us_str us_totp_uri(void *mem, struct us_str issuer, struct us_str name, struct us_str secret) {
  struct us_str by = us_percent_encode(mem, issuer), who = us_percent_encode(mem, name);
  if (by.p == NULL || who.p == NULL)
    return US_STR_ABSENT;
  return us_str_fmt(mem, "otpauth://totp/%.*s:%.*s?secret=%.*s&issuer=%.*s&algorithm=SHA1&digits=%d&period=%d",
                    US_STR_ARG(by), US_STR_ARG(who), US_STR_ARG(secret), US_STR_ARG(by), US_TOTP_DIGITS,
                    US_TOTP_STEP_S);
}
