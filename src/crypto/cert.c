/* Certificates of clients: see cert.h. */
#include "crypto/cert.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/digest.h"
#include "crypto/key.h"

#define DN_MAX_BYTES 1024 /* of a distinguished name that is registered, or shown */
#define HOST_MAX_BYTES 253
#define NAME_MAX_BYTES 2048
#define SECURITY_LEVEL 2 /* OpenSSL's: 112 bits, so no RSA under 2048 bits and no SHA-1 on the way to an authority */

struct us_cert_trust {
  pthread_mutex_t lock;
  X509_STORE *store;
  uint64_t version; /* of the store; unlike that of any other trust of this process */
};

struct span {
  int64_t from_s, to_s;
};

struct us_cert {
  _Atomic unsigned holders;
  X509 *x509;
  char thumbprint[US_SHA256_TEXT_BYTES];
  char key_thumbprint[US_SHA256_TEXT_BYTES]; /* "" for a key of another kind */
  struct span own;
  STACK_OF(X509) * others;
  pthread_mutex_t lock; /* of what follows: what came of the look for an authority */
  uint64_t looked_in;   /* us_cert_trust.version; 0: it was not looked for yet */
  bool has_chain;
  struct span chain; /* when everything up to the authority is valid */
};

/* ---- Authorities ---- */

static bool say(char *ret_reason, size_t bytes, const char *file, const char *what) {
  snprintf(ret_reason, bytes, "%s: %s", file, what);
  return false;
}

/* The purpose of the certificate (extendedKeyUsage) is looked at; its dates are not, see cert.h. Whoever stands in the file is trusted,
 * whether it is its own issuer or not. */
static bool set_rules(X509_STORE *store) {
  X509_VERIFY_PARAM *rules = X509_STORE_get0_param(store);
  X509_VERIFY_PARAM_set_auth_level(rules, SECURITY_LEVEL);
  return X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_NO_CHECK_TIME | X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
         X509_VERIFY_PARAM_set_purpose(rules, X509_PURPOSE_SSL_CLIENT) == 1;
}

static bool read_authorities(X509_STORE *store, const char *file, char *ret_reason, size_t bytes) {
  BIO *in = BIO_new_file(file, "r");
  size_t n = 0;
  bool ok = in != NULL;
  if (!ok)
    return say(ret_reason, bytes, file, "cannot be read");
  for (X509 *one; ok && (one = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL; n++) {
    ok = X509_STORE_add_cert(store, one) == 1;
    X509_free(one);
  }
  /* The loop ends at the end of the file, or at something that is no certificate. */
  bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  BIO_free(in);
  if (!ok || !is_end)
    return say(ret_reason, bytes, file, "has something in it that is not a certificate");
  return n > 0 || say(ret_reason, bytes, file, "has no certificate in it");
}

static X509_STORE *read_store(const char *file, char *ret_reason, size_t reason_bytes) {
  ERR_clear_error();
  X509_STORE *store = X509_STORE_new();
  bool ok = store != NULL && set_rules(store);
  if (!ok)
    (void)say(ret_reason, reason_bytes, file, "out of memory");
  ok = ok && read_authorities(store, file, ret_reason, reason_bytes);
  ERR_clear_error();
  if (ok)
    return store;
  X509_STORE_free(store);
  return NULL;
}

static uint64_t next_version(void) {
  static _Atomic uint64_t latest;
  return atomic_fetch_add(&latest, 1) + 1;
}

struct us_cert_trust *us_cert_trust_new(const char *file, char *ret_reason, size_t reason_bytes) {
  X509_STORE *store = read_store(file, ret_reason, reason_bytes);
  struct us_cert_trust *trust = store != NULL ? calloc(1, sizeof(*trust)) : NULL;
  if (trust != NULL && pthread_mutex_init(&trust->lock, NULL) == 0) {
    trust->store = store;
    trust->version = next_version();
    return trust;
  }
  if (store != NULL)
    (void)say(ret_reason, reason_bytes, file, "out of memory");
  X509_STORE_free(store);
  free(trust);
  return NULL;
}

bool us_cert_trust_reload(struct us_cert_trust *trust, const char *file, char *ret_reason, size_t reason_bytes) {
  X509_STORE *store = read_store(file, ret_reason, reason_bytes), *before;
  if (store == NULL)
    return false;
  pthread_mutex_lock(&trust->lock);
  before = trust->store;
  trust->store = store;
  trust->version = next_version();
  pthread_mutex_unlock(&trust->lock);
  X509_STORE_free(before); /* who uses it holds it */
  return true;
}

void us_cert_trust_free(struct us_cert_trust *trust) {
  if (trust == NULL)
    return;
  X509_STORE_free(trust->store);
  pthread_mutex_destroy(&trust->lock);
  free(trust);
}

static X509_STORE *hold_store(struct us_cert_trust *trust, uint64_t *ret_version) {
  pthread_mutex_lock(&trust->lock);
  X509_STORE *store = trust->store;
  X509_STORE_up_ref(store);
  *ret_version = trust->version;
  pthread_mutex_unlock(&trust->lock);
  return store;
}

/* ---- Dates and chain ---- */

static bool seconds_of(const ASN1_TIME *at, int64_t *ret_s) {
  struct tm parts;
  if (at == NULL || ASN1_TIME_to_tm(at, &parts) != 1)
    return false;
  *ret_s = (int64_t)timegm(&parts);
  return true;
}

static bool dates_of(const X509 *x509, struct span *ret_span) {
  return seconds_of(X509_get0_notBefore(x509), &ret_span->from_s) &&
         seconds_of(X509_get0_notAfter(x509), &ret_span->to_s);
}

static void narrow(struct span *span, struct span by) {
  if (by.from_s > span->from_s)
    span->from_s = by.from_s;
  if (by.to_s < span->to_s)
    span->to_s = by.to_s;
}

/* With the lock of the certificate held. */
static void look_for_authority(struct us_cert *cert, X509_STORE *store) {
  X509_STORE_CTX *look = X509_STORE_CTX_new();
  bool ok =
      look != NULL && X509_STORE_CTX_init(look, store, cert->x509, cert->others) == 1 && X509_verify_cert(look) == 1;
  STACK_OF(X509) *chain = ok ? X509_STORE_CTX_get0_chain(look) : NULL;
  struct span one;
  cert->chain = cert->own;
  for (int i = 0; ok && i < sk_X509_num(chain); i++) {
    ok = dates_of(sk_X509_value(chain, i), &one);
    if (ok)
      narrow(&cert->chain, one);
  }
  cert->has_chain = ok;
  X509_STORE_CTX_free(look);
  ERR_clear_error();
}

/* ---- The key ---- */

/* RFC 7638 3: the members that make the key, by name, without blanks. */
static bool rsa_text(const EVP_PKEY *pkey, char *text, size_t room) {
  uint8_t bytes[US_KEY_RSA_MAX_BITS / 8];
  char n[sizeof(bytes) * 4 / 3 + 4], e[32];
  BIGNUM *modulus = NULL, *exponent = NULL;
  bool ok = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &modulus) == 1 &&
            EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 &&
            BN_num_bytes(modulus) <= (int)sizeof(bytes) && BN_num_bytes(exponent) <= US_KEY_RSA_MAX_EXPONENT_BYTES;
  if (ok) {
    us_base64url_encode(bytes, (size_t)BN_bn2bin(modulus, bytes), n);
    us_base64url_encode(bytes, (size_t)BN_bn2bin(exponent, bytes), e);
    ok = snprintf(text, room, "{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}", e, n) < (int)room;
  }
  BN_free(modulus);
  BN_free(exponent);
  return ok;
}

static bool coordinate(const EVP_PKEY *pkey, const char *name, char ret_text[48]) {
  uint8_t bytes[32];
  BIGNUM *number = NULL;
  bool ok = EVP_PKEY_get_bn_param(pkey, name, &number) == 1 && BN_bn2binpad(number, bytes, sizeof(bytes)) == 32;
  if (ok)
    us_base64url_encode(bytes, sizeof(bytes), ret_text);
  BN_free(number);
  return ok;
}

static bool ec_text(const EVP_PKEY *pkey, char *text, size_t room) {
  char group[32] = "", x[48], y[48];
  bool ok = EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), NULL) == 1 &&
            strcmp(group, "prime256v1") == 0 && coordinate(pkey, OSSL_PKEY_PARAM_EC_PUB_X, x) &&
            coordinate(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, y);
  return ok && snprintf(text, room, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", x, y) < (int)room;
}

static void note_key(struct us_cert *cert) {
  char text[US_KEY_RSA_MAX_BITS / 8 * 4 / 3 + 128];
  EVP_PKEY *pkey = X509_get0_pubkey(cert->x509);
  bool ok = false;
  if (pkey != NULL && EVP_PKEY_is_a(pkey, "RSA"))
    ok = rsa_text(pkey, text, sizeof(text));
  else if (pkey != NULL && EVP_PKEY_is_a(pkey, "EC"))
    ok = ec_text(pkey, text, sizeof(text));
  if (ok)
    us_sha256_text(us_str_c(text), cert->key_thumbprint);
}

/* ---- The certificate ---- */

static bool note_thumbprint(struct us_cert *cert) {
  unsigned char *der = NULL;
  int n = i2d_X509(cert->x509, &der);
  bool ok = n > 0 && n <= US_CERT_MAX_BYTES;
  if (ok)
    us_sha256_text((struct us_str){(const char *)der, (size_t)n}, cert->thumbprint);
  OPENSSL_free(der);
  return ok;
}

/* As much of what came along as is looked at. */
static bool keep_others(struct us_cert *cert, struct stack_st_X509 *others) {
  int n = others != NULL ? sk_X509_num(others) : 0;
  if (n == 0)
    return true;
  cert->others = sk_X509_new_null();
  for (int i = 0; cert->others != NULL && i < n && i < US_CERT_CHAIN_MAX; i++) {
    X509 *one = sk_X509_value(others, i);
    if (sk_X509_push(cert->others, one) <= 0)
      return false;
    X509_up_ref(one);
  }
  return cert->others != NULL;
}

struct us_cert *us_cert_of_x509(struct x509_st *certificate, struct stack_st_X509 *others) {
  struct us_cert *cert = calloc(1, sizeof(*cert));
  if (cert == NULL)
    return NULL;
  if (pthread_mutex_init(&cert->lock, NULL) != 0) {
    free(cert);
    return NULL;
  }
  cert->holders = 1;
  X509_up_ref(certificate);
  cert->x509 = certificate;
  bool ok = note_thumbprint(cert) && dates_of(certificate, &cert->own) && keep_others(cert, others);
  if (ok)
    note_key(cert);
  ERR_clear_error(); /* what OpenSSL noted must not be found later by the TLS code of this thread */
  if (ok)
    return cert;
  us_cert_unref(cert);
  return NULL;
}

struct us_cert *us_cert_new(struct us_str der) {
  const unsigned char *at = (const unsigned char *)der.p;
  if (der.n == 0 || der.n > US_CERT_MAX_BYTES)
    return NULL;
  X509 *x509 = d2i_X509(NULL, &at, (long)der.n);
  struct us_cert *cert = NULL;
  char thumbprint[US_SHA256_TEXT_BYTES];
  if (x509 != NULL && at == (const unsigned char *)der.p + der.n)
    cert = us_cert_of_x509(x509, NULL);
  X509_free(x509);
  ERR_clear_error();
  if (cert == NULL)
    return NULL;
  us_sha256_text(der, thumbprint);
  if (us_str_eq_c(us_cert_thumbprint(cert), thumbprint))
    return cert;
  us_cert_unref(cert); /* read, but not as DER has it: it would have two thumbprints */
  return NULL;
}

struct us_cert *us_cert_ref(const struct us_cert *cert) {
  struct us_cert *counted = (struct us_cert *)(uintptr_t)cert;
  atomic_fetch_add(&counted->holders, 1);
  return counted;
}

void us_cert_unref(const struct us_cert *cert) {
  struct us_cert *counted = (struct us_cert *)(uintptr_t)cert;
  if (cert == NULL || atomic_fetch_sub(&counted->holders, 1) > 1)
    return;
  X509_free(counted->x509);
  sk_X509_pop_free(counted->others, X509_free);
  pthread_mutex_destroy(&counted->lock);
  free(counted);
}

struct us_str us_cert_thumbprint(const struct us_cert *cert) {
  return us_str_c(cert->thumbprint);
}
struct us_str us_cert_key_thumbprint(const struct us_cert *cert) {
  return cert->key_thumbprint[0] ? us_str_c(cert->key_thumbprint) : US_STR_ABSENT;
}
static bool contains(struct span span, int64_t now_s) {
  return span.from_s <= now_s && now_s <= span.to_s;
}
bool us_cert_is_valid(const struct us_cert *cert, int64_t now_s) {
  return contains(cert->own, now_s);
}
bool us_cert_is_trusted(const struct us_cert *cert, struct us_cert_trust *trust, int64_t now_s) {
  struct us_cert *locked = (struct us_cert *)(uintptr_t)cert;
  uint64_t version = 0;
  if (trust == NULL)
    return false;
  X509_STORE *store = hold_store(trust, &version);
  pthread_mutex_lock(&locked->lock);
  if (cert->looked_in != version) {
    look_for_authority(locked, store);
    locked->looked_in = version;
  }
  bool is_trusted = cert->has_chain && contains(cert->chain, now_s);
  pthread_mutex_unlock(&locked->lock);
  X509_STORE_free(store);
  return is_trusted;
}

/* ---- Names ---- */

struct text {
  char p[3 * DN_MAX_BYTES + 64];
  size_t n;
};

static bool add(struct text *out, const char *bytes, size_t n) {
  if (n > sizeof(out->p) - out->n)
    return false;
  memcpy(out->p + out->n, bytes, n);
  out->n += n;
  return true;
}

static int hex_of(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void skip_blanks(struct us_str *in) {
  while (in->n > 0 && in->p[0] == ' ')
    *in = (struct us_str){in->p + 1, in->n - 1};
}

/* OpenSSL's names of attributes are of one case; in RFC 4514 3 they are of any. */
static ASN1_OBJECT *attribute_of(char *name) {
  ASN1_OBJECT *object = OBJ_txt2obj(name, 0);
  for (char *c = name; object == NULL && *c != '\0'; c++)
    *c = (char)toupper((unsigned char)*c);
  if (object == NULL)
    object = OBJ_txt2obj(name, 0);
  for (char *c = name; object == NULL && *c != '\0'; c++)
    *c = (char)tolower((unsigned char)*c);
  return object != NULL ? object : OBJ_txt2obj(name, 0);
}

/* "CN" and "2.5.4.3" are one; what OpenSSL has no name for can be written as numbers. */
static bool take_type(struct us_str *in, struct text *out) {
  char name[64], oid[80];
  skip_blanks(in);
  const char *equals = memchr(in->p, '=', in->n);
  size_t n = equals != NULL ? (size_t)(equals - in->p) : 0;
  if (n == 0 || n >= sizeof(name))
    return false;
  memcpy(name, in->p, n);
  while (n > 0 && name[n - 1] == ' ')
    n--;
  name[n] = '\0';
  for (size_t i = 0; i < n; i++) {
    char c = name[i];
    if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '.' || c == '-'))
      return false;
  }
  *in = (struct us_str){equals + 1, in->n - (size_t)(equals + 1 - in->p)};
  ASN1_OBJECT *object = attribute_of(name);
  int length = object != NULL ? OBJ_obj2txt(oid, sizeof(oid), object, 1) : 0;
  ASN1_OBJECT_free(object);
  return length > 0 && length < (int)sizeof(oid) && add(out, oid, (size_t)length);
}

/* RFC 4514 2.4 and 3: escapes are undone; blanks around the value do not belong to it. */
static bool take_value(struct us_str *in, struct text *out) {
  char value[DN_MAX_BYTES], head[32];
  size_t n = 0, kept = 0;
  skip_blanks(in);
  while (in->n > 0 && in->p[0] != ',' && in->p[0] != '+') {
    size_t used = 1;
    char c = in->p[0];
    bool is_escaped = c == '\\';
    if (c == '"' || c == ';' || c == '<' || c == '>' || c == '\0')
      return false;
    if (is_escaped) {
      int high = in->n > 2 ? hex_of(in->p[1]) : -1, low = in->n > 2 ? hex_of(in->p[2]) : -1;
      if (in->n < 2)
        return false;
      used = high >= 0 && low >= 0 ? 3 : 2;
      c = used == 3 ? (char)(high << 4 | low) : in->p[1];
      if (used == 2 && strchr(" \"#+,;<=>\\", c) == NULL)
        return false;
    }
    if (n == sizeof(value))
      return false;
    value[n++] = c;
    if (is_escaped || c != ' ')
      kept = n;
    *in = (struct us_str){in->p + used, in->n - used};
  }
  int length = snprintf(head, sizeof(head), "=%zu:", kept);
  return add(out, head, (size_t)length) && add(out, value, kept);
}

/* A distinguished name in a form in which equal names are equal bytes. */
static bool canonical_dn(struct us_str in, struct text *out) {
  out->n = 0;
  if (in.n == 0 || in.n > sizeof(out->p))
    return false;
  for (;;) {
    if (!take_type(&in, out) || !take_value(&in, out))
      return false;
    if (in.n == 0)
      return true;
    if (!add(out, in.p, 1)) /* the comma or plus */
      return false;
    in = (struct us_str){in.p + 1, in.n - 1};
    if (in.n == 0)
      return false;
  }
}

static bool has_subject(const X509 *x509, struct us_str value) {
  struct text wanted, shown;
  BIO *out = BIO_new(BIO_s_mem());
  char *text = NULL;
  unsigned long form = XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
  bool is_same = false;
  if (out != NULL && X509_NAME_print_ex(out, X509_get_subject_name(x509), 0, form) >= 0) {
    long n = BIO_get_mem_data(out, &text);
    is_same = n > 0 && canonical_dn((struct us_str){text, (size_t)n}, &shown) && canonical_dn(value, &wanted) &&
              shown.n == wanted.n && memcmp(shown.p, wanted.p, wanted.n) == 0;
  }
  BIO_free(out);
  return is_same;
}

static struct us_str text_of(const ASN1_STRING *string) {
  return (struct us_str){(const char *)ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string)};
}

/* RFC 5280 7.5: the host without regard to case, what stands before it as it is. */
static bool mail_eq(struct us_str a, struct us_str b) {
  const char *at = memchr(a.p, '@', a.n);
  size_t local = at != NULL ? (size_t)(at - a.p) + 1 : 0;
  return a.n == b.n && local > 0 && memcmp(a.p, b.p, local) == 0 &&
         us_str_eq_nocase((struct us_str){a.p + local, a.n - local}, (struct us_str){b.p + local, b.n - local});
}

/* 4 or 16 bytes; 0 when it is no address. */
static size_t address_of(struct us_str text, uint8_t ret_bytes[16]) {
  char c_string[INET6_ADDRSTRLEN];
  if (text.n == 0 || text.n >= sizeof(c_string) || us_str_has_nul(text))
    return 0;
  memcpy(c_string, text.p, text.n);
  c_string[text.n] = '\0';
  if (inet_pton(AF_INET, c_string, ret_bytes) == 1)
    return 4;
  return inet_pton(AF_INET6, c_string, ret_bytes) == 1 ? 16 : 0;
}

static bool is_this_name(const GENERAL_NAME *name, enum us_cert_name kind, struct us_str value) {
  static const int types[] = {[US_CERT_SAN_DNS] = GEN_DNS,
                              [US_CERT_SAN_URI] = GEN_URI,
                              [US_CERT_SAN_IP] = GEN_IPADD,
                              [US_CERT_SAN_EMAIL] = GEN_EMAIL};
  uint8_t address[16];
  int type = 0;
  const ASN1_STRING *string = GENERAL_NAME_get0_value(name, &type);
  if (type != types[kind])
    return false;
  struct us_str shown = text_of(string);
  if (kind == US_CERT_SAN_DNS)
    return us_str_eq_nocase(shown, value);
  if (kind == US_CERT_SAN_EMAIL)
    return mail_eq(shown, value);
  if (kind == US_CERT_SAN_URI)
    return us_str_eq(shown, value);
  size_t n = address_of(value, address);
  return n > 0 && shown.n == n && memcmp(shown.p, address, n) == 0;
}

bool us_cert_has_name(const struct us_cert *cert, enum us_cert_name kind, struct us_str value) {
  if (!us_cert_name_ok(kind, value))
    return false;
  bool has = false;
  if (kind == US_CERT_SUBJECT_DN) {
    has = has_subject(cert->x509, value);
  } else {
    GENERAL_NAMES *names = X509_get_ext_d2i(cert->x509, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; !has && i < sk_GENERAL_NAME_num(names); i++)
      has = is_this_name(sk_GENERAL_NAME_value(names, i), kind, value);
    GENERAL_NAMES_free(names);
  }
  ERR_clear_error();
  return has;
}

/* Every byte is one of: letters, digits, and these. */
static bool is_of(struct us_str text, const char *others) {
  for (size_t i = 0; i < text.n; i++) {
    char c = text.p[i];
    bool is_alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
    if (!is_alnum && (c == '\0' || strchr(others, c) == NULL))
      return false;
  }
  return true;
}

bool us_cert_name_ok(enum us_cert_name kind, struct us_str value) {
  struct text canonical;
  uint8_t address[16];
  if (value.n == 0 || value.n > NAME_MAX_BYTES)
    return false;
  switch (kind) {
  case US_CERT_SUBJECT_DN:
    return value.n <= DN_MAX_BYTES && us_str_is_utf8(value) && canonical_dn(value, &canonical);
  case US_CERT_SAN_DNS:
    return value.n <= HOST_MAX_BYTES && is_of(value, "-._*");
  case US_CERT_SAN_URI: /* RFC 3986 2: what a URI may consist of */
    return memchr(value.p, ':', value.n) != NULL && is_of(value, "-._~:/?#[]@!$&'()*+,;=%");
  case US_CERT_SAN_IP:
    return address_of(value, address) > 0;
  case US_CERT_SAN_EMAIL:
    return memchr(value.p, '@', value.n) != NULL && value.p[0] != '@' && value.p[value.n - 1] != '@' &&
           is_of(value, "-._@+=!#$%&'*/?^`{|}~");
  }
  return false;
}
