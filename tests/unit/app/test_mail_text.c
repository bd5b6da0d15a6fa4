/* Mails as text: addresses, subjects in encoded words, the whole message; and that nothing breaks out of a header. */
#include "../unit.h"

#include <stdio.h>

#include "app/mail_text.h"
#include "crypto/digest.h"

static bool ok(const char *address) {
  return us_mail_address_ok(unit_str(address));
}

static void plain_addresses_are_taken(void **state) {
  static const char *const good[] = {"alice@example.com",
                                     "a@b",
                                     "a.b+c_d=e@mail.example.org",
                                     "o'neil@example.com",
                                     "1@2.3",
                                     "x@a-b.example",
                                     "!#$%&'*/?^`{|}~@a.b.c",
                                     "A.B@EXAMPLE.ORG"};
  for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
    assert_true(ok(good[i]));
}

static void what_could_end_a_command_or_a_header_is_no_address(void **state) {
  static const char *const bad[] = {
      "",       "alice", "@",       "@example.com", "alice@",        "a@b@c",         ".a@b",     "a.@b",
      "a..b@c", "a@.b",  "a@b.",    "a@b..c",       "a b@c",         "a@b c",         "a@b\r\nc", "a\r@b",
      "a@b>",   "<a@b>", "a,b@c",   "a@b,c@d",      "\"a b\"@c",     "a@[127.0.0.1]", "a@b\t",    " a@b",
      "a@-b",   "a@b-",  "a@b-.c",  "a@b.-c",       "\xc3\xa4@b",    "a@\xc3\xa4.de", "a(c)@b",   "a;b@c",
      "a:b@c",  "a\\@b", "a@b\x7f", "a@b SIZE=1",   "a@b> NOTIFY=x", "\x01@b",
  };
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    if (ok(bad[i]))
      fail_msg("taken: %s", bad[i]);
  }
  assert_false(us_mail_address_ok(US_STR_ABSENT));
  assert_false(us_mail_address_ok((struct us_str){"a\0@b", 4}));
  assert_false(us_mail_address_ok((struct us_str){"a@b\0", 4}));
}

static void addresses_end_at_their_limits(void **state) {
  char text[400];
  for (int local = 64; local <= 65; local++) {
    memset(text, 'a', sizeof(text));
    snprintf(text + local, sizeof(text) - (size_t)local, "@example.com");
    assert_int_equal(ok(text), local == 64);
  }
  for (int label = 63; label <= 64; label++) {
    text[0] = 'a';
    text[1] = '@';
    memset(text + 2, 'b', (size_t)label);
    text[2 + label] = '\0';
    assert_int_equal(ok(text), label == 63);
  }
  for (int whole = 254; whole <= 255; whole++) {
    memset(text, 'b', sizeof(text));
    text[1] = '@';
    for (int i = 61; i < whole; i += 60)
      text[i] = '.';
    text[whole - 1] = 'b';
    text[whole] = '\0';
    assert_int_equal(ok(text), whole == 254);
  }
  assert_str(us_mail_domain(US_STR("a@b.c")), "b.c");
}

/* The message of a mail with this subject and text. */
static const char *written(struct us_cx *cx, struct us_str subject, struct us_str html) {
  struct us_mail mail = {
      .from = US_STR("usher@as.example.net"),
      .to = US_STR("alice@example.com"),
      .subject = subject,
      .html = html,
      .locale = US_STR("de-CH"),
      .message_id = US_STR("usher.abc-_9"),
      .date_ms = INT64_C(1935600000123),
  };
  struct us_buf out;
  us_buf_init(&out, US_MAIL_TEXT_MAX);
  us_mail_write(&mail, &out);
  assert_true(us_buf_ok(&out));
  const char *text = us_str_cdup(cx->mem, us_buf_str(&out));
  us_buf_done(&out);
  return text;
}

static const char *subject_of(struct us_cx *cx, struct us_str subject) {
  const char *text = written(cx, subject, US_STR("x"));
  const char *from = strstr(text, "\r\nSubject: ") + 11, *to = strstr(from, "\r\nMessage-ID");
  return us_str_cdup(cx->mem, (struct us_str){from, (size_t)(to - from)});
}

static void the_whole_message(void **state) {
  assert_string_equal(written(*state, US_STR("New Pending Request"), US_STR("<p>hi</p>")),
                      "Date: Sat, 03 May 2031 18:40:00 +0000\r\n"
                      "From: usher@as.example.net\r\n"
                      "To: alice@example.com\r\n"
                      "Subject: New Pending Request\r\n"
                      "Message-ID: <usher.abc-_9@as.example.net>\r\n"
                      "Auto-Submitted: auto-generated\r\n"
                      "MIME-Version: 1.0\r\n"
                      "Content-Type: text/html; charset=utf-8\r\n"
                      "Content-Transfer-Encoding: base64\r\n"
                      "Content-Language: de-CH\r\n"
                      "\r\n"
                      "PHA+aGk8L3A+\r\n");
}

static const char *body_of(struct us_cx *cx, struct us_str html) {
  return strstr(written(cx, US_STR("x"), html), "\r\n\r\n") + 4;
}

static void the_text_is_base64_in_lines_of_76(void **state) {
  assert_string_equal(body_of(*state, US_STR("")), "");
  assert_string_equal(body_of(*state, US_STR("a")), "YQ==\r\n");
  assert_string_equal(body_of(*state, US_STR("ab")), "YWI=\r\n");
  assert_string_equal(body_of(*state, US_STR("\xfb\xff\xfe")), "+//+\r\n"); /* not the letters of base64url */
  char html[58];
  memset(html, '.', sizeof(html)); /* a line of dots would end an SMTP text */
  const char *body = body_of(*state, (struct us_str){html, 57});
  assert_int_equal(strlen(body), 78);
  assert_null(strchr(body, '.'));
  body = body_of(*state, (struct us_str){html, 58});
  assert_int_equal(strcspn(body, "\r"), 76);
  assert_string_equal(body + 78, "Lg==\r\n");
}

/* RFC 2047 */
static void a_subject_outside_ascii_becomes_encoded_words(void **state) {
  assert_string_equal(subject_of(*state, US_STR("\xc3\xa4")), "=?UTF-8?B?w6Q=?=");
  assert_string_equal(subject_of(*state, US_STR("=?UTF-8?B?w6Q=?=")), "=?UTF-8?B?PT9VVEYtOD9CP3c2UT0/PQ==?=");
  assert_string_equal(subject_of(*state, US_STR("a = b?")), "a = b?");
}

static void a_long_subject_is_folded_between_characters(void **state) {
  struct us_cx *cx = *state;
  char subject[200];
  for (size_t n = 60; n <= 61; n++) {
    memset(subject, 'a', n);
    assert_int_equal(strstr(subject_of(cx, (struct us_str){subject, n}), "=?") != NULL, n == 61);
  }
  memset(subject, 'a', sizeof(subject));
  memcpy(subject + 38, "\xe2\x82\xac", 3); /* across the end of the first word */
  const char *words = subject_of(cx, (struct us_str){subject, 100});
  size_t lines = 0, bytes = 0;
  for (const char *line = words; line != NULL; lines++) {
    const char *end = strstr(line, "\r\n");
    size_t n = end ? (size_t)(end - line) : strlen(line);
    assert_true(n + (lines == 0 ? strlen("Subject: ") : 0) <= 76);
    assert_true(lines == 0 || line[0] == ' ');
    const char *code = line + (lines > 0) + strlen("=?UTF-8?B?");
    uint8_t raw[64];
    size_t got = 0;
    struct us_str text = {code, n - (lines > 0) - (strlen("=?UTF-8?B?") + strlen("?="))};
    assert_true(us_base64_decode(text, raw, sizeof(raw), &got));
    assert_true(us_str_is_utf8((struct us_str){(const char *)raw, got}));
    bytes += got;
    line = end ? end + 2 : NULL;
  }
  assert_int_equal(bytes, 100);
  assert_int_equal(lines, 3);
}

static void no_subject_ends_its_header(void **state) {
  struct us_cx *cx = *state;
  static const char hostile[] = "Hi\r\nBcc: everybody@example.com\r\n\r\nBuy\0 now";
  const char *text = written(cx, (struct us_str){hostile, sizeof(hostile) - 1}, US_STR("x"));
  assert_null(strstr(text, "Bcc"));
  size_t headers = 0;
  for (const char *line = text; strncmp(line, "\r\n", 2) != 0; line = strstr(line, "\r\n") + 2)
    headers += line[0] != ' ';
  assert_int_equal(headers, 10);
  assert_string_equal(subject_of(cx, US_STR("a\nb")), "=?UTF-8?B?YSBi?=");
  assert_string_equal(subject_of(cx, US_STR("a\xff")), "=?UTF-8?B?YT8=?="); /* no UTF-8 */
}

int main(void) {
  if (us_crypto_setup() != 0)
    return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plain_addresses_are_taken),
      cmocka_unit_test(what_could_end_a_command_or_a_header_is_no_address),
      cmocka_unit_test(addresses_end_at_their_limits),
      UNIT_WITH_CX(the_whole_message),
      UNIT_WITH_CX(the_text_is_base64_in_lines_of_76),
      UNIT_WITH_CX(a_subject_outside_ascii_becomes_encoded_words),
      UNIT_WITH_CX(a_long_subject_is_folded_between_characters),
      UNIT_WITH_CX(no_subject_ends_its_header),
  };
  return UNIT_RUN(tests);
}
