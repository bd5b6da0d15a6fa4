/*
 * Audit history (REST contract g): what happened to somebody's resources, one line an event, written in the transaction of the
 * event itself, so that it is there exactly when the event is.
 *
 * The lines form one chain: each carries SHA-256 over the hash of the line before and its own columns. Changing, inserting or
 * removing a line breaks the chain from there on, which us_audit_verify() finds. Retention removes from the front and moves the
 * chain's beginning along.
 */
#ifndef USHER_DOMAIN_AUDIT_H
#define USHER_DOMAIN_AUDIT_H

#include "domain/services.h"
#include "model/list.h"

enum us_audit_kind {
  US_AUDIT_REQUESTED = 1,  /* Authorisation_Requested */
  US_AUDIT_GRANTED,        /* Authorisation_Granted */
  US_AUDIT_DENIED,         /* Authorisation_Denied */
  US_AUDIT_APPROVED,       /* Authorisation_Request_Approved */
  US_AUDIT_REQUEST_DENIED, /* Authorisation_Request_Denied */
  US_AUDIT_POLICY_CREATED,
  US_AUDIT_POLICY_UPDATED,
  US_AUDIT_POLICY_DELETED /* ours, setting auditDeletions */
};
const char *us_audit_kind_text(enum us_audit_kind kind);

struct us_audit {
  enum us_audit_kind kind;
  int64_t realm_id;
  int64_t account_id; /* in whose history: the resource owner, for policies the sharer */
  struct us_str resource_uuid, resource_name;
  struct us_str party_name; /* whom the event is about; for policies who acted */
};
/* Write step: adds one line. */
enum us_code us_audit_add(struct us_cx *cx, const struct us_audit *event) US_MUST_CHECK;

struct us_audit_line {
  int64_t id, event_ms;
  int kind;
  struct us_str resource_uuid, resource_name, party_name;
};
typedef bool (*us_audit_line_fn)(struct us_cx *cx, void *self, const struct us_audit_line *line);
extern const struct us_list us_audit_list;
/* One page of somebody's history. */
enum us_code us_audit_query(struct us_cx *cx, int64_t account_id, const struct us_list_query *query,
                            us_audit_line_fn each, void *self, struct us_list_end *ret_end) US_MUST_CHECK;

/* Walks the chain in portions. *ret_broken_id is the first line that does not fit (0: all fit), *ret_count how many were looked at. */
enum us_code us_audit_verify(struct us_cx *cx, int64_t *ret_broken_id, int64_t *ret_count) US_MUST_CHECK;
/* Write step of the clean-up: removes at most max_rows lines older than their realm keeps them (setting auditRetentionDays). */
enum us_code us_audit_clean_up(struct us_cx *cx, int64_t max_rows, int64_t *ret_rows) US_MUST_CHECK;

#endif
