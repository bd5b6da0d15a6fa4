/*
 * Time-ordered ids. The state is one 64-bit number, (milliseconds << 12 | counter), moved forward by compare-and-swap:
 * each caller takes either the number of the present millisecond or, when that is not above the last one, the last plus
 * one. The plus one carries from the counter into the milliseconds, which is how a full millisecond borrows the next.
 */
#include "base/id.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#define US_ID_COUNTER_BITS 12
#define US_ID_NODE_BITS 9
#define US_ID_TIME_BITS 42
#define US_ID_COUNTER_MASK ((INT64_C(1) << US_ID_COUNTER_BITS) - 1)
#define US_ID_TIME_MAX ((INT64_C(1) << US_ID_TIME_BITS) - 1)

void us_idgen_init(struct us_idgen *g, uint16_t node, int64_t high_water_id) {
  assert(node <= US_ID_NODE_MAX);
  g->node = node & US_ID_NODE_MAX;
  if (high_water_id < 0)
    high_water_id = 0;
  /* The mark may come from another node, whose bits lie above the counter's: only the next millisecond is surely
   * above it. */
  int64_t ms = high_water_id >> (US_ID_COUNTER_BITS + US_ID_NODE_BITS);
  g->last = high_water_id == 0 ? -1 : (ms << US_ID_COUNTER_BITS | US_ID_COUNTER_MASK);
}

int64_t us_idgen_next(struct us_idgen *g, int64_t now_ms) {
  int64_t ms = now_ms - US_ID_EPOCH_MS;
  if (now_ms < US_ID_EPOCH_MS)
    ms = 0;
  if (ms > US_ID_TIME_MAX)
    ms = US_ID_TIME_MAX;
  int64_t at_clock = ms << US_ID_COUNTER_BITS;
  int64_t last = g->last;
  int64_t next;
  do {
    next = last < at_clock ? at_clock : last + 1;
  } while (!atomic_compare_exchange_weak(&g->last, &last, next));
  /* The 42 bits end in the year 2159. */
  assert(next >> US_ID_COUNTER_BITS <= US_ID_TIME_MAX);
  return (next >> US_ID_COUNTER_BITS) << (US_ID_COUNTER_BITS + US_ID_NODE_BITS) |
         (int64_t)g->node << US_ID_COUNTER_BITS | (next & US_ID_COUNTER_MASK);
}

int64_t us_id_time_ms(int64_t id) {
  return (id >> (US_ID_COUNTER_BITS + US_ID_NODE_BITS)) + US_ID_EPOCH_MS;
}

int64_t us_id_first_at(int64_t time_ms) {
  int64_t ms = time_ms - US_ID_EPOCH_MS;
  return ms > 0 ? ms << (US_ID_COUNTER_BITS + US_ID_NODE_BITS) : 0;
}

void us_uuid7_of_id(int64_t id, const uint8_t random16[16], char ret_text[US_UUID_BYTES]) {
  uint8_t b[16];
  memcpy(b, random16, sizeof b);
  unsigned counter = (unsigned)(id & US_ID_COUNTER_MASK);
  unsigned node = (unsigned)(id >> US_ID_COUNTER_BITS) & US_ID_NODE_MAX;
  b[6] = (uint8_t)(counter >> 8);
  b[7] = (uint8_t)counter;
  b[8] = (uint8_t)(node >> 3);
  b[9] = (uint8_t)((node & 7) << 5 | (b[9] & 0x1F));
  us_uuid7_format(us_id_time_ms(id), b, ret_text);
}

static bool hex_digits(struct us_str text, size_t at, size_t n, uint64_t *value) {
  for (size_t i = at; i < at + n; i++) {
    char c = text.p[i];
    if (c == '-')
      continue;
    if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
      return false;
    *value = *value << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
  }
  return true;
}

/* 0         9    14   19                  xxxxxxxx-xxxx-7ccc-vnnn: milliseconds, counter, node behind the variant */
int64_t us_uuid7_id(struct us_str text) {
  uint64_t ms = 0, version = 0, variant = 0;
  if (text.n != US_UUID_BYTES - 1 || !hex_digits(text, 0, 13, &ms) || !hex_digits(text, 14, 4, &version) ||
      !hex_digits(text, 19, 4, &variant) || version >> 12 != 7 || variant >> 14 != 2)
    return 0;
  int64_t time = (int64_t)ms - US_ID_EPOCH_MS;
  if (time < 0 || time > US_ID_TIME_MAX)
    return 0;
  int64_t node = (int64_t)(variant >> 5) & US_ID_NODE_MAX;
  return time << (US_ID_COUNTER_BITS + US_ID_NODE_BITS) | node << US_ID_COUNTER_BITS |
         (int64_t)(version & US_ID_COUNTER_MASK);
}

void us_uuid7_format(int64_t now_ms, const uint8_t random16[16], char ret_text[US_UUID_BYTES]) {
  uint8_t b[16];
  memcpy(b, random16, sizeof b);
  uint64_t ms = (uint64_t)now_ms;
  for (int i = 0; i < 6; i++)
    b[i] = (uint8_t)(ms >> (40 - 8 * i));
  b[6] = (uint8_t)(0x70 | (b[6] & 0x0F)); /* version 7 */
  b[8] = (uint8_t)(0x80 | (b[8] & 0x3F)); /* variant 10 */

  static const char hex[] = "0123456789abcdef";
  char *at = ret_text;
  for (int i = 0; i < 16; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10)
      *at++ = '-';
    *at++ = hex[b[i] >> 4];
    *at++ = hex[b[i] & 15];
  }
  *at++ = '0';
  *at = '\0';
}
