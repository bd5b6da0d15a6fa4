/*
 * Decisions as data: every file of tests/policy/cases is a JSON array of cases, readable and writable without knowing C.
 *
 *   { "name": "...", "now": 1000, "client": "C1", "rptConditions": ["TICKET_PARTIAL"],
 *     "resources": [ { "name": "album", "available": ["view"], "owner": false, "implicitConsent": true,
 *                      "ticket": ["view"], "requested": [],
 *                      "shares": [ { "scopes": ["view"], "any": false,
 *                                    "conditions": [ { "expires": 2000 }, { "clients": ["C1"] } ] } ],
 *                      "granted": ["view"], "missing": [], "inRpt": true, "until": 2000 } ],
 *     "ticket": "ALL", "request": "EMPTY", "issue": true }
 *
 * A share goes from "by" to "to", names of people or "group:NAME"; left out they are "owner" and "party". Who is in a group stands in
 * "groups": { "group:family": ["party", "bob"] } of the resource. Further conditions are { "from": 500 } and { "uses": 3 }, with
 * "used": 2 in the share. "reliesOn" are the shares (counted from 0) that the decision rests on, when it is there.
 *
 * What is left out is empty, false or 0; "implicitConsent" is true, "client" is C1, "now" 1000. The directory comes as argument.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "../unit/unit.h"
#include "policy/decide.h"
#include "json/json.h"

#define CASES_MAX 256
static const char *const match_names[] = {
    [US_MATCH_EMPTY] = "EMPTY", [US_MATCH_ALL] = "ALL", [US_MATCH_PARTIAL] = "PARTIAL", [US_MATCH_NONE] = "NONE"};

static struct us_strs strs(struct us_cx *cx, const json_t *list) {
  struct us_strs set = {US_NEW_ARRAY(cx->mem, struct us_str, json_array_size(list)), 0};
  size_t i;
  json_t *item;
  json_array_foreach(list, i, item) {
    assert_true(json_is_string(item));
    set.v[set.n++] = us_str_dup(cx->mem, us_str_c(json_string_value(item)));
  }
  return set;
}

static struct us_condition condition(struct us_cx *cx, const json_t *item) {
  static const struct {
    const char *member;
    int kind;
  } kinds[] = {{"expires", US_CONDITION_EXPIRATION},
               {"clients", US_CONDITION_CLIENT_ID},
               {"from", US_CONDITION_NOT_BEFORE},
               {"uses", US_CONDITION_MAX_USES}};
  for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
    const json_t *value = json_object_get(item, kinds[i].member);
    if (value)
      return (struct us_condition){.kind = kinds[i].kind,
                                   .date_s = json_integer_value(value),
                                   .uses = json_integer_value(value),
                                   .client_ids = strs(cx, json_is_array(value) ? value : NULL)};
  }
  fail_msg("a condition of no known kind");
  return (struct us_condition){0};
}

static struct us_conditions conditions(struct us_cx *cx, const json_t *share) {
  const json_t *list = json_object_get(share, "conditions");
  struct us_conditions all = {.any = json_is_true(json_object_get(share, "any")),
                              .v = US_NEW_ARRAY(cx->mem, struct us_condition, json_array_size(list))};
  size_t i;
  json_t *item;
  json_array_foreach(list, i, item) all.v[all.n++] = condition(cx, item);
  return all;
}

/* Nodes by name: people and groups in the order in which they come. */
struct nodes {
  const char *names[64];
  uint32_t count;
};
static uint32_t node(struct nodes *nodes, const json_t *name, const char *otherwise) {
  const char *text = name ? json_string_value(name) : otherwise;
  uint32_t i = 0;
  assert_non_null(text);
  while (i < nodes->count && strcmp(nodes->names[i], text) != 0)
    i++;
  assert_in_range(i, 0, 63);
  nodes->names[i] = text;
  if (i == nodes->count)
    nodes->count++;
  return i;
}

static void add_members(struct us_cx *cx, struct nodes *nodes, const json_t *groups, struct us_facts *facts) {
  struct us_membership *list = US_NEW_ARRAY(cx->mem, struct us_membership, 64);
  const char *name;
  json_t *members, *member;
  size_t i;
  facts->memberships = list;
  json_object_foreach((json_t *)(uintptr_t)groups, name, members) {
    json_array_foreach(members, i, member) {
      assert_in_range(facts->membership_count, 0, 63);
      list[facts->membership_count++] = (struct us_membership){node(nodes, NULL, name), node(nodes, member, NULL)};
    }
  }
}

static struct us_wanted wanted_of(struct us_cx *cx, const json_t *story, const json_t *resource) {
  const json_t *list = json_object_get(resource, "shares");
  const json_t *now = json_object_get(story, "now"), *client = json_object_get(story, "client");
  struct us_grant *shares = US_NEW_ARRAY(cx->mem, struct us_grant, json_array_size(list));
  struct nodes nodes = {.names = {[US_NODE_OWNER] = "owner", [US_NODE_PARTY] = "party"}, .count = 2};
  size_t i;
  json_t *share;
  json_array_foreach(list, i, share) {
    shares[i].id = (int64_t)i;
    shares[i].from = node(&nodes, json_object_get(share, "by"), "owner");
    shares[i].to = node(&nodes, json_object_get(share, "to"), "party");
    shares[i].used = json_integer_value(json_object_get(share, "used"));
    shares[i].scopes = strs(cx, json_object_get(share, "scopes"));
    shares[i].conditions = conditions(cx, share);
  }
  struct us_wanted wanted = {
      .facts = {.available_scopes = strs(cx, json_object_get(resource, "available")),
                .party_is_owner = json_is_true(json_object_get(resource, "owner")),
                .owner_implicit_consent = !json_is_false(json_object_get(resource, "implicitConsent")),
                .grants = shares,
                .grant_count = json_array_size(list),
                .now_s = now ? json_integer_value(now) : 1000,
                .client_id = us_str_c(client ? json_string_value(client) : "C1")},
      .ticket_scopes = strs(cx, json_object_get(resource, "ticket")),
      .requested_scopes = strs(cx, json_object_get(resource, "requested")),
  };
  add_members(cx, &nodes, json_object_get(resource, "groups"), &wanted.facts);
  wanted.facts.node_count = nodes.count;
  return wanted;
}

static int rpt_conditions(const json_t *list) {
  int set = 0;
  size_t i;
  json_t *item;
  json_array_foreach(list, i, item) {
    const char *name = json_string_value(item);
    int one = strcmp(name, "REQUEST_PARTIAL") == 0  ? US_RPT_REQUEST_PARTIAL
              : strcmp(name, "REQUEST_NONE") == 0   ? US_RPT_REQUEST_NONE
              : strcmp(name, "TICKET_PARTIAL") == 0 ? US_RPT_TICKET_PARTIAL
                                                    : 0;
    assert_int_not_equal(one, 0);
    set |= one;
  }
  return set;
}

static void check_set(struct us_cx *cx, const char *what, const char *resource, struct us_strs is, const json_t *list) {
  struct us_strs should = strs(cx, list);
  if (is.n != should.n || !us_strs_contains_all(is, should))
    fail_msg("%s: %s is [%s] instead of [%s]", resource, what, us_strs_join(cx->mem, is, " ").p,
             us_strs_join(cx->mem, should, " ").p);
}

static void check_resource(struct us_cx *cx, const struct us_wanted *wanted, const json_t *resource) {
  const char *name = json_string_value(json_object_get(resource, "name"));
  check_set(cx, "granted", name, wanted->granted, json_object_get(resource, "granted"));
  check_set(cx, "missing", name, wanted->missing, json_object_get(resource, "missing"));
  if (wanted->is_granted != json_is_true(json_object_get(resource, "inRpt")))
    fail_msg("%s: in the RPT: %d", name, wanted->is_granted);
  if (wanted->is_granted)
    assert_int_equal(wanted->not_after_s, json_integer_value(json_object_get(resource, "until")));
}

/* Neither more nor fewer, in order. */
static void check_relied(const struct us_wanted *wanted, const json_t *resource) {
  const json_t *list = json_object_get(resource, "reliesOn");
  if (!list)
    return;
  assert_int_equal(wanted->relied_count, json_array_size(list));
  for (size_t i = 0; i < wanted->relied_count; i++)
    assert_int_equal(wanted->relied[i].grant_id, json_integer_value(json_array_get(list, i)));
}

static void run_story(void **state) {
  const json_t *story = *state;
  const json_t *resources = json_object_get(story, "resources");
  size_t count = json_array_size(resources);
  struct us_cx *cx = unit_cx_new(US_MEM_REQUEST_MAX_BYTES);
  struct us_wanted wanted[16];
  struct us_decision decision;
  assert_in_range(count, 1, 16);
  for (size_t i = 0; i < count; i++)
    wanted[i] = wanted_of(cx, story, json_array_get(resources, i));
  assert_true(
      us_policy_decide(cx->mem, wanted, count, rpt_conditions(json_object_get(story, "rptConditions")), &decision));
  for (size_t i = 0; i < count; i++)
    check_resource(cx, &wanted[i], json_array_get(resources, i));
  for (size_t i = 0; i < count; i++)
    check_relied(&wanted[i], json_array_get(resources, i));
  assert_string_equal(match_names[decision.ticket], json_string_value(json_object_get(story, "ticket")));
  assert_string_equal(match_names[decision.request], json_string_value(json_object_get(story, "request")));
  assert_int_equal(decision.issue, json_is_true(json_object_get(story, "issue")));
  unit_cx_free(cx);
}

/* Adds the cases of a file; the document stays until the end of the program. */
static size_t add_file(const char *directory, const char *name, json_t *files, struct CMUnitTest *tests, size_t n) {
  char path[1024];
  json_error_t error;
  snprintf(path, sizeof(path), "%s/%s", directory, name);
  json_t *file = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
  if (!json_is_array(file)) {
    fprintf(stderr, "%s:%d: %s\n", path, error.line, error.text);
    exit(1);
  }
  json_array_append_new(files, file);
  size_t i;
  json_t *story;
  json_array_foreach(file, i, story) {
    const char *title = json_string_value(json_object_get(story, "name"));
    if (!title || n == CASES_MAX) {
      fprintf(stderr, "%s: case %zu has no name, or there are more than %d\n", path, i, CASES_MAX);
      exit(1);
    }
    tests[n++] = (struct CMUnitTest){.name = title, .test_func = run_story, .initial_state = story};
  }
  return n;
}

int main(int argc, char **argv) {
  static struct CMUnitTest tests[CASES_MAX];
  size_t n = 0;
  json_t *files = json_array();
  DIR *directory = argc == 2 ? opendir(argv[1]) : NULL;
  if (!directory) {
    fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
    return 1;
  }
  for (struct dirent *entry; (entry = readdir(directory));) {
    size_t length = strlen(entry->d_name);
    if (length > 5 && strcmp(entry->d_name + length - 5, ".json") == 0)
      n = add_file(argv[1], entry->d_name, files, tests, n);
  }
  closedir(directory);
  if (n == 0) {
    fprintf(stderr, "no cases in %s\n", argv[1]);
    return 1;
  }
  cmocka_set_message_output(CM_OUTPUT_TAP);
  int failed = _cmocka_run_group_tests("cases", tests, n, NULL, NULL);
  json_decref(files);
  return failed;
}
