/*
 * A request and its answer as plain values. The request's slices live until the answer is handed back; the target is as it
 * came (checked for grammar by http/check.c, not decoded). Header names are lower-cased.
 */
#ifndef USHER_HTTP_MESSAGE_H
#define USHER_HTTP_MESSAGE_H

#include "base/buf.h"
#include "base/cx.h"
#include "crypto/cert.h"

enum us_method {
  US_METHOD_OTHER = 0, /* a method we do not know: method_text says which */
  US_METHOD_GET = 1,
  US_METHOD_HEAD = 2,
  US_METHOD_POST = 4,
  US_METHOD_PUT = 8,
  US_METHOD_DELETE = 16,
  US_METHOD_PATCH = 32,
  US_METHOD_OPTIONS = 64,
};
const char *us_method_name(enum us_method method);
enum us_method us_method_parse(struct us_str text);

struct us_http_header {
  struct us_str name;
  struct us_str value;
};

struct us_http_request {
  enum us_method method;
  struct us_str method_text;
  struct us_str target; /* origin form, as sent */
  struct us_str path;   /* target up to '?' */
  struct us_str query;  /* behind '?', absent when there is none */
  const struct us_http_header *headers;
  size_t header_count;
  struct us_str host; /* the one Host */
  struct us_str body;
  struct us_str peer;       /* address of the other side, or of the client as a trusted proxy told */
  struct us_str peer_group; /* what failures are counted by: the same, or the /64 of an IPv6 address (http/address.h) */
  struct us_str client_cert;         /* base64url SHA-256 of the DER client certificate; absent without */
  const struct us_cert *certificate; /* the certificate itself, by TLS or as a trusted proxy told; NULL without */
  bool is_tls;
  bool is_http10;
  bool is_http2;
};
/* The value of a header by lower-case name; absent when missing; the first one when repeated. */
struct us_str us_http_header(const struct us_http_request *request, const char *name);
/* Counts how often it occurs. */
size_t us_http_header_count(const struct us_http_request *request, const char *name);
/* One cookie of the Cookie header(s) by exact name; absent when missing. */
struct us_str us_http_cookie(const struct us_http_request *request, const char *name);

#define US_HTTP_RESPONSE_HEADERS_MAX 24
#define US_HTTP_RESPONSE_BODY_MAX (8 * 1024 * 1024)
struct us_http_response {
  int status;
  struct us_http_header
      headers[US_HTTP_RESPONSE_HEADERS_MAX]; /* names as they go on the wire; values in request memory or constants */
  size_t header_count;
  struct us_buf body; /* Content-Length, Date, Connection are the edge's business; HEAD drops the body there */
  bool close;         /* close the connection after this answer */
};
void us_http_response_init(struct us_http_response *response);
void us_http_response_done(struct us_http_response *response);
/* Values with control characters are refused (asserted in debug, dropped in release): no header injection. */
void us_http_response_header(struct us_http_response *response, const char *name, struct us_str value);

#endif
