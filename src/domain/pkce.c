/*
 * Proof key for code exchange: see pkce.h. The codes and the tickets keep challenge and method as this file gave them back, so
 * that a method which is not known here is never stored.
 */
#include "domain/pkce.h"

#include "crypto/digest.h"

#define S256 "S256"
#define PLAIN "plain"

/* RFC 7636 4.1, 4.2: 43*128 unreserved, for verifier and challenge alike (PK-06). */
static bool is_well_formed(struct us_str text) {
  if (text.n < US_PKCE_MIN || text.n > US_PKCE_MAX)
    return false;
  for (size_t i = 0; i < text.n; i++) {
    char c = text.p[i];
    bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    bool is_digit = c >= '0' && c <= '9';
    if (!is_letter && !is_digit && c != '-' && c != '.' && c != '_' && c != '~')
      return false;
  }
  return true;
}

bool us_pkce_is_required(const struct us_realm *realm, const struct us_client *client) {
  switch ((enum us_verifier_rule)realm->settings.code_verifier_enforced) {
  case US_VERIFIER_OFF:
    return false;
  case US_VERIFIER_ALL:
    return true;
  case US_VERIFIER_PUBLIC:
    return client->is_public;
  case US_VERIFIER_PASSWORDLESS:
    return client->is_public && client->secret_hash.n == 0;
  }
  return true;
}

enum us_code us_pkce_check_challenge(struct us_cx *cx, const struct us_realm *realm, const struct us_client *client,
                                     struct us_str challenge, struct us_str method, struct us_str *ret_method) {
  if (challenge.n == 0) {
    if (method.n > 0 || us_pkce_is_required(realm, client))
      return us_fail(cx, US_E_INVALID_REQUEST, "Missing parameter, 'code_challenge'");
    *ret_method = US_STR_ABSENT;
    return US_OK;
  }
  bool is_plain = method.n == 0 || us_str_eq(method, US_STR(PLAIN)); /* RFC 7636 4.3 */
  if (!is_plain && !us_str_eq(method, US_STR(S256)))
    return us_fail(cx, US_E_INVALID_REQUEST, "Unknown code_challenge_method");
  if (is_plain && !realm->settings.allow_plain_pkce) /* 4.4.1: "transform algorithm not supported" */
    return us_fail(cx, US_E_INVALID_REQUEST, "The code_challenge_method must be " S256);
  if (!is_well_formed(challenge))
    return us_fail(cx, US_E_INVALID_REQUEST, "A code_challenge has %d to %d unreserved characters", US_PKCE_MIN,
                   US_PKCE_MAX);
  *ret_method = is_plain ? US_STR(PLAIN) : US_STR(S256);
  return US_OK;
}

/* What nobody shows in words: which of the reasons it was is for the log. */
static enum us_code refuse(struct us_cx *cx, const char *why) {
  (void)us_fail_plain(cx, US_E_INVALID_GRANT);
  return us_error_detail(cx, "code_verifier: %s", why);
}

enum us_code us_pkce_verify(struct us_cx *cx, struct us_str challenge, struct us_str method, struct us_str verifier) {
  char digest[US_SHA256_TEXT_BYTES];
  if (challenge.n == 0) /* RFC 9700 2.1.1, 4.8.2: somebody took the challenge out of the request (PK-04) */
    return verifier.n == 0 ? US_OK : refuse(cx, "there was no challenge");
  if (verifier.n == 0)
    return us_fail(cx, US_E_INVALID_REQUEST, "code_verifier parameter required");
  if (!is_well_formed(verifier))
    return refuse(cx, "not of the form");
  struct us_str proof = verifier;
  if (us_str_eq(method, US_STR(S256))) {
    us_sha256_text(verifier, digest);
    proof = (struct us_str){digest, US_SHA256_TEXT_BYTES - 1};
  } else if (!us_str_eq(method, US_STR(PLAIN))) {
    return refuse(cx, "the method is not known");
  }
  return us_str_equal_ct(proof, challenge) ? US_OK : refuse(cx, "does not match");
}
