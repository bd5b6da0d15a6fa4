/*
 * Everything shared, in one list whichever way it came about (design 6): what a person gives, by policies, approved requests or
 * sharing on (byMe); what reaches the person, by name or by a group (withMe); what others have asked the person for (waiting).
 */
#ifndef USHER_DOMAIN_SHARES_H
#define USHER_DOMAIN_SHARES_H

#include "domain/services.h"
#include "model/list.h"

enum us_direction { US_DIRECTION_BY_ME, US_DIRECTION_WITH_ME, US_DIRECTION_WAITING };
/* By its name, "byMe"; false for others. */
bool us_direction_parse(struct us_str name, enum us_direction *ret_direction);
const struct us_list *us_direction_list(enum us_direction direction);

struct us_shared {
  struct us_str id;
  struct us_str resource_id, resource_name, resource_server, owner; /* name absent: it has none */
  struct us_str sharer, subject;                                    /* waiting: the owner, who asks */
  struct us_strs scopes;    /* byMe: all that were given; withMe: those that are active; waiting: those asked for */
  struct us_strs inactive;  /* byMe: of them those that the sharer has no right to any more */
  struct us_str conditions; /* as stored: JSON object, or '' */
  int64_t since_ms;
  int64_t until_ms; /* when conditions end it for certain; 0: they do not */
  bool is_active;   /* somebody gets something by it, as far as the graph goes */
};
/* A page. What `each` is given is gone when it returns, with its cx. */
typedef bool (*us_shared_fn)(struct us_cx *cx, void *self, const struct us_shared *shared);
enum us_code us_shares_query(struct us_cx *cx, const struct us_viewer *viewer, enum us_direction direction,
                             const struct us_list_query *query, us_shared_fn each, void *self,
                             struct us_list_end *ret_end) US_MUST_CHECK;

#endif
