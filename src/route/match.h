/*
 * From a request target to a realm and a row of the table (protocol contract 1.1, REST contract a.1).
 *
 * The path is split at '/', then each segment is percent-decoded once; ids and realm names cannot leave their segment
 * (HT-22): "." and "..", empty segments and an encoded slash match nothing.
 */
#ifndef USHER_ROUTE_MATCH_H
#define USHER_ROUTE_MATCH_H

#include "route/route.h"

enum us_match_result {
  US_MATCHED,       /* row found */
  US_MATCH_NO_PATH, /* nothing lives here */
  US_MATCH_NO_REALM,
  US_MATCH_NO_METHOD, /* the path exists with other methods: `allow` */
  US_MATCH_NO_ACTION, /* the path and POST exist, this _action does not */
};
struct us_matched {
  enum us_match_result result;
  enum us_service service;
  const struct us_route *route; /* US_MATCHED; for NO_METHOD and NO_ACTION some row of the path: its style and flags */
  enum us_auth auth;            /* its rule for callers; for NO_METHOD and NO_ACTION the widest of the path */
  enum us_method method; /* the request's, or what X-HTTP-Method-Override says (REST contract a.2); HEAD is GET */
  struct us_str method_text;
  struct us_str realm_path; /* as a slash path, also for NO_REALM */
  bool names_realm;         /* the request does: by path or by query */
  const struct us_realm *realm;
  struct us_str params[US_CALL_PARAMS_MAX];
  unsigned allow;     /* set of enum us_method */
  struct us_str tail; /* the path behind the realm, for Common REST messages */
};
/* `query` is the decoded query string: `realm` counts when the path names none (and the host when neither does), `_action` picks the row. Fails only for what is
 * no path at all (invalid UTF-8). */
enum us_code us_route_match(struct us_cx *cx, const struct us_snapshot *snapshot, const struct us_http_request *request,
                            const struct us_params *query, struct us_matched *ret_matched) US_MUST_CHECK;
/* "GET, HEAD, POST" */
struct us_str us_allow_text(struct us_cx *cx, unsigned methods);

#endif
