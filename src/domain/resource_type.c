/* Resource types: see resource_type.h. */
#include "domain/resource_type.h"

#include "base/mem.h"
#include "json/json.h"
#include "json/write.h"

#define MAP_MAX_BYTES (1024 * 1024) /* twice the most names there can be, each byte escaped */

static enum us_code all_true(struct us_cx *cx, struct us_strs scopes, struct us_type_actions *ret_actions) {
  ret_actions->v = US_NEW_ARRAY(cx->mem, struct us_type_action, scopes.n + 1);
  ret_actions->n = scopes.n;
  if (ret_actions->v == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < scopes.n; i++)
    ret_actions->v[i] = (struct us_type_action){scopes.v[i], true};
  return US_OK;
}

static enum us_code copy_map(struct us_cx *cx, json_t *map, struct us_type_actions *ret_actions) {
  const char *name;
  json_t *value;
  struct us_type_actions actions = {US_NEW_ARRAY(cx->mem, struct us_type_action, json_object_size(map) + 1), 0};
  if (actions.v == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  json_object_foreach(map, name, value) {
    struct us_str copy = us_str_dup(cx->mem, us_str_c(name));
    if (copy.p == NULL)
      return us_fail_plain(cx, US_E_NO_MEMORY);
    actions.v[actions.n++] = (struct us_type_action){copy, json_is_true(value)};
  }
  *ret_actions = actions;
  return US_OK;
}

enum us_code us_resource_type_actions(struct us_cx *cx, const struct us_resource *resource,
                                      struct us_type_actions *ret_actions) {
  json_t *map;
  if (resource->type_actions.n == 0)
    return all_true(cx, resource->scopes, ret_actions);
  US_TRY(us_json_parse(cx, resource->type_actions, US_E_INTERNAL, &map)); /* our own text */
  enum us_code code = copy_map(cx, map, ret_actions);
  us_json_drop(cx, map);
  return code;
}

enum us_code us_resource_type_allowed(struct us_cx *cx, const struct us_resource *resource, struct us_strs *ret_names) {
  struct us_type_actions actions;
  if (resource->type_actions.n == 0) {
    *ret_names = resource->scopes;
    return US_OK;
  }
  US_TRY(us_resource_type_actions(cx, resource, &actions));
  struct us_strs names = {US_NEW_ARRAY(cx->mem, struct us_str, actions.n + 1), 0};
  if (names.v == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < actions.n; i++) {
    if (actions.v[i].is_allowed)
      names.v[names.n++] = actions.v[i].name;
  }
  *ret_names = names;
  return US_OK;
}

static bool has_action(const struct us_type_actions *actions, struct us_str name) {
  for (size_t i = 0; i < actions->n; i++) {
    if (us_str_eq(actions->v[i].name, name))
      return true;
  }
  return false;
}

static enum us_code as_text(struct us_cx *cx, const struct us_type_actions *actions, struct us_str *ret_map) {
  struct us_buf out;
  struct us_json_writer w;
  us_buf_init(&out, MAP_MAX_BYTES);
  us_json_writer_init(&w, &out);
  us_json_open(&w, '{');
  for (size_t i = 0; i < actions->n; i++) {
    us_json_name_str(&w, actions->v[i].name);
    us_json_bool(&w, actions->v[i].is_allowed);
  }
  us_json_close(&w, '}');
  *ret_map = us_buf_ok(&out) ? us_str_dup(cx->mem, us_buf_str(&out)) : US_STR_ABSENT;
  us_buf_done(&out);
  return ret_map->p ? US_OK : us_fail_plain(cx, US_E_NO_MEMORY);
}

/* Only what the update adds or takes away is touched: an action that somebody set to false stays so while its scope stays. */
enum us_code us_resource_type_follow(struct us_cx *cx, const struct us_resource *resource, struct us_strs scopes,
                                     struct us_str *ret_map) {
  struct us_type_actions old;
  if (resource->type_actions.n == 0) {
    *ret_map = US_STR("");
    return US_OK;
  }
  US_TRY(us_resource_type_actions(cx, resource, &old));
  struct us_type_actions next = {US_NEW_ARRAY(cx->mem, struct us_type_action, old.n + scopes.n + 1), 0};
  if (next.v == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < old.n; i++) {
    bool is_dropped = us_strs_has(resource->scopes, old.v[i].name) && !us_strs_has(scopes, old.v[i].name);
    if (!is_dropped)
      next.v[next.n++] = old.v[i];
  }
  for (size_t i = 0; i < scopes.n; i++) {
    bool is_new = !us_strs_has(resource->scopes, scopes.v[i]) && !has_action(&next, scopes.v[i]);
    if (is_new)
      next.v[next.n++] = (struct us_type_action){scopes.v[i], true};
  }
  return as_text(cx, &next, ret_map);
}
