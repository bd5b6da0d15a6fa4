/*
 * Bytes of a client's connection in HTTP/2, from anybody. Beyond not crashing: requests that are let through keep the same promises as
 * those of HTTP/1; what goes out is frames; the limits hold; and all memory comes back, which http/h2.c asserts itself.
 *
 * The first byte of the input says in which pieces the rest comes (and whether preface and SETTINGS go before it), the second how the
 * handler behaves: which requests it answers late, and whether the server shuts down in between. Limits are small, to be met.
 */
#include <string.h>

#include "base/mem.h"
#include "http/h2.h"
#include "http_promises.h"

#define LATE_MAX 8

struct side {
  struct us_h2 *h2;
  struct us_http_limits limits;
  struct us_h2_stream *late[LATE_MAX];
  size_t late_n;
  struct us_buf out;
  size_t streams; /* that have begun and were not dropped or answered */
};
struct exchange {
  void *mem;
  struct us_http_request request;
};

static void *begin(void *self, struct us_h2_stream *stream) {
  struct side *side = self;
  void *mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES);
  struct exchange *x = mem ? us_mem_alloc(mem, sizeof *x) : NULL;
  fuzz_must(x);
  x->mem = mem;
  stream->user = x;
  stream->request = &x->request;
  side->streams++;
  fuzz_must(side->streams <= side->limits.h2_streams);
  return mem;
}

static void wait(void *self, struct us_h2_stream *stream, enum us_h2_wait wait) {
  (void)self;
  fuzz_must(wait != US_H2_WAITS_BODY || stream->phase == US_H2_READING);
}

static void drop(void *self, struct us_h2_stream *stream) {
  struct side *side = self;
  struct exchange *x = stream->user;
  for (size_t i = 0; i < side->late_n; i++)
    if (side->late[i] == stream)
      side->late[i] = side->late[--side->late_n];
  us_mem_free(x->mem);
  side->streams--;
}

static void answer(struct side *side, struct us_h2_stream *stream) {
  struct exchange *x = stream->user;
  struct us_http_response response;
  us_http_response_init(&response);
  if (stream->status) {
    fuzz_must(stream->status >= 400 && stream->reason);
    response.status = stream->status;
  } else {
    fuzz_check_http_request(&x->request, &side->limits);
    fuzz_must(x->request.is_http2 && us_http_header_count(&x->request, "cookie") <= 1);
    us_http_response_header(&response, "Content-Type", US_STR("text/plain"));
    us_buf_add_str(&response.body, x->request.target);
    us_buf_add_str(&response.body, x->request.body);
  }
  us_h2_answer(side->h2, stream, &response, US_STR("Sun, 06 Nov 1994 08:49:37 GMT"),
               x->request.method == US_METHOD_HEAD);
  us_http_response_done(&response);
  us_mem_free(x->mem);
  side->streams--;
}

/* What is there is whole frames, unless it ends where `enough` said so. */
static void check_out(struct us_buf *out) {
  size_t at = 0;
  fuzz_must(us_buf_ok(out));
  while (at < out->n) {
    const unsigned char *head = (const unsigned char *)out->p + at;
    fuzz_must(out->n - at >= US_H2_FRAME_HEAD_BYTES);
    size_t n = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
    fuzz_must(n <= 16 * 1024 * 1024 && n <= out->n - at - US_H2_FRAME_HEAD_BYTES && head[3] <= 9);
    at += US_H2_FRAME_HEAD_BYTES + n;
  }
  us_buf_reset(out);
}

static void serve(struct side *side, unsigned behaviour) {
  struct us_h2_stream *stream;
  while ((stream = us_h2_next(side->h2))) {
    bool is_late = (behaviour >> (stream->id / 2 % 4)) & 1;
    if (is_late && side->late_n < LATE_MAX)
      side->late[side->late_n++] = stream;
    else
      answer(side, stream);
  }
  us_h2_fill(side->h2, &side->out, 4096);
  check_out(&side->out);
  fuzz_must(us_h2_memory(side->h2) <= 2 * side->limits.h2_memory_bytes + 128 * 1024);
}

static void feed(struct side *side, const uint8_t *data, size_t size, size_t piece, unsigned behaviour) {
  int64_t now_ms = 0;
  uint32_t code;
  for (size_t used = 0; used < size && !us_h2_has_failed(side->h2, &code); now_ms += 10) {
    size_t part = size - used < piece ? size - used : piece;
    char *copy = malloc(part); /* of just its size, so that a read past it, or a slice kept into it, shows */
    fuzz_must(copy);
    memcpy(copy, data + used, part);
    us_h2_feed(side->h2, copy, part, now_ms);
    free(copy);
    used += part;
    serve(side, behaviour);
    if ((behaviour & 0x40) && used > size / 2)
      us_h2_shut_down(side->h2);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2 || size > 100000)
    return 0;
  struct side side = {.limits = us_http_limits_default};
  side.limits.h2_streams = 4;
  side.limits.h2_memory_bytes = 256 * 1024;
  side.limits.h2_resets = 10;
  side.limits.h2_frames = 40;
  const struct us_h2_hooks hooks = {.self = &side, .begin = begin, .wait = wait, .drop = drop};
  us_buf_init(&side.out, 64 * 1024 * 1024);
  side.h2 = us_h2_new(&side.limits, &hooks, NULL);
  fuzz_must(side.h2);
  static const uint8_t greeting[] = US_H2_PREFACE "\0\0\0\4\0\0\0\0";
  if (data[0] & 0x80)
    feed(&side, greeting, sizeof greeting, sizeof greeting, 0);
  feed(&side, data + 2, size - 2, (size_t)(data[0] & 0x7f) * 8 + 1, data[1]);
  if (data[1] & 0x10)
    while (side.late_n)
      answer(&side, side.late[--side.late_n]);
  serve(&side, 0);
  us_h2_free(side.h2);
  fuzz_must(side.streams == 0);
  us_buf_done(&side.out);
  return 0;
}
