/*
 * The configuration file itself, as the server reads it (fuzz_yaml reads any table). It comes from the operator; a broken one ends in
 * one sentence, a good one within its limits.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/config.h"
#include "base/mem.h"
#include "fuzz.h"

/* Other values than these would have been told to be wrong. */
static void check(const struct us_config *c) {
  fuzz_must(c->listen.n > 0 && c->loops >= 0 && c->loops <= 64 && c->pool_threads >= 0 && c->stop_grace_ms >= 0);
  for (size_t i = 0; i < c->listen.n; i++) {
    const struct us_config_listener *l = &((const struct us_config_listener *)c->listen.v)[i];
    fuzz_must(l->port >= 0 && l->port <= 65535 && l->address.n > 0);
  }
  fuzz_must(c->context_path.n > 0 && c->context_path.p[0] == '/');
  fuzz_must(c->http.target_bytes > 0 && c->http.head_bytes > 0 && c->http.body_bytes > 0 && c->http.connections > 0);
  fuzz_must(c->http.head_ms > 0 && c->http.body_ms > 0 && c->http.idle_ms > 0 && c->http.answer_ms > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct us_cx cx = {.mem = us_mem_root_new(0, 64u * 1024 * 1024)};
  struct us_config config;
  char path[64];
  int file = memfd_create("usher.yaml", MFD_CLOEXEC);
  fuzz_must(cx.mem != NULL && file >= 0 && write(file, data, size) == (ssize_t)size);
  snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
  enum us_code code = us_config_read(&cx, path, &config);
  if (code == US_OK)
    check(&config);
  else
    fuzz_must(code == US_E_NO_MEMORY || (code == US_E_INVALID_REQUEST && cx.err.text.n > 0));
  close(file);
  us_mem_free(cx.mem);
  return 0;
}
