/*
 * A naming rule for resources: what is registered gets a tidy name. Blanks at the ends go, runs of blanks become one; a resource without a
 * name is named after its type, or "Untitled". Names with a forbidden word are refused.
 *
 *   plugins:
 *     - path: naming.so
 *       config: {forbidden: [secret, password]}
 *
 * It shows: reading and writing members of a resource, a veto with a message, configuration, USHER_QUICK.
 */
#include <stdio.h>
#include <string.h>

#include <usher/plugin.h>

static const struct usher_host *host;

/* Is this a list of texts that are not empty? Of anything else the rule would know a part, or nothing. */
static int is_list(const char *name) {
  char pointer[32];
  if (host->config_get(name).p[0] != '[')
    return 0;
  for (int i = 0;; i++) {
    snprintf(pointer, sizeof(pointer), "%s/%d", name, i);
    if (host->config_get(pointer).n == 0)
      return 1;
    if (host->json_text(host->config_get(pointer)).n == 0)
      return 0;
  }
}

static int naming_open(const struct usher_host *h, const char *config_json, void **ret_self) {
  (void)config_json; /* config_get() reads it */
  (void)ret_self;    /* no state of our own */
  host = h;
  if (host->config_get("/forbidden").n == 0 || is_list("/forbidden"))
    return USHER_OK;
  host->log(USHER_LOG_ERROR, "`forbidden` is a list of words");
  return USHER_FAIL;
}

static void naming_close(void *self) {
  (void)self;
}

/* The text of a member; "" when there is none. */
static const char *text_of(const struct usher_resource *r, const char *pointer) {
  return host->json_text(host->resource_get(r, pointer)).p;
}

/* `ret_tidy` has room for the whole of `name`. */
static void tidy(const char *name, char *ret_tidy) {
  size_t n = 0;
  for (const char *p = name; *p; p++) {
    int is_blank = *p == ' ' || *p == '\t';
    if (!is_blank || (n > 0 && ret_tidy[n - 1] != ' '))
      ret_tidy[n++] = is_blank ? ' ' : *p;
  }
  if (n > 0 && ret_tidy[n - 1] == ' ')
    n--;
  ret_tidy[n] = '\0';
}

static int refuse_forbidden(const char *name, struct usher_error *e) {
  char pointer[32];
  for (int i = 0;; i++) {
    snprintf(pointer, sizeof(pointer), "/forbidden/%d", i);
    struct usher_str word = host->json_text(host->config_get(pointer));
    if (word.n == 0)
      return USHER_OK;
    if (strstr(name, word.p)) {
      host->error_set(e, 400, "invalid_request", "A resource must not have that name", NULL);
      return USHER_VETO;
    }
  }
}

static int before_registration(void *self, struct usher_resource *r, struct usher_error *e) {
  (void)self;
  const char *name = text_of(r, "/name"), *type = text_of(r, "/type");
  char *better = host->alloc(strlen(name) + strlen(type) + sizeof("Untitled"));
  if (!better)
    return USHER_FAIL;
  tidy(name, better);
  if (better[0] == '\0')
    tidy(type, better);
  if (better[0] == '\0')
    strcpy(better, "Untitled");
  int code = refuse_forbidden(better, e);
  if (code != USHER_OK || strcmp(name, better) == 0)
    return code;
  struct usher_str text = {better, strlen(better)};
  return host->resource_set(r, "/name", host->json_string(text).p);
}

static const struct usher_plugin plugin = {
    .size = sizeof(plugin),
    .abi_major = USHER_ABI_MAJOR,
    .abi_minor = USHER_ABI_MINOR,
    .name = "naming",
    .version = "1.0",
    .open = naming_open,
    .close = naming_close,
    .before_resource_registration = before_registration,
    .flags = USHER_QUICK, /* a few string operations: no reason to change threads */
};

const struct usher_plugin *usher_plugin(void) {
  return &plugin;
}
