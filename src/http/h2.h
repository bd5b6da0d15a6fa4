/*
 * HTTP/2 of one connection (RFC 9113): bytes in, requests out; answers in, bytes out. nghttp2 does frames, HPACK and flow
 * control; here are the rules of requests (those of HTTP/1, http/check.h) and every limit. No sockets and no clock:
 * http/conn_h2.c feeds it, and so does the fuzzer.
 *
 *              complete, or refused          us_h2_next()          us_h2_answer()               sent
 *   READING -------------------------> READY -------------> TAKEN -----------------> ANSWERING ------> gone
 *      | reset                           | reset              | reset
 *      +---------> gone <----------------+                    +----> ORPHAN ----us_h2_answer()-------> gone
 *
 * An orphan keeps its place among the streams that a connection may have: resetting what is being worked on does not make
 * room for more work (CVE-2023-44487).
 *
 * A client that breaks the rules of the protocol ends its connection; one that sends a bad request gets an answer.
 */
#ifndef USHER_HTTP_H2_H
#define USHER_HTTP_H2_H

#include "http/gather.h"
#include "http/h2_count.h"
#include "http/wait.h"

#define US_H2_GOAWAY_BYTES 17
#define US_H2_STREAM_BYTES (16 * 1024) /* a stream begins only when there is room for this much */
#define US_H2_CONTINUATIONS 8          /* frames that continue one head (CVE-2024-28182) */
#define US_H2_UNSENT_ACKS 100          /* SETTINGS and PING that the client asks for and does not take */
#define US_H2_BOMB 4                   /* a head that unpacks to so many times its limit ends the connection */
#define US_H2_COOKIE_MOVES 8           /* cookies that come in pieces among other headers */

enum us_h2_code { /* RFC 9113 7: those we say ourselves */
                  US_H2_NO_ERROR = 0x0,
                  US_H2_PROTOCOL_ERROR = 0x1,
                  US_H2_INTERNAL_ERROR = 0x2,
                  US_H2_REFUSED_STREAM = 0x7,
                  US_H2_CANCEL = 0x8,
                  US_H2_ENHANCE_YOUR_CALM = 0xb,
};

struct us_h2;
enum us_h2_phase { US_H2_READING, US_H2_READY, US_H2_TAKEN, US_H2_ORPHAN, US_H2_ANSWERING };

struct us_h2_stream {
  struct us_h2_stream *prev, *next;             /* all of the connection */
  struct us_h2_stream *prev_ready, *next_ready; /* those in phase READY, oldest first */
  int32_t id;
  enum us_h2_phase phase;
  struct us_http_request *request; /* until it is answered */
  void *user;                      /* the owner's */
  void *self;                      /* of the hooks */
  struct us_wait wait;             /* the owner's */
  int status;                      /* not 0: to be refused with, for `reason` */
  const char *reason;

  struct us_gather gather;
  size_t list_bytes; /* of the head, as RFC 9113 6.5.2 counts */
  size_t cookie;     /* header with the cookies, from 1 on; 0: none yet */
  unsigned cookie_moves;
  bool has_method, has_scheme, has_path, has_authority, has_field, has_head;
  bool has_length;
  uint64_t length;
  bool has_ended;     /* the request, as far as the client is concerned */
  size_t counted;     /* bytes of the request, then of the answer, in the sum of the connection */
  struct us_buf body; /* of the answer */
  size_t body_sent;
};

enum us_h2_wait { US_H2_WAITS_NOT, US_H2_WAITS_BODY, US_H2_WAITS_SENT };
struct us_h2_hooks {
  void *self;
  /* A request begins: sets ->request and ->user; the memory in which the request is kept, NULL when there is none. */
  void *(*begin)(void *self, struct us_h2_stream *stream);
  /* What the stream waits for from here on. */
  void (*wait)(void *self, struct us_h2_stream *stream, enum us_h2_wait wait);
  /* It ends without an answer and its owner has to forget it. */
  void (*drop)(void *self, struct us_h2_stream *stream);
};

/* `address_bytes`: what all connections of the client's address hold; it outlives the connection. NULL: nobody's. Returns NULL without
 * memory. */
struct us_h2 *us_h2_new(const struct us_http_limits *limits, const struct us_h2_hooks *hooks,
                        _Atomic size_t *address_bytes);
void us_h2_free(struct us_h2 *h2); /* accepts NULL; drops all streams */
/* All bytes are used. Afterwards: us_h2_next(), and us_h2_fill() when it wants to write. */
void us_h2_feed(struct us_h2 *h2, const char *bytes, size_t n, int64_t now_ms);
/* The next request that is complete or to be refused; it is TAKEN then and has to be answered. NULL: none, or none before
 * the client has taken more of what it was answered. */
struct us_h2_stream *us_h2_next(struct us_h2 *h2);
bool us_h2_has_next(const struct us_h2 *h2);
/* Takes the body over. The request and its memory are of no use to the stream any more, and the stream not to the caller. */
void us_h2_answer(struct us_h2 *h2, struct us_h2_stream *stream, struct us_http_response *response, struct us_str date,
                  bool is_head);
bool us_h2_fits(const struct us_http_response *response); /* its head is no larger than the edge sends */
void us_h2_refuse(struct us_h2 *h2, struct us_h2_stream *stream, int status, const char *reason); /* a READING one */
void us_h2_cancel(struct us_h2 *h2, struct us_h2_stream *stream, uint32_t code);                  /* an ANSWERING one */
/* Appends frames until there are none, or `enough` bytes in `out`. */
void us_h2_fill(struct us_h2 *h2, struct us_buf *out, size_t enough);
bool us_h2_wants_write(struct us_h2 *h2);

/* Says that the connection will end: what comes meanwhile is still answered; the last word follows when the client has
 * seen the first, or nothing is left. */
void us_h2_shut_down(struct us_h2 *h2);
void us_h2_finish(struct us_h2 *h2);  /* the last word at once: streams in flight end, new ones are ignored */
bool us_h2_is_over(struct us_h2 *h2); /* nothing more to read nor to write */
/* Whether it has failed, and for what: then only the goodbye may be sent. */
bool us_h2_has_failed(const struct us_h2 *h2, uint32_t *ret_code);
void us_h2_goodbye(const struct us_h2 *h2, uint32_t code, char ret_frame[US_H2_GOAWAY_BYTES]);

size_t us_h2_streams(const struct us_h2 *h2);  /* without orphans */
bool us_h2_is_in_head(const struct us_h2 *h2); /* the beginning, or a head, has come in part */
size_t us_h2_memory(const struct us_h2 *h2);   /* bytes that it holds, with those of requests and answers */

#endif
