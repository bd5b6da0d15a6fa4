/*
 * How clients show who they are (protocol contract 1.7): one table of methods, for the endpoints that ask, for what may be
 * registered, and for what the metadata say.
 */
#ifndef USHER_DOMAIN_CLIENT_AUTH_H
#define USHER_DOMAIN_CLIENT_AUTH_H

#include "crypto/cert.h"
#include "crypto/digest.h"
#include "domain/client_keys.h"
#include "domain/throttle.h"

/* What a request says about its client: the Authorization header, the form members, the certificate it came with. */
struct us_client_credentials {
  struct us_str authorization; /* header value, absent without */
  struct us_str client_id, client_secret, client_assertion, client_assertion_type;
  const struct us_cert *certificate; /* NULL without */
  struct us_str endpoint_url; /* the very URL that was called, in its canonical form: an audience of assertions */
  struct us_str address;
};

/* An assertion counts once: us_client_spend() must write it down before anything is done for the client. */
struct us_assertion_use {
  char digest[US_SHA256_TEXT_BYTES]; /* of the jti; "" when there was no assertion */
  int64_t expires_s;
  struct us_throttle_key repeats, address; /* by which a repeated one is counted */
};

struct us_client_proof {
  struct us_client client; /* active and of the realm */
  struct us_assertion_use use;
  struct us_keys_wanted wanted; /* with US_E_TO_FETCH */
};

/* Failures: US_E_INVALID_REQUEST (two credentials), US_E_INVALID_CLIENT (status 401 + Basic challenge when a header was used:
 * err.status is set), US_E_SLOW_DOWN, US_E_TO_POOL when it must block and !may_block, US_E_TO_FETCH. Unknown client and wrong
 * credential look the same, and take about the same time. */
enum us_code us_client_authenticate(struct us_cx *cx, const struct us_realm *realm,
                                    const struct us_client_credentials *in, bool may_block,
                                    struct us_client_proof *ret_proof) US_MUST_CHECK;
/* Write step: US_E_INVALID_CLIENT when the assertion was used before, US_E_SLOW_DOWN when there are too many to remember. */
enum us_code us_client_spend(struct us_cx *cx, const struct us_realm *realm,
                             const struct us_client_proof *proof) US_MUST_CHECK;

/* ---- Registration and metadata ---- */

enum us_auth_need {
  US_AUTH_NEEDS_NOTHING,
  US_AUTH_NEEDS_SECRET,   /* secret_hash */
  US_AUTH_NEEDS_KEYS,     /* jwks or jwks_uri */
  US_AUTH_NEEDS_SEALED,   /* sealed_secret */
  US_AUTH_NEEDS_TLS_NAME, /* tls_names */
};
struct us_auth_method {
  const char *name;
  enum us_auth_need need;
  bool is_assertion, is_certificate;
};
extern const struct us_auth_method us_auth_methods[];
extern const size_t us_auth_method_count;
const struct us_auth_method *us_auth_method_find(struct us_str name); /* NULL when there is none */
/* Can it work here? Certificates must reach us, and a store key must be there for secrets that are needed in clear. */
bool us_auth_method_is_offered(const struct us_services *svc, const struct us_auth_method *method);
/* "RS256", "ES256", and "HS256" where client_secret_jwt is offered; ends with NULL. */
const char *const *us_assertion_algorithms(const struct us_services *svc);

/* What a client registers must fit its method: US_E_INVALID_REQUEST. Part of creating and updating. */
enum us_code us_client_auth_check(struct us_cx *cx, const struct us_client *client) US_MUST_CHECK;
/* Is it a set of public keys with one that can be used at least? Takes milliseconds a key, so it is no part of the write step: whoever
 * registers keys calls it before, on the pool. Absent is fine. US_E_INVALID_REQUEST. */
enum us_code us_client_check_keys(struct us_cx *cx, struct us_str jwks) US_MUST_CHECK;
/* Seals a secret (32 bytes or more) into client->sealed_secret, for client_secret_jwt; client->ref is made when it is 0. US_E_INVALID_REQUEST
 * when the secret is too short, or the server has no store key. */
enum us_code us_client_seal_secret(struct us_cx *cx, struct us_client *client, struct us_str secret) US_MUST_CHECK;
/* The one name of tls_client_auth, as RFC 8705 2.1.2 names the member. False: not exactly one, or not as it should be. */
bool us_client_tls_name(struct us_cx *cx, struct us_str tls_names, enum us_cert_name *ret_kind,
                        struct us_str *ret_value);

#endif
