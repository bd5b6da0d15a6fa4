/* The client of HTTP/2: see wire_h2.h. */
#include "wire_h2.h"

#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define BUFFER_MAX (64u << 20)

/* Frames out. */

void h2_frame(struct h2_client *c, int type, int flags, int32_t id, const void *payload, size_t n) {
  unsigned char head[US_H2_FRAME_HEAD_BYTES] = {
      (unsigned char)(n >> 16),  (unsigned char)(n >> 8),  (unsigned char)n,
      (unsigned char)type,       (unsigned char)flags,     (unsigned char)(id >> 24),
      (unsigned char)(id >> 16), (unsigned char)(id >> 8), (unsigned char)id};
  struct us_buf b;
  us_buf_init(&b, BUFFER_MAX);
  us_buf_add(&b, head, sizeof head);
  if (n)
    us_buf_add(&b, payload, n);
  assert_true(us_buf_ok(&b));
  wire_send(&c->conn, b.p, b.n);
  us_buf_done(&b);
}

/* RFC 7541 5.1, with a prefix of seven bits and no Huffman. */
static void pack_text(struct us_buf *b, const char *text, size_t n) {
  size_t left = n;
  us_buf_add_char(b, (char)(left < 127 ? left : 127));
  if (left >= 127) {
    for (left -= 127; left >= 128; left /= 128)
      us_buf_add_char(b, (char)(0x80 | (left % 128)));
    us_buf_add_char(b, (char)left);
  }
  if (n)
    us_buf_add(b, text, n);
}

void h2_pack(struct us_buf *b, const char *name, size_t name_n, const char *value, size_t value_n) {
  us_buf_add_char(b, 0); /* RFC 7541 6.2.2: a literal that goes into no table */
  pack_text(b, name, name_n);
  pack_text(b, value, value_n);
}

void h2_pack_lines(struct us_buf *b, const char *lines) {
  while (*lines) {
    const char *end = strchr(lines, '\n'), *mark = strchr(lines, '|');
    assert_true(end && mark && mark < end);
    h2_pack(b, lines, (size_t)(mark - lines), mark + 1, (size_t)(end - mark - 1));
    lines = end + 1;
  }
}

void h2_head(struct h2_client *c, int32_t id, int flags, const char *lines) {
  struct us_buf b;
  us_buf_init(&b, BUFFER_MAX);
  h2_pack_lines(&b, lines);
  h2_frame(c, H2_HEADERS, flags | H2_END_HEADERS, id, b.p, b.n);
  us_buf_done(&b);
}

void h2_get(struct h2_client *c, int32_t id, const char *path) {
  char *lines = wire_format(":method|GET\n:scheme|https\n:authority|usher.test\n:path|%s\n", path);
  h2_head(c, id, H2_END_STREAM, lines);
  free(lines);
}

void h2_data(struct h2_client *c, int32_t id, int flags, const char *text) {
  h2_frame(c, H2_DATA, flags, id, text, strlen(text));
}

static void put_u32(unsigned char *at, uint32_t value) {
  at[0] = (unsigned char)(value >> 24);
  at[1] = (unsigned char)(value >> 16);
  at[2] = (unsigned char)(value >> 8);
  at[3] = (unsigned char)value;
}
static uint32_t get_u32(const char *p) {
  const unsigned char *at = (const unsigned char *)p;
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

void h2_reset(struct h2_client *c, int32_t id, uint32_t code) {
  unsigned char payload[4];
  put_u32(payload, code);
  h2_frame(c, H2_RST_STREAM, 0, id, payload, sizeof payload);
}
void h2_open_window(struct h2_client *c, int32_t id, uint32_t bytes) {
  unsigned char payload[4];
  put_u32(payload, bytes);
  h2_frame(c, H2_WINDOW_UPDATE, 0, id, payload, sizeof payload);
}
void h2_set(struct h2_client *c, unsigned id, uint32_t value) {
  unsigned char payload[6] = {(unsigned char)(id >> 8), (unsigned char)id};
  put_u32(payload + 2, value);
  h2_frame(c, H2_SETTINGS, 0, 0, payload, sizeof payload);
}
void h2_ping(struct h2_client *c) {
  h2_frame(c, H2_PING, 0, 0, "ping.out", 8);
}

/* Beginning and end. */

void h2_adopt(struct h2_client *c) {
  struct wire_client conn = c->conn;
  *c = (struct h2_client){.conn = conn, .goaway = -1};
  nghttp2_hd_inflater *inflater = NULL;
  assert_int_equal(nghttp2_hd_inflate_new(&inflater), 0);
  c->inflater = inflater;
}

void h2_connect_bare(struct h2_client *c, bool is_tls, const char *from) {
  c->conn = (struct wire_client){.fd = wire_connect_socket(from, wire_port(is_tls))};
  us_buf_init(&c->conn.got, BUFFER_MAX);
  if (is_tls) {
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    assert_non_null(ctx);
    assert_int_equal(SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)"\x02h2", 3), 0);
    assert_true(wire_try_handshake(&c->conn, ctx));
    SSL_CTX_free(ctx);
  }
  h2_adopt(c);
}

void h2_greet(struct h2_client *c) {
  wire_send_c(&c->conn, US_H2_PREFACE);
  h2_frame(c, H2_SETTINGS, 0, 0, NULL, 0);
}

void h2_connect(struct h2_client *c, bool is_tls) {
  h2_connect_bare(c, is_tls, NULL);
  h2_greet(c);
}

void h2_close(struct h2_client *c) {
  for (size_t i = 0; i < H2_STREAMS; i++)
    if (c->streams[i]) {
      us_buf_done(&c->streams[i]->head);
      us_buf_done(&c->streams[i]->body);
      free(c->streams[i]);
    }
  nghttp2_hd_inflate_del(c->inflater);
  wire_close(&c->conn);
}

/* Frames in. */

struct h2_stream *h2_stream(struct h2_client *c, int32_t id) {
  assert_true(id > 0 && id / 2 < H2_STREAMS && id % 2 == 1);
  struct h2_stream **s = &c->streams[id / 2];
  if (!*s) {
    *s = calloc(1, sizeof **s);
    assert_non_null(*s);
    (*s)->reset = -1;
    us_buf_init(&(*s)->head, BUFFER_MAX);
    us_buf_init(&(*s)->body, BUFFER_MAX);
  }
  return *s;
}

static void take_head(struct h2_client *c, struct h2_stream *s, const char *block, size_t n) {
  nghttp2_hd_inflater *inflater = c->inflater;
  us_buf_reset(&s->head);
  s->heads++;
  for (;;) {
    nghttp2_nv field;
    int flags = 0;
    ssize_t used = nghttp2_hd_inflate_hd2(inflater, &field, &flags, (const uint8_t *)block, n, 1);
    assert_true(used >= 0);
    block += used;
    n -= (size_t)used;
    if (flags & NGHTTP2_HD_INFLATE_EMIT) {
      if (field.namelen == 7 && memcmp(field.name, ":status", 7) == 0)
        s->status = atoi((const char *)field.value);
      us_buf_add(&s->head, field.name, field.namelen);
      us_buf_add_c(&s->head, ": ");
      us_buf_add(&s->head, field.value, field.valuelen);
      us_buf_add_c(&s->head, "\n");
    }
    if (flags & NGHTTP2_HD_INFLATE_FINAL) {
      nghttp2_hd_inflate_end_headers(inflater);
      return;
    }
    assert_true(n > 0 || (flags & NGHTTP2_HD_INFLATE_EMIT));
  }
}

static void take_settings(struct h2_client *c, int flags, const char *p, size_t n) {
  if (flags & H2_ACK) {
    c->settings_acks++;
    return;
  }
  for (; n >= 6; p += 6, n -= 6) {
    unsigned id = (unsigned)((unsigned char)p[0] << 8 | (unsigned char)p[1]);
    if (id < 16)
      c->settings[id] = get_u32(p + 2);
  }
  if (!c->is_mute)
    h2_frame(c, H2_SETTINGS, H2_ACK, 0, NULL, 0);
}

/* The payload of the frame that is there, whole; -1: not yet. */
static ssize_t next_payload(const struct us_buf *got) {
  size_t n = got->n >= US_H2_FRAME_HEAD_BYTES ? get_u32(got->p) >> 8 : 0;
  return got->n >= US_H2_FRAME_HEAD_BYTES + n ? (ssize_t)n : -1;
}

bool h2_has_more(struct h2_client *c, int ms) {
  struct pollfd ready = {.fd = c->conn.fd, .events = POLLIN};
  return next_payload(&c->conn.got) >= 0 || (c->conn.ssl && SSL_pending(c->conn.ssl)) || poll(&ready, 1, ms) > 0;
}

bool h2_read(struct h2_client *c) {
  struct us_buf *got = &c->conn.got;
  ssize_t payload;
  while ((payload = next_payload(got)) < 0)
    if (!wire_read_some(&c->conn))
      return false;
  size_t n = (size_t)payload;
  int type = (unsigned char)got->p[3], flags = (unsigned char)got->p[4];
  int32_t id = (int32_t)(get_u32(got->p + 5) & 0x7fffffff);
  const char *p = got->p + US_H2_FRAME_HEAD_BYTES;
  struct h2_stream *s = id ? h2_stream(c, id) : NULL;
  switch (type) {
  case H2_HEADERS:
    assert_true(flags & H2_END_HEADERS); /* larger heads are read by no test of these */
    take_head(c, s, p, n);
    s->has_ended |= flags & H2_END_STREAM;
    break;
  case H2_DATA:
    us_buf_add(&s->body, p, n);
    s->has_ended |= flags & H2_END_STREAM;
    break;
  case H2_RST_STREAM:
    s->reset = (int)get_u32(p);
    break;
  case H2_SETTINGS:
    take_settings(c, flags, p, n);
    break;
  case H2_PING:
    c->pings += (flags & H2_ACK) != 0;
    if (!(flags & H2_ACK))
      h2_frame(c, H2_PING, H2_ACK, 0, p, n);
    break;
  case H2_GOAWAY:
    c->goaways++;
    c->goaway_id = (int32_t)get_u32(p);
    c->goaway = (int)get_u32(p + 4);
    break;
  default:
    break;
  }
  us_buf_drop_front(got, US_H2_FRAME_HEAD_BYTES + n);
  return true;
}

struct h2_stream *h2_await(struct h2_client *c, int32_t id) {
  struct h2_stream *s = h2_stream(c, id);
  while (!s->has_ended && s->reset < 0)
    if (!h2_read(c))
      fail_msg("stream %d does not end: connection %d, GOAWAY %d, status %d, %zu bytes", id, c->conn.end, c->goaway,
               s->status, s->body.n);
  return s;
}

void h2_await_ping(struct h2_client *c) {
  int before = c->pings;
  h2_ping(c);
  while (c->pings == before)
    if (!h2_read(c))
      fail_msg("no PING comes back: connection %d, GOAWAY %d", c->conn.end, c->goaway);
}

const char *h2_header(const struct h2_stream *s, const char *name) {
  static char value[70000];
  char *wanted = wire_format("\n%s: ", name);
  char *all = wire_format("\n%.*s", US_STR_ARG(us_buf_str(&s->head)));
  const char *at = strstr(all, wanted);
  if (at) {
    at += strlen(wanted);
    snprintf(value, sizeof value, "%.*s", (int)strcspn(at, "\n"), at);
  }
  free(wanted);
  free(all);
  return at ? value : NULL;
}

int h2_read_to_end(struct h2_client *c) {
  while (h2_read(c))
    ;
  assert_int_equal(c->conn.end, WIRE_CLOSED);
  return c->goaway;
}

void h2_expect(struct h2_client *c, int32_t id, int status) {
  struct h2_stream *s = h2_await(c, id);
  if (s->status != status)
    fail_msg("stream %d: %d instead of %d, reset %d: %.*s", id, s->status, status, s->reset,
             US_STR_ARG(us_buf_str(&s->body)));
}
