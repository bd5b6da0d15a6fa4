/*
 * Why somebody may do something with a resource, or may not: the decision of policy/decide.h for one party, with the path of shares
 * it rests on and the conditions on that path. Nothing is written, nothing counted. Asked by `evaluate` at uma/policies and by
 * `usher explain`.
 *
 * An owner (and an operator) is told everything. A sharer who does not own the resource asks about the own policy: only paths that
 * lead through the sharer count, and of the steps on them that others made nothing is said. Who else shares what is nobody's
 * business but the owner's.
 */
#ifndef USHER_DOMAIN_EXPLAIN_H
#define USHER_DOMAIN_EXPLAIN_H

#include "domain/services.h"
#include "policy/decide.h"

#define US_EXPLAIN_SCOPES_MAX 256 /* REST a.7 */

struct us_explain_request {
  const struct us_realm *realm;
  struct us_str resource_uuid;
  int64_t sharer_id;       /* who owns the resource, or shares it; 0: an operator asks */
  struct us_str subject;   /* as a policy names it: a user, known or not, or group:NAME */
  struct us_strs scopes;   /* none: all that the resource has */
  struct us_str client_id; /* that would ask. Absent: no one, and conditions on clients do not count */
};

/* A share that a decision rests on. */
struct us_explain_step {
  struct us_str sharer, subject,
      entry;                /* entry: its name at users/{user}/policies. All absent: not for the sharer who asks */
  struct us_str conditions; /* JSON object, or '' */
  bool *holds;              /* of each condition */
  size_t condition_count;
};
/* What was found about some scopes alike. */
struct us_explain_trace {
  struct us_strs scopes;
  enum us_reason reason;
  int64_t until_s;                     /* granted: when the path ends; 0: never */
  const struct us_explain_step **path; /* from the owner to the party */
  size_t path_count;
};
struct us_explanation {
  struct us_strs granted;
  struct us_strs denied;
  enum us_reason *denied_reasons;
  struct us_explain_trace *traces;
  size_t trace_count;
};
/* US_E_NOT_FOUND without text: there is no such resource in the realm, or the sharer neither owns nor shares it. Reads only. */
enum us_code us_explain(struct us_cx *cx, const struct us_explain_request *request,
                        struct us_explanation *ret_explanation) US_MUST_CHECK;

#endif
