/* us_field_from_yaml(): the configuration file. File and line in every refusal; only the plain part of YAML. */
#include <stdio.h>

#include "../unit.h"
#include "base/buf.h"
#include "json/field.h"
#include "json/json.h"

struct listener {
  struct us_str host;
  int64_t port;
};
struct config {
  struct us_str name;
  struct us_str password;
  int64_t workers;
  bool debug;
  bool has_debug;
  struct us_strs urls;
  struct listener listener;
  struct us_field_list realms;
  json_t *settings;
};
static const struct us_field listener_fields[] = {
    {"host", US_FIELD_STRING, offsetof(struct listener, host), US_FIELD_REQUIRED, .max = 20},
    {"port", US_FIELD_INT, offsetof(struct listener, port), 0, .max = 65535},
};
static const struct us_field_table listener_table = {
    .size = sizeof(struct listener), US_FIELDS(listener_fields), .refuse_unknown = true};
#define AT(member) offsetof(struct config, member)
static const struct us_field config_fields[] = {
    {"name", US_FIELD_STRING, AT(name), 0, .max = 20},
    {"password", US_FIELD_STRING, AT(password), US_FIELD_SECRET, .max = 20},
    {"workers", US_FIELD_INT, AT(workers), 0, .min = 1, .max = 64},
    {"debug", US_FIELD_BOOL, AT(debug), 0, .seen_offset = AT(has_debug)},
    {"urls", US_FIELD_STRINGS, AT(urls), 0, .max = 3, .item_max = 20},
    {"listener", US_FIELD_TABLE, AT(listener), 0, .table = &listener_table},
    {"realms", US_FIELD_TABLES, AT(realms), 0, .max = 2, .table = &listener_table},
    {"settings", US_FIELD_JSON, AT(settings), .flags = 0},
};
static enum us_code not_root(struct us_cx *cx, void *object) {
  struct config *config = object;
  return us_str_eq_c(config->name, "root") ? us_fail(cx, US_E_INVALID_REQUEST, "name: must not be root") : US_OK;
}
static const struct us_field_table config_table = {
    .size = sizeof(struct config), US_FIELDS(config_fields), .refuse_unknown = true, .check = not_root};

static enum us_code decode(struct us_cx *cx, struct us_str text, struct config *config) {
  return us_field_from_yaml(cx, &config_table, "u.yaml", text, config);
}

static struct config decoded(struct us_cx *cx, const char *text) {
  struct config config = {.workers = 7};
  if (decode(cx, unit_str(text), &config) != US_OK)
    fail_msg("%s", cx->err.text.p);
  return config;
}

static void assert_says(struct us_cx *cx, const char *text, const char *message) {
  struct config config = {0};
  assert_int_equal(decode(cx, unit_str(text), &config), US_E_INVALID_REQUEST);
  assert_str(cx->err.text, message);
}

static void decodes_a_file(void **state) {
  struct us_cx *cx = *state;
  struct config c = decoded(cx, "# Usher\n"
                                "name: \"a\\u00e9\"\n"
                                "password: 012345\n"
                                "workers: 4\n"
                                "debug: true\n"
                                "urls: [http://a, 'b c']\n"
                                "listener:\n"
                                "  host: 127.0.0.1\n"
                                "  port: 8080\n"
                                "realms:\n"
                                "  - {host: a}\n"
                                "  - host: 12\n"
                                "settings: {ttl: 60, on: true, half: 0.5, text: '60', none: ~, list: [1]}\n");
  assert_str(c.name, "a\xC3\xA9");
  assert_str(c.password, "012345");
  assert_int_equal(c.workers, 4);
  assert_true(c.debug && c.has_debug);
  assert_str(us_strs_join(cx->mem, c.urls, "|"), "http://a|b c");
  assert_str(c.listener.host, "127.0.0.1");
  assert_int_equal(c.listener.port, 8080);
  assert_int_equal(c.realms.n, 2);
  const struct listener *realms = c.realms.v;
  assert_str(realms[1].host, "12");
  assert_str(us_json_dump(cx, c.settings),
             "{\"ttl\":60,\"on\":true,\"half\":0.5,\"text\":\"60\",\"none\":null,\"list\":[1]}");
}

static void text_as_written_serves_a_string(void **state) {
  struct us_cx *cx = *state;
  assert_str(decoded(cx, "name: 1.50").name, "1.50");
  assert_str(decoded(cx, "name: true").name, "true");
  assert_str(decoded(cx, "name: 0x1F").name, "0x1F");
  assert_str(decoded(cx, "name: -1x").name, "-1x");
  assert_str(decoded(cx, "name: yes").name, "yes");
  assert_str(decoded(cx, "urls: [1, 2.50]").urls.v[1], "2.50");
  assert_null(decoded(cx, "name:").name.p);
  assert_null(decoded(cx, "name: ~").name.p);
  assert_str(decoded(cx, "name: '~'").name, "~");
}

static void an_empty_file_keeps_the_defaults(void **state) {
  struct us_cx *cx = *state;
  assert_int_equal(decoded(cx, "").workers, 7);
  assert_int_equal(decoded(cx, "# nothing\n").workers, 7);
  assert_int_equal(decoded(cx, "---\n...\n").workers, 7);
}

static void refusals_name_file_line_and_member(void **state) {
  struct us_cx *cx = *state;
  assert_says(cx, "name: a\nworkers: many\n", "u.yaml:2: workers: must be an integer");
  assert_says(cx, "\n\nworkers: 65\n", "u.yaml:3: workers: must be from 1 to 64");
  assert_says(cx, "debug: yes", "u.yaml:1: debug: must be true or false");
  assert_says(cx, "debug: 'true'", "u.yaml:1: debug: must be true or false");
  assert_says(cx, "workers: '4'", "u.yaml:1: workers: must be an integer");
  assert_says(cx, "name: [a]", "u.yaml:1: name: must be a string");
  assert_says(cx, "name: a\nlistener:\n  host: h\n  prot: 1\n", "u.yaml:4: listener.prot: is not a known name");
  assert_says(cx, "name: a\nlistener:\n  port: 1\n", "u.yaml:3: listener.host: is required");
  assert_says(cx, "realms:\n  - host: a\n  - host: b\n    port: x\n", "u.yaml:4: realms[1].port: must be an integer");
  assert_says(cx, "urls:\n  - a\n  - [b]\n", "u.yaml:3: urls[1]: must be a string");
  assert_says(cx, "name: a\nname: b\n", "u.yaml:2: name: is there twice");
  assert_says(cx, "- a\n", "u.yaml:1: The provided content is not a JSON object");
  assert_says(cx, "name: root\n", "u.yaml:1: name: must not be root");
  assert_says(cx, "other: 1", "u.yaml:1: other: is not a known name");
}

static void only_plain_yaml_is_taken(void **state) {
  struct us_cx *cx = *state;
  assert_says(cx, "name: &a x\n", "u.yaml:1: anchors, aliases and tags are not allowed");
  assert_says(cx, "name: x\nurls: &a [b]\n", "u.yaml:2: anchors, aliases and tags are not allowed");
  assert_says(cx, "name: *a\n", "u.yaml:1: anchors, aliases and tags are not allowed");
  assert_says(cx, "name: !!str x\n", "u.yaml:1: anchors, aliases and tags are not allowed");
  assert_says(cx, "listener: !x {}\n", "u.yaml:1: anchors, aliases and tags are not allowed");
  assert_says(cx, "? [a]\n: b\n", "u.yaml:1: a key must be a plain word");
  assert_says(cx, "name: a\n---\nname: b\n", "u.yaml:2: only one document is allowed");
  assert_says(cx, "name: \"a\\0b\"\n", "u.yaml:1: NUL character or invalid UTF-8");
  struct config config = {0};
  static const char *const bad[] = {"name: [",        "name: 'a", "name: \"\xFF\"", "a: b: c", "\tname: a",
                                    "name: a\n b: c", "{",        "%YAML 3"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_int_equal(decode(cx, unit_str(bad[i]), &config), US_E_INVALID_REQUEST);
    assert_true(us_str_starts(cx->err.text, US_STR("u.yaml:")));
  }
}

static struct us_str settings_list(struct us_cx *cx, size_t n) {
  struct us_buf b;
  us_buf_init(&b, 1 << 20);
  us_buf_add_c(&b, "settings: [");
  for (size_t i = 0; i < n; i++)
    us_buf_add_c(&b, i ? ",1" : "1");
  us_buf_add_c(&b, "]");
  struct us_str text = us_str_dup(cx->mem, us_buf_str(&b));
  us_buf_done(&b);
  return text;
}

static struct us_str settings_depth(struct us_cx *cx, size_t n) {
  struct us_buf b;
  us_buf_init(&b, 1 << 20);
  us_buf_add_c(&b, "settings: ");
  for (size_t i = 0; i < n; i++)
    us_buf_add_c(&b, "[");
  for (size_t i = 0; i < n; i++)
    us_buf_add_c(&b, "]");
  struct us_str text = us_str_dup(cx->mem, us_buf_str(&b));
  us_buf_done(&b);
  return text;
}

static void sizes_have_limits(void **state) {
  struct us_cx *cx = *state;
  struct config config = {0};
  /* The member `settings` itself is one of the nodes, and the mapping around it one level. */
  assert_int_equal(decode(cx, settings_list(cx, US_JSON_MAX_NODES - 1), &config), US_OK);
  assert_int_equal(decode(cx, settings_list(cx, US_JSON_MAX_NODES), &config), US_E_INVALID_REQUEST);
  assert_str(cx->err.text, "u.yaml:1: too many members and elements");
  assert_int_equal(decode(cx, settings_depth(cx, US_JSON_MAX_DEPTH - 1), &config), US_OK);
  assert_int_equal(decode(cx, settings_depth(cx, US_JSON_MAX_DEPTH), &config), US_E_INVALID_REQUEST);
  assert_str(cx->err.text, "u.yaml:1: nested too deeply");

  char *big = test_malloc(US_YAML_MAX_BYTES + 1);
  memset(big, '#', US_YAML_MAX_BYTES + 1);
  assert_int_equal(decode(cx, (struct us_str){big, US_YAML_MAX_BYTES}, &config), US_OK);
  assert_int_equal(decode(cx, (struct us_str){big, US_YAML_MAX_BYTES + 1}, &config), US_E_INVALID_REQUEST);
  test_free(big);
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  bool has_succeeded = false;
  unsigned failures = 0;
  for (size_t max = 1; !has_succeeded; max += 64) {
    struct us_cx *cx = unit_cx_new(max);
    struct config config = {0};
    enum us_code code =
        decode(cx, US_STR("name: 12\nurls: [a, 1]\nlistener: {host: h}\nsettings: {a: [1]}\n"), &config);
    has_succeeded = code == US_OK;
    failures += !has_succeeded;
    assert_true(code == US_OK || code == US_E_NO_MEMORY);
    unit_cx_free(cx);
    assert_true(max < 1000000);
  }
  assert_true(failures > 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      UNIT_WITH_CX(decodes_a_file),
      UNIT_WITH_CX(text_as_written_serves_a_string),
      UNIT_WITH_CX(an_empty_file_keeps_the_defaults),
      UNIT_WITH_CX(refusals_name_file_line_and_member),
      UNIT_WITH_CX(only_plain_yaml_is_taken),
      UNIT_WITH_CX(sizes_have_limits),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return UNIT_RUN(tests);
}
