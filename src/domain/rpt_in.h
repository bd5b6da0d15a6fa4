/* Inside of rpt*.c: rpt.c tells the grant, rpt_uses.c counts uses of shares, rpt_upgrade.c takes over what an older RPT holds. */
#ifndef USHER_DOMAIN_RPT_IN_H
#define USHER_DOMAIN_RPT_IN_H

#include "domain/access.h"
#include "domain/audit.h"
#include "domain/rpt.h"
#include "domain/ticket.h"
#include "policy/decide.h"
#include "store/rpts.h"

/* One request on its way through the steps. */
struct us_rpt_work {
  struct us_cx *cx;
  const struct us_realm *realm;
  const struct us_rpt_request *in;
  struct us_ticket ticket;
  const struct us_account *party; /* NULL: nobody is known yet */
  struct us_account gathered;     /* who it points to when claims are gathered interactively */
  bool is_gathered;               /* he was there, in this process */
  struct us_resource *resources;  /* one a permission of the ticket */
  struct us_wanted *wanted;       /* ditto */
  size_t count;
  struct us_audit *events; /* for the owner's history, a few for each resource; written together at the end */
  size_t event_count;
  struct us_ids counted; /* shares of which this RPT has used up a use */
};

struct us_access_request us_rpt_access_request(const struct us_rpt_work *g);
/* The certificate that the client has the key of; absent: none. */
struct us_str us_rpt_proof(const struct us_rpt_work *g);

/* rpt_uses.c */
bool us_rpt_has_id(struct us_ids ids, int64_t id);
/* The shares that the decision relies on and that have a limit. *ret_fits is false for more than one RPT may use up. */
enum us_code us_rpt_limited_shares(struct us_rpt_work *g, struct us_reliance **ret_list, size_t *ret_count,
                                   bool *ret_fits) US_MUST_CHECK;
/* Gives back uses that were counted before and that this decision does not need. */
enum us_code us_rpt_give_back(struct us_rpt_work *g, const struct us_reliance *list, size_t count) US_MUST_CHECK;
/* Counts those of the list that are not counted yet. *ret_all is false when somebody was faster. */
enum us_code us_rpt_count_uses(struct us_rpt_work *g, const struct us_reliance *list, size_t count,
                               bool *ret_all) US_MUST_CHECK;

/* rpt_upgrade.c: protocol contract 6.6. What the RPT of the request holds and still passes goes into *rpt, and that RPT is revoked. */
enum us_code us_rpt_upgrade(struct us_rpt_work *g, int64_t expires_s, struct us_rpt *rpt,
                            bool *ret_is_upgraded) US_MUST_CHECK;

#endif
