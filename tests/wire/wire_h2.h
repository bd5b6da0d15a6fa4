/*
 * A client of HTTP/2 that writes its frames by hand, so that it can write wrong ones; heads it packs without any table. What
 * comes back is unpacked by nghttp2's HPACK and kept by stream. It acknowledges SETTINGS, and opens no window by itself.
 */
#ifndef USHER_TESTS_WIRE_H2_H
#define USHER_TESTS_WIRE_H2_H

#include "http/h2_count.h" /* US_H2_PREFACE */
#include "wire.h"

#define H2_STREAMS 1024 /* of one connection: ids up to twice that */
enum {
  H2_DATA,
  H2_HEADERS,
  H2_PRIORITY,
  H2_RST_STREAM,
  H2_SETTINGS,
  H2_PUSH_PROMISE,
  H2_PING,
  H2_GOAWAY,
  H2_WINDOW_UPDATE,
  H2_CONTINUATION
};
enum { H2_END_STREAM = 1, H2_ACK = 1, H2_END_HEADERS = 4, H2_PADDED = 8 };
enum {
  H2_NO_ERROR,
  H2_PROTOCOL_ERROR,
  H2_INTERNAL_ERROR,
  H2_FLOW_CONTROL_ERROR,
  H2_SETTINGS_TIMEOUT,
  H2_STREAM_CLOSED,
  H2_FRAME_SIZE_ERROR,
  H2_REFUSED_STREAM,
  H2_CANCEL,
  H2_COMPRESSION_ERROR,
  H2_CONNECT_ERROR,
  H2_ENHANCE_YOUR_CALM,
};

struct h2_stream {
  int status;         /* of the last head; 0: none yet */
  int heads;          /* how many came, 100 among them */
  struct us_buf head; /* "name: value\n" */
  struct us_buf body;
  bool has_ended;
  int reset; /* the code; -1: none */
};
struct h2_client {
  struct wire_client conn;
  void *inflater;
  struct h2_stream *streams[H2_STREAMS];
  int goaways;
  int goaway; /* the last code, or -1 */
  int32_t goaway_id;
  bool is_mute; /* acknowledges nothing */
  int pings;    /* acknowledged */
  int settings_acks;
  uint32_t settings[16]; /* theirs, by id */
};

void h2_connect(struct h2_client *c, bool is_tls);                        /* sends preface and SETTINGS */
void h2_connect_bare(struct h2_client *c, bool is_tls, const char *from); /* sends nothing; TLS offers h2 */
void h2_adopt(struct h2_client *c);                                       /* c->conn is connected */
void h2_greet(struct h2_client *c);
void h2_close(struct h2_client *c);

void h2_frame(struct h2_client *c, int type, int flags, int32_t id, const void *payload, size_t n);
/* Fields as "name: value\n" lines, a name may begin with ':' or be empty ("|" stands between name and value then). */
void h2_pack(struct us_buf *block, const char *name, size_t name_n, const char *value, size_t value_n);
void h2_pack_lines(struct us_buf *block, const char *lines);
#define H2_GET(path) ":method|GET\n:scheme|https\n:authority|usher.test\n:path|" path "\n"
#define H2_POST(path) ":method|POST\n:scheme|https\n:authority|usher.test\n:path|" path "\n"
void h2_head(struct h2_client *c, int32_t id, int flags, const char *lines); /* HEADERS, END_HEADERS is added */
void h2_get(struct h2_client *c, int32_t id, const char *path);
void h2_data(struct h2_client *c, int32_t id, int flags, const char *text);
void h2_reset(struct h2_client *c, int32_t id, uint32_t code);
void h2_open_window(struct h2_client *c, int32_t id, uint32_t bytes);
void h2_set(struct h2_client *c, unsigned id, uint32_t value);
void h2_ping(struct h2_client *c);

bool h2_has_more(struct h2_client *c, int ms); /* something to read, within so long */
bool h2_read(struct h2_client *c);             /* one frame; false: the connection has ended, or says nothing */
struct h2_stream *h2_stream(struct h2_client *c, int32_t id);
/* Reads until the stream has ended, or was reset. */
struct h2_stream *h2_await(struct h2_client *c, int32_t id);
void h2_await_ping(struct h2_client *c); /* sends one: what came before it has been dealt with then */
const char *h2_header(const struct h2_stream *s, const char *name); /* static memory; NULL: none */
/* Reads to the end of the connection, which must have been closed; the code of the GOAWAY, -1 without. */
int h2_read_to_end(struct h2_client *c);
void h2_expect(struct h2_client *c, int32_t id, int status); /* awaits the answer */

#endif
