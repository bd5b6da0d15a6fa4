/*
 * Notices to people (REST contract l): written into the outbox in the transaction of their event, sent by app/mailer.c after
 * the commit, retried until they were handed on or given up. One event makes one row, whatever is run twice; a mail that was
 * accepted by the mail server is not sent again.
 *
 *   us_notice_add       event's transaction: the row
 *   us_notice_claim     mailer's step: takes what is due, for a time
 *   us_notice_mail      outside of any transaction: the mail, in the language of whom it is for
 *   us_notice_settle    mailer's step: the row goes, or waits for its next try, or is kept as failed
 */
#ifndef USHER_DOMAIN_NOTICE_H
#define USHER_DOMAIN_NOTICE_H

#include "domain/services.h"

struct us_templates; /* domain/template.h */

enum us_notice_kind {
  US_NOTICE_PENDING_CREATED = 1, /* to the resource owner */
  US_NOTICE_PENDING_APPROVED     /* to the requesting party */
};
const char *us_notice_kind_text(int kind); /* as commands and logs say it; "unknown" for other numbers */

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

/* A notice that one process has in hand. */
struct us_notice_claim {
  int64_t id, realm_id, account_id, created_ms;
  int kind;
  int64_t tries;                 /* this one included */
  struct us_str event_key, body; /* as stored */
  bool has_account;              /* false: the person is gone */
  struct us_account account;
};
/* Write step: claims for `node`, until `until_ms`, what has been due longest. US_E_NOT_FOUND (an answer) when nothing is due. */
enum us_code us_notice_claim(struct us_cx *cx, int64_t node, int64_t until_ms,
                             struct us_notice_claim *ret_claim) US_MUST_CHECK;

struct us_notice_mail {
  struct us_str to;      /* as the account has it: not looked at yet */
  struct us_str subject; /* plain text */
  struct us_str html;
  struct us_str locale; /* the template's */
  struct us_str
      message_id; /* left of the @: always the same for one event, so that who gets a mail twice can drop the second */
  int64_t date_ms;
};
/* US_E_NOT_FOUND (an answer, without text): there is nobody to write to; the row can go. `mail_attribute` names the profile
 * attribute with the address. */
enum us_code us_notice_mail(struct us_cx *cx, const struct us_templates *templates, struct us_str mail_attribute,
                            const struct us_notice_claim *claim, struct us_notice_mail *ret_mail) US_MUST_CHECK;

enum us_notice_end {
  US_NOTICE_GONE = 1,  /* sent, or nobody is there: the row goes */
  US_NOTICE_LATER,     /* again at due_ms */
  US_NOTICE_UNTOUCHED, /* not tried after all: due at once, and the try does not count */
  US_NOTICE_FAILED     /* given up: kept for the operator */
};
#define US_NOTICE_ERROR_MAX 300 /* bytes of `error` that are kept */
struct us_notice_outcome {
  enum us_notice_end end;
  int64_t id, tries; /* of the claim */
  int64_t due_ms;    /* LATER */
  struct us_str error;
};
/* Write step. A row that somebody else has claimed since is left to him, unless its mail has gone. */
enum us_code us_notice_settle(struct us_cx *cx, int64_t node, const struct us_notice_outcome *outcome) US_MUST_CHECK;
/* Write step at start: what the former holder of this node number had in hand when it died is due again. */
enum us_code us_notice_release(struct us_cx *cx, int64_t node) US_MUST_CHECK;
/* When the next one is due; INT64_MAX: none waits. */
enum us_code us_notice_next_due(struct us_cx *cx, int64_t *ret_due_ms) US_MUST_CHECK;
/* Write step of the clean-up: removes up to max_rows that failed so long ago that nobody will look any more. */
#define US_NOTICE_FAILED_KEPT_MS (INT64_C(30) * 24 * 3600 * 1000)
enum us_code us_notice_clean_up(struct us_cx *cx, int64_t max_rows, int64_t *ret_rows) US_MUST_CHECK;

#endif
