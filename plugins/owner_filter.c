/*
 * A filter per owner: what a user sees when listing resources by a filter is narrowed by a second one, which the configuration has for
 * that user.
 *
 *   plugins:
 *     - path: owner_filter.so
 *       config: {filters: {alice: 'name sw "holiday"'}}
 *
 * It shows: beforeQueryResourceSets, and a configuration that is checked when the server starts.
 */
#include <stdio.h>
#include <string.h>

#include <usher/plugin.h>

static const struct usher_host *host;

/* "/filters/NAME", with the two characters of a JSON pointer that need escaping. NULL: no memory. */
static const char *pointer_of(struct usher_str user) {
  char *pointer = host->alloc(sizeof("/filters/") + 2 * user.n);
  if (!pointer)
    return NULL;
  size_t n = (size_t)sprintf(pointer, "/filters/");
  for (size_t i = 0; i < user.n; i++) {
    if (user.p[i] == '~' || user.p[i] == '/') {
      pointer[n++] = '~';
      pointer[n++] = user.p[i] == '~' ? '0' : '1';
    } else {
      pointer[n++] = user.p[i];
    }
  }
  return pointer;
}

static int filter_open(const struct usher_host *h, const char *config_json, void **ret_self) {
  (void)config_json;
  (void)ret_self;
  host = h;
  if (host->config_get("/filters").p[0] == '{')
    return USHER_OK;
  host->log(USHER_LOG_ERROR, "the configuration needs `filters`, a mapping");
  return USHER_FAIL;
}

static void filter_close(void *self) {
  (void)self;
}

static int before_query(void *self, struct usher_str user_id, const struct usher_filter *in,
                        struct usher_filter **ret_filter, struct usher_error *e) {
  (void)self;
  (void)e;
  const char *pointer = pointer_of(user_id);
  if (!pointer)
    return USHER_FAIL;
  struct usher_str value = host->config_get(pointer), text = host->json_text(value);
  if (value.n == 0) /* nothing for this user: the filter stays as it is */
    return USHER_OK;
  struct usher_filter *own = host->filter_parse(text);
  if (!own) {
    host->log(USHER_LOG_ERROR, "a filter of the configuration cannot be parsed");
    return USHER_FAIL; /* rather nothing than too much */
  }
  *ret_filter = host->filter_and(in, own);
  return *ret_filter ? USHER_OK : USHER_FAIL;
}

static const struct usher_plugin plugin = {
    .size = sizeof(plugin),
    .abi_major = USHER_ABI_MAJOR,
    .abi_minor = USHER_ABI_MINOR,
    .name = "owner-filter",
    .version = "1.0",
    .open = filter_open,
    .close = filter_close,
    .before_query_resource_sets = before_query,
    .flags = USHER_QUICK,
};

const struct usher_plugin *usher_plugin(void) {
  return &plugin;
}
