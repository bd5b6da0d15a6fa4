/* Whose certificate a request came with: by TLS, or as a trusted proxy tells it (SB-17, RFC 9440). */
#include "wire.h"

#include "crypto/digest.h"
#include "http/client_cert.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>

#define PROXY "127.0.0.9"
#define STRANGER "127.0.0.2"

static const char *const proxies[] = {PROXY, NULL};

static void start(const char *header) {
  struct wire_options options = wire_defaults();
  options.trusted_proxies = proxies;
  options.client_cert_header = header;
  options.asks_client_certificate = true;
  wire_start(&options);
}

/* The certificate of the tests in all its forms. */
struct shown {
  char thumbprint[US_SHA256_TEXT_BYTES];
  char *base64; /* with padding */
  char *pem;
  char *escaped; /* as nginx writes $ssl_client_escaped_cert */
};
static struct shown read_shown(unsigned which) {
  struct shown s;
  FILE *file = fopen(wire_certificate(which), "r");
  X509 *x509 = PEM_read_X509(file, NULL, NULL, NULL);
  unsigned char *der = NULL;
  int n = i2d_X509(x509, &der);
  assert_true(n > 0);
  fclose(file);
  us_sha256_text((struct us_str){(char *)der, (size_t)n}, s.thumbprint);
  s.base64 = calloc(1, (size_t)n * 2 + 8);
  EVP_EncodeBlock((unsigned char *)s.base64, der, n);
  BIO *bio = BIO_new(BIO_s_mem());
  char *text = NULL;
  PEM_write_bio_X509(bio, x509);
  long length = BIO_get_mem_data(bio, &text);
  s.pem = calloc(1, (size_t)length + 1);
  memcpy(s.pem, text, (size_t)length);
  s.escaped = calloc(1, (size_t)length * 3 + 1);
  for (char *in = s.pem, *out = s.escaped; *in; in++) {
    if (strchr(" \n+/=", *in))
      out += sprintf(out, "%%%02X", (unsigned char)*in);
    else
      *out++ = *in;
  }
  BIO_free(bio);
  X509_free(x509);
  OPENSSL_free(der);
  return s;
}
static void done(struct shown *s) {
  free(s->base64);
  free(s->pem);
  free(s->escaped);
}

/* The status for a request from this address, and what the handler was told. `ctx`: over TLS. */
static int ask(const char *from, SSL_CTX *ctx, const char *headers, const char *cert) {
  struct wire_client client = {.fd = wire_connect_socket(from, wire_port(ctx != NULL))};
  us_buf_init(&client.got, 1 << 20);
  if (ctx)
    assert_true(wire_try_handshake(&client, ctx));
  struct wire_answer answer;
  char *request = wire_format("GET / HTTP/1.1\r\n" WIRE_HOST "%s\r\n", headers);
  char *line = wire_format("\ncert=%s\n", cert);
  wire_send_c(&client, request);
  wire_read_answer(&client, false, &answer);
  if (answer.status == 200 && !strstr(answer.body.p, line))
    fail_msg("'%s' is not in '%s'", line, answer.body.p);
  int status = answer.status;
  wire_answer_done(&answer);
  wire_close(&client);
  free(request);
  free(line);
  return status;
}
static int ask_with(const char *from, const char *value, const char *cert) {
  char *headers = wire_format("Client-Cert: %s\r\n", value);
  int status = ask(from, NULL, headers, cert);
  free(headers);
  return status;
}

/* SB-17 */
static void a_trusted_proxy_tells_the_certificate(void **state) {
  (void)state;
  struct shown s = read_shown(1);
  start("client-cert");
  char *rfc9440 = wire_format(":%s:", s.base64);
  assert_int_equal(ask_with(PROXY, rfc9440, s.thumbprint), 200);
  assert_int_equal(ask_with(PROXY, s.escaped, s.thumbprint), 200);
  assert_int_equal(ask(PROXY, NULL, "", ""), 200);
  assert_int_equal(ask_with(PROXY, "", ""), 200); /* how some say that there was none */
  free(rfc9440);
  done(&s);
}

/* SB-17: from anybody else it is a header like others, whatever is in it. */
static void a_forged_header_has_no_effect(void **state) {
  (void)state;
  struct shown s = read_shown(1);
  start("client-cert");
  char *rfc9440 = wire_format(":%s:", s.base64);
  assert_int_equal(ask_with(STRANGER, rfc9440, ""), 200);
  assert_int_equal(ask_with(STRANGER, "nonsense", ""), 200);
  char *twice = wire_format("Client-Cert: %s\r\nClient-Cert: x\r\n", rfc9440);
  assert_int_equal(ask(STRANGER, NULL, twice, ""), 200);
  /* The proxy is told by its address alone, not by what it says. */
  char *forwarded = wire_format("X-Forwarded-For: " PROXY "\r\nClient-Cert: %s\r\n", rfc9440);
  assert_int_equal(ask(STRANGER, NULL, forwarded, ""), 200);
  free(forwarded);
  free(twice);
  free(rfc9440);
  done(&s);
}

static void no_header_is_read_unless_it_is_configured(void **state) {
  (void)state;
  struct shown s = read_shown(1);
  start(NULL);
  char *rfc9440 = wire_format(":%s:", s.base64);
  assert_int_equal(ask_with(PROXY, rfc9440, ""), 200);
  assert_int_equal(ask_with(PROXY, "nonsense", ""), 200);
  free(rfc9440);
  done(&s);
}

static void what_cannot_be_read_is_refused(void **state) {
  (void)state;
  struct shown s = read_shown(1);
  start("client-cert");
  size_t n = strlen(s.base64);
  char *long_value = wire_repeat('A', 24000);
  char *bad[] = {
      wire_format("%s", s.base64),
      wire_format(":%s", s.base64),
      wire_format("%s:", s.base64),
      wire_format(":%s:;a=b", s.base64),
      wire_format("::"),
      wire_format(":AAAA:"),
      wire_format(":%.*s:", (int)n - 4, s.base64), /* cut */
      wire_format(":%.*sAAAA%s:", (int)(n / 4 * 4 - 4), s.base64, s.base64 + (n / 4 * 4 - 4)),
      wire_format(": %s:", s.base64),
      wire_format(":%s:, :%s:", s.base64, s.base64),
      wire_format("%s%s", s.escaped, s.escaped),
      wire_format("%%0A%s", s.escaped),
      wire_format("x%s", s.escaped),
      wire_format("%sx", s.escaped),
      wire_format("%.*s", (int)strlen(s.escaped) - 20, s.escaped),
      wire_format("%s%%", s.escaped),
      wire_format("%s%%GG", s.escaped),
      wire_format("-----BEGIN%%20CERTIFICATE-----%%0A-----END%%20CERTIFICATE-----"),
      wire_format("-----BEGIN%%20PUBLIC%%20KEY-----%%0AAAAA%%0A-----END%%20PUBLIC%%20KEY-----"),
      wire_format(":%s:", long_value),
      wire_format("nonsense"),
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    int status = ask_with(PROXY, bad[i], s.thumbprint);
    if (status != 400)
      print_error("%zu: %d for %s\n", i, status, bad[i]);
    assert_int_equal(status, 400);
    free(bad[i]);
  }
  char *twice = wire_format("Client-Cert: :%s:\r\nClient-Cert: :%s:\r\n", s.base64, s.base64);
  assert_int_equal(ask(PROXY, NULL, twice, ""), 400);
  free(twice);
  free(long_value);
  done(&s);
}

/* A connection of a proxy speaks for others; one of anybody else for itself. */
static void a_proxys_own_certificate_is_nobodys(void **state) {
  (void)state;
  struct shown own = read_shown(0), told = read_shown(1);
  SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
  assert_int_equal(SSL_CTX_use_certificate_file(ctx, wire_certificate(0), SSL_FILETYPE_PEM), 1);
  assert_int_equal(SSL_CTX_use_PrivateKey_file(ctx, wire_key(0), SSL_FILETYPE_PEM), 1);
  start("client-cert");
  char *header = wire_format("Client-Cert: :%s:\r\n", told.base64);
  assert_int_equal(ask(PROXY, ctx, "", ""), 200);
  assert_int_equal(ask(PROXY, ctx, header, told.thumbprint), 200);
  assert_int_equal(ask(STRANGER, ctx, header, own.thumbprint), 200);
  assert_int_equal(ask(STRANGER, ctx, "", own.thumbprint), 200);
  free(header);
  SSL_CTX_free(ctx);
  done(&own);
  done(&told);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      WIRE_TEST(a_trusted_proxy_tells_the_certificate),     WIRE_TEST(a_forged_header_has_no_effect),
      WIRE_TEST(no_header_is_read_unless_it_is_configured), WIRE_TEST(what_cannot_be_read_is_refused),
      WIRE_TEST(a_proxys_own_certificate_is_nobodys),
  };
  return WIRE_RUN(tests);
}
