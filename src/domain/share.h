/*
 * Policies: what a sharer gives to others of one resource (REST contract c). The owner may share it, and so may everybody who has
 * a right to it (i.1): each sharer has a policy of its own for the same resource. Who has access in the end is decided by
 * us_policy_decide() (policy/decide.h) over the graph that all of them make (graph.h).
 *
 * share.c reads, condition.c is about conditions, share_right.c about the right to share, share_write.c changes.
 */
#ifndef USHER_DOMAIN_SHARE_H
#define USHER_DOMAIN_SHARE_H

#include <jansson.h>

#include "domain/services.h"
#include "model/list.h"

#define US_SHARE_SUBJECTS_MAX 256        /* REST a.7: permissions of a policy */
#define US_SHARE_SCOPES_MAX 256          /* REST a.7: scopes in one list */
#define US_SHARE_SUBJECT_MAX_BYTES 255   /* of a subject's name */
#define US_SHARE_SCOPE_MAX_BYTES 255     /* of one scope: what a resource may define */
#define US_SHARE_MAX_BYTES (256 * 1024)  /* of all scopes and conditions of one policy as they are stored */
#define US_CONDITIONS_MAX 32             /* of one policy */
#define US_CONDITION_CLIENTS_MAX 256     /* client ids of one condition */
#define US_CONDITION_USES_MAX 1000000000 /* of MaxUses */
#define US_CONDITION_DATE_MAX_S                                                                                        \
  INT64_C(253402300799) /* the end of the year 9999; milliseconds by mistake are above it */

/* Conditions as stored (JSON text, '' = none) and back. The text is canonical: equal conditions have equal texts. */
enum us_code us_conditions_parse(struct us_cx *cx, struct us_str text,
                                 struct us_conditions *ret_conditions) US_MUST_CHECK;
struct us_str us_conditions_text(struct us_cx *cx, const struct us_conditions *conditions);
/* As a request writes them (REST c.8): `type` and `conditions` of a body, either may be NULL. US_E_INVALID_REQUEST. */
enum us_code us_conditions_from_json(struct us_cx *cx, const json_t *type, const json_t *conditions,
                                     struct us_conditions *ret_conditions) US_MUST_CHECK;

/* The policy of one sharer for one resource, with its shares in order. US_E_NOT_FOUND without text. */
enum us_code us_policy_find(struct us_cx *cx, int64_t resource_id, int64_t sharer_id,
                            struct us_policy *ret_policy) US_MUST_CHECK;

/* What a create or an update asks for. */
struct us_share_wish {
  struct us_share *shares; /* subject and scopes; subject_key and conditions are filled in here */
  size_t share_count;
  bool has_conditions; /* the body spoke of conditions: they go to every share; otherwise those stored are kept */
  struct us_conditions conditions;
  bool has_own_conditions; /* each share brings its own; the two above are not looked at */
};
/* Write steps. The caller found the resource (of the call's realm) and has called us_resource_touch_access() for it.
 * Rules of REST c.3 and c.5 after the look-ups, in their order: right to share (US_E_FORBIDDEN), scopes, duplicate subjects, room in
 * the graph (US_E_INVALID_REQUEST). What is active of everybody's shares is recomputed. Create ends in US_E_CONFLICT, with the text
 * of c.6, when there is a policy already. */
enum us_code us_policy_create(struct us_cx *cx, const struct us_resource *resource, int64_t sharer_id,
                              struct us_share_wish *wish, struct us_policy *ret_policy) US_MUST_CHECK;
/* Replaces. With no share left the policy is gone; *ret_policy is then what is left of it, with no shares. */
enum us_code us_policy_replace(struct us_cx *cx, const struct us_resource *resource, const struct us_policy *policy,
                               struct us_share_wish *wish, struct us_policy *ret_policy) US_MUST_CHECK;
/* Gives people scopes on top of what they have, in one change of the policy; conditions stay (REST f.4). The same subject may come
 * several times. */
struct us_share_grant {
  struct us_str subject;
  struct us_strs scopes;
};
enum us_code us_policy_grant(struct us_cx *cx, const struct us_resource *resource, int64_t sharer_id,
                             const struct us_share_grant *grants, size_t count) US_MUST_CHECK;
enum us_code us_policy_remove(struct us_cx *cx, const struct us_policy *policy) US_MUST_CHECK;

/* A policy as texts that can be sent as they are. */
struct us_share_text {
  struct us_str subject;
  struct us_str scopes;     /* JSON array */
  struct us_str conditions; /* JSON object, or '' */
};
struct us_policy_text {
  int64_t id, rev;
  struct us_str uuid, name; /* of the resource */
  struct us_share_text *shares;
  size_t share_count;
};
/* Queries: a page of what one person shares, asked for by the fields of us_policies_list. Policies are read a few at a time: what
 * `each` is given is gone when it returns. It says false when the page is full. */
extern const struct us_list us_policies_list;
typedef bool (*us_policy_text_fn)(void *self, const struct us_policy_text *policy);
enum us_code us_policy_page(struct us_cx *cx, int64_t sharer_id, const struct us_list_query *query,
                            us_policy_text_fn each, void *self, struct us_list_end *ret_end) US_MUST_CHECK;

#endif
