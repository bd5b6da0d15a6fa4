/* Names and tables of the eleven methods: see plugin.h. */
#include "plugin/plugin.h"

#include <string.h>

struct hook {
  const char *name;
  size_t offset; /* of its member in the descriptor */
  bool is_after;
};
#define AT(member) offsetof(struct usher_plugin, member)
static const struct hook hooks[US_HOOK_COUNT] = {
    {"beforeResourceRegistration", AT(before_resource_registration), false},
    {"afterResourceRegistration", AT(after_resource_registration), true},
    {"onPermissionRequest", AT(on_permission_request), false},
    {"beforeAuthorization", AT(before_authorization), false},
    {"afterSuccessfulAuthorization", AT(after_successful_authorization), true},
    {"afterFailedAuthorization", AT(after_failed_authorization), true},
    {"beforeResourceShared", AT(before_resource_shared), false},
    {"afterResourceShared", AT(after_resource_shared), true},
    {"beforeResourceSharedModification", AT(before_resource_shared_modification), false},
    {"onResourceSharedDeletion", AT(on_resource_shared_deletion), false},
    {"beforeQueryResourceSets", AT(before_query_resource_sets), false},
};

const char *us_hook_name(enum us_hook hook) {
  return hooks[hook].name;
}

bool us_hook_is_after(enum us_hook hook) {
  return hooks[hook].is_after;
}

static bool has_method(const struct us_plugin *plugin, enum us_hook hook) {
  void (*method)(void) = NULL;
  memcpy(&method, (const char *)&plugin->abi + hooks[hook].offset, sizeof(method));
  return method != NULL;
}

void us_plugin_index(struct us_plugin *plugin, bool is_open) {
  uint32_t methods = 0, afters = 0;
  if (!is_open) { /* later others look at them */
    plugin->reloads = plugin->abi.reload != NULL;
    plugin->delivers = plugin->abi.deliver != NULL;
  }
  for (int hook = 0; hook < US_HOOK_COUNT; hook++) {
    methods |= has_method(plugin, (enum us_hook)hook) ? 1u << hook : 0;
    afters |= hooks[hook].is_after ? 1u << hook : 0;
  }
  uint32_t wanted = is_open && plugin->abi.methods ? plugin->abi.methods(plugin->self) : UINT32_MAX;
  plugin->methods = methods & wanted;
  plugin->events = plugin->abi.deliver ? afters & wanted : 0;
}
