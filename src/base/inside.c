/* Inside or not: see inside.h. */
#include "base/inside.h"

#include <stddef.h>
#include <string.h>

struct range {
  uint8_t prefix[16];
  unsigned bits;
};

/* IANA's special-purpose registry of IPv4, multicast, and what is reserved. */
static const struct range inside_v4[] = {
    {{0}, 8},
    {{10}, 8},
    {{100, 64}, 10},
    {{127}, 8},
    {{169, 254}, 16},
    {{172, 16}, 12},
    {{192, 0, 0}, 24},
    {{192, 0, 2}, 24},
    {{192, 31, 196}, 24},
    {{192, 52, 193}, 24},
    {{192, 88, 99}, 24},
    {{192, 168}, 16},
    {{192, 175, 48}, 24},
    {{198, 18}, 15},
    {{198, 51, 100}, 24},
    {{203, 0, 113}, 24},
    {{224}, 4},
    {{240}, 4},
};

/* Of IPv6 only 2000::/3 is handed out; in it: protocols (2001::/23, with Teredo and ORCHID), documentation, 6to4, AS112. */
static const struct range global_v6 = {{0x20}, 3};
static const struct range inside_v6[] = {
    {{0x20, 0x01}, 23}, {{0x20, 0x01, 0x0d, 0xb8}, 32}, {{0x20, 0x02}, 16}, {{0x26, 0x20, 0, 0x4f, 0x80}, 48},
    {{0x3f, 0xff}, 20},
};
static const struct range mapped = {{[10] = 0xff, [11] = 0xff}, 96};
static const struct range nat64 = {{0, 0x64, 0xff, 0x9b},
                                   96}; /* RFC 6052; 64:ff9b:1::/48 is local and not below this */

static bool is_in(const uint8_t *address, const struct range *range) {
  size_t whole = range->bits / 8;
  unsigned rest = range->bits % 8;
  if (memcmp(address, range->prefix, whole) != 0)
    return false;
  return rest == 0 || (address[whole] >> (8 - rest)) == (range->prefix[whole] >> (8 - rest));
}

static bool is_in_any(const uint8_t *address, const struct range *ranges, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (is_in(address, &ranges[i]))
      return true;
  }
  return false;
}

bool us_address_is_public(const uint8_t address[16]) {
  if (is_in(address, &mapped) || is_in(address, &nat64))
    return !is_in_any(address + 12, inside_v4, sizeof(inside_v4) / sizeof(inside_v4[0]));
  return is_in(address, &global_v6) && !is_in_any(address, inside_v6, sizeof(inside_v6) / sizeof(inside_v6[0]));
}
