/* The echoing handler that the wire tests and the echo server share. */
#ifndef USHER_TESTS_WIRE_HANDLER_H
#define USHER_TESTS_WIRE_HANDLER_H

#include "http/server.h"

/* Fills the answer for all paths but /park; see wire.h. */
void wire_echo(struct us_http_exchange *exchange);

#endif
