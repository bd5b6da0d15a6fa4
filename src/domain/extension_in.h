/* Inside of extension*.c: the machine that the points use, and what plugins read of things. */
#ifndef USHER_DOMAIN_EXTENSION_IN_H
#define USHER_DOMAIN_EXTENSION_IN_H

#include "crypto/digest.h"
#include "domain/extension.h"
#include "plugin/hooks.h"

#define US_EXTENSION_KEY_BYTES US_SHA256_BYTES

struct us_extension {
  struct us_plugins *plugins;
  const struct us_realm *realm;
  struct us_hook_job *asking;  /* what this step wants to know */
  struct us_hook_job *telling; /* what is told when it is committed */
  struct us_extension_answer {
    struct us_ask *ask;
    uint8_t key[US_EXTENSION_KEY_BYTES]; /* digest of all that was asked */
  } * answers;                           /* of earlier rounds, in the order of asking */
  size_t answer_count, cursor;
  unsigned rounds;
};

/* Has anybody a method for it? The points look here first: without plugins a point costs this. */
bool us_extension_has(const struct us_cx *cx, enum us_hook hook);
/* A document of the ask: `fill` makes its text when it is needed. */
typedef struct us_str (*us_doc_fill_fn)(void *self, void *mem);
void us_ask_add(struct us_ask *ask, enum us_doc_kind kind, bool is_writable, us_doc_fill_fn fill, void *self);
/* Puts it to the plugins. US_OK: nobody objects; *ret_answer holds the edits and is good until the step ends (`ask` itself, or that of an
 * earlier round). Whoever gets one calls us_ask_done(ask) when it is done with it. */
enum us_code us_extension_consult(struct us_cx *cx, struct us_ask *ask, struct us_ask **ret_answer) US_MUST_CHECK;
/* Records it. */
enum us_code us_extension_tell(struct us_cx *cx, struct us_ask *ask) US_MUST_CHECK;

/* Its documents have their texts: into the outbox, for each plugin that takes events. */
enum us_code us_extension_write_down(struct us_cx *cx, const struct us_ask *ask) US_MUST_CHECK;

/* What plugins read. Each text belongs to `mem`; absent: it cannot be made. */
struct us_resource_view {
  struct us_cx *cx;
  const struct us_resource *resource; /* the row; of it are used: id uuid realm_id owner_id rs_ref */
  bool is_partial;                    /* the rest of the row was not read */
  struct us_str description;          /* JSON; absent: the row's */
  struct us_strs labels;
  bool has_labels; /* otherwise they are looked up */
};
struct us_str us_resource_view_text(void *view, void *mem);
struct us_policy_view {
  struct us_resource_view of;
  int64_t sharer_id;
  const struct us_share *shares;
  size_t share_count;
};
struct us_str us_policy_view_text(void *view, void *mem);
struct us_ticket_view {
  struct us_cx *cx;
  const struct us_extension_grant *grant;
};
struct us_str us_ticket_view_text(void *view, void *mem);
struct us_party_view {
  struct us_cx *cx;
  const struct us_account *account; /* NULL: `id` is looked up */
  int64_t id;
};
struct us_str us_party_view_text(void *view, void *mem);

#endif
