/*
 * Asking plugins. An "ask" is one method of the filters with what it is asked about; us_hooks_ask() puts it to every loaded plugin that
 * has the method, in order, and says what came out. One place calls plugins: this one (design 2).
 */
#ifndef USHER_PLUGIN_HOOKS_H
#define USHER_PLUGIN_HOOKS_H

#include "plugin/handle.h"
#include "plugin/plugin.h"

struct us_hook_runner;

/* All that are loaded, in the order of calling. Built by load.c. */
struct us_plugins {
  struct us_plugin *v;
  size_t n;
  void *mem;                     /* of their texts; NULL: they are part of this program (tests) */
  _Atomic unsigned present;      /* bit 1u << hook: some plugin has it */
  _Atomic unsigned threaded;     /* ditto: and not all that have it are quick */
  _Atomic unsigned events;       /* bit 1u << hook: some plugin wants the event of it delivered */
  _Atomic bool delivers;         /* some plugin has deliver() */
  bool is_silent;                /* what comes of it is told in the log by whoever asks (child_serve.c) */
  struct us_hook_runner *runner; /* NULL: asks run where they are made (tests, the command line) */
};
/* Sets present, threaded, events and delivers from the plugins. */
void us_plugins_index(struct us_plugins *plugins);
static inline bool us_plugins_have(const struct us_plugins *plugins, enum us_hook hook) {
  return plugins && (plugins->present & (1u << hook)) != 0;
}

#define US_ASK_DOCS_MAX 3
enum us_verdict { US_VERDICT_NONE, US_VERDICT_OK, US_VERDICT_VETO, US_VERDICT_FAIL, US_VERDICT_LATE };
struct us_ask {
  enum us_hook hook;
  /* In the order of the method's arguments: the resource; the policy, or the current and the updated one; ticket, requesting party,
   * owner. */
  struct us_doc docs[US_ASK_DOCS_MAX];
  size_t doc_count;
  struct us_strs requested, granted;
  struct us_str word;   /* client id of 3, user id of 11 */
  struct us_str filter; /* 11: in and out */
  struct usher_error error;
  enum us_verdict verdict;
  const char *plugin; /* who said no, or else who edited last; NULL: nobody did either */
  const void *tag;    /* the asker's own */
};

/* What others may look at while a chain runs. */
struct us_hook_watch {
  _Atomic int64_t until_us;         /* us_monotonic_us() at which the plugin that runs now is late */
  struct us_plugin *_Atomic plugin; /* it */
  _Atomic int hook;                 /* enum us_hook */
};
/* Runs the chain on this thread. `mem`: of the ask; texts, trees and results are made there. `watch`: NULL where the caller must not
 * wait: US_VERDICT_NONE then says "not now" (a plugin is being reloaded). */
void us_hooks_ask(struct us_plugins *plugins, struct us_ask *ask, void *mem, struct us_hook_watch *watch);
void us_ask_done(struct us_ask *ask); /* frees trees; handles are dead */

/* Hands an event to the plugin of that name. USHER_OK: it has it. */
int us_hooks_deliver(struct us_plugins *plugins, struct us_str name, struct us_str event);

#define US_HOOK_QUICK_US 2000      /* what a method of a USHER_QUICK plugin may take */
#define US_HOOK_QUICK_STRIKES 3    /* so often it may take longer before it is called on threads */
#define US_HOOK_DEADLINE_MS 2000   /* default of a before method */
#define US_HOOK_SLOW_AFTER_MS 1000 /* an after method that takes longer is told in the log */

#endif
