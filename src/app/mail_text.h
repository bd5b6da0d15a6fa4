/*
 * A mail as text (RFC 5322, MIME): addresses that are safe to put into a header or an SMTP command, and the message with its
 * header, subject in encoded words where it must be, HTML as base64. No text of others can end a header line: subjects are
 * encoded, addresses are checked, everything else is ours.
 */
#ifndef USHER_APP_MAIL_TEXT_H
#define USHER_APP_MAIL_TEXT_H

#include "base/buf.h"

#define US_MAIL_ADDRESS_MAX 254 /* RFC 5321 4.5.3.1.3, without the brackets */
#define US_MAIL_LOCAL_MAX 64
#define US_MAIL_TEXT_MAX (4 * 1024 * 1024)

/* local@domain with the letters of RFC 5321's Dot-string and of host names. Quoted local parts, address literals and characters
 * outside ASCII are refused: who may name an address here may name a plain one. */
bool us_mail_address_ok(struct us_str address);
/* The part behind the @ of an address that is ok. */
struct us_str us_mail_domain(struct us_str address);

struct us_mail {
  struct us_str from, to;   /* addresses that are ok */
  struct us_str subject;    /* any text */
  struct us_str html;       /* UTF-8 */
  struct us_str locale;     /* of the text, for Content-Language: letters, digits and hyphens */
  struct us_str message_id; /* left of the @, RFC 5322 dot-atom; the right is the sender's domain */
  int64_t date_ms;
};
/* The same mail gives the same bytes. */
void us_mail_write(const struct us_mail *mail, struct us_buf *out);

#endif
