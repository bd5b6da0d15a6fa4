/* Handles of the host as objects of a script, and JSON as tables: see lua.h. */
#include "lua.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OBJECT "usher.object"
static const char VETO = 0; /* its address marks tables that veto{...} made */

struct object {
  enum us_lua_kind kind;
  const void *handle;
  uint64_t call; /* the one that it is good for */
};

/* ---- JSON ---- */

static void push_value(lua_State *L, const json_t *value, int depth) {
  luaL_checkstack(L, 4, "a document is nested too deeply");
  if (depth > US_LUA_DEPTH_MAX)
    luaL_error(L, "a document is nested too deeply");
  switch (json_typeof(value)) {
  case JSON_OBJECT: {
    const char *name;
    json_t *member;
    lua_newtable(L);
    json_object_foreach((json_t *)value, name, member) {
      push_value(L, member, depth + 1);
      lua_setfield(L, -2, name);
    }
    break;
  }
  case JSON_ARRAY:
    lua_createtable(L, (int)json_array_size(value), 0);
    for (size_t i = 0; i < json_array_size(value); i++) {
      push_value(L, json_array_get(value, i), depth + 1);
      lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    break;
  case JSON_STRING:
    lua_pushlstring(L, json_string_value(value), json_string_length(value));
    break;
  case JSON_INTEGER:
    lua_pushinteger(L, json_integer_value(value));
    break;
  case JSON_REAL:
    lua_pushnumber(L, json_real_value(value));
    break;
  case JSON_TRUE:
  case JSON_FALSE:
    lua_pushboolean(L, json_is_true(value));
    break;
  case JSON_NULL:
    lua_pushnil(L);
    break;
  }
}

static int push_tree(lua_State *L) {
  push_value(L, lua_touserdata(L, 1), 0);
  return 1;
}

static bool push_owned(lua_State *L, json_t *tree) {
  lua_pushcfunction(L, push_tree);
  lua_pushlightuserdata(L, tree);
  int code = lua_pcall(L, 1, 1, 0); /* the tree is freed also when this fails */
  json_decref(tree);
  if (code != LUA_OK)
    lua_error(L);
  return true;
}

bool us_lua_json_push(lua_State *L, const char *text, size_t n) {
  json_t *tree = json_loadb(text, n, JSON_DECODE_ANY, NULL);
  return tree && push_owned(L, tree);
}

static json_t *value_at(lua_State *L, int index, int depth);

/* A table that holds another one twice, which does so, too, is small and has an endless text: so what becomes text is counted. */
static bool may_encode(lua_State *L, size_t bytes) {
  struct us_lua_state *s = us_lua_state_of(L);
  if (bytes > s->encode_bytes)
    return false;
  s->encode_bytes -= bytes;
  return true;
}

/* 1..n and nothing else is an array; so is an empty table, since lists are what is empty most. */
static json_t *array_at(lua_State *L, int index, int depth) {
  json_t *array = json_array();
  for (lua_Integer i = 1; array && i <= (lua_Integer)lua_rawlen(L, index); i++) {
    lua_rawgeti(L, index, i);
    json_t *value = value_at(L, lua_gettop(L), depth + 1);
    lua_pop(L, 1);
    if (!value || json_array_append_new(array, value) != 0) {
      json_decref(array);
      return NULL;
    }
  }
  return array;
}

static json_t *object_at(lua_State *L, int index, int depth) {
  json_t *object = json_object();
  lua_pushnil(L);
  while (object && lua_next(L, index)) {
    size_t n = 0;
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &n) : NULL;
    json_t *value = name && may_encode(L, n) ? value_at(L, lua_gettop(L), depth + 1) : NULL;
    lua_pop(L, 1);
    if (!value || json_object_setn_new(object, name, n, value) != 0) {
      json_decref(object);
      lua_pop(L, 1);
      return NULL;
    }
  }
  return object;
}

static bool is_array(lua_State *L, int index) {
  lua_Unsigned n = lua_rawlen(L, index), count = 0;
  lua_pushnil(L);
  while (lua_next(L, index)) {
    lua_pop(L, 1);
    count++;
    bool is_inside = lua_isinteger(L, -1) && lua_tointeger(L, -1) >= 1 && (lua_Unsigned)lua_tointeger(L, -1) <= n;
    if (!is_inside) {
      lua_pop(L, 1);
      return false;
    }
  }
  return count == n;
}

/* NULL: functions and their like, numbers that JSON does not have, texts that are not UTF-8, too much, or too deep (circles are, too). */
static json_t *value_at(lua_State *L, int index, int depth) {
  size_t n;
  const char *text;
  if (depth > US_LUA_DEPTH_MAX || !may_encode(L, 8) || !lua_checkstack(L, 8))
    return NULL;
  switch (lua_type(L, index)) {
  case LUA_TNIL:
    return json_null();
  case LUA_TBOOLEAN:
    return json_boolean(lua_toboolean(L, index));
  case LUA_TNUMBER:
    if (lua_isinteger(L, index))
      return json_integer(lua_tointeger(L, index));
    return isfinite(lua_tonumber(L, index)) ? json_real(lua_tonumber(L, index)) : NULL;
  case LUA_TSTRING:
    text = lua_tolstring(L, index, &n);
    return may_encode(L, n) ? json_stringn(text, n) : NULL;
  case LUA_TTABLE:
    return is_array(L, index) ? array_at(L, index, depth) : object_at(L, index, depth);
  default:
    return NULL;
  }
}

char *us_lua_json_text(lua_State *L, int index) {
  us_lua_state_of(L)->encode_bytes = US_LUA_ENCODE_MAX_BYTES;
  json_t *value = value_at(L, lua_absindex(L, index), 0);
  char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
  json_decref(value);
  return text;
}

static int json_encode(lua_State *L) {
  luaL_checkany(L, 1);
  char *text = us_lua_json_text(L, 1);
  if (!text)
    return luaL_error(L, "this has no JSON, or too much");
  json_t *kept = json_string_nocheck(text); /* freed by push_owned, whatever happens */
  free(text);
  return kept && push_owned(L, kept) ? 1 : luaL_error(L, "no memory");
}

static int json_decode(lua_State *L) {
  size_t n;
  const char *text = luaL_checklstring(L, 1, &n);
  if (n > US_LUA_DECODE_MAX_BYTES)
    return luaL_error(L, "more than %d bytes of JSON", US_LUA_DECODE_MAX_BYTES);
  return us_lua_json_push(L, text, n) ? 1 : luaL_error(L, "this is no JSON");
}

/* ---- Handles ---- */

static struct object *check_object(lua_State *L) {
  struct object *object = luaL_checkudata(L, 1, OBJECT);
  if (object->call != us_lua_state_of(L)->call)
    luaL_error(L, "an object was used after its call");
  return object;
}

static struct usher_str get(const struct object *object, const char *pointer) {
  switch (object->kind) {
  case US_LUA_RESOURCE:
    return us_lua_host->resource_get(object->handle, pointer);
  case US_LUA_POLICY:
    return us_lua_host->policy_get(object->handle, pointer);
  case US_LUA_TICKET:
    return us_lua_host->ticket_get(object->handle, pointer);
  case US_LUA_PARTY:
    return us_lua_host->party_get(object->handle, pointer);
  }
  return (struct usher_str){"", 0};
}

static int set(const struct object *object, const char *pointer, const char *json) {
  if (object->kind == US_LUA_RESOURCE)
    return us_lua_host->resource_set((struct usher_resource *)(uintptr_t)object->handle, pointer, json);
  if (object->kind == US_LUA_POLICY)
    return us_lua_host->policy_set((struct usher_policy *)(uintptr_t)object->handle, pointer, json);
  return USHER_FAIL;
}

/* Only what is absent is nil. The host's memory of a call may also be at its end, and then there is not even the whole document: a rule
 * must not take that for an absent member. */
static int push_member(lua_State *L, const struct object *object, const char *pointer) {
  struct usher_str json = get(object, pointer);
  if (json.n == 0 && get(object, "").n > 0)
    lua_pushnil(L);
  else if (json.n == 0 || !us_lua_json_push(L, json.p, json.n))
    return luaL_error(L, "%s cannot be read: too much was read in this call", pointer);
  return 1;
}

/* What stands behind a byte 0 would not count, and another member be meant. */
static const char *check_text(lua_State *L, int index) {
  size_t n;
  const char *text = luaL_checklstring(L, index, &n);
  luaL_argcheck(L, strlen(text) == n, index, "a member has no byte 0 in its name");
  return text;
}

/* "/" and the name, escaped for a JSON pointer; stays on the stack. */
static const char *pointer_of(lua_State *L, int index) {
  check_text(L, index);
  luaL_gsub(L, lua_tostring(L, index), "~", "~0");
  luaL_gsub(L, lua_tostring(L, -1), "/", "~1");
  return lua_pushfstring(L, "/%s", lua_tostring(L, -1));
}

static int write_value(lua_State *L, const struct object *object, const char *pointer, int index) {
  char *json = us_lua_json_text(L, index);
  int code = json ? set(object, pointer, json) : USHER_FAIL;
  free(json);
  if (code != USHER_OK)
    return luaL_error(L, "%s cannot be written, or not with this value", pointer);
  return 0;
}

static int object_get(lua_State *L) {
  const struct object *object = check_object(L);
  return push_member(L, object, lua_isnoneornil(L, 2) ? "" : check_text(L, 2));
}

static int object_set(lua_State *L) {
  const struct object *object = check_object(L);
  const char *pointer = check_text(L, 2);
  luaL_checkany(L, 3);
  return write_value(L, object, pointer, 3);
}

/* policy:grant(subject, {scopes}) */
static int object_grant(lua_State *L) {
  const struct object *object = check_object(L);
  size_t n, count = 0;
  const char *subject = luaL_checklstring(L, 2, &n);
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_Unsigned length = lua_rawlen(L, 3);
  if (object->kind != US_LUA_POLICY || length > 256)
    return luaL_error(L, "grant is for policies, with at most 256 scopes");
  struct usher_str *scopes = lua_newuserdatauv(L, (length + 1) * sizeof(*scopes), 0);
  for (; count < length; count++) {
    lua_rawgeti(L, 3, (lua_Integer)count + 1);
    if (lua_type(L, -1) != LUA_TSTRING)
      return luaL_error(L, "scopes are strings");
    scopes[count].p = lua_tolstring(L, -1, &scopes[count].n); /* kept by the table */
    lua_pop(L, 1);
  }
  int code = us_lua_host->policy_grant((struct usher_policy *)(uintptr_t)object->handle, (struct usher_str){subject, n},
                                       (struct usher_strs){scopes, count});
  return code == USHER_OK ? 0 : luaL_error(L, "this policy cannot be changed");
}

/* resource.name; get, set and grant are functions. */
static int object_index(lua_State *L) {
  const struct object *object = check_object(L);
  static const luaL_Reg functions[] = {{"get", object_get}, {"set", object_set}, {"grant", object_grant}, {NULL, NULL}};
  const char *name = luaL_checkstring(L, 2);
  for (const luaL_Reg *f = functions; f->name; f++) {
    if (strcmp(f->name, name) == 0) {
      lua_pushcfunction(L, f->func);
      return 1;
    }
  }
  return push_member(L, object, pointer_of(L, 2));
}

static int object_newindex(lua_State *L) {
  const struct object *object = check_object(L);
  return write_value(L, object, pointer_of(L, 2), 3);
}

void us_lua_object_push(lua_State *L, enum us_lua_kind kind, const void *handle) {
  struct object *object = lua_newuserdatauv(L, sizeof(*object), 0);
  *object = (struct object){kind, handle, us_lua_state_of(L)->call};
  luaL_setmetatable(L, OBJECT);
}

void us_lua_strings_push(lua_State *L, struct usher_strs set) {
  lua_createtable(L, (int)set.n, 0);
  for (size_t i = 0; i < set.n; i++) {
    lua_pushlstring(L, set.v[i].p, set.v[i].n);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

/* ---- veto, filters, log, clock ---- */

static int veto(lua_State *L) {
  if (lua_isnoneornil(L, 1))
    lua_newtable(L);
  else
    luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, lua_gettop(L) > 1 ? 1 : lua_gettop(L));
  lua_pushboolean(L, 1);
  lua_rawsetp(L, -2, &VETO);
  return 1;
}

static const char *member(lua_State *L, int index, const char *name) {
  lua_getfield(L, index, name);
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
  lua_pop(L, 1); /* the table keeps it */
  return text;
}

bool us_lua_veto(lua_State *L, int index, struct usher_error *e) {
  index = lua_absindex(L, index);
  if (lua_type(L, index) != LUA_TTABLE || lua_rawgetp(L, index, &VETO) == LUA_TNIL)
    return false;
  lua_pop(L, 1);
  lua_getfield(L, index, "status");
  int status = lua_isinteger(L, -1) ? (int)lua_tointeger(L, -1) : 0;
  lua_pop(L, 1);
  const char *error = member(L, index, "error"), *message = member(L, index, "message");
  lua_getfield(L, index, "detail"); /* the last that may raise */
  char *detail = lua_istable(L, -1) ? us_lua_json_text(L, -1) : NULL;
  lua_pop(L, 1);
  us_lua_host->error_set(e, status, error, message, detail);
  free(detail);
  return true;
}

static int filter_and(lua_State *L) {
  size_t n, m;
  const char *left = luaL_checklstring(L, 1, &n), *right = luaL_checklstring(L, 2, &m);
  struct usher_filter *a = us_lua_host->filter_parse((struct usher_str){left, n});
  struct usher_filter *b = us_lua_host->filter_parse((struct usher_str){right, m});
  struct usher_filter *both = a && b ? us_lua_host->filter_and(a, b) : NULL;
  if (!both)
    return luaL_error(L, "this is no filter");
  struct usher_str text = us_lua_host->filter_text(both);
  lua_pushlstring(L, text.p, text.n);
  return 1;
}

static int now_ms(lua_State *L) {
  lua_pushinteger(L, us_lua_host->now_ms());
  return 1;
}

static int log_line(lua_State *L) {
  us_lua_host->log((int)lua_tointeger(L, lua_upvalueindex(1)), luaL_tolstring(L, 1, NULL));
  return 0;
}

static void add_log(lua_State *L) {
  static const char *const names[] = {"error", "warn", "info", "debug"};
  lua_newtable(L);
  for (int level = USHER_LOG_ERROR; level <= USHER_LOG_DEBUG; level++) {
    lua_pushinteger(L, level);
    lua_pushcclosure(L, log_line, 1);
    lua_setfield(L, -2, names[level]);
  }
}

void us_lua_objects_open(lua_State *L) {
  static const luaL_Reg meta[] = {{"__index", object_index}, {"__newindex", object_newindex}, {NULL, NULL}};
  static const luaL_Reg json[] = {{"encode", json_encode}, {"decode", json_decode}, {NULL, NULL}};
  luaL_newmetatable(L, OBJECT);
  luaL_setfuncs(L, meta, 0);
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
  add_log(L);
  lua_setfield(L, -2, "log");
  luaL_newlib(L, json);
  lua_setfield(L, -2, "json");
  lua_pushcfunction(L, veto);
  lua_setfield(L, -2, "veto");
  lua_pushcfunction(L, filter_and);
  lua_setfield(L, -2, "filter_and");
  lua_pushcfunction(L, now_ms);
  lua_setfield(L, -2, "now_ms");
}
