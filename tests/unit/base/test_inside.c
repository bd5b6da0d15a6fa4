/* Which addresses are somewhere on the Internet (DR-10). */
#include "../unit.h"

#include <arpa/inet.h>

#include "base/inside.h"

static bool is_public(const char *text) {
  uint8_t address[16] = {[10] = 0xff, [11] = 0xff};
  if (inet_pton(AF_INET, text, address + 12) != 1)
    assert_int_equal(inet_pton(AF_INET6, text, address), 1);
  return us_address_is_public(address);
}

/* DR-10: the first and the last of each range, and their neighbours outside. */
static void inside_is_told_from_outside(void **state) {
  (void)state;
  static const char *const inside[] = {"0.0.0.0",
                                       "0.255.255.255",
                                       "10.0.0.0",
                                       "10.255.255.255",
                                       "100.64.0.0",
                                       "100.127.255.255",
                                       "127.0.0.1",
                                       "127.255.255.255",
                                       "169.254.0.0",
                                       "169.254.169.254",
                                       "169.254.255.255",
                                       "172.16.0.0",
                                       "172.31.255.255",
                                       "192.0.0.1",
                                       "192.0.2.1",
                                       "192.88.99.1",
                                       "192.168.0.0",
                                       "192.168.255.255",
                                       "198.18.0.0",
                                       "198.19.255.255",
                                       "198.51.100.1",
                                       "203.0.113.255",
                                       "224.0.0.1",
                                       "239.255.255.255",
                                       "240.0.0.0",
                                       "255.255.255.255",
                                       "::",
                                       "::1",
                                       "::127.0.0.1",
                                       "::ffff:127.0.0.1",
                                       "::ffff:10.0.0.1",
                                       "64:ff9b::7f00:1",
                                       "64:ff9b::a9fe:a9fe",
                                       "64:ff9b:1::1",
                                       "100::1",
                                       "1fff:ffff::1",
                                       "2001::1",
                                       "2001:1ff:ffff::1",
                                       "2001:db8::1",
                                       "2002:7f00:1::",
                                       "2002:808:808::",
                                       "3fff::1",
                                       "4000::1",
                                       "5f00::1",
                                       "fc00::1",
                                       "fdff::1",
                                       "fe80::1",
                                       "febf::1",
                                       "fec0::1",
                                       "ff02::1",
                                       "ffff::1"};
  static const char *const outside[] = {
      "1.0.0.0",         "9.255.255.255",   "11.0.0.0",         "100.63.255.255", "100.128.0.0",   "126.255.255.255",
      "128.0.0.0",       "169.253.255.255", "169.255.0.0",      "172.15.255.255", "172.32.0.0",    "192.0.1.0",
      "192.167.255.255", "192.169.0.0",     "198.17.255.255",   "198.20.0.0",     "203.0.112.255", "203.0.114.0",
      "223.255.255.255", "::ffff:8.8.8.8",  "64:ff9b::808:808", "2000::1",        "2001:200::1",   "2001:db7:ffff::1",
      "2001:db9::1",     "2003::1",         "2606:4700::1111",  "3ffe:ffff::1"};
  for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
    if (is_public(inside[i]))
      fail_msg("%s is inside", inside[i]);
  }
  for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
    if (!is_public(outside[i]))
      fail_msg("%s is outside", outside[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(inside_is_told_from_outside)};
  return UNIT_RUN(tests);
}
