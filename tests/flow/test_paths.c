/* HT-22: paths are decoded once; ids and realm names cannot leave their segment. */
#include "flow/flow.h"

/* HT-22 */
static void tricks_lead_nowhere(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", "UMA-Resource-Server");
  const char *id = us_register(w, pat, "{\"resource_scopes\":[\"view\"]}");
  const char *const tricks[] = {
      us_text(w, ALPHA_UMA "resource_set/../resource_set/%s", id),
      us_text(w, ALPHA_UMA "resource_set/%%2e%%2e/%s", id),
      us_text(w, ALPHA_UMA "resource_set%%2F%s", id),
      us_text(w, ALPHA_UMA "resource_set%%252F%s", id),
      us_text(w, ALPHA_UMA "resource_set//%s", id),
      us_text(w, ALPHA_UMA "resource_set/%s;x", id),
      us_text(w, ALPHA_UMA "./resource_set/%s", id),
      us_text(w, "/am//uma/alpha/resource_set/%s", id),
      us_text(w, "//am/uma/alpha/resource_set/%s", id),
      us_text(w, ALPHA_UMA "resource_set/%s%%00", id),
      us_text(w, ALPHA_UMA "resource_set/%s%%ff", id),
      us_text(w, "/am/uma/realms/root/realms/%%2e%%2e/resource_set/%s", id),
  };
  for (size_t i = 0; i < sizeof(tricks) / sizeof(tricks[0]); i++) {
    struct us_reply r = us_with_pat(w, "GET", tricks[i], pat, NULL);
    if (r.status != 400 && r.status != 404)
      fail_msg("%s answers %d", tricks[i], r.status);
  }
  struct us_reply r = us_with_pat(w, "GET", us_text(w, ALPHA_UMA "resource_set/%s", id), pat, NULL);
  assert_status(r, 200);
  /* Encoded once is the same name. */
  r = us_with_pat(w, "GET", us_text(w, ALPHA_UMA "resource%%5Fset/%%%02X%s", id[0], id + 1), pat, NULL);
  assert_status(r, 200);
}

/* REST a.11: the two styles of errors are never mixed, not even when nothing can be made of the target. */
static void what_cannot_be_read_is_refused_in_the_style_of_its_service(void **state) {
  struct us_world *w = *state;
  const char *const tails[] = {"x?a=1&a=2", "x?a=%ff", "x/%ff", "x//y", "x%2Fy", "%2e%2e/x"};
  for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
    struct us_reply r = us_send(w, "GET", us_text(w, ALPHA_JSON "%s", tails[i]), NULL, NULL);
    assert_int_equal(us_reply_int(&r, "code"), r.status);
    assert_int_equal(r.status, i == 1 ? 400 : 404); /* a repeat is looked at behind the path (REST a.12) */
    r = us_send(w, "GET", us_text(w, ALPHA_OAUTH "%s", tails[i]), NULL, NULL);
    assert_error(r, i < 2 ? 400 : 404, i < 2 ? "invalid_request" : "not_found");
    r = us_send(w, "GET", us_text(w, ALPHA_UMA "%s", tails[i]), NULL, NULL);
    assert_error(r, i < 2 ? 400 : 404, i < 2 ? "invalid_request" : "not_found");
  }
}

static void very_deep_paths_are_404(void **state) {
  struct us_world *w = *state;
  char path[4096] = "/am/uma";
  while (strlen(path) < 4000)
    strcat(path, "/realms/x");
  struct us_reply r = us_send(w, "GET", path, NULL, NULL);
  assert_status(r, 404);
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {STORY(tricks_lead_nowhere),
                                     STORY(what_cannot_be_read_is_refused_in_the_style_of_its_service),
                                     STORY(very_deep_paths_are_404)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
