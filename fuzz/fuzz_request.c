/*
 * Whole requests to a whole server in the process (tests/testlib): paths, queries, headers, cookies, forms and JSON bodies of every
 * endpoint, by people and clients that are known and by strangers.
 *
 *   i                                                                   realm /alpha gathers claims interactively; anything else: not
 *   POST /am/oauth2/realms/root/realms/alpha/authorize?client_id=...    method and target
 *   Cookie: iPlanetDirectoryPro={alice}                                 headers
 *                                                                       an empty line
 *   csrf={csrf}&decision=allow                                          the body
 *
 * {alice} and {bob} are sessions, {csrf} what alice's forms carry, {pat}, {idt}, {res} a PAT of hers, an ID token of bob's and a resource
 * that she shares with him, {ticket} and {code} new ones. Whatever is asked, the server does not fail, answers in the shape it promises,
 * sends nobody to a place that is not registered, and says nothing with a line break in a header.
 */
#include <string.h>

#include "crypto/digest.h"
#include "fuzz.h"
#include "http/check.h"
#include "testlib/world.h"

#define ROUNDS 500 /* with one world: what a request leaves behind meets the next ones */
#define TARGET_MAX 8192
#define HEADERS_MAX 32
#define BASE WORLD_BASE "/"
#define BACK "http://127.0.0.1"

struct scene {
  struct us_world *w;
  unsigned rounds;
  const char *alice, *bob, *csrf, *pat, *idt, *res;
};

static struct scene scenes[2]; /* without and with interactive claims gathering */

#ifdef USHER_FUZZER
/* What a world keeps from one input to the next is not lost. The replay frees its worlds, and is looked through for leaks. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void) {
  return 1;
}
#endif

static void tear_down(void) {
  for (size_t i = 0; i < 2; i++)
    us_world_free(scenes[i].w);
}

static void set_up(struct scene *s, bool is_interactive) {
  static const char *const unlimited[] = {"failedPasswordsPerAccount", "failedPasswordsPerAddress",
                                          "registrationsPerAddress", "registrationsPerRealm"};
  static bool is_begun;
  char csrf[65];
  if (!is_begun)
    atexit(tear_down);
  is_begun = true;
  us_world_free(s->w);
  *s = (struct scene){.w = us_world_new()};
  for (size_t i = 0; i < 4; i++)
    us_world_set(s->w, unlimited[i], "0");
  s->alice = us_sso(s->w, "alice");
  s->bob = us_sso(s->w, "bob");
  us_sha256_hex(us_str_c(s->alice), csrf);
  s->csrf = us_text(s->w, "%s", csrf);
  s->pat = us_pat(s->w, "alice", "UMA-Resource-Server");
  s->idt = us_id_token(s->w, "bob", "UMA-Client");
  s->res = us_register(s->w, s->pat, "{\"name\":\"album\",\"resource_scopes\":[\"view\",\"download\"]}");
  us_share(s->w, "alice", s->res, "bob", "[\"view\"]");
  if (is_interactive)
    us_world_set(s->w, "interactiveClaimsGatheringEnabled", "true");
}

/* What an input may have ended: sessions, the PAT, the resource. */
static bool is_whole(const struct scene *s) {
  const char *sessions[] = {s->alice, s->bob};
  for (size_t i = 0; i < 2; i++) {
    struct us_reply r = us_send(s->w, "POST", ALPHA_JSON "sessions?_action=validate", "Content-Type: application/json",
                                us_text(s->w, "{\"tokenId\":\"%s\"}", sessions[i]));
    if (!json_is_true(json_object_get(r.json, "valid")))
      return false;
  }
  return us_with_pat(s->w, "GET", us_text(s->w, ALPHA_UMA "resource_set/%s", s->res), s->pat, NULL).status == 200;
}

/* ---- What stands in braces ---- */

static const char *new_ticket(const struct scene *s) {
  const char *wish = us_text(s->w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", s->res);
  struct us_reply r = us_with_pat(s->w, "POST", ALPHA_UMA "permission_request", s->pat, wish);
  return us_reply_str(&r, "ticket"); /* none when the input before took the scope away */
}
static const char *new_code(const struct scene *s) {
  static const char request[] =
      "response_type=code&client_id=UMA-Client&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcb&scope=openid";
  struct us_reply r = us_send(s->w, "POST", ALPHA_OAUTH "authorize",
                              us_text(s->w,
                                      "Content-Type: application/x-www-form-urlencoded\nAccept: text/html\n"
                                      "Cookie: iPlanetDirectoryPro=%s",
                                      s->alice),
                              us_text(s->w, "%s&csrf=%s&decision=allow", request, s->csrf));
  const char *location = us_reply_header(&r, "Location"), *code = location ? strstr(location, "code=") : NULL;
  if (!code) /* a request before this one may have seen to that: signed her out, say */
    return "none";
  return us_text(s->w, "%.*s", (int)strcspn(code + 5, "&"), code + 5);
}
static const char *value_of(const struct scene *s, const char *name, size_t n) {
  const struct {
    const char *name, *value;
  } known[] = {{"alice", s->alice}, {"bob", s->bob}, {"csrf", s->csrf},
               {"pat", s->pat},     {"idt", s->idt}, {"res", s->res}};
  for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
    if (strlen(known[i].name) == n && memcmp(known[i].name, name, n) == 0)
      return known[i].value;
  }
  if (n == 6 && memcmp(name, "ticket", 6) == 0)
    return new_ticket(s);
  return n == 4 && memcmp(name, "code", 4) == 0 ? new_code(s) : NULL;
}

/* Into room of `max` bytes with a NUL behind; -1: does not fit. */
static long expand(const struct scene *s, const char *in, size_t n, char *out, size_t max) {
  size_t used = 0;
  for (size_t i = 0; i < n; i++) {
    const char *close = in[i] == '{' ? memchr(in + i, '}', n - i < 16 ? n - i : 16) : NULL;
    const char *value = close ? value_of(s, in + i + 1, (size_t)(close - in - (long)i) - 1) : NULL;
    size_t length = value ? strlen(value) : 1;
    if (used + length >= max)
      return -1;
    memcpy(out + used, value ? value : in + i, length);
    used += length;
    if (value)
      i = (size_t)(close - in);
  }
  out[used] = '\0';
  return (long)used;
}

/* ---- What comes in: only what http/ lets through ---- */

struct input {
  char method[33], target[TARGET_MAX + 1], headers[16384];
  char body[65536];
  size_t body_n;
};

static bool is_method(const char *text) {
  size_t n = strlen(text);
  for (size_t i = 0; i < n; i++)
    if (!us_http_is_token_char(text[i]))
      return false;
  return n > 0;
}

/* Each line "Name: value"; one Authorization at most; Host is the world's own. */
static bool check_headers(struct input *in) {
  struct us_http_header list[HEADERS_MAX + 1] = {{US_STR("host"), US_STR("127.0.0.1:8080")}};
  struct us_http_request request = {.headers = list, .header_count = 1, .host = US_STR("127.0.0.1:8080")};
  char folded[sizeof(in->headers)];
  const char *reason = NULL;
  for (size_t i = 0; i <= strlen(in->headers); i++)
    folded[i] = in->headers[i] >= 'A' && in->headers[i] <= 'Z' ? in->headers[i] | 0x20 : in->headers[i];
  for (const char *line = in->headers, *low = folded; *line;) {
    const char *end = strchrnul(line, '\n'), *colon = memchr(line, ':', (size_t)(end - line));
    if (!colon || request.header_count > HEADERS_MAX)
      return false;
    struct us_str value = {colon + 1, (size_t)(end - colon) - 1};
    while (value.n > 0 && (value.p[0] == ' ' || value.p[0] == '\t'))
      value = (struct us_str){value.p + 1, value.n - 1};
    struct us_str name = {low, (size_t)(colon - line)};
    if (us_str_eq_c(name, "host") || us_str_eq_c(name, "te") || us_http_check_h2_field(name, value, &reason) != 0)
      return false;
    list[request.header_count++] = (struct us_http_header){name, value};
    low += (*end ? end + 1 : end) - line;
    line = *end ? end + 1 : end;
  }
  return us_http_check_head(&request, 1, 1, &us_http_limits_default, &reason) == 0;
}

static bool read_input(const struct scene *s, const char *data, size_t size, struct input *in) {
  const char *end = data + size, *head = memchr(data, '\n', size);
  if (memchr(data, '\0', size) || !head || !memchr(data, ' ', (size_t)(head - data)))
    return false;
  const char *space = memchr(data, ' ', (size_t)(head - data)), *blank = memmem(head, (size_t)(end - head), "\n\n", 2);
  const char *headers = head + 1, *body = blank ? blank + 2 : end;
  size_t headers_n = blank ? (blank > head ? (size_t)(blank - headers) : 0) : (size_t)(end - headers);
  long body_n = expand(s, body, (size_t)(end - body), in->body, sizeof(in->body));
  const char *reason = NULL;
  if (body_n < 0 || expand(s, data, (size_t)(space - data), in->method, sizeof(in->method)) < 0 ||
      expand(s, space + 1, (size_t)(head - space) - 1, in->target, sizeof(in->target)) < 0 ||
      expand(s, headers, headers_n, in->headers, sizeof(in->headers)) < 0)
    return false;
  in->body_n = (size_t)body_n;
  return is_method(in->method) && us_http_check_target(us_str_c(in->target), &reason) == 0 && check_headers(in);
}

/* ---- What goes out ---- */

static size_t count(const char *text, size_t n, char c) {
  size_t found = 0;
  for (size_t i = 0; i < n; i++)
    found += text[i] == c;
  return found;
}

/* Two 500 are documented: a query of another language (design 6), and a password grant where there is a second factor. */
static bool may_fail(const struct input *in) {
  return strstr(in->target, "/json/") && strchr(in->target, '?');
}

/* Below our own address, or where the clients of the demo world are: on loopback, where the port is free (RFC 8252 7.3). */
static void check_place(const char *location) {
  size_t n = strlen(BACK);
  if (strncmp(location, BASE, strlen(BASE)) == 0 || (location[0] == '/' && location[1] != '/'))
    return;
  fuzz_must(strncmp(location, BACK, n) == 0);
  n += strspn(location + n, ":0123456789");
  fuzz_must(location[n] == '/');
}

static void check_page(const struct us_reply *r) {
  const char *policy = us_reply_header(r, "Content-Security-Policy");
  fuzz_must(policy && strstr(policy, "frame-ancestors 'none'") && !strstr(policy, "unsafe"));
  fuzz_must(count(r->body, r->body_bytes, '<') == count(r->body, r->body_bytes, '>'));
  fuzz_must(strcasestr(r->body, "<script") == NULL && strcasestr(r->body, " onload=") == NULL);
}

static void check_reply(const struct input *in, const struct us_reply *r) {
  const char *type = us_reply_header(r, "Content-Type"), *location = us_reply_header(r, "Location");
  fuzz_must(r->status >= 200 && r->status < 600);
  fuzz_must(r->status < 500 || r->status == 501 || (r->status == 500 && may_fail(in)));
  for (size_t i = 0; i < r->response->header_count; i++) {
    struct us_str value = r->response->headers[i].value;
    for (size_t at = 0; at < value.n; at++)
      fuzz_must((value.p[at] >= ' ' && value.p[at] != 0x7f) || value.p[at] == '\t' || (value.p[at] & 0x80));
  }
  if (location && r->status >= 300 && r->status < 400)
    check_place(location);
  if (r->body_bytes == 0)
    return;
  fuzz_must(type != NULL);
  if (strstr(type, "text/html"))
    check_page(r);
  if (strstr(type, "json")) {
    fuzz_must(r->json != NULL);
    json_t *text = json_object_get(r->json, "error_description");
    if (text)
      fuzz_must(fuzz_is_clean((struct us_str){json_string_value(text), json_string_length(text)}));
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct input in;
  const char *text = (const char *)data, *line = size > 0 ? memchr(text, '\n', size) : NULL;
  if (!line || size > 32768)
    return 0;
  bool is_interactive = line == text + 1 && text[0] == 'i';
  struct scene *s = &scenes[is_interactive];
  if (!s->w || ++s->rounds > ROUNDS || (memchr(data, '{', size) && !is_whole(s)))
    set_up(s, is_interactive);
  if (!read_input(s, line + 1, size - (size_t)(line + 1 - text), &in))
    return 0;
  us_world_advance_ms(s->w, 1);
  struct us_reply r = us_send_bytes(s->w, in.method, in.target, in.headers, in.body_n ? in.body : NULL, in.body_n);
  check_reply(&in, &r);
  return 0;
}
