/*
 * What the administration commands share: the store opened through the same domain code as the server's, one write
 * transaction a change, realm by --realm, output as text or JSON.
 */
#ifndef USHER_APP_ADMIN_H
#define USHER_APP_ADMIN_H

#include "app/command.h"
#include "domain/services.h"
#include "domain/snapshot.h"
#include "store/db.h"
#include "json/write.h"

struct us_admin {
  struct us_cx cx;
  struct us_db *db;
  const struct us_snapshot *snapshot;
  const char *store, *realm_path; /* options */
  bool is_json;
  size_t listed;   /* items of the list that is being printed */
  bool is_misused; /* set by us_admin_misused() */
  bool has_node;
  uint16_t node;
};
/* The options of a command that administers stores: all have --store and --json, most --realm. */
#define US_STORE_OPTIONS(admin)                                                                                        \
  {"store", "URL", "the store; without it USHER_STORE of the environment, else sqlite:usher.db", &(admin)->store,      \
   NULL},                                                                                                              \
  {                                                                                                                    \
    "json", NULL, "print one JSON document instead of text", NULL, &(admin)->is_json                                   \
  }
#define US_REALM_OPTION(admin)                                                                                         \
  { "realm", "PATH", "the realm, for example /alpha (required)", &(admin)->realm_path, NULL }

/* `flags` of the verb. Without US_VERB_CREATES a store that is missing is an error, so that a slip in --store makes no empty file. */
enum us_code us_admin_open(struct us_admin *admin, unsigned flags) US_MUST_CHECK;
void us_admin_close(struct us_admin *admin);
/* The realm of --realm; US_E_NOT_FOUND, with a text, when there is none of this name. */
enum us_code us_admin_realm(struct us_admin *admin, const struct us_realm **ret_realm) US_MUST_CHECK;
/* Marks an error that us_fail() has recorded as wrong usage: the exit code will be 2. Returns `code`. */
enum us_code us_admin_misused(struct us_admin *admin, enum us_code code) US_MUST_CHECK;
/* A change in a write transaction. */
enum us_code us_admin_change(struct us_admin *admin, us_db_step_fn step, void *self) US_MUST_CHECK;
/* A read in a read transaction. */
enum us_code us_admin_read(struct us_admin *admin, us_db_step_fn step, void *self) US_MUST_CHECK;
/* One line of standard input without its end; asks on a terminal, without echo. Absent when there is none. */
struct us_str us_admin_read_secret(struct us_admin *admin, const char *prompt);

/* A list on standard output: with --json an array, an item a line; as text what its author prints, and these print nothing. Items are
 * printed as they are read, so memory does not grow with their number. */
void us_admin_list_open(struct us_admin *admin);
void us_admin_list_item(struct us_admin *admin, struct us_str json);
void us_admin_list_close(struct us_admin *admin);
/* A document of one object with one member, for verbs that have no more to say: {"name":"alice"}. */
void us_admin_print_member(const char *name, struct us_str value);

enum us_verb_flags {
  US_VERB_REALM = 1 << 0,   /* needs --realm */
  US_VERB_CREATES = 1 << 1, /* makes the store when there is none */
  US_VERB_SEALS = 1 << 2,   /* seals its secrets anew: they are not read when it is opened */
};
struct us_verb {
  const char *name;
  size_t min_arguments, max_arguments; /* behind the verb */
  unsigned flags;
  enum us_code (*run)(struct us_admin *admin, const struct us_arguments *arguments, void *options);
};
/* Runs one of a command's verbs, the one that `arguments->v[0]` names: opens, runs, closes, reports; returns the exit code. */
int us_admin_run(struct us_admin *admin, const struct us_command *command, const struct us_verb *verbs, size_t count,
                 const struct us_arguments *arguments, void *options);

#endif
