/*
 * The certificate that a client showed, as far as RFC 8705 needs it: what it is recognised by (thumbprint, public key), the names
 * it has, and whether an authority that the operator named vouches for it.
 *
 * Made once a connection; counted, because requests outlive their connection and go from thread to thread.
 * Nothing here looks at a clock: the time in which a certificate, and all of its chain, is valid is asked about by the caller.
 * Revocation lists are not looked at.
 */
#ifndef USHER_CRYPTO_CERT_H
#define USHER_CRYPTO_CERT_H

#include "base/str.h"

#define US_CERT_MAX_BYTES (16 * 1024) /* of DER; a longer certificate is none */
#define US_CERT_CHAIN_MAX 8           /* others that came along and may lead to an authority; more are not looked at */

struct x509_st;
struct stack_st_X509;

/* The authorities of a file (PEM). Authorities in the middle may stand there too. May be used from several threads, also while it is
 * read anew. */
struct us_cert_trust;
struct us_cert_trust *us_cert_trust_new(const char *file, char *ret_reason, size_t reason_bytes); /* NULL: says why */
/* False: says why, and everything stays as it was. */
bool us_cert_trust_reload(struct us_cert_trust *trust, const char *file, char *ret_reason, size_t reason_bytes);
void us_cert_trust_free(struct us_cert_trust *trust); /* accepts NULL */

struct us_cert; /* may be used from several threads at once */

/* From DER: exactly one certificate and nothing behind it, else NULL (also when out of memory). */
struct us_cert *us_cert_new(struct us_str der);
/* From what a handshake brought: the certificate, and others that may lead from it to an authority. Takes no reference over. */
struct us_cert *us_cert_of_x509(struct x509_st *certificate, struct stack_st_X509 *others);
struct us_cert *us_cert_ref(const struct us_cert *cert);
void us_cert_unref(const struct us_cert *cert); /* accepts NULL */

struct us_str us_cert_thumbprint(const struct us_cert *cert); /* x5t#S256: base64url SHA-256 of the DER */
/* RFC 7638 thumbprint of its public key; absent for a key of a kind that is not taken here (crypto/key.h). */
struct us_str us_cert_key_thumbprint(const struct us_cert *cert);
bool us_cert_is_valid(const struct us_cert *cert, int64_t now_s); /* by its own dates */
/* It and its chain up to an authority, for clients. The chain is looked for once. `trust` may be NULL: never. */
bool us_cert_is_trusted(const struct us_cert *cert, struct us_cert_trust *trust, int64_t now_s);

/* The kinds of names of RFC 8705 2.1.2. */
enum us_cert_name { US_CERT_SUBJECT_DN, US_CERT_SAN_DNS, US_CERT_SAN_URI, US_CERT_SAN_IP, US_CERT_SAN_EMAIL };
/* Is it a name as it should be? "CN=a,O=b" (RFC 4514), a host, a URI, an address, a mail address. */
bool us_cert_name_ok(enum us_cert_name kind, struct us_str value);
/* Names are equal by bytes, but for what their kind leaves open: case of hosts, spelling of addresses, blanks and escapes of DNs.
 * A star in a certificate is a star. */
bool us_cert_has_name(const struct us_cert *cert, enum us_cert_name kind, struct us_str value);

#endif
