/* `usher explain`: why somebody may do something with a resource, or why not. The same answer as evaluate at uma/policies gives. */
#include <stdio.h>

#include "app/admin.h"
#include "base/clock.h"
#include "base/mem.h"
#include "domain/explain.h"
#include "endpoint/crest/explanation.h"

#define DOCUMENT_MAX_BYTES (16 * 1024 * 1024)

struct explain_options {
  const char *resource, *party, *scopes, *client;
};
struct explain {
  struct us_explain_request request;
  struct us_explanation explanation;
};

static enum us_code explain_step(struct us_cx *cx, void *self) {
  struct explain *e = self;
  return us_explain(cx, &e->request, &e->explanation);
}

/* What came from users may hold anything; a terminal shows it in one line. */
static void print_text(struct us_str text) {
  for (size_t i = 0; i < text.n; i++) {
    unsigned char c = (unsigned char)text.p[i];
    putchar(c < 0x20 || c == 0x7f ? '?' : c);
  }
}

static void print_step(const struct us_explain_step *step, const struct us_explain_trace *trace) {
  size_t failing = 0;
  for (size_t i = 0; i < step->condition_count; i++)
    failing += !step->holds[i];
  printf("    ");
  print_text(step->sharer);
  printf(" shares with ");
  print_text(step->subject);
  printf(" (");
  print_text(step->entry);
  printf(")\n");
  if (step->conditions.n == 0)
    return;
  printf("      %s ", failing == 0                           ? "condition"
                      : trace->reason == US_REASON_CONDITION ? "condition fails"
                                                             : "condition");
  print_text(step->conditions);
  if (failing > 0)
    printf(": %zu of %zu do not hold", failing, step->condition_count);
  printf("\n");
}

static void print_trace(const struct us_explain_trace *trace) {
  char until[US_TIME_ISO_BYTES];
  us_time_iso_s(trace->until_s * 1000, until);
  for (size_t i = 0; i < trace->scopes.n; i++) {
    printf("%s ", us_reason_grants(trace->reason) ? "granted" : "denied ");
    print_text(trace->scopes.v[i]);
    printf(": %s%s%s\n", us_reason_text(trace->reason), trace->until_s != 0 ? ", until " : "",
           trace->until_s != 0 ? until : "");
  }
  for (size_t i = 0; i < trace->path_count && i < US_EXPLANATION_STEPS_MAX; i++)
    print_step(trace->path[i], trace);
}

static enum us_code print_document(struct us_admin *a, const struct us_explanation *explanation) {
  struct us_buf out;
  struct us_json_writer w;
  us_buf_init(&out, DOCUMENT_MAX_BYTES);
  us_json_writer_init(&w, &out);
  us_explanation_write(&w, explanation);
  bool is_whole = us_buf_ok(&out);
  if (is_whole)
    printf("%.*s\n", US_STR_ARG(us_buf_str(&out)));
  us_buf_done(&out);
  return is_whole ? US_OK : us_fail(&a->cx, US_E_INTERNAL, "the answer is larger than the limit");
}

static enum us_code explain(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  const struct explain_options *o = options;
  struct explain e = {.request = {.resource_uuid = us_str_c(o->resource),
                                  .subject = us_str_c(o->party),
                                  .client_id = us_str_c(o->client)}};
  US_TRY(us_admin_realm(a, &e.request.realm));
  if (!us_str_split(a->cx.mem, us_str_c(o->scopes), ' ', US_EXPLAIN_SCOPES_MAX, &e.request.scopes))
    return us_admin_misused(
        a, us_fail(&a->cx, US_E_INVALID_REQUEST, "--scope names more than %d scopes", US_EXPLAIN_SCOPES_MAX));
  enum us_code code = us_admin_read(a, explain_step, &e);
  if (code == US_E_NOT_FOUND)
    return us_fail(&a->cx, code, "there is no resource %s in %s", o->resource, a->realm_path);
  US_TRY(code);
  if (a->is_json)
    return print_document(a, &e.explanation);
  for (size_t i = 0; i < e.explanation.trace_count; i++)
    print_trace(&e.explanation.traces[i]);
  return US_OK;
}

int us_cmd_explain(const struct us_command *command, int argc, char **argv) {
  static const struct us_verb verbs[] = {{"explain", 0, 0, US_VERB_REALM, explain}};
  struct us_admin admin = {0};
  struct explain_options o = {0};
  struct us_arguments arguments;
  const struct us_option options[] = {
      US_STORE_OPTIONS(&admin),
      US_REALM_OPTION(&admin),
      {"resource", "ID", "the resource (required)", &o.resource, NULL},
      {"party", "NAME", "who asks: a user, known or not, or group:NAME (required)", &o.party, NULL},
      {"scope", "SCOPES", "what for, separated by blanks (required)", &o.scopes, NULL},
      {"client", "ID", "the client that asks; without it conditions on clients do not count", &o.client, NULL},
  };
  int code = us_options_parse(command, options, sizeof(options) / sizeof(options[0]), argc, argv, &arguments);
  if (code != 0)
    return code == 1 ? 0 : code;
  if (arguments.n > 0)
    return us_command_misused(command, "it takes no arguments");
  if (o.resource == NULL || o.party == NULL || o.scopes == NULL)
    return us_command_misused(command, "--resource ID, --party NAME and --scope SCOPES are needed");
  arguments = (struct us_arguments){.v = {command->name}, .n = 1};
  return us_admin_run(&admin, command, verbs, 1, &arguments, &o);
}
