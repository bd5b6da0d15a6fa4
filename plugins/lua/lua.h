/*
 * The Lua plugin from inside: script.c reads the file, sandbox.c makes a state that can hurt nobody, objects.c shows the host's
 * handles to scripts, main.c is the plugin. All of it stands on <usher/plugin.h> alone.
 */
#ifndef USHER_LUA_LUA_H
#define USHER_LUA_LUA_H

#include <jansson.h>
#include <lua5.4/lauxlib.h>
#include <lua5.4/lua.h>
#include <lua5.4/lualib.h>
#include <stdbool.h>

#include <usher/plugin.h>

extern const struct usher_host *us_lua_host;

#define US_LUA_DEPTH_MAX 32                   /* of tables that cross to JSON */
#define US_LUA_ENCODE_MAX_BYTES (1024 * 1024) /* of texts and names in such a table, and 8 for each value */
#define US_LUA_DECODE_MAX_BYTES (256 * 1024)  /* of a text for json.decode: as a tree it takes many times that */
#define US_LUA_PATTERN_COST_MAX 1e8 /* steps that a pattern may need at worst: bytes to the power of its repetitions */
#define US_LUA_TABLE_MAX 1000000    /* elements that functions of `table` take */
#define US_LUA_HOOK_COUNT 1000      /* instructions between two looks at the limits */
#define US_LUA_LARGE_BYTES 65536    /* of a string: an operator on it may take milliseconds */
#define US_LUA_LARGE_HOOK_COUNT 10  /* between two looks in a state that has had such a string */

/* One state, with what it may use. Found from Lua by lua_getextraspace(). */
struct us_lua_state {
  lua_State *L;
  size_t bytes, bytes_max;
  int64_t instructions, instructions_max; /* left of this call; of any call */
  int64_t until_ms, ms_max;               /* monotonic: when this call has to be over; what any may take */
  size_t encode_bytes;                    /* left of the table that is made JSON */
  int hook_count;                         /* instructions between two looks */
  uint64_t call;                          /* its number: objects of earlier ones are dead */
  bool is_broken;                         /* ran out of something: not used again */
  unsigned generation;                    /* of the script */
  struct us_lua_state *next;
};
static inline struct us_lua_state *us_lua_state_of(lua_State *L) {
  return *(struct us_lua_state **)lua_getextraspace(L);
}

#define US_LUA_MESSAGE_BYTES 900

/* script.c */
/* The text of a script, and a byte 0; free() it. NULL: see the message. */
char *us_lua_script_read(const char *path, size_t *ret_n, char ret_message[US_LUA_MESSAGE_BYTES]);

/* sandbox.c */
struct us_lua_script {
  const char *text, *name; /* never byte code */
  size_t n;
  const char *config_json; /* what the script sees as `config` */
  size_t bytes_max;
  int64_t instructions_max, ms_max;
};
/* A state with the safe part of the libraries, in which the script has run; its globals are frozen. NULL: see the message. */
struct us_lua_state *us_lua_state_new(const struct us_lua_script *script, char ret_message[US_LUA_MESSAGE_BYTES]);
void us_lua_state_free(struct us_lua_state *s); /* accepts NULL */
/* A handler of messages: adds a traceback. */
int us_lua_on_error(lua_State *L);
/* Runs f(data) within the limits. False: it failed, see the message. */
bool us_lua_state_run(struct us_lua_state *s, lua_CFunction f, void *data, char ret_message[US_LUA_MESSAGE_BYTES]);
/* Pushes a global function of the script; false, and nothing is pushed: there is none. May raise. */
bool us_lua_function_push(lua_State *L, const char *name);
/* Pushes the table of what the script and the libraries have put into the globals. */
void us_lua_globals_push(lua_State *L);

/* objects.c */
enum us_lua_kind { US_LUA_RESOURCE, US_LUA_POLICY, US_LUA_TICKET, US_LUA_PARTY };
/* Puts log, json, veto, filter_and and now_ms into the table on the top of the stack. All here may raise. */
void us_lua_objects_open(lua_State *L);
/* Pushes a handle, which is good as long as the call. */
void us_lua_object_push(lua_State *L, enum us_lua_kind kind, const void *handle);
void us_lua_strings_push(lua_State *L, struct usher_strs set);
/* Pushes a JSON value; null is nil. False: no JSON, nothing is pushed. */
bool us_lua_json_push(lua_State *L, const char *text, size_t n);
/* The value at `index` as JSON text; free() it. NULL: it has none, or is too large. */
char *us_lua_json_text(lua_State *L, int index);
/* Is the value at `index` what veto{...} returned? Then *e is set. */
bool us_lua_veto(lua_State *L, int index, struct usher_error *e);

#endif
