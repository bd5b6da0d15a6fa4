/*
 * Certificates as trusted proxies tell them, in a header, and the names that clients register for theirs. What is taken is one
 * certificate that is recognised again; no name of any kind is looked for without an end.
 */
#include <string.h>

#include "base/mem.h"
#include "crypto/digest.h"
#include "fuzz.h"
#include "http/client_cert.h"

#define US_FUZZ_CERT                                                                                                   \
  "MIIB1zCCAX6gAwIBAgIUDEcQJBjPIPEhpN6oLfNlwCfQkVQwCgYIKoZIzj0EAwIwIDENMAsGA1UECgwEVGVzdDEPMA0GA1UE"                   \
  "AwwGY2xpZW50MB4XDTI2MTEyNTA0MTEwM1oXDTM2MTEyMjA0MTEwM1owIDENMAsGA1UECgwEVGVzdDEPMA0GA1UEAwwGY2xp"                   \
  "ZW50MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEiTIHkptY2p1mOqrocx6bp3D7oU9d31Q3AYlHNPqf4VHHKsObSVvqL9nw"                   \
  "X+oCYxjQOkeV+FrnFutaZoPvF0yAQaOBlTCBkjAdBgNVHQ4EFgQU0D16f3+nKVZ2bzqKN5ZwcoKIodUwHwYDVR0jBBgwFoAU"                   \
  "0D16f3+nKVZ2bzqKN5ZwcoKIodUwDwYDVR0TAQH/BAUwAwEB/zA/BgNVHREEODA2gg5jbGllbnQuZXhhbXBsZYYMdXJuOmNs"                   \
  "aWVudDoxhwTAAAIHgRBhQGNsaWVudC5leGFtcGxlMAoGCCqGSM49BAMCA0cAMEQCIDdNHZJJB6Ehma+hpsq39jkHxolV3JOC"                   \
  "y94TIxWAE/pmAiBwg0zqkI/rNjMmmo5+m0IthmnRE8+PhiAPliit8o9DPQ=="

static void look_for(const struct us_cert *cert, struct us_str text) {
  for (int kind = US_CERT_SUBJECT_DN; kind <= US_CERT_SAN_EMAIL; kind++) {
    bool is_ok = us_cert_name_ok((enum us_cert_name)kind, text);
    fuzz_must(cert == NULL || is_ok || !us_cert_has_name(cert, (enum us_cert_name)kind, text));
    if (cert != NULL && is_ok)
      (void)us_cert_has_name(cert, (enum us_cert_name)kind, text);
  }
}

/* One that is always there, so that names meet a certificate whatever the bytes are. */
static struct us_cert *any_certificate(void *mem, struct us_certs *certs) {
  static const char value[] = ":" US_FUZZ_CERT ":";
  struct us_cert *cert = us_client_cert_read(mem, certs, us_str_c(value));
  fuzz_must(cert != NULL);
  return cert;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static bool is_ready;
  static struct us_certs certs;
  if (!is_ready)
    fuzz_must(us_crypto_setup() == 0);
  is_ready = true;
  void *mem = us_mem_root_new(US_MEM_REQUEST_POOL_BYTES, US_MEM_REQUEST_MAX_BYTES);
  struct us_str text = {(const char *)data, size};
  fuzz_must(mem != NULL);
  struct us_cert *any = any_certificate(mem, &certs), *cert = us_client_cert_read(mem, &certs, text);
  look_for(any, text);
  if (cert != NULL) {
    fuzz_must(us_cert_thumbprint(cert).n == 43);
    fuzz_must(!us_cert_is_trusted(cert, NULL, 0));
    struct us_cert *again = us_client_cert_read(mem, &certs, text);
    fuzz_must(again == cert); /* remembered */
    us_cert_unref(again);
    look_for(cert, US_STR("CN=client,O=Test"));
  }
  us_cert_unref(any);
  us_cert_unref(cert);
  us_certs_done(&certs);
  us_mem_free(mem);
  return 0;
}
