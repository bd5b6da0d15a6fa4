/*
 * What the host offers to plugins (struct usher_host), and the scope of a call: which plugin runs on this thread, with which memory
 * and until when. Every call of a plugin stands between us_scope_enter() and us_scope_leave().
 */
#ifndef USHER_PLUGIN_HOST_H
#define USHER_PLUGIN_HOST_H

#include "base/clock.h"
#include "plugin/plugin.h"

#define US_SCOPE_ALLOC_MAX_BYTES (1024 * 1024)    /* alloc() of one call, together */
#define US_SCOPE_MEM_MAX_BYTES (16 * 1024 * 1024) /* all that a call makes the host keep for it */
#define US_PLUGIN_LOG_MAX_BYTES 1024

/* The table that every plugin gets. */
const struct usher_host *us_host(void);
/* The clock behind now_ms(); the system's until it is set. Before plugins are loaded. */
void us_host_set_clock(const struct us_clock *clock);

struct us_scope {
  const char *name;     /* of the plugin, for the log */
  struct us_str config; /* of the plugin */
  int64_t until_us;     /* us_monotonic_us() at which nobody waits any more; INT64_MAX: nobody waits at all */
  void *mem;            /* made when it is needed; goes with the scope unless the caller gave it */
  bool owns_mem;
  size_t alloced;
  struct us_scope *outer;
};
/* `mem`: where results are kept; NULL: in memory of the scope's own. */
void us_scope_enter(struct us_scope *scope, const struct us_plugin *plugin, int64_t until_us, void *mem);
void us_scope_leave(struct us_scope *scope);
/* Memory of the call that runs on this thread; NULL: none runs, or there is none left. */
void *us_scope_mem(void);
/* A copy with a byte 0 behind it that lives as long as the call; "" when there is no call, no text or no memory. */
struct usher_str us_scope_text(struct us_str text);

#endif
