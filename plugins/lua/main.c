/*
 * Rules in Lua: a plugin that runs a script, in which the eleven methods are functions.
 *
 *   plugins:
 *     - path: lua.so
 *       config: {script: /etc/usher/rules.lua}
 *
 * See example.lua, and docs/plugin-guide.md. Further members of the configuration: memory_bytes, instructions and milliseconds, what one
 * state and one call may use; whatever else is there is for the script, as `config`.
 *
 * A call takes a state from a pool, or makes one; so there are as many as threads call at a time. A state that ran out of something is
 * thrown away. On reload the script is read anew, and states of the old one end when they come back.
 */
#include "lua.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MEMORY_BYTES (16 * 1024 * 1024)
#define MEMORY_MIN_BYTES (256 * 1024)
#define MEMORY_MAX_BYTES (1024 * 1024 * 1024)
#define INSTRUCTIONS 10000000
#define MILLISECONDS 10000
#define MILLISECONDS_MAX 3600000
#define STATES_KEPT_MAX 64

const struct usher_host *us_lua_host;

/* In the order of the ABI. */
static const char *const methods[] = {
    "beforeResourceRegistration",       "afterResourceRegistration", "onPermissionRequest",     "beforeAuthorization",
    "afterSuccessfulAuthorization",     "afterFailedAuthorization",  "beforeResourceShared",    "afterResourceShared",
    "beforeResourceSharedModification", "onResourceSharedDeletion",  "beforeQueryResourceSets",
};
enum { METHODS = sizeof(methods) / sizeof(methods[0]) };

static struct {
  pthread_mutex_t lock;
  struct us_lua_script script; /* text and config are ours */
  uint32_t methods;            /* that the script has */
  unsigned generation;
  struct us_lua_state *idle;
  unsigned idle_count;
} self_ = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int fail(const char *what, const char *why) {
  char text[US_LUA_MESSAGE_BYTES + 200];
  snprintf(text, sizeof(text), "%s%s%s", what, *why ? ": " : "", why);
  us_lua_host->log(USHER_LOG_ERROR, text);
  return USHER_FAIL;
}

/* ---- The script ---- */

/* False: it is there, and is no number from `least` to `most`. */
static bool number(const char *config_json, const char *pointer, int64_t least, int64_t most, int64_t *number) {
  struct usher_str text = us_lua_host->json_get((struct usher_str){config_json, strlen(config_json)}, pointer);
  char *end;
  if (text.n == 0)
    return true;
  errno = 0;
  *number = strtoll(text.p, &end, 10);
  return *end == '\0' && errno == 0 && *number >= least && *number <= most;
}

/* A rule whose name is misspelled would hold for nobody, and nobody would know. */
static bool is_near_method(const char *name) {
  static const char *const starts[] = {"before", "after", "on"};
  for (int i = 0; i < METHODS; i++)
    if (strcasecmp(name, methods[i]) == 0)
      return strcmp(name, methods[i]) != 0;
  for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
    size_t n = strlen(starts[i]);
    if (strncasecmp(name, starts[i], n) == 0 && (name[n] == '_' || (name[n] >= 'A' && name[n] <= 'Z')))
      return true;
  }
  return false;
}

static int find_methods(lua_State *L) {
  uint32_t *found = lua_touserdata(L, 1);
  for (int i = 0; i < METHODS; i++) {
    if (us_lua_function_push(L, methods[i]))
      *found |= 1u << i;
    lua_settop(L, 1);
  }
  us_lua_globals_push(L);
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1))
    if (lua_type(L, -2) == LUA_TSTRING && lua_isfunction(L, -1) && is_near_method(lua_tostring(L, -2)))
      return luaL_error(L, "the function %s is none of the eleven methods; a helper that is named so must be local",
                        lua_tostring(L, -2));
  return 0;
}

/* Whoever wrote the script can see in the log what of it is called. */
static void say_methods(const char *path, uint32_t found) {
  char text[US_LUA_MESSAGE_BYTES];
  size_t n = (size_t)snprintf(text, sizeof(text), found ? "%.400s has" : "%.400s has none of the eleven methods", path);
  for (int i = 0; i < METHODS; i++)
    if ((found & 1u << i) && n < sizeof(text))
      n += (size_t)snprintf(text + n, sizeof(text) - n, " %s", methods[i]);
  us_lua_host->log(found ? USHER_LOG_INFO : USHER_LOG_WARN, text);
}

/* Reads what the configuration names, and runs it once. */
static int read_config(const char *config_json, struct us_lua_script *ret_script, uint32_t *ret_methods,
                       struct us_lua_state **ret_state) {
  char message[US_LUA_MESSAGE_BYTES];
  struct usher_str json = {config_json, strlen(config_json)};
  const char *path = us_lua_host->json_text(us_lua_host->json_get(json, "/script")).p;
  struct us_lua_script script = {.instructions_max = INSTRUCTIONS, .ms_max = MILLISECONDS};
  int64_t bytes = MEMORY_BYTES;
  if (*path == '\0')
    return fail("the configuration lacks `script`", "");
  if (!number(config_json, "/memory_bytes", MEMORY_MIN_BYTES, MEMORY_MAX_BYTES, &bytes))
    return fail("memory_bytes must be a number from 262144 to 1073741824", "");
  if (!number(config_json, "/instructions", US_LUA_HOOK_COUNT, INT64_MAX, &script.instructions_max))
    return fail("instructions must be a number, and 1000 at least", "");
  if (!number(config_json, "/milliseconds", 1, MILLISECONDS_MAX, &script.ms_max))
    return fail("milliseconds must be a number from 1 to 3600000", "");
  script.bytes_max = (size_t)bytes;
  char *text = us_lua_script_read(path, &script.n, message);
  if (!text)
    return fail(path, message);
  script.text = text;
  script.name = "@script";
  script.config_json = strdup(config_json);
  *ret_methods = 0;
  *ret_state = script.config_json ? us_lua_state_new(&script, message) : NULL;
  if (*ret_state && us_lua_state_run(*ret_state, find_methods, ret_methods, message)) {
    *ret_script = script;
    say_methods(path, *ret_methods);
    return USHER_OK;
  }
  us_lua_state_free(*ret_state);
  free((char *)(uintptr_t)script.config_json);
  free(text);
  return fail(path, message);
}

static void free_script(const struct us_lua_script *script) {
  free((char *)(uintptr_t)script->text);
  free((char *)(uintptr_t)script->config_json);
}

static void drop_idle(void) {
  while (self_.idle) {
    struct us_lua_state *s = self_.idle;
    self_.idle = s->next;
    us_lua_state_free(s);
  }
  self_.idle_count = 0;
}

/* No method runs meanwhile: the host sees to that. */
static int take_config(const char *config_json) {
  struct us_lua_script script;
  struct us_lua_state *state;
  uint32_t found;
  if (read_config(config_json, &script, &found, &state) != USHER_OK)
    return USHER_FAIL;
  pthread_mutex_lock(&self_.lock);
  drop_idle();
  free_script(&self_.script);
  self_.script = script;
  self_.methods = found;
  state->generation = ++self_.generation;
  state->next = NULL;
  self_.idle = state;
  self_.idle_count = 1;
  pthread_mutex_unlock(&self_.lock);
  return USHER_OK;
}

static int lua_open(const struct usher_host *host, const char *config_json, void **ret_self) {
  us_lua_host = host;
  *ret_self = &self_;
  return take_config(config_json);
}

static int lua_reload(void *self, const char *config_json) {
  (void)self;
  return take_config(config_json);
}

static void lua_close_plugin(void *self) {
  (void)self;
  drop_idle();
  free_script(&self_.script);
  memset(&self_.script, 0, sizeof(self_.script));
}

static uint32_t lua_methods(void *self) {
  (void)self;
  return self_.methods;
}

/* ---- Calls ---- */

static struct us_lua_state *take_state(char message[US_LUA_MESSAGE_BYTES]) {
  pthread_mutex_lock(&self_.lock);
  struct us_lua_state *s = self_.idle;
  if (s) {
    self_.idle = s->next;
    self_.idle_count--;
  }
  unsigned generation = self_.generation;
  pthread_mutex_unlock(&self_.lock);
  if (!s && (s = us_lua_state_new(&self_.script, message)))
    s->generation = generation;
  return s;
}

static void give_state(struct us_lua_state *s) {
  pthread_mutex_lock(&self_.lock);
  bool is_kept = !s->is_broken && s->generation == self_.generation && self_.idle_count < STATES_KEPT_MAX;
  if (is_kept) {
    s->next = self_.idle;
    self_.idle = s;
    self_.idle_count++;
  }
  pthread_mutex_unlock(&self_.lock);
  if (!is_kept)
    us_lua_state_free(s);
}

struct call {
  int method; /* index of `methods` */
  enum us_lua_kind kinds[3];
  const void *handles[3];
  int handle_count;
  const struct usher_strs *sets[2];
  int set_count;
  struct usher_str texts[2];
  int text_count;
  struct usher_error *error;
  struct usher_filter **ret_filter; /* 11 */
  int result;
};

static void take_result(lua_State *L, struct call *call) {
  if (call->error && us_lua_veto(L, -1, call->error)) {
    call->result = USHER_VETO;
    return;
  }
  call->result = USHER_OK;
  if (lua_isnoneornil(L, -1) || !call->error || (lua_isboolean(L, -1) && lua_toboolean(L, -1)))
    return;
  if (call->ret_filter && lua_type(L, -1) == LUA_TSTRING) {
    size_t n;
    const char *text = lua_tolstring(L, -1, &n);
    *call->ret_filter = us_lua_host->filter_parse((struct usher_str){text, n});
    if (*call->ret_filter)
      return;
    luaL_error(L, "%s returned no filter", methods[call->method]);
  }
  luaL_error(L, "%s returned neither nothing nor a veto", methods[call->method]);
}

static int push_arguments(lua_State *L, const struct call *call) {
  for (int i = 0; i < call->handle_count; i++)
    us_lua_object_push(L, call->kinds[i], call->handles[i]);
  for (int i = 0; i < call->set_count; i++)
    us_lua_strings_push(L, *call->sets[i]);
  for (int i = 0; i < call->text_count; i++)
    lua_pushlstring(L, call->texts[i].p, call->texts[i].n);
  return call->handle_count + call->set_count + call->text_count;
}

static int run_method(lua_State *L) {
  struct call *call = lua_touserdata(L, 1);
  luaL_checkstack(L, 16, NULL);
  lua_pushcfunction(L, us_lua_on_error);
  if (!us_lua_function_push(L, methods[call->method]))
    return 0;
  int n = push_arguments(L, call);
  if (lua_pcall(L, n, 1, 2) == LUA_OK)
    take_result(L, call);
  else if (call->error && us_lua_veto(L, -1, call->error))
    call->result = USHER_VETO;
  else
    return lua_error(L);
  return 0;
}

static int run(struct call *call) {
  char message[US_LUA_MESSAGE_BYTES];
  if ((self_.methods & (1u << call->method)) == 0)
    return USHER_OK;
  struct us_lua_state *s = take_state(message);
  call->result = USHER_OK;
  bool is_done = s && us_lua_state_run(s, run_method, call, message);
  if (!is_done)
    fail(methods[call->method], message);
  if (s)
    give_state(s);
  return is_done ? call->result : USHER_FAIL;
}

static int on_one(int method, enum us_lua_kind kind, const void *handle, struct usher_error *e) {
  struct call call = {.method = method, .kinds = {kind}, .handles = {handle}, .handle_count = 1, .error = e};
  return run(&call);
}

static int before_registration(void *self, struct usher_resource *r, struct usher_error *e) {
  (void)self;
  return on_one(0, US_LUA_RESOURCE, r, e);
}
static void after_registration(void *self, const struct usher_resource *r) {
  (void)self;
  on_one(1, US_LUA_RESOURCE, r, NULL);
}
static int on_permission(void *self, const struct usher_resource *r, struct usher_strs requested,
                         struct usher_str client_id, struct usher_error *e) {
  (void)self;
  struct call call = {.method = 2,
                      .kinds = {US_LUA_RESOURCE},
                      .handles = {r},
                      .handle_count = 1,
                      .sets = {&requested},
                      .set_count = 1,
                      .texts = {client_id},
                      .text_count = 1,
                      .error = e};
  return run(&call);
}

static int on_grant(int method, const struct usher_ticket *t, const struct usher_party *requesting,
                    const struct usher_party *owner, const struct usher_strs *requested,
                    const struct usher_strs *granted, struct usher_error *e) {
  struct call call = {.method = method,
                      .kinds = {US_LUA_TICKET, US_LUA_PARTY, US_LUA_PARTY},
                      .handles = {t, requesting, owner},
                      .handle_count = 3,
                      .sets = {requested, granted},
                      .set_count = granted ? 2 : 1,
                      .error = e};
  return run(&call);
}
static int before_authorization(void *self, const struct usher_ticket *t, const struct usher_party *requesting,
                                const struct usher_party *owner, struct usher_strs requested, struct usher_error *e) {
  (void)self;
  return on_grant(3, t, requesting, owner, &requested, NULL, e);
}
static void after_success(void *self, const struct usher_ticket *t, const struct usher_party *requesting,
                          const struct usher_party *owner, struct usher_strs requested, struct usher_strs granted) {
  (void)self;
  on_grant(4, t, requesting, owner, &requested, &granted, NULL);
}
static void after_failure(void *self, const struct usher_ticket *t, const struct usher_party *requesting,
                          const struct usher_party *owner, struct usher_strs requested) {
  (void)self;
  on_grant(5, t, requesting, owner, &requested, NULL, NULL);
}

static int before_shared(void *self, struct usher_policy *p, struct usher_error *e) {
  (void)self;
  return on_one(6, US_LUA_POLICY, p, e);
}
static void after_shared(void *self, const struct usher_policy *p) {
  (void)self;
  on_one(7, US_LUA_POLICY, p, NULL);
}
static int before_modification(void *self, const struct usher_policy *current, struct usher_policy *updated,
                               struct usher_error *e) {
  (void)self;
  struct call call = {.method = 8,
                      .kinds = {US_LUA_POLICY, US_LUA_POLICY},
                      .handles = {current, updated},
                      .handle_count = 2,
                      .error = e};
  return run(&call);
}
static int on_deletion(void *self, const struct usher_policy *p, struct usher_error *e) {
  (void)self;
  return on_one(9, US_LUA_POLICY, p, e);
}
static int before_query(void *self, struct usher_str user_id, const struct usher_filter *in,
                        struct usher_filter **ret_filter, struct usher_error *e) {
  (void)self;
  struct call call = {.method = 10,
                      .texts = {user_id, us_lua_host->filter_text(in)},
                      .text_count = 2,
                      .error = e,
                      .ret_filter = ret_filter};
  return run(&call);
}

static const struct usher_plugin plugin = {
    .size = sizeof(plugin),
    .abi_major = USHER_ABI_MAJOR,
    .abi_minor = USHER_ABI_MINOR,
    .name = "lua",
    .version = "1.0",
    .open = lua_open,
    .close = lua_close_plugin,
    .before_resource_registration = before_registration,
    .after_resource_registration = after_registration,
    .on_permission_request = on_permission,
    .before_authorization = before_authorization,
    .after_successful_authorization = after_success,
    .after_failed_authorization = after_failure,
    .before_resource_shared = before_shared,
    .after_resource_shared = after_shared,
    .before_resource_shared_modification = before_modification,
    .on_resource_shared_deletion = on_deletion,
    .before_query_resource_sets = before_query,
    .reload = lua_reload,
    .methods = lua_methods,
};

const struct usher_plugin *usher_plugin(void) {
  return &plugin;
}
