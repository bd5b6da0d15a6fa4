/* A plugin for tests that does what the name of the resource says, most of it bad. */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <usher/plugin.h>

static const struct usher_host *host;

static void *chat(void *unused) {
  for (int i = 0; i < 20000; i++)
    host->log(USHER_LOG_DEBUG, "a line from a thread of its own");
  return unused;
}

static int wild_open(const struct usher_host *h, const char *config_json, void **ret_self) {
  (void)ret_self;
  host = h;
  if (strstr(config_json, "\"crash\""))
    raise(SIGSEGV);
  host->log(USHER_LOG_INFO, "wild is open");
  pthread_t thread;
  if (strstr(config_json, "\"chatty\"") && pthread_create(&thread, NULL, chat, NULL) == 0)
    pthread_detach(thread);
  return strstr(config_json, "\"refuse\"") ? 7 : USHER_OK;
}
static void wild_close(void *self) {
  (void)self;
}
static int wild_reload(void *self, const char *config_json) {
  (void)self;
  return strstr(config_json, "\"refuse\"") ? USHER_FAIL : USHER_OK;
}

static void sleep_ms(long ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&t, NULL);
}

/* Below the protocol, where the server listens. */
static void write_rubbish(const char *kind) {
  static const unsigned char huge[] = {255, 255, 255, 255, '{'}, nothing[] = {0, 0, 0, 0},
                             no_json[] = {3, 0, 0, 0, '{', '{', '{'}, list[] = {2, 0, 0, 0, '[', ']'},
                             wrong[] = {2, 0, 0, 0, '{', '}'};
  static const char forged[] = "{\"verdict\":0,\"docs\":[null]}";
  ssize_t n = 0;
  if (strcmp(kind, "huge") == 0)
    n = write(3, huge, sizeof(huge));
  else if (strcmp(kind, "nothing") == 0)
    n = write(3, nothing, sizeof(nothing));
  else if (strcmp(kind, "no json") == 0)
    n = write(3, no_json, sizeof(no_json));
  else if (strcmp(kind, "list") == 0)
    n = write(3, list, sizeof(list));
  else if (strcmp(kind, "wrong") == 0)
    n = write(3, wrong, sizeof(wrong));
  else if (strcmp(kind, "forged") == 0 && write(3, (const char[]){sizeof(forged) - 1, 0, 0, 0}, 4) == 4)
    n = write(3, forged, sizeof(forged) - 1);
  (void)n;
}

/* A process that outlives whoever started it, and its number as the description. */
static int start_other(struct usher_resource *r, bool is_own) {
  char text[32];
  pid_t pid = is_own ? getpid() : fork();
  if (pid == 0) {
    sleep_ms(3600 * 1000);
    _exit(0);
  }
  snprintf(text, sizeof(text), "\"%d\"", (int)pid);
  return pid < 0 ? USHER_FAIL : host->resource_set(r, "/description", text);
}

static int before_registration(void *self, struct usher_resource *r, struct usher_error *e) {
  (void)self;
  const char *name = host->json_text(host->resource_get(r, "/name")).p;
  if (strcmp(name, "segv") == 0)
    raise(SIGSEGV);
  if (strcmp(name, "abort") == 0)
    abort();
  if (strcmp(name, "exit") == 0)
    _exit(0);
  if (strcmp(name, "hang") == 0)
    sleep_ms(3600 * 1000);
  if (strncmp(name, "pid", 3) == 0 || strcmp(name, "fork") == 0)
    return start_other(r, name[0] == 'p');
  if (strcmp(name, "fail") == 0)
    return USHER_FAIL;
  if (strcmp(name, "odd") == 0)
    return 42;
  if (strncmp(name, "veto", 4) == 0) {
    host->error_set(e, 409, "taken", "wild says no", "{\"a\":1}");
    return USHER_VETO;
  }
  if (strcmp(name, "log") == 0)
    host->log(USHER_LOG_WARN, "a line from outside");
  if (strcmp(name, "left") == 0 && (host->left_ms() < 100 || host->left_ms() > 60000))
    return USHER_FAIL;
  if (strcmp(name, "environment") == 0 && getenv("USHER_SECRET"))
    return USHER_FAIL;
  if (strcmp(name, "identity") == 0 && host->resource_set(r, "/_id", "\"x\"") == USHER_OK)
    return USHER_FAIL;
  if (strcmp(name, "signals") == 0)
    return kill(getpid(), SIGTERM) || kill(getpid(), SIGHUP) || kill(getpid(), SIGINT) || kill(getpid(), SIGPIPE);
  if (strcmp(name, "edit") == 0)
    return host->resource_set(r, "/name", "\"edited\"") || host->resource_set(r, "/description", "null") ||
                   host->resource_set(r, "/resource_scopes/-", "\"print\"")
               ? USHER_FAIL
               : USHER_OK;
  write_rubbish(name);
  return USHER_OK;
}

static void after_registration(void *self, const struct usher_resource *r) {
  (void)self;
  const char *name = host->json_text(host->resource_get(r, "/name")).p;
  if (strcmp(name, "slow after") == 0)
    sleep_ms(5000);
  if (strcmp(name, "segv after") == 0)
    raise(SIGSEGV);
}

static int before_shared(void *self, struct usher_policy *p, struct usher_error *e) {
  const struct usher_str view = {"view", 4};
  (void)self;
  (void)e;
  return host->policy_grant(p, (struct usher_str){"carol", 5}, (struct usher_strs){&view, 1});
}

static int before_query(void *self, struct usher_str user_id, const struct usher_filter *in,
                        struct usher_filter **ret_filter, struct usher_error *e) {
  (void)self;
  (void)user_id;
  (void)e;
  *ret_filter = host->filter_and(in, host->filter_parse((struct usher_str){"name sw \"e\"", 11}));
  return USHER_OK;
}

/* {"only": true}: the first method and no other. */
static uint32_t wild_methods(void *self) {
  (void)self;
  return host->config_get("/only").n > 0 ? 1u : ~0u;
}

static const struct usher_plugin plugin = {
    .size = sizeof(plugin),
    .abi_major = USHER_ABI_MAJOR,
    .abi_minor = USHER_ABI_MINOR,
    .name = "wild",
    .version = "1.0",
    .open = wild_open,
    .close = wild_close,
    .before_resource_registration = before_registration,
    .after_resource_registration = after_registration,
    .before_resource_shared = before_shared,
    .before_query_resource_sets = before_query,
    .reload = wild_reload,
    .methods = wild_methods,
};

const struct usher_plugin *usher_plugin(void) {
  return &plugin;
}
