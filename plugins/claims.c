/*
 * A claims enrichment: before access is decided, what the server knows of the requesting party is joined with what the configuration
 * knows of it, and rules about both say which scopes it may ask for at all.
 *
 *   plugins:
 *     - path: claims.so
 *       config:
 *         people: {bob: {department: sales}}
 *         rules: [{scope: edit, claim: department, value: sales}, {scope: view, claim: email}]
 *
 * A rule holds when the claim has that value; without a value, when the party has the claim. It shows: beforeAuthorization, both parties,
 * and an answer in UMA's own words for what is missing. Access is never widened by it: the owner's shares decide, as ever.
 */
#include <stdio.h>
#include <string.h>

#include <usher/plugin.h>

static const struct usher_host *host;

/* Is this a list of rules that are whole? A rule that is misspelled would hold for nobody. */
static int has_rules(void) {
  char pointer[32];
  if (host->config_get("/rules").p[0] != '[')
    return 0;
  for (int i = 0;; i++) {
    snprintf(pointer, sizeof(pointer), "/rules/%d", i);
    struct usher_str rule = host->config_get(pointer), value = host->json_get(rule, "/value");
    if (rule.n == 0)
      return 1;
    if (host->json_text(host->json_get(rule, "/scope")).n == 0 ||
        host->json_text(host->json_get(rule, "/claim")).n == 0 || (value.n > 0 && host->json_text(value).n == 0))
      return 0;
  }
}

static int claims_open(const struct usher_host *h, const char *config_json, void **ret_self) {
  (void)config_json;
  (void)ret_self;
  host = h;
  if (has_rules())
    return USHER_OK;
  host->log(USHER_LOG_ERROR,
            "the configuration needs `rules`, a list of {scope, claim, value}: texts, of which the last may be absent");
  return USHER_FAIL;
}

static void claims_close(void *self) {
  (void)self;
}

/* The claim as the configuration has it, or else as the server has it. Names with a slash or tilde are not known here. */
static struct usher_str claim_of(const struct usher_party *party, const char *claim) {
  char pointer[1024];
  const char *name = host->json_text(host->party_get(party, "/name")).p;
  if (strpbrk(name, "~/") == NULL) {
    snprintf(pointer, sizeof(pointer), "/people/%s/%s", name, claim);
    struct usher_str value = host->json_text(host->config_get(pointer));
    if (value.n > 0)
      return value;
  }
  snprintf(pointer, sizeof(pointer), "/claims/%s", claim);
  return host->json_text(host->party_get(party, pointer));
}

static int wants(struct usher_strs requested, struct usher_str scope) {
  for (size_t i = 0; i < requested.n; i++)
    if (requested.v[i].n == scope.n && memcmp(requested.v[i].p, scope.p, scope.n) == 0)
      return 1;
  return 0;
}

static int refuse(struct usher_error *e, struct usher_str claim) {
  const char *name = host->json_string(claim).p;
  size_t room = 2 * strlen(name) + 128;
  char *detail = host->alloc(room);
  if (!detail)
    return USHER_FAIL;
  snprintf(detail, room, "{\"required_claims\":[{\"name\":%s,\"friendly_name\":%s}]}", name, name);
  host->error_set(e, 403, "need_info", "The requesting party lacks a claim that this scope needs", detail);
  return USHER_VETO;
}

static int before_authorization(void *self, const struct usher_ticket *t, const struct usher_party *requesting,
                                const struct usher_party *owner, struct usher_strs requested, struct usher_error *e) {
  (void)self;
  (void)t;
  (void)owner;
  char pointer[32];
  for (int i = 0;; i++) {
    snprintf(pointer, sizeof(pointer), "/rules/%d", i);
    struct usher_str rule = host->config_get(pointer);
    if (rule.n == 0)
      return USHER_OK;
    if (!wants(requested, host->json_text(host->json_get(rule, "/scope"))))
      continue;
    struct usher_str claim = host->json_text(host->json_get(rule, "/claim"));
    struct usher_str value = host->json_text(host->json_get(rule, "/value"));
    struct usher_str is = claim_of(requesting, claim.p);
    if (is.n == 0 || (value.n > 0 && strcmp(is.p, value.p) != 0))
      return refuse(e, claim);
  }
}

static const struct usher_plugin plugin = {
    .size = sizeof(plugin),
    .abi_major = USHER_ABI_MAJOR,
    .abi_minor = USHER_ABI_MINOR,
    .name = "claims",
    .version = "1.0",
    .open = claims_open,
    .close = claims_close,
    .before_authorization = before_authorization,
    .flags = USHER_QUICK,
};

const struct usher_plugin *usher_plugin(void) {
  return &plugin;
}
