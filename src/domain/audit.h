/*
 * Audit history (REST contract g): what happened to somebody's resources, one line an event, written in the transaction of the
 * event itself, so that it is there exactly when the event is.
 *
 * The lines of a realm form a chain: each carries SHA-256 over the hash of the line before and its own columns. Changing,
 * inserting or removing a line breaks the chain from there on, also at its end, which us_audit_verify() finds. Retention removes
 * from the front and moves the chain's beginning along. Each realm has a chain of its own, because each keeps its lines for as
 * long as it likes.
 *
 * What a chain cannot tell: who may write the whole store can compute it anew, or cut its front off as retention does. `usher audit
 * verify` therefore tells how many lines are gone and which is the oldest that is there, and prints the end, to be kept elsewhere.
 */
#ifndef USHER_DOMAIN_AUDIT_H
#define USHER_DOMAIN_AUDIT_H

#include "crypto/digest.h"
#include "domain/services.h"
#include "model/list.h"

enum us_audit_kind {
#define US_AUDIT_KIND(symbol, number, type, place) US_AUDIT_##symbol = (number),
#include "model/audit_kinds.def"
#undef US_AUDIT_KIND
};
/* "Authorisation_Requested"; "Unknown" for other numbers. */
const char *us_audit_kind_text(int64_t kind);

struct us_audit {
  enum us_audit_kind kind;
  int64_t account_id; /* in whose history: the resource owner, for policies the sharer */
  struct us_str resource_uuid, resource_name;
  struct us_str party_name; /* whom the event is about; for policies who acted; for a replayed ticket the client */
};
/* Write step: adds lines in this order, with three statements for the two of an ordinary grant. The chain stays locked until the
 * transaction ends. */
enum us_code us_audit_add(struct us_cx *cx, int64_t realm_id, const struct us_audit *events,
                          size_t count) US_MUST_CHECK;

/* Write step: one line about a policy, in its sharer's history, with cx->actor as who acted. POLICY_DELETED is not written where the
 * realm does not want it (setting auditDeletions). */
enum us_code us_audit_policy(struct us_cx *cx, enum us_audit_kind kind, const struct us_resource *resource,
                             int64_t sharer_id) US_MUST_CHECK;

struct us_audit_line {
  int64_t id, event_ms, kind;
  struct us_str resource_uuid, resource_name, party_name;
};
/* One page of somebody's history; what `each` is given is gone when it returns. It says false when the page is full. */
extern const struct us_list us_audit_list;
typedef bool (*us_audit_line_fn)(void *self, const struct us_audit_line *line);
enum us_code us_audit_page(struct us_cx *cx, const struct us_account *account, const struct us_list_query *query,
                           us_audit_line_fn each, void *self, struct us_list_end *ret_end) US_MUST_CHECK;

enum us_audit_flaw {
  US_AUDIT_FITS,
  US_AUDIT_CHANGED,  /* the line's hash is not that of its columns behind the line before */
  US_AUDIT_MISSING,  /* there is no line of this number */
  US_AUDIT_INSERTED, /* a line where the chain has none: before its beginning or behind its end */
  US_AUDIT_NO_CHAIN  /* lines without a chain */
};
const char *us_audit_flaw_text(enum us_audit_flaw flaw); /* "was changed", ... */
/* A walk along one chain. Begin with the realm's id and zeros. */
struct us_audit_walk {
  int64_t realm_id;
  int64_t last_id; /* that was looked at, and its hash: at the end the end of the chain */
  char last_hash[US_SHA256_TEXT_BYTES];
  int64_t count; /* lines that fit */
  int64_t
      removed_id; /* the chain begins behind this line: so many were removed, by retention or by somebody who looks like it */
  int64_t
      first_ms; /* when the first line that fits was written, which bounds when the removed ones were; 0: none fits */
  bool has_begun, is_done;
  enum us_audit_flaw flaw; /* of line flaw_id, the first that does not fit; the walk ends there */
  int64_t flaw_id;
};
/* Read step: looks at the next US_AUDIT_PORTION lines in memory of its own. Lines that are written and removed by retention
 * between the steps do no harm. */
#define US_AUDIT_PORTION 1000
enum us_code us_audit_verify(struct us_cx *cx, struct us_audit_walk *walk) US_MUST_CHECK;
/* The realm behind `after` (0 at first) that has a history; 0: no more. */
enum us_code us_audit_next_realm(struct us_cx *cx, int64_t after, int64_t *ret_realm_id) US_MUST_CHECK;

/* Write step of the clean-up: removes at most max_rows lines older than their realm keeps them (setting auditRetentionDays), and
 * those of realms that are gone. */
enum us_code us_audit_clean_up(struct us_cx *cx, int64_t max_rows, int64_t *ret_rows) US_MUST_CHECK;

#endif
