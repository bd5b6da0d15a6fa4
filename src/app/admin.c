/* Shared part of the administration commands: see admin.h. */
#include "app/admin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "app/app.h"
#include "app/store_key.h"
#include "base/mem.h"
#include "crypto/password.h"

#define US_SECRET_LINE_MAX (2 * US_PASSWORD_MAX_BYTES)

/* Whether a store in a file is not there yet. */
static bool is_missing(const char *url) {
  const char *path = strncmp(url, "sqlite:", 7) == 0 ? url + 7 : url;
  return access(path, F_OK) != 0 && errno == ENOENT;
}

enum us_code us_admin_open(struct us_admin *a, unsigned flags) {
  struct us_cx *cx = &a->cx;
  const char *from_environment = getenv("USHER_STORE"), *key_file = getenv("USHER_STORE_KEY_FILE");
  struct us_box *box = NULL;
  int64_t high_water = 0;
  if (a->store == NULL)
    a->store = from_environment ? from_environment : "sqlite:usher.db";
  cx->mem = us_mem_root_new(0, 256u * 1024 * 1024);
  cx->now_ms = us_clock_now_ms(&us_clock_system);
  if (cx->mem == NULL)
    return US_E_NO_MEMORY;
  cx->svc = us_services_new(&us_clock_system, "http://127.0.0.1/am", NULL, NULL, NULL);
  if (cx->svc == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  cx->svc->outside.is_operator = true;
  US_TRY(us_store_key_of(cx, key_file, a->store, &box));
  cx->svc->box = box;
  if (!(flags & US_VERB_CREATES) && is_missing(a->store))
    return us_fail(cx, US_E_STORE, "there is no store '%s'; `usher realm create /` makes one", a->store);
  struct us_db_options options = {.url = a->store, .busy_ms = 2000};
  US_TRY(us_db_migrate(cx, a->store));
  US_TRY(us_db_open(cx, &options, &a->db));
  US_TRY(us_node_lease(cx, a->db, &a->node, &high_water));
  a->has_node = true;
  us_idgen_init(&cx->svc->ids, a->node, high_water);
  US_TRY(us_db_begin_read(cx, a->db));
  enum us_code code = (flags & US_VERB_SEALS) ? US_OK : us_snapshot_refresh(cx, true);
  us_db_end_read(cx, a->db);
  a->snapshot = us_snapshot_ref(cx->svc->snapshots);
  return code;
}

void us_admin_close(struct us_admin *a) {
  us_snapshot_unref(a->snapshot);
  if (a->has_node && us_node_release(&a->cx, a->db, a->node, us_next_id(&a->cx)) != US_OK)
    fprintf(stderr, "usher: the node lease was not given back; it runs out by itself\n");
  if (a->db != NULL)
    us_db_close(a->db);
  us_services_free(a->cx.svc);
  us_mem_free(a->cx.mem);
}

enum us_code us_admin_realm(struct us_admin *a, const struct us_realm **ret_realm) {
  *ret_realm = us_snapshot_realm(a->snapshot, us_str_c(a->realm_path));
  if (*ret_realm == NULL)
    return us_fail(&a->cx, US_E_NOT_FOUND, "there is no realm %s", a->realm_path);
  return US_OK;
}

enum us_code us_admin_misused(struct us_admin *a, enum us_code code) {
  a->is_misused = true;
  return code;
}

enum us_code us_admin_change(struct us_admin *a, us_db_step_fn step, void *self) {
  return us_db_transact(&a->cx, a->db, step, self);
}

enum us_code us_admin_read(struct us_admin *a, us_db_step_fn step, void *self) {
  US_TRY(us_db_begin_read(&a->cx, a->db));
  enum us_code code = step(&a->cx, self);
  us_db_end_read(&a->cx, a->db);
  return code;
}

/* Straight into `line`: the buffer of a stream would keep a copy. What does not fit is cut at a length that no secret may have. */
static struct us_str read_line(char *line) {
  size_t n = 0;
  ssize_t got;
  while (n < US_SECRET_LINE_MAX && (got = read(STDIN_FILENO, line + n, 1)) != 0) {
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0 || line[n] == '\n')
      break;
    n++;
  }
  if (n > 0 && line[n - 1] == '\r')
    n--;
  return n > 0 ? (struct us_str){line, n} : US_STR_ABSENT;
}

struct us_str us_admin_read_secret(struct us_admin *a, const char *prompt) {
  char *line = us_mem_secret(a->cx.mem, US_SECRET_LINE_MAX);
  struct termios old, quiet;
  bool is_terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &old) == 0;
  if (line == NULL)
    return US_STR_ABSENT;
  if (is_terminal) {
    fprintf(stderr, "%s: ", prompt);
    quiet = old;
    quiet.c_lflag &= (tcflag_t)~ECHO;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  struct us_str secret = read_line(line);
  if (is_terminal) {
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
    fprintf(stderr, "\n");
  }
  return secret;
}

void us_admin_print_member(const char *name, struct us_str value) {
  struct us_buf out;
  struct us_json_writer w;
  us_buf_init(&out, 64 * 1024);
  us_json_writer_init(&w, &out);
  us_json_open(&w, '{');
  us_json_member(&w, name, value);
  us_json_close(&w, '}');
  printf("%.*s\n", US_STR_ARG(us_buf_str(&out)));
  us_buf_done(&out);
}

void us_admin_list_open(struct us_admin *admin) {
  admin->listed = 0;
  if (admin->is_json)
    printf("[");
}

void us_admin_list_item(struct us_admin *admin, struct us_str json) {
  printf("%s%.*s", admin->listed++ == 0 ? "\n" : ",\n", US_STR_ARG(json));
}

void us_admin_list_close(struct us_admin *admin) {
  if (admin->is_json)
    printf(admin->listed == 0 ? "]\n" : "\n]\n");
}

static const struct us_verb *find_verb(const struct us_verb *verbs, size_t count, const char *name) {
  for (size_t i = 0; name != NULL && i < count; i++) {
    if (strcmp(verbs[i].name, name) == 0)
      return &verbs[i];
  }
  return NULL;
}

int us_admin_run(struct us_admin *a, const struct us_command *command, const struct us_verb *verbs, size_t count,
                 const struct us_arguments *arguments, void *options) {
  const char *name = arguments->n > 0 ? arguments->v[0] : NULL;
  const struct us_verb *verb = find_verb(verbs, count, name);
  if (name == NULL)
    return us_command_misused(command, "what shall it do?");
  if (verb == NULL)
    return us_command_misused(command, "there is no '%.200s' here", name);
  struct us_arguments rest = {.n = arguments->n - 1};
  if (rest.n < verb->min_arguments)
    return us_command_misused(command, "%s needs an argument", name);
  if (rest.n > verb->max_arguments)
    return us_command_misused(command, "%s has too many arguments", name);
  if ((verb->flags & US_VERB_REALM) && a->realm_path == NULL)
    return us_command_misused(command, "--realm PATH is needed, for example --realm /alpha");
  memcpy(rest.v, arguments->v + 1, rest.n * sizeof(rest.v[0]));
  enum us_code code = us_admin_open(a, verb->flags);
  if (code == US_OK)
    code = verb->run(a, &rest, options);
  int exit_code = 0;
  if (code != US_OK)
    exit_code = us_command_failed(&a->cx) + (a->is_misused ? 1 : 0);
  us_admin_close(a);
  return exit_code;
}
