/* Certificates for tests, made by OpenSSL: one struct says what is to be in one. Include it behind cmocka. */
#ifndef USHER_TESTLIB_CERTIFICATE_H
#define USHER_TESTLIB_CERTIFICATE_H

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct test_cert {
  const char *subject; /* as RFC 4514 writes it, most special part first; commas in it behind a backslash */
  EVP_PKEY *key;
  int64_t from_s, to_s;
  const char *names; /* subjectAltName as OpenSSL's configuration has it; NULL: none */
  const char *usage; /* extendedKeyUsage; NULL: none */
  bool is_authority;
};

/* "A=a,B=b" into a name; the parts go in from the back. */
static inline void test_cert_name(X509_NAME *name, const char *text) {
  char copy[512], *parts[16];
  size_t n = 0;
  snprintf(copy, sizeof(copy), "%s", text);
  for (char *at = copy, *out = copy; n < 16; n++) {
    parts[n] = out;
    while (*at && *at != ',') {
      if (*at == '\\')
        at++;
      *out++ = *at++;
    }
    bool is_end = *at == '\0';
    *out++ = '\0';
    at++;
    if (is_end) {
      n++;
      break;
    }
  }
  while (n-- > 0) {
    char *value = strchr(parts[n], '=');
    assert_non_null(value);
    *value++ = '\0';
    assert_int_equal(X509_NAME_add_entry_by_txt(name, parts[n], MBSTRING_UTF8, (unsigned char *)value, -1, -1, 0), 1);
  }
}

static inline void test_cert_extend(X509 *x509, int nid, const char *value) {
  X509V3_CTX ctx;
  X509V3_set_ctx(&ctx, x509, x509, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
  assert_non_null(extension);
  assert_int_equal(X509_add_ext(x509, extension, -1), 1);
  X509_EXTENSION_free(extension);
}

/* Each has a serial number of its own. */
static inline X509 *test_cert_make(const struct test_cert *subject, const struct test_cert *issuer) {
  static long serial;
  X509 *x509 = X509_new();
  X509_NAME *of = X509_NAME_new(), *by = X509_NAME_new();
  assert_true(x509 && of && by);
  test_cert_name(of, subject->subject);
  test_cert_name(by, issuer->subject);
  assert_int_equal(X509_set_version(x509, 2), 1);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), ++serial);
  assert_non_null(ASN1_TIME_set(X509_getm_notBefore(x509), (time_t)subject->from_s));
  assert_non_null(ASN1_TIME_set(X509_getm_notAfter(x509), (time_t)subject->to_s));
  X509_set_subject_name(x509, of);
  X509_set_issuer_name(x509, by);
  X509_set_pubkey(x509, subject->key);
  if (subject->is_authority)
    test_cert_extend(x509, NID_basic_constraints, "critical,CA:TRUE");
  if (subject->names)
    test_cert_extend(x509, NID_subject_alt_name, subject->names);
  if (subject->usage)
    test_cert_extend(x509, NID_ext_key_usage, subject->usage);
  assert_true(X509_sign(x509, issuer->key, EVP_sha256()) > 0);
  X509_NAME_free(of);
  X509_NAME_free(by);
  return x509;
}

/* Base64 with padding; static memory, until the next call. */
static inline const char *test_cert_base64(const unsigned char *der, size_t n) {
  static char text[16384];
  assert_true(n < sizeof(text) / 2);
  EVP_EncodeBlock((unsigned char *)text, der, (int)n);
  return text;
}

#endif
