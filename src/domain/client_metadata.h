/*
 * Client metadata (RFC 7591 2 with OpenID Connect Registration 2, RFC 8705 and UMA grant 2): the JSON object that says what a client
 * wants to be, and back. One table of members; members that it does not name are not stored (RFC 7591 2). What has a place of its
 * own in struct us_client goes there, the rest into its `metadata`.
 *
 * Only the shape of single members, and what they mean together, is looked at here. Whether the client they describe can be one is
 * us_client_check()'s business, for all clients alike.
 */
#ifndef USHER_DOMAIN_CLIENT_METADATA_H
#define USHER_DOMAIN_CLIENT_METADATA_H

#include <jansson.h>

#include "domain/services.h"
#include "json/write.h"

#define US_METADATA_URIS_MAX 64 /* redirection URIs of each kind */
#define US_METADATA_CONTACTS_MAX 16
#define US_METADATA_TEXT_MAX 255 /* bytes: names, contacts, versions */
#define US_METADATA_SCOPE_MAX 8192
#define US_METADATA_TAGGED_MAX 64 /* members with a language tag: client_name#de */
#define US_METADATA_TAG_MAX 35    /* bytes of a tag (BCP 47 2.1.1 counts with as many) */

/* Who registers. What may be asked for depends on it (docs/adr/0025). */
enum us_registrar {
  US_REGISTRAR_NOBODY, /* open registration */
  US_REGISTRAR_TOKEN,  /* came with an initial access token */
  US_REGISTRAR_CLIENT, /* the client itself, about what it is already */
};

struct us_client_metadata {
  struct us_strs redirect_uris, claims_redirect_uris, grant_types, response_types, contacts;
  bool has_grant_types, has_response_types;
  struct us_str auth_method, scope, client_name, id_token_alg, auth_signing_alg, application_type, subject_type;
  struct us_str client_uri, logo_uri, policy_uri, tos_uri, software_id, software_version, software_statement;
  struct us_str jwks_uri;
  json_t *jwks;
  struct us_str tls_subject_dn, tls_san_dns, tls_san_uri, tls_san_ip, tls_san_email;
  bool binds_tokens, require_auth_time;
  int64_t default_max_age;
  struct us_str client_id, client_secret; /* a client that writes about itself repeats them (RFC 7592 2.2) */
  json_t *others;                         /* members that no row names */
};
extern const struct us_field_table us_client_metadata_table;

/* Takes away what counts as not said: null and empty texts (RFC 7592 2.2). Then reads. US_E_INVALID_METADATA, naming the member. */
enum us_code us_client_metadata_read(struct us_cx *cx, json_t *document,
                                     struct us_client_metadata *ret_metadata) US_MUST_CHECK;
/* Is it a member that a client may have? Software statements speak by these. */
bool us_client_metadata_has(const char *member);
/* Puts what was read into `client`: everything that registration says of a client is replaced, what an administrator says of it stays.
 * `document` is what `in` was read from. US_E_INVALID_METADATA, US_E_INVALID_REDIRECT_URI. */
enum us_code us_client_metadata_apply(struct us_cx *cx, const struct us_realm *realm, enum us_registrar registrar,
                                      const struct us_client_metadata *in, const json_t *document,
                                      struct us_client *client) US_MUST_CHECK;
/* All that is stored of a client, as members of the object that is open in `w`: no id, no secret. */
enum us_code us_client_metadata_write(struct us_cx *cx, const struct us_client *client,
                                      struct us_json_writer *w) US_MUST_CHECK;

#endif
