/*
 * Paging cookies (REST contract a.8, design 6 "Cursors"): they join pages without a gap or a repeat whatever comes and goes
 * meanwhile, and they answer only the question that they were given for, to the person it was given to.
 */
#include "flow/crest.h"

#define ALL 9
static const char *sso;
static const char *ids[ALL];

/* Nine resources of alice named n0 n1 n2 n0 n1 ..., all shared with bob, the even ones with carol too. */
static struct us_world *nine_policies(void **state) {
  struct us_world *w = *state;
  const char *pats[] = {us_pat(w, "alice", RS1), us_pat(w, "alice", RS2)};
  sso = us_sso(w, "alice");
  for (int i = 0; i < ALL; i++) {
    us_world_advance_ms(w, 1);
    const char *name = i < 6 ? us_text(w, "\"name\":\"n%d\",", i % 3) : ""; /* a name is unique at one server */
    ids[i] = us_register(w, pats[i / 3 % 2], us_text(w, "{%s\"resource_scopes\":[\"view\"]}", name));
    us_share(w, "alice", ids[i], "bob", "[\"view\"]");
  }
  for (int i = 0; i < ALL; i += 2)
    assert_reply(
        put_policy(w, sso, ids[i], "If-Match: *",
                   "[{\"subject\":\"bob\",\"scopes\":[\"view\"]},{\"subject\":\"carol\",\"scopes\":[\"view\"]}]", NULL),
        200);
  return w;
}

static struct us_reply ask_as(struct us_world *w, const char *who, const char *filter, const char *more,
                              const char *cookie) {
  return us_with_sso(w, "GET",
                     us_text(w, POLICIES "?_queryFilter=%s%s%s%s", us_enc(w, filter), more,
                             cookie ? "&_pagedResultsCookie=" : "", cookie ? us_enc(w, cookie) : ""),
                     who, NULL, NULL);
}
static struct us_reply ask(struct us_world *w, const char *filter, const char *more, const char *cookie) {
  return ask_as(w, sso, filter, more, cookie);
}
static const char *cookie_of(const struct us_reply *r) {
  return json_string_value(json_object_get(r->json, "pagedResultsCookie"));
}
static const char *first_cookie(struct us_world *w, const char *filter, const char *more) {
  struct us_reply r = assert_reply(ask(w, filter, more, NULL), 200);
  assert_non_null(cookie_of(&r));
  return cookie_of(&r);
}
/* "012": which of the nine, in the order of the answer. */
static const char *found(struct us_world *w, const struct us_reply *r) {
  json_t *result = json_object_get(r->json, "result");
  const char *text = "";
  for (size_t i = 0; i < json_array_size(result); i++) {
    const char *id = json_string_value(json_object_get(json_array_get(result, i), "_id"));
    for (int k = 0; k < ALL; k++)
      text = strcmp(ids[k], id) == 0 ? us_text(w, "%s%d", text, k) : text;
  }
  return text;
}

/* All pages by cookie, with bars between them. */
static const char *all_pages(struct us_world *w, const char *filter, const char *more) {
  struct us_reply r = ask(w, filter, more, NULL);
  assert_status(r, 200);
  const char *text = found(w, &r);
  int64_t remaining = us_reply_int(&r, "remainingPagedResults");
  while (cookie_of(&r) != NULL) {
    r = ask(w, filter, more, cookie_of(&r));
    assert_status(r, 200);
    remaining -= us_reply_int(&r, "resultCount");
    assert_int_equal(us_reply_int(&r, "remainingPagedResults"), remaining);
    text = us_text(w, "%s|%s", text, found(w, &r));
  }
  assert_int_equal(remaining, 0);
  return text;
}

static void pages_join(void **state) {
  struct us_world *w = nine_policies(state);
  assert_string_equal(all_pages(w, "true", "&_pageSize=4"), "0123|4567|8");
  assert_string_equal(all_pages(w, "true", "&_pageSize=3"), "012|345|678");
  assert_string_equal(all_pages(w, "true", "&_pageSize=9"), "012345678");
  assert_string_equal(all_pages(w, "true", "&_pageSize=2&_sortKeys=name"), "67|80|31|42|5");
  assert_string_equal(all_pages(w, "true", "&_pageSize=2&_sortKeys=-name"), "52|41|30|87|6");
  assert_string_equal(all_pages(w, "true", "&_pageSize=2&_sortKeys=-name,policyId"), "25|14|03|67|8");
  assert_string_equal(all_pages(w, "true", "&_pageSize=2&_sortKeys=name,-policyId"), "87|63|04|15|2");
  assert_string_equal(all_pages(w, "permissions/subject eq 'carol'", "&_pageSize=2"), "02|46|8");
  assert_string_equal(all_pages(w, "permissions/subject eq 'carol'", "&_pageSize=2&_sortKeys=-policyId"), "86|42|0");
  assert_string_equal(all_pages(w, "!(permissions/subject eq 'carol')", "&_pageSize=3"), "135|7");
  assert_string_equal(all_pages(w, "resourceServer eq '" RS1 "'", "&_pageSize=4"), "0126|78");
}

static void a_cookie_is_given_with_a_page_size_and_without_an_offset(void **state) {
  struct us_world *w = nine_policies(state);
  static const char *const without[] = {"", "&_pageSize=0", "&_pageSize=9", "&_pageSize=4&_pagedResultsOffset=0",
                                        "&_pageSize=4&_pagedResultsOffset=2"};
  for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
    struct us_reply r = assert_reply(ask(w, "true", without[i], NULL), 200);
    assert_null(cookie_of(&r));
  }
  assert_non_null(first_cookie(w, "true", "&_pageSize=8"));
}

static void totals_are_told_on_every_page(void **state) {
  struct us_world *w = nine_policies(state);
  const char *more = "&_pageSize=4&_totalPagedResultsPolicy=EXACT";
  struct us_reply r = ask(w, "true", more, first_cookie(w, "true", more));
  assert_int_equal(us_reply_int(&r, "totalPagedResults"), 9);
  assert_int_equal(us_reply_int(&r, "remainingPagedResults"), 1);
}

static void what_goes_meanwhile_makes_no_gap(void **state) {
  struct us_world *w = nine_policies(state);
  const char *cookie = first_cookie(w, "true", "&_pageSize=3&_sortKeys=policyId");
  assert_reply(us_with_sso(w, "DELETE", policy_url(w, ids[0]), sso, NULL, NULL), 200);
  assert_reply(us_with_sso(w, "DELETE", policy_url(w, ids[2]), sso, NULL, NULL), 200); /* the very item of the mark */
  struct us_reply r = ask(w, "true", "&_pageSize=3&_sortKeys=policyId", cookie);
  assert_string_equal(found(w, &r), "345");
}

static void a_cookie_may_be_used_again_and_with_another_page_size(void **state) {
  struct us_world *w = nine_policies(state);
  const char *cookie = first_cookie(w, "true", "&_pageSize=3");
  struct us_reply r = ask(w, "true", "&_pageSize=1&_totalPagedResultsPolicy=EXACT", cookie);
  assert_string_equal(found(w, &r), "3");
  r = ask(w, "true", "&_pageSize=100&_fields=name", cookie);
  assert_string_equal(found(w, &r), "345678");
  r = ask(w, "true", "&_pageSize=3", "");
  assert_string_equal(found(w, &r), "012");
}

#define NOT_VALID "The value for parameter '_pagedResultsCookie' is not valid here"

static void a_cookie_answers_its_own_question_only(void **state) {
  struct us_world *w = nine_policies(state);
  const char *cookie = first_cookie(w, "permissions/subject eq 'bob'", "&_pageSize=2&_sortKeys=name");
  const char *good = "&_pageSize=2&_sortKeys=name";
  assert_reply(ask(w, "permissions/subject eq 'bob'", good, cookie), 200);
  assert_rest(ask(w, "permissions/subject eq 'carol'", good, cookie), 400, NOT_VALID);
  assert_rest(ask(w, "true", good, cookie), 400, NOT_VALID);
  assert_rest(ask(w, "permissions/subject eq 'bob'", "&_pageSize=2", cookie), 400, NOT_VALID);
  assert_rest(ask(w, "permissions/subject eq 'bob'", "&_pageSize=2&_sortKeys=-name", cookie), 400, NOT_VALID);
  assert_rest(ask(w, "permissions/subject eq 'bob'", "&_pageSize=2&_sortKeys=policyId", cookie), 400, NOT_VALID);
  /* the same words about another collection */
  const char *pending = us_text(w, PENDING "?_queryFilter=true&_pageSize=2&_pagedResultsCookie=%s",
                                us_enc(w, first_cookie(w, "true", "&_pageSize=2")));
  assert_rest(us_with_sso(w, "GET", pending, sso, NULL, NULL), 400, NOT_VALID);
}

static void a_cookie_is_one_persons(void **state) {
  struct us_world *w = nine_policies(state);
  const char *cookie = first_cookie(w, "true", "&_pageSize=2");
  const char *admin = us_sso(w, "amAdmin");
  assert_reply(ask_as(w, admin, "true", "&_pageSize=2", NULL), 200);
  assert_rest(ask_as(w, admin, "true", "&_pageSize=2", cookie), 400, NOT_VALID);
  const char *bobs = us_text(
      w, ALPHA_JSON "users/bob/uma/policies?_queryFilter=true&_pageSize=2&_pagedResultsCookie=%s", us_enc(w, cookie));
  assert_rest(us_with_sso(w, "GET", bobs, us_sso(w, "bob"), NULL, NULL), 400, NOT_VALID);
  assert_reply(ask_as(w, us_sso(w, "alice"), "true", "&_pageSize=2", cookie), 200); /* another session of hers */
}

static void a_cookie_that_was_changed_is_refused(void **state) {
  struct us_world *w = nine_policies(state);
  const char *cookie = first_cookie(w, "true", "&_pageSize=2&_sortKeys=name");
  size_t n = strlen(cookie);
  for (size_t i = 0; i < n; i++) {
    char *changed = (char *)us_text(w, "%s", cookie);
    changed[i] ^= 1;
    assert_rest(ask(w, "true", "&_pageSize=2&_sortKeys=name", changed), 400, NOT_VALID);
  }
  for (size_t i = 1; i < n; i += 7)
    assert_rest(ask(w, "true", "&_pageSize=2&_sortKeys=name", us_text(w, "%.*s", (int)i, cookie)), 400, NOT_VALID);
  assert_rest(ask(w, "true", "&_pageSize=2&_sortKeys=name", us_text(w, "%sA", cookie)), 400, NOT_VALID);
  assert_rest(ask(w, "true", "&_pageSize=2", "eyJhbGciOiJub25lIn0.eyJ0IjoiMSJ9."), 400, NOT_VALID);
}

static void a_cookie_needs_a_page_size_and_no_offset(void **state) {
  struct us_world *w = nine_policies(state);
  const char *cookie = first_cookie(w, "true", "&_pageSize=2");
  assert_rest(ask(w, "true", "", cookie), 400, "The parameter _pagedResultsCookie needs _pageSize");
  assert_rest(ask(w, "true", "&_pageSize=0", cookie), 400, "The parameter _pagedResultsCookie needs _pageSize");
  assert_rest(ask(w, "true", "&_pageSize=2&_pagedResultsOffset=0", cookie), 400,
              "The parameters _pagedResultsCookie and _pagedResultsOffset are mutually exclusive");
}

/* 1,000 items are the most of a page, whatever is asked for; the cookie goes on behind them. */
static void the_largest_page_has_a_thousand_items(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  sso = us_sso(w, "alice"); /* once: us_share() would log in for each */
  for (int i = 0; i < 1001; i++) {
    const char *id = us_register(w, pat, "{\"resource_scopes\":[\"view\"]}");
    assert_reply(put_policy(w, sso, id, "If-None-Match: *", TO_BOB("[\"view\"]"), NULL), 201);
  }
  struct us_reply r = assert_reply(ask(w, "true", "&_pageSize=1001", NULL), 200);
  assert_int_equal(us_reply_int(&r, "resultCount"), 1000);
  assert_int_equal(us_reply_int(&r, "remainingPagedResults"), 1);
  r = assert_reply(ask(w, "true", "&_pageSize=1001", cookie_of(&r)), 200);
  assert_int_equal(us_reply_int(&r, "resultCount"), 1);
  assert_null(cookie_of(&r));
}

static void only_a_count_is_told_since_protocol_2_2(void **state) {
  struct us_world *w = nine_policies(state);
  const char *target = POLICIES "?_queryFilter=permissions%2Fsubject+eq+%22carol%22&_countOnly=true&_pageSize=2";
  const char *newer = us_text(w, "iPlanetDirectoryPro: %s\nAccept-API-Version: protocol=2.2,resource=1.0", sso);
  const char *older = us_text(w, "iPlanetDirectoryPro: %s\nAccept-API-Version: protocol=2.1,resource=1.0", sso);
  assert_body(us_send(w, "GET", target, newer, NULL), 200,
              "{\"result\":[],\"resultCount\":5,\"pagedResultsCookie\":null,\"totalPagedResultsPolicy\":\"EXACT\","
              "\"totalPagedResults\":5,\"remainingPagedResults\":0}");
  struct us_reply r = us_send(w, "GET", target, older, NULL);
  assert_string_equal(found(w, &r), "02");
}

/* A filter of 256 comparisons costs more than a moment for forty resources already. */
#define MANY 40
#define MY_SETS ALPHA_JSON "users/alice/oauth2/resources/sets"
static const char *heavy_target(struct us_world *w) {
  const char *filter = "";
  for (int i = 0; i < 255; i++)
    filter = us_text(w, "%sname%%20co%%20%%22z%d%%22%%20or%%20", filter, i);
  return us_text(w, MY_SETS "?_queryFilter=%sname%%20co%%20%%22m7%%22", filter);
}

static void lists_that_take_long_take_turns(void **state) {
  struct us_world *w = *state;
  struct us_services *svc = us_world_services(w);
  const char *pat = us_pat(w, "alice", RS1), *target = heavy_target(w);
  sso = us_sso(w, "alice");
  for (int i = 0; i < MANY; i++)
    us_register(w, pat, us_text(w, "{\"name\":\"m%d %0200d\",\"resource_scopes\":[\"view\"]}", i, 0));
  struct us_reply r = us_with_sso(w, "GET", target, sso, NULL, NULL);
  assert_status(r, 200); /* on the pool */
  assert_int_equal(us_reply_int(&r, "resultCount"), 1);
  assert_int_equal(svc->long_lists, 0);
  svc->long_lists = svc->long_lists_max; /* others are at it */
  r = us_with_sso(w, "GET", target, sso, NULL, NULL);
  assert_status(r, 503);
  assert_string_equal(us_reply_header(&r, "Retry-After"), "1");
  assert_reply(us_with_sso(w, "GET", MY_SETS "?_queryId=*", sso, NULL, NULL), 200); /* one that does not take long */
  assert_int_equal(svc->long_lists, svc->long_lists_max);
  svc->long_lists = 0;
  assert_reply(us_with_sso(w, "GET", target, sso, NULL, NULL), 200);
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(pages_join),
      STORY(a_cookie_is_given_with_a_page_size_and_without_an_offset),
      STORY(totals_are_told_on_every_page),
      STORY(what_goes_meanwhile_makes_no_gap),
      STORY(a_cookie_may_be_used_again_and_with_another_page_size),
      STORY(a_cookie_answers_its_own_question_only),
      STORY(a_cookie_is_one_persons),
      STORY(a_cookie_that_was_changed_is_refused),
      STORY(a_cookie_needs_a_page_size_and_no_offset),
      STORY(the_largest_page_has_a_thousand_items),
      STORY(only_a_count_is_told_since_protocol_2_2),
      STORY(lists_that_take_long_take_turns),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
