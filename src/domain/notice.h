/*
 * Notices to people (REST contract l): written into the outbox in the transaction of their event, sent by app/mailer.c after
 * the commit, retried until they were handed on or given up. One event makes one row, whatever is run twice; a mail that was
 * accepted by the mail server is not sent again.
 */
#ifndef USHER_DOMAIN_NOTICE_H
#define USHER_DOMAIN_NOTICE_H

#include "domain/services.h"

enum us_notice_kind {
  US_NOTICE_PENDING_CREATED = 1, /* to the resource owner */
  US_NOTICE_PENDING_APPROVED     /* to the requesting party */
};
struct us_notice {
  enum us_notice_kind kind;
  int64_t realm_id;
  int64_t account_id;       /* to whom */
  struct us_str event;      /* what it is about, unique for its kind: the id of the pending request */
  struct us_str other_name; /* PENDING_CREATED: requesting party; PENDING_APPROVED: resource owner */
  struct us_str resource_name;
  struct us_strs scopes;
};
/* Write step. Nothing is written when the realm's settings say no mail for this kind, or this process sends none (no SMTP host). */
enum us_code us_notice_add(struct us_cx *cx, const struct us_realm *realm,
                           const struct us_notice *notice) US_MUST_CHECK;

#endif
