/*
 * One mail to one SMTP server, by libcurl. The only file that knows curl.
 *
 * What is counted is what the server said: a mail is sent when the server answered the end of its text with 2xx, whatever became of the
 * connection afterwards; nothing else is "sent". Certificates are always checked. Nothing but SMTP is spoken, no proxy of the
 * environment is used, and what the server may answer is bounded in bytes and time.
 */
#ifndef USHER_APP_MAIL_SEND_H
#define USHER_APP_MAIL_SEND_H

#include "base/str.h"

enum us_mail_tls {
  US_MAIL_PLAIN,    /* no TLS: for a server on this machine */
  US_MAIL_STARTTLS, /* plain, then STARTTLS, which is required */
  US_MAIL_TLS       /* TLS from the first byte */
};
struct us_mail_server {
  const char *host; /* name or address */
  uint16_t port;
  int tls;                     /* enum us_mail_tls */
  const char *user, *password; /* NULL: no authentication */
  const char *ca_file;         /* NULL: the system's */
  const char *from;            /* envelope and header; its domain is also what EHLO says */
  int64_t timeout_ms;          /* for the whole transfer */
};

enum us_mail_result {
  US_MAIL_SENT,
  US_MAIL_REFUSED,     /* this mail, for good */
  US_MAIL_LATER,       /* this mail, not now */
  US_MAIL_UNREACHABLE, /* no mail can be handed to the server now */
  US_MAIL_ABANDONED    /* must_stop() said so */
};
#define US_MAIL_REASON_BYTES 256
#define US_MAIL_REPLY_MAX (64 * 1024) /* bytes of all replies of one transfer */

/* Once, before threads start. False: libcurl cannot be used. */
bool us_mail_setup(void);
/* Blocks. `must_stop` is asked about once a second. ret_reason says, printably and without secrets, why it was not sent. */
enum us_mail_result us_mail_send(const struct us_mail_server *server, struct us_str to, struct us_str text,
                                 bool (*must_stop)(void *self), void *self, char ret_reason[US_MAIL_REASON_BYTES]);

#endif
