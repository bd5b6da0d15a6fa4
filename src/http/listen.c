/* Listening sockets: see http/listen.h. */
#include "http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct us_listen_address {
  struct sockaddr_storage storage;
  socklen_t n;
};

static bool us_listen_parse(const char *host, uint16_t port, struct us_listen_address *ret_address) {
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  memset(ret_address, 0, sizeof *ret_address);
  if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
    memcpy(&ret_address->storage, &v4, sizeof v4);
    ret_address->n = sizeof v4;
    return true;
  }
  if (inet_pton(AF_INET6, host, &v6.sin6_addr) != 1)
    return false;
  memcpy(&ret_address->storage, &v6, sizeof v6);
  ret_address->n = sizeof v6;
  return true;
}

static uint16_t us_listen_port_of(int fd) {
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } address = {0};
  socklen_t n = sizeof address;
  if (getsockname(fd, &address.any, &n) != 0)
    return 0;
  return ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
}

/* IPv6 sockets take IPv6 only, so that "0.0.0.0" and "::" can be two listeners whatever the system's default is. */
static int us_listen_socket(const struct us_listen_address *address, bool is_shared) {
  int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return -1;
  int on = 1;
  bool is_good =
      setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      (!is_shared || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0) &&
      (address->storage.ss_family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
      bind(fd, (const struct sockaddr *)&address->storage, address->n) == 0;
  if (is_good)
    return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

static int us_listen_failed(const struct us_http_listener *listener, char *ret_reason, size_t reason_bytes) {
  snprintf(ret_reason, reason_bytes, "cannot listen on %s port %u: %s", listener->host, listener->port,
           strerror(errno));
  return -1;
}

/* SO_REUSEPORT would let a second server of the same user take half of the first one's connections. A socket without it
 * finds out whether the port is free, or which one is. */
static bool us_listen_probe(const struct us_http_listener *listener, const struct us_listen_address *address,
                            uint16_t *ret_port) {
  int fd = us_listen_socket(address, false);
  if (fd < 0)
    return false;
  /* Only listening tells: two sockets with SO_REUSEADDR may be bound to one port as long as neither listens. */
  bool is_free = listen(fd, 1) == 0;
  *ret_port = listener->port ? listener->port : us_listen_port_of(fd);
  int error = errno;
  close(fd);
  errno = error;
  return is_free && *ret_port != 0;
}

int us_listen_open(const struct us_http_listener *listener, size_t count, int *ret_fds, uint16_t *ret_port,
                   char *ret_reason, size_t reason_bytes) {
  struct us_listen_address address;
  for (size_t i = 0; i < count; i++)
    ret_fds[i] = -1;
  if (!us_listen_parse(listener->host, listener->port, &address)) {
    snprintf(ret_reason, reason_bytes, "cannot listen on '%s': not an address", listener->host);
    return -1;
  }
  if (!us_listen_probe(listener, &address, ret_port) || !us_listen_parse(listener->host, *ret_port, &address))
    return us_listen_failed(listener, ret_reason, reason_bytes);
  for (size_t i = 0; i < count; i++) {
    ret_fds[i] = us_listen_socket(&address, true);
    if (ret_fds[i] >= 0)
      continue;
    us_listen_failed(listener, ret_reason, reason_bytes);
    us_listen_close(ret_fds, count);
    return -1;
  }
  return 0;
}

void us_listen_close(int *fds, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (fds[i] >= 0)
      close(fds[i]);
    fds[i] = -1;
  }
}
