/* Chains: see hooks.h. */
#include "plugin/hooks.h"

#include "base/log.h"
#include "base/mem.h"
#include "plugin/child.h"
#include "plugin/host.h"

void us_plugins_index(struct us_plugins *plugins) {
  unsigned present = 0, threaded = 0, events = 0;
  bool delivers = false;
  for (size_t i = 0; i < plugins->n; i++) {
    const struct us_plugin *plugin = &plugins->v[i];
    bool is_quick = (plugin->abi.flags & USHER_QUICK) != 0 && plugin->slow_calls < US_HOOK_QUICK_STRIKES;
    for (int hook = 0; hook < US_HOOK_COUNT; hook++) {
      if (!us_plugin_has(plugin, hook))
        continue;
      present |= 1u << hook;
      if (!is_quick)
        threaded |= 1u << hook;
    }
    delivers |= plugin->delivers;
    events |= plugin->events;
  }
  plugins->threaded = threaded; /* requests may be looking: at no moment is anything missing that stays */
  plugins->present = present;
  plugins->delivers = delivers;
  plugins->events = events;
}

static struct usher_str text_of(struct us_str text) {
  return text.p ? (struct usher_str){text.p, text.n} : (struct usher_str){"", 0};
}

/* With a byte 0 behind each. False: no memory. */
static bool texts_of(void *mem, struct us_strs set, struct usher_strs *ret_set) {
  struct usher_str *list = US_NEW_ARRAY(mem, struct usher_str, set.n + 1);
  for (size_t i = 0; list && i < set.n; i++) {
    struct us_str copy = us_str_dup(mem, set.v[i]);
    if (!copy.p)
      return false;
    list[i] = text_of(copy);
  }
  *ret_set = (struct usher_strs){list, set.n};
  return list != NULL;
}

/* The arguments of an ask as the ABI has them; made once for all plugins. */
struct arguments {
  void *docs[US_ASK_DOCS_MAX];
  struct usher_strs requested, granted;
  struct usher_str word;
};

static int query(const struct us_plugin *plugin, struct us_ask *ask, const struct arguments *a, void *mem) {
  struct usher_filter in = {US_FILTER_MAGIC, ask->filter}, *out = NULL;
  int result = plugin->abi.before_query_resource_sets(plugin->self, a->word, &in, &out, &ask->error);
  if (result == USHER_OK && out && out != &in) {
    if (out->magic != US_FILTER_MAGIC)
      return USHER_FAIL;
    struct us_str text = us_str_dup(mem, out->text);
    if (!text.p)
      return USHER_FAIL;
    ask->filter = text;
    ask->plugin = plugin->abi.name;
  }
  return result;
}

static int call(const struct us_plugin *plugin, struct us_ask *ask, const struct arguments *a, void *mem) {
  const struct usher_plugin *abi = &plugin->abi;
  void *self = plugin->self;
  switch (ask->hook) {
  case US_HOOK_BEFORE_RESOURCE_REGISTRATION:
    return abi->before_resource_registration(self, a->docs[0], &ask->error);
  case US_HOOK_AFTER_RESOURCE_REGISTRATION:
    abi->after_resource_registration(self, a->docs[0]);
    return USHER_OK;
  case US_HOOK_ON_PERMISSION_REQUEST:
    return abi->on_permission_request(self, a->docs[0], a->requested, a->word, &ask->error);
  case US_HOOK_BEFORE_AUTHORIZATION:
    return abi->before_authorization(self, a->docs[0], a->docs[1], a->docs[2], a->requested, &ask->error);
  case US_HOOK_AFTER_SUCCESSFUL_AUTHORIZATION:
    abi->after_successful_authorization(self, a->docs[0], a->docs[1], a->docs[2], a->requested, a->granted);
    return USHER_OK;
  case US_HOOK_AFTER_FAILED_AUTHORIZATION:
    abi->after_failed_authorization(self, a->docs[0], a->docs[1], a->docs[2], a->requested);
    return USHER_OK;
  case US_HOOK_BEFORE_RESOURCE_SHARED:
    return abi->before_resource_shared(self, a->docs[0], &ask->error);
  case US_HOOK_AFTER_RESOURCE_SHARED:
    abi->after_resource_shared(self, a->docs[0]);
    return USHER_OK;
  case US_HOOK_BEFORE_RESOURCE_SHARED_MODIFICATION:
    return abi->before_resource_shared_modification(self, a->docs[0], a->docs[1], &ask->error);
  case US_HOOK_ON_RESOURCE_SHARED_DELETION:
    return abi->on_resource_shared_deletion(self, a->docs[0], &ask->error);
  case US_HOOK_BEFORE_QUERY_RESOURCE_SETS:
    return query(plugin, ask, a, mem);
  case US_HOOK_COUNT:
    break;
  }
  return USHER_FAIL;
}

static void tell(enum us_log_level level, const struct us_plugin *plugin, enum us_hook hook, const char *what,
                 int64_t took_us) {
  struct us_log_line line;
  if (!us_log_wants(level))
    return;
  us_log_begin(&line, level, "plugin");
  us_log_c(&line, "plugin", plugin->abi.name);
  us_log_c(&line, "hook", us_hook_name(hook));
  us_log_i64(&line, "us", took_us);
  us_log_c(&line, "msg", what);
  us_log_end(&line);
}

static bool is_quick(const struct us_plugin *plugin) {
  return (plugin->abi.flags & USHER_QUICK) != 0 && plugin->slow_calls < US_HOOK_QUICK_STRIKES;
}

/* One that promised to be quick and is not is called on threads from then on. */
static void hold_to_promise(struct us_plugins *plugins, struct us_plugin *plugin, enum us_hook hook, int64_t took_us) {
  if (took_us <= US_HOOK_QUICK_US || !is_quick(plugin))
    return;
  if (atomic_fetch_add(&plugin->slow_calls, 1) + 1 < US_HOOK_QUICK_STRIKES)
    return;
  tell(US_LOG_WARN, plugin, hook, "promised to be quick and is not: it is called on threads from now on", took_us);
  for (int i = 0; i < US_HOOK_COUNT; i++)
    if (us_plugin_has(plugin, i))
      atomic_fetch_or(&plugins->threaded, 1u << i);
}

/* What the host had no memory left for looked to the plugin as what is not there: a rule about it must not have passed by that. */
static int hold_to_memory(const struct us_plugin *plugin, enum us_hook hook, int result, const void *mem) {
  if (result != USHER_OK || us_hook_is_after(hook) || !us_mem_is_spent(mem))
    return result;
  us_log(US_LOG_ERROR, "plugin", "%s, %s: the memory of the call was used up", plugin->abi.name, us_hook_name(hook));
  return USHER_FAIL;
}

static size_t edits_of(const struct us_ask *ask) {
  size_t n = 0;
  for (size_t i = 0; i < ask->doc_count; i++)
    n += ask->docs[i].edits;
  return n;
}

static void count(struct us_plugin *plugin, const struct us_ask *ask, int result, int64_t took_us) {
  struct us_hook_counters *counters = &plugin->counters[ask->hook];
  atomic_fetch_add_explicit(&counters->calls, 1, memory_order_relaxed);
  atomic_fetch_add_explicit(&counters->microseconds, (uint64_t)took_us, memory_order_relaxed);
  if (result == USHER_VETO)
    atomic_fetch_add_explicit(&counters->vetoes, 1, memory_order_relaxed);
  else if (result != USHER_OK)
    atomic_fetch_add_explicit(&counters->failures, 1, memory_order_relaxed);
}

static void judge(struct us_plugins *plugins, struct us_plugin *plugin, struct us_ask *ask, int result,
                  int64_t took_us) {
  bool is_after = us_hook_is_after(ask->hook), is_slow = took_us > US_HOOK_SLOW_AFTER_MS * INT64_C(1000);
  count(plugin, ask, result, took_us);
  if (!is_after && result != USHER_OK) {
    ask->verdict = result == USHER_VETO ? US_VERDICT_VETO : US_VERDICT_FAIL;
    ask->plugin = plugin->abi.name;
  }
  if (plugins->is_silent)
    return;
  if (is_after && result != USHER_OK)
    tell(US_LOG_ERROR, plugin, ask->hook, "was not told: its process is down, or ended over it", took_us);
  else if (is_after && is_slow)
    tell(US_LOG_WARN, plugin, ask->hook, "takes long; others wait behind it", took_us);
  else if (result == USHER_VETO)
    tell(US_LOG_INFO, plugin, ask->hook, "vetoed", took_us);
  else if (result != USHER_OK)
    tell(US_LOG_ERROR, plugin, ask->hook, "failed", took_us);
  if (!is_after)
    hold_to_promise(plugins, plugin, ask->hook, took_us);
}

/* False: it is being reloaded, and nobody here may wait for that. */
static bool enter(struct us_plugin *plugin, bool may_wait) {
  return (may_wait ? pthread_rwlock_rdlock(&plugin->is_running) : pthread_rwlock_tryrdlock(&plugin->is_running)) == 0;
}

void us_hooks_ask(struct us_plugins *plugins, struct us_ask *ask, void *mem, struct us_hook_watch *watch) {
  struct arguments a = {.word = text_of(us_str_dup(mem, ask->word))};
  bool is_after = us_hook_is_after(ask->hook);
  for (size_t i = 0; i < ask->doc_count; i++)
    a.docs[i] = &ask->docs[i];
  ask->error = (struct usher_error){.magic = US_ERROR_MAGIC, .mem = mem};
  ask->plugin = NULL;
  ask->verdict = US_VERDICT_FAIL;
  if (!texts_of(mem, ask->requested, &a.requested) || !texts_of(mem, ask->granted, &a.granted))
    return;
  ask->verdict = US_VERDICT_OK;
  for (size_t i = 0; i < plugins->n && ask->verdict == US_VERDICT_OK; i++) {
    struct us_plugin *plugin = &plugins->v[i];
    struct us_scope scope;
    if (!us_plugin_has(plugin, ask->hook))
      continue;
    int64_t began_us = us_monotonic_us();
    int64_t late_us = is_after ? INT64_MAX : began_us + plugin->deadline_ms * 1000;
    size_t edits = edits_of(ask);
    if (watch) {
      watch->hook = ask->hook;
      watch->plugin = plugin;
      watch->until_us = late_us;
    }
    if (!enter(plugin, watch != NULL)) {
      ask->verdict = US_VERDICT_NONE;
      return;
    }
    us_scope_enter(&scope, plugin, late_us, mem);
    int result = plugin->child ? us_child_ask(plugin->child, ask, mem, late_us) : call(plugin, ask, &a, mem);
    us_scope_leave(&scope);
    pthread_rwlock_unlock(&plugin->is_running);
    result = hold_to_memory(plugin, ask->hook, result, mem);
    if (edits_of(ask) != edits)
      ask->plugin = plugin->abi.name;
    judge(plugins, plugin, ask, result, us_monotonic_us() - began_us);
  }
}

void us_ask_done(struct us_ask *ask) {
  for (size_t i = 0; i < ask->doc_count; i++)
    us_doc_done(&ask->docs[i]);
  ask->error.magic = 0;
}

static struct us_plugin *find_plugin(struct us_plugins *plugins, struct us_str name) {
  for (size_t i = 0; plugins && i < plugins->n; i++)
    if (plugins->v[i].delivers && us_str_eq_c(name, plugins->v[i].abi.name))
      return &plugins->v[i];
  return NULL;
}

int us_hooks_deliver(struct us_plugins *plugins, struct us_str name, struct us_str event) {
  struct us_plugin *plugin = find_plugin(plugins, name);
  struct us_scope scope;
  if (!plugin || !enter(plugin, true))
    return USHER_FAIL;
  us_scope_enter(&scope, plugin, INT64_MAX, NULL);
  int result = plugin->child ? us_child_deliver(plugin->child, event)
                             : plugin->abi.deliver(plugin->self, (struct usher_str){event.p, event.n});
  us_scope_leave(&scope);
  pthread_rwlock_unlock(&plugin->is_running);
  return result;
}
