/* Words that the stories of the UMA side share: who is who, and what an RPT holds. */
#ifndef USHER_FLOW_UMA_H
#define USHER_FLOW_UMA_H

#include "base/mem.h"
#include "flow/flow.h"
#include "store/sql.h"

#define RS1 "UMA-Resource-Server"
#define RS2 "UMA-Resource-Server-2"
#define C1 "UMA-Client"
#define C2 "UMA-Client-2"
#define SETS ALPHA_UMA "resource_set"
#define PERM ALPHA_UMA "permission_request"
#define TOKEN ALPHA_OAUTH "access_token"
#define ALPHA_ISSUER WORLD_BASE "/oauth2/realms/root/realms/alpha"
#define ALBUM "{\"name\":\"album\",\"resource_scopes\":[\"view\",\"edit\",\"download\"]}"
#define PHOTO "{\"name\":\"photo\",\"resource_scopes\":[\"view\",\"print\",\"download\"]}"
#define INVALID_GRANT_TEXT "The provided access grant is invalid, expired, or revoked."

static inline const char *set_url(struct us_world *w, const char *id) {
  return us_text(w, SETS "/%s", id);
}

/* A ticket for some scopes (a JSON array) of one resource. */
static inline const char *ask_for(struct us_world *w, const char *pat, const char *id, const char *scopes) {
  return us_ask(w, pat, us_text(w, "{\"resource_id\":\"%s\",\"resource_scopes\":%s}", id, scopes));
}

/* assert_status and assert_error for an answer that has no name. */
#define expect_status(reply, wanted) us_expect((reply), (wanted), NULL, __FILE__, __LINE__)
#define expect_error(reply, wanted, oauth_error) us_expect((reply), (wanted), (oauth_error), __FILE__, __LINE__)
static inline void us_expect(struct us_reply r, int wanted, const char *oauth_error, const char *file, int line) {
  if (oauth_error)
    us_assert_error(&r, wanted, oauth_error, file, line);
  else
    us_assert_status(&r, wanted, file, line);
}

/* A grant that must succeed: the RPT. */
static inline const char *rpt_of(struct us_reply r) {
  assert_status(r, 200);
  assert_string_not_equal(us_reply_str(&r, "access_token"), "");
  return us_reply_str(&r, "access_token");
}

/* A refusal that must hand out the next ticket of the process: that ticket. */
static inline const char *successor(struct us_reply r, int status, const char *error) {
  assert_error(r, status, error);
  assert_string_not_equal(us_reply_str(&r, "ticket"), "");
  return us_reply_str(&r, "ticket");
}

static inline void assert_inactive(struct us_reply r) {
  assert_status(r, 200);
  assert_string_equal(r.body, "{\"active\":false}");
}

/* "id:view edit|id2:" in the order of the answer. */
static inline const char *permissions_text(struct us_world *w, const json_t *permissions) {
  const char *text = "";
  size_t i, j;
  json_t *permission, *scope;
  json_array_foreach(permissions, i, permission) {
    text = us_text(w, "%s%s%s:", text, i ? "|" : "", json_string_value(json_object_get(permission, "resource_id")));
    json_array_foreach(json_object_get(permission, "resource_scopes"), j, scope) text =
        us_text(w, "%s%s%s", text, j ? " " : "", json_string_value(scope));
  }
  return text;
}

/* What the RPT holds now, as this PAT sees it. */
#define assert_holds(w, pat, rpt, ...) us_assert_holds((w), (pat), (rpt), us_text((w), __VA_ARGS__), __FILE__, __LINE__)
static inline void us_assert_holds(struct us_world *w, const char *pat, const char *rpt, const char *expected,
                                   const char *file, int line) {
  struct us_reply r = us_introspect(w, pat, rpt);
  us_assert_status(&r, 200, file, line);
  const char *is = permissions_text(w, json_object_get(r.json, "permissions"));
  if (!json_is_true(json_object_get(r.json, "active")) || strcmp(is, expected) != 0) {
    print_error("%s\ninstead of %s\n", r.body, expected);
    _fail(file, line);
  }
}

/* The number that a query gives; the text must be a static constant. */
static inline int64_t us_count(struct us_world *w, const char *sql) {
  struct us_cx cx = {.mem = us_mem_root_new(0, 1 << 20), .svc = us_world_services(w), .now_ms = us_world_now_ms(w)};
  struct us_rows rows;
  assert_int_equal(us_db_begin_read(&cx, us_world_db(w)), US_OK);
  assert_int_equal(us_sql_open(&cx, &rows, sql, ""), US_OK);
  assert_true(us_sql_next(&rows));
  int64_t n = us_sql_i64(&rows, 0);
  assert_int_equal(us_sql_close(&rows), US_OK);
  us_db_end_read(&cx, us_world_db(w));
  us_mem_free(cx.mem);
  return n;
}

#endif
