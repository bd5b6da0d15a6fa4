/*
 * Whose certificate a request came with: that of its TLS connection, or the one that a trusted proxy tells in a header, which counts
 * from nobody else (SB-17). A connection of a trusted proxy speaks for others: its own certificate is never a client's.
 *
 * The header says it in one of two ways:
 *   :MIIB...:                                    RFC 9440, a byte sequence of RFC 8941: base64 of the DER
 *   -----BEGIN%20CERTIFICATE-----%0AMIIB...      nginx, $ssl_client_escaped_cert: PEM, percent-encoded
 */
#ifndef USHER_HTTP_CLIENT_CERT_H
#define USHER_HTTP_CLIENT_CERT_H

#include "http/message.h"

#define US_CLIENT_CERT_REPEATED "The header with the client certificate stands there more than once"
#define US_CLIENT_CERT_MALFORMED "The header with the client certificate cannot be read"

/* Certificates that proxies told lately: reading one costs more than many a request, and one client sends many. A loop's own. */
#define US_CERTS_REMEMBERED 64
struct us_certs {
  struct us_cert *v[US_CERTS_REMEMBERED];
};
void us_certs_done(struct us_certs *certs);

/* Sets request->certificate and ->client_cert, as long as `mem` lives. `own`: the connection's, NULL without. `header`: its
 * lower-case name, NULL: none is read. 0, or the status with which the request is refused and *ret_reason. */
int us_client_cert_tell(struct us_http_request *request, void *mem, struct us_certs *certs, const struct us_cert *own,
                        bool is_proxy, const char *header, const char **ret_reason);
/* The value of such a header, held for the caller; NULL when it is not one certificate in one of the two forms. */
struct us_cert *us_client_cert_read(void *mem, struct us_certs *certs, struct us_str value);

#endif
