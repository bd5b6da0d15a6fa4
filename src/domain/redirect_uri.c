/* Redirection URIs: see redirect_uri.h. */
#include "domain/redirect_uri.h"

#include <string.h>

#include "json/field.h"

#define PORT_DIGITS_MAX 5

/* Takes ":1234" off the start; false when there is a colon and no port behind it. */
static bool skip_port(struct us_str *rest) {
  size_t n = 0;
  if (rest->n == 0 || rest->p[0] != ':')
    return true;
  while (n + 1 < rest->n && n < PORT_DIGITS_MAX && rest->p[n + 1] >= '0' && rest->p[n + 1] <= '9')
    n++;
  if (!us_uri_port_ok((struct us_str){rest->p + 1, n}))
    return false;
  *rest = (struct us_str){rest->p + n + 1, rest->n - n - 1};
  return true;
}

/* What is behind the port of a loopback URI; false when it is none. */
static bool behind_loopback(struct us_str uri, struct us_str *ret_host, struct us_str *ret_rest) {
  static const char *const hosts[] = {"http://127.0.0.1", "http://[::1]"};
  for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
    struct us_str host = us_str_c(hosts[i]);
    if (!us_str_starts(uri, host))
      continue;
    struct us_str rest = {uri.p + host.n, uri.n - host.n};
    if (!skip_port(&rest) || (rest.n > 0 && rest.p[0] != '/' && rest.p[0] != '?'))
      return false; /* 127.0.0.1.example, 127.0.0.1:80@example, 127.0.0.10 */
    *ret_host = host;
    *ret_rest = rest;
    return true;
  }
  return false;
}

bool us_redirect_uri_fits(struct us_str registered, struct us_str asked_for) {
  struct us_str hosts[2], rests[2];
  if (us_str_eq(registered, asked_for))
    return true;
  return behind_loopback(registered, &hosts[0], &rests[0]) && behind_loopback(asked_for, &hosts[1], &rests[1]) &&
         us_str_eq(hosts[0], hosts[1]) && us_str_eq(rests[0], rests[1]);
}

enum us_code us_redirect_uri_choose(struct us_cx *cx, const struct us_client *client, struct us_str asked_for,
                                    struct us_str *ret_uri) {
  const struct us_strs *registered = &client->redirect_uris;
  if (asked_for.n == 0) {
    if (registered->n != 1) /* RFC 6749 3.1.2.3 */
      return us_fail(cx, US_E_INVALID_REQUEST, "Missing parameter, 'redirect_uri'");
    *ret_uri = registered->v[0];
    return US_OK;
  }
  for (size_t i = 0; i < registered->n; i++) {
    if (us_redirect_uri_fits(registered->v[i], asked_for)) {
      *ret_uri = asked_for;
      return US_OK;
    }
  }
  return us_fail(cx, US_E_INVALID_REQUEST, "The redirect_uri is not registered for this client");
}

bool us_redirect_uri_is_of_device(struct us_str uri) {
  return !us_str_starts(uri, US_STR("https://"));
}

struct us_str us_redirect_uri_origin(struct us_str uri) {
  const char *colon = uri.n > 0 ? memchr(uri.p, ':', uri.n) : NULL;
  size_t n = colon == NULL ? uri.n : (size_t)(colon - uri.p);
  struct us_str rest = {uri.p + n, uri.n - n};
  if (us_str_starts(rest, US_STR("://"))) {
    for (n += 3; n < uri.n && strchr("/?#", uri.p[n]) == NULL; n++) {
    }
  }
  return (struct us_str){uri.p, n};
}
