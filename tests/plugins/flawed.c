/* Descriptors that the loader must refuse, or take: FLAW says which. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <usher/plugin.h>

#define NAME (FLAW == 14 ? "second" : FLAW == 9 ? "third" : "flawed")

/* What was called in which order, for tests that ask for it. */
static void note(const char *what) {
  const char *path = getenv("USHER_TEST_NOTES");
  FILE *out = path ? fopen(path, "a") : NULL;
  if (!out)
    return;
  fprintf(out, "%s %s\n", what, NAME);
  fclose(out);
}

static int flawed_open(const struct usher_host *host, const char *config_json, void **ret_self) {
  (void)config_json;
  (void)ret_self;
  host->log(USHER_LOG_ERROR, "open says why");
  note("open");
  return FLAW == 9 ? 3 : USHER_OK;
}
static void flawed_close(void *self) {
  (void)self;
  note("close");
}
static int flawed_reload(void *self, const char *config_json) {
  (void)self;
  (void)config_json;
  return USHER_OK;
}

#define FULL sizeof(struct usher_plugin)
#define OLD offsetof(struct usher_plugin, flags)
static const struct usher_plugin plugin = {
    .size = FLAW == 3    ? OLD - 1
            : FLAW == 4  ? OLD
            : FLAW == 15 ? offsetof(struct usher_plugin, reload) + 4
                         : FULL,
    .abi_major = FLAW == 1 ? USHER_ABI_MAJOR + 1 : USHER_ABI_MAJOR,
    .abi_minor = FLAW == 2 ? USHER_ABI_MINOR + 1 : USHER_ABI_MINOR,
    .name = FLAW == 5   ? NULL
            : FLAW == 6 ? "has blanks"
                        : NAME,
    .version = FLAW == 7 ? "" : "1.0",
    .open = FLAW == 8 ? NULL : flawed_open,
    .close = FLAW == 10 ? NULL : flawed_close,
    .flags = FLAW == 11 ? 0x80000000u : USHER_QUICK,
    .reload = flawed_reload,
};

const struct usher_plugin *usher_plugin(void);
#if FLAW == 12
const struct usher_plugin *usher_plugin(void) {
  return NULL;
}
#elif FLAW == 13
const struct usher_plugin *another_name(void);
const struct usher_plugin *another_name(void) {
  return &plugin;
}
#else
const struct usher_plugin *usher_plugin(void) {
  return &plugin;
}
#endif
