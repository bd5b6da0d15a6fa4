/* Queries of policies (REST contract c.7, a.8 to a.10). */
#include "flow/crest.h"

#define ALL 6

static const char *sso, *ids[ALL];

/* Six resources of alice, half of them at each resource server; who they are shared with stands behind the name:
 *   0 delta bob   1 alpha bob,carol   2 charlie carol   3 bravo (at server 2) bob   4 Echo (2) carol   5 nameless (2) dave */
static struct us_world *six_policies(void **state) {
  static const char *const names[ALL] = {"delta", "alpha", "charlie", "bravo", "Echo", NULL};
  static const char *const people[ALL] = {"bob", "bob carol", "carol", "BOB", "carol", "dave"};
  struct us_world *w = *state;
  const char *pats[2] = {us_pat(w, "alice", RS1), us_pat(w, "alice", RS2)};
  sso = us_sso(w, "alice");
  for (size_t i = 0; i < ALL; i++) {
    const char *name = names[i] ? us_text(w, "\"name\":\"%s\",", names[i]) : "";
    us_world_advance_ms(w, 1);
    ids[i] = us_register(w, pats[i / 3], us_text(w, "{%s\"resource_scopes\":[\"view\"]}", name));
    const char *blank = strchr(people[i], ' ');
    const char *first = us_text(w, "%.*s", blank ? (int)(blank - people[i]) : 20, people[i]);
    const char *second = blank ? us_text(w, ",{\"subject\":\"%s\",\"scopes\":[\"view\"]}", blank + 1) : "";
    struct us_reply r = put_policy(w, sso, ids[i], NULL,
                                   us_text(w, "[{\"subject\":\"%s\",\"scopes\":[\"view\"]}%s]", first, second), NULL);
    assert_status(r, 201);
  }
  return w;
}

static struct us_reply query_as(struct us_world *w, const char *filter, const char *more, const char *headers) {
  return us_with_sso(w, "GET", us_text(w, POLICIES "?_queryFilter=%s%s", us_enc(w, filter), more), sso, headers, NULL);
}
static struct us_reply query(struct us_world *w, const char *filter, const char *more) {
  return query_as(w, filter, more, NULL);
}

/* "023": which of the six, in the order of the answer. */
static const char *found(struct us_world *w, const char *filter, const char *more) {
  struct us_reply r = query(w, filter, more);
  assert_status(r, 200);
  json_t *result = json_object_get(r.json, "result");
  const char *text = "";
  for (size_t i = 0; i < json_array_size(result); i++) {
    const char *id = json_string_value(json_object_get(json_array_get(result, i), "_id"));
    size_t k = 0;
    while (k < ALL && strcmp(ids[k], id) != 0)
      k++;
    assert_true(k < ALL);
    text = us_text(w, "%s%zu", text, k);
  }
  assert_int_equal(us_reply_int(&r, "resultCount"), json_array_size(result));
  return text;
}

static void true_finds_all_and_false_none(void **state) {
  struct us_world *w = six_policies(state);
  assert_string_equal(found(w, "true", ""), "012345");
  assert_string_equal(found(w, "TRUE or permissions/subject eq 'x'", ""), "012345");
  assert_string_equal(found(w, "false", ""), "");
  assert_string_equal(found(w, "!true", ""), "");
}

static void items_have_no_revision_and_all_permissions(void **state) {
  struct us_world *w = six_policies(state);
  struct us_reply r = query(w, "permissions/subject eq \"carol\" and resourceServer eq \"" RS1 "\"", "&_sortKeys=name");
  assert_body(r, 200,
              us_text(w,
                      "{\"result\":[{\"_id\":\"%s\",\"policyId\":\"%s\",\"name\":\"alpha\",\"permissions\":"
                      "[{\"subject\":\"bob\",\"scopes\":[\"view\"]},{\"subject\":\"carol\",\"scopes\":[\"view\"]}]},"
                      "{\"_id\":\"%s\",\"policyId\":\"%s\",\"name\":\"charlie\",\"permissions\":"
                      "[{\"subject\":\"carol\",\"scopes\":[\"view\"]}]}],"
                      "\"resultCount\":2,\"pagedResultsCookie\":null,\"totalPagedResultsPolicy\":\"NONE\","
                      "\"totalPagedResults\":-1,\"remainingPagedResults\":0}",
                      ids[1], ids[1], ids[2], ids[2]));
}

static void protocol_one_has_four_members(void **state) {
  struct us_world *w = six_policies(state);
  const char *headers = us_text(w, "iPlanetDirectoryPro: %s\nAccept-API-Version: protocol=1.0,resource=1.0", sso);
  struct us_reply r = us_send(w, "GET", POLICIES "?_queryFilter=false", headers, NULL);
  assert_body(r, 200, "{\"result\":[],\"resultCount\":0,\"pagedResultsCookie\":null,\"remainingPagedResults\":0}");
}

static void comparisons_combine(void **state) {
  struct us_world *w = six_policies(state);
  assert_string_equal(found(w, "permissions/subject eq 'bob'", ""), "013");
  assert_string_equal(found(w, "/permissions/subject eq 'BoB'", ""), "013");
  assert_string_equal(found(w, "permissions/subject eq 'nobody'", ""), "");
  assert_string_equal(found(w, "resourceServer eq '" RS2 "'", ""), "345");
  assert_string_equal(found(w, "resourceServer eq 'uma-resource-server'", ""), ""); /* ids compare with case */
  assert_string_equal(found(w, "resourceServer eq 'unknown'", ""), "");
  assert_string_equal(found(w, "resourceServer eq '" RS1 "' AND permissions/subject eq 'bob'", ""), "01");
  assert_string_equal(found(w, "permissions/subject eq 'bob' and permissions/subject eq 'carol'", ""), "1");
  assert_string_equal(found(w, "permissions/subject eq 'dave' or permissions/subject eq 'bob'", ""), "0135");
  assert_string_equal(found(w, "!(permissions/subject eq 'bob')", ""), "245");
  assert_string_equal(found(w, "!resourceServer eq '" RS1 "' and (permissions/subject eq 'bob' or false)", ""), "3");
  assert_string_equal(found(w, "permissions/subject eq 7 or resourceServer eq true", ""), ""); /* equals no text */
}

static void sorting_is_by_policy_id_and_name(void **state) {
  struct us_world *w = six_policies(state);
  assert_string_equal(found(w, "true", "&_sortKeys=name"),
                      "541320"); /* no name first, then by code point: Echo alpha ... */
  assert_string_equal(found(w, "true", "&_sortKeys=-name"), "023145");
  assert_string_equal(found(w, "true", "&_sortKeys=%2Bname"), "541320");
  assert_string_equal(found(w, "true", "&_sortKeys=policyId"), "012345"); /* version 7 ids grow with time */
  assert_string_equal(found(w, "true", "&_sortKeys=-policyId"), "543210");
  assert_string_equal(found(w, "true", "&_sortKeys=-/policyId,name"), "543210");
  assert_string_equal(found(w, "permissions/subject eq 'bob'", "&_sortKeys=-name,policyId"), "031");
  assert_string_equal(found(w, "true", "&_sortKeys="), "012345");
}

static void equal_names_are_ordered_by_the_second_key(void **state) {
  struct us_world *w = *state;
  sso = us_sso(w, "alice");
  static const char *const servers[] = {RS1, RS2};
  for (size_t i = 0; i < 2; i++) { /* a name is unique at one server only */
    us_world_advance_ms(w, 1);
    ids[i] = us_register(w, us_pat(w, "alice", servers[i]), "{\"name\":\"same\",\"resource_scopes\":[\"view\"]}");
    us_share(w, "alice", ids[i], "bob", "[\"view\"]");
  }
  assert_string_equal(found(w, "true", "&_sortKeys=name"), "01");
  assert_string_equal(found(w, "true", "&_sortKeys=-name"), "10"); /* what ties goes the way of the last key */
  assert_string_equal(found(w, "true", "&_sortKeys=name,-policyId"), "10");
  assert_string_equal(found(w, "true", "&_sortKeys=-name,-policyId"), "10");
  assert_string_equal(found(w, "true", "&_sortKeys=-name,policyId"), "01");
}

static void pages_say_what_remains(void **state) {
  struct us_world *w = six_policies(state);
  static const struct {
    const char *filter, *more, *found;
    int64_t remaining;
  } cases[] = {
      {"true", "&_pageSize=2", "01", 4},
      {"true", "&_pageSize=2&_pagedResultsOffset=2", "23", 2},
      {"true", "&_pageSize=2&_pagedResultsOffset=5", "5", 0},
      {"true", "&_pageSize=2&_pagedResultsOffset=6", "", 0},
      {"true", "&_pageSize=2&_pagedResultsOffset=600", "", 0},
      {"true", "&_pageSize=6", "012345", 0},
      {"true", "&_pageSize=0", "012345", 0},
      {"true", "&_pagedResultsOffset=4", "45", 0},
      {"true", "&_pageSize=1&_pagedResultsOffset=1&_sortKeys=-name", "2", 4},
      {"permissions/subject eq 'bob'", "&_pageSize=1", "0", 2},
      {"permissions/subject eq 'bob'", "&_PAGESIZE=1&_pagedresultsoffset=2", "3", 0},
      {"false", "&_pageSize=1", "", 0},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    assert_string_equal(found(w, cases[i].filter, cases[i].more), cases[i].found);
    struct us_reply r = query(w, cases[i].filter, cases[i].more);
    assert_int_equal(us_reply_int(&r, "remainingPagedResults"), cases[i].remaining);
  }
}

static void totals_are_told_when_asked_for(void **state) {
  struct us_world *w = six_policies(state);
  struct us_reply r = query(w, "true", "&_pageSize=1&_totalPagedResultsPolicy=EXACT");
  assert_int_equal(us_reply_int(&r, "totalPagedResults"), 6);
  assert_string_equal(us_reply_str(&r, "totalPagedResultsPolicy"), "EXACT");
  r = query(w, "permissions/subject eq 'bob'", "&_pageSize=1&_totalPagedResultsPolicy=ESTIMATE");
  assert_int_equal(us_reply_int(&r, "totalPagedResults"), 3);
  r = query(w, "true", "&_totalPagedResultsPolicy=NONE");
  assert_int_equal(us_reply_int(&r, "totalPagedResults"), -1);
  assert_reply(query(w, "true", "&_totalPagedResultsPolicy=SOME"), 400);
}

static void unknown_fields_and_operators_are_the_documented_500(void **state) {
  struct us_world *w = six_policies(state);
  struct us_reply r = query(w, "badField eq 'x'", "");
  assert_rest(r, 500, "'/badField' not queryable");
  assert_string_equal(us_reply_str(&r, "reason"), "Internal Server Error");
  assert_rest(query(w, "true or (false and /badField eq 'x')", ""), 500, "'/badField' not queryable");
  assert_rest(query(w, "policyId eq 'x'", ""), 500, "'/policyId' not queryable");
  assert_rest(query(w, "permissions/subject co 'x'", ""), 500, "'co' not supported");
  assert_rest(query(w, "resourceServer pr", ""), 500, "'pr' not supported");
  assert_rest(query(w, "resourceServer near 'x'", ""), 500, "'near' not supported");
  us_world_set(w, "crestQueryErrors", "rfc");
  assert_rest(query(w, "badField eq 'x'", ""), 400, "'/badField' not queryable");
}

static void parameters_are_checked(void **state) {
  struct us_world *w = six_policies(state);
  assert_rest(query(w, "resourceServer eq", ""), 400,
              "The value 'resourceServer eq' for parameter '_queryFilter' could not be parsed as a valid query filter");
  assert_rest(query(w, "true", "&_pageSize=x"), 400,
              "The value 'x' for parameter '_pageSize' could not be parsed as a valid integer");
  assert_rest(query(w, "true", "&_pagedResultsOffset=1.5"), 400,
              "The value '1.5' for parameter '_pagedResultsOffset' could not be parsed as a valid integer");
  assert_reply(query(w, "true", "&_pageSize=2147483647"), 200);
  assert_reply(query(w, "true", "&_pageSize=2147483648"), 400);
  assert_reply(query(w, "true", "&_pageSize=-1"), 400);
  assert_reply(query(w, "true", "&_pagedResultsOffset=-1"), 400);
  assert_rest(query(w, "true", "&_sortKeys=subject"), 400, "'subject' not sortable");
  assert_reply(query(w, "true", "&_sortKeys=-"), 400);
  assert_reply(query(w, "true", "&_sortKeys=name,name,name,name,name,name,name,name"), 200);
  assert_reply(query(w, "true", "&_sortKeys=name,name,name,name,name,name,name,name,name"), 400);
  assert_rest(query(w, "true", "&_pageSize=1&_pagesize=2"), 400,
              "Multiple values provided for the single-valued request parameter '_pagesize'");
  assert_reply(query(w, "true", "&_pageSize=1&_pagedResultsCookie=x"), 400);
  assert_rest(query(w, "true", "&_queryId=all"), 400,
              "The parameters _queryId and _queryFilter are mutually exclusive");
  assert_rest(us_with_sso(w, "GET", POLICIES "?_queryId=all", sso, NULL, NULL), 501, "Only query filter is supported.");
  assert_reply(us_with_sso(w, "GET", POLICIES "?_queryExpression=x", sso, NULL, NULL), 501);
  assert_rest(us_with_sso(w, "GET", POLICIES, sso, NULL, NULL), 400,
              "The resource collection users/alice/uma/policies cannot be read");
  assert_rest(us_with_sso(w, "PUT", POLICIES, sso, NULL, "{}"), 400,
              "The resource collection users/alice/uma/policies cannot be updated");
  assert_rest(us_with_sso(w, "DELETE", POLICIES, sso, NULL, NULL), 400,
              "The resource collection users/alice/uma/policies cannot be deleted");
  assert_rest(us_with_sso(w, "GET", POLICIES "/x?_queryFilter=true", sso, NULL, NULL), 400,
              "The resource instance users/alice/uma/policies/x cannot be queried");
  assert_rest(us_with_sso(w, "GET", POLICIES "/x?_QUERYID=all", sso, NULL, NULL), 400,
              "The resource instance users/alice/uma/policies/x cannot be queried");
  assert_reply(query_as(w, "true", "", "If-None-Match: *"), 412);
  assert_reply(query_as(w, "true", "", "If-Match: *"), 412);
}

static const char *subjects(struct us_world *w, int n) {
  const char *text = "permissions/subject eq 'bob'";
  for (int i = 1; i < n; i++)
    text = us_text(w, "%s or permissions/subject eq 'u%d'", text, i);
  return text;
}

static void a_filter_compares_with_so_many_values(void **state) {
  struct us_world *w = six_policies(state);
  assert_string_equal(found(w, subjects(w, 256), ""), "013");
  assert_reply(query(w, subjects(w, 257), ""), 400);
}

static const char *deep(struct us_world *w, int n) {
  const char *text = "permissions/subject eq 'bob'";
  for (int i = 0; i < n; i++)
    text = us_text(w, "(%s) %s resourceServer eq 'x'", text, i % 2 ? "or" : "and !");
  return text;
}

static void a_filter_is_so_deep(void **state) {
  struct us_world *w = six_policies(state);
  assert_string_equal(found(w, deep(w, 255), ""), "013");
  assert_reply(query(w, us_text(w, "(((%s)))", deep(w, 254)), ""), 400);
}

static void only_what_the_user_shares_is_found(void **state) {
  struct us_world *w = six_policies(state);
  const char *carol = us_sso(w, "carol");
  struct us_reply r = us_with_sso(w, "GET", ALPHA_JSON "users/carol/uma/policies?_queryFilter=true", carol, NULL, NULL);
  assert_status(r, 200);
  assert_int_equal(us_reply_int(&r, "resultCount"), 0);
  r = us_with_sso(w, "GET", POLICIES "?_queryFilter=true", us_sso(w, "amAdmin"), NULL, NULL);
  assert_int_equal(us_reply_int(&r, "resultCount"), 6);
}

static void fields_pick_what_is_shown(void **state) {
  struct us_world *w = six_policies(state);
  const char *url = policy_url(w, ids[1]);
  struct us_reply r = query(w, "permissions/subject eq 'dave'", "&_fields=name,policyId");
  assert_non_null(strstr(r.body, us_text(w, "{\"result\":[{\"_id\":\"%s\",\"policyId\":\"%s\"}],", ids[5], ids[5])));
  r = us_with_sso(w, "GET", us_text(w, "%s?_fields=/permissions/1/subject,nothing,permissions/7", url), sso, NULL,
                  NULL);
  assert_string_equal(
      r.body, us_text(w, "{\"_id\":\"%s\",\"_rev\":\"%s\",\"subject\":\"carol\"}", ids[1], us_reply_str(&r, "_rev")));
  assert_string_equal(us_reply_header(&r, "ETag"), us_text(w, "\"%s\"", us_reply_str(&r, "_rev")));
  const char *first = us_text(w, "iPlanetDirectoryPro: %s\nAccept-API-Version: protocol=1.0,resource=1.0", sso);
  assert_body(us_send(w, "GET", us_text(w, "%s?_FIELDS=name", url), first, NULL), 200, "{\"name\":\"alpha\"}");
  r = us_with_sso(w, "GET", us_text(w, "%s?_fields=", url), sso, NULL, NULL);
  assert_string_equal(us_reply_str(&r, "name"), "alpha");
}

static const char *list_of(struct us_world *w, int n) {
  const char *text = "f";
  for (int i = 1; i < n; i++)
    text = us_text(w, "%s,f", text);
  return text;
}

static void fields_have_a_limit(void **state) {
  struct us_world *w = six_policies(state);
  assert_reply(query(w, "true", us_text(w, "&_fields=%s", list_of(w, 32))), 200);
  assert_reply(query(w, "true", us_text(w, "&_fields=%s", list_of(w, 33))), 400);
}

static void answers_are_indented_on_request(void **state) {
  struct us_world *w = six_policies(state);
  assert_reply(put_policy(w, sso, ids[5], NULL, "[{\"subject\":\"a\\\"{,:}\\\\\",\"scopes\":[\"view\"]}]", NULL), 200);
  struct us_reply r = us_with_sso(
      w, "GET", us_text(w, "%s?_prettyPrint=true&_fields=permissions", policy_url(w, ids[5])), sso, NULL, NULL);
  assert_body(
      r, 200,
      us_text(w,
              "{\n  \"_id\": \"%s\",\n  \"_rev\": \"%s\",\n  \"permissions\": [\n    {\n"
              "      \"subject\": \"a\\\"{,:}\\\\\",\n      \"scopes\": [\n        \"view\"\n      ]\n    }\n  ]\n}",
              ids[5], us_reply_str(&r, "_rev")));
  r = query(w, "false", "&_prettyPrint=true");
  assert_non_null(strstr(r.body, "{\n  \"result\": [],\n  \"resultCount\": 0,"));
}

/* More policies than a batch reads at once, so that batches are put together in the order asked for. */
static void pages_longer_than_a_batch_keep_their_order(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  sso = us_sso(w, "alice");
  for (int i = 0; i < 70; i++) {
    const char *id =
        us_register(w, pat, us_text(w, "{\"name\":\"n%02d\",\"resource_scopes\":[\"view\"]}", i * 37 % 70));
    assert_reply(put_policy(w, sso, id, NULL, TO_BOB("[\"view\"]"), NULL), 201);
  }
  struct us_reply r = query(w, "permissions/subject eq 'bob'", "&_sortKeys=-name&_pageSize=68&_pagedResultsOffset=1");
  json_t *result = json_object_get(r.json, "result");
  assert_int_equal(json_array_size(result), 68);
  assert_int_equal(us_reply_int(&r, "remainingPagedResults"), 1);
  for (int i = 0; i < 68; i++)
    assert_string_equal(json_string_value(json_object_get(json_array_get(result, (size_t)i), "name")),
                        us_text(w, "n%02d", 68 - i));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(true_finds_all_and_false_none),
      STORY(items_have_no_revision_and_all_permissions),
      STORY(protocol_one_has_four_members),
      STORY(comparisons_combine),
      STORY(sorting_is_by_policy_id_and_name),
      STORY(equal_names_are_ordered_by_the_second_key),
      STORY(pages_say_what_remains),
      STORY(totals_are_told_when_asked_for),
      STORY(unknown_fields_and_operators_are_the_documented_500),
      STORY(parameters_are_checked),
      STORY(a_filter_compares_with_so_many_values),
      STORY(a_filter_is_so_deep),
      STORY(only_what_the_user_shares_is_found),
      STORY(fields_pick_what_is_shown),
      STORY(fields_have_a_limit),
      STORY(answers_are_indented_on_request),
      STORY(pages_longer_than_a_batch_keep_their_order),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
