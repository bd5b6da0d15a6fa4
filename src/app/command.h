/*
 * Commands of the command line as data: one row a command in app/main.c, one option list each. `--help` is written from the
 * same rows, so that it cannot lie. Exit codes: 0 done, 1 it failed (one line on standard error says why), 2 wrong usage.
 */
#ifndef USHER_APP_COMMAND_H
#define USHER_APP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cx.h"

struct us_option {
  const char *name;       /* without the dashes */
  const char *value_name; /* "FILE"; NULL: a flag */
  const char *help;
  const char **text; /* gets the value */
  bool *flag;
};
struct us_command {
  const char *name;
  const char *synopsis; /* behind "usher NAME" */
  const char *summary;  /* one line */
  const char *description;
  const char *examples; /* command lines */
  /* argv[0] is the command's name. Returns the exit code. */
  int (*run)(const struct us_command *command, int argc, char **argv);
};

#define US_ARGUMENTS_MAX 64
struct us_arguments {
  const char *v[US_ARGUMENTS_MAX]; /* what is no option, in order */
  size_t n;
};
/* Returns 0; 1 when --help was asked for and written; 2 when an option is unknown, lacks its value or has one too many (said
 * on stderr in one line). */
int us_options_parse(const struct us_command *command, const struct us_option *options, size_t count, int argc,
                     char **argv, struct us_arguments *ret_arguments);
void us_command_help(const struct us_command *command, const struct us_option *options, size_t count);
/* "usher NAME: what is wrong; see usher NAME --help" for wrong usage; returns 2. */
int us_command_misused(const struct us_command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "usher: text (detail)" in one line for a failed step; returns 1. */
int us_command_failed(const struct us_cx *cx);

int us_cmd_serve(const struct us_command *command, int argc, char **argv);
int us_cmd_demo(const struct us_command *command, int argc, char **argv);
int us_cmd_routes(const struct us_command *command, int argc, char **argv);
int us_cmd_realm(const struct us_command *command, int argc, char **argv);
int us_cmd_user(const struct us_command *command, int argc, char **argv);
int us_cmd_group(const struct us_command *command, int argc, char **argv);
int us_cmd_client(const struct us_command *command, int argc, char **argv);
int us_cmd_settings(const struct us_command *command, int argc, char **argv);
int us_cmd_audit(const struct us_command *command, int argc, char **argv);
int us_cmd_key(const struct us_command *command, int argc, char **argv);
int us_cmd_explain(const struct us_command *command, int argc, char **argv);
int us_cmd_plugin(const struct us_command *command, int argc, char **argv);
int us_cmd_outbox(const struct us_command *command, int argc, char **argv);

/* Blocks SIGTERM, SIGINT and SIGHUP in all threads started later; us_signal_wait() then returns the one that came. */
void us_signals_block(void);
int us_signal_wait(void);

#endif
