/*
 * Sends what stands in the outbox (domain/notice.h): one thread that claims a row by a write step, hands the mail to the SMTP
 * server outside of any transaction, and settles the row in its next step, together with the next claim.
 *
 *   wait -> step: settle what was tried, claim what is due -> compose, send -> step ...
 *
 * - A mail that the server accepted is settled before anything else is claimed, as often as it takes. Only a process that dies
 *   between the server's answer and that commit leaves a row behind that was sent: it comes back when its claim runs out (or when a
 *   process with the same node number starts) and is sent a second time, under the same Message-ID and with the same text, so
 *   that the receiver can drop it (docs/adr/0014). The other way round a mail could be lost.
 * - A claim lasts longer than any transfer may; that of a dead process is due again when it ends.
 * - A server that cannot be reached makes the mailer pause, whatever else is due, so that a long queue does not turn into a storm.
 * - A row is tried with growing pauses, and kept as failed after the last try or when the server refuses this very mail for good.
 */
#ifndef USHER_APP_MAILER_H
#define USHER_APP_MAILER_H

#include "app/mail_send.h"
#include "domain/services.h"
#include "store/writer.h"

#define US_MAILER_RETRY_MAX_MS (4 * 3600 * 1000) /* pauses between tries of a mail double up to this */
#define US_MAILER_PAUSE_MS 1000                  /* the server is not to be had: pauses double from this */
#define US_MAILER_PAUSE_MAX_MS 60000
#define US_MAILER_LOOK_MS 5000          /* how often to look without being told: for what other processes left */
#define US_MAILER_CLAIM_MARGIN_MS 10000 /* a claim outlives the longest transfer by this */

struct us_mail_options {
  struct us_mail_server server;
  const char *mail_attribute; /* of the profile: whose value is the address */
  const char *templates;      /* a folder; NULL: only the built-in ones */
  int64_t retry_ms;           /* pause before the second try */
  int64_t tries;
};

struct us_mailer;
/* Before threads start: reads the templates and switches svc->sends_mail on. Copies the options. */
enum us_code us_mailer_new(struct us_cx *cx, const struct us_mail_options *options, struct us_services *svc,
                           struct us_mailer **ret_mailer) US_MUST_CHECK;
/* False: no thread to be had. */
bool us_mailer_start(struct us_mailer *mailer, struct us_writer *writer, uint16_t node);
/* On the writer's thread, after each batch: wakes the mailer when a notice was written. Accepts NULL. */
void us_mailer_look(struct us_mailer *mailer);
/* Claims nothing more. A running transfer may go on for grace_ms, then it is abandoned. Does not wait; accepts NULL. */
void us_mailer_end(struct us_mailer *mailer, int64_t grace_ms);
/* Waits for the thread; the writer must still be there. Accepts NULL. */
void us_mailer_join(struct us_mailer *mailer);
void us_mailer_free(struct us_mailer *mailer); /* after the writer, which calls us_mailer_look(); accepts NULL */

#endif
