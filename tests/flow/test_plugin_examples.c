/* The worked examples of plugins/, loaded from their files, over the requests that they are for. */
#include "flow/plugin_files.h"

#include <dirent.h>
#include <sys/stat.h>

#define SETS_OF_ALICE ALPHA_JSON "users/alice/oauth2/resources/sets"

static const char *register_as(struct us_world *w, const char *pat, const char *json, const char *name) {
  const char *id = us_register(w, pat, json);
  struct us_reply r = us_with_pat(w, "GET", set_url(w, id), pat, NULL);
  assert_status(r, 200);
  assert_string_equal(us_reply_str(&r, "name"), name);
  return id;
}

static void naming_gives_tidy_names(void **state) {
  struct us_world *w = *state;
  load_file(w, "plugins/naming.so", "{\"forbidden\":[\"secret\",\"\\u00fcber\"]}");
  const char *pat = us_pat(w, "alice", RS1);
  register_as(w, pat, "{\"name\":\"  my \\t  album \",\"resource_scopes\":[\"view\"]}", "my album");
  register_as(w, pat, "{\"name\":\"as it is\",\"resource_scopes\":[\"view\"]}", "as it is");
  register_as(w, pat, "{\"type\":\"photo album\",\"resource_scopes\":[\"view\"]}", "photo album");
  register_as(w, pat, "{\"name\":\"   \",\"resource_scopes\":[\"view\"]}", "Untitled");
  expect_error(us_with_pat(w, "POST", SETS, pat, "{\"name\":\"top  secret\",\"resource_scopes\":[\"view\"]}"), 400,
               "invalid_request");
  expect_error(us_with_pat(w, "POST", SETS, pat, "{\"name\":\"der \\u00fcber\",\"resource_scopes\":[\"view\"]}"), 400,
               "invalid_request");
}

static void write_file(const char *path, const char *text) {
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  fputs(text, out);
  assert_int_equal(fclose(out), 0);
}

static void two_persons_give_what_is_sensitive(void **state) {
  struct us_world *w = *state;
  const char *folder = temporary_folder(w);
  load_file(w, "plugins/two_person.so", us_text(w, "{\"scopes\":[\"edit\"],\"consents\":\"%s\"}", folder));
  const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, ALBUM), *sso = us_sso(w, "alice");
  const char *consent = us_text(w, "%s/%s", folder, id);
  expect_status(put_policy(w, sso, id, "If-None-Match: *", TO_BOB("[\"view\"]"), NULL), 201);
  for (int i = 0; i < 3; i++) { /* no consent; the sharer's own; nobody's */
    if (i > 0)
      write_file(consent, i == 1 ? "alice\n" : "\n");
    struct us_reply r = put_policy(w, sso, id, "If-Match: *", TO_BOB("[\"view\",\"edit\"]"), NULL);
    assert_rest(r, 403, "A second person must consent to this share first");
    assert_string_equal(json_string_value(json_object_get(json_object_get(r.json, "detail"), "needs")), "consent");
  }
  write_file(consent, "carol\n");
  expect_status(put_policy(w, sso, id, "If-Match: *", TO_BOB("[\"view\",\"edit\"]"), NULL), 200);
  unlink(consent);
  rmdir(folder);
}

static void a_notice_is_mailed(void **state) {
  struct us_world *w = *state;
  const char *folder = temporary_folder(w);
  mkdir(us_text(w, "%s/tmp", folder), 0700);
  mkdir(us_text(w, "%s/new", folder), 0700);
  load_file(w, "plugins/mail_notice.so",
            us_text(w, "{\"maildir\":\"%s\",\"from\":\"usher@example.com\",\"to\":\"audit@example.com\"}", folder));
  const char *pat = us_pat(w, "alice", RS1);
  const char *id = us_register(w, pat, "{\"name\":\"a\\nBcc: mallory\",\"resource_scopes\":[\"view\"]}");
  us_share(w, "alice", id, "bob", "[\"view\"]");
  wait_told();
  DIR *dir = opendir(us_text(w, "%s/new", folder));
  char text[2000] = "";
  const char *path = NULL;
  for (struct dirent *file = readdir(dir); file; file = readdir(dir))
    if (file->d_name[0] != '.')
      path = us_text(w, "%s/new/%s", folder, file->d_name);
  closedir(dir);
  assert_non_null(path);
  FILE *in = fopen(path, "r");
  assert_true(fread(text, 1, sizeof(text) - 1, in) > 0);
  fclose(in);
  assert_non_null(strstr(text, "To: audit@example.com\r\n"));
  assert_non_null(strstr(text, "Sharer:    \"alice\"\r\n"));
  assert_null(strstr(text, "\nBcc"));
  unlink(path);
  rmdir(us_text(w, "%s/tmp", folder));
  rmdir(us_text(w, "%s/new", folder));
  rmdir(folder);
}

static void owners_have_filters_of_their_own(void **state) {
  struct us_world *w = *state;
  load_file(w, "plugins/owner_filter.so", "{\"filters\":{\"alice\":\"name sw \\\"a\\\"\",\"bob\":\"name sw\"}}");
  const char *pat = us_pat(w, "alice", RS1);
  us_register(w, pat, ALBUM);
  us_register(w, pat, PHOTO);
  struct us_reply r =
      us_with_sso(w, "GET", SETS_OF_ALICE "?_queryFilter=true&_fields=name", us_sso(w, "alice"), NULL, NULL);
  assert_int_equal(us_reply_int(&r, "resultCount"), 1);
  r = us_with_sso(w, "GET", ALPHA_JSON "users/carol/oauth2/resources/sets?_queryFilter=true", us_sso(w, "carol"), NULL,
                  NULL);
  assert_status(r, 200);
  assert_rest(us_with_sso(w, "GET", ALPHA_JSON "users/bob/oauth2/resources/sets?_queryFilter=true", us_sso(w, "bob"),
                          NULL, NULL),
              500, "Extension failed");
}

static void claims_are_needed_for_scopes(void **state) {
  struct us_world *w = *state;
  load_file(w, "plugins/claims.so",
            "{\"people\":{\"bob\":{\"department\":\"sales\"}},\"rules\":[{\"scope\":\"edit\",\"claim\":\"department\","
            "\"value\":\"sales\"},"
            "{\"scope\":\"download\",\"claim\":\"shoe_size\"}]}");
  const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, ALBUM);
  expect_status(
      put_policy(
          w, us_sso(w, "alice"), id, "If-None-Match: *",
          "[{\"subject\":\"bob\",\"scopes\":[\"edit\",\"download\"]},{\"subject\":\"carol\",\"scopes\":[\"edit\"]}]",
          NULL),
      201);
  rpt_of(us_grant(w, C1, ask_for(w, pat, id, "[\"edit\"]"), us_id_token(w, "bob", C1), NULL));
  static const char *const whom[] = {"carol", "bob"}, *const scopes[] = {"[\"edit\"]", "[\"download\"]"},
                           *const claims[] = {"department", "shoe_size"};
  for (size_t i = 0; i < 2; i++) {
    struct us_reply r = us_grant(w, C1, ask_for(w, pat, id, scopes[i]), us_id_token(w, whom[i], C1), NULL);
    assert_error(r, 403, "need_info");
    const json_t *claim = json_array_get(json_object_get(r.json, "required_claims"), 0);
    assert_string_equal(json_string_value(json_object_get(claim, "name")), claims[i]);
  }
}

/* What lacks its configuration, or has one of which it would know a part, does not start, and the sentence names the file. */
static void with_a_bad_configuration_they_do_not_start(void **state) {
  struct us_world *w = *state;
  static const char *const rows[][2] = {
      {"two_person", "{}"},
      {"two_person", "{\"consents\":\"/tmp\"}"},
      {"two_person", "{\"consents\":\"/tmp\",\"scopes\":\"edit\"}"},
      {"two_person", "{\"consents\":\"/tmp\",\"scopes\":[\"\",\"edit\"]}"},
      {"two_person", "{\"scopes\":[\"edit\"]}"},
      {"mail_notice", "{}"},
      {"owner_filter", "{}"},
      {"owner_filter", "{\"filters\":[\"true\"]}"},
      {"claims", "{}"},
      {"claims", "{\"rules\":{\"scope\":\"edit\",\"claim\":\"email\"}}"},
      {"claims", "{\"rules\":[{\"scope\":\"edit\"}]}"},
      {"claims", "{\"rules\":[{\"scope\":\"edit\",\"claim\":\"email\",\"value\":7}]}"},
      {"naming", "{\"forbidden\":\"secret\"}"},
      {"naming", "{\"forbidden\":[\"a\",7,\"b\"]}"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct us_cx cx = {.mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES), .svc = us_world_services(w)};
    const char *path = us_text(w, "plugins/%s.so", rows[i][0]);
    if (try_file(w, path, rows[i][1], &cx) != US_E_INVALID_REQUEST)
      fail_msg("%s with %s", rows[i][0], rows[i][1]);
    assert_non_null(strstr(cx.err.text.p, path));
    assert_non_null(strstr(cx.err.text.p, "does not start"));
    assert_null(from_files);
    us_mem_free(cx.mem);
  }
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      FILE_STORY(naming_gives_tidy_names),      FILE_STORY(two_persons_give_what_is_sensitive),
      FILE_STORY(a_notice_is_mailed),           FILE_STORY(owners_have_filters_of_their_own),
      FILE_STORY(claims_are_needed_for_scopes), FILE_STORY(with_a_bad_configuration_they_do_not_start),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
