/*
 * TLS of a connection as a filter between two streams of bytes, without a socket: bytes from the network go in by
 * us_tls_feed(), what they say comes out by us_tls_read(), and whatever has to go to the network is appended to the `out`
 * buffer of each call. Also the context that all connections of a configuration share.
 */
#ifndef USHER_HTTP_TLS_H
#define USHER_HTTP_TLS_H

#include "http/server.h"

#define US_TLS_RECORD_BYTES (16 * 1024) /* the most plain text of one record */

struct us_tls_context; /* counted: connections keep theirs when it is replaced */
struct us_tls_context *us_tls_context_new(const struct us_http_tls *tls, bool offers_h2, char *ret_reason,
                                          size_t reason_bytes);
void us_tls_context_free(struct us_tls_context *context); /* accepts NULL */

struct us_tls;
struct us_tls *us_tls_new(struct us_tls_context *context); /* NULL: out of memory */
void us_tls_free(struct us_tls *tls);                      /* accepts NULL */

enum { US_TLS_MORE = 0, US_TLS_END = -1, US_TLS_FAILED = -2 };
/* The bytes must stay until us_tls_read() has said MORE, END or FAILED. */
void us_tls_feed(struct us_tls *tls, const char *bytes, size_t n);
/* Number of plain bytes, or MORE (all that was fed is used up), END (the other side said goodbye), FAILED (`out` may hold
 * an alert that is worth sending). */
int us_tls_read(struct us_tls *tls, char *room, size_t n, struct us_buf *out);
bool us_tls_write(struct us_tls *tls, const char *bytes, size_t n, struct us_buf *out);
void us_tls_say_goodbye(struct us_tls *tls, struct us_buf *out);
bool us_tls_is_established(const struct us_tls *tls);
bool us_tls_speaks_h2(const struct us_tls *tls); /* as was agreed in the handshake */
/* The client's certificate; NULL without one. The connection's: who keeps it longer holds it (crypto/cert.h). */
const struct us_cert *us_tls_client_cert(const struct us_tls *tls);

#endif
