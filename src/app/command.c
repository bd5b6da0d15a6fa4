/* Options, help and signals of commands: see command.h. */
#include "app/command.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define US_OPTIONS_MAX 32

void us_command_help(const struct us_command *command, const struct us_option *options, size_t count) {
  printf("usher %s - %s\n\nUsage: usher %s %s\n\n%s\n", command->name, command->summary, command->name,
         command->synopsis, command->help);
  if (count > 0)
    printf("\nOptions:\n");
  for (size_t i = 0; i < count; i++) {
    char left[64];
    snprintf(left, sizeof(left), "--%s%s%s", options[i].name, options[i].value_name ? " " : "",
             options[i].value_name ? options[i].value_name : "");
    printf("  %-26s %s\n", left, options[i].help);
  }
  printf("  %-26s %s\n", "--help", "this page");
}

int us_options_parse(const struct us_command *command, const struct us_option *options, size_t count, int argc,
                     char **argv, struct us_arguments *ret_arguments) {
  struct option list[US_OPTIONS_MAX + 2] = {0};
  if (count > US_OPTIONS_MAX)
    abort();
  for (size_t i = 0; i < count; i++)
    list[i] =
        (struct option){options[i].name, options[i].value_name ? required_argument : no_argument, NULL, (int)i + 256};
  list[count] = (struct option){"help", no_argument, NULL, 'h'};
  ret_arguments->n = 0;
  optind = 0; /* start over: getopt keeps its place between calls */
  for (;;) {
    int c = getopt_long(argc, argv, "h", list, NULL);
    if (c == -1)
      break;
    if (c == 'h') {
      us_command_help(command, options, count);
      return 1;
    }
    if (c < 256 || (size_t)(c - 256) >= count) {
      fprintf(stderr, "usage: usher %s %s\n", command->name, command->synopsis);
      return 2;
    }
    const struct us_option *option = &options[c - 256];
    if (option->flag != NULL)
      *option->flag = true;
    if (option->text != NULL)
      *option->text = optarg;
  }
  for (; optind < argc; optind++) {
    if (ret_arguments->n == US_ARGUMENTS_MAX) {
      fprintf(stderr, "usher %s: too many arguments\n", command->name);
      return 2;
    }
    ret_arguments->v[ret_arguments->n++] = argv[optind];
  }
  return 0;
}

int us_command_failed(const struct us_cx *cx) {
  struct us_str text = cx->err.text.n > 0 ? cx->err.text : cx->err.detail;
  if (text.n > 0)
    fprintf(stderr, "usher: %.*s\n", US_STR_ARG(text));
  else
    fprintf(stderr, "usher: %s\n", us_code_name(cx->err.code));
  if (cx->err.text.n > 0 && cx->err.detail.n > 0)
    fprintf(stderr, "usher: (%.*s)\n", US_STR_ARG(cx->err.detail));
  return 1;
}

static void signal_set(sigset_t *set) {
  sigemptyset(set);
  sigaddset(set, SIGTERM);
  sigaddset(set, SIGINT);
  sigaddset(set, SIGHUP);
}

void us_signals_block(void) {
  sigset_t set;
  signal_set(&set);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  signal(SIGPIPE, SIG_IGN);
}

int us_signal_wait(void) {
  sigset_t set;
  int sig = 0;
  signal_set(&set);
  while (sigwait(&set, &sig) != 0) {
  }
  return sig;
}
