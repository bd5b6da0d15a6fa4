/*
 * A Lua state that can hurt nobody: see lua.h.
 *
 * What a script lacks: files, processes, other scripts, byte code, metatables, coroutines, debug. What it has is bounded: memory by
 * the allocator, instructions by a hook, and by guards those functions of the libraries that could run long without executing an
 * instruction: patterns, which may backtrack, and loops over tables and repetitions.
 */
#include "lua.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- Limits ---- */

static void look(lua_State *L, lua_Debug *ar);

static void *allocate(void *self, void *old, size_t old_bytes, size_t bytes) {
  struct us_lua_state *s = self;
  size_t before = old ? old_bytes : 0; /* without `old` it is a kind of object */
  if (bytes == 0) {
    free(old);
    s->bytes -= before;
    return NULL;
  }
  if (bytes > before && s->bytes_max - s->bytes < bytes - before) {
    s->is_broken = true;
    return NULL;
  }
  if (!old && old_bytes == LUA_TSTRING && bytes > US_LUA_LARGE_BYTES && s->L &&
      s->hook_count > US_LUA_LARGE_HOOK_COUNT) { /* once a state, for it begins to count anew */
    s->hook_count = US_LUA_LARGE_HOOK_COUNT;
    if (lua_gethookcount(s->L) != 1) /* see run_out() */
      lua_sethook(s->L, look, LUA_MASKCOUNT, s->hook_count);
  }
  void *p = realloc(old, bytes);
  if (p)
    s->bytes = s->bytes - before + bytes;
  return p;
}

static int64_t monotonic_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Nobody waits for after methods, but others stand behind them: so there is a time of our own, too. */
static bool is_late(const struct us_lua_state *s) {
  return us_lua_host->left_ms() == 0 || monotonic_ms() >= s->until_ms;
}

/* From now on the hook comes with every instruction, so that no pcall() of the script can go on. */
static void run_out(lua_State *L, struct us_lua_state *s, const char *why) {
  s->is_broken = true;
  lua_sethook(L, look, LUA_MASKCOUNT, 1);
  luaL_error(L, why, (LUAI_UACINT)s->instructions_max);
}

static void look(lua_State *L, lua_Debug *ar) {
  struct us_lua_state *s = us_lua_state_of(L);
  (void)ar;
  s->instructions -= s->hook_count;
  if (s->instructions <= 0)
    run_out(L, s, "more than %I instructions");
  if (is_late(s))
    run_out(L, s, "the deadline has passed");
}

/* ---- Guards ---- */

/* Each of `repeats` may try every place of the text, and what comes then is compared as long as the pattern is (a few bytes count for
 * nothing). */
static void check_cost(lua_State *L, size_t n, size_t m, size_t repeats) {
  if (pow((double)n + 1, (double)repeats) * (double)(1 + m / 16) > US_LUA_PATTERN_COST_MAX)
    luaL_error(L, "this pattern may take too long on a text of %I bytes", (LUAI_UACINT)n);
}

/* What a pattern may cost at worst: so often repeats each repetition, and the beginning unless it is anchored. */
static void check_pattern(lua_State *L, bool may_be_anchored) {
  size_t n, m;
  (void)luaL_checklstring(L, 1, &n);
  const char *pattern = luaL_checklstring(L, 2, &m);
  size_t repeats = may_be_anchored && m > 0 && pattern[0] == '^' ? 0 : 1;
  for (size_t i = 0; i < m; i++) {
    if (pattern[i] == '%') {
      i++;
      repeats += i < m && (pattern[i] == 'b' || (pattern[i] >= '1' && pattern[i] <= '9'));
    } else {
      repeats += strchr("*+-?", pattern[i]) != NULL;
    }
  }
  check_cost(L, n, m, repeats);
}

static void guard_pattern(lua_State *L) {
  check_pattern(L, true);
}

static void guard_gmatch(lua_State *L) {
  check_pattern(L, false);
}

static void guard_find(lua_State *L) {
  size_t n, m;
  if (!lua_toboolean(L, 4)) {
    check_pattern(L, true);
    return;
  }
  (void)luaL_checklstring(L, 1, &n);
  (void)luaL_checklstring(L, 2, &m);
  check_cost(L, n, m, 1);
}

static void guard_rep(lua_State *L) {
  if (luaL_checkinteger(L, 2) > US_LUA_TABLE_MAX)
    luaL_error(L, "more than %d repetitions", US_LUA_TABLE_MAX);
}

/* Metatables being away, only tables with holes are longer than what is in them. */
static void guard_table(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  if (lua_rawlen(L, 1) > US_LUA_TABLE_MAX)
    luaL_error(L, "a table of more than %d elements", US_LUA_TABLE_MAX);
}

/* Comparing texts takes as long as they are, and a function in C executes no instruction. */
static void guard_sort(lua_State *L) {
  guard_table(L);
  if (lua_iscfunction(L, 2))
    luaL_error(L, "the order must be a function of the script");
  size_t longest = 0;
  double n = (double)lua_rawlen(L, 1);
  for (lua_Integer i = 1; i <= (lua_Integer)n; i++) {
    if (lua_rawgeti(L, 1, i) == LUA_TSTRING && lua_rawlen(L, -1) > longest)
      longest = (size_t)lua_rawlen(L, -1);
    lua_pop(L, 1);
  }
  if (lua_isnoneornil(L, 2) && n * log2(n + 1) * (double)(1 + longest) > US_LUA_PATTERN_COST_MAX)
    luaL_error(L, "sorting %I texts of up to %I bytes may take too long", (LUAI_UACINT)n, (LUAI_UACINT)longest);
}

struct guard {
  const char *library, *function;
  void (*check)(lua_State *L);
};
static const struct guard guards[] = {
    {"string", "find", guard_find},    {"string", "match", guard_pattern}, {"string", "gmatch", guard_gmatch},
    {"string", "gsub", guard_pattern}, {"string", "rep", guard_rep},       {"table", "insert", guard_table},
    {"table", "remove", guard_table},  {"table", "sort", guard_sort},      {"table", "concat", guard_table},
    {"table", "unpack", guard_table},
};

/* Between two looks there may be hundreds of calls of the libraries. */
static void check_time(lua_State *L) {
  struct us_lua_state *s = us_lua_state_of(L);
  if (is_late(s))
    run_out(L, s, "the deadline has passed");
}

static int guarded(lua_State *L) {
  const struct guard *guard = lua_touserdata(L, lua_upvalueindex(1));
  check_time(L);
  guard->check(L);
  return ((lua_CFunction)lua_tocfunction(L, lua_upvalueindex(2)))(L);
}

/* Of functions whose cost is bounded by their arguments; these may be as large as the memory. */
static int timed(lua_State *L) {
  check_time(L);
  return ((lua_CFunction)lua_tocfunction(L, lua_upvalueindex(1)))(L);
}

/* An iterator that found nothing looks through the whole text again whenever it is called. */
static int timed_step(lua_State *L) {
  check_time(L);
  lua_settop(L, 0);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_call(L, 0, LUA_MULTRET);
  return lua_gettop(L);
}

static int timed_gmatch(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, 1);
  lua_pushcclosure(L, timed_step, 1);
  return 1;
}

/* The handler of Lua's own xpcall() runs where the error was raised: inside the hook, where there are no further hooks, and it could run
 * for ever. This one runs afterwards. */
static int xpcall_afterwards(lua_State *L) {
  luaL_checktype(L, 2, LUA_TFUNCTION);
  int n = lua_gettop(L);
  lua_pushvalue(L, 1);
  lua_insert(L, 3);
  if (lua_pcall(L, n - 2, LUA_MULTRET, 0) == LUA_OK) {
    lua_pushboolean(L, 1);
    lua_replace(L, 2);
    return lua_gettop(L) - 1;
  }
  lua_pushboolean(L, 0);
  lua_replace(L, 1);
  lua_call(L, 1, 1); /* the handler with the error */
  return 2;
}

static void set_guards(lua_State *L) {
  for (size_t i = 0; i < sizeof(guards) / sizeof(guards[0]); i++) {
    lua_getglobal(L, guards[i].library);
    lua_pushlightuserdata(L, (void *)(uintptr_t)&guards[i]);
    lua_getfield(L, -2, guards[i].function);
    lua_pushcclosure(L, guarded, 2);
    lua_setfield(L, -2, guards[i].function);
    lua_pop(L, 1);
  }
}

static void set_times(lua_State *L, const char *library) {
  lua_getglobal(L, library);
  for (lua_pushnil(L); lua_next(L, -2);) { /* fields that are there may be set while walking */
    if (!lua_iscfunction(L, -1) || lua_tocfunction(L, -1) == guarded) {
      lua_pop(L, 1);
      continue;
    }
    lua_pushcclosure(L, timed, 1);
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -4);
  }
  lua_pop(L, 1);
}

static void set_global_times(lua_State *L) {
  static const char *const names[] = {"tonumber", "tostring", "select", "next"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    lua_getglobal(L, names[i]);
    lua_pushcclosure(L, timed, 1);
    lua_setglobal(L, names[i]);
  }
  lua_pushcfunction(L, xpcall_afterwards);
  lua_setglobal(L, "xpcall");
  lua_getglobal(L, "string");
  lua_getfield(L, -1, "gmatch");
  lua_pushcclosure(L, timed_gmatch, 1);
  lua_setfield(L, -2, "gmatch");
  lua_pop(L, 1);
}

/* ---- The state ---- */

static void take_away(lua_State *L) {
  static const char *const globals[] = {"dofile", "loadfile",     "load",         "collectgarbage", "print",
                                        "rawset", "setmetatable", "getmetatable", "require"};
  for (size_t i = 0; i < sizeof(globals) / sizeof(globals[0]); i++) {
    lua_pushnil(L);
    lua_setglobal(L, globals[i]);
  }
  lua_getglobal(L, "string");
  lua_pushnil(L);
  lua_setfield(L, -2, "dump");
  lua_pop(L, 1);
  lua_getglobal(L, "table");
  lua_pushnil(L);
  lua_setfield(L, -2, "move");
  lua_pop(L, 1);
}

static void open_libraries(lua_State *L) {
  static const luaL_Reg libraries[] = {{LUA_GNAME, luaopen_base},       {LUA_STRLIBNAME, luaopen_string},
                                       {LUA_TABLIBNAME, luaopen_table}, {LUA_MATHLIBNAME, luaopen_math},
                                       {LUA_UTF8LIBNAME, luaopen_utf8}, {NULL, NULL}};
  for (const luaL_Reg *library = libraries; library->name; library++) {
    luaL_requiref(L, library->name, library->func, 1);
    lua_pop(L, 1);
  }
  set_guards(L);
  set_times(L, "string");
  set_times(L, "table");
  set_times(L, "utf8");
  set_global_times(L);
  take_away(L);
}

static int refuse_write(lua_State *L) {
  return luaL_error(L, "globals and libraries cannot be changed here: '%s'", luaL_tolstring(L, 2, NULL));
}

/* The table on the top becomes one that shows it and takes nothing. */
static void lock(lua_State *L) {
  lua_newtable(L); /* in front */
  lua_newtable(L); /* its metatable */
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, refuse_write);
  lua_setfield(L, -2, "__newindex");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  lua_remove(L, -2);
}

static void lock_libraries(lua_State *L) {
  static const char *const names[] = {"string", "table", "math", "utf8", "log", "json"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    lua_getglobal(L, names[i]);
    lock(L);
    lua_setglobal(L, names[i]);
  }
}

/* What the script has put there moves into a table behind, and the table of globals itself stays empty and takes nothing: functions of
 * the script go on finding what they know. */
static void freeze(lua_State *L) {
  lua_pushglobaltable(L);
  lua_newtable(L);
  lua_pushnil(L);
  while (lua_next(L, -3)) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -4);
  }
  lua_pushnil(L);
  while (lua_next(L, -2)) { /* clearing fields while walking is allowed */
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_pushnil(L);
    lua_rawset(L, -5);
  }
  lua_newtable(L);
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, refuse_write);
  lua_setfield(L, -2, "__newindex");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -3);
  lua_pop(L, 2);
}

static int load_script(lua_State *L) {
  const struct us_lua_script *script = lua_touserdata(L, 1);
  open_libraries(L);
  lua_pushglobaltable(L);
  us_lua_objects_open(L);
  set_times(L, "json");
  if (!us_lua_json_push(L, script->config_json, strlen(script->config_json)))
    return luaL_error(L, "the configuration is no JSON");
  lua_setfield(L, -2, "config");
  lua_pushnil(L);
  lua_setfield(L, -2, LUA_GNAME);
  lua_pop(L, 1);
  lock_libraries(L);
  lua_pushliteral(L, ""); /* ("x"):rep is found, and cannot be changed */
  if (lua_getmetatable(L, -1)) {
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  if (luaL_loadbufferx(L, script->text, script->n, script->name, "t") != LUA_OK)
    return lua_error(L);
  lua_call(L, 0, 0);
  freeze(L);
  return 0;
}

/* A veto that was raised by error() is no failure: it passes as it is. */
int us_lua_on_error(lua_State *L) {
  if (lua_type(L, 1) == LUA_TTABLE)
    return 1;
  const char *message = luaL_tolstring(L, 1, NULL);
  luaL_traceback(L, L, message, 1);
  return 1;
}

bool us_lua_state_run(struct us_lua_state *s, lua_CFunction f, void *data, char ret_message[US_LUA_MESSAGE_BYTES]) {
  lua_State *L = s->L;
  s->instructions = s->instructions_max;
  s->until_ms = monotonic_ms() + s->ms_max;
  s->call++;
  lua_sethook(L, look, LUA_MASKCOUNT, s->hook_count);
  lua_settop(L, 0);
  lua_pushcfunction(L, f);
  lua_pushlightuserdata(L, data);
  int code = lua_pcall(L, 1, 0, 0);
  s->call++; /* what it left behind is dead */
  if (code == LUA_OK)
    return true;
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1)
                     : code == LUA_ERRMEM           ? "out of memory"
                                                    : "an error without a text";
  strncpy(ret_message, text, US_LUA_MESSAGE_BYTES - 1);
  ret_message[US_LUA_MESSAGE_BYTES - 1] = '\0';
  lua_settop(L, 0);
  return false;
}

struct us_lua_state *us_lua_state_new(const struct us_lua_script *script, char ret_message[US_LUA_MESSAGE_BYTES]) {
  struct us_lua_state *s = calloc(1, sizeof(*s));
  strcpy(ret_message, "out of memory");
  if (!s)
    return NULL;
  s->bytes_max = script->bytes_max;
  s->instructions_max = script->instructions_max;
  s->hook_count = US_LUA_HOOK_COUNT;
  s->ms_max = script->ms_max;
  s->L = lua_newstate(allocate, s);
  if (s->L) {
    *(struct us_lua_state **)lua_getextraspace(s->L) = s;
    if (us_lua_state_run(s, load_script, (void *)(uintptr_t)script, ret_message) && !s->is_broken)
      return s;
  }
  us_lua_state_free(s);
  return NULL;
}

void us_lua_state_free(struct us_lua_state *s) {
  if (!s)
    return;
  if (s->L)
    lua_close(s->L);
  free(s);
}

bool us_lua_function_push(lua_State *L, const char *name) {
  if (lua_getglobal(L, name) == LUA_TFUNCTION)
    return true;
  lua_pop(L, 1);
  return false;
}

void us_lua_globals_push(lua_State *L) {
  lua_pushglobaltable(L);
  luaL_getmetafield(L, -1, "__index"); /* see freeze() */
  lua_remove(L, -2);
}
