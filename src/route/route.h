/*
 * The route table's row. route/table.c is the whole HTTP surface of the server; `usher routes` prints it.
 */
#ifndef USHER_ROUTE_ROUTE_H
#define USHER_ROUTE_ROUTE_H

#include "endpoint/call.h"

/* First path segment below the context path; it also says how realms are written (protocol contract 1.1, REST a.1). */
enum us_service {
  US_SERVICE_OAUTH,
  US_SERVICE_UMA,
  US_SERVICE_JSON,
  US_SERVICE_XUI,
  US_SERVICE_ORIGIN /* outside the context path */
};

enum us_auth {
  US_AUTH_NONE,
  US_AUTH_PAT,           /* protocol contract 1.6 */
  US_AUTH_BEARER,        /* any live access token: tokeninfo, 8.3 */
  US_AUTH_USERINFO,      /* one with scope openid, 8.5 */
  US_AUTH_CLIENT,        /* 1.7 */
  US_AUTH_PAT_OR_CLIENT, /* introspection, 8.1.1 */
  US_AUTH_SESSION,       /* any live session */
  US_AUTH_SESSION_OPTIONAL,
  US_AUTH_OWNER,              /* session of the user in the URL; administrators are refused (REST b.6) */
  US_AUTH_OWNER_OR_ADMIN,     /* reading side of b.6 */
  US_AUTH_OWNER_OR_PAT,       /* REST c.3: also a PAT whose owner is the user */
  US_AUTH_OWNER_ADMIN_OR_PAT, /* ditto, administrators too */
  US_AUTH_ADMIN_OR_PAT,       /* REST h.4: an administrator, or a PAT; the endpoint looks whose resource it is */
  US_AUTH_REGISTRAR,          /* RFC 7591 3: anybody in an open realm, else an initial access token */
  US_AUTH_REGISTERED,         /* RFC 7592 2: the registration access token of the client in the URL */
};
enum us_style { US_STYLE_OAUTH, US_STYLE_CREST, US_STYLE_PAGE };
enum us_body { US_BODY_NONE, US_BODY_FORM, US_BODY_JSON, US_BODY_RAW /* the endpoint parses */ };
enum us_kind { US_READ, US_WRITE };

typedef enum us_code (*us_step_fn)(struct us_call *call);

enum {
  US_ROUTE_NO_STORE = 1,           /* Cache-Control: no-store, Pragma: no-cache also on success */
  US_ROUTE_UNSUPPORTED_METHOD = 2, /* 405 body {"error":"unsupported_method_type"} (F 3.2) */
  US_ROUTE_NEEDS_UMA = 4,          /* 404 / 501 in a realm without UMA provider */
  US_ROUTE_NEEDS_OAUTH = 8,
  US_ROUTE_JSON_STRICT_TYPE = 16,    /* another content type is 415 (authenticate) */
  US_ROUTE_NO_REALM = 32,            /* answers also in a store that has no realm yet (health) */
  US_ROUTE_NEEDS_CLAIMS = 64,        /* is not there at all in a realm without interactive claims gathering */
  US_ROUTE_NEEDS_REGISTRATION = 128, /* is not there at all in a realm where no client can register itself */
};
struct us_route {
  const char *name; /* unique, "uma.resource_set.read" */
  enum us_service service;
  enum us_method method;
  const char *pattern; /* behind the realm: "resource_set/{id}" */
  const char *action;  /* Common REST: value of _action; NULL: none allowed ("" rows match a missing one) */
  enum us_auth auth;
  enum us_style style;
  enum us_body body_kind;
  const struct us_field_table *body;
  enum us_kind kind;
  unsigned flags;
  us_step_fn prepare, run, finish;
  const char *spec;    /* section of the contract */
  const char *summary; /* one line for `usher routes` and the docs */
};
extern const struct us_route us_routes[];
extern const size_t us_route_count;

#endif
