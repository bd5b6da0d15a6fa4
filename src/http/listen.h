/*
 * Listening sockets. Each loop has its own on the same port (SO_REUSEPORT): the kernel spreads connections over them, and
 * no loop wakes another. Opened on the starting thread, so that a port in use is found before any thread exists.
 */
#ifndef USHER_HTTP_LISTEN_H
#define USHER_HTTP_LISTEN_H

#include "http/server.h"

/* `count` bound sockets, not yet listening, in ret_fds; *ret_port is the port. Returns 0, or -1 with *ret_reason. */
int us_listen_open(const struct us_http_listener *listener, size_t count, int *ret_fds, uint16_t *ret_port,
                   char *ret_reason, size_t reason_bytes);
void us_listen_close(int *fds, size_t count); /* those that are not -1 */

#endif
