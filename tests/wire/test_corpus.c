/*
 * The doubtful requests of corpus.txt on the wire, each over TCP and TLS: statuses, and what becomes of the connection.
 * The path of the corpus is the argument. compare_corpus.mjs sends the same to nginx and Node.
 */
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>

#define CASES_MAX 256
#define ANSWERS_MAX 4

struct corpus_case {
  char name[80];
  char title[96]; /* with the transport */
  int statuses[ANSWERS_MAX];
  size_t status_n;
  bool closes;
  bool is_tls;
  struct us_buf bytes;
};
static struct corpus_case cases[2 * CASES_MAX]; /* the second half: the same over TLS */
static size_t case_n;

static void bad_corpus(const char *line) {
  fprintf(stderr, "corpus: cannot read '%s'\n", line);
  exit(2);
}

static const char *add_escape(struct us_buf *b, const char *p) {
  static const char letters[] = "rnt\\", bytes[] = "\r\n\t\\";
  const char *letter = strchr(letters, p[1]);
  if (p[1] && letter) {
    us_buf_add_char(b, bytes[letter - letters]);
    return p + 2;
  }
  char hex[3] = {p[1] == 'x' ? p[2] : '?', p[1] == 'x' && p[2] ? p[3] : '?', '\0'};
  char *end;
  us_buf_add_char(b, (char)strtol(hex, &end, 16));
  if (*end)
    bad_corpus(p);
  return p + 4;
}

static void add_bytes(struct us_buf *b, const char *p) {
  while (*p) {
    char c;
    int times, used = 0;
    if (*p == '\\')
      p = add_escape(b, p);
    else if (sscanf(p, "{%c*%d}%n", &c, &times, &used) == 2 && used) {
      while (times-- > 0)
        us_buf_add_char(b, c);
      p += used;
    } else
      us_buf_add_char(b, *p++);
  }
}

static void read_expectation(struct corpus_case *c, char *text) {
  for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
    if (strcmp(word, "close") == 0 || strcmp(word, "open") == 0)
      c->closes = word[0] == 'c';
    else if (c->status_n < ANSWERS_MAX)
      c->statuses[c->status_n++] = atoi(word);
    else
      bad_corpus(word);
  }
}

static void read_line(char *line) {
  line[strcspn(line, "\n")] = '\0';
  if (line[0] == '[') {
    if (case_n == CASES_MAX || sscanf(line, "[%79[^]]]", cases[case_n].name) != 1)
      bad_corpus(line);
    us_buf_init(&cases[case_n++].bytes, 1 << 20);
    return;
  }
  struct corpus_case *c = case_n ? &cases[case_n - 1] : NULL;
  if (c && strncmp(line, "> ", 2) == 0)
    add_bytes(&c->bytes, line + 2);
  else if (c && strncmp(line, "usher ", 6) == 0)
    read_expectation(c, line + 6);
}

static void read_corpus(const char *path) {
  static char line[4096];
  FILE *file = fopen(path, "r");
  if (!file)
    bad_corpus(path);
  while (fgets(line, sizeof line, file))
    read_line(line);
  fclose(file);
}

static void check_goes_on(struct wire_client *client) {
  struct wire_answer answer;
  wire_send_c(client, "GET /probe HTTP/1.1\r\n" WIRE_HOST "Connection: close\r\n\r\n");
  wire_read_answer(client, false, &answer);
  assert_int_equal(answer.status, 200);
  assert_non_null(strstr(answer.body.p, "path=/probe\n"));
  wire_answer_done(&answer);
}

/* HT-08 HT-09 HT-10 HT-11 HT-12 HT-14 */
static void is_answered_as_the_corpus_says(void **state) {
  const struct corpus_case *c = *state;
  struct wire_client client;
  wire_connect(&client, c->is_tls);
  wire_send(&client, c->bytes.p, c->bytes.n);
  for (size_t i = 0; i < c->status_n; i++) {
    struct wire_answer answer;
    wire_read_answer(&client, false, &answer);
    assert_int_equal(answer.status, c->statuses[i]);
    wire_answer_done(&answer);
  }
  if (!c->closes)
    check_goes_on(&client);
  assert_int_equal(wire_read_to_end(&client), WIRE_CLOSED);
  assert_int_equal(client.got.n, 0);
  wire_close(&client);
}

static int start_for_all(void **state) {
  if (wire_group_setup(state) != 0)
    return -1;
  struct wire_options options = wire_defaults();
  return wire_start(&options) ? 0 : -1;
}
static int stop_for_all(void **state) {
  wire_teardown(state);
  return wire_group_teardown(state);
}

int main(int argc, char **argv) {
  if (argc != 2)
    bad_corpus("no path given");
  read_corpus(argv[1]);
  static struct CMUnitTest tests[2 * CASES_MAX];
  size_t n = case_n;
  for (size_t i = 0; i < 2 * n; i++) {
    if (i >= n)
      cases[i] = cases[i - n];
    struct corpus_case *c = &cases[i];
    c->is_tls = i >= n;
    snprintf(c->title, sizeof c->title, "%.79s (%s)", c->name, c->is_tls ? "TLS" : "TCP");
    tests[i] = (struct CMUnitTest){c->title, is_answered_as_the_corpus_says, NULL, NULL, c};
  }
  cmocka_set_message_output(CM_OUTPUT_TAP);
  int failed = _cmocka_run_group_tests("corpus", tests, 2 * n, start_for_all, stop_for_all);
  for (size_t i = 0; i < n; i++)
    us_buf_done(&cases[i].bytes);
  return failed;
}
