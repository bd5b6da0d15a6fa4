/* base/log.h: what a line looks like, what cannot get into it, and where it ends. Lines go through a pipe. */
#include <fcntl.h>
#include <unistd.h>

#include "../unit.h"
#include "base/log.h"

static int ends[2];
static char seen[8192];

static int open_pipe(void **state) {
  (void)state;
  return pipe2(ends, O_NONBLOCK);
}

static int close_pipe(void **state) {
  (void)state;
  us_log_setup(US_LOG_OFF, US_LOG_LOGFMT, STDERR_FILENO);
  close(ends[0]);
  close(ends[1]);
  return 0;
}

/* What was written since the last look, without the leading time. */
static const char *written(const char *time_ends_with) {
  ssize_t n = read(ends[0], seen, sizeof seen - 1);
  seen[n > 0 ? n : 0] = '\0';
  const char *rest = strstr(seen, time_ends_with);
  return rest ? rest + strlen(time_ends_with) : seen;
}

static void logfmt_quotes_what_needs_it(void **state) {
  (void)state;
  us_log_setup(US_LOG_INFO, US_LOG_LOGFMT, ends[1]);
  struct us_log_line line;
  us_log_begin(&line, US_LOG_INFO, "request");
  us_log_i64(&line, "status", -200);
  us_log_c(&line, "bare", "/am/x?y");
  us_log_c(&line, "blank", "a b");
  us_log_c(&line, "equals", "a=b");
  us_log_c(&line, "quote", "a\"\\b");
  us_log_c(&line, "empty", "");
  us_log_c(&line, "absent", NULL);
  us_log_c(&line, "accent", "\xC3\xA9");
  us_log_end(&line);
  assert_string_equal(written("Z "), "level=info event=request status=-200 bare=/am/x?y blank=\"a b\" equals=\"a=b\" "
                                     "quote=\"a\\\"\\\\b\" empty=\"\" accent=\"\xC3\xA9\"\n");
  assert_int_equal(strncmp(seen, "time=20", 7), 0);
  assert_int_equal(strcspn(seen, " "), strlen("time=2031-05-04T10:20:30.123Z"));
}

static void json_is_escaped(void **state) {
  (void)state;
  us_log_setup(US_LOG_DEBUG, US_LOG_JSON, ends[1]);
  struct us_log_line line;
  us_log_begin(&line, US_LOG_WARN, "x");
  us_log_i64(&line, "n", 5);
  us_log_c(&line, "s", "a\"b\\c\n\r\t\x01\x7F/");
  us_log_end(&line);
  assert_string_equal(written("Z\""),
                      ",\"level\":\"warn\",\"event\":\"x\",\"n\":5,\"s\":\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u007f/\"}\n");
  assert_int_equal(strncmp(seen, "{\"time\":\"20", 11), 0);
}

static void no_line_end_or_terminal_control_gets_through(void **state) {
  (void)state;
  for (int format = US_LOG_LOGFMT; format <= US_LOG_JSON; format++) {
    us_log_setup(US_LOG_INFO, (enum us_log_format)format, ends[1]);
    /* U+009B is a control sequence introducer of one character. */
    us_log(US_LOG_INFO, "x", "%s",
           "one\nlevel=error\x1b[2J \xC2\x9B"
           "2J");
    const char *text = written("msg");
    assert_non_null(strstr(text, "one\\nlevel=error\\u001b[2J \\u009b2J"));
    assert_int_equal(strcspn(seen, "\n"), strlen(seen) - 1);
  }
}

static void invalid_utf8_is_dropped(void **state) {
  (void)state;
  us_log_setup(US_LOG_INFO, US_LOG_JSON, ends[1]);
  struct us_log_line line;
  us_log_begin(&line, US_LOG_INFO, "x");
  us_log_c(&line, "s", "a\xFF\xC0\x80\xED\xA0\x80z\xE2\x82");
  us_log_str(&line, "n", (struct us_str){"p\0q", 3});
  us_log_end(&line);
  assert_non_null(strstr(written("event"), "\"s\":\"az\",\"n\":\"p\\u0000q\"}\n"));
}

static void long_lines_are_cut_and_stay_whole_json(void **state) {
  (void)state;
  us_log_setup(US_LOG_INFO, US_LOG_JSON, ends[1]);
  /* Each length around the edge: the line never outgrows its buffer and always ends well. */
  for (size_t n = 1900; n < 2100; n++) {
    char value[2100];
    memset(value, n % 2 ? '"' : 'v', n);
    struct us_log_line line;
    us_log_begin(&line, US_LOG_INFO, "x");
    us_log_str(&line, "s", (struct us_str){value, n});
    us_log_c(&line, "after", "1");
    us_log_i64(&line, "number", 12345);
    us_log_end(&line);
    const char *text = written("Z\"");
    size_t length = strlen(seen);
    assert_true(length <= sizeof line.text);
    assert_string_equal(seen + length - 2, "}\n");
    bool is_whole = strstr(text, "\"number\":12345}") != NULL;
    bool is_cut = strstr(text, "...\"}\n") != NULL;
    bool is_without_the_last = !is_whole && !is_cut;
    assert_true(is_whole || is_cut || (is_without_the_last && length > 2000));
    if (n > 2048)
      assert_true(is_cut);
  }
}

static void a_long_bare_value_is_cut_too(void **state) {
  (void)state;
  us_log_setup(US_LOG_INFO, US_LOG_LOGFMT, ends[1]);
  char value[5000];
  memset(value, 'v', sizeof value);
  struct us_log_line line;
  us_log_begin(&line, US_LOG_INFO, "x");
  us_log_str(&line, "s", (struct us_str){value, sizeof value});
  us_log_c(&line, "after", "1");
  us_log_end(&line);
  const char *text = written("Z ");
  assert_non_null(strstr(text, "vvv...\"\n"));
  assert_null(strstr(text, "after"));
}

static void levels_filter(void **state) {
  (void)state;
  us_log_setup(US_LOG_WARN, US_LOG_LOGFMT, ends[1]);
  us_log(US_LOG_INFO, "quiet", "nothing");
  us_log(US_LOG_OFF, "quiet", "nothing");
  struct us_log_line line;
  us_log_begin(&line, US_LOG_DEBUG, "quiet");
  us_log_c(&line, "k", "v");
  us_log_end(&line);
  assert_string_equal(written("Z "), "");
  us_log(US_LOG_ERROR, "loud", "%d", 1);
  assert_string_equal(written("Z "), "level=error event=loud msg=1\n");
  assert_false(us_log_wants(US_LOG_INFO));
  assert_true(us_log_wants(US_LOG_WARN));
}

static void level_names_are_parsed(void **state) {
  (void)state;
  enum us_log_level level = US_LOG_OFF;
  assert_true(us_log_level_parse(US_STR("debug"), &level));
  assert_int_equal(level, US_LOG_DEBUG);
  assert_true(us_log_level_parse(US_STR("off"), &level));
  assert_int_equal(level, US_LOG_OFF);
  assert_false(us_log_level_parse(US_STR("INFO"), &level));
  assert_false(us_log_level_parse(US_STR(""), &level));
}

#define WITH_PIPE(test) cmocka_unit_test_setup_teardown(test, open_pipe, close_pipe)
int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_PIPE(logfmt_quotes_what_needs_it),
      WITH_PIPE(json_is_escaped),
      WITH_PIPE(no_line_end_or_terminal_control_gets_through),
      WITH_PIPE(invalid_utf8_is_dropped),
      WITH_PIPE(long_lines_are_cut_and_stay_whole_json),
      WITH_PIPE(a_long_bare_value_is_cut_too),
      WITH_PIPE(levels_filter),
      cmocka_unit_test(level_names_are_parsed),
  };
  return UNIT_RUN(tests);
}
