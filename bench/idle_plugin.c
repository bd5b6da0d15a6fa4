/* A plugin that does nothing, for the benchmark: what is left is the way to it. QUICK: flags. */
#include <usher/plugin.h>

static int idle_open(const struct usher_host *host, const char *config_json, void **ret_self) {
  (void)host;
  (void)config_json;
  (void)ret_self;
  return USHER_OK;
}
static void idle_close(void *self) {
  (void)self;
}
static int on_permission_request(void *self, const struct usher_resource *r, struct usher_strs requested,
                                 struct usher_str client_id, struct usher_error *e) {
  (void)self;
  (void)r;
  (void)requested;
  (void)client_id;
  (void)e;
  return USHER_OK;
}
static int before_authorization(void *self, const struct usher_ticket *t, const struct usher_party *requesting,
                                const struct usher_party *owner, struct usher_strs requested, struct usher_error *e) {
  (void)self;
  (void)t;
  (void)requesting;
  (void)owner;
  (void)requested;
  (void)e;
  return USHER_OK;
}

static const struct usher_plugin plugin = {
    .size = sizeof(plugin),
    .abi_major = USHER_ABI_MAJOR,
    .abi_minor = USHER_ABI_MINOR,
    .name = "idle",
    .version = "1.0",
    .open = idle_open,
    .close = idle_close,
    .on_permission_request = on_permission_request,
    .before_authorization = before_authorization,
    .flags = QUICK,
};

const struct usher_plugin *usher_plugin(void) {
  return &plugin;
}
