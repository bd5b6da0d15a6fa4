/* The life of a resource at /uma/resource_set (protocol contract 4.1 to 4.7). */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "flow/uma.h"

static struct us_reply get(struct us_world *w, const char *pat, const char *id) {
  return us_with_pat(w, "GET", set_url(w, id), pat, NULL);
}

static bool has_label(const struct us_reply *r, const char *label) {
  size_t i;
  json_t *item;
  json_array_foreach(json_object_get(r->json, "labels"), i, item) {
    if (strcmp(json_string_value(item), label) == 0)
      return true;
  }
  return false;
}

static const char LABELS[] = "SELECT COUNT(*) FROM label";
static const char LABEL_LINKS[] = "SELECT COUNT(*) FROM resource_label";
static const char PENDING[] = "SELECT COUNT(*) FROM pending_request";
static const char POLICIES[] = "SELECT COUNT(*) FROM policy";
static const char SHARES[] = "SELECT COUNT(*) FROM permission";

/* UF-19 UF-21 UF-24 UF-25 UF-28 UF-30 UF-32 */
static void a_resource_lives_from_201_to_404(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  struct us_reply r = us_with_pat(w, "GET", SETS, pat, NULL);
  assert_status(r, 200);
  assert_string_equal(r.body, "[]");

  r = us_with_pat(w, "POST", SETS, pat, ALBUM);
  assert_status(r, 201);
  const char *id = us_reply_str(&r, "_id");
  assert_int_equal(json_object_size(r.json), 2);
  assert_string_equal(us_reply_header(&r, "Location"),
                      us_text(w, WORLD_BASE "/uma/realms/root/realms/alpha/resource_set/%s", id));
  assert_string_equal(us_reply_header(&r, "Content-Type"), "application/json;charset=UTF-8");
  assert_memory_equal(us_reply_header(&r, "ETag"), "W/\"", 3);

  r = get(w, pat, id);
  assert_status(r, 200);
  assert_string_equal(us_reply_str(&r, "_id"), id);
  assert_string_equal(us_reply_str(&r, "name"), "album");
  r = us_with_pat(w, "GET", SETS, pat, NULL);
  assert_string_equal(r.body, us_text(w, "[\"%s\"]", id));

  r = us_with_pat(w, "PUT", set_url(w, id), pat, "{\"resource_scopes\":[\"view\"]}");
  assert_status(r, 200);
  assert_string_equal(us_reply_str(&r, "_id"), id);
  assert_int_equal(json_object_size(r.json), 2);
  r = get(w, pat, id);
  assert_null(json_object_get(r.json, "name"));
  assert_int_equal(json_array_size(json_object_get(r.json, "resource_scopes")), 1);

  r = us_with_pat(w, "DELETE", set_url(w, id), pat, NULL);
  assert_status(r, 204);
  assert_int_equal(r.body_bytes, 0);
  r = get(w, pat, id);
  assert_error(r, 404, "not_found");
  assert_string_equal(us_reply_str(&r, "error_description"),
                      us_text(w, "Resource set corresponding to id: %s not found", id));
  r = us_with_pat(w, "DELETE", set_url(w, id), pat, NULL);
  assert_error(r, 404, "not_found");
  r = us_with_pat(w, "GET", SETS, pat, NULL);
  assert_string_equal(r.body, "[]");
}

/* UF-16 UF-17 */
static void everything_comes_back_as_it_was_given(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  const char *given =
      "{\"name\":\"\xC3\x84lbum \xF0\x9F\x93\xB7 \\\"x\\\"\",\"name#fr\":\"L'album\",\"description\":\"line\\nline\","
      "\"type\":\"https://rs.usher.test/types/album\",\"icon_uri\":\"https://rs.usher.test/i/a.svg\","
      "\"uri\":\"/albums/1?x=y#z\",\"resource_scopes\":[\"view\",\"https://rs.usher.test/scopes/print\"],"
      "\"x_foo\":{\"deep\":[1,2.5,null,true]},\"x_null\":null}";
  const char *id = us_register(w, pat, given);
  struct us_reply r = get(w, pat, id);
  assert_status(r, 200);
  json_t *expected = json_loads(given, 0, NULL);
  json_object_set_new(expected, "_id", json_string(id));
  json_object_set_new(expected, "labels", json_array());
  json_object_set_new(expected, "user_access_policy_uri",
                      json_string(us_text(w, WORLD_BASE "/XUI/?realm=/alpha#uma/share/%s", id)));
  if (!json_equal(expected, r.json))
    fail_msg("%s", r.body);
  json_decref(expected);
}

/* UF-22 */
static void the_server_chooses_the_id(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  const char *body =
      "{\"_id\":\"mine\",\"user_access_policy_uri\":\"https://evil.test/\",\"resource_scopes\":[\"view\"]}";
  const char *id = us_register(w, pat, body);
  assert_string_not_equal(id, "mine");
  assert_int_equal(strlen(id), 37);
  assert_string_not_equal(us_register(w, pat, body), id);
  struct us_reply r = get(w, pat, id);
  assert_string_equal(us_reply_str(&r, "_id"), id);
  assert_string_equal(us_reply_str(&r, "user_access_policy_uri"),
                      us_text(w, WORLD_BASE "/XUI/?realm=/alpha#uma/share/%s", id));
  /* What was got can be put back. */
  expect_status((r = us_with_pat(w, "PUT", set_url(w, id), pat, r.body)), 200);
  assert_string_equal(us_reply_str(&r, "_id"), id);
}

/* UF-15 */
static void scopes_may_be_none_and_repeats_collapse(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  struct us_reply r = get(w, pat, us_register(w, pat, "{\"resource_scopes\":[]}"));
  assert_int_equal(json_array_size(json_object_get(r.json, "resource_scopes")), 0);
  r = get(w, pat, us_register(w, pat, "{\"resource_scopes\":[\"b\",\"a\",\"b\",\"A\"]}"));
  char *scopes = json_dumps(json_object_get(r.json, "resource_scopes"), JSON_COMPACT);
  assert_string_equal(scopes, "[\"b\",\"a\",\"A\"]");
  free(scopes);
}

static void null_counts_as_not_given(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  const char *id = us_register(w, pat,
                               "{\"name\":null,\"type\":null,\"description\":null,\"icon_uri\":null,\"uri\":null,"
                               "\"labels\":null,\"resource_scopes\":[\"a\"]}");
  struct us_reply r = get(w, pat, id);
  assert_int_equal(json_object_size(r.json), 4); /* _id, labels, user_access_policy_uri, resource_scopes */
}

/* UF-20 */
static void the_collection_answers_with_and_without_a_slash(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  struct us_reply r = us_with_pat(w, "POST", SETS "/", pat, "{\"resource_scopes\":[\"a\"]}");
  assert_status(r, 201);
  const char *id = us_reply_str(&r, "_id");
  r = us_with_pat(w, "GET", SETS "/", pat, NULL);
  assert_status(r, 200);
  assert_string_equal(r.body, us_text(w, "[\"%s\"]", id));
  r = us_with_pat(w, "GET", us_text(w, SETS "/%s/", id), pat, NULL);
  assert_status(r, 200);
}

/* UF-26 */
static void put_does_not_create(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  struct us_reply r = us_with_pat(w, "PUT", SETS "/nope", pat, ALBUM);
  assert_error(r, 404, "not_found");
  assert_string_equal(us_reply_str(&r, "error_description"), "Resource set corresponding to id: nope not found");
  r = us_with_pat(w, "PUT", SETS "/nope", pat, "not JSON");
  assert_error(r, 404, "not_found");
  r = us_with_pat(w, "GET", SETS, pat, NULL);
  assert_string_equal(r.body, "[]");
}

static void a_long_list_is_complete(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  for (int i = 0; i < 501; i++) /* a page and one */
    us_register(w, pat, "{\"resource_scopes\":[\"a\"]}");
  struct us_reply r = us_with_pat(w, "GET", SETS "?_queryId=*", pat, NULL);
  assert_status(r, 200);
  assert_int_equal(json_array_size(r.json), 501);
  for (size_t i = 1; i < 501; i++)
    assert_string_not_equal(json_string_value(json_array_get(r.json, i - 1)),
                            json_string_value(json_array_get(r.json, i)));
}

static void names_are_unique_for_an_owner_at_a_resource_server(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  const char *id = us_register(w, pat, ALBUM), *other = us_register(w, pat, PHOTO);
  struct us_reply r = us_with_pat(w, "POST", SETS, pat, ALBUM);
  assert_error(r, 400, "invalid_request");
  assert_string_equal(us_reply_str(&r, "error_description"), "A shared item with the name 'album' already exists");
  r = us_with_pat(w, "PUT", set_url(w, other), pat, ALBUM);
  assert_error(r, 400, "invalid_request");
  assert_string_equal(us_reply_str(&r, "error_description"), "A shared item with the name 'album' already exists");
  r = get(w, pat, other);
  assert_string_equal(us_reply_str(&r, "name"), "photo");
  expect_status((r = us_with_pat(w, "PUT", set_url(w, id), pat, ALBUM)), 200); /* itself excluded */

  us_register(w, pat, "{\"name\":\"Album\",\"resource_scopes\":[\"view\"]}"); /* case counts */
  us_register(w, us_pat(w, "alice", RS2), ALBUM);                             /* another resource server */
  us_register(w, us_pat(w, "bob", RS1), ALBUM);                               /* another owner */
  us_register(w, pat, "{\"resource_scopes\":[\"view\"]}");                    /* no name never collides */
  us_register(w, pat, "{\"resource_scopes\":[\"view\"]}");
  expect_status((r = us_with_pat(w, "DELETE", set_url(w, id), pat, NULL)), 204);
  us_register(w, pat, ALBUM); /* free again */
}

static void etags_change_with_each_change(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  struct us_reply r = us_with_pat(w, "POST", SETS, pat, ALBUM);
  const char *id = us_reply_str(&r, "_id"), *first = us_reply_header(&r, "ETag");
  r = get(w, pat, id);
  assert_string_equal(us_reply_header(&r, "ETag"), first);
  r = us_with_pat(w, "PUT", set_url(w, id), pat,
                  "{\"name\":\"album\",\"resource_scopes\":[\"view\"],\"labels\":[\"x\"]}");
  const char *second = us_reply_header(&r, "ETag");
  assert_string_not_equal(second, first);
  r = us_with_pat(w, "PUT", set_url(w, id), pat,
                  "{\"name\":\"album\",\"resource_scopes\":[\"view\"],\"labels\":[\"y\"]}");
  assert_string_not_equal(us_reply_header(&r, "ETag"), second); /* only labels changed */
}

static struct us_reply with_header(struct us_world *w, const char *method, const char *id, const char *pat,
                                   const char *header, const char *body) {
  return us_send(w, method, set_url(w, id), us_text(w, "Authorization: Bearer %s\n%s", pat, header), body);
}

static void a_known_etag_saves_the_body(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, ALBUM);
  struct us_reply r = get(w, pat, id);
  const char *etag = us_reply_header(&r, "ETag");
  r = with_header(w, "GET", id, pat, us_text(w, "If-None-Match: %s", etag), NULL);
  assert_status(r, 304);
  assert_int_equal(r.body_bytes, 0);
  assert_string_equal(us_reply_header(&r, "ETag"), etag);
  expect_status((r = with_header(w, "GET", id, pat, "If-None-Match: W/\"999\"", NULL)), 200);
}

static void if_match_is_optional_and_honoured(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, ALBUM);
  struct us_reply r = get(w, pat, id);
  const char *etag = us_reply_header(&r, "ETag");
  r = with_header(w, "PUT", id, pat, "If-Match: W/\"999\"", PHOTO);
  assert_error(r, 412, "precondition_failed");
  assert_null(json_object_get(r.json, "error_description"));
  expect_error((r = with_header(w, "DELETE", id, pat, "If-Match: \"999\"", NULL)), 412, "precondition_failed");
  r = get(w, pat, id);
  assert_string_equal(us_reply_str(&r, "name"), "album");
  expect_status((r = with_header(w, "PUT", id, pat, us_text(w, "If-Match: %s", etag), PHOTO)), 200);
  expect_error((r = with_header(w, "PUT", id, pat, us_text(w, "If-Match: %s", etag), ALBUM)), 412,
               "precondition_failed");
  expect_status((r = with_header(w, "PUT", id, pat, "If-Match: \"999\"\nIf-Match: *", ALBUM)),
                200); /* lines are one list */
  expect_error((r = with_header(w, "PUT", id, pat, "If-Match: \"999\"\nIf-Match: \"998\"", ALBUM)), 412,
               "precondition_failed");
  expect_status((r = with_header(w, "PUT", id, pat, "If-Match: *", ALBUM)), 200);
  expect_status((r = with_header(w, "DELETE", id, pat, "If-Match: *", NULL)), 204);
}

static void a_realm_may_require_if_match(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "requireIfMatch", "true");
  const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, ALBUM);
  struct us_reply r = us_with_pat(w, "PUT", set_url(w, id), pat, PHOTO);
  assert_error(r, 412, "precondition_failed");
  expect_error((r = us_with_pat(w, "DELETE", set_url(w, id), pat, NULL)), 412, "precondition_failed");
  expect_error((r = us_with_pat(w, "DELETE", SETS "/nope", pat, NULL)), 404, "not_found");
  expect_status((r = with_header(w, "DELETE", id, pat, "If-Match: *", NULL)), 204);
}

static void labels_come_with_use_and_go_with_it(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  const char *a = us_register(w, pat, "{\"resource_scopes\":[],\"labels\":[\"2026\",\"family\",\"2026\",\"a/b\"]}");
  const char *b = us_register(w, pat, "{\"resource_scopes\":[],\"labels\":[\"family\"]}");
  struct us_reply r = get(w, pat, a);
  assert_int_equal(json_array_size(json_object_get(r.json, "labels")), 3);
  assert_true(has_label(&r, "2026") && has_label(&r, "family") && has_label(&r, "a/b"));
  assert_int_equal(us_count(w, LABELS), 3);

  /* PUT replaces the set; without labels it removes them all. */
  us_with_pat(w, "PUT", set_url(w, a), pat, "{\"resource_scopes\":[],\"labels\":[\"family\",\"new\"]}");
  r = get(w, pat, a);
  assert_int_equal(json_array_size(json_object_get(r.json, "labels")), 2);
  assert_true(has_label(&r, "family") && has_label(&r, "new"));
  assert_int_equal(us_count(w, LABELS), 2);
  us_with_pat(w, "PUT", set_url(w, a), pat, "{\"resource_scopes\":[]}");
  r = get(w, pat, a);
  assert_int_equal(json_array_size(json_object_get(r.json, "labels")), 0);
  assert_true(json_is_array(json_object_get(r.json, "labels")));
  r = get(w, pat, b); /* the other resource keeps its own */
  assert_true(has_label(&r, "family"));
  assert_int_equal(us_count(w, LABELS), 1);
  us_with_pat(w, "DELETE", set_url(w, b), pat, NULL);
  assert_int_equal(us_count(w, LABELS), 0);
  assert_int_equal(us_count(w, LABEL_LINKS), 0);
}

static void labels_of_two_resource_servers_are_two(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *pat2 = us_pat(w, "alice", RS2), *bob = us_pat(w, "bob", RS1);
  const char *body = "{\"resource_scopes\":[],\"labels\":[\"family\"]}";
  const char *a = us_register(w, pat, body), *b = us_register(w, pat2, body), *c = us_register(w, bob, body);
  assert_int_equal(us_count(w, LABELS), 3);
  us_with_pat(w, "DELETE", set_url(w, a), pat, NULL);
  struct us_reply r = get(w, pat2, b);
  assert_true(has_label(&r, "family"));
  r = get(w, bob, c);
  assert_true(has_label(&r, "family"));
}

static void many_labels_are_all_there(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *list = "\"l0\"";
  for (int i = 1; i < 64; i++)
    list = us_text(w, "%s,\"l%d\"", list, i);
  struct us_reply r = get(w, pat, us_register(w, pat, us_text(w, "{\"resource_scopes\":[],\"labels\":[%s]}", list)));
  assert_int_equal(json_array_size(json_object_get(r.json, "labels")), 64);
  assert_true(has_label(&r, "l0") && has_label(&r, "l7") && has_label(&r, "l8") && has_label(&r, "l63"));
}

/* UF-23: protection begins with 201 and ends with the deletion. UF-29 */
static void protection_lasts_as_long_as_the_resource(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, ALBUM);
  const char *body = us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}", id);
  struct us_reply r = us_with_pat(w, "POST", PERM, pat, body);
  assert_status(r, 201);
  us_with_pat(w, "DELETE", set_url(w, id), pat, NULL);
  expect_error((r = us_with_pat(w, "POST", PERM, pat, body)), 400, "invalid_resource_id");
  assert_string_not_equal(us_register(w, pat, ALBUM), id);
}

/* 11.3: what hangs on a resource goes with it. */
static void deleting_takes_policies_and_requests_along(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, ALBUM);
  us_share(w, "alice", id, "bob", "[\"view\"]");
  struct us_reply r = us_grant(w, C1, ask_for(w, pat, id, "[\"view\"]"), us_id_token(w, "carol", C1), NULL);
  assert_error(r, 403, "request_submitted");
  us_share(w, "bob", id, "dave", "[\"view\"]"); /* of every sharer */
  assert_int_equal(us_count(w, PENDING), 1);
  assert_int_equal(us_count(w, POLICIES), 2);
  us_with_pat(w, "DELETE", set_url(w, id), pat, NULL);
  assert_int_equal(us_count(w, PENDING), 0);
  assert_int_equal(us_count(w, POLICIES), 0);
  assert_int_equal(us_count(w, SHARES), 0);
}

/* UF-18 */
static void nothing_in_a_description_is_fetched(void **state) {
  struct us_world *w = *state;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t n = sizeof(address);
  assert_int_equal(bind(listener, (struct sockaddr *)&address, n), 0);
  assert_int_equal(listen(listener, 8), 0);
  assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &n), 0);
  const char *url = us_text(w, "http://127.0.0.1:%d/x", ntohs(address.sin_port));
  const char *body = us_text(w, "{\"resource_scopes\":[\"%s\"],\"icon_uri\":\"%s\",\"uri\":\"%s\",\"type\":\"%s\"}",
                             url, url, url, url);
  const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, body);
  struct us_reply r = us_with_pat(w, "PUT", set_url(w, id), pat, body);
  assert_status(r, 200);
  us_grant(w, C1, ask_for(w, pat, id, us_text(w, "[\"%s\"]", url)), us_id_token(w, "bob", C1), NULL);
  assert_int_equal(accept(listener, NULL, NULL), -1);
  assert_int_equal(errno, EAGAIN);
  close(listener);
}

/* A store that was filled from elsewhere: ids of another make, and one that looks like ours but is of another row. */
static const char *const foreign_ids[] = {"9b0dc30e", "550e8400-e29b-41d4-a716-4466554400000",
                                          "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0"};

struct renaming {
  const char *from, *to;
};
static enum us_code rename_resource(struct us_cx *cx, void *self) {
  static const char sql[] = "UPDATE resource SET uuid = $2 WHERE uuid = $1";
  const struct renaming *renaming = self;
  return us_sql_run(cx, NULL, sql, "cc", renaming->from, renaming->to);
}

static void ids_of_another_make_are_found(void **state) {
  struct us_world *w = *state;
  const char *pats[2] = {us_pat(w, "alice", RS1), us_pat(w, "alice", RS2)};
  for (size_t i = 0; i < sizeof(foreign_ids) / sizeof(foreign_ids[0]); i++) {
    struct renaming renaming = {us_register(w, pats[0], "{\"resource_scopes\":[\"view\"]}"), foreign_ids[i]};
    assert_int_equal(us_world_transact(w, rename_resource, &renaming), US_OK);
    us_expect(get(w, pats[0], renaming.to), 200, NULL, __FILE__, __LINE__);
    us_expect(get(w, pats[0], renaming.from), 404, "not_found", __FILE__, __LINE__);
    us_expect(get(w, pats[1], renaming.to), 404, "not_found", __FILE__, __LINE__);
    ask_for(w, pats[0], renaming.to, "[\"view\"]");
  }
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(a_resource_lives_from_201_to_404),
      STORY(everything_comes_back_as_it_was_given),
      STORY(the_server_chooses_the_id),
      STORY(scopes_may_be_none_and_repeats_collapse),
      STORY(null_counts_as_not_given),
      STORY(the_collection_answers_with_and_without_a_slash),
      STORY(put_does_not_create),
      STORY(a_long_list_is_complete),
      STORY(names_are_unique_for_an_owner_at_a_resource_server),
      STORY(etags_change_with_each_change),
      STORY(a_known_etag_saves_the_body),
      STORY(if_match_is_optional_and_honoured),
      STORY(a_realm_may_require_if_match),
      STORY(labels_come_with_use_and_go_with_it),
      STORY(labels_of_two_resource_servers_are_two),
      STORY(many_labels_are_all_there),
      STORY(protection_lasts_as_long_as_the_resource),
      STORY(deleting_takes_policies_and_requests_along),
      STORY(nothing_in_a_description_is_fetched),
      STORY(ids_of_another_make_are_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
