/* `usher demo`: the demo world in a fresh store, served, walked through, or both. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/app.h"
#include "app/command.h"
#include "app/config.h"
#include "app/demo_world.h"
#include "app/store_key.h"
#include "app/walk.h"
#include "base/mem.h"

#define US_DEMO_GRACE_MS 5000

struct demo {
  const char *listen, *data, *db, *clients;
  bool walk, serve, is_temporary;
  char folder[64]; /* a temporary store is removed at the end */
  const char *store_url;
  char host[64];
  uint16_t port;
  unsigned extra_clients;
};

/* False: --listen is malformed. */
static bool parse_listen(struct demo *demo) {
  const char *text = demo->listen ? demo->listen : demo->walk && !demo->serve ? "127.0.0.1:0" : "127.0.0.1:8080";
  const char *colon = strrchr(text, ':');
  uint64_t port = 0;
  if (colon == NULL || colon == text || (size_t)(colon - text) >= sizeof(demo->host) ||
      !us_str_to_u64(us_str_c(colon + 1), 65535, &port))
    return false;
  struct us_str host = {text, (size_t)(colon - text)};
  if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
    host = (struct us_str){host.p + 1, host.n - 2};
  if (us_str_eq_c(host, "localhost"))
    host = US_STR("127.0.0.1");
  memcpy(demo->host, host.p, host.n);
  demo->host[host.n] = '\0';
  demo->port = (uint16_t)port;
  return true;
}

/* A new store gets a store key beside it; one of before, when there was none, goes on without. */
static enum us_code settle_folder(struct us_cx *cx, struct demo *demo, const char *folder) {
  demo->store_url = us_str_fmt(cx->mem, "sqlite:%s/usher.db", folder).p;
  return demo->store_url != NULL ? us_store_key_make(cx, demo->store_url) : us_fail_plain(cx, US_E_NO_MEMORY);
}

static enum us_code settle(struct us_cx *cx, struct demo *demo) {
  if (!us_address_is_loopback(us_str_c(demo->host))) /* known passwords, plain HTTP */
    return us_fail(cx, US_E_INVALID_REQUEST,
                   "the demo listens on loopback addresses only; use `usher serve` for others");
  if (demo->db != NULL) {
    demo->store_url = demo->db;
    return US_OK;
  }
  if (demo->data != NULL) {
    if (mkdir(demo->data, 0700) != 0 && access(demo->data, W_OK) != 0)
      return us_fail(cx, US_E_INVALID_REQUEST, "%s: the folder cannot be made or written", demo->data);
    return settle_folder(cx, demo, demo->data);
  }
  const char *base = getenv("TMPDIR");
  snprintf(demo->folder, sizeof(demo->folder), "%s/usher-demo-XXXXXX", base && strlen(base) < 32 ? base : "/tmp");
  if (mkdtemp(demo->folder) == NULL)
    return us_fail(cx, US_E_INVALID_REQUEST, "%s: a temporary folder cannot be made", demo->folder);
  demo->is_temporary = true;
  return settle_folder(cx, demo, demo->folder);
}

static void remove_temporary(const struct demo *demo) {
  static const char *const names[] = {"usher.db", "usher.db-wal", "usher.db-shm", "store.key"};
  char name[96];
  if (!demo->is_temporary)
    return;
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    snprintf(name, sizeof(name), "%s/%s", demo->folder, names[i]);
    unlink(name);
  }
  rmdir(demo->folder);
}

static enum us_code make_world(struct us_cx *cx, const struct demo *demo) {
  struct us_services *svc = us_services_new(&us_clock_system, "http://127.0.0.1/am", NULL, NULL, NULL);
  struct us_db_options options = {.url = demo->store_url, .busy_ms = 2000};
  struct us_box *box = NULL;
  struct us_db *db = NULL;
  uint16_t node = 0;
  int64_t high_water = 0;
  if (svc == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  cx->svc = svc;
  enum us_code code = us_store_key_of(cx, NULL, demo->store_url, &box);
  svc->box = box;
  if (code == US_OK)
    code = us_db_migrate(cx, demo->store_url);
  if (code == US_OK)
    code = us_db_open(cx, &options, &db);
  if (code == US_OK) {
    cx->db = db;
    code = us_node_lease(cx, db, &node, &high_water);
    if (code == US_OK) {
      us_idgen_init(&svc->ids, node, high_water);
      code = us_demo_world_create(cx, db, demo->extra_clients);
      struct us_error why = cx->err; /* giving the number back forgets it */
      enum us_code released = us_node_release(cx, db, node, us_next_id(cx));
      if (code == US_OK)
        code = released;
      else
        cx->err = why;
    }
    cx->db = NULL;
    us_db_close(db);
  }
  cx->svc = NULL;
  us_services_free(svc);
  return code;
}

static int run(struct us_cx *cx, struct demo *demo) {
  struct us_app *app = NULL;
  struct us_http_listener listener = {.host = demo->host, .port = demo->port};
  struct us_app_options options = {
      .store_url = demo->store_url, .listeners = &listener, .listener_count = 1, .limits = us_http_limits_default};
  if (make_world(cx, demo) != US_OK || us_app_start(cx, &options, &app) != US_OK)
    return us_command_failed(cx);
  int code = 0;
  if (demo->walk)
    code = us_walk(us_app_base_url(app));
  if (!demo->walk || demo->serve) {
    printf("ready %s\n", us_app_base_url(app));
    if (demo->walk)
      printf("sign in   %s/XUI/?realm=/alpha\n"
             "metadata  %s/uma/realms/root/realms/alpha/.well-known/uma2-configuration\n"
             "health    %s/json/health/ready\n",
             us_app_base_url(app), us_app_base_url(app), us_app_base_url(app));
    fflush(stdout);
    while (us_signal_wait() == SIGHUP) {
    }
  }
  us_app_stop(app, US_DEMO_GRACE_MS);
  return code;
}

int us_cmd_demo(const struct us_command *command, int argc, char **argv) {
  struct demo demo = {0};
  struct us_arguments arguments;
  uint64_t clients = 0;
  const struct us_option options[] = {
      {"listen", "HOST:PORT", "where to listen; port 0 takes a free one (127.0.0.1:8080)", &demo.listen, NULL},
      {"data", "DIR", "keep the store in this folder; an earlier run's is continued", &demo.data, NULL},
      {"db", "URL", "use this store, for example sqlite:/var/lib/usher/demo.db", &demo.db, NULL},
      {"walk", NULL, "tell the story, then exit", NULL, &demo.walk},
      {"serve", NULL, "serve (with --walk: after the story)", NULL, &demo.serve},
      {"clients", "N", "N more UMA clients, UMA-Client-101 and on", &demo.clients, NULL},
  };
  int code = us_options_parse(command, options, sizeof(options) / sizeof(options[0]), argc, argv, &arguments);
  if (code != 0)
    return code == 1 ? 0 : code;
  if (arguments.n > 0)
    return us_command_misused(command, "it takes no arguments");
  if (demo.clients != NULL && !us_str_to_u64(us_str_c(demo.clients), US_DEMO_EXTRA_CLIENTS_MAX, &clients))
    return us_command_misused(command, "--clients takes a number up to %d", US_DEMO_EXTRA_CLIENTS_MAX);
  if (demo.db != NULL && demo.data != NULL)
    return us_command_misused(command, "--data and --db exclude each other");
  if (!parse_listen(&demo))
    return us_command_misused(command, "--listen takes HOST:PORT, for example 127.0.0.1:8080");
  demo.extra_clients = (unsigned)clients;
  us_log_setup(US_LOG_WARN, US_LOG_LOGFMT, 2);
  us_signals_block();
  struct us_cx cx = {.mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES), .now_ms = us_clock_now_ms(&us_clock_system)};
  if (cx.mem == NULL)
    return 1;
  code = settle(&cx, &demo) == US_OK ? run(&cx, &demo) : us_command_failed(&cx);
  remove_temporary(&demo);
  us_mem_free(cx.mem);
  return code;
}
