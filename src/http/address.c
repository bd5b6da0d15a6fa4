/* Addresses of peers and trusted proxies: see http/address.h. */
#include "http/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t us_mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

static bool us_is_v4(const struct us_address *address) {
  return memcmp(address->bytes, us_mapped_prefix, sizeof us_mapped_prefix) == 0;
}

/* Cuts off brackets and port; the rest is for inet_pton to judge. */
static bool us_cut_address(struct us_str *text) {
  struct us_str s = *text;
  uint64_t port;
  if (s.n && s.p[0] == '[') {
    const char *close = memchr(s.p, ']', s.n);
    if (!close)
      return false;
    size_t inside = (size_t)(close - s.p) - 1;
    struct us_str rest = {close + 1, s.n - inside - 2};
    *text = (struct us_str){s.p + 1, inside};
    return rest.n == 0 || (rest.p[0] == ':' && us_str_to_u64((struct us_str){rest.p + 1, rest.n - 1}, 65535, &port));
  }
  const char *colon = s.n ? memchr(s.p, ':', s.n) : NULL;
  if (!colon)
    return true;
  size_t before = (size_t)(colon - s.p);
  if (memchr(colon + 1, ':', s.n - before - 1))
    return true; /* several colons: IPv6 without a port */
  *text = (struct us_str){s.p, before};
  return us_str_to_u64((struct us_str){colon + 1, s.n - before - 1}, 65535, &port);
}

bool us_address_parse(struct us_str text, struct us_address *ret_address) {
  char c_string[US_ADDRESS_TEXT_BYTES];
  if (!us_cut_address(&text) || text.n == 0 || text.n >= sizeof c_string || us_str_has_nul(text))
    return false;
  memcpy(c_string, text.p, text.n);
  c_string[text.n] = '\0';
  struct us_address address;
  memcpy(address.bytes, us_mapped_prefix, sizeof us_mapped_prefix);
  if (inet_pton(AF_INET, c_string, address.bytes + 12) != 1 && inet_pton(AF_INET6, c_string, address.bytes) != 1)
    return false;
  *ret_address = address;
  return true;
}

void us_address_format(const struct us_address *address, char ret_text[US_ADDRESS_TEXT_BYTES]) {
  bool is_v4 = us_is_v4(address);
  const void *from = is_v4 ? address->bytes + 12 : address->bytes;
  if (!inet_ntop(is_v4 ? AF_INET : AF_INET6, from, ret_text, US_ADDRESS_TEXT_BYTES))
    ret_text[0] = '\0';
}

bool us_address_of_sockaddr(const struct sockaddr *socket_address, struct us_address *ret_address) {
  if (socket_address->sa_family == AF_INET) {
    struct sockaddr_in v4;
    memcpy(&v4, socket_address, sizeof v4);
    memcpy(ret_address->bytes, us_mapped_prefix, sizeof us_mapped_prefix);
    memcpy(ret_address->bytes + 12, &v4.sin_addr, 4);
    return true;
  }
  if (socket_address->sa_family != AF_INET6)
    return false;
  struct sockaddr_in6 v6;
  memcpy(&v6, socket_address, sizeof v6);
  memcpy(ret_address->bytes, &v6.sin6_addr, 16);
  return true;
}

bool us_address_eq(const struct us_address *a, const struct us_address *b) {
  return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

struct us_address us_address_group(const struct us_address *address) {
  struct us_address group = *address;
  if (!us_is_v4(address))
    memset(group.bytes + 8, 0, 8);
  return group;
}

bool us_proxies_init(struct us_proxies *proxies, const char *const *addresses, const char **ret_bad) {
  *proxies = (struct us_proxies){0};
  *ret_bad = NULL;
  size_t n = 0;
  while (addresses && addresses[n])
    n++;
  if (n == 0)
    return true;
  proxies->v = calloc(n, sizeof *proxies->v);
  if (!proxies->v)
    return false;
  for (; proxies->n < n; proxies->n++)
    if (!us_address_parse(us_str_c(addresses[proxies->n]), &proxies->v[proxies->n])) {
      *ret_bad = addresses[proxies->n];
      us_proxies_done(proxies);
      return false;
    }
  return true;
}

void us_proxies_done(struct us_proxies *proxies) {
  free(proxies->v);
  *proxies = (struct us_proxies){0};
}

bool us_proxies_have(const struct us_proxies *proxies, const struct us_address *address) {
  for (size_t i = 0; i < proxies->n; i++)
    if (us_address_eq(&proxies->v[i], address))
      return true;
  return false;
}

/* Takes the last entry off a comma-separated list. */
static struct us_str us_take_last(struct us_str *list) {
  const char *comma = list->n ? memrchr(list->p, ',', list->n) : NULL;
  struct us_str last = *list;
  if (comma) {
    last = (struct us_str){comma + 1, list->n - (size_t)(comma - list->p) - 1};
    list->n = (size_t)(comma - list->p);
  } else {
    list->p = NULL;
  }
  while (last.n && (last.p[0] == ' ' || last.p[0] == '\t')) {
    last.p++;
    last.n--;
  }
  while (last.n && (last.p[last.n - 1] == ' ' || last.p[last.n - 1] == '\t'))
    last.n--;
  return last;
}

struct us_address us_proxies_client(const struct us_proxies *proxies, const struct us_address *peer,
                                    const struct us_http_request *request) {
  struct us_address known = *peer;
  for (size_t i = request->header_count; i-- > 0;) {
    if (!us_str_eq(request->headers[i].name, US_STR("x-forwarded-for")))
      continue;
    struct us_str list = request->headers[i].value;
    while (list.p) {
      struct us_address entry;
      if (!us_address_parse(us_take_last(&list), &entry))
        return known;
      known = entry;
      if (!us_proxies_have(proxies, &entry))
        return known;
    }
  }
  return known;
}
