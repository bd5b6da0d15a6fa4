/*
 * Addresses of peers, as 16 bytes (IPv4 in its IPv6-mapped form, so that "::ffff:192.0.2.1" and "192.0.2.1" are one), the
 * list of trusted proxies, and what X-Forwarded-For may say (SB-17).
 */
#ifndef USHER_HTTP_ADDRESS_H
#define USHER_HTTP_ADDRESS_H

#include "http/message.h"

struct sockaddr;
#define US_ADDRESS_TEXT_BYTES 46

struct us_address {
  uint8_t bytes[16];
};
/* An address alone, or as X-Forwarded-For writes it: "192.0.2.1:80", "[2001:db8::1]", "[2001:db8::1]:80". */
bool us_address_parse(struct us_str text, struct us_address *ret_address);
void us_address_format(const struct us_address *address, char ret_text[US_ADDRESS_TEXT_BYTES]);
bool us_address_of_sockaddr(const struct sockaddr *socket_address, struct us_address *ret_address);
bool us_address_eq(const struct us_address *a, const struct us_address *b);
/* What connections are counted by: the address, or the /64 of an IPv6 address (one customer has at least that much). */
struct us_address us_address_group(const struct us_address *address);

struct us_proxies {
  struct us_address *v;
  size_t n;
};
/* `addresses` as in us_http_options, may be NULL. On failure *ret_bad is the address that is none, or NULL: no memory. */
bool us_proxies_init(struct us_proxies *proxies, const char *const *addresses, const char **ret_bad);
void us_proxies_done(struct us_proxies *proxies);
bool us_proxies_have(const struct us_proxies *proxies, const struct us_address *address);
/* The client of a request whose TCP peer is a trusted proxy: the right-most entry that is not a trusted proxy itself. Each
 * proxy appends whom it saw, so what stands further left is only what a stranger said. An entry that cannot be read ends
 * the search: the last address known counts. */
struct us_address us_proxies_client(const struct us_proxies *proxies, const struct us_address *peer,
                                    const struct us_http_request *request);

#endif
