/*
 * Policies: what a sharer gives to others of one resource (REST contract c). The grants that bear on a decision are loaded here
 * and handed to us_policy_decide() (policy/decide.h), the only place that decides access.
 *
 * share.c reads, condition.c is about conditions, share_write.c changes. Until re-sharing comes (REST contract i) only the owner
 * of a resource may share it: everybody else is refused as with resharingMode OFF.
 */
#ifndef USHER_DOMAIN_SHARE_H
#define USHER_DOMAIN_SHARE_H

#include <jansson.h>

#include "domain/services.h"

#define US_SHARE_SUBJECTS_MAX 256       /* REST a.7: permissions of a policy */
#define US_SHARE_SCOPES_MAX 256         /* REST a.7: scopes in one list */
#define US_SHARE_SUBJECT_MAX_BYTES 255  /* of a subject's name */
#define US_SHARE_SCOPE_MAX_BYTES 255    /* of one scope: what a resource may define */
#define US_SHARE_MAX_BYTES (256 * 1024) /* of all scopes and conditions of one policy as they are stored */
#define US_CONDITIONS_MAX 32            /* of one policy */
#define US_CONDITION_CLIENTS_MAX 256    /* client ids of one condition */
#define US_CONDITION_DATE_MAX_S                                                                                        \
  INT64_C(253402300799) /* the end of the year 9999; milliseconds by mistake are above it */

/* The owner's own shares of a resource with one subject: the facts of a decision. Empty when there are none. */
enum us_code us_share_facts(struct us_cx *cx, int64_t resource_id, int64_t owner_id, struct us_str subject_key,
                            struct us_share **ret_shares, size_t *ret_count) US_MUST_CHECK;
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
 * Rules of REST c.3 and c.5 after the look-ups, in their order: right to share (US_E_FORBIDDEN), scopes, duplicate subjects
 * (US_E_INVALID_REQUEST). Create ends in US_E_CONFLICT, with the text of c.6, when there is a policy already. */
enum us_code us_policy_create(struct us_cx *cx, const struct us_resource *resource, int64_t sharer_id,
                              struct us_share_wish *wish, struct us_policy *ret_policy) US_MUST_CHECK;
/* Replaces. With no share left the policy is gone; *ret_policy is then what is left of it, with no shares. */
enum us_code us_policy_replace(struct us_cx *cx, const struct us_resource *resource, const struct us_policy *policy,
                               struct us_share_wish *wish, struct us_policy *ret_policy) US_MUST_CHECK;
/* Gives `subject` these scopes on top of what it has; conditions stay (REST f.4). */
enum us_code us_policy_grant(struct us_cx *cx, const struct us_resource *resource, int64_t sharer_id,
                             struct us_str subject, struct us_strs scopes) US_MUST_CHECK;
enum us_code us_policy_remove(struct us_cx *cx, const struct us_policy *policy) US_MUST_CHECK;

/*
 * Queries. A scan sees each policy of a sharer as an id with bits: which of the subjects it names, whether its resource server is
 * one of those asked for. Only integers are read, so a scan costs no memory, however long it is.
 */
#define US_POLICY_SCAN_SUBJECTS_MAX 8
#define US_POLICY_SCAN_SERVERS_MAX 8
enum us_policy_sort { US_POLICY_UNSORTED, US_POLICY_SORT_ID, US_POLICY_SORT_NAME };
struct us_policy_scan {
  int64_t realm_id, sharer_id;
  struct us_str subjects[US_POLICY_SCAN_SUBJECTS_MAX]; /* absent: not used */
  struct us_str servers[US_POLICY_SCAN_SERVERS_MAX];   /* client ids */
  int sort;                                            /* enum us_policy_sort */
  bool descending, id_descending;                      /* id_descending: among equal names */
  bool (*seen)(void *self, int64_t policy_id, unsigned subjects, unsigned servers); /* false: stop */
  void *self;
};
enum us_code us_policy_scan(struct us_cx *cx, const struct us_policy_scan *scan) US_MUST_CHECK;
enum us_code us_policy_count(struct us_cx *cx, int64_t sharer_id, int64_t *ret_count) US_MUST_CHECK;

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
/* Calls `each` for the policies in the order of `ids`, reading a few at a time into memory of their own: what `each` is given is
 * gone when it returns. It says false to stop. Policies that are gone are left out. */
typedef bool (*us_policy_text_fn)(void *self, const struct us_policy_text *policy);
enum us_code us_policy_texts(struct us_cx *cx, const int64_t *ids, size_t count, us_policy_text_fn each,
                             void *self) US_MUST_CHECK;

#endif
