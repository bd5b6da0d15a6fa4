/* us_uri_reference_ok(): the grammar of RFC 3986 4.1, with the examples of its sections 1.1.2 and 5.4. */
#include "../unit.h"
#include "json/field.h"

static void takes_references(void **state) {
  (void)state;
  static const char *const good[] = {"",
                                     "ftp://ftp.is.co.za/rfc/rfc1808.txt",
                                     "ldap://[2001:db8::7]/c=GB?objectClass?one",
                                     "mailto:John.Doe@example.com",
                                     "tel:+1-816-555-1212",
                                     "telnet://192.0.2.16:80/",
                                     "urn:oasis:names:specification:docbook:dtd:xml:4.1.2",
                                     "https://user:pw@h.example:8443/a/b;c=1?q=1&r=%C3%A9#frag/?",
                                     "http://127.0.0.1:9/cb",
                                     "//host/path",
                                     "/a/b",
                                     "./a:b",
                                     "../g",
                                     "?y",
                                     "#s",
                                     "g;x=1/./y",
                                     "a/b:c",
                                     "http:",
                                     "file:///etc",
                                     "http://[v1.fe80::a+en1]/",
                                     "com.example.app:/cb"};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
    if (!us_uri_reference_ok(unit_str(good[i])))
      fail_msg("refused: %s", good[i]);
}

static void an_absent_one_is_empty(void **state) {
  (void)state;
  assert_true(us_uri_reference_ok(US_STR_ABSENT));
}

static void refuses_all_else(void **state) {
  (void)state;
  static const char *const bad[] = {"a b",
                                    "http://a/ ",
                                    "\xC3\xA9",
                                    "http://h/%",
                                    "http://h/%4",
                                    "http://h/%zz",
                                    "1a:b",
                                    ":a",
                                    "a_b:c",
                                    "http://[::1/",
                                    "http://[]/",
                                    "http://[::g]/",
                                    "http://h:80a/",
                                    "http://h]/",
                                    "/a[b]",
                                    "a\"b",
                                    "<a>",
                                    "a\\b",
                                    "a^b",
                                    "a`b",
                                    "a{b}",
                                    "a|b",
                                    "#a#b",
                                    "a\nb",
                                    "a\x7F",
                                    "http://a@b@c/",
                                    "http://[::1]x/",
                                    "//h:80:80/"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    if (us_uri_reference_ok(unit_str(bad[i])))
      fail_msg("taken: %s", bad[i]);
  assert_false(us_uri_reference_ok((struct us_str){"a\0b", 3}));
  assert_false(us_uri_reference_ok((struct us_str){"//h\0b/", 6}));
}

static void tells_host_and_port(void **state) {
  (void)state;
  static const struct {
    const char *authority, *host, *port; /* port NULL: none */
  } cases[] = {{"h", "h", NULL},       {"h:1", "h", "1"},         {"h:", "h", ""},
               {"[::1]", "::1", NULL}, {"[::1]:80", "::1", "80"}, {":1", "", "1"}};
  struct us_str host, port;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    assert_true(us_uri_split_authority(unit_str(cases[i].authority), &host, &port));
    assert_true(us_str_eq(host, unit_str(cases[i].host)));
    assert_int_equal(port.p == NULL, cases[i].port == NULL);
    assert_true(port.p == NULL || us_str_eq(port, unit_str(cases[i].port)));
  }
  assert_false(us_uri_split_authority(unit_str("[::1"), &host, &port));
  assert_false(us_uri_split_authority(unit_str("[::1]x"), &host, &port));
  static const char *const good[] = {"1", "80", "65535"}, *const bad[] = {"",   "0",  "65536",
                                                                          "-1", "8x", "99999999999999999999"};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
    assert_true(us_uri_port_ok(unit_str(good[i])));
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    assert_false(us_uri_port_ok(unit_str(bad[i])));
  assert_true(us_uri_port_ok(US_STR_ABSENT));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(takes_references), cmocka_unit_test(an_absent_one_is_empty),
                                     cmocka_unit_test(refuses_all_else), cmocka_unit_test(tells_host_and_port)};
  return UNIT_RUN(tests);
}
