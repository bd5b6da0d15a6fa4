/* Certificates of clients, and sets of keys, as values: what can be read, what is recognised. The stories are tests/flow/test_client_tls.c. */
#include "../unit.h"

#include <openssl/core_names.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../testlib/certificate.h"
#include "crypto/cert.h"
#include "crypto/digest.h"
#include "crypto/jwk_set.h"

#define NOW INT64_C(1900000000)
#define DAY INT64_C(86400)

static EVP_PKEY *key, *other_key;
static int make_keys(void **state) {
  (void)state;
  key = EVP_EC_gen("P-256");
  other_key = EVP_EC_gen("P-256");
  return key && other_key ? us_crypto_setup() : -1;
}
static int drop_keys(void **state) {
  (void)state;
  EVP_PKEY_free(key);
  EVP_PKEY_free(other_key);
  us_crypto_done();
  return 0;
}
static struct test_cert plain(const char *subject) {
  return (struct test_cert){.subject = subject, .key = key, .from_s = NOW - DAY, .to_s = NOW + DAY};
}
static struct test_cert authority(const char *subject) {
  return (struct test_cert){
      .subject = subject, .key = other_key, .from_s = NOW - 2 * DAY, .to_s = NOW + 2 * DAY, .is_authority = true};
}

static void only_one_whole_certificate_is_read(void **state) {
  (void)state;
  struct test_cert as = plain("CN=a");
  X509 *x509 = test_cert_make(&as, &as);
  unsigned char *der = NULL, more[4096];
  int n = i2d_X509(x509, &der);
  assert_true(n > 0 && n < 4000);
  memcpy(more, der, (size_t)n);
  more[n] = 0;
  struct us_cert *cert = us_cert_new((struct us_str){(char *)der, (size_t)n});
  assert_non_null(cert);
  char digest[US_SHA256_TEXT_BYTES];
  us_sha256_text((struct us_str){(char *)der, (size_t)n}, digest);
  assert_str(us_cert_thumbprint(cert), digest);
  assert_int_equal(us_cert_key_thumbprint(cert).n, 43);
  us_cert_unref(us_cert_ref(cert));
  us_cert_unref(cert);
  us_cert_unref(NULL);
  assert_null(us_cert_new((struct us_str){(char *)more, (size_t)n + 1}));
  assert_null(us_cert_new((struct us_str){(char *)der, (size_t)n - 1}));
  assert_null(us_cert_new((struct us_str){(char *)der + 1, (size_t)n - 1}));
  assert_null(us_cert_new((struct us_str){"", 0}));
  /* The same in BER: its outer length in one byte more than it needs. */
  assert_int_equal(der[0], 0x30);
  assert_true(der[1] == 0x82 || der[1] == 0x81);
  size_t of_length = der[1] & 0x7f;
  more[0] = 0x30;
  more[1] = (unsigned char)(0x80 | (of_length + 1));
  more[2] = 0;
  memcpy(more + 3, der + 2, (size_t)n - 2);
  assert_null(us_cert_new((struct us_str){(char *)more, (size_t)n + 1}));
  assert_null(us_cert_new(US_STR_ABSENT));
  OPENSSL_free(der);
  X509_free(x509);
}

/* The most bytes there may be, and one more. */
static void a_certificate_has_a_maximum(void **state) {
  (void)state;
  char *name = malloc(US_CERT_MAX_BYTES + 1);
  size_t bytes = 0;
  for (size_t length = US_CERT_MAX_BYTES - 600; length < US_CERT_MAX_BYTES && bytes <= US_CERT_MAX_BYTES; length++) {
    struct test_cert as = plain("CN=a");
    memset(name, 'a', length);
    memcpy(name, "URI:u:", 6);
    name[length] = '\0';
    as.names = name;
    X509 *x509 = test_cert_make(&as, &as);
    unsigned char *der = NULL;
    int n = i2d_X509(x509, &der);
    assert_true(n > 0);
    bytes = (size_t)n;
    struct us_cert *cert = us_cert_new((struct us_str){(char *)der, bytes});
    if ((cert != NULL) != (bytes <= US_CERT_MAX_BYTES))
      fail_msg("%zu bytes", bytes);
    us_cert_unref(cert);
    OPENSSL_free(der);
    X509_free(x509);
  }
  assert_true(bytes > US_CERT_MAX_BYTES);
  free(name);
}

static struct us_cert *make(struct test_cert subject, struct test_cert issuer, STACK_OF(X509) * others) {
  X509 *x509 = test_cert_make(&subject, &issuer);
  struct us_cert *cert = us_cert_of_x509(x509, others);
  assert_non_null(cert);
  X509_free(x509);
  return cert;
}

static const char *write_pem(char path[64], X509 *const *x509, size_t n, const char *more) {
  strcpy(path, "/tmp/usher-cert-XXXXXX");
  FILE *out = fdopen(mkstemp(path), "w");
  assert_non_null(out);
  for (size_t i = 0; i < n; i++)
    assert_int_equal(PEM_write_X509(out, x509[i]), 1);
  fputs(more, out);
  fclose(out);
  return path;
}

static void a_file_of_authorities_is_read_whole_or_not_at_all(void **state) {
  (void)state;
  char path[64], reason[256] = "";
  struct test_cert ca = authority("CN=ca");
  X509 *x509 = test_cert_make(&ca, &ca);
  assert_null(us_cert_trust_new("/nonexistent/ca.pem", reason, sizeof(reason)));
  assert_non_null(strstr(reason, "/nonexistent/ca.pem"));
  static const char *const bad[] = {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                                    "-----BEGIN CERTIFICATE-----\nAAAA\n"};
  for (size_t i = 0; i < 2; i++) {
    assert_null(us_cert_trust_new(write_pem(path, &x509, 1, bad[i]), reason, sizeof(reason)));
    unlink(path);
  }
  assert_null(us_cert_trust_new(write_pem(path, NULL, 0, ""), reason, sizeof(reason)));
  unlink(path);
  struct us_cert_trust *trust = us_cert_trust_new(write_pem(path, &x509, 1, "a comment\n"), reason, sizeof(reason));
  assert_non_null(trust);
  unlink(path);
  us_cert_trust_free(trust);
  us_cert_trust_free(NULL);
  X509_free(x509);
}

/* One in the middle comes along with the certificate, or stands in the file. Authorities that changed are asked anew. */
static void a_chain_leads_to_an_authority(void **state) {
  (void)state;
  char path[64], reason[256] = "";
  EVP_PKEY *third = EVP_EC_gen("P-256");
  struct test_cert root = authority("CN=root"), middle = authority("CN=middle"), stranger = authority("CN=stranger");
  middle.key = third;
  middle.to_s = NOW + 100;
  X509 *root_x509 = test_cert_make(&root, &root), *middle_x509 = test_cert_make(&middle, &root);
  X509 *stranger_x509 = test_cert_make(&stranger, &stranger);
  STACK_OF(X509) *others = sk_X509_new_null();
  sk_X509_push(others, middle_x509);
  struct us_cert_trust *trust = us_cert_trust_new(write_pem(path, &root_x509, 1, ""), reason, sizeof(reason));
  assert_non_null(trust);
  unlink(path);
  struct us_cert *with = make(plain("CN=a"), middle, others), *without = make(plain("CN=a"), middle, NULL);
  assert_true(us_cert_is_trusted(with, trust, NOW));
  assert_true(us_cert_is_trusted(with, trust, NOW + 100));
  assert_false(us_cert_is_trusted(with, trust, NOW + 101)); /* the one in the middle has expired */
  assert_true(us_cert_is_valid(with, NOW + 101));
  assert_false(us_cert_is_trusted(without, trust, NOW));
  assert_false(us_cert_is_trusted(with, NULL, NOW));
  assert_false(us_cert_trust_reload(trust, "/nonexistent/ca.pem", reason, sizeof(reason)));
  assert_true(us_cert_is_trusted(with, trust, NOW));
  assert_true(us_cert_trust_reload(trust, write_pem(path, &stranger_x509, 1, ""), reason, sizeof(reason)));
  unlink(path);
  assert_false(us_cert_is_trusted(with, trust, NOW));
  assert_true(us_cert_trust_reload(trust, write_pem(path, &middle_x509, 1, ""), reason, sizeof(reason)));
  unlink(path);
  assert_true(us_cert_is_trusted(without, trust, NOW));
  us_cert_unref(with);
  us_cert_unref(without);
  us_cert_trust_free(trust);
  sk_X509_free(others);
  X509_free(root_x509);
  X509_free(middle_x509);
  X509_free(stranger_x509);
  EVP_PKEY_free(third);
}

static void a_common_name_is_no_dns_name(void **state) {
  (void)state;
  struct us_cert *cert = make(plain("CN=client.example"), plain("CN=client.example"), NULL);
  assert_true(us_cert_has_name(cert, US_CERT_SUBJECT_DN, US_STR("CN=client.example")));
  assert_false(us_cert_has_name(cert, US_CERT_SAN_DNS, US_STR("client.example")));
  assert_false(us_cert_has_name(cert, US_CERT_SAN_URI, US_STR("client.example")));
  us_cert_unref(cert);
}

/* RFC 4514 4 and what may not be. */
static void distinguished_names_are_read_strictly(void **state) {
  (void)state;
  static const char *const fine[] = {"UID=jsmith,DC=example,DC=net",
                                     "OU=Sales+CN=J.  Smith,DC=example,DC=net",
                                     "CN=James \\\"Jim\\\" Smith\\, III,DC=example,DC=net",
                                     "CN=Before\\0dAfter,DC=example,DC=net",
                                     "CN=Lu\\C4\\8Di\\C4\\87",
                                     "CN=\xc3\xa9",
                                     "1.3.6.1.4.1.1466.0=x",
                                     "CN=",
                                     "CN=\\ a\\ ",
                                     "CN=\\#a"};
  static const char *const bad[] = {"",       ",",       "=",        "CN",      "CN=a,",
                                    ",CN=a",  "CN=a+",   "CN=a;O=b", "CN=a\"b", "CN=<a>",
                                    "CN=a\\", "CN=a\\x", "C N=a",    "CN=\xff", "nosuchtype=a"};
  for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
    if (!us_cert_name_ok(US_CERT_SUBJECT_DN, us_str_c(fine[i])))
      fail_msg("refused: %s", fine[i]);
  }
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    if (us_cert_name_ok(US_CERT_SUBJECT_DN, us_str_c(bad[i])))
      fail_msg("taken: %s", bad[i]);
  }
  char text[1026];
  memset(text, 'a', sizeof(text));
  memcpy(text, "CN=", 3);
  assert_true(us_cert_name_ok(US_CERT_SUBJECT_DN, (struct us_str){text, 1024}));
  assert_false(us_cert_name_ok(US_CERT_SUBJECT_DN, (struct us_str){text, 1025}));
}

/* RFC 7638 3.1 */
static void thumbprints_of_keys_are_those_of_the_specification(void **state) {
  struct us_cx *cx = *state;
  struct us_jwk_set *set = NULL;
  static const char text[] =
      "{\"keys\":[{\"kty\":\"RSA\",\"n\":"
      "\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR"
      "1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_"
      "FDW2QvzqY368QQMicAta"
      "Sqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_"
      "xBniIqbw0Ls1"
      "jF44-csFCur-kEgU8awapJzKnqDKgw\",\"e\":\"AQAB\",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}]}";
  assert_int_equal(us_jwk_set_load(cx, us_str_c(text), &set), US_OK);
  assert_int_equal(us_jwk_set_count(set), 1);
  assert_true(us_jwk_set_has_certificate(set, US_STR("x"), US_STR("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")));
  assert_false(us_jwk_set_has_certificate(set, US_STR("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"), US_STR_ABSENT));
  assert_non_null(us_jwk_set_find(set, US_ALG_RS256, US_STR("2011-04-29"), 0));
  assert_null(us_jwk_set_find(set, US_ALG_RS256, US_STR("2011-04-29"), 1));
  assert_null(us_jwk_set_find(set, US_ALG_ES256, US_STR("2011-04-29"), 0));
  assert_null(us_jwk_set_find(set, US_ALG_RS256, US_STR("2011-04-30"), 0));
  assert_non_null(us_jwk_set_find(set, US_ALG_RS256, US_STR_ABSENT, 0));
  us_jwk_set_free(set);
  us_jwk_set_free(NULL);
}

/* A certificate and the JWK of its key are recognised as one. */
static void a_certificate_has_the_thumbprint_of_its_key(void **state) {
  struct us_cx *cx = *state;
  struct us_jwk_set *set = NULL;
  struct us_str jwk = US_STR_ABSENT;
  struct us_cert *cert = make(plain("CN=a"), plain("CN=a"), NULL);
  uint8_t x[32], y[32];
  char x_text[48], y_text[48];
  BIGNUM *bn_x = NULL, *bn_y = NULL;
  assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &bn_x), 1);
  assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &bn_y), 1);
  BN_bn2binpad(bn_x, x, 32);
  BN_bn2binpad(bn_y, y, 32);
  us_base64url_encode(x, 32, x_text);
  us_base64url_encode(y, 32, y_text);
  jwk =
      us_str_fmt(cx->mem, "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"}]}", x_text, y_text);
  assert_int_equal(us_jwk_set_load(cx, jwk, &set), US_OK);
  assert_true(us_jwk_set_has_certificate(set, us_cert_thumbprint(cert), us_cert_key_thumbprint(cert)));
  us_jwk_set_free(set);
  us_cert_unref(cert);
  struct test_cert of_other = plain("CN=a");
  of_other.key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
  cert = NULL;
  X509 *x509 = X509_new();
  X509_set_pubkey(x509, of_other.key);
  ASN1_TIME_set(X509_getm_notBefore(x509), 0);
  ASN1_TIME_set(X509_getm_notAfter(x509), 1);
  X509_sign(x509, key, EVP_sha256());
  cert = us_cert_of_x509(x509, NULL);
  assert_non_null(cert);
  assert_null(us_cert_key_thumbprint(cert).p); /* a kind of key that is not taken: found in no set */
  us_cert_unref(cert);
  X509_free(x509);
  EVP_PKEY_free(of_other.key);
  BN_free(bn_x);
  BN_free(bn_y);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(only_one_whole_certificate_is_read),
      cmocka_unit_test(a_certificate_has_a_maximum),
      cmocka_unit_test(a_file_of_authorities_is_read_whole_or_not_at_all),
      cmocka_unit_test(a_chain_leads_to_an_authority),
      cmocka_unit_test(a_common_name_is_no_dns_name),
      cmocka_unit_test(distinguished_names_are_read_strictly),
      UNIT_WITH_CX(thumbprints_of_keys_are_those_of_the_specification),
      UNIT_WITH_CX(a_certificate_has_the_thumbprint_of_its_key),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
