/*
 * The request parser: see http/parse.h. Three things are done here before llhttp sees the bytes:
 *
 * - The method is read by us, because llhttp knows a fixed list and the router wants to say 405 to the others. llhttp is
 *   told "PUT" instead: it treats methods alike but CONNECT, and those that RTSP and ICE have too (for "POST" it would
 *   accept RTSP/1.0 as the version).
 * - Head and body are fed apart, so that the size of the head is counted exactly and line folding (which llhttp joins
 *   silently) is seen at its line break.
 * - Each message begins with a fresh llhttp state: nothing of one request reaches the next (HT-14).
 */
#include "http/parse.h"

#include "base/mem.h"
#include "http/check.h"
#include "http/gather.h"

#include <llhttp.h>
#include <stdlib.h>
#include <string.h>

enum us_parse_stage { US_STAGE_METHOD, US_STAGE_HEAD, US_STAGE_BODY, US_STAGE_COMPLETE, US_STAGE_REFUSED };

/* What the last bytes of the head were, for finding its end and folded lines. */
enum us_line_state { US_LINE_INSIDE, US_LINE_BEGIN, US_LINE_BEGIN_CR };

/* Chunked bodies may bring this many bytes of framing for each byte of body, and one head's worth beyond that
 * (extensions, trailers): else a client could send for ever without sending anything. "1\r\nx\r\n" is 5 for 1. */
#define US_PARSE_FRAMING_PER_BYTE 8

struct us_parser {
  llhttp_t ll;
  enum us_parse_stage stage;
  enum us_line_state line;
  struct us_gather gather;
  char method[US_HTTP_METHOD_BYTES];
  size_t method_n;
  bool is_in_request_line;
  char last;           /* byte of the request line */
  size_t head_n;       /* bytes of the head so far */
  size_t body_wire;    /* bytes after the head so far, framing included */
  bool header_is_open; /* its name has begun, its value has not ended */
  bool keeps_alive;
  bool expects_continue;
  int status;
  const char *reason;
};

static int us_parser_refuse(struct us_parser *p, int status, const char *reason) {
  if (p->status == 0) {
    p->status = status;
    p->reason = reason;
  }
  return HPE_USER;
}
static int us_parser_out_of_memory(struct us_parser *p) {
  const char *reason = NULL;
  int status = us_gather_failed(&reason);
  return us_parser_refuse(p, status, reason);
}

static int us_on_url(llhttp_t *ll, const char *at, size_t n) {
  struct us_parser *p = ll->data;
  const char *reason = NULL;
  int status = us_gather_target(&p->gather, at, n, &reason);
  return status ? us_parser_refuse(p, status, reason) : 0;
}

static int us_open_header(struct us_parser *p) {
  if (p->header_is_open)
    return 0;
  const char *reason = NULL;
  int status = us_gather_header(&p->gather, &reason);
  if (status)
    return us_parser_refuse(p, status, reason);
  p->header_is_open = true;
  return 0;
}

/* Trailers (RFC 9112 7.1.2) are read and dropped: nothing here needs one, and they must not look like headers. */
static bool us_in_trailer(const struct us_parser *p) {
  return p->stage == US_STAGE_BODY;
}

static int us_on_header_field(llhttp_t *ll, const char *at, size_t n) {
  struct us_parser *p = ll->data;
  if (us_in_trailer(p))
    return 0;
  int code = us_open_header(p);
  if (code != 0)
    return code;
  struct us_gather *g = &p->gather;
  if (!us_gather_room(g, n))
    return us_parser_out_of_memory(p);
  char *to = g->text + g->text_n;
  for (size_t i = 0; i < n; i++)
    to[i] = (char)(at[i] >= 'A' && at[i] <= 'Z' ? at[i] + ('a' - 'A') : at[i]);
  g->text_n += n;
  us_gather_last(g)->name.n += n;
  return 0;
}

static int us_on_header_field_complete(llhttp_t *ll) {
  struct us_parser *p = ll->data;
  if (us_in_trailer(p))
    return 0;
  int code = us_open_header(p); /* an empty name has had no span */
  if (code != 0)
    return code;
  struct us_gather *g = &p->gather;
  us_gather_last(g)->value = (struct us_str){g->text + g->text_n, 0};
  return 0;
}

static int us_on_header_value(llhttp_t *ll, const char *at, size_t n) {
  struct us_parser *p = ll->data;
  if (us_in_trailer(p))
    return 0;
  struct us_gather *g = &p->gather;
  if (!us_gather_room(g, n))
    return us_parser_out_of_memory(p);
  if (n)
    memcpy(g->text + g->text_n, at, n);
  g->text_n += n;
  us_gather_last(g)->value.n += n;
  return 0;
}

static int us_on_header_value_complete(llhttp_t *ll) {
  struct us_parser *p = ll->data;
  if (us_in_trailer(p))
    return 0;
  struct us_str *value = &us_gather_last(&p->gather)->value;
  while (value->n && (value->p[value->n - 1] == ' ' || value->p[value->n - 1] == '\t'))
    value->n--;
  p->header_is_open = false;
  return 0;
}

static int us_check_all(struct us_parser *p) {
  const char *reason = NULL;
  const struct us_http_request *request = p->gather.request;
  int status = us_http_check_target(request->target, &reason);
  if (status == 0)
    status = us_http_check_head(request, p->ll.http_major, p->ll.http_minor, p->gather.limits, &reason);
  return status ? us_parser_refuse(p, status, reason) : 0;
}

static int us_on_headers_complete(llhttp_t *ll) {
  struct us_parser *p = ll->data;
  if (us_in_trailer(p))
    return 0;
  struct us_gather *g = &p->gather;
  struct us_http_request *request = g->request;
  if (!us_gather_room(g, 1))
    return us_parser_out_of_memory(p);
  us_gather_show_head(g);
  request->is_http10 = ll->http_minor == 0;
  if (us_check_all(p) != 0)
    return -1;
  bool has_length = (ll->flags & F_CONTENT_LENGTH) != 0;
  if (has_length && ll->content_length > g->limits->body_bytes) {
    us_parser_refuse(p, 413, "The request body is too large");
    return -1;
  }
  request->host = us_http_header(request, "host");
  p->keeps_alive = llhttp_should_keep_alive(ll) != 0;
  bool has_body = (ll->flags & F_CHUNKED) || (has_length && ll->content_length > 0);
  /* RFC 9110 10.1.1: not for HTTP/1.0, and nothing to wait for without a body. check.c knows no other expectation. */
  p->expects_continue = has_body && ll->http_minor == 1 && us_http_header(request, "expect").p;
  ll->upgrade = 0; /* an offer to upgrade is ignored (RFC 9110 7.8): the request is answered as HTTP/1.1 */
  request->body = (struct us_str){"", 0};
  p->stage = US_STAGE_BODY;
  return 0;
}

static int us_on_body(llhttp_t *ll, const char *at, size_t n) {
  struct us_parser *p = ll->data;
  /* llhttp counts content_length down before it calls us. */
  bool is_all = (ll->flags & F_CONTENT_LENGTH) && ll->content_length == 0;
  const char *reason = NULL;
  int status = us_gather_body(&p->gather, at, n, is_all, &reason);
  return status ? us_parser_refuse(p, status, reason) : 0;
}

static int us_on_message_complete(llhttp_t *ll) {
  struct us_parser *p = ll->data;
  us_gather_show_body(&p->gather);
  p->stage = US_STAGE_COMPLETE;
  return HPE_PAUSED;
}

static const llhttp_settings_t us_parser_settings = {
    .on_url = us_on_url,
    .on_header_field = us_on_header_field,
    .on_header_field_complete = us_on_header_field_complete,
    .on_header_value = us_on_header_value,
    .on_header_value_complete = us_on_header_value_complete,
    .on_headers_complete = us_on_headers_complete,
    .on_body = us_on_body,
    .on_message_complete = us_on_message_complete,
};

struct us_parser *us_parser_new(void) {
  return calloc(1, sizeof(struct us_parser));
}
void us_parser_free(struct us_parser *parser) {
  free(parser);
}

void us_parser_begin(struct us_parser *p, void *mem, struct us_http_request *request,
                     const struct us_http_limits *limits) {
  *p = (struct us_parser){.gather = {.mem = mem, .request = request, .limits = limits}};
  llhttp_init(&p->ll, HTTP_REQUEST, &us_parser_settings);
  p->ll.data = p;
  *request = (struct us_http_request){0};
}

bool us_parser_head_is_done(const struct us_parser *p) {
  return p->stage == US_STAGE_BODY || p->stage == US_STAGE_COMPLETE;
}
bool us_parser_wants_continue(const struct us_parser *p) {
  return p->stage == US_STAGE_BODY && p->expects_continue && p->body_wire == 0;
}
bool us_parser_keeps_alive(const struct us_parser *p) {
  return p->keeps_alive;
}
int us_parser_refusal(const struct us_parser *p, const char **ret_reason) {
  *ret_reason = p->reason;
  return p->status;
}

static enum us_parse_result us_refused(struct us_parser *p, int status, const char *reason) {
  us_parser_refuse(p, status, reason);
  p->stage = US_STAGE_REFUSED;
  us_gather_show_target(&p->gather);
  return US_PARSE_REFUSED;
}

/* Gives bytes to llhttp. MORE: all used. */
static enum us_parse_result us_execute(struct us_parser *p, const char *bytes, size_t n, size_t *ret_used) {
  llhttp_errno_t code = llhttp_execute(&p->ll, bytes, n);
  if (code == HPE_OK) {
    *ret_used += n;
    return US_PARSE_MORE;
  }
  if (code == HPE_PAUSED && p->stage == US_STAGE_COMPLETE) {
    *ret_used += (size_t)(llhttp_get_error_pos(&p->ll) - bytes);
    return US_PARSE_COMPLETE;
  }
  return us_refused(p, 400, "The request is not well-formed HTTP/1.1");
}

static enum us_parse_result us_feed_method(struct us_parser *p, const char *bytes, size_t n, size_t *ret_used) {
  size_t at = 0;
  /* RFC 9112 2.2: empty lines before the request line are skipped; they count as head, so they come to an end. */
  while (p->method_n == 0 && at < n && (bytes[at] == '\r' || bytes[at] == '\n'))
    at++;
  for (; at < n && bytes[at] != ' '; at++) {
    if (!us_http_is_token_char(bytes[at]))
      return us_refused(p, 400, "The method has a bad character");
    if (p->method_n == sizeof p->method)
      return us_refused(p, 400, "The method is too long");
    p->method[p->method_n++] = bytes[at];
  }
  p->head_n += at;
  if (p->head_n > p->gather.limits->head_bytes)
    return us_refused(p, 431, "The request head is too large");
  *ret_used = at;
  if (at == n)
    return US_PARSE_MORE;
  if (p->method_n == 0)
    return us_refused(p, 400, "The method is missing");
  char *method = us_mem_copy(p->gather.mem, p->method, p->method_n);
  if (!method)
    return us_refused(p, 503, "The server is out of memory");
  p->gather.request->method_text = (struct us_str){method, p->method_n};
  p->gather.request->method = us_method_parse(p->gather.request->method_text);
  p->stage = US_STAGE_HEAD;
  p->is_in_request_line = true;
  size_t unused = 0;
  return us_execute(p, "PUT", 3, &unused);
}

/* How many of the bytes belong to the head. *ret_ends: the empty line is among them. *ret_folded: a line begins with a
 * blank (RFC 9112 5.2), which llhttp would join to the one before. */
static size_t us_scan_head(struct us_parser *p, const char *bytes, size_t n, bool *ret_ends, bool *ret_folded) {
  *ret_ends = *ret_folded = false;
  size_t at = 0;
  while (at < n) {
    if (p->line == US_LINE_INSIDE) {
      const char *end = memchr(bytes + at, '\n', n - at);
      if (!end)
        return n;
      at = (size_t)(end - bytes) + 1;
      p->line = US_LINE_BEGIN;
      continue;
    }
    char c = bytes[at++];
    if (c == '\n') {
      *ret_ends = true;
      return at;
    }
    if (p->line == US_LINE_BEGIN && (c == ' ' || c == '\t')) {
      *ret_folded = true;
      return at;
    }
    p->line = p->line == US_LINE_BEGIN && c == '\r' ? US_LINE_BEGIN_CR : US_LINE_INSIDE;
  }
  return n;
}

/* RFC 9112 3: single blanks between the parts of the request line. llhttp skips more of them; others read the second as
 * part of the target. */
static bool us_has_two_blanks(struct us_parser *p, const char *bytes, size_t n) {
  for (size_t at = 0; at < n && p->is_in_request_line; at++) {
    if (bytes[at] == ' ' && p->last == ' ')
      return true;
    p->last = bytes[at];
    p->is_in_request_line = p->last != '\n';
  }
  return false;
}

static enum us_parse_result us_feed_head(struct us_parser *p, const char *bytes, size_t n, size_t *ret_used) {
  if (us_has_two_blanks(p, bytes, n))
    return us_refused(p, 400, "The request line has two blanks in a row");
  bool ends, is_folded;
  size_t part = us_scan_head(p, bytes, n, &ends, &is_folded);
  size_t left = p->gather.limits->head_bytes - p->head_n;
  bool is_too_large = part > left;
  /* What fits is still parsed: a target that is too long deserves its own status. */
  size_t fits = is_too_large ? left : part;
  if (is_folded && !is_too_large)
    fits--;
  p->head_n += fits;
  size_t used = 0;
  enum us_parse_result result = us_execute(p, bytes, fits, &used);
  if (result == US_PARSE_REFUSED)
    return result;
  if (is_too_large)
    return us_refused(p, 431, "The request head is too large");
  if (is_folded)
    return us_refused(p, 400, "A header is folded over two lines");
  /* Our idea of where the head ends and llhttp's must be one. */
  if (ends != us_parser_head_is_done(p) || used != fits)
    return us_refused(p, 400, "The request is not well-formed HTTP/1.1");
  *ret_used += used;
  return result;
}

static enum us_parse_result us_feed_body(struct us_parser *p, const char *bytes, size_t n, size_t *ret_used) {
  size_t used = 0;
  enum us_parse_result result = us_execute(p, bytes, n, &used);
  if (result == US_PARSE_REFUSED)
    return result;
  p->body_wire += used;
  *ret_used += used;
  if (p->body_wire - p->gather.body_n > p->gather.body_n * US_PARSE_FRAMING_PER_BYTE + p->gather.limits->head_bytes)
    return us_refused(p, 413, "The request body has too much framing");
  return result;
}

enum us_parse_result us_parser_feed(struct us_parser *p, const char *bytes, size_t n, size_t *ret_used) {
  *ret_used = 0;
  p->gather.hint = n;
  if (p->stage == US_STAGE_METHOD) {
    enum us_parse_result result = us_feed_method(p, bytes, n, ret_used);
    if (result != US_PARSE_MORE || *ret_used == n)
      return result;
  }
  if (p->stage == US_STAGE_HEAD && *ret_used < n) {
    enum us_parse_result result = us_feed_head(p, bytes + *ret_used, n - *ret_used, ret_used);
    if (result != US_PARSE_MORE || *ret_used == n)
      return result;
  }
  return us_feed_body(p, bytes + *ret_used, n - *ret_used, ret_used);
}
