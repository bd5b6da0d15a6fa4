/*
 * Requests and answers as plain values (http/message.h): looking up headers and cookies, and adding headers to an answer
 * without letting a value write a line of its own.
 */
#include "http/message.h"

#include <assert.h>
#include <string.h>

static const struct {
  enum us_method method;
  struct us_str text;
} us_methods[] = {
    {US_METHOD_GET, {"GET", 3}},         {US_METHOD_HEAD, {"HEAD", 4}},     {US_METHOD_POST, {"POST", 4}},
    {US_METHOD_PUT, {"PUT", 3}},         {US_METHOD_DELETE, {"DELETE", 6}}, {US_METHOD_PATCH, {"PATCH", 5}},
    {US_METHOD_OPTIONS, {"OPTIONS", 7}},
};
#define US_METHOD_COUNT (sizeof us_methods / sizeof us_methods[0])

const char *us_method_name(enum us_method method) {
  for (size_t i = 0; i < US_METHOD_COUNT; i++)
    if (us_methods[i].method == method)
      return us_methods[i].text.p;
  return "OTHER";
}

/* RFC 9110 9.1: methods are case-sensitive, so "get" is a method we do not know. */
enum us_method us_method_parse(struct us_str text) {
  for (size_t i = 0; i < US_METHOD_COUNT; i++)
    if (us_str_eq(us_methods[i].text, text))
      return us_methods[i].method;
  return US_METHOD_OTHER;
}

struct us_str us_http_header(const struct us_http_request *request, const char *name) {
  struct us_str wanted = us_str_c(name);
  for (size_t i = 0; i < request->header_count; i++)
    if (us_str_eq(request->headers[i].name, wanted))
      return request->headers[i].value;
  return US_STR_ABSENT;
}

size_t us_http_header_count(const struct us_http_request *request, const char *name) {
  struct us_str wanted = us_str_c(name);
  size_t count = 0;
  for (size_t i = 0; i < request->header_count; i++)
    count += us_str_eq(request->headers[i].name, wanted);
  return count;
}

static struct us_str us_trim(struct us_str s) {
  while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) {
    s.p++;
    s.n--;
  }
  while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
    s.n--;
  return s;
}

/* RFC 6265 4.2.1: pairs split at ';', the name ends at the first '='. */
static struct us_str us_cookie_in(struct us_str line, struct us_str name) {
  while (line.n) {
    const char *semicolon = memchr(line.p, ';', line.n);
    size_t n = semicolon ? (size_t)(semicolon - line.p) : line.n;
    struct us_str pair = us_trim((struct us_str){line.p, n});
    size_t skip = semicolon ? n + 1 : n;
    line.p += skip;
    line.n -= skip;
    if (pair.n > name.n && pair.p[name.n] == '=' && memcmp(pair.p, name.p, name.n) == 0)
      return (struct us_str){pair.p + name.n + 1, pair.n - name.n - 1};
  }
  return US_STR_ABSENT;
}

struct us_str us_http_cookie(const struct us_http_request *request, const char *name) {
  struct us_str wanted = us_str_c(name);
  for (size_t i = 0; i < request->header_count; i++) {
    if (!us_str_eq(request->headers[i].name, US_STR("cookie")))
      continue;
    struct us_str value = us_cookie_in(request->headers[i].value, wanted);
    if (value.p)
      return value;
  }
  return US_STR_ABSENT;
}

void us_http_response_init(struct us_http_response *response) {
  /* The header array is left as it is: header_count says how much of it counts, and this runs once a request. */
  response->status = 200;
  response->header_count = 0;
  response->close = false;
  us_buf_init(&response->body, US_HTTP_RESPONSE_BODY_MAX);
}

void us_http_response_done(struct us_http_response *response) {
  us_buf_done(&response->body);
  response->header_count = 0;
}

static bool us_value_is_safe(struct us_str value) {
  for (size_t i = 0; i < value.n; i++) {
    unsigned char c = (unsigned char)value.p[i];
    if ((c < 0x20 && c != '\t') || c == 0x7f)
      return false;
  }
  return true;
}

void us_http_response_header(struct us_http_response *response, const char *name, struct us_str value) {
  bool has_room = response->header_count < US_HTTP_RESPONSE_HEADERS_MAX;
  assert(has_room);
  bool is_safe = us_value_is_safe(value);
  assert(is_safe);
  if (!has_room || !is_safe || !value.p)
    return;
  response->headers[response->header_count++] = (struct us_http_header){us_str_c(name), value};
}
