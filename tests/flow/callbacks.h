/* Logging in by callbacks, as stories need it: ask, fill in, send back. */
#ifndef USHER_FLOW_CALLBACKS_H
#define USHER_FLOW_CALLBACKS_H

#include "flow/crest.h"

/* The object of an answer with the values filled in, in order; NULL ends them or leaves one as it is. */
static inline const char *filled(struct us_world *w, const struct us_reply *asked, const char *first,
                                 const char *second) {
  json_t *callbacks = json_object_get(asked->json, "callbacks");
  const char *const values[] = {first, second};
  for (size_t i = 0; i < 2 && values[i] != NULL; i++) {
    json_t *input = json_array_get(json_object_get(json_array_get(callbacks, i), "input"), 0);
    assert_int_equal(json_object_set_new(input, "value", json_string(values[i])), 0);
  }
  char *text = json_dumps(asked->json, JSON_COMPACT);
  const char *copy = us_text(w, "%s", text);
  free(text);
  return copy;
}

static inline struct us_reply ask(struct us_world *w) {
  struct us_reply r = login_with(w, "", "Accept-API-Version: resource=2.0, protocol=1.0", NULL);
  assert_status(r, 200);
  return r;
}
static inline struct us_reply send_back(struct us_world *w, const char *body) {
  return login_with(w, "", "X: y", body);
}

static inline enum us_code count_spent(struct us_cx *cx, void *self) {
  static const char SQL[] = "SELECT COUNT(*) FROM login_spent";
  static const struct us_column columns[] = {{US_COLUMN_I64, 0}};
  return us_sql_one(cx, columns, 1, self, SQL, "");
}
static inline int64_t spent(struct us_world *w) {
  int64_t count = -1;
  assert_int_equal(us_world_transact(w, count_spent, &count), US_OK);
  return count;
}

#endif
