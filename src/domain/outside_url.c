/* URLs of others: see outside_url.h. */
#include "domain/outside_url.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/inside.h"
#include "json/field.h"

#define HOST_MAX 253

/* 16 bytes, IPv4 mapped. Nothing but dotted quads and RFC 4291: "127.1" and "0x7f000001" are names, which resolve to nothing public. */
static bool address_of(struct us_str host, uint8_t ret_address[16]) {
  char text[INET6_ADDRSTRLEN];
  if (host.n == 0 || host.n >= sizeof(text))
    return false;
  memcpy(text, host.p, host.n);
  text[host.n] = '\0';
  memset(ret_address, 0, 16);
  ret_address[10] = ret_address[11] = 0xff;
  return inet_pton(AF_INET, text, ret_address + 12) == 1 || inet_pton(AF_INET6, text, ret_address) == 1;
}

bool us_outside_allows_host(const struct us_outside *outside, struct us_str host) {
  for (size_t i = 0; outside != NULL && i < outside->allowed.n; i++) {
    if (us_str_eq_nocase(outside->allowed.v[i], host))
      return true;
  }
  return false;
}

bool us_outside_allows_address(const struct us_outside *outside, const uint8_t address[16]) {
  uint8_t allowed[16];
  for (size_t i = 0; outside != NULL && i < outside->allowed.n; i++) {
    if (address_of(outside->allowed.v[i], allowed) && memcmp(allowed, address, sizeof(allowed)) == 0)
      return true;
  }
  return false;
}

/* What stands between "https://" and the path. */
static struct us_str authority_of(struct us_str url) {
  struct us_str rest = {url.p + 8, url.n - 8};
  size_t n = 0;
  while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?' && rest.p[n] != '#')
    n++;
  return (struct us_str){rest.p, n};
}

struct us_str us_outside_url_host(struct us_str url) {
  struct us_str host = US_STR_ABSENT, port;
  return us_uri_split_authority(authority_of(url), &host, &port) ? host : US_STR_ABSENT;
}

static bool is_name(struct us_str host) {
  bool has_letter = false;
  if (host.n == 0 || host.n > HOST_MAX || host.p[0] == '.' || host.p[0] == '-')
    return false;
  for (size_t i = 0; i < host.n; i++) {
    char c = host.p[i];
    bool is_letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    has_letter |= is_letter;
    if (!is_letter && !(c >= '0' && c <= '9') && c != '-' && c != '.' && c != '_')
      return false;
  }
  return has_letter; /* numbers alone are some old way to write an address */
}

/* RFC 6761 6.3 */
static bool is_localhost(struct us_str host) {
  while (host.n > 0 && host.p[host.n - 1] == '.')
    host.n--;
  struct us_str tail = host.n >= 9 ? (struct us_str){host.p + host.n - 9, 9} : US_STR_ABSENT;
  return us_str_eq_nocase(tail, US_STR("localhost")) && (host.n == 9 || host.p[host.n - 10] == '.');
}

static const char *flaw_of_host(const struct us_outside *outside, struct us_str host, bool in_brackets) {
  uint8_t address[16];
  if (us_outside_allows_host(outside, host) || (outside != NULL && outside->is_operator && host.n > 0))
    return NULL;
  if (address_of(host, address))
    return us_address_is_public(address) || us_outside_allows_address(outside, address) ? NULL
                                                                                        : "leads to an inside address";
  if (in_brackets || !is_name(host))
    return "names no host";
  return is_localhost(host) ? "leads to an inside address" : NULL;
}

const char *us_outside_url_flaw(const struct us_outside *outside, struct us_str url) {
  struct us_str host, port;
  if (url.n < 8 || url.n > US_OUTSIDE_URL_MAX || !us_uri_reference_ok(url))
    return "is not a URL";
  if (!us_str_eq_nocase((struct us_str){url.p, 8}, US_STR("https://")))
    return "must be https";
  if (memchr(url.p, '#', url.n) != NULL)
    return "has a fragment";
  struct us_str authority = authority_of(url);
  if (memchr(authority.p, '@', authority.n) != NULL)
    return "names a user";
  if (!us_uri_split_authority(authority, &host, &port))
    return "names no host";
  if (!us_uri_port_ok(port))
    return "has no such port";
  return flaw_of_host(outside, host, authority.n > 0 && authority.p[0] == '[');
}
