/*
 * Keys of rows that come and go: time-ordered 64-bit numbers made by us (design 2).
 *
 *   0 | 42 bits: milliseconds since 2020-01-01 | 9 bits: node | 12 bits: counter
 *
 * Never below the stored high-water mark, so a clock that steps back repeats none: the generator then goes on from the
 * last millisecond it gave. Thread-safe (one atomic). When 4096 ids of a millisecond are used it borrows the next one.
 */
#ifndef USHER_BASE_ID_H
#define USHER_BASE_ID_H

#include "base/str.h"

#define US_ID_EPOCH_MS INT64_C(1577836800000) /* 2020-01-01T00:00:00Z */
#define US_ID_NODE_MAX 511

struct us_idgen {
  _Atomic int64_t last; /* (milliseconds << 12 | counter) of the last id */
  uint16_t node;
};
void us_idgen_init(struct us_idgen *g, uint16_t node, int64_t high_water_id);
int64_t us_idgen_next(struct us_idgen *g, int64_t now_ms);
int64_t us_id_time_ms(int64_t id);
int64_t us_id_first_at(int64_t time_ms); /* the least id of that millisecond: whatever is older lies below */

/* Resource and label ids: a UUIDv7 (RFC 9562 5.7) and the digit 0, 37 characters (protocol contract 1.8). `random16`
 * are 16 random bytes. */
#define US_UUID_BYTES 38
void us_uuid7_format(int64_t now_ms, const uint8_t random16[16], char ret_text[US_UUID_BYTES]);
/* The same for a row: time, counter and node are those of its id, the other 53 bits are random. So the row is found by its primary
 * key, without a walk through the index of uuids. */
void us_uuid7_of_id(int64_t id, const uint8_t random16[16], char ret_text[US_UUID_BYTES]);
/* The id that a text made by us_uuid7_of_id() carries. Only a hint, since anybody can write such a text; 0: it has not that form. */
int64_t us_uuid7_id(struct us_str text);

#endif
