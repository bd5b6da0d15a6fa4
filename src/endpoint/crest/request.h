/*
 * What all requests of the owner's side have in common: bodies (REST contract a.7), preconditions (a.6) and the SSO token as it
 * was sent.
 */
#ifndef USHER_ENDPOINT_CREST_REQUEST_H
#define USHER_ENDPOINT_CREST_REQUEST_H

#include <jansson.h>

#include "endpoint/call.h"

/* The body of a create or update: an object, and Content-Type must be there. */
enum us_code us_crest_content(struct us_call *call, json_t **ret_object) US_MUST_CHECK;
/* The body of an action: an object; nothing at all reads as {}. */
enum us_code us_crest_action_body(struct us_call *call, json_t **ret_object) US_MUST_CHECK;

/* What the headers of a PUT ask for. */
enum us_put { US_PUT_CREATE, US_PUT_UPDATE, US_PUT_UPSERT };
enum us_code us_crest_put_kind(struct us_call *call, enum us_put *ret_put) US_MUST_CHECK;
/* Update, delete, action: If-Match, when there is one, must name the revision. */
enum us_code us_crest_check_if_match(struct us_call *call, int64_t rev) US_MUST_CHECK;
/* Headers that mean nothing for the request's method: 412. */
enum us_code us_crest_refuse_if_match(struct us_call *call) US_MUST_CHECK;
enum us_code us_crest_refuse_if_none_match(struct us_call *call) US_MUST_CHECK;
/* A read: If-Match is refused, If-None-Match: * too; *ret_same when the caller has this revision already (304). */
enum us_code us_crest_check_read(struct us_call *call, int64_t rev, bool *ret_same) US_MUST_CHECK;

/* The SSO token as sent, alive or not: the header wins over the cookie (b.3). Absent when there is none. */
struct us_str us_crest_token(const struct us_call *call);

#endif
