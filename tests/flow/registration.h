/* Words that the stories of dynamic registration share. */
#ifndef USHER_FLOW_REGISTRATION_H
#define USHER_FLOW_REGISTRATION_H

#include "flow/oauth.h"

#define REGISTER ALPHA_OAUTH "register"
#define REDIRECT "https://app.example/cb"
#define UMA_GRANT "urn:ietf:params:oauth:grant-type:uma-ticket"
#define DCR_SCOPE "dynamic_client_registration"

static inline struct us_reply post_json(struct us_world *w, const char *token, const char *json) {
  const char *type = "Content-Type: application/json";
  return us_send(w, "POST", REGISTER, token ? us_text(w, "%s\nAuthorization: Bearer %s", type, token) : type, json);
}
static inline struct us_reply sign_up(struct us_world *w, const char *json) {
  struct us_reply r = post_json(w, NULL, json);
  assert_status(r, 201);
  return r;
}
/* What stands behind a redirection URI that is fine. */
static inline const char *with_more(struct us_world *w, const char *more) {
  return us_text(w, "{\"redirect_uris\":[\"" REDIRECT "\"]%s%s}", more[0] ? "," : "", more);
}
static inline struct us_reply try_more(struct us_world *w, const char *more) {
  return post_json(w, NULL, with_more(w, more));
}
static inline const char *own_url(struct us_world *w, const struct us_reply *r) {
  return us_text(w, REGISTER "?client_id=%s", us_reply_str(r, "client_id"));
}
static inline struct us_reply manage(struct us_world *w, const char *method, const struct us_reply *who,
                                     const char *json) {
  return us_with_pat(w, method, own_url(w, who), us_reply_str(who, "registration_access_token"), json);
}
/* The object that says all of a client again, for a PUT: {"client_id":"...",<more>}. */
static inline const char *again(struct us_world *w, const struct us_reply *who, const char *more) {
  return us_text(w, "{\"client_id\":\"%s\",\"redirect_uris\":[\"" REDIRECT "\"]%s%s}", us_reply_str(who, "client_id"),
                 more[0] ? "," : "", more);
}
static inline bool has_member(const struct us_reply *r, const char *name) {
  return json_object_get(r->json, name) != NULL;
}
static inline const char *list_text(struct us_world *w, const struct us_reply *r, const char *name) {
  char *text = json_dumps(json_object_get(r->json, name), JSON_COMPACT | JSON_ENCODE_ANY);
  const char *copy = us_text(w, "%s", text ? text : "");
  free(text);
  return copy;
}
/* An access token that lets register, of a client made for that. */
static inline const char *initial_token(struct us_world *w, const char *scope) {
  create_client(w, (struct new_client){.id = "registrar",
                                       .secret = "mySecret",
                                       .method = "client_secret_post",
                                       .grants = "client_credentials",
                                       .scopes = DCR_SCOPE " other"});
  return take(token(w, "registrar", us_text(w, "grant_type=client_credentials&scope=%s", scope)), "access_token");
}

#endif
