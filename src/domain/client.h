/* OAuth clients: look-up and registration. How they authenticate is domain/client_auth.h. */
#ifndef USHER_DOMAIN_CLIENT_H
#define USHER_DOMAIN_CLIENT_H

#include "domain/services.h"

#define US_CLIENT_ID_MAX 255 /* bytes, printable ASCII */

enum us_code us_client_by_id(struct us_cx *cx, int64_t realm_id, struct us_str client_id,
                             struct us_client *ret_client) US_MUST_CHECK;
enum us_code us_client_by_ref(struct us_cx *cx, int64_t ref, struct us_client *ret_client) US_MUST_CHECK;
/* All that can be wrong with a client, and its defaults: for the command line and for registration alike. US_E_INVALID_METADATA,
 * US_E_INVALID_REDIRECT_URI. Not for the writer: keys take milliseconds. */
enum us_code us_client_check(struct us_cx *cx, const struct us_client *in, struct us_client *ret_client) US_MUST_CHECK;
/* Write steps for a client that was checked. Clients are read by their rows each time, so no snapshot has to follow: strangers who
 * register make nobody read the configuration again. US_E_CONFLICT (an answer): the id is taken; the revision is not the
 * one that is stored. */
enum us_code us_client_insert(struct us_cx *cx, int64_t realm_id, struct us_client *client) US_MUST_CHECK;
enum us_code us_client_replace(struct us_cx *cx, const struct us_client *client) US_MUST_CHECK;
/* The same in one. */
enum us_code us_client_create(struct us_cx *cx, int64_t realm_id, const struct us_client *in,
                              int64_t *ret_ref) US_MUST_CHECK; /* in->ref 0: a new one is made */
enum us_code us_client_update(struct us_cx *cx, const struct us_client *in) US_MUST_CHECK;
enum us_code us_client_delete(struct us_cx *cx, const struct us_client *client,
                              const struct us_realm *realm) US_MUST_CHECK; /* cascade 11.3, 9.1 */
/* One page of a realm's clients by client_id behind `after` ("" = from the start), at most `limit`. */
enum us_code us_client_page(struct us_cx *cx, int64_t realm_id, struct us_str after, int64_t limit,
                            struct us_client **ret_clients, size_t *ret_count) US_MUST_CHECK;
/* The grant types that this server knows, and who may have them where clients register themselves. */
enum us_grant_right { US_GRANT_FOR_ALL, US_GRANT_BY_TOKEN /* an initial access token */, US_GRANT_BY_ADMIN };
struct us_grant_type {
  const char *name;
  enum us_grant_right right;
};
extern const struct us_grant_type us_grant_types[];
extern const size_t us_grant_type_count;
const struct us_grant_type *us_grant_type_find(struct us_str name); /* NULL when there is none */
/* us_client_may_use_grant: protocol contract 3.1 (unauthorized_client) */
bool us_client_may_use_grant(const struct us_client *client, const char *grant);

#endif
