/* Certificates of clients: see client_cert.h. */
#include "http/client_cert.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/digest.h"

#define BEGIN_LINE "-----BEGIN CERTIFICATE-----\n"
#define END_LINE "-----END CERTIFICATE-----"

static int hex_of(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-encoding undone. There is no blank in it that '+' would stand for. */
static bool decode_percent(void *mem, struct us_str in, struct us_str *ret_text) {
  char *text = us_mem_alloc(mem, in.n + 1);
  size_t n = 0;
  for (size_t i = 0; text != NULL && i < in.n; i++) {
    if (in.p[i] != '%') {
      text[n++] = in.p[i];
      continue;
    }
    int high = i + 2 < in.n ? hex_of(in.p[i + 1]) : -1, low = i + 2 < in.n ? hex_of(in.p[i + 2]) : -1;
    if (high < 0 || low < 0)
      return false;
    text[n++] = (char)(high << 4 | low);
    i += 2;
  }
  *ret_text = (struct us_str){text, n};
  return text != NULL;
}

void us_certs_done(struct us_certs *certs) {
  for (size_t i = 0; i < US_CERTS_REMEMBERED; i++)
    us_cert_unref(certs->v[i]);
  *certs = (struct us_certs){0};
}

/* What has this digest was read before; a place that is taken is taken over. */
static struct us_cert *of_der(struct us_certs *certs, struct us_str der) {
  uint8_t digest[US_SHA256_BYTES];
  char thumbprint[US_SHA256_TEXT_BYTES];
  us_sha256(der, digest);
  us_base64url_encode(digest, sizeof(digest), thumbprint);
  struct us_cert **place = &certs->v[digest[0] % US_CERTS_REMEMBERED];
  if (*place == NULL || !us_str_eq_c(us_cert_thumbprint(*place), thumbprint)) {
    struct us_cert *cert = us_cert_new(der);
    if (cert == NULL)
      return NULL;
    us_cert_unref(*place);
    *place = cert;
  }
  return us_cert_ref(*place);
}

static struct us_cert *of_base64(void *mem, struct us_certs *certs, struct us_str text) {
  char *der = us_mem_alloc(mem, US_CERT_MAX_BYTES);
  size_t n = 0;
  if (der == NULL || !us_base64_decode(text, der, US_CERT_MAX_BYTES, &n))
    return NULL;
  return of_der(certs, (struct us_str){der, n});
}

/* RFC 7468 3: lines between the two that name it. One certificate, with nothing before or behind it. */
static struct us_cert *of_pem(void *mem, struct us_certs *certs, struct us_str pem) {
  struct us_str begin = US_STR(BEGIN_LINE), end = US_STR(END_LINE);
  char *text = us_mem_alloc(mem, pem.n + 1);
  size_t n = 0;
  while (pem.n > 0 && pem.p[pem.n - 1] == '\n')
    pem.n--;
  if (text == NULL || pem.n < begin.n + end.n || !us_str_starts(pem, begin) ||
      memcmp(pem.p + pem.n - end.n, end.p, end.n) != 0)
    return NULL;
  for (size_t i = begin.n; i < pem.n - end.n; i++) {
    if (pem.p[i] != '\n' && pem.p[i] != '\r')
      text[n++] = pem.p[i];
  }
  return of_base64(mem, certs, (struct us_str){text, n});
}

struct us_cert *us_client_cert_read(void *mem, struct us_certs *certs, struct us_str value) {
  struct us_str pem;
  if (value.n > 2 && value.p[0] == ':' && value.p[value.n - 1] == ':')
    return of_base64(mem, certs, (struct us_str){value.p + 1, value.n - 2});
  return decode_percent(mem, value, &pem) ? of_pem(mem, certs, pem) : NULL;
}

static void let_go(void *cert) {
  us_cert_unref(cert);
}

/* The request holds it from here on. */
static int show(struct us_http_request *request, void *mem, struct us_cert *cert, const char **ret_reason) {
  if (us_mem_own(mem, cert, let_go) != 0) {
    *ret_reason = "The server is out of memory";
    return 503;
  }
  request->certificate = cert;
  request->client_cert = us_cert_thumbprint(cert);
  return 0;
}

int us_client_cert_tell(struct us_http_request *request, void *mem, struct us_certs *certs, const struct us_cert *own,
                        bool is_proxy, const char *header, const char **ret_reason) {
  request->certificate = NULL;
  request->client_cert = US_STR_ABSENT;
  if (!is_proxy)
    return own == NULL ? 0 : show(request, mem, us_cert_ref(own), ret_reason);
  size_t lines = header != NULL ? us_http_header_count(request, header) : 0;
  if (lines == 0)
    return 0;
  struct us_str value = us_http_header(request, header);
  *ret_reason = lines > 1 ? US_CLIENT_CERT_REPEATED : US_CLIENT_CERT_MALFORMED;
  if (lines > 1) /* a proxy that adds its line to a stranger's vouches for neither */
    return 400;
  if (value.n == 0) /* how some proxies say that there was none */
    return 0;
  struct us_cert *cert = us_client_cert_read(mem, certs, value);
  return cert == NULL ? 400 : show(request, mem, cert, ret_reason);
}
