/* Options, help and signals of commands: see command.h. */
#include "app/command.h"

#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define US_OPTIONS_MAX 32

/* Lines of a page are indented, empty ones are not. */
static void print_indented(const char *text) {
  for (const char *line = text; *line != '\0';) {
    int n = (int)strcspn(line, "\n");
    printf("%s%.*s\n", n > 0 ? "    " : "", n, line);
    line += n + (line[n] == '\n');
  }
}

void us_command_help(const struct us_command *command, const struct us_option *options, size_t count) {
  printf("NAME\n    usher %s - %s\n\nUSAGE\n    usher %s %s\n\nDESCRIPTION\n", command->name, command->summary,
         command->name, command->synopsis);
  print_indented(command->description);
  printf("\nOPTIONS\n");
  for (size_t i = 0; i < count; i++)
    printf("    --%s%s%s\n        %s\n", options[i].name, options[i].value_name ? " " : "",
           options[i].value_name ? options[i].value_name : "", options[i].help);
  printf("    --help\n        print this page\n\nEXIT CODES\n"
         "    0  done\n"
         "    1  it failed; one line on standard error says why\n"
         "    2  wrong usage: an unknown option or verb, a missing or malformed argument\n\nEXAMPLES\n");
  print_indented(command->examples);
}

static int say_misused(const struct us_command *command, const char *what) {
  fprintf(stderr, "usher %s: %s; see usher %s --help\n", command->name, what, command->name);
  return 2;
}

int us_command_misused(const struct us_command *command, const char *format, ...) {
  char what[512];
  va_list args;
  va_start(args, format);
  vsnprintf(what, sizeof(what), format, args);
  va_end(args);
  return say_misused(command, what);
}

static int refuse_option(const struct us_command *command, const char *word, int c) {
  if (c == ':')
    return us_command_misused(command, "%.200s needs a value", word);
  return us_command_misused(command, "%.200s is no option of it, or takes no value", word);
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
    int c = getopt_long(argc, argv, ":h", list, NULL); /* the colon: getopt says nothing itself */
    if (c == -1)
      break;
    if (c == 'h') {
      us_command_help(command, options, count);
      return 1;
    }
    if (c < 256 || (size_t)(c - 256) >= count)
      return refuse_option(command, argv[optind - 1], c);
    const struct us_option *option = &options[c - 256];
    if (option->flag != NULL)
      *option->flag = true;
    if (option->text != NULL)
      *option->text = optarg;
  }
  for (; optind < argc; optind++) {
    if (ret_arguments->n == US_ARGUMENTS_MAX)
      return us_command_misused(command, "more than %d arguments", US_ARGUMENTS_MAX);
    ret_arguments->v[ret_arguments->n++] = argv[optind];
  }
  return 0;
}

int us_command_failed(const struct us_cx *cx) {
  struct us_str text = cx->err.text, detail = cx->err.detail;
  if (text.n == 0 && detail.n == 0)
    fprintf(stderr, "usher: %s\n", us_code_name(cx->err.code));
  else if (text.n > 0 && detail.n > 0)
    fprintf(stderr, "usher: %.*s (%.*s)\n", US_STR_ARG(text), US_STR_ARG(detail));
  else
    fprintf(stderr, "usher: %.*s%.*s\n", US_STR_ARG(text), US_STR_ARG(detail));
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
