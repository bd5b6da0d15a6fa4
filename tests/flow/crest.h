/* Words that the stories of the owner's side share: error bodies, logging in by hand, policies of alice. */
#ifndef USHER_FLOW_CREST_H
#define USHER_FLOW_CREST_H

#include "flow/flow.h"

#define RS1 "UMA-Resource-Server"
#define RS2 "UMA-Resource-Server-2"
#define AUTHENTICATE ALPHA_JSON "authenticate"
#define SESSIONS ALPHA_JSON "sessions?_action="
#define POLICIES ALPHA_JSON "users/alice/uma/policies"
#define PENDING ALPHA_JSON "users/alice/uma/pendingrequests"
#define ALBUM "{\"name\":\"album\",\"resource_scopes\":[\"view\",\"edit\",\"download\"]}"
#define PHOTO "{\"name\":\"photo\",\"resource_scopes\":[\"view\",\"print\"]}"

/* An error of Common REST (REST contract a.11) with just this message. */
#define assert_rest(reply, status, message) us_assert_rest((reply), (status), (message), __FILE__, __LINE__)
static inline void us_assert_rest(struct us_reply r, int status, const char *message, const char *file, int line) {
  us_assert_status(&r, status, file, line);
  if (us_reply_int(&r, "code") != status || us_reply_str(&r, "reason")[0] == '\0' ||
      strcmp(us_reply_str(&r, "message"), message) != 0) {
    print_error("wanted message '%s', got: %s\n", message, r.body);
    _fail(file, line);
  }
}
#define assert_reply(reply, status) us_assert_reply((reply), (status), __FILE__, __LINE__)
static inline struct us_reply us_assert_reply(struct us_reply r, int status, const char *file, int line) {
  us_assert_status(&r, status, file, line);
  return r;
}
#define assert_body(reply, status, json) us_assert_body((reply), (status), (json), __FILE__, __LINE__)
static inline void us_assert_body(struct us_reply r, int status, const char *json, const char *file, int line) {
  us_assert_status(&r, status, file, line);
  if (strcmp(r.body, json) != 0) {
    print_error("wanted %s, got: %s\n", json, r.body);
    _fail(file, line);
  }
}

static inline struct us_reply login_with(struct us_world *w, const char *query, const char *headers, const char *body) {
  return us_send(w, "POST", us_text(w, AUTHENTICATE "%s", query),
                 us_text(w, "Content-Type: application/json\n%s", headers), body);
}
static inline struct us_reply log_in(struct us_world *w, const char *user, const char *password) {
  return login_with(w, "", us_text(w, "X-OpenAM-Username: %s\nX-OpenAM-Password: %s", user, password), "{}");
}

/* As the pages of the lineage ask, in every call of theirs (REST contract k.2). */
static inline struct us_reply as_pages(struct us_world *w, const char *method, const char *target, const char *sso,
                                       const char *headers, const char *json) {
  return us_send(w, method, target,
                 us_text(w,
                         "iPlanetDirectoryPro: %s\nAccept-API-Version: protocol=1.0,resource=1.0\n"
                         "Content-Type: application/json%s%s",
                         sso, headers ? "\n" : "", headers ? headers : ""),
                 json);
}

static inline const char *policy_url(struct us_world *w, const char *id) {
  return us_text(w, POLICIES "/%s", id);
}
/* {"policyId":ID,"permissions":PERMISSIONS EXTRA}; extra begins with a comma. */
static inline const char *policy_body(struct us_world *w, const char *id, const char *permissions, const char *extra) {
  return us_text(w, "{\"policyId\":\"%s\",\"permissions\":%s%s}", id, permissions, extra ? extra : "");
}
static inline struct us_reply put_policy(struct us_world *w, const char *sso, const char *id, const char *precondition,
                                         const char *permissions, const char *extra) {
  return us_with_sso(w, "PUT", policy_url(w, id), sso, precondition, policy_body(w, id, permissions, extra));
}
static inline struct us_reply get_policy(struct us_world *w, const char *sso, const char *id) {
  return us_with_sso(w, "GET", policy_url(w, id), sso, NULL, NULL);
}
#define TO_BOB(scopes) "[{\"subject\":\"bob\",\"scopes\":" scopes "}]"

#endif
