/*
 * The server in a test: see world.h. The demo world is made once a process and copied for each test, because its passwords
 * and keys take a second of work.
 */
#include "testlib/world.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/app.h"
#include "app/demo_world.h"
#include "base/log.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "domain/account.h"
#include "domain/extension.h"
#include "domain/id_token.h"
#include "domain/realm.h"
#include "domain/session.h"
#include "domain/snapshot.h"
#include "route/pipeline.h"
#include "json/field.h"

#define WORLD_START_MS                                                                                                 \
  INT64_C(1935600000000) /* 2031-05-03: a fixed day, so that texts with dates are the same every time */
#define WORLD_MEMORY (512u * 1024 * 1024)

struct reply_link {
  struct reply_link *next;
  void *mem;
  struct us_http_response response;
  json_t *json;
};
struct us_world {
  char folder[64];
  char file[96];
  char url[112];
  struct us_clock_fake fake;
  struct us_clock clock;
  struct us_services *svc;
  struct us_db *db;     /* writes; the tests' own look */
  struct us_db *reader; /* a loop's: it shares snapshots and remembers tokens as long as nothing is written */
  struct us_commits commits;
  void *mem;
  struct reply_link *replies;
  const char *peer, *peer_group; /* us_world_come_from(); NULL: the usual one */
  const char *certificate;       /* us_world_show_certificate(); NULL: none */
  struct us_cert *cert;          /* us_world_show_cert(); NULL: none */
  const char *published;         /* us_world_publish(); NULL: whoever fetches gets nothing */
  unsigned fetches;
};

static char template_file[4096];
static bool
    template_is_shared; /* USHER_TEST_TEMPLATE names a file that many test programs use: the runner removes it */

static void drop_template(void) {
  if (template_file[0] != '\0' && !template_is_shared)
    unlink(template_file);
}

static void must(struct us_cx *cx, enum us_code code, const char *what) {
  if (code != US_OK)
    fail_msg("%s: %s: %.*s (%.*s)", what, us_code_name(code), US_STR_ARG(cx->err.text), US_STR_ARG(cx->err.detail));
}

static struct us_cx world_cx(struct us_world *w) {
  return (struct us_cx){.mem = w->mem, .svc = w->svc, .now_ms = us_world_now_ms(w)};
}

static void open_db(struct us_world *w) {
  struct us_cx cx = world_cx(w);
  struct us_db_options options = {.url = w->url, .busy_ms = 2000, .commits = &w->commits};
  must(&cx, us_db_migrate(&cx, w->url), "migrate");
  must(&cx, us_db_open(&cx, &options, &w->db), "open");
}

static void copy_file(const char *from, const char *to) {
  char block[65536];
  int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ssize_t n;
  assert_true(in >= 0 && out >= 0);
  while ((n = read(in, block, sizeof(block))) > 0)
    assert_int_equal(write(out, block, (size_t)n), n);
  assert_int_equal(n, 0);
  close(in);
  close(out);
}

/* Where the template is, or is to be. */
static void choose_template(void) {
  const char *shared = getenv("USHER_TEST_TEMPLATE");
  if (template_file[0] != '\0')
    return;
  template_is_shared = shared != NULL;
  if (shared != NULL)
    snprintf(template_file, sizeof(template_file), "%s", shared);
  else
    snprintf(template_file, sizeof(template_file), "/tmp/usher-template-%d", (int)getpid());
  atexit(drop_template);
}

/* The first world makes the template: a store with the demo world, closed and complete. It gets its name when it is whole. */
static void need_template(struct us_world *w) {
  char made[4160];
  choose_template();
  if (access(template_file, R_OK) == 0) {
    copy_file(template_file, w->file);
    return;
  }
  struct us_cx cx = world_cx(w);
  open_db(w);
  must(&cx, us_demo_world_create(&cx, w->db, 0), "demo world");
  us_db_close(w->db);
  w->db = NULL;
  snprintf(made, sizeof(made), "%s.%d", template_file, (int)getpid());
  copy_file(w->file, made);
  assert_int_equal(rename(made, template_file), 0);
}

struct us_world *us_world_new(void) {
  struct us_world *w = calloc(1, sizeof(*w));
  assert_non_null(w);
  assert_int_equal(us_crypto_setup(), 0);
  /* In memory where that can be had: what a flow test asks is not whether the disk is fast. */
  strcpy(w->folder, access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm/usher-world-XXXXXX" : "/tmp/usher-world-XXXXXX");
  assert_non_null(mkdtemp(w->folder));
  snprintf(w->file, sizeof(w->file), "%s/usher.db", w->folder);
  snprintf(w->url, sizeof(w->url), "sqlite:%s", w->file);
  atomic_store(&w->fake.now_ms, WORLD_START_MS - 1000);
  w->clock = us_clock_fake_as_clock(&w->fake);
  w->mem = us_mem_root_new(0, WORLD_MEMORY);
  w->svc = us_services_new(&w->clock, WORLD_BASE, NULL, NULL, NULL);
  assert_non_null(w->mem);
  assert_non_null(w->svc);
  us_idgen_init(&w->svc->ids, 1, 0);
  need_template(w);
  atomic_store(&w->fake.now_ms,
               WORLD_START_MS); /* a second after the template: ids made from now on lie above its own */
  open_db(w);
  struct us_cx cx = world_cx(w);
  struct us_db_options options = {.url = w->url, .read_only = true, .busy_ms = 2000, .commits = &w->commits};
  must(&cx, us_db_open(&cx, &options, &w->reader), "open a reader");
  must(&cx, us_db_begin_read(&cx, w->db), "read");
  enum us_code code = us_snapshot_refresh(&cx, true);
  us_db_end_read(&cx, w->db);
  must(&cx, code, "snapshot");
  return w;
}

void us_world_free(struct us_world *w) {
  if (w == NULL)
    return;
  while (w->replies != NULL) {
    struct reply_link *r = w->replies;
    w->replies = r->next;
    us_http_response_done(&r->response);
    json_decref(r->json);
    us_mem_free(r->mem);
    free(r);
  }
  us_cert_unref(w->cert);
  us_db_close(w->reader);
  us_db_close(w->db);
  us_services_free(w->svc);
  us_mem_free(w->mem);
  static const char *const endings[] = {"", "-wal", "-shm"};
  for (size_t i = 0; i < 3; i++) {
    char name[128];
    snprintf(name, sizeof(name), "%s%s", w->file, endings[i]);
    unlink(name);
  }
  rmdir(w->folder);
  free(w);
}

void us_world_advance_ms(struct us_world *w, int64_t ms) {
  atomic_fetch_add(&w->fake.now_ms, ms);
}
int64_t us_world_now_ms(const struct us_world *w) {
  return us_clock_now_ms(&w->clock);
}
struct us_services *us_world_services(struct us_world *w) {
  return w->svc;
}
struct us_db *us_world_db(struct us_world *w) {
  return w->db;
}
const char *us_world_file(const struct us_world *w) {
  return w->file;
}

enum us_code us_world_transact(struct us_world *w, us_db_step_fn step, void *self) {
  struct us_cx cx = world_cx(w);
  enum us_code code = us_db_transact(&cx, w->db, step, self);
  if (code != US_OK)
    return code;
  must(&cx, us_db_begin_read(&cx, w->db), "read");
  enum us_code refreshed = us_snapshot_refresh(&cx, false);
  us_db_end_read(&cx, w->db);
  must(&cx, refreshed, "snapshot");
  return US_OK;
}

struct setting {
  struct us_world *w;
  const char *name, *value;
};
static enum us_code set_step(struct us_cx *cx, void *self) {
  struct setting *s = self;
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  enum us_code code =
      us_setting_set(cx, us_snapshot_realm(snapshot, US_STR("/alpha")), us_str_c(s->name), us_str_c(s->value));
  us_snapshot_unref(snapshot);
  if (code != US_OK)
    fail_msg("setting %s=%s: %.*s", s->name, s->value, US_STR_ARG(cx->err.text));
  return code;
}
void us_world_set(struct us_world *w, const char *name, const char *value) {
  struct setting s = {w, name, value};
  assert_int_equal(us_world_transact(w, set_step, &s), US_OK);
}

const char *us_text(struct us_world *w, const char *format, ...) {
  char *text = NULL;
  va_list args;
  va_start(args, format);
  int n = vasprintf(&text, format, args);
  va_end(args);
  assert_true(n >= 0);
  const char *copy = us_str_cdup(w->mem, us_str_c(text));
  free(text);
  assert_non_null(copy);
  return copy;
}

const char *us_enc(struct us_world *w, const char *value) {
  return us_percent_encode(w->mem, us_str_c(value)).p;
}

/* "Name: value\n..." to the lower-cased list that the edge would hand over. */
static void add_headers(void *mem, const char *lines, struct us_http_request *request) {
  struct us_http_header *list = us_mem_array(mem, 64, sizeof(*list));
  size_t n = 0;
  list[n++] = (struct us_http_header){US_STR("host"), US_STR("127.0.0.1:8080")};
  while (lines != NULL && *lines != '\0') {
    const char *end = strchrnul(lines, '\n'), *colon = memchr(lines, ':', (size_t)(end - lines));
    assert_non_null(colon);
    const char *value = colon + 1;
    while (*value == ' ')
      value++;
    assert_true(n < 64);
    if (us_str_eq_nocase((struct us_str){lines, (size_t)(colon - lines)}, US_STR("host"))) { /* instead of ours */
      request->host = us_str_dup(mem, (struct us_str){value, (size_t)(end - value)});
      list[0].value = request->host;
      lines = *end ? end + 1 : end;
      continue;
    }
    list[n].name = us_str_fold(mem, (struct us_str){lines, (size_t)(colon - lines)});
    list[n++].value = us_str_dup(mem, (struct us_str){value, (size_t)(end - value)});
    lines = *end ? end + 1 : end;
  }
  request->headers = list;
  request->header_count = n;
}

static enum us_code write_step(struct us_cx *cx, void *self) {
  return us_call_write(self);
}

/* What app/dispatch.c leaves as notes is written down at once. */
struct touches {
  int64_t ids[2];
  size_t n;
};
static enum us_code touch_step(struct us_cx *cx, void *self) {
  const struct touches *touches = self;
  for (size_t i = 0; i < touches->n; i++)
    US_TRY(us_session_apply_touch(cx, touches->ids[i], cx->now_ms));
  return US_OK;
}
static void touch_sessions(struct us_world *w, const struct us_call *call) {
  struct us_cx cx = world_cx(w);
  struct touches touches;
  touches.n = us_call_used_sessions(call, touches.ids);
  if (touches.n > 0)
    must(&cx, us_db_transact(&cx, w->db, touch_step, &touches), "touch");
}

static void note_done(void *self) {
  atomic_store((_Atomic bool *)self, true);
}
static void nap(void) {
  nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
}

/* Moves the call by hand to wherever it wants to go: what app/dispatch.c does with threads. */
static void run_call(struct us_world *w, struct us_call *call) {
  enum us_place place = us_call_advance(call, US_PLACE_LOOP, w->reader);
  while (place != US_PLACE_ANSWER) {
    if (place == US_PLACE_FETCH) {
      const struct us_keys_wanted *wanted = &call->proof->wanted;
      w->fetches++;
      us_client_keys_fetched(w->svc, wanted->client_ref, wanted->rev, us_str_c(w->published));
      place = us_call_advance(call, US_PLACE_LOOP, w->reader);
    } else if (place == US_PLACE_HOOKS) {
      _Atomic bool is_done = false;
      bool has_room = us_call_ask(call, note_done, &is_done);
      while (has_room && !is_done) /* where the world has threads for plugins */
        nap();
      if (has_room)
        us_call_asked(call);
      else
        us_call_refuse(call, US_E_UNAVAILABLE);
      place = has_room ? us_call_advance(call, US_PLACE_LOOP, w->reader) : US_PLACE_ANSWER;
    } else if (place == US_PLACE_WRITER)
      place = us_call_written(call, us_db_transact(&call->cx, w->db, write_step, call));
    else
      place = us_call_advance(call, place, w->reader);
  }
}

struct us_reply us_send_bytes(struct us_world *w, const char *method, const char *target, const char *headers,
                              const void *body, size_t n) {
  struct reply_link *r = calloc(1, sizeof(*r));
  assert_non_null(r);
  r->next = w->replies;
  w->replies = r;
  r->mem = us_mem_root_new(US_MEM_REQUEST_POOL_BYTES, US_MEM_REQUEST_MAX_BYTES);
  us_http_response_init(&r->response);
  const char *question = strchr(target, '?');
  struct us_http_request *request = US_NEW(r->mem, struct us_http_request);
  request->method = us_method_parse(us_str_c(method));
  request->method_text = us_str_c(method);
  request->target = us_str_c(target);
  request->path = question ? (struct us_str){target, (size_t)(question - target)} : us_str_c(target);
  request->query = question ? us_str_c(question + 1) : US_STR_ABSENT;
  request->host = US_STR("127.0.0.1:8080");
  request->body = body ? (struct us_str){body, n} : US_STR_ABSENT;
  request->peer = us_str_c(w->peer ? w->peer : "192.0.2.1");
  request->peer_group = w->peer ? us_str_c(w->peer_group) : request->peer;
  request->client_cert = us_str_c(w->certificate);
  if (w->cert) {
    request->certificate = w->cert;
    request->client_cert = us_cert_thumbprint(w->cert);
  }
  add_headers(r->mem, headers, request);
  struct us_call *call = us_call_new(r->mem, w->svc, request, &r->response);
  assert_non_null(call);
  run_call(w, call);
  touch_sessions(w, call);
  struct us_str text = us_buf_str(&r->response.body);
  r->json = text.n ? json_loadb(text.p, text.n, JSON_DECODE_ANY, NULL) : NULL;
  return (struct us_reply){r->response.status, text.p, text.n, r->json, &r->response};
}

void us_world_come_from(struct us_world *w, const char *peer, const char *group) {
  w->peer = us_text(w, "%s", peer);
  w->peer_group = us_text(w, "%s", group);
}

void us_world_show_certificate(struct us_world *w, const char *thumbprint) {
  w->certificate = thumbprint ? us_text(w, "%s", thumbprint) : NULL;
}

void us_world_show_cert(struct us_world *w, const struct us_cert *cert) {
  us_cert_unref(w->cert);
  w->cert = cert ? us_cert_ref(cert) : NULL;
}

void us_world_publish(struct us_world *w, const char *body) {
  w->published = body ? us_text(w, "%s", body) : NULL;
}
unsigned us_world_fetches(const struct us_world *w) {
  return w->fetches;
}

struct us_reply us_send(struct us_world *w, const char *method, const char *target, const char *headers,
                        const char *body) {
  return us_send_bytes(w, method, target, headers, body, body ? strlen(body) : 0);
}

const char *us_reply_header(const struct us_reply *r, const char *name) {
  for (size_t i = 0; i < r->response->header_count; i++) {
    if (us_str_eq_nocase(r->response->headers[i].name, us_str_c(name)))
      return r->response->headers[i].value.p;
  }
  return NULL;
}
const char *us_reply_str(const struct us_reply *r, const char *member) {
  const char *text = json_string_value(json_object_get(r->json, member));
  return text ? text : "";
}
int64_t us_reply_int(const struct us_reply *r, const char *member) {
  json_t *value = json_object_get(r->json, member);
  return json_is_integer(value) ? json_integer_value(value) : -1;
}

void us_assert_status(const struct us_reply *r, int wanted, const char *file, int line) {
  if (r->status != wanted) {
    print_error("wanted status %d, got %d: %s\n", wanted, r->status, r->body);
    _fail(file, line);
  }
}
void us_assert_error(const struct us_reply *r, int wanted, const char *oauth_error, const char *file, int line) {
  us_assert_status(r, wanted, file, line);
  if (strcmp(us_reply_str(r, "error"), oauth_error) != 0) {
    print_error("wanted error %s, got: %s\n", oauth_error, r->body);
    _fail(file, line);
  }
}

static struct us_reply form(struct us_world *w, const char *target, const char *body) {
  return us_send(w, "POST", target, "Content-Type: application/x-www-form-urlencoded", body);
}

static struct us_reply password_grant(struct us_world *w, const char *user, const char *client, const char *scope) {
  struct us_reply r = form(w, ALPHA_OAUTH "access_token",
                           us_text(w,
                                   "grant_type=password&scope=%s&username=%s&password=" US_DEMO_PASSWORD
                                   "&client_id=%s&client_secret=" US_DEMO_SECRET,
                                   scope, user, client));
  assert_status(r, 200);
  return r;
}

const char *us_pat(struct us_world *w, const char *user, const char *rs_client) {
  struct us_reply r = password_grant(w, user, rs_client, "uma_protection");
  assert_string_not_equal(us_reply_str(&r, "access_token"), "");
  return us_reply_str(&r, "access_token");
}

const char *us_id_token(struct us_world *w, const char *user, const char *client) {
  struct us_reply r = password_grant(w, user, client, "openid");
  assert_string_not_equal(us_reply_str(&r, "id_token"), "");
  return us_reply_str(&r, "id_token");
}

struct jti {
  const char *user;
  char text[US_ID_TOKEN_JTI_BYTES];
};
static enum us_code jti_step(struct us_cx *cx, void *self) {
  struct jti *jti = self;
  struct us_account account;
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  enum us_code code =
      us_account_by_name(cx, us_snapshot_realm(snapshot, US_STR("/alpha"))->id, us_str_c(jti->user), &account);
  us_snapshot_unref(snapshot);
  if (code == US_OK)
    us_id_token_jti(us_next_id(cx), account.id, jti->text);
  return code;
}
const char *us_jti(struct us_world *w, const char *user) {
  struct jti jti = {.user = user};
  assert_int_equal(us_world_transact(w, jti_step, &jti), US_OK);
  return us_text(w, "%s", jti.text);
}

const char *us_sso(struct us_world *w, const char *user) {
  bool is_admin = strcmp(user, "amAdmin") == 0;
  struct us_reply r =
      us_send(w, "POST", is_admin ? "/am/json/realms/root/authenticate" : ALPHA_JSON "authenticate",
              us_text(w,
                      "X-OpenAM-Username: %s\nX-OpenAM-Password: " US_DEMO_PASSWORD
                      "\nContent-Type: application/json\nAccept-API-Version: resource=2.0, protocol=1.0",
                      user),
              "{}");
  assert_status(r, 200);
  assert_string_not_equal(us_reply_str(&r, "tokenId"), "");
  return us_reply_str(&r, "tokenId");
}

struct us_reply us_with_pat(struct us_world *w, const char *method, const char *target, const char *pat,
                            const char *json) {
  return us_send(w, method, target, us_text(w, "Authorization: Bearer %s\nContent-Type: application/json", pat), json);
}

struct us_reply us_with_sso(struct us_world *w, const char *method, const char *target, const char *sso,
                            const char *headers, const char *json) {
  return us_send(
      w, method, target,
      us_text(w, "iPlanetDirectoryPro: %s\nAccept-API-Version: resource=1.0\nContent-Type: application/json%s%s", sso,
              headers ? "\n" : "", headers ? headers : ""),
      json);
}

const char *us_register(struct us_world *w, const char *pat, const char *json) {
  struct us_reply r = us_with_pat(w, "POST", ALPHA_UMA "resource_set", pat, json);
  assert_status(r, 201);
  assert_string_not_equal(us_reply_str(&r, "_id"), "");
  return us_reply_str(&r, "_id");
}

const char *us_ask(struct us_world *w, const char *pat, const char *json) {
  struct us_reply r = us_with_pat(w, "POST", ALPHA_UMA "permission_request", pat, json);
  assert_status(r, 201);
  assert_string_not_equal(us_reply_str(&r, "ticket"), "");
  return us_reply_str(&r, "ticket");
}

struct us_reply us_grant(struct us_world *w, const char *client, const char *ticket, const char *id_token,
                         const char *extra) {
  const char *claims = id_token == NULL
                           ? ""
                           : us_text(w, "&claim_token=%s&claim_token_format=%s", id_token,
                                     us_enc(w, "http://openid.net/specs/openid-connect-core-1_0.html#IDToken"));
  return form(w, ALPHA_OAUTH "access_token",
              us_text(w, "grant_type=%s&ticket=%s%s&client_id=%s&client_secret=" US_DEMO_SECRET "%s",
                      us_enc(w, "urn:ietf:params:oauth:grant-type:uma-ticket"), us_enc(w, ticket), claims, client,
                      extra ? extra : ""));
}

struct us_reply us_introspect(struct us_world *w, const char *pat, const char *token) {
  return us_send(w, "POST", ALPHA_OAUTH "introspect",
                 us_text(w, "Authorization: Bearer %s\nContent-Type: application/x-www-form-urlencoded", pat),
                 us_text(w, "token=%s", us_enc(w, token)));
}

void us_share(struct us_world *w, const char *owner, const char *resource_id, const char *subject, const char *scopes) {
  struct us_reply r = us_with_sso(
      w, "PUT", us_text(w, ALPHA_JSON "users/%s/uma/policies/%s", owner, resource_id), us_sso(w, owner), NULL,
      us_text(w, "{\"policyId\":\"%s\",\"permissions\":[{\"subject\":\"%s\",\"scopes\":%s}]}", resource_id, subject,
              scopes));
  if (r.status != 200)
    assert_status(r, 201);
}

void us_test_setup(void) {
  const char *broken = getenv("USHER_TEST_BREAK_ROUTE");
  cmocka_set_message_output(CM_OUTPUT_TAP);
  us_log_setup(US_LOG_OFF, US_LOG_LOGFMT, 2);
  if (broken != NULL && !us_routes_break(broken)) {
    fprintf(stderr, "USHER_TEST_BREAK_ROUTE: no such route\n");
    exit(2);
  }
}
