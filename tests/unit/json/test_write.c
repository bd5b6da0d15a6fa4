/* json/write.h: commas, escapes, and that what it writes is what jansson reads. */
#include <jansson.h>

#include "../unit.h"
#include "base/buf.h"
#include "json/write.h"

static struct us_buf out;
static struct us_json_writer writer;

static int open_writer(void **state) {
  (void)state;
  us_buf_init(&out, 100000);
  us_json_writer_init(&writer, &out);
  return 0;
}

static int close_writer(void **state) {
  (void)state;
  us_buf_done(&out);
  return 0;
}

static void puts_the_commas(void **state) {
  (void)state;
  struct us_str words[] = {US_STR("a"), US_STR("b")};
  struct us_json_writer *w = &writer;
  us_json_open(w, '{');
  us_json_name(w, "_id");
  us_json_str(w, US_STR("x"));
  us_json_name(w, "list");
  us_json_open(w, '[');
  us_json_i64(w, -1);
  us_json_open(w, '{');
  us_json_close(w, '}');
  us_json_open(w, '[');
  us_json_close(w, ']');
  us_json_bool(w, true);
  us_json_bool(w, false);
  us_json_null(w);
  us_json_c(w, NULL);
  us_json_raw(w, US_STR("{\"r\":1}"));
  us_json_close(w, ']');
  us_json_name_str(w, US_STR("q\"n"));
  us_json_strs(w, (struct us_strs){words, 2});
  us_json_member(w, "skipped", US_STR_ABSENT);
  us_json_member(w, "empty", US_STR(""));
  us_json_member_i64(w, "n", INT64_MAX);
  us_json_name(w, "none");
  us_json_strs(w, (struct us_strs){NULL, 0});
  us_json_close(w, '}');
  assert_true(us_buf_ok(&out));
  assert_str(us_buf_str(&out),
             "{\"_id\":\"x\",\"list\":[-1,{},[],true,false,null,null,{\"r\":1}],\"q\\\"n\":[\"a\",\"b\"],"
             "\"empty\":\"\",\"n\":9223372036854775807,\"none\":[]}");
}

static void every_character_comes_back(void **state) {
  (void)state;
  for (int c = 1; c < 0x80; c++) {
    us_buf_reset(&out);
    us_json_writer_init(&writer, &out);
    char text[] = {'a', (char)c, 'z', '\0'};
    us_json_c(&writer, text);
    json_t *value = json_loadb(out.p, out.n, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    assert_string_equal(json_string_value(value), text);
    json_decref(value);
    for (size_t i = 0; i < out.n; i++)
      assert_true((unsigned char)out.p[i] >= 0x20 && out.p[i] != 0x7F);
  }
  us_buf_reset(&out);
  us_json_writer_init(&writer, &out);
  us_json_str(&writer, (struct us_str){"\0\xC3\xA9", 3});
  assert_str(us_buf_str(&out), "\"\\u0000\xC3\xA9\"");
}

static void nests_to_its_depth(void **state) {
  (void)state;
  for (int i = 0; i < US_JSON_WRITE_MAX_DEPTH; i++) {
    if (i % 2 == 0)
      us_json_open(&writer, '[');
    else {
      us_json_open(&writer, '{');
      us_json_name(&writer, "n");
    }
  }
  /* The innermost is an object whose name waits: give it a value, then close all. */
  us_json_i64(&writer, 1);
  for (int i = US_JSON_WRITE_MAX_DEPTH - 1; i >= 0; i--)
    us_json_close(&writer, i % 2 == 0 ? ']' : '}');
  json_t *value = json_loadb(out.p, out.n, 0, NULL);
  assert_non_null(value);
  json_decref(value);
}

static void lack_of_room_shows_in_the_buffer(void **state) {
  (void)state;
  struct us_buf small;
  us_buf_init(&small, 8);
  us_json_writer_init(&writer, &small);
  us_json_open(&writer, '[');
  us_json_c(&writer, "abcd");
  us_json_close(&writer, ']');
  assert_true(us_buf_ok(&small));
  us_buf_reset(&small);
  us_json_writer_init(&writer, &small);
  us_json_open(&writer, '[');
  us_json_c(&writer, "abcde");
  us_json_close(&writer, ']');
  assert_false(us_buf_ok(&small));
  us_buf_done(&small);
}

#define WITH_WRITER(test) cmocka_unit_test_setup_teardown(test, open_writer, close_writer)
int main(void) {
  const struct CMUnitTest tests[] = {
      WITH_WRITER(puts_the_commas),
      WITH_WRITER(every_character_comes_back),
      WITH_WRITER(nests_to_its_depth),
      WITH_WRITER(lack_of_room_shows_in_the_buffer),
  };
  return UNIT_RUN(tests);
}
