/*
 * Rows of policies and their permissions (REST contract c). A policy is everything one person shares of one resource; a
 * permission is one line of it: subject, scopes, conditions. Rules live in domain/share.c and domain/share_write.c.
 *
 * Queries run in two steps, so that no list is ever held whole: the list gives the ids of a page (store/policies_list.h), then
 * the policies are read in batches of US_POLICIES_BATCH ids, one statement a batch.
 */
#ifndef USHER_STORE_POLICIES_H
#define USHER_STORE_POLICIES_H

#include "model/model.h"
#include "store/sql.h"

struct us_policy_row {
  int64_t id, realm_id, resource_id, sharer_id;
  int64_t rev, created_ms, modified_ms;
};
struct us_permission_row {
  int64_t id;
  int64_t position;
  struct us_str subject, subject_key;
  struct us_str scopes;     /* JSON array */
  struct us_str conditions; /* JSON object, or '' */
  struct us_str entry_name; /* given when the line is made, then kept (REST c.9) */
  /* Kept by others (store/grants.h), only read here. */
  struct us_str active_scopes; /* JSON array */
  int64_t used, created_ms, modified_ms;
};

/* US_E_NOT_FOUND (an answer) when there is none. */
enum us_code us_policies_find(struct us_cx *cx, int64_t resource_id, int64_t sharer_id,
                              struct us_policy_row *ret_row) US_MUST_CHECK;
/* The revision is the resource's access_rev, which the transaction has just moved: it never comes twice for a resource, not even
 * when a policy is deleted and made anew. *ret_rev gets it. */
enum us_code us_policies_insert(struct us_cx *cx, const struct us_policy_row *row, int64_t *ret_rev) US_MUST_CHECK;
enum us_code us_policies_bump(struct us_cx *cx, int64_t id, int64_t modified_ms, int64_t *ret_rev) US_MUST_CHECK;
/* With its permissions. */
enum us_code us_policies_delete(struct us_cx *cx, int64_t id) US_MUST_CHECK;

/* The lines of one policy in their order; at most US_POLICIES_LINES_MAX are kept in a policy. */
#define US_POLICIES_LINES_MAX 256
enum us_code us_policies_lines(struct us_cx *cx, int64_t policy_id, struct us_permission_row **ret_rows,
                               size_t *ret_count) US_MUST_CHECK;
enum us_code us_policies_put_line(struct us_cx *cx, const struct us_policy_row *policy,
                                  const struct us_permission_row *line, int64_t now_ms) US_MUST_CHECK;
enum us_code us_policies_delete_line(struct us_cx *cx, int64_t line_id) US_MUST_CHECK;

/* The lines of a batch of policies with the resource they are about, ordered by policy id and position. */
#define US_POLICIES_BATCH 32
struct us_policy_line {
  int64_t policy_id, rev;
  struct us_str uuid, name; /* of the resource; name absent when it has none */
  struct us_permission_row line;
};
typedef enum us_code (*us_policy_line_fn)(struct us_cx *cx, void *self, const struct us_policy_line *line);
enum us_code us_policies_batch(struct us_cx *cx, const int64_t ids[US_POLICIES_BATCH], us_policy_line_fn each,
                               void *self) US_MUST_CHECK;

/* The client id behind a resource's rs_ref; "" when that client is gone. */
enum us_code us_policies_server_name(struct us_cx *cx, int64_t rs_ref, struct us_str *ret_client_id) US_MUST_CHECK;

#endif
