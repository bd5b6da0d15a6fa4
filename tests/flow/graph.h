/* Words for stories about sharing on: who shares what with whom, who may do what, what of it is active. One resource a story. */
#ifndef USHER_FLOW_GRAPH_H
#define USHER_FLOW_GRAPH_H

#include "flow/people.h"

#include "base/mem.h"
#include "store/sql.h"

#define C1 "UMA-Client"
#define C2 "UMA-Client-2"
#define TRIP "{\"name\":\"Lake Trip\",\"resource_scopes\":[\"see\",\"annotate\",\"fetch\"]}"
#define PERSONS_MAX 16

struct scene {
  struct us_world *w;
  const char *pat, *id;
  struct {
    const char *name, *sso, *id_token;
  } persons[PERSONS_MAX];
};

/* alice's resource. */
static inline struct scene scene_with(struct us_world *w, const char *resource) {
  struct scene s = {.w = w, .pat = us_pat(w, "alice", RS1)};
  s.id = us_register(w, s.pat, resource);
  return s;
}

static inline size_t person(struct scene *s, const char *name) {
  size_t i = 0;
  while (i < PERSONS_MAX && s->persons[i].name && strcmp(s->persons[i].name, name) != 0)
    i++;
  assert_true(i < PERSONS_MAX);
  s->persons[i].name = name;
  return i;
}
/* Logging in costs a password: once a person. */
static inline const char *sso_of(struct scene *s, const char *name) {
  size_t i = person(s, name);
  if (!s->persons[i].sso)
    s->persons[i].sso = us_sso(s->w, name);
  return s->persons[i].sso;
}
static inline const char *id_token_of(struct scene *s, const char *name) {
  size_t i = person(s, name);
  if (!s->persons[i].id_token)
    s->persons[i].id_token = us_id_token(s->w, name, C1);
  return s->persons[i].id_token;
}

/* "bob:see,annotate carol:see" as the permissions of a policy. */
static inline const char *permissions_of(struct us_world *w, const char *shares) {
  const char *json = "";
  for (const char *p = shares; *p;) {
    const char *colon = strchr(strncmp(p, "group:", 6) == 0 ? p + 6 : p, ':');
    const char *end = strchrnul(colon, ' ');
    const char *scopes = "";
    for (const char *q = colon + 1; q < end;) {
      const char *comma = q;
      while (comma < end && *comma != ',')
        comma++;
      scopes = us_text(w, "%s%s\"%.*s\"", scopes, *scopes ? "," : "", (int)(comma - q), q);
      q = comma < end ? comma + 1 : end;
    }
    json =
        us_text(w, "%s%s{\"subject\":\"%.*s\",\"scopes\":[%s]}", json, *json ? "," : "", (int)(colon - p), p, scopes);
    p = *end ? end + 1 : end;
  }
  return us_text(w, "[%s]", json);
}
static inline const char *policy_of(struct scene *s, const char *sharer) {
  return us_text(s->w, ALPHA_JSON "users/%s/uma/policies/%s", sharer, s->id);
}
/* Creates or replaces; `extra` is more of the body beginning with a comma, or NULL. */
static inline struct us_reply shares_as(struct scene *s, const char *sharer, const char *precondition,
                                        const char *shares, const char *extra) {
  const char *body = us_text(s->w, "{\"policyId\":\"%s\",\"permissions\":%s%s}", s->id, permissions_of(s->w, shares),
                             extra ? extra : "");
  us_world_advance_ms(s->w, 1);
  return us_with_sso(s->w, "PUT", policy_of(s, sharer), sso_of(s, sharer), precondition, body);
}
#define shares_with(s, sharer, shares, extra) us_shares((s), (sharer), (shares), (extra), __FILE__, __LINE__)
static inline void us_shares(struct scene *s, const char *sharer, const char *shares, const char *extra,
                             const char *file, int line) {
  struct us_reply r = shares_as(s, sharer, NULL, shares, extra);
  if (r.status != 200)
    us_assert_status(&r, 201, file, line);
}
#define may_not_share(s, sharer, shares) assert_rest(shares_as((s), (sharer), NULL, (shares), NULL), 403, "Forbidden")
static inline void unshares(struct scene *s, const char *sharer) {
  us_world_advance_ms(s->w, 1);
  assert_reply(us_with_sso(s->w, "DELETE", policy_of(s, sharer), sso_of(s, sharer), NULL, NULL), 200);
}

static inline struct us_reply asks_through(struct scene *s, const char *client, const char *party, const char *scopes,
                                           const char *extra) {
  const char *ticket =
      us_ask(s->w, s->pat, us_text(s->w, "{\"resource_id\":\"%s\",\"resource_scopes\":%s}", s->id, scopes));
  const char *token = strcmp(client, C1) == 0 ? id_token_of(s, party) : us_id_token(s->w, party, client);
  return us_grant(s->w, client, ticket, token, extra);
}
static inline struct us_reply asks(struct scene *s, const char *party, const char *scope) {
  return asks_through(s, C1, party, us_text(s->w, "[\"%s\"]", scope), NULL);
}
#define may(s, party, scope) us_may((s), (party), (scope), __FILE__, __LINE__)
static inline const char *us_may(struct scene *s, const char *party, const char *scope, const char *file, int line) {
  struct us_reply r = asks(s, party, scope);
  us_assert_status(&r, 200, file, line);
  return us_reply_str(&r, "access_token");
}
#define may_not(s, party, scope) us_may_not((s), (party), (scope), __FILE__, __LINE__)
static inline void us_may_not(struct scene *s, const char *party, const char *scope, const char *file, int line) {
  struct us_reply r = asks(s, party, scope);
  us_assert_error(&r, 403, "request_submitted", file, line);
}

/* What an RPT holds of the resource now: "see annotate", "" for nothing. */
static inline const char *holds(struct scene *s, const char *rpt) {
  struct us_reply r = us_introspect(s->w, s->pat, rpt);
  assert_status(r, 200);
  const char *text = "";
  json_t *scope;
  size_t i;
  const json_t *permission = json_array_get(json_object_get(r.json, "permissions"), 0);
  assert_int_equal(json_is_true(json_object_get(r.json, "active")), permission != NULL);
  json_array_foreach(json_object_get(permission, "resource_scopes"), i, scope) text =
      us_text(s->w, "%s%s%s", text, *text ? " " : "", json_string_value(scope));
  return text;
}

/* What is active of what one shares with another, as it is stored: ["see"]; "-" when there is no such share. */
static inline const char *active(struct scene *s, const char *sharer, const char *subject) {
  static const char SQL[] =
      "SELECT q.active_scopes, q.is_active, q.scopes FROM permission q JOIN account a ON a.id = q.sharer_id"
      " WHERE a.name = $1 AND q.subject_key = $2";
  struct us_cx cx = {
      .mem = us_mem_root_new(0, 1 << 20), .svc = us_world_services(s->w), .now_ms = us_world_now_ms(s->w)};
  struct us_rows rows;
  const char *text = "-";
  assert_int_equal(us_db_begin_read(&cx, us_world_db(s->w)), US_OK);
  assert_int_equal(us_sql_open(&cx, &rows, SQL, "cc", sharer, subject), US_OK);
  if (us_sql_next(&rows)) {
    text = us_text(s->w, "%.*s", US_STR_ARG(us_sql_text(&rows, 0)));
    assert_int_equal(us_sql_i64(&rows, 1), strcmp(text, "[]") != 0);
  }
  assert_int_equal(us_sql_close(&rows), US_OK);
  us_db_end_read(&cx, us_world_db(s->w));
  us_mem_free(cx.mem);
  return text;
}
#define assert_active(s, sharer, subject, expected) assert_string_equal(active((s), (sharer), (subject)), (expected))

#endif
