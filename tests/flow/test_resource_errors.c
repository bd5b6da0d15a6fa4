/* What /uma/resource_set refuses, and in which words (protocol contract 4.1, 4.8). Nothing that is refused leaves a trace. */
#include "flow/uma.h"

#define WHAT "Invalid Resource Set Description. "

struct refused {
  const char *body, *description; /* NULL: whatever the parser says */
};

/* Register and update refuse alike; the list stays as it was. */
static void refuses(struct us_world *w, const struct refused *rows, size_t n) {
  const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, ALBUM);
  struct us_reply before = us_with_pat(w, "GET", set_url(w, id), pat, NULL);
  for (size_t i = 0; i < n; i++) {
    struct us_reply replies[] = {us_with_pat(w, "POST", SETS, pat, rows[i].body),
                                 us_with_pat(w, "PUT", set_url(w, id), pat, rows[i].body)};
    for (size_t k = 0; k < 2; k++) {
      if (replies[k].status != 400)
        print_error("accepted: %s\n", rows[i].body);
      assert_error(replies[k], 400, "invalid_request");
      assert_string_equal(us_reply_header(&replies[k], "Cache-Control"), "no-store");
      assert_string_equal(us_reply_header(&replies[k], "Content-Type"), "application/json;charset=UTF-8");
      if (rows[i].description)
        assert_string_equal(us_reply_str(&replies[k], "error_description"), rows[i].description);
      assert_string_not_equal(us_reply_str(&replies[k], "error_description"), "");
    }
  }
  struct us_reply after = us_with_pat(w, "GET", set_url(w, id), pat, NULL);
  assert_string_equal(after.body, before.body);
  assert_string_equal(us_reply_header(&after, "ETag"), us_reply_header(&before, "ETag"));
  after = us_with_pat(w, "GET", SETS, pat, NULL);
  assert_int_equal(json_array_size(after.json), 1);
}
#define REFUSES(w, rows) refuses((w), (rows), sizeof(rows) / sizeof((rows)[0]))

/* UF-34 UF-35 UF-51 */
static void what_is_no_json_object_is_refused(void **state) {
  static const struct refused rows[] = {
      {NULL, NULL},
      {"", NULL},
      {"{\"resource_scopes\":[\"a\"]", NULL},
      {"{\"resource_scopes\":[\"a\"]} x", NULL},
      {"{\"resource_scopes\":[\"a\"],\"resource_scopes\":[\"b\"]}", NULL},
      {"{\"resource_scopes\":[\"a\"],\"x\":{\"y\":1,\"y\":2}}", NULL},
      {"[{\"resource_scopes\":[\"a\"]}]", "Invalid Resource Set Description."},
      {"\"resource_scopes\"", "Invalid Resource Set Description."},
      {"null", "Invalid Resource Set Description."},
      {"resource_scopes=a", NULL},
  };
  REFUSES(*state, rows);
}

/* UF-14 */
static void scopes_are_an_array_of_strings(void **state) {
  static const struct refused rows[] = {
      {"{}", WHAT "Missing required attribute, 'resource_scopes'."},
      {"{\"name\":\"x\"}", WHAT "Missing required attribute, 'resource_scopes'."},
      {"{\"resource_scopes\":null}", WHAT "Missing required attribute, 'resource_scopes'."},
      {"{\"scopes\":[\"a\"]}", WHAT "Missing required attribute, 'resource_scopes'."}, /* Q14 */
      {"{\"resource_scopes\":\"a\"}", WHAT "Required attribute, 'resource_scopes', must be an array of Strings."},
      {"{\"resource_scopes\":{\"a\":1}}", WHAT "Required attribute, 'resource_scopes', must be an array of Strings."},
      {"{\"resource_scopes\":[\"a\",1]}", WHAT "Required attribute, 'resource_scopes', must be an array of Strings."},
      {"{\"resource_scopes\":[null]}", WHAT "Required attribute, 'resource_scopes', must be an array of Strings."},
      {"{\"resource_scopes\":[{\"name\":\"a\"}]}",
       WHAT "Required attribute, 'resource_scopes', must be an array of Strings."},
      {"{\"resource_scopes\":[\"a\",\"\"]}", NULL},
      {"{\"resource_scopes\":[\"a\\nb\"]}", NULL},
      {"{\"resource_scopes\":[\"a\\u007f\"]}", NULL},
  };
  REFUSES(*state, rows);
}

/* UF-16 */
static void members_have_their_types(void **state) {
#define WITH(member) "{\"resource_scopes\":[\"a\"]," member "}"
  static const struct refused rows[] = {
      {WITH("\"name\":1"), WHAT "Attribute, 'name', must be a String."},
      {WITH("\"name\":[\"x\"]"), WHAT "Attribute, 'name', must be a String."},
      {WITH("\"type\":true"), WHAT "Attribute, 'type', must be a String."},
      {WITH("\"description\":{}"), WHAT "Attribute, 'description', must be a String."},
      {WITH("\"icon_uri\":7"), WHAT "Attribute, 'icon_uri', must be a valid URI."},
      {WITH("\"icon_uri\":\"http://a b\""), WHAT "Attribute, 'icon_uri', must be a valid URI."},
      {WITH("\"icon_uri\":\"%zz\""), WHAT "Attribute, 'icon_uri', must be a valid URI."},
      {WITH("\"uri\":\"ht tp:x\""), WHAT "Attribute, 'uri', must be a valid URI."},
      {WITH("\"labels\":\"x\""), WHAT "Optional attribute, 'labels', must be an array of Strings."},
      {WITH("\"labels\":[1]"), WHAT "Optional attribute, 'labels', must be an array of Strings."},
      {WITH("\"labels\":[\"\"]"), NULL},
      {WITH("\"labels\":[\"a\\tb\"]"), NULL},
  };
  REFUSES(*state, rows);
}

/* "x" n times */
static const char *long_text(struct us_world *w, size_t n) {
  char *text = malloc(n + 1);
  memset(text, 'x', n);
  text[n] = '\0';
  const char *copy = us_text(w, "%s", text);
  free(text);
  return copy;
}

static const char *list(struct us_world *w, int n) {
  const char *text = "";
  for (int i = 0; i < n; i++)
    text = us_text(w, "%s%s\"s%d\"", text, i ? "," : "", i);
  return text;
}

/* Each limit of 4.1 and one past it. */
static void limits_hold_at_the_limit_and_one_past_it(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  us_register(w, pat, us_text(w, "{\"resource_scopes\":[%s]}", list(w, 256)));
  us_register(w, pat, us_text(w, "{\"resource_scopes\":[\"%s\"]}", long_text(w, 255)));
  us_register(w, pat, us_text(w, "{\"resource_scopes\":[],\"labels\":[%s]}", list(w, 64)));
  us_register(w, pat, us_text(w, "{\"resource_scopes\":[],\"labels\":[\"%s\"]}", long_text(w, 2048)));
  static const char *const members[] = {"name", "description", "type", "icon_uri", "uri"};
  for (size_t i = 0; i < 5; i++)
    us_register(w, pat, us_text(w, "{\"resource_scopes\":[],\"%s\":\"%s\"}", members[i], long_text(w, 2048)));

  struct refused rows[16] = {
      {us_text(w, "{\"resource_scopes\":[%s]}", list(w, 257)), NULL},
      {us_text(w, "{\"resource_scopes\":[\"%s\"]}", long_text(w, 256)), NULL},
      {us_text(w, "{\"resource_scopes\":[],\"labels\":[%s]}", list(w, 65)), NULL},
      {us_text(w, "{\"resource_scopes\":[],\"labels\":[\"%s\"]}", long_text(w, 2049)), NULL},
  };
  for (size_t i = 0; i < 5; i++)
    rows[4 + i].body = us_text(w, "{\"resource_scopes\":[],\"%s\":\"%s\"}", members[i], long_text(w, 2049));
  for (size_t i = 0; i < 9; i++) {
    struct us_reply r = us_with_pat(w, "POST", SETS, pat, rows[i].body);
    assert_error(r, 400, "invalid_request");
  }
}

/* UF-33 */
static void other_methods_are_405(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, ALBUM);
  static const struct {
    const char *method;
    bool is_item;
  } rows[] = {{"PATCH", true}, {"FOO", true}, {"POST", true}, {"PUT", false}, {"DELETE", false}, {"PATCH", false}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct us_reply r = us_with_pat(w, rows[i].method, rows[i].is_item ? set_url(w, id) : SETS, pat, ALBUM);
    assert_error(r, 405, "unsupported_method_type");
    assert_null(json_object_get(r.json, "error_description"));
    const char *allow = us_reply_header(&r, "Allow");
    assert_non_null(strstr(allow, "GET"));
    assert_int_equal(strstr(allow, "PUT") != NULL, rows[i].is_item);
    assert_int_equal(strstr(allow, "DELETE") != NULL, rows[i].is_item);
    assert_int_equal(strstr(allow, "POST") != NULL, !rows[i].is_item);
  }
}

/* Q4 */
static void the_content_type_does_not_matter_but_for_multipart(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  static const char *const types[] = {"", "\nContent-Type: application/x-www-form-urlencoded",
                                      "\nContent-Type: text/plain"};
  for (size_t i = 0; i < 3; i++)
    expect_status(us_send(w, "POST", SETS, us_text(w, "Authorization: Bearer %s%s", pat, types[i]),
                          "{\"resource_scopes\":[\"a\"]}"),
                  201);
  expect_status(us_send(w, "POST", SETS,
                        us_text(w, "Authorization: Bearer %s\nContent-Type: multipart/form-data; boundary=x", pat),
                        "{\"resource_scopes\":[\"a\"]}"),
                415);
}

/* UF-52: descriptions are plain ASCII without quotes or backslash, whatever was sent. */
static void what_was_sent_is_not_echoed_raw(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  const char *body = "{\"name\":\"\\\"q\\\\<\xC3\xA9\",\"resource_scopes\":[]}";
  us_register(w, pat, body);
  struct us_reply replies[] = {us_with_pat(w, "POST", SETS, pat, body),
                               us_with_pat(w, "GET", SETS "/%22x%5C%C3%A9", pat, NULL)};
  for (size_t i = 0; i < 2; i++) {
    const char *text = us_reply_str(&replies[i], "error_description");
    assert_string_not_equal(text, "");
    for (; *text; text++)
      assert_true(*text >= ' ' && *text <= '~' && *text != '"' && *text != '\\');
  }
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(what_is_no_json_object_is_refused),
      STORY(scopes_are_an_array_of_strings),
      STORY(members_have_their_types),
      STORY(limits_hold_at_the_limit_and_one_past_it),
      STORY(other_methods_are_405),
      STORY(the_content_type_does_not_matter_but_for_multipart),
      STORY(what_was_sent_is_not_echoed_raw),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
