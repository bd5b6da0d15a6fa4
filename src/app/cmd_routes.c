/* `usher routes`: the route table, printed. */
#include <stdio.h>

#include "app/command.h"
#include "route/route.h"
#include "json/write.h"

static const char *const services[] = {"oauth2", "uma", "json", "XUI", ""};
static const char *const auths[] = {"none",
                                    "PAT",
                                    "access token",
                                    "access token (openid)",
                                    "client",
                                    "PAT or client",
                                    "session",
                                    "session (optional)",
                                    "owner",
                                    "owner, admin",
                                    "owner or PAT",
                                    "owner, admin or PAT",
                                    "admin or PAT",
                                    "initial access token",
                                    "registration access token"};
_Static_assert(sizeof(auths) / sizeof(auths[0]) == US_AUTH_REGISTERED + 1, "a word for each way to authenticate");

static void path_of(const struct us_route *r, char *ret_path, size_t n) {
  snprintf(ret_path, n, "/%s%s%s%s%s", services[r->service], r->service == US_SERVICE_ORIGIN ? "" : "{realm}/",
           r->pattern, r->action ? "?_action=" : "", r->action ? r->action : "");
}

static int print_json(void) {
  struct us_buf out;
  struct us_json_writer w;
  char path[256];
  us_buf_init(&out, 1024 * 1024);
  us_json_writer_init(&w, &out);
  us_json_open(&w, '[');
  for (size_t i = 0; i < us_route_count; i++) {
    const struct us_route *r = &us_routes[i];
    path_of(r, path, sizeof(path));
    us_json_open(&w, '{');
    us_json_member(&w, "name", us_str_c(r->name));
    us_json_member(&w, "method", us_str_c(us_method_name(r->method)));
    us_json_member(&w, "path", us_str_c(path));
    us_json_member(&w, "auth", us_str_c(auths[r->auth]));
    us_json_member(&w, "kind", us_str_c(r->kind == US_READ ? "read" : "write"));
    us_json_member(&w, "spec", us_str_c(r->spec));
    us_json_member(&w, "summary", us_str_c(r->summary));
    us_json_close(&w, '}');
  }
  us_json_close(&w, ']');
  printf("%.*s\n", US_STR_ARG(us_buf_str(&out)));
  us_buf_done(&out);
  return 0;
}

int us_cmd_routes(const struct us_command *command, int argc, char **argv) {
  bool is_json = false;
  struct us_arguments arguments;
  const struct us_option options[] = {{"json", NULL, "print one JSON array instead of text", NULL, &is_json}};
  int code = us_options_parse(command, options, 1, argc, argv, &arguments);
  if (code != 0)
    return code == 1 ? 0 : code;
  if (arguments.n > 0)
    return us_command_misused(command, "it takes no arguments");
  if (is_json)
    return print_json();
  for (size_t i = 0; i < us_route_count; i++) {
    const struct us_route *r = &us_routes[i];
    char path[256];
    path_of(r, path, sizeof(path));
    printf("%-6s %-66s %-20s %-5s %s (%s)\n", us_method_name(r->method), path, auths[r->auth],
           r->kind == US_READ ? "read" : "write", r->summary, r->spec);
  }
  return 0;
}
