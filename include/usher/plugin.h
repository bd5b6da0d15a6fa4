/*
 * usher/plugin.h: how a plugin extends Usher. This is the only header a plugin needs; it links against nothing of ours.
 *
 * A whole plugin, which refuses resources whose name holds the word "secret":
 *
 *   #include <string.h>
 *   #include <usher/plugin.h>
 *
 *   static const struct usher_host *host;
 *
 *   static int start(const struct usher_host *h, const char *config_json, void **ret_self) {
 *     (void)config_json;
 *     (void)ret_self;
 *     host = h;
 *     return USHER_OK;
 *   }
 *   static void stop(void *self) {
 *     (void)self;
 *   }
 *   static int before_registration(void *self, struct usher_resource *r, struct usher_error *e) {
 *     (void)self;
 *     if (strstr(host->json_text(host->resource_get(r, "/name")).p, "secret") == NULL)
 *       return USHER_OK;
 *     host->error_set(e, 403, "access_denied", "That name is not allowed here", NULL);
 *     return USHER_VETO;
 *   }
 *   static const struct usher_plugin plugin = {
 *     .size = sizeof(plugin), .abi_major = USHER_ABI_MAJOR, .abi_minor = USHER_ABI_MINOR,
 *     .name = "no-secrets", .version = "1.0", .open = start, .close = stop,
 *     .before_resource_registration = before_registration,
 *   };
 *   const struct usher_plugin *usher_plugin(void) {
 *     return &plugin;
 *   }
 *
 * Build it, look at it, load it:
 *
 *   cc -shared -fPIC -o no-secrets.so no-secrets.c $(pkg-config --cflags usher)
 *   usher plugin check ./no-secrets.so
 *   usher serve ...                 with  plugins: [{path: ./no-secrets.so}]  in the configuration
 *
 * What holds for all of it
 *
 * - The eleven methods are those of the four UMA filters of PingAM ("Extend UMA"). All are optional. docs/plugin-guide.md says when
 *   each is called and what its caller then sees.
 * - *Before* methods (and on_...) are asked before anything is written, and may be asked more than once for one request: when what
 *   they were asked about changed meanwhile, or when the request lost against another one. They must not count on being followed
 *   by the deed. *After* methods are told when it is committed; they cannot undo it and nobody waits for them.
 * - Several plugins are asked in ascending order of `priority` (configuration), then of their names. Each sees the edits of those
 *   before it. The first USHER_VETO or USHER_FAIL ends it: nothing is written.
 * - Methods may be called on several threads at once. `open`, `close` and `reload` are called while no method of the plugin runs.
 * - Handles and strings live until the method returns. Everything passed to the host is copied by it. No text is ever a null pointer:
 *   what is absent has n == 0 and p == "". So has what the host has no memory left for (16 MiB a call); a before method during which
 *   that happened has failed, whatever it returns.
 * - Texts are UTF-8, and end with a byte 0 behind p[n-1]. A text may hold a byte 0 of its own only where its owner put one.
 * - Times are milliseconds since 1970 (UTC) unless a name says otherwise.
 * - Documents cross as JSON text, so that a new member breaks nobody.
 *
 * ABI. A plugin of another abi_major is refused; one with a newer abi_minor too. Members are only ever added at the end of the two
 * structs: a member beyond the `size` that a plugin states counts as absent, and a plugin that wants a newer service of the host looks
 * whether host->size reaches that far (USHER_HAS).
 */
#ifndef USHER_PLUGIN_H
#define USHER_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define USHER_ABI_MAJOR 1 /* must match exactly */
#define USHER_ABI_MINOR 0 /* the host's must be this or later */

/* Is `member` there in what `p` points to, as far as p->size says? */
#define USHER_HAS(p, member)                                                                                           \
  ((const char *)&(p)->member + sizeof((p)->member) <= (const char *)(p) + (p)->size && (p)->member != 0)

/* What a method returns. Anything else counts as USHER_FAIL. */
enum usher_rc {
  USHER_OK = 0,   /* go on */
  USHER_VETO = 1, /* no: the caller is answered with the error set by error_set(), or with the default of the method */
  USHER_FAIL = 2  /* the plugin could not do its work: the caller gets a 500 and nothing happens (fail closed) */
};

enum usher_log_level { USHER_LOG_ERROR = 0, USHER_LOG_WARN = 1, USHER_LOG_INFO = 2, USHER_LOG_DEBUG = 3 };

/* A text, or a JSON value as text. */
struct usher_str {
  const char *p;
  size_t n; /* bytes, without the byte 0 behind */
};
/* A set of texts (scopes), without repeats, in the order of the request. */
struct usher_strs {
  const struct usher_str *v;
  size_t n;
};

/* Handles: opaque, and good only inside the method they were given to. The host knows them by a number inside: a handle that is
 * stale, or of another kind, makes the call fail (n == 0, USHER_FAIL) and is written to the log. A handle that is const has no
 * setters: that is how the contract's "not persisted" is kept. */
struct
    usher_resource; /* _id realm client_id owner name type description uri icon_uri resource_scopes labels policy_uri */
struct usher_policy; /* policyId realm sharer permissions[{subject, scopes}] type conditions resource{as above} */
struct usher_ticket; /* id realm expires_at_ms resource_id scopes rs_client_id client_id */
struct usher_party;  /* name universal_id realm claims{} */
struct usher_filter; /* a query filter of Common REST, in its textual form */
struct usher_error;  /* of one call; what the caller will be told after a veto */

/* What the host does for a plugin. The pointer given to open() is good until close() returns. All of it may be called on any thread
 * that runs a method; log() and now_ms() on any thread at all. */
struct usher_host {
  uint32_t size; /* bytes of this struct in the host */
  uint16_t abi_major, abi_minor;

  /* A line in the server's log, under the name of the plugin. No secrets, please. Cut at 1024 bytes. */
  void (*log)(int level, const char *text);

  /* What the caller is told after USHER_VETO. http_status: 400 to 599; others count as the default of the method. error: an OAuth
   * error code, or NULL (used where the caller speaks OAuth). message: for people. detail_json: an object with further members of the
   * answer, or NULL. The last call counts. */
  void (*error_set)(struct usher_error *e, int http_status, const char *error, const char *message,
                    const char *detail_json);

  /* JSON text of the value at a JSON pointer (RFC 6901); "" is the whole document. n == 0: there is none. */
  struct usher_str (*resource_get)(const struct usher_resource *r, const char *pointer);
  struct usher_str (*policy_get)(const struct usher_policy *p, const char *pointer);
  struct usher_str (*ticket_get)(const struct usher_ticket *t, const char *pointer);
  struct usher_str (*party_get)(const struct usher_party *party, const char *pointer);

  /* Edits. USHER_FAIL: the member may not be written (only name type description uri icon_uri resource_scopes of a resource, permissions
   * type conditions of a policy, and what is below them), or the value is no JSON or has the wrong type. "null" takes an optional member
   * away. */
  int (*resource_set)(struct usher_resource *r, const char *pointer, const char *value_json);
  int (*policy_set)(struct usher_policy *p, const char *pointer, const char *value_json);
  /* The subject holds exactly these scopes from now on; none: the subject is dropped. */
  int (*policy_grant)(struct usher_policy *p, struct usher_str subject, struct usher_strs scopes);

  /* Filters. A new one belongs to the running call. */
  struct usher_str (*filter_text)(const struct usher_filter *f);
  struct usher_filter *(*filter_parse)(struct usher_str text); /* NULL: not a filter */
  struct usher_filter *(*filter_and)(const struct usher_filter *a, const struct usher_filter *b);

  /* The server's clock. */
  int64_t (*now_ms)(void);
  /* Milliseconds that are left for the running method; what takes longer is answered without it (see docs/plugin-guide.md). INT64_MAX:
   * nobody waits. */
  int64_t (*left_ms)(void);
  /* The plugin's own `config` at a JSON pointer, as JSON text. */
  struct usher_str (*config_get)(const char *pointer);

  /* JSON. Results live until the method returns. */
  struct usher_str (*json_get)(struct usher_str json, const char *pointer); /* as resource_get, of any JSON text */
  struct usher_str (*json_text)(
      struct usher_str json); /* "\"a\\u00e9\"" -> aé: of a JSON string; n == 0 for anything else */
  struct usher_str (*json_string)(struct usher_str text); /* the other way; n == 0: not UTF-8 */
  /* Memory that lives until the method returns; aligned for anything, zeroed. NULL: too much (1 MiB a call). */
  void *(*alloc)(size_t bytes);
};

/* Flags of a descriptor. */
/* The before methods never block and take microseconds: they are called where the request is, without the way to another thread. A plugin
 * that breaks this promise (over 2 ms) three times is called on threads like all others from then on, and the log says so. */
#define USHER_QUICK 1u

/* What a plugin is. usher_plugin() returns one that lives as long as the plugin is loaded. */
struct usher_plugin {
  uint32_t size; /* bytes of this struct in the plugin: sizeof */
  uint16_t abi_major, abi_minor;
  const char *name;    /* required; letters, digits, '.', '_', '-', 64 bytes at most; no two loaded plugins share one */
  const char *version; /* required; for people */

  /* Required. config_json: the plugin's `config` of the configuration, "{}" without. *ret_self is handed to all others. Anything but
   * USHER_OK: the server does not start; say why by host->log(). */
  int (*open)(const struct usher_host *host, const char *config_json, void **ret_self);
  /* Required. After the last method returned. */
  void (*close)(void *self);

  /* ResourceRegistrationFilter: POST of a new resource, never a PUT. Default veto: 403 access_denied. */
  int (*before_resource_registration)(void *self, struct usher_resource *r, struct usher_error *e);
  void (*after_resource_registration)(void *self, const struct usher_resource *r);

  /* PermissionRequestFilter: before a permission ticket is made, once an element of the request. client_id: of the resource server.
   * Default veto: 403 access_denied. */
  int (*on_permission_request)(void *self, const struct usher_resource *r, struct usher_strs requested,
                               struct usher_str client_id, struct usher_error *e);

  /* RequestAuthorizationFilter: inside the UMA grant, once a resource in the ticket. Default veto: 403 request_denied; the ticket is
   * spent. */
  int (*before_authorization)(void *self, const struct usher_ticket *t, const struct usher_party *requesting,
                              const struct usher_party *owner, struct usher_strs requested, struct usher_error *e);
  void (*after_successful_authorization)(void *self, const struct usher_ticket *t, const struct usher_party *requesting,
                                         const struct usher_party *owner, struct usher_strs requested,
                                         struct usher_strs granted);
  void (*after_failed_authorization)(void *self, const struct usher_ticket *t, const struct usher_party *requesting,
                                     const struct usher_party *owner, struct usher_strs requested);

  /* ResourceDelegationFilter: what owners share. Default veto: 403. */
  int (*before_resource_shared)(void *self, struct usher_policy *p, struct usher_error *e);
  void (*after_resource_shared)(void *self, const struct usher_policy *p);
  int (*before_resource_shared_modification)(void *self, const struct usher_policy *current,
                                             struct usher_policy *updated, struct usher_error *e);
  int (*on_resource_shared_deletion)(void *self, const struct usher_policy *p, struct usher_error *e);
  /* Before a user's resources are listed by a filter. *ret_filter takes the place of `in`; left alone, `in` stays. Whatever it says, only
   * what the user may see is listed. Default veto: 403. */
  int (*before_query_resource_sets)(void *self, struct usher_str user_id, const struct usher_filter *in,
                                    struct usher_filter **ret_filter, struct usher_error *e);

  /* From here on optional also for older plugins: their `size` ends before. */
  uint32_t flags; /* USHER_QUICK */
  /* On SIGHUP, with the `config` as it is now. Anything but USHER_OK: the plugin goes on as it was. */
  int (*reload)(void *self, const char *config_json);
  /* Events that must not be lost. With this member the after methods of the plugin (which may then all be NULL) are not what counts: each
   * event is written down in the transaction of the deed and given to deliver() until that returns USHER_OK, later and later, also over
   * restarts; so it may come more than once, and `id` tells. event_json: {"id":"...","event":"afterResourceShared","realm":"/",
   * "time_ms":0, and the arguments of the method: "resource", "policy", "ticket", "requestingParty", "resourceOwner",
   * "requestedScope", "grantedScope"}. */
  int (*deliver)(void *self, struct usher_str event_json);
  /* Which of its methods, and which events of deliver(), a plugin has use for with the configuration it was given: bit 1u << k for the
   * k-th of the eleven, from 0. Asked after open and after each reload; what it does not name is not called, not written down, and costs
   * nothing. Without it: all. */
  uint32_t (*methods)(void *self);
};

/* The one symbol of a plugin; exported whatever the compiler is told about others. */
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const struct usher_plugin *
usher_plugin(void);

#ifdef __cplusplus
}
#endif
#endif
