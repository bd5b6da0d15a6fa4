/* Between the server and a plugin in a process of its own: frames, asks as JSON, pauses. */
#include "../unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "plugin/child_process.h"
#include "plugin/host.h"

static void pauses_double_to_a_limit_and_begin_anew(void **state) {
  (void)state;
  int64_t ms = 0;
  static const int64_t pauses[] = {100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000};
  for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
    ms = us_child_back_off_ms(ms, US_CHILD_GOOD_MS);
    assert_int_equal(ms, pauses[i]);
  }
  assert_int_equal(us_child_back_off_ms(ms, US_CHILD_GOOD_MS + 1), 100);
}

/* ---- Frames ---- */

struct sender {
  pthread_t thread;
  int fd;
  struct us_str text;
  bool is_sent;
};
static void *send_frame(void *self) {
  struct sender *s = self;
  s->is_sent = us_frame_send(s->fd, s->text, us_child_until(60000));
  return NULL;
}

static void frames_of_up_to_the_limit_pass(void **state) {
  (void)state;
  static const size_t sizes[] = {1, 255, 256, 65536, US_CHILD_FRAME_MAX_BYTES};
  char *bytes = malloc(US_CHILD_FRAME_MAX_BYTES + 1);
  assert_non_null(bytes);
  memset(bytes, 'x', US_CHILD_FRAME_MAX_BYTES + 1);
  int pair[2];
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
    struct sender s = {.fd = pair[0], .text = {bytes, sizes[i]}};
    struct us_str text;
    assert_int_equal(pthread_create(&s.thread, NULL, send_frame, &s), 0);
    assert_true(us_frame_receive(pair[1], us_child_until(60000), &text));
    pthread_join(s.thread, NULL);
    assert_true(s.is_sent);
    assert_int_equal(text.n, sizes[i]);
    assert_memory_equal(text.p, bytes, text.n);
    assert_int_equal(text.p[text.n], 0);
    free((char *)(uintptr_t)text.p);
  }
  assert_false(us_frame_send(pair[0], (struct us_str){bytes, US_CHILD_FRAME_MAX_BYTES + 1}, us_child_until(60000)));
  assert_false(us_frame_send(pair[0], US_STR(""), us_child_until(60000)));
  static const unsigned char one_past[] = {1, 0, 0x80, 0}, nothing[] = {0, 0, 0, 0};
  struct us_str text;
  assert_int_equal(write(pair[0], one_past, 4), 4);
  assert_false(us_frame_receive(pair[1], us_child_until(60000), &text));
  assert_int_equal(write(pair[0], nothing, 4), 4);
  assert_false(us_frame_receive(pair[1], us_child_until(60000), &text));
  close(pair[0]);
  close(pair[1]);
  free(bytes);
}

static void a_frame_that_is_late_or_cut_is_none(void **state) {
  (void)state;
  int pair[2];
  struct us_str text;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  assert_int_equal(write(pair[0], "\3\0\0\0ab", 6), 6);
  assert_false(us_frame_receive(pair[1], us_child_until(20), &text)); /* the third byte does not come */
  assert_int_equal(write(pair[0], "\3\0\0\0ab", 6), 6);
  close(pair[0]);
  assert_false(us_frame_receive(pair[1], us_child_until(60000), &text)); /* and now it cannot */
  close(pair[1]);
  /* nor does anybody take more than fits between the two */
  char *bytes = malloc(US_CHILD_FRAME_MAX_BYTES);
  assert_non_null(bytes);
  memset(bytes, 'x', US_CHILD_FRAME_MAX_BYTES);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  assert_false(us_frame_send(pair[0], (struct us_str){bytes, US_CHILD_FRAME_MAX_BYTES}, us_child_until(20)));
  close(pair[1]);
  assert_false(us_frame_send(pair[0], US_STR("x"), us_child_until(60000)));
  close(pair[0]);
  free(bytes);
}

/* ---- Asks ---- */

static struct us_ask shared(struct us_cx *cx, enum us_hook hook) {
  struct us_ask ask = {.hook = hook, .doc_count = 2};
  us_doc_init(&ask.docs[0], US_DOC_POLICY, false);
  us_doc_init(&ask.docs[1], US_DOC_POLICY, true);
  ask.docs[0].text = us_str_dup(cx->mem, US_STR("{\"policyId\":\"p\",\"name\":\"old\",\"permissions\":[]}"));
  ask.docs[1].text = us_str_dup(cx->mem, US_STR("{\"policyId\":\"p\",\"name\":\"new\",\"permissions\":"
                                                "[{\"subject\":\"bob\",\"scopes\":[\"view\"]}]}"));
  return ask;
}

static void an_ask_goes_there_and_back(void **state) {
  struct us_cx *cx = *state;
  struct us_ask ask = shared(cx, US_HOOK_BEFORE_RESOURCE_SHARED_MODIFICATION), there;
  struct us_str words[] = {US_STR("view"), {"a\0b", 3}, US_STR("")};
  ask.requested = (struct us_strs){words, 3};
  ask.word = US_STR("client");
  json_t *tree = us_ask_to_json(&ask, cx->mem);
  assert_non_null(tree);
  assert_true(us_ask_from_json(tree, cx->mem, &there));
  assert_int_equal(there.hook, ask.hook);
  assert_int_equal(there.doc_count, 2);
  assert_false(there.docs[0].is_writable);
  assert_true(there.docs[1].is_writable);
  assert_true(json_equal(us_doc_tree(&there.docs[1], cx->mem), us_doc_tree(&ask.docs[1], cx->mem)));
  assert_int_equal(there.requested.n, 3);
  for (size_t i = 0; i < 3; i++)
    assert_true(us_str_eq(there.requested.v[i], words[i]));
  assert_int_equal(there.granted.n, 0);
  assert_str(there.word, "client");
  assert_null(there.filter.p);
  json_decref(tree);
  us_ask_done(&there);
  us_ask_done(&ask);
}

/* Whatever the process says: only what a plugin may edit has changed, and only when it agreed. */
static void an_answer_edits_what_a_plugin_may_edit(void **state) {
  struct us_cx *cx = *state;
  static const struct {
    const char *answer;
    int code;
    size_t grants;
  } rows[] = {
      {"{\"verdict\":0,\"docs\":[null,null]}", USHER_OK, 1},
      {"{\"verdict\":0,\"docs\":[null,{\"policyId\":\"q\",\"owner\":\"bob\",\"name\":\"x\",\"permissions\":[]}]}",
       USHER_OK, 0},
      {"{\"verdict\":0,\"docs\":[{\"name\":\"x\",\"permissions\":[{\"subject\":\"carol\",\"scopes\":[\"all\"]}]},null]"
       "}",
       USHER_OK, 1},
      {"{\"verdict\":0,\"docs\":[null]}", USHER_FAIL, 1},
      {"{\"verdict\":0,\"docs\":[null,null,null]}", USHER_FAIL, 1},
      {"{\"verdict\":0}", USHER_FAIL, 1},
      {"{\"verdict\":\"0\",\"docs\":[null,null]}", USHER_FAIL, 1},
      {"{\"verdict\":7,\"docs\":[null,null]}", USHER_FAIL, 1},
      {"{\"docs\":[null,null]}", USHER_FAIL, 1},
      {"{\"verdict\":-1,\"docs\":[null,null]}", USHER_FAIL, 1},
      {"{}", USHER_FAIL, 1},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct us_ask ask = shared(cx, US_HOOK_BEFORE_RESOURCE_SHARED_MODIFICATION);
    json_t *tree = json_loads(rows[i].answer, 0, NULL);
    struct us_plugin plugin = {.abi = {.name = "test"}};
    struct us_scope scope;
    assert_non_null(tree);
    us_scope_enter(&scope, &plugin, INT64_MAX, cx->mem);
    if (us_ask_take_result(&ask, tree, cx->mem) != rows[i].code)
      fail_msg("%s", rows[i].answer);
    const json_t *doc = us_doc_tree(&ask.docs[1], cx->mem);
    assert_string_equal(json_string_value(json_object_get(doc, "name")), "new");
    assert_string_equal(json_string_value(json_object_get(doc, "policyId")), "p");
    assert_null(json_object_get(doc, "owner"));
    assert_int_equal(json_array_size(json_object_get(us_doc_tree(&ask.docs[0], cx->mem), "permissions")), 0);
    assert_int_equal(json_array_size(json_object_get(doc, "permissions")), rows[i].grants);
    us_scope_leave(&scope);
    json_decref(tree);
    us_ask_done(&ask);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pauses_double_to_a_limit_and_begin_anew), cmocka_unit_test(frames_of_up_to_the_limit_pass),
      cmocka_unit_test(a_frame_that_is_late_or_cut_is_none),     UNIT_WITH_CX(an_ask_goes_there_and_back),
      UNIT_WITH_CX(an_answer_edits_what_a_plugin_may_edit),
  };
  return UNIT_RUN(tests);
}
