/* The parts of a request, kept: see http/gather.h. */
#include "http/gather.h"

#include "base/mem.h"

#include <string.h>

/* Headers arrays, head text and bodies begin this small and double. */
#define US_GATHER_FIRST_HEADERS 16
#define US_GATHER_FIRST_TEXT 512
#define US_GATHER_FIRST_BODY 4096

static int us_refuse(int status, const char *reason, const char **ret_reason) {
  *ret_reason = reason;
  return status;
}
int us_gather_failed(const char **ret_reason) {
  return us_refuse(503, "The server is out of memory", ret_reason);
}

bool us_gather_grow(struct us_gather *g, size_t n) {
  size_t room = g->text_room ? g->text_room * 2 : US_GATHER_FIRST_TEXT;
  if (room < g->hint && g->hint <= g->limits->head_bytes)
    room = g->hint;
  while (room - g->text_n < n)
    room *= 2;
  char *text =
      us_mem_secret(g->mem, room); /* wiped with the request: it holds tokens and passwords, and so does the body */
  if (!text)
    return false;
  if (g->text) {
    memcpy(text, g->text, g->text_n);
    for (size_t i = 0; i < g->header_count; i++) {
      struct us_http_header *header = &g->headers[i];
      header->name.p = text + (header->name.p - g->text);
      if (header->value.p)
        header->value.p = text + (header->value.p - g->text);
    }
    us_mem_free(g->text);
  }
  g->text = text;
  g->text_room = room;
  return true;
}

int us_gather_target(struct us_gather *g, const char *at, size_t n, const char **ret_reason) {
  size_t left = g->limits->target_bytes - g->target_n;
  size_t fits = n < left ? n : left; /* of a longer one too: it tells in which style to refuse */
  if (!us_gather_room(g, fits))
    return us_gather_failed(ret_reason);
  if (fits)
    memcpy(g->text + g->text_n, at, fits);
  g->text_n += fits;
  g->target_n += fits;
  return fits < n ? us_refuse(414, "The request target is too long", ret_reason) : 0;
}

int us_gather_header(struct us_gather *g, const char **ret_reason) {
  if (g->header_count == g->limits->header_count)
    return us_refuse(400, "The request has too many headers", ret_reason);
  if (g->header_count == g->header_room) {
    size_t room = g->header_room ? g->header_room * 2 : US_GATHER_FIRST_HEADERS;
    void *headers = us_mem_grow(g->mem, g->headers, g->header_room * sizeof *g->headers, room * sizeof *g->headers);
    if (!headers)
      return us_gather_failed(ret_reason);
    g->headers = headers;
    g->header_room = room;
  }
  if (!us_gather_room(g, 1)) /* so that text is there to point to, even when the name is empty */
    return us_gather_failed(ret_reason);
  g->headers[g->header_count++] = (struct us_http_header){.name = {g->text + g->text_n, 0}};
  return 0;
}

struct us_str us_gather_find(const struct us_gather *g, struct us_str name) {
  for (size_t i = 0; i < g->header_count; i++)
    if (us_str_eq(g->headers[i].name, name))
      return g->headers[i].value;
  return US_STR_ABSENT;
}

static bool us_body_make_room(struct us_gather *g, size_t n, bool is_all) {
  if (n <= g->body_room - g->body_n)
    return true;
  /* A declared length is believed only as far as the bytes are here: else declaring would be enough to take memory. */
  size_t room = g->body_room ? g->body_room * 2 : US_GATHER_FIRST_BODY;
  while (room - g->body_n < n)
    room *= 2;
  if (g->body_n == 0 && is_all)
    room = n;
  void *body = g->body ? us_mem_grow(g->mem, g->body, g->body_room, room) : us_mem_secret(g->mem, room);
  if (!body)
    return false;
  g->body = body;
  g->body_room = room;
  return true;
}

int us_gather_body(struct us_gather *g, const char *at, size_t n, bool is_all, const char **ret_reason) {
  if (n > g->limits->body_bytes - g->body_n)
    return us_refuse(413, "The request body is too large", ret_reason);
  if (n == 0)
    return 0;
  if (!us_body_make_room(g, n, is_all))
    return us_gather_failed(ret_reason);
  memcpy(g->body + g->body_n, at, n);
  g->body_n += n;
  return 0;
}

void us_gather_show_target(struct us_gather *g) {
  if (g->text)
    g->request->target = (struct us_str){g->text + g->target_at, g->target_n};
}

void us_gather_show_head(struct us_gather *g) {
  struct us_http_request *r = g->request;
  us_gather_show_target(g);
  struct us_str target = r->target;
  const char *mark = memchr(target.p, '?', target.n);
  r->path = mark ? (struct us_str){target.p, (size_t)(mark - target.p)} : target;
  r->query = mark ? (struct us_str){mark + 1, target.n - r->path.n - 1} : US_STR_ABSENT;
  r->headers = g->headers;
  r->header_count = g->header_count;
}

void us_gather_show_body(struct us_gather *g) {
  if (g->body)
    g->request->body = (struct us_str){g->body, g->body_n};
}
