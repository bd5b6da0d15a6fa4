/*
 * A plugin in a process of its own (`process: true`): whatever it does to its memory, it does not do to the server's. A crash, a hang
 * or nonsense is a failure of the call that met it; the process is started anew, at first soon and then less and less often.
 *
 * The child is this very program, which loads the file as the server would (child_serve.c) and is asked over socket pairs, the lanes:
 * frames of a length (4 bytes, little endian) and that much JSON, on each lane one question at a time and one answer each.
 * docs/adr/0033.
 */
#ifndef USHER_PLUGIN_CHILD_H
#define USHER_PLUGIN_CHILD_H

#include "plugin/hooks.h"

#define US_CHILD_FRAME_MAX_BYTES (8 * 1024 * 1024)
#define US_CHILD_START_MS 10000   /* to start and open */
#define US_CHILD_AFTER_MS 10000   /* for what nobody waits for */
#define US_CHILD_PATIENCE_MS 1000 /* so long that waits for a process that is down; others wait behind it */
#define US_CHILD_TRIES 3          /* how often a question is put, when the process had ended before it came */
#define US_CHILD_END_MS 1000      /* to close and end by itself */
#define US_CHILD_BACK_OFF_MS 100  /* until the first start anew; doubles with each */
#define US_CHILD_BACK_OFF_MAX_MS 30000
#define US_CHILD_GOOD_MS 60000          /* who lives that long begins anew with the first */
#define US_CHILD_COMMAND "plugin-child" /* of the command line; not for people */
#define US_CHILD_FD 3                   /* the child's end of the first lane; the others follow */

/* One for each sort of thread that the server calls plugins on, so that none waits behind another. */
enum us_child_lane { US_CHILD_ASKS, US_CHILD_DEEDS, US_CHILD_EVENTS, US_CHILD_LANES };

struct us_child;
/* What is started: this program. Tests, which are another one, set it. */
extern const char *_Atomic us_child_program;

/* Starts a process for the file, far enough that the descriptor is known: *ret_plugin gets name, version, methods, flags. */
enum us_code us_child_new(struct us_cx *cx, struct us_str path, struct us_plugin *ret_plugin) US_MUST_CHECK;
void us_child_free(struct us_child *child); /* closes, ends the process; accepts NULL */
/* What a plugin has use for with its configuration (struct us_plugin). */
struct us_child_use {
  uint32_t methods, events;
};
/* open(), and reload(), with a configuration; it is also what a process that is started anew is opened with. USHER_OK or what the plugin
 * returned. Behind open() a thread minds the process: it is started anew whether somebody asks or not. One that is down does not reload:
 * nobody could say whether the plugin takes the new configuration. */
int us_child_open(struct us_child *child, struct us_str config, struct us_child_use *ret_use);
int us_child_reload(struct us_child *child, struct us_str config, struct us_child_use *ret_use);
/* One ask; `until_us` of us_monotonic_us(), INT64_MAX: US_CHILD_AFTER_MS. Edits and the filter are in *ask when it says USHER_OK. Several
 * threads wait for each other, and for a process that is started anew before `until_us`. */
int us_child_ask(struct us_child *child, struct us_ask *ask, void *mem, int64_t until_us);
int us_child_deliver(struct us_child *child, struct us_str event);
/* For metrics. */
bool us_child_is_up(struct us_child *child);
uint64_t us_child_starts(struct us_child *child);

/* The child's side: serves until the other end is closed. Returns the exit code. */
int us_child_serve(const char *path);

/* ---- Between the two (child_frame.c) ---- */

/* False: closed, late or not a frame. *ret_text is malloc'ed. */
bool us_frame_send(int fd, struct us_str text, int64_t until_us);
bool us_frame_receive(int fd, int64_t until_us, struct us_str *ret_text);
/* {"hook":..,"docs":[{..}],"requested":[..],"granted":[..],"word":"..","filter":".."} as a tree. NULL: no memory. */
json_t *us_ask_to_json(struct us_ask *ask, void *mem);
/* And back, in `mem`. False: it is none. */
bool us_ask_from_json(const json_t *tree, void *mem, struct us_ask *ret_ask);
/* What came of it: {"verdict":..,"docs":[null|{..}],"filter":"..","error":{..}}. */
json_t *us_ask_result_to_json(struct us_ask *ask, void *mem);
/* Applies it: edits member by member, with the checks of handles. The verdict as enum usher_rc; USHER_FAIL also for nonsense. */
int us_ask_take_result(struct us_ask *ask, const json_t *tree, void *mem);

#endif
