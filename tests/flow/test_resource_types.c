/* Resource types (REST contract h): views over resources, changed by the documented call, followed by policies. */
#include "flow/crest.h"

#include "domain/resource_type.h"

#define TYPES ALPHA_JSON "resourcetypes"
#define LAKE "{\"name\":\"Lake Trip\",\"resource_scopes\":[\"see\",\"annotate\"]}"

struct vault {
  struct us_world *w;
  const char *pat, *admin, *alice, *lake, *url;
};
static struct vault setup(void **state) {
  struct us_world *w = *state;
  struct vault v = {.w = w, .pat = us_pat(w, "alice", RS1), .admin = us_sso(w, "amAdmin"), .alice = us_sso(w, "alice")};
  v.lake = us_register(w, v.pat, LAKE);
  v.url = us_text(w, TYPES "/%s", v.lake);
  return v;
}
static struct us_reply put(struct vault *v, const char *rest) {
  return us_with_pat(v->w, "PUT", v->url, v->pat, us_text(v->w, "{\"uuid\":\"%s\"%s}", v->lake, rest));
}
/* The map as text, actions in any order. */
static void assert_actions(struct vault *v, const char *wanted) {
  struct us_reply r = us_with_sso(v->w, "GET", v->url, v->admin, NULL, NULL);
  json_t *map = json_loads(wanted, 0, NULL);
  assert_status(r, 200);
  if (!json_equal(json_object_get(r.json, "actions"), map))
    fail_msg("wanted %s, got %s", wanted, r.body);
  json_decref(map);
}
static void update_scopes(struct vault *v, const char *scopes) {
  struct us_reply r = us_with_pat(v->w, "PUT", us_text(v->w, ALPHA_UMA "resource_set/%s", v->lake), v->pat,
                                  us_text(v->w, "{\"name\":\"Lake Trip\",\"resource_scopes\":%s}", scopes));
  assert_status(r, 200);
}

static void a_type_is_a_view_of_its_resource(void **state) {
  struct vault v = setup(state);
  struct us_reply r = us_with_sso(v.w, "GET", v.url, v.admin, NULL, NULL);
  int64_t now = us_world_now_ms(v.w);
  assert_body(r, 200,
              us_text(v.w,
                      "{\"_id\":\"%s\",\"_rev\":\"1\",\"uuid\":\"%s\",\"name\":\"Lake Trip - "
                      "%s\",\"description\":\"Dynamically created "
                      "resource type for the UMA resource set. Used to find all Policy Engine Policies that make up an "
                      "UMA Policy\","
                      "\"patterns\":[\"uma://-*-\"],\"actions\":{\"see\":true,\"annotate\":true},"
                      "\"createdBy\":\"id=alice,ou=user,o=alpha,ou=services,dc=usher\",\"creationDate\":%lld,"
                      "\"lastModifiedBy\":\"id=alice,ou=user,o=alpha,ou=services,dc=usher\",\"lastModifiedDate\":%lld}",
                      v.lake, v.lake, v.lake, (long long)now, (long long)now));
  assert_string_equal(us_reply_header(&r, "ETag"), "\"1\"");
  r = us_with_pat(v.w, "GET", v.url, v.pat, NULL);
  assert_status(r, 200);
  const char *bare = us_register(v.w, v.pat, "{\"resource_scopes\":[\"x\"]}");
  r = us_with_pat(v.w, "GET", us_text(v.w, TYPES "/%s", bare), v.pat, NULL);
  assert_string_equal(us_reply_str(&r, "name"), bare);
  r = us_with_sso(v.w, "GET", v.url, v.admin, "If-None-Match: \"1\"", NULL);
  assert_status(r, 304);
  assert_rest(us_with_sso(v.w, "GET", TYPES "/none", v.admin, NULL, NULL), 404,
              "Resource Type none does not exist in realm /alpha");
  assert_reply(us_with_pat(v.w, "DELETE", us_text(v.w, ALPHA_UMA "resource_set/%s", v.lake), v.pat, NULL), 204);
  assert_reply(us_with_sso(v.w, "GET", v.url, v.admin, NULL, NULL), 404);
}

/* h.4: the call of the page, without its slips. It names neither name nor patterns, and no precondition. */
static void the_documented_put_merges(void **state) {
  struct vault v = setup(state);
  const char *body = us_text(v.w,
                             "{\"uuid\":\"%s\",\"description\":\"Mine\",\"actions\":{\"see\":true,\"annotate\":true,"
                             "\"erase\":true,\"print\":false}}",
                             v.lake);
  struct us_reply r = us_send(
      v.w, "PUT", v.url,
      us_text(v.w,
              "Authorization: Bearer %s\nAccept-API-Version: protocol=1.0,resource=1.0\nContent-Type: application/json",
              v.pat),
      body);
  assert_status(r, 200);
  assert_string_equal(us_reply_str(&r, "name"), us_text(v.w, "Lake Trip - %s", v.lake));
  assert_string_equal(us_reply_str(&r, "description"), "Mine");
  assert_string_equal(us_reply_str(&r, "_rev"), "2");
  assert_actions(&v, "{\"see\":true,\"annotate\":true,\"erase\":true,\"print\":false}");
  /* what is left out stays; what follows from the resource is not taken from the body */
  assert_reply(put(&v, ",\"name\":\"other\",\"patterns\":[\"x\"]"), 200);
  r = us_with_sso(v.w, "PUT", v.url, v.admin, NULL, "{\"description\":null}");
  assert_string_equal(us_reply_str(&r, "description"), "Mine");
  assert_string_equal(us_reply_str(&r, "name"), us_text(v.w, "Lake Trip - %s", v.lake));
  assert_string_equal(us_reply_str(&r, "lastModifiedBy"), "id=amAdmin,ou=user,ou=services,dc=usher");
  assert_string_equal(us_reply_str(&r, "createdBy"), "id=alice,ou=user,o=alpha,ou=services,dc=usher");
  assert_actions(&v, "{\"see\":true,\"annotate\":true,\"erase\":true,\"print\":false}");
  assert_reply(put(&v, ",\"actions\":{}"), 200);
  assert_actions(&v, "{}");
}

static void what_is_wrong_with_a_put_is_said(void **state) {
  struct vault v = setup(state);
  assert_rest(us_with_pat(v.w, "PUT", v.url, v.pat, "{\"uuid\":\"630a0d\"}"), 400,
              "Resource Type UUID specified in URL does not match UUID specified in JSON.");
  assert_rest(put(&v, ",\"name\":\"\""), 400, "Resource Type name must be specified.");
  assert_rest(put(&v, ",\"actions\":[\"see\"]"), 400, "actions: must be an object of at most 256 members");
  assert_rest(put(&v, ",\"actions\":{\"see\":1}"), 400, "actions.see: must be true or false");
  assert_reply(put(&v, ",\"actions\":{\"\":true}"), 400);
  assert_reply(put(&v, ",\"actions\":{\"a\\nb\":true}"), 400);
  assert_reply(put(&v, ",\"description\":3"), 400);
  assert_reply(put(&v, ",\"actions\":{\"see\":true,}"), 400); /* the page's trailing comma */
  assert_reply(us_with_pat(v.w, "PUT", TYPES "/none", v.pat, "{\"actions\":{}}"), 404);
  assert_reply(us_with_sso(v.w, "PUT", v.url, v.admin, "If-Match: \"7\"", "{\"actions\":{}}"), 412);
  assert_reply(us_with_sso(v.w, "PUT", v.url, v.admin, "If-None-Match: *", "{\"actions\":{}}"), 412);
  assert_reply(us_with_sso(v.w, "PUT", TYPES "/none", v.admin, "If-None-Match: *", "{\"actions\":{}}"), 404);
  assert_actions(&v, "{\"see\":true,\"annotate\":true}");
  assert_reply(us_with_sso(v.w, "PUT", v.url, v.admin, "If-Match: \"1\"", "{\"actions\":{\"x\":true}}"), 200);
}

static void maps_and_names_end_somewhere(void **state) {
  struct vault v = setup(state);
  const char *map = "";
  for (size_t i = 0; i < US_TYPE_ACTIONS_MAX; i++)
    map = us_text(v.w, "%s%s\"a%zu\":%s", map, i ? "," : "", i, i % 2 ? "true" : "false");
  assert_reply(put(&v, us_text(v.w, ",\"actions\":{%s}", map)), 200);
  assert_reply(put(&v, us_text(v.w, ",\"actions\":{%s,\"more\":true}", map)), 400);
  char name[US_TYPE_ACTION_MAX_BYTES + 2];
  memset(name, 'x', sizeof(name));
  name[US_TYPE_ACTION_MAX_BYTES] = '\0';
  assert_reply(put(&v, us_text(v.w, ",\"actions\":{\"%s\":true}", name)), 200);
  name[US_TYPE_ACTION_MAX_BYTES] = 'x';
  name[US_TYPE_ACTION_MAX_BYTES + 1] = '\0';
  assert_reply(put(&v, us_text(v.w, ",\"actions\":{\"%s\":true}", name)), 400);
  char text[US_TYPE_DESCRIPTION_MAX_BYTES + 2];
  memset(text, 'x', sizeof(text));
  text[US_TYPE_DESCRIPTION_MAX_BYTES] = '\0';
  assert_reply(put(&v, us_text(v.w, ",\"description\":\"%s\"", text)), 200);
  text[US_TYPE_DESCRIPTION_MAX_BYTES] = 'x';
  text[US_TYPE_DESCRIPTION_MAX_BYTES + 1] = '\0';
  assert_reply(put(&v, us_text(v.w, ",\"description\":\"%s\"", text)), 400);
}

/* a.8: a field is a JSON pointer, and scopes that are URLs have slashes. */
static void a_field_may_have_slashes_and_tildes(void **state) {
  struct vault v = setup(state);
  assert_reply(put(&v, ",\"actions\":{\"https://a.example/~x\":true,\"see\":false}"), 200);
  static const struct {
    const char *fields, *body;
  } cases[] = {
      {"actions/https:~1~1a.example~1~0x", "\"https://a.example/~x\":true"},
      {"/actions/https:~1~1a.example~1~0x,actions/see", "\"https://a.example/~x\":true,\"see\":false"},
      {"actions/see,actions/https://a.example/~x", "\"see\":false"},
      {"actions/see,actions/https:~1~1a.example~1~2x,actions/see~", "\"see\":false"},
      {"actions/see,actions/se%7E0e", "\"see\":false"},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
    assert_body(us_with_pat(v.w, "GET", us_text(v.w, "%s?_fields=%s", v.url, cases[i].fields), v.pat, NULL), 200,
                us_text(v.w, "{\"_id\":\"%s\",\"_rev\":\"2\",%s}", v.lake, cases[i].body));
  const char *longest = us_text(v.w, "%0255d", 0);
  assert_reply(put(&v, us_text(v.w, ",\"actions\":{\"%s~\":true}", longest + 1)), 200);
  struct us_reply r = us_with_pat(v.w, "GET", us_text(v.w, "%s?_fields=actions/%s~0", v.url, longest + 1), v.pat, NULL);
  assert_non_null(json_object_get(r.json, us_text(v.w, "%s~", longest + 1)));
  r = us_with_pat(v.w, "GET", us_text(v.w, "%s?_fields=actions/~0%01000d", v.url, 0), v.pat, NULL);
  assert_body(r, 200, us_text(v.w, "{\"_id\":\"%s\",\"_rev\":\"3\"}", v.lake));
}

/* h.1: what a PUT added survives updates that do not mention it; scopes that come and go take their action along. */
static void the_map_follows_the_resource(void **state) {
  struct vault v = setup(state);
  assert_reply(put(&v, ",\"actions\":{\"see\":false,\"erase\":true}"), 200);
  update_scopes(&v, "[\"see\",\"fetch\"]");
  assert_actions(&v, "{\"see\":false,\"erase\":true,\"fetch\":true}");
  update_scopes(&v, "[\"erase\"]");
  assert_actions(&v, "{\"erase\":true}");
  update_scopes(&v, "[\"x\"]");
  assert_actions(&v, "{\"x\":true}");
}

static struct us_reply share(struct vault *v, const char *scopes) {
  return put_policy(v->w, v->alice, v->lake, NULL, us_text(v->w, "[{\"subject\":\"bob\",\"scopes\":%s}]", scopes),
                    NULL);
}

/* The story of the page: add the action here, then use it in a policy. */
static void an_action_is_a_scope_that_policies_may_name(void **state) {
  struct vault v = setup(state);
  assert_rest(share(&v, "[\"erase\"]"), 400,
              "Defined Resource Set scopes, [see, annotate], do not contain requested scopes, [erase]");
  assert_reply(put(&v, ",\"actions\":{\"erase\":true,\"burn\":false}"), 200);
  assert_reply(share(&v, "[\"see\",\"erase\"]"), 201);
  assert_rest(share(&v, "[\"burn\"]"), 400,
              "Defined Resource Set scopes, [see, annotate, erase], do not contain requested scopes, [burn]");
  /* Gone from the type and not in the resource: gone from the share. "see" is the resource's own. */
  assert_reply(put(&v, ",\"actions\":{\"erase\":false}"), 200);
  struct us_reply r = get_policy(v.w, v.alice, v.lake);
  assert_status(r, 200);
  const json_t *scopes = json_object_get(json_array_get(json_object_get(r.json, "permissions"), 0), "scopes");
  assert_int_equal(json_array_size(scopes), 1);
  assert_string_equal(json_string_value(json_array_get(scopes, 0)), "see");
}

static void others_are_refused(void **state) {
  struct vault v = setup(state);
  const char *body = "{\"actions\":{\"see\":true}}";
  const struct {
    const char *pat;
    int status;
  } pats[] = {
      {us_pat(v.w, "alice", RS2), 403}, /* another client of the same owner */
      {us_pat(v.w, "bob", RS1), 403},   /* another owner at the same client */
      {"nonsense", 401},
  };
  for (size_t i = 0; i < sizeof(pats) / sizeof(pats[0]); i++) {
    assert_reply(us_with_pat(v.w, "GET", v.url, pats[i].pat, NULL), pats[i].status);
    assert_reply(us_with_pat(v.w, "PUT", v.url, pats[i].pat, body), pats[i].status);
    assert_reply(us_with_pat(v.w, "DELETE", v.url, pats[i].pat, NULL), pats[i].status);
  }
  assert_reply(us_send(v.w, "GET", v.url, NULL, NULL), 401);
  assert_reply(us_send(v.w, "PUT", v.url, "Content-Type: application/json", body), 401);
  assert_reply(us_with_sso(v.w, "PUT", v.url, v.alice, NULL, body),
               403); /* the owner's session is no administrator's */
  assert_reply(us_with_sso(v.w, "GET", TYPES "?_queryFilter=true", us_sso(v.w, "bob"), NULL, NULL), 403);
  /* (b): the realm of the URL counts */
  assert_reply(us_with_pat(v.w, "GET", us_text(v.w, "/am/json/resourcetypes/%s", v.lake), v.pat, NULL), 401);
  assert_reply(us_with_sso(v.w, "GET", us_text(v.w, "/am/json/resourcetypes/%s", v.lake), v.admin, NULL, NULL), 404);
  assert_reply(us_with_pat(v.w, "PUT", v.url, v.pat, body), 200);
}

static void types_come_and_go_with_their_resources_only(void **state) {
  struct vault v = setup(state);
  const char *refusal =
      us_text(v.w, "Unable to remove resource type %s because it is referenced in the policy model.", v.lake);
  assert_rest(us_with_sso(v.w, "DELETE", v.url, v.admin, NULL, NULL), 409, refusal);
  assert_rest(us_with_pat(v.w, "DELETE", v.url, v.pat, NULL), 409, refusal);
  assert_reply(us_with_sso(v.w, "DELETE", TYPES "/none", v.admin, NULL, NULL), 404);
  assert_reply(us_with_sso(v.w, "POST", TYPES "?_action=create", v.admin, NULL, "{\"name\":\"x\"}"), 501);
  assert_reply(us_with_sso(v.w, "GET", TYPES, v.admin, NULL, NULL), 400);
}

static const char *found(struct vault *v, const char *filter, const char *more) {
  struct us_reply r = us_with_sso(v->w, "GET", us_text(v->w, TYPES "?_queryFilter=%s%s", us_enc(v->w, filter), more),
                                  v->admin, NULL, NULL);
  const char *text = "";
  assert_status(r, 200);
  const json_t *result = json_object_get(r.json, "result");
  for (size_t i = 0; i < json_array_size(result); i++) {
    const char *name = json_string_value(json_object_get(json_array_get(result, i), "name"));
    text = us_text(v->w, "%s%.4s,", text, name);
  }
  return text;
}

static void types_are_asked_for_by_their_fields(void **state) {
  struct vault v = setup(state);
  us_register(v.w, us_pat(v.w, "bob", RS2), "{\"name\":\"boat\",\"resource_scopes\":[\"view\"]}");
  const char *zoo = us_register(v.w, v.pat, "{\"name\":\"Zoos\",\"resource_scopes\":[\"view\",\"See\"]}");
  assert_reply(put(&v, ",\"description\":\"Mine\",\"actions\":{\"erase\":false}"), 200);
  assert_string_equal(found(&v, "true", ""), "Lake,Zoos,boat,");
  assert_string_equal(found(&v, "true", "&_sortKeys=-name"), "boat,Zoos,Lake,");
  assert_string_equal(found(&v, us_text(v.w, "uuid eq '%s'", zoo), ""), "Zoos,");
  assert_string_equal(found(&v, us_text(v.w, "name eq 'ZOOS - %s'", zoo), ""), "Zoos,");
  assert_string_equal(found(&v, "name sw 'l' or name co 'boa'", ""), "Lake,boat,");
  assert_string_equal(found(&v, "description eq 'Mine'", ""), "Lake,");
  assert_string_equal(found(&v, "! description sw 'Dynamically'", ""), "Lake,");
  assert_string_equal(found(&v, "patterns eq 'uma://-*-'", ""), "Lake,Zoos,boat,");
  assert_string_equal(found(&v, "patterns co 'http'", ""), "");
  assert_string_equal(found(&v, "actions eq 'view'", ""), "Zoos,boat,");
  assert_string_equal(found(&v, "actions eq 'see'", ""), ""); /* the map of the lake has only "erase" now */
  assert_string_equal(found(&v, "actions eq 'erase'", ""), "Lake,");
  assert_rest(us_with_sso(v.w, "GET", TYPES "?_queryFilter=owner+eq+'x'", v.admin, NULL, NULL), 400,
              "'/owner' not queryable");
  assert_rest(us_with_sso(v.w, "GET", TYPES "?_queryFilter=name+gt+'x'", v.admin, NULL, NULL), 400,
              "'gt' not supported");
  assert_rest(us_with_sso(v.w, "GET", TYPES "?_queryFilter=true&_sortKeys=uuid", v.admin, NULL, NULL), 400,
              "'uuid' not sortable");
  /* pages by cookie; what remains is exact */
  struct us_reply r = us_with_sso(v.w, "GET", TYPES "?_queryFilter=true&_pageSize=2", v.admin, NULL, NULL);
  assert_int_equal(us_reply_int(&r, "remainingPagedResults"), 1);
  assert_string_equal(
      found(&v, "true", us_text(v.w, "&_pageSize=2&_pagedResultsCookie=%s", us_reply_str(&r, "pagedResultsCookie"))),
      "boat,");
  /* a PAT sees those of its owner at its client */
  r = us_with_pat(v.w, "GET", TYPES "?_queryFilter=true", v.pat, NULL);
  assert_int_equal(us_reply_int(&r, "resultCount"), 2);
  r = us_with_pat(v.w, "GET", TYPES "?_queryFilter=true", us_pat(v.w, "alice", RS2), NULL);
  assert_int_equal(us_reply_int(&r, "resultCount"), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(a_type_is_a_view_of_its_resource),
      STORY(the_documented_put_merges),
      STORY(what_is_wrong_with_a_put_is_said),
      STORY(maps_and_names_end_somewhere),
      STORY(a_field_may_have_slashes_and_tildes),
      STORY(the_map_follows_the_resource),
      STORY(an_action_is_a_scope_that_policies_may_name),
      STORY(others_are_refused),
      STORY(types_come_and_go_with_their_resources_only),
      STORY(types_are_asked_for_by_their_fields),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
