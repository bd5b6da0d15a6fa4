/* `usher serve`: configuration, server, signals. */
#include <signal.h>
#include <stdio.h>

#include "app/command.h"
#include "app/config.h"
#include "app/mail_files.h"
#include "base/mem.h"
#include "http/tls.h"

/* SIGHUP: log level, certificates for new connections, and plugins that can; everything else needs a restart, as docs/config.md
 * says. */
static void reload(struct us_app *app, const char *file) {
  struct us_cx cx = {.mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES), .now_ms = us_clock_now_ms(&us_clock_system)};
  struct us_config config;
  struct us_app_options options;
  char reason[256] = "";
  if (cx.mem == NULL)
    return;
  if (us_config_read(&cx, file, &config) != US_OK || us_config_options(&cx, file, &config, &options) != US_OK)
    us_log(US_LOG_ERROR, "reload", "kept the old configuration: %.*s", US_STR_ARG(cx.err.text));
  else if (!us_app_reload_tls(app, options.tls, options.client_ca_file, reason, sizeof(reason)))
    us_log(US_LOG_ERROR, "reload", "kept the old configuration: %s", reason);
  else {
    us_log_setup((enum us_log_level)config.log.level, (enum us_log_format)config.log.format, 2);
    us_log(US_LOG_INFO, "reload", "configuration and certificates read again");
    us_app_reload_plugins(app, &options.plugins);
  }
  us_mem_free(cx.mem);
}

/* Certificate, key, templates and plugins are part of the configuration: they are loaded as a start would. The store is left alone. */
static int check(struct us_cx *cx, const char *file, const struct us_app_options *options) {
  char reason[256] = "";
  struct us_tls_context *tls =
      options->tls ? us_tls_context_new(options->tls, options->h2 != US_HTTP_H2_OFF, reason, sizeof(reason)) : NULL;
  if (options->tls != NULL && tls == NULL) {
    us_fail(cx, US_E_INVALID_REQUEST, "%s: %s", file, reason);
    return us_command_failed(cx);
  }
  us_tls_context_free(tls);
  const char *authorities = options->client_ca_file;
  struct us_cert_trust *trust = authorities ? us_cert_trust_new(authorities, reason, sizeof(reason)) : NULL;
  if (authorities != NULL && trust == NULL) {
    us_fail(cx, US_E_INVALID_REQUEST, "%s: client_ca_file: %s", file, reason);
    return us_command_failed(cx);
  }
  us_cert_trust_free(trust);
  struct us_templates *templates = NULL;
  if (options->mail != NULL && us_mail_files_load(cx, options->mail->templates, &templates) != US_OK)
    return us_command_failed(cx);
  us_templates_free(templates);
  struct us_plugins *plugins = NULL;
  if (us_plugins_load(cx, &options->plugins, false, &plugins) != US_OK)
    return us_command_failed(cx);
  us_plugins_free(plugins);
  printf("%s: the configuration is good\n", file);
  return 0;
}

static int serve(struct us_cx *cx, const char *file, bool only_check) {
  struct us_config config;
  struct us_app_options options;
  struct us_app *app = NULL;
  if (us_config_read(cx, file, &config) != US_OK || us_config_options(cx, file, &config, &options) != US_OK)
    return us_command_failed(cx);
  if (only_check)
    return check(cx, file, &options);
  us_log_setup((enum us_log_level)config.log.level, (enum us_log_format)config.log.format, 2);
  us_signals_block();
  if (us_app_start(cx, &options, &app) != US_OK)
    return us_command_failed(cx);
  printf("ready %s\n", us_app_base_url(app));
  fflush(stdout);
  int sig;
  while ((sig = us_signal_wait()) == SIGHUP)
    reload(app, file);
  us_log(US_LOG_INFO, "stop", "signal %d: draining", sig);
  us_app_stop(app, config.stop_grace_ms);
  return 0;
}

int us_cmd_serve(const struct us_command *command, int argc, char **argv) {
  const char *file = NULL;
  bool only_check = false;
  struct us_arguments arguments;
  const struct us_option options[] = {
      {"config", "FILE", "the YAML file; docs/config.md lists its keys (required)", &file, NULL},
      {"check", NULL, "check file, environment, certificates, templates and plugins, then exit", NULL, &only_check},
  };
  int code = us_options_parse(command, options, 2, argc, argv, &arguments);
  if (code != 0)
    return code == 1 ? 0 : code;
  if (file == NULL)
    return us_command_misused(command, "--config FILE is needed");
  if (arguments.n > 0)
    return us_command_misused(command, "it takes no arguments");
  struct us_cx cx = {.mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES), .now_ms = us_clock_now_ms(&us_clock_system)};
  if (cx.mem == NULL)
    return 1;
  code = serve(&cx, file, only_check);
  us_mem_free(cx.mem);
  return code;
}
