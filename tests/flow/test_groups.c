/*
 * By what shares mean people: groups of the realm, as they are at that moment, and the attribute that a realm's usernameAttribute
 * names (design 6, REST contract c.6).
 */
#include "flow/graph.h"

#include "domain/cascade.h"
#include "domain/group.h"
#include "domain/subject.h"

struct group_step {
  const char *group, *person;
  enum us_code (*change)(struct us_cx *cx, const struct us_group *group, int64_t account_id);
  enum us_code code;
};
static enum us_code group_step(struct us_cx *cx, void *self) {
  struct group_step *step = self;
  struct us_group group = {0};
  struct us_account account = {0};
  int64_t realm_id = people_realm_id(cx, "/alpha"), id;
  if (!step->change)
    return us_group_create(cx, realm_id, us_str_c(step->group), &id);
  US_TRY(us_group_by_name(cx, realm_id, us_str_c(step->group), &group));
  if (step->person)
    US_TRY(us_account_by_name(cx, realm_id, us_str_c(step->person), &account));
  return step->change(cx, &group, account.id);
}
static enum us_code change_group(struct us_world *w, const char *group, const char *person,
                                 enum us_code (*change)(struct us_cx *cx, const struct us_group *group, int64_t id)) {
  struct group_step step = {.group = group, .person = person, .change = change};
  us_world_advance_ms(w, 1);
  return us_world_transact(w, group_step, &step);
}
static enum us_code delete_group(struct us_cx *cx, const struct us_group *group, int64_t account_id) {
  (void)account_id;
  return us_group_delete(cx, group);
}
static void make_group(struct us_world *w, const char *group) {
  assert_int_equal(change_group(w, group, NULL, NULL), US_OK);
}
static void joins(struct us_world *w, const char *person, const char *group) {
  assert_int_equal(change_group(w, group, person, us_group_add), US_OK);
}
static void leaves(struct us_world *w, const char *person, const char *group) {
  assert_int_equal(change_group(w, group, person, us_group_remove), US_OK);
}

static void a_group_is_who_is_in_it_now(void **state) {
  struct scene s = scene_with(*state, TRIP);
  shares_with(&s, "alice", "group:Family:see", NULL); /* nobody has made it yet: as with a user who is not there */
  may_not(&s, "bob", "see");
  make_group(s.w, "family");
  joins(s.w, "bob", "FAMILY");
  const char *rpt = may(&s, "bob", "see");
  may_not(&s, "carol", "see");
  joins(s.w, "carol", "family");
  assert_string_equal(holds(&s, rpt), "see");
  leaves(s.w, "bob", "family");
  assert_string_equal(holds(&s, rpt), "");
  may_not(&s, "bob", "see");
  may(&s, "carol", "see");
  joins(s.w, "bob", "family");
  assert_string_equal(holds(&s, rpt), "see"); /* the token is alive, and so is the right */
}

static void a_group_in_another_realm_is_another_group(void **state) {
  struct scene s = scene_with(*state, TRIP);
  make_group(s.w, "family");
  add_realm(s.w, "/north");
  shares_with(&s, "alice", "group:family:see", NULL);
  shares_with(&s, "alice", "group:famil:see group:family2:see", NULL); /* nor one with nearly that name */
  joins(s.w, "bob", "family");
  may_not(&s, "bob", "see");
}

/* A member shares on; when it leaves, those behind it have nothing, at once. */
static void members_share_on_while_they_are_members(void **state) {
  struct scene s = scene_with(*state, TRIP);
  make_group(s.w, "family");
  make_group(s.w, "friends");
  joins(s.w, "bob", "family");
  shares_with(&s, "alice", "group:family:see", NULL);
  shares_with(&s, "bob", "group:friends:see", NULL);
  joins(s.w, "carol", "friends");
  assert_active(&s, "bob", "group:friends", "[\"see\"]");
  const char *rpt = may(&s, "carol", "see");
  may_not_share(&s, "dave", "bob:see");
  leaves(s.w, "bob", "family");
  assert_active(&s, "bob", "group:friends", "[]");
  assert_string_equal(holds(&s, rpt), "");
  may_not(&s, "carol", "see");
  joins(s.w, "bob", "family");
  assert_active(&s, "bob", "group:friends", "[\"see\"]");
  assert_string_equal(holds(&s, rpt), "see");
  shares_with(&s, "carol", "group:family:see", NULL); /* a circle through two groups */
  shares_with(&s, "alice", "dave:see", NULL);
  assert_active(&s, "bob", "group:friends", "[]");
  assert_active(&s, "carol", "group:family", "[]");
  may_not(&s, "bob", "see");
}

static void own_shares_and_those_of_groups_add_up(void **state) {
  struct scene s = scene_with(*state, TRIP);
  make_group(s.w, "family");
  make_group(s.w, "friends");
  joins(s.w, "bob", "family");
  joins(s.w, "bob", "friends");
  shares_with(&s, "alice", "bob:see group:family:annotate group:friends:fetch", NULL);
  struct us_reply r = asks_through(&s, C1, "bob", "[\"see\",\"annotate\",\"fetch\"]", NULL);
  assert_status(r, 200);
  const char *rpt = us_reply_str(&r, "access_token");
  assert_string_equal(holds(&s, rpt), "see annotate fetch");
  leaves(s.w, "bob", "family");
  assert_string_equal(holds(&s, rpt), "see fetch");
}

/* With its shares: who is in a group that is made anew under the name has nothing of them. */
static void a_deleted_group_leaves_nothing_behind(void **state) {
  struct scene s = scene_with(*state, TRIP);
  make_group(s.w, "family");
  joins(s.w, "bob", "family");
  shares_with(&s, "alice", "group:family:see dave:see", NULL);
  shares_with(&s, "bob", "carol:see", NULL);
  const char *bobs = may(&s, "bob", "see"), *carols = may(&s, "carol", "see");
  assert_int_equal(change_group(s.w, "family", NULL, delete_group), US_OK);
  assert_string_equal(holds(&s, bobs), "");
  assert_string_equal(holds(&s, carols), "");
  assert_active(&s, "alice", "group:family", "-");
  assert_active(&s, "alice", "dave", "[\"see\"]");
  assert_active(&s, "bob", "carol", "[]");
  make_group(s.w, "family");
  joins(s.w, "bob", "family");
  may_not(&s, "bob", "see");
}

/* A group with more members than a portion: nobody is in it from the first on, its name is held until the last. */
static enum us_code crowd_step(struct us_cx *cx, void *self) {
  static const char SQL[] =
      "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) INSERT INTO "
      "group_member (group_id, account_id) SELECT g.id, n.i FROM n, user_group g WHERE g.name_key = 'crowd'";
  (void)self;
  return us_sql_run(cx, NULL, SQL, "i", (int64_t)US_CASCADE_ROWS);
}
static enum us_code continue_step(struct us_cx *cx, void *self) {
  return us_cascade_continue(cx, self);
}
static void a_large_group_goes_in_portions(void **state) {
  struct scene s = scene_with(*state, TRIP);
  make_group(s.w, "crowd");
  shares_with(&s, "alice", "group:crowd:see", NULL);
  joins(s.w, "bob", "crowd");
  may(&s, "bob", "see");
  us_world_advance_ms(s.w, 1);
  assert_int_equal(us_world_transact(s.w, crowd_step, NULL), US_OK);
  assert_int_equal(change_group(s.w, "crowd", NULL, delete_group), US_OK);
  may_not(&s, "bob", "see");
  assert_int_equal(change_group(s.w, "crowd", NULL, NULL), US_E_CONFLICT);
  assert_active(&s, "alice", "group:crowd", "[\"see\"]");
  bool more = true;
  for (int i = 0; more; i++) {
    assert_in_range(i, 0, 5);
    us_world_advance_ms(s.w, 1);
    assert_int_equal(us_world_transact(s.w, continue_step, &more), US_OK);
  }
  assert_active(&s, "alice", "group:crowd", "-");
  make_group(s.w, "crowd");
}

static void somebody_can_be_in_so_many_groups(void **state) {
  struct us_world *w = *state;
  for (int i = 0; i <= US_GROUPS_OF_ACCOUNT_MAX; i++) {
    const char *name = us_text(w, "g%d", i);
    make_group(w, name);
    assert_int_equal(change_group(w, name, "bob", us_group_add),
                     i < US_GROUPS_OF_ACCOUNT_MAX ? US_OK : US_E_INVALID_REQUEST);
  }
  struct scene s = scene_with(w, TRIP);
  shares_with(&s, "alice", us_text(w, "group:g%d:see", US_GROUPS_OF_ACCOUNT_MAX - 1), NULL);
  may(&s, "bob", "see");
  shares_with(&s, "alice", us_text(w, "group:g%d:see", US_GROUPS_OF_ACCOUNT_MAX), NULL);
  may_not(&s, "bob", "see");
}

static void names_of_groups_have_rules(void **state) {
  struct us_world *w = *state;
  static const char *const bad[] = {"", "a/b", "a,b", " a", "a ", "a\"b", "group:x", "(usr!x)", "a\x01"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    assert_int_equal(change_group(w, bad[i], NULL, NULL), US_E_INVALID_REQUEST);
  char name[US_GROUP_NAME_MAX_BYTES + 2];
  memset(name, 'g', sizeof(name));
  name[US_GROUP_NAME_MAX_BYTES + 1] = '\0';
  assert_int_equal(change_group(w, name, NULL, NULL), US_E_INVALID_REQUEST);
  name[US_GROUP_NAME_MAX_BYTES] = '\0';
  make_group(w, name);
  make_group(w, "Family");
  assert_int_equal(change_group(w, "family", NULL, NULL), US_E_CONFLICT);
  joins(w, "bob", "family");
  assert_int_equal(change_group(w, "family", "bob", us_group_add), US_E_CONFLICT);
  assert_int_equal(change_group(w, "family", "carol", us_group_remove), US_E_NOT_FOUND);
}

/* A deleted person is in no group any more, under no name. */
static enum us_code delete_now(struct us_cx *cx, struct us_account *account) {
  return us_account_delete(cx, account);
}
static void membership_goes_with_the_person(void **state) {
  struct scene s = scene_with(*state, TRIP);
  make_group(s.w, "family");
  joins(s.w, "bob", "family");
  shares_with(&s, "alice", "group:family:see", NULL);
  may(&s, "bob", "see");
  change_person(s.w, "bob", delete_now);
  us_world_advance_ms(s.w, 1000);
  add_person(s.w, "/alpha", "bob", false);
  s.persons[person(&s, "bob")].id_token = NULL;
  may_not(&s, "bob", "see");
}

/* usernameAttribute */
static const char *new_mail;
static enum us_code set_mail(struct us_cx *cx, struct us_account *account) {
  struct us_account_new in = {.mail = us_str_c(new_mail)};
  return us_account_update(cx, account, &in);
}
static void has_mail(struct us_world *w, const char *person, const char *mail) {
  new_mail = mail;
  change_person(w, person, set_mail);
}

static void a_realm_may_mean_people_by_their_mail(void **state) {
  struct scene s = scene_with(*state, TRIP);
  us_world_set(s.w, "usernameAttribute", "mail");
  has_mail(s.w, "bob", "Bob@Example.net");
  shares_with(&s, "alice", "bob@example.NET:see carol:see", NULL);
  const char *rpt = may(&s, "bob", "see");
  may_not(&s, "carol", "see"); /* her name means nobody here, and she has no mail */
  shares_with(&s, "bob", "dave@example.net:see", NULL);
  has_mail(s.w, "dave", "dave@example.net");
  const char *daves = may(&s, "dave", "see");
  has_mail(s.w, "bob", "robert@example.net"); /* not the one who was meant any more */
  assert_string_equal(holds(&s, rpt), "");
  assert_string_equal(holds(&s, daves), "");
  assert_active(&s, "bob", "dave@example.net", "[]");
  may_not(&s, "bob", "see");
  has_mail(s.w, "carol", "bob@example.net");
  may(&s, "carol", "see");
  has_mail(s.w, "bob", "bob@example.net"); /* two with one address: both are meant */
  assert_active(&s, "bob", "dave@example.net", "[\"see\"]");
  assert_string_equal(holds(&s, daves), "see");
  change_person(s.w, "bob", delete_now); /* what meant him is gone */
  may_not(&s, "carol", "see");
  assert_active(&s, "alice", "bob@example.net", "-");
}

static enum us_code tidy_step(struct us_cx *cx, void *self) {
  return us_cascade_continue(cx, self);
}
static void tidy(struct us_world *w) {
  bool more = true;
  for (int rounds = 0; more; rounds++) {
    assert_true(rounds < 100);
    assert_int_equal(us_world_transact(w, tidy_step, &more), US_OK);
  }
}

/* What shares mean is a matter of the moment: also what was given out before, and what was shared on. */
static void changing_the_attribute_changes_who_is_meant(void **state) {
  struct scene s = scene_with(*state, TRIP);
  shares_with(&s, "alice", "bob:see", NULL);
  shares_with(&s, "bob", "dave:see", NULL);
  const char *rpt = may(&s, "bob", "see"), *daves = may(&s, "dave", "see");
  tidy(s.w);
  assert_string_equal(holds(&s, rpt), "see");
  has_mail(s.w, "bob", "bob@example.net");
  us_world_set(s.w, "usernameAttribute", "mail");
  tidy(s.w);
  may_not(&s, "bob", "see");
  assert_string_equal(holds(&s, rpt), "");
  assert_string_equal(holds(&s, daves), "");
  assert_active(&s, "bob", "dave", "[]");
  us_world_set(s.w, "usernameAttribute", "");
  tidy(s.w);
  assert_active(&s, "bob", "dave", "[\"see\"]");
  assert_string_equal(holds(&s, rpt), "see");
  may(&s, "dave", "see");
}

static const char *waiting(struct scene *s) {
  struct us_reply r =
      us_with_sso(s->w, "GET", PENDING "?_queryFilter=true&_sortKeys=user", sso_of(s, "alice"), NULL, NULL);
  const char *text = "";
  json_t *item;
  size_t i;
  assert_status(r, 200);
  json_array_foreach(json_object_get(r.json, "result"), i, item) text =
      us_text(s->w, "%s%s ", text, json_string_value(json_object_get(item, "user")));
  return text;
}
static struct us_reply approves(struct scene *s, const char *which) {
  return us_with_sso(s->w, "POST", us_text(s->w, PENDING "%s", which), sso_of(s, "alice"), NULL, NULL);
}

static void an_approval_means_the_person_as_shares_do(void **state) {
  struct scene s = scene_with(*state, TRIP);
  us_world_set(s.w, "usernameAttribute", "mail");
  has_mail(s.w, "bob", "Bob@example.net");
  has_mail(s.w, "dave", "bob"); /* would be meant by the name */
  has_mail(s.w, "carol", "");
  may_not(&s, "bob", "see");
  may_not(&s, "carol", "see");
  assert_reply(approves(&s, "?_action=approveAll"), 200);
  assert_active(&s, "alice", "bob@example.net", "[\"see\"]");
  assert_active(&s, "alice", "bob", "-");
  may(&s, "bob", "see");
  may_not(&s, "dave", "see");
  assert_string_equal(waiting(&s), "carol dave "); /* no share could mean carol */
  struct us_reply r = us_with_sso(s.w, "GET",
                                  PENDING "?_queryFilter="
                                          "user%20eq%20%22carol%22",
                                  sso_of(&s, "alice"), NULL, NULL);
  const char *carols =
      us_text(s.w, "/%s?_action=approve",
              json_string_value(json_object_get(json_array_get(json_object_get(r.json, "result"), 0), "_id")));
  assert_rest(approves(&s, carols), 400, "Nothing can be shared with the requesting party now: it has no mail");
  assert_string_equal(waiting(&s), "carol dave ");
  has_mail(s.w, "carol", "carol@example.net");
  assert_reply(approves(&s, carols), 200);
  may(&s, "carol", "see");
}

static void an_attribute_that_looks_like_a_group_is_none(void **state) {
  struct scene s = scene_with(*state, TRIP);
  us_world_set(s.w, "usernameAttribute", "mail");
  make_group(s.w, "family");
  shares_with(&s, "alice", "group:family:see", NULL);
  has_mail(s.w, "bob", "Group:family");
  may_not(&s, "bob", "see");
  joins(s.w, "bob", "family");
  may(&s, "bob", "see");
}

static void an_unknown_attribute_is_the_user_name(void **state) {
  struct scene s = scene_with(*state, TRIP);
  us_world_set(s.w, "usernameAttribute", "employeeNumber");
  shares_with(&s, "alice", "bob:see", NULL);
  may(&s, "bob", "see");
  us_world_set(s.w, "usernameAttribute", "UID");
  may(&s, "bob", "see");
  us_world_set(s.w, "usernameAttribute", "sn");
  may_not(&s, "bob", "see");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(a_group_is_who_is_in_it_now),
      STORY(a_group_in_another_realm_is_another_group),
      STORY(members_share_on_while_they_are_members),
      STORY(own_shares_and_those_of_groups_add_up),
      STORY(a_deleted_group_leaves_nothing_behind),
      STORY(a_large_group_goes_in_portions),
      STORY(somebody_can_be_in_so_many_groups),
      STORY(names_of_groups_have_rules),
      STORY(membership_goes_with_the_person),
      STORY(a_realm_may_mean_people_by_their_mail),
      STORY(changing_the_attribute_changes_who_is_meant),
      STORY(an_approval_means_the_person_as_shares_do),
      STORY(an_attribute_that_looks_like_a_group_is_none),
      STORY(an_unknown_attribute_is_the_user_name),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
