/*
 * A two-person rule: some scopes are given away only with a second person's consent. Whoever consents leaves a file in a folder: it is
 * named by the id of the resource and holds the name of that person, who must be somebody else than the one who shares.
 *
 *   plugins:
 *     - path: two_person.so
 *       config: {scopes: [delete], consents: /var/lib/usher/consents}
 *
 * It shows: a veto with `detail`, looking at what is shared already and what is new. It reads files, so it does not claim to be quick.
 */
#include <stdio.h>
#include <string.h>

#include <usher/plugin.h>

#define NAME_MAX_BYTES 255

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

static int two_person_open(const struct usher_host *h, const char *config_json, void **ret_self) {
  (void)config_json;
  (void)ret_self;
  host = h;
  if (host->json_text(host->config_get("/consents")).n > 0 && is_list("/scopes"))
    return USHER_OK;
  host->log(USHER_LOG_ERROR, "the configuration needs `scopes`, a list, and `consents`, a folder");
  return USHER_FAIL;
}

static void two_person_close(void *self) {
  (void)self;
}

/* Is this scope of the policy one of the configured ones? */
static int is_sensitive(struct usher_str scope) {
  char pointer[32];
  for (int i = 0;; i++) {
    snprintf(pointer, sizeof(pointer), "/scopes/%d", i);
    struct usher_str sensitive = host->json_text(host->config_get(pointer));
    if (sensitive.n == 0)
      return 0;
    if (sensitive.n == scope.n && memcmp(sensitive.p, scope.p, scope.n) == 0)
      return 1;
  }
}

/* The first sensitive scope that the policy gives to anybody; n == 0: none. */
static struct usher_str find_sensitive(const struct usher_policy *p) {
  char pointer[64];
  for (int i = 0;; i++) {
    snprintf(pointer, sizeof(pointer), "/permissions/%d", i);
    struct usher_str permission = host->policy_get(p, pointer);
    if (permission.n == 0)
      return permission;
    for (int k = 0;; k++) {
      snprintf(pointer, sizeof(pointer), "/scopes/%d", k);
      struct usher_str scope = host->json_text(host->json_get(permission, pointer));
      if (scope.n == 0)
        break;
      if (is_sensitive(scope))
        return scope;
    }
  }
}

/* Did somebody else than the sharer consent? Ids of resources have no slashes, so they are names of files. */
static int has_consent(const struct usher_policy *p) {
  char path[4096], who[NAME_MAX_BYTES + 2] = "";
  const char *folder = host->json_text(host->config_get("/consents")).p;
  snprintf(path, sizeof(path), "%s/%s", folder, host->json_text(host->policy_get(p, "/policyId")).p);
  FILE *file = fopen(path, "re");
  if (!file)
    return 0;
  char *line = fgets(who, sizeof(who), file);
  fclose(file);
  who[strcspn(who, "\r\n")] = '\0';
  return line && who[0] != '\0' && strcmp(who, host->json_text(host->policy_get(p, "/sharer")).p) != 0;
}

static int check(const struct usher_policy *p, struct usher_error *e) {
  struct usher_str scope = find_sensitive(p);
  if (scope.n == 0 || has_consent(p))
    return USHER_OK;
  host->error_set(e, 403, NULL, "A second person must consent to this share first", "{\"needs\":\"consent\"}");
  return USHER_VETO;
}

static int before_shared(void *self, struct usher_policy *p, struct usher_error *e) {
  (void)self;
  return check(p, e);
}

/* Also when a share that stands is changed: otherwise the rule would be evaded in two steps. */
static int before_modification(void *self, const struct usher_policy *current, struct usher_policy *updated,
                               struct usher_error *e) {
  (void)self;
  (void)current;
  return check(updated, e);
}

static const struct usher_plugin plugin = {
    .size = sizeof(plugin),
    .abi_major = USHER_ABI_MAJOR,
    .abi_minor = USHER_ABI_MINOR,
    .name = "two-person",
    .version = "1.0",
    .open = two_person_open,
    .close = two_person_close,
    .before_resource_shared = before_shared,
    .before_resource_shared_modification = before_modification,
};

const struct usher_plugin *usher_plugin(void) {
  return &plugin;
}
