/*
 * A loaded plugin, as the host keeps it (include/usher/plugin.h is the other side). Made by load.c or child.c, called by hooks.c only.
 * REST contract j; docs/plugin-guide.md.
 */
#ifndef USHER_PLUGIN_PLUGIN_H
#define USHER_PLUGIN_PLUGIN_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/cx.h"
#include <usher/plugin.h>

/* The eleven methods, in the order of REST contract j.1 and of the descriptor. */
enum us_hook {
  US_HOOK_BEFORE_RESOURCE_REGISTRATION,
  US_HOOK_AFTER_RESOURCE_REGISTRATION,
  US_HOOK_ON_PERMISSION_REQUEST,
  US_HOOK_BEFORE_AUTHORIZATION,
  US_HOOK_AFTER_SUCCESSFUL_AUTHORIZATION,
  US_HOOK_AFTER_FAILED_AUTHORIZATION,
  US_HOOK_BEFORE_RESOURCE_SHARED,
  US_HOOK_AFTER_RESOURCE_SHARED,
  US_HOOK_BEFORE_RESOURCE_SHARED_MODIFICATION,
  US_HOOK_ON_RESOURCE_SHARED_DELETION,
  US_HOOK_BEFORE_QUERY_RESOURCE_SETS,
  US_HOOK_COUNT
};
/* As in Java, which is what events, logs and metrics call it: "beforeResourceShared". */
const char *us_hook_name(enum us_hook hook);
bool us_hook_is_after(enum us_hook hook);

#define US_PLUGIN_NAME_MAX_BYTES 64
struct us_child;

struct us_hook_counters { /* totals since start, for metrics */
  _Atomic uint64_t calls, vetoes, failures, late, microseconds;
};

struct us_plugin {
  struct usher_plugin abi; /* a copy: what lies beyond the plugin's own size is absent */
  struct us_str path;      /* where it came from; for people */
  int64_t priority;
  struct us_str config; /* JSON text */
  void *library;        /* of dlopen(); NULL: another process, or part of this program (tests) */
  int fd;               /* of the file behind `library`; -1 without */
  void *self;
  struct us_child
      *child; /* child.h: it runs in a process of its own, and `abi` has its names only; NULL: in this one */
  bool reloads, delivers;      /* it has reload(), deliver() */
  _Atomic uint32_t methods;    /* bit 1u << hook: it is called for this */
  _Atomic uint32_t events;     /* ditto: deliver() wants the event of it */
  int64_t deadline_ms;         /* of each before method */
  pthread_rwlock_t is_running; /* methods read, reload() writes */
  _Atomic unsigned slow_calls; /* of one that promised to be USHER_QUICK */
  struct us_hook_counters counters[US_HOOK_COUNT];
};

/* Sets `methods` and `events`: those that it has and, once it is open, has use for. */
void us_plugin_index(struct us_plugin *plugin, bool is_open);
static inline bool us_plugin_has(const struct us_plugin *plugin, enum us_hook hook) {
  return (plugin->methods & (1u << hook)) != 0;
}

#endif
