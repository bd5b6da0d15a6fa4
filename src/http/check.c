/*
 * The second look at a head that the parser has accepted (http/check.h). The parser guards the framing; here is what an
 * authorization server must not be unsure about: whose Host, which Authorization, how long the body is.
 */
#include "http/check.h"

#include <string.h>

static int us_refuse(int status, const char *reason, const char **ret_reason) {
  *ret_reason = reason;
  return status;
}

static bool us_is_digit(char c) {
  return c >= '0' && c <= '9';
}
static bool us_is_hex(char c) {
  return us_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
static bool us_is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* RFC 9110 5.6.2 */
bool us_http_is_token_char(char c) {
  return us_is_alpha(c) || us_is_digit(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool us_is_host_char(char c) {
  return us_is_alpha(c) || us_is_digit(c) || c == '-' || c == '.' || c == '_';
}

/* Behind the host: nothing, or a colon and a port. */
static bool us_port_is_good(const char *p, size_t n) {
  if (n == 0)
    return true;
  uint64_t port;
  return p[0] == ':' && us_str_to_u64((struct us_str){p + 1, n - 1}, 65535, &port);
}

/* RFC 9112 3.2, RFC 3986 3.2.2. Narrower than the grammar on purpose: a name is letters, digits, '-', '.' and '_'; no
 * percent-encoding, no sub-delimiters (a comma would be two hosts), no user information, no empty port. */
static bool us_host_is_good(struct us_str host) {
  if (host.n == 0 || host.n > 255 + 6)
    return false;
  size_t at = 0;
  if (host.p[0] == '[') {
    for (at = 1; at < host.n && (us_is_hex(host.p[at]) || host.p[at] == ':' || host.p[at] == '.'); at++)
      ;
    if (at < 3 || at == host.n || host.p[at] != ']')
      return false;
    at++;
  } else {
    while (at < host.n && us_is_host_char(host.p[at]))
      at++;
    if (at == 0)
      return false;
  }
  return us_port_is_good(host.p + at, host.n - at);
}

/* The headers whose number or value decides about framing or about who is asking. */
struct us_head_facts {
  size_t hosts;
  size_t authorizations;
  size_t encodings;
  size_t lengths;
  struct us_str host;
  struct us_str encoding;
  struct us_str length;
  struct us_str expect;
};

static void us_note_header(struct us_head_facts *facts, const struct us_http_header *header) {
  switch (header->name.n) {
  case 4:
    if (us_str_eq(header->name, US_STR("host"))) {
      facts->hosts++;
      facts->host = header->value;
    }
    return;
  case 6:
    /* Several are one list (RFC 9110 5.3); one that we do not know is enough to refuse, so it must not be overwritten. */
    if (us_str_eq(header->name, US_STR("expect")) &&
        (!facts->expect.p || us_str_eq_nocase(facts->expect, US_STR("100-continue"))))
      facts->expect = header->value;
    return;
  case 13:
    facts->authorizations += us_str_eq(header->name, US_STR("authorization"));
    return;
  case 14:
    if (us_str_eq(header->name, US_STR("content-length"))) {
      facts->lengths++;
      facts->length = header->value;
    }
    return;
  case 17:
    if (us_str_eq(header->name, US_STR("transfer-encoding"))) {
      facts->encodings++;
      facts->encoding = header->value;
    }
    return;
  default:
    return;
  }
}

static bool us_value_has_line_end(struct us_str value) {
  return value.n && (memchr(value.p, '\n', value.n) || memchr(value.p, '\r', value.n));
}

static int us_check_framing(const struct us_head_facts *facts, unsigned minor, const char **ret_reason) {
  /* RFC 9112 6.1: only "chunked", once, alone, and not in HTTP/1.0; never beside Content-Length. */
  if (facts->encodings > 1)
    return us_refuse(400, "Transfer-Encoding occurs twice", ret_reason);
  if (facts->encodings == 1 && minor == 0)
    return us_refuse(400, "Transfer-Encoding is not allowed in HTTP/1.0", ret_reason);
  if (facts->encodings == 1 && !us_str_eq_nocase(facts->encoding, US_STR("chunked")))
    return us_refuse(400, "Transfer-Encoding may only be chunked", ret_reason);
  if (facts->encodings == 1 && facts->lengths > 0)
    return us_refuse(400, "Content-Length and Transfer-Encoding exclude each other", ret_reason);
  if (facts->lengths > 1)
    return us_refuse(400, "Content-Length occurs twice", ret_reason);
  uint64_t length;
  if (facts->lengths == 1 && !us_str_to_u64(facts->length, UINT64_MAX, &length))
    return us_refuse(400, "Content-Length is not a number", ret_reason);
  return 0;
}

int us_http_check_head(const struct us_http_request *request, unsigned major, unsigned minor,
                       const struct us_http_limits *limits, const char **ret_reason) {
  if (major != 1 || minor > 1)
    return us_refuse(400, "Only HTTP/1.0 and HTTP/1.1 are spoken here", ret_reason);
  if (request->header_count > limits->header_count)
    return us_refuse(400, "The request has too many headers", ret_reason);
  struct us_head_facts facts = {0};
  for (size_t i = 0; i < request->header_count; i++) {
    const struct us_http_header *header = &request->headers[i];
    if (header->name.n == 0)
      return us_refuse(400, "A header has no name", ret_reason);
    if (us_value_has_line_end(header->value))
      return us_refuse(400, "A header is folded over two lines", ret_reason);
    us_note_header(&facts, header);
  }
  if (facts.hosts == 0)
    return us_refuse(400, "Host is missing", ret_reason);
  if (facts.hosts > 1)
    return us_refuse(400, "Host occurs twice", ret_reason);
  if (!us_host_is_good(facts.host))
    return us_refuse(400, "Host is not a host and port", ret_reason);
  if (facts.authorizations > 1)
    return us_refuse(400, "Authorization occurs twice", ret_reason);
  int status = us_check_framing(&facts, minor, ret_reason);
  if (status != 0)
    return status;
  /* RFC 9110 10.1.1: an expectation of an HTTP/1.0 client is ignored. */
  if (facts.expect.p && minor == 1 && !us_str_eq_nocase(facts.expect, US_STR("100-continue")))
    return us_refuse(417, "Only Expect: 100-continue is understood", ret_reason);
  return 0;
}

int us_http_check_target(struct us_str target, const char **ret_reason) {
  if (target.n == 0 || target.p[0] != '/')
    return us_refuse(400, "The request target must be a path", ret_reason);
  for (size_t i = 0; i < target.n; i++) {
    unsigned char c = (unsigned char)target.p[i];
    if (c == '#')
      return us_refuse(400, "The request target has a fragment", ret_reason);
    if (c <= 0x20 || c >= 0x7f)
      return us_refuse(400, "The request target has a character that must be percent-encoded", ret_reason);
    if (c != '%')
      continue;
    if (target.n - i < 3 || !us_is_hex(target.p[i + 1]) || !us_is_hex(target.p[i + 2]))
      return us_refuse(400, "The request target has bad percent-encoding", ret_reason);
    if (target.p[i + 1] == '0' && target.p[i + 2] == '0')
      return us_refuse(400, "The request target has %00", ret_reason);
  }
  return 0;
}

/* RFC 9113 8.2.2: what belongs to a connection of HTTP/1 and means nothing here, or something else to whoever is behind. */
static bool us_is_of_connection(struct us_str name, struct us_str value) {
  return us_str_eq(name, US_STR("connection")) || us_str_eq(name, US_STR("proxy-connection")) ||
         us_str_eq(name, US_STR("keep-alive")) || us_str_eq(name, US_STR("transfer-encoding")) ||
         us_str_eq(name, US_STR("upgrade")) ||
         (us_str_eq(name, US_STR("te")) && !us_str_eq_nocase(value, US_STR("trailers")));
}

static bool us_is_blank(char c) {
  return c == ' ' || c == '\t';
}

int us_http_check_h2_field(struct us_str name, struct us_str value, const char **ret_reason) {
  if (name.n == 0)
    return us_refuse(400, "A header has no name", ret_reason);
  for (size_t i = name.p[0] == ':'; i < name.n; i++)
    if (!us_http_is_token_char(name.p[i]) || (name.p[i] >= 'A' && name.p[i] <= 'Z'))
      return us_refuse(400, "The name of a header has a bad character", ret_reason);
  for (size_t i = 0; i < value.n; i++) {
    unsigned char c = (unsigned char)value.p[i];
    if ((c < 0x20 && c != '\t') || c == 0x7f)
      return us_refuse(400, "A header has a bad character", ret_reason);
  }
  if (value.n && (us_is_blank(value.p[0]) || us_is_blank(value.p[value.n - 1])))
    return us_refuse(400, "A header begins or ends with a blank", ret_reason);
  if (us_is_of_connection(name, value))
    return us_refuse(400, "A header belongs to connections of HTTP/1", ret_reason);
  return 0;
}
