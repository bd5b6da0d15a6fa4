/*
 * Which addresses are somewhere on the Internet, and which are inside: the machine itself, a private network, a link, a group of
 * receivers, or reserved for something special (the registries of RFC 6890). A URL that a stranger named must not lead the
 * server there (RFC 9700 4.11, DR-10).
 */
#ifndef USHER_BASE_INSIDE_H
#define USHER_BASE_INSIDE_H

#include <stdbool.h>
#include <stdint.h>

/* `address`: 16 bytes, IPv4 as ::ffff:a.b.c.d. What carries an IPv4 address along (mapped, NAT64) is judged by that. */
bool us_address_is_public(const uint8_t address[16]);

#endif
