/*
 * The graph of what was shared of one resource (REST contract i): loaded for a decision, and kept true in the store.
 *
 * A decision needs it only when somebody else than the owner gave something to the requesting party (domain/access.c asks); then
 * the whole of it is read in three statements, and only what can lie on a path to the party is handed on.
 *
 * What is active is written beside each permission (active_scopes, is_active) for lists, and so that decisions read less. It is
 * recomputed by us_graph_refresh() in the transaction of everything that changes the graph. While nobody but the owner shares a
 * resource there is nothing to compute.
 */
#ifndef USHER_DOMAIN_GRAPH_H
#define USHER_DOMAIN_GRAPH_H

#include "domain/access.h"

/* How large a graph may be: what all those share who are not the owner. A write of theirs that would go beyond is refused; the
 * owner's policy has limits of its own (share.h) and always has room. */
#define US_GRAPH_GRANTS_MAX 16384
#define US_GRAPH_MAX_BYTES (4 * 1024 * 1024)         /* subjects, scopes and conditions as they are stored */
#define US_GRAPH_TEXTS_MAX_BYTES (1 * 1024 * 1024)   /* the different ones among them: only these are kept in memory */
#define US_GRAPH_MEMORY_MAX_BYTES (48 * 1024 * 1024) /* of a graph while it is loaded, beside the request's */

/* Fills in grants, memberships and nodes for the request's party, whose keys these are. */
enum us_code us_graph_facts(struct us_cx *cx, const struct us_access_request *request,
                            const struct us_resource *resource, struct us_strs party_keys,
                            struct us_facts *facts) US_MUST_CHECK;

enum us_graph_change {
  US_GRAPH_GRANTS, /* grants came, went or changed; or who is in a group */
  US_GRAPH_SCOPES  /* the resource lost scopes: they go from every grant too (REST h.1) */
};
struct us_graph_size {
  size_t grants;       /* that were read: what it cost */
  size_t others;       /* given by others than the owner */
  size_t bytes, texts; /* theirs: see above */
};
/* Write step. `resource` is as it is now, with all its columns. Whoever changes grants has touched its access_rev before. */
enum us_code us_graph_refresh(struct us_cx *cx, const struct us_resource *resource, enum us_graph_change change,
                              struct us_graph_size *ret_size) US_MUST_CHECK;
/* Write step, behind a change of a resource's scopes or of its type's actions: what cannot be shared any more is gone from every
 * share of it. `before` and `after` are the resource's columns, `after` as they are written. */
enum us_code us_graph_follow(struct us_cx *cx, const struct us_resource *before,
                             const struct us_resource *after) US_MUST_CHECK;
static inline bool us_graph_is_too_large(const struct us_graph_size *size) {
  return size->others > US_GRAPH_GRANTS_MAX || size->bytes > US_GRAPH_MAX_BYTES ||
         size->texts > US_GRAPH_TEXTS_MAX_BYTES;
}

#endif
