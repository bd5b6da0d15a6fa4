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
  bool has_node;
  uint16_t node;
};
/* The options --store, --realm and --json of a command, to be put into its list. */
#define US_ADMIN_OPTIONS(admin)                                                                                        \
  {"store", "URL", "the store (USHER_STORE, or sqlite:usher.db)", &(admin)->store, NULL},                              \
      {"realm", "PATH", "the realm, for example /alpha", &(admin)->realm_path, NULL}, {                                \
    "json", NULL, "print JSON", NULL, &(admin)->is_json                                                                \
  }

enum us_code us_admin_open(struct us_admin *admin) US_MUST_CHECK;
void us_admin_close(struct us_admin *admin);
/* The realm of --realm; says what is wrong when there is none. */
enum us_code us_admin_realm(struct us_admin *admin, const struct us_realm **ret_realm) US_MUST_CHECK;
/* A change in a write transaction. */
enum us_code us_admin_change(struct us_admin *admin, us_db_step_fn step, void *self) US_MUST_CHECK;
/* A read in a read transaction. */
enum us_code us_admin_read(struct us_admin *admin, us_db_step_fn step, void *self) US_MUST_CHECK;
/* One line of standard input without its end; asks on a terminal, without echo. Absent when there is none. */
struct us_str us_admin_read_secret(struct us_admin *admin, const char *prompt);

/* Runs one of a command's verbs. */
struct us_verb {
  const char *name;
  size_t min_arguments, max_arguments; /* behind the verb */
  enum us_code (*run)(struct us_admin *admin, const struct us_arguments *arguments, void *options);
};
/* Parses nothing: `arguments->v[0]` names the verb. Opens, runs, closes, reports; returns the exit code. */
int us_admin_run(struct us_admin *admin, const struct us_command *command, const struct us_verb *verbs, size_t count,
                 const struct us_arguments *arguments, void *options);

#endif
