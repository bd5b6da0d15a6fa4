/* Words that the stories of resource sets share. */
#ifndef USHER_FLOW_SETS_H
#define USHER_FLOW_SETS_H

#include "flow/crest.h"

#include "base/mem.h"
#include "store/sql.h"

#define SETS_OF(user) ALPHA_JSON "users/" user "/oauth2/resources/sets"
#define SETS SETS_OF("alice")
#define LABELS_OF(user) ALPHA_JSON "users/" user "/oauth2/resources/labels"

static inline struct us_reply sets_of(struct us_world *w, const char *user, const char *filter, const char *more) {
  return us_with_sso(
      w, "GET",
      us_text(w, ALPHA_JSON "users/%s/oauth2/resources/sets?_queryFilter=%s%s", user, us_enc(w, filter), more),
      us_sso(w, user), NULL, NULL);
}
static inline const json_t *item_at(const struct us_reply *r, size_t i) {
  return json_array_get(json_object_get(r->json, "result"), i);
}
static inline const char *item_text(const struct us_reply *r, size_t i, const char *member) {
  const char *text = json_string_value(json_object_get(item_at(r, i), member));
  return text ? text : "";
}
/* Names of what was found, in order, with a comma behind each. */
static inline const char *names_of(struct us_world *w, struct us_reply r) {
  const char *text = "";
  assert_status(r, 200);
  for (size_t i = 0; i < json_array_size(json_object_get(r.json, "result")); i++)
    text = us_text(w, "%s%s,", text, item_text(&r, i, "name"));
  return text;
}
static inline const char *named(struct us_world *w, const char *user, const char *filter, const char *more) {
  return names_of(w, sets_of(w, user, filter, more));
}
static inline const char *label_of(struct us_world *w, const char *user, const char *name, const char *type,
                                   const char *ids) {
  struct us_reply r =
      us_with_sso(w, "POST", us_text(w, ALPHA_JSON "users/%s/oauth2/resources/labels", user), us_sso(w, user), NULL,
                  us_text(w, "{\"name\":\"%s\",\"type\":\"%s\",\"resourceSetIDs\":[%s]}", name, type, ids));
  assert_status(r, 201);
  return us_reply_str(&r, "_id");
}
static inline struct us_reply put_policy_of(struct us_world *w, const char *user, const char *id,
                                            const char *permissions) {
  return us_with_sso(w, "PUT", us_text(w, ALPHA_JSON "users/%s/uma/policies/%s", user, id), us_sso(w, user), NULL,
                     us_text(w, "{\"policyId\":\"%s\",\"permissions\":%s}", id, permissions));
}
static inline void must(struct us_world *w, us_db_step_fn step, void *self) {
  assert_int_equal(us_world_transact(w, step, self), US_OK);
}
/* {group, member}: a group that comes into being with its first member. */
static inline enum us_code join_step(struct us_cx *cx, void *self) {
  static const char SQL[] = "INSERT INTO user_group (id, realm_id, name, name_key, created_ms) "
                            "SELECT 7000 + realm_id, realm_id, $1, LOWER($1), 1 FROM account WHERE name = 'alice' "
                            "ON CONFLICT DO NOTHING";
  static const char SQL_MEMBER[] = "INSERT INTO group_member (group_id, account_id) "
                                   "SELECT g.id, a.id FROM user_group g, account a WHERE g.name = $1 AND a.name = $2";
  const char *const *names = self;
  US_TRY(us_sql_run(cx, NULL, SQL, "c", names[0]));
  return us_sql_run(cx, NULL, SQL_MEMBER, "cc", names[0], names[1]);
}
static inline void join_group(struct us_world *w, const char *group, const char *member) {
  const char *names[] = {group, member};
  must(w, join_step, names);
}

#endif
