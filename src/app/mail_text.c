/* A mail as text: see mail_text.h. */
#include "app/mail_text.h"

#include <string.h>
#include <time.h>

#include "crypto/digest.h"

/* ---- Addresses ---- */

static bool is_alnum(unsigned char c) {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* Parts of `allowed` characters and letters with dots between, none empty. */
static bool is_dotted(struct us_str s, const char *allowed, size_t part_max) {
  size_t part = 0;
  for (size_t i = 0; i < s.n; i++) {
    unsigned char c = (unsigned char)s.p[i];
    if (c == '.') {
      if (part == 0)
        return false;
      part = 0;
    } else if ((!is_alnum(c) && (c == '\0' || strchr(allowed, c) == NULL)) || ++part > part_max) {
      return false;
    }
  }
  return part > 0;
}

/* No part of a domain begins or ends with a hyphen. */
static bool has_bare_hyphen(struct us_str domain) {
  for (size_t i = 0; i < domain.n; i++) {
    bool begins = i == 0 || domain.p[i - 1] == '.', ends = i + 1 == domain.n || domain.p[i + 1] == '.';
    if (domain.p[i] == '-' && (begins || ends))
      return true;
  }
  return false;
}

bool us_mail_address_ok(struct us_str address) {
  const char *at = address.n > 0 && address.n <= US_MAIL_ADDRESS_MAX ? memchr(address.p, '@', address.n) : NULL;
  if (at == NULL)
    return false;
  struct us_str local = {address.p, (size_t)(at - address.p)}, domain = us_mail_domain(address);
  return is_dotted(local, "!#$%&'*+-/=?^_`{|}~", US_MAIL_LOCAL_MAX) && local.n <= US_MAIL_LOCAL_MAX &&
         is_dotted(domain, "-", 63) && !has_bare_hyphen(domain);
}

struct us_str us_mail_domain(struct us_str address) {
  const char *at = memchr(address.p, '@', address.n);
  size_t local = at ? (size_t)(at - address.p) + 1 : address.n;
  return (struct us_str){address.p + local, address.n - local};
}

/* ---- Base64 (RFC 4648 section 4) ---- */

#define US_LINE_BYTES 57 /* 76 characters, RFC 2045 6.8 */

/* At most US_LINE_BYTES. */
static void add_base64(struct us_buf *out, const char *bytes, size_t n) {
  char text[4 * ((US_LINE_BYTES + 2) / 3) + 1];
  size_t length = us_base64url_encode(bytes, n, text);
  for (size_t i = 0; i < length; i++)
    text[i] = (char)(text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i]);
  us_buf_add(out, text, length);
  us_buf_add(out, "==", (3 - n % 3) % 3);
}

/* ---- Subject (RFC 2047) ---- */

/* "Subject: " and one encoded word fit into 76 characters, and so do the words behind it. */
#define US_WORD_BYTES 39
#define US_PLAIN_SUBJECT_MAX 60

static bool is_plain(struct us_str subject) {
  if (subject.n > US_PLAIN_SUBJECT_MAX)
    return false;
  for (size_t i = 0; i < subject.n; i++) {
    unsigned char c = (unsigned char)subject.p[i];
    if (c < 0x20 || c > 0x7e || (c == '=' && i + 1 < subject.n && subject.p[i + 1] == '?'))
      return false;
  }
  return true;
}

/* A character of the subject; control characters become blanks, what is no UTF-8 a question mark. */
static struct us_str next_character(struct us_str rest, size_t *ret_taken) {
  size_t n = us_str_utf8_char(rest);
  *ret_taken = n > 0 ? n : 1;
  if (n == 0)
    return US_STR("?");
  if ((unsigned char)rest.p[0] < 0x20 || rest.p[0] == 0x7f)
    return US_STR(" ");
  return (struct us_str){rest.p, n};
}

static void end_word(struct us_buf *out, const char *word, size_t n, bool is_first) {
  us_buf_add_c(out, is_first ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
  add_base64(out, word, n);
  us_buf_add_c(out, "?=");
}

/* No character is divided between two words. */
static void add_subject(struct us_buf *out, struct us_str subject) {
  char word[US_WORD_BYTES];
  size_t n = 0, taken = 0;
  bool is_first = true;
  if (is_plain(subject)) {
    us_buf_add_str(out, subject);
    return;
  }
  for (; subject.n > 0; subject = (struct us_str){subject.p + taken, subject.n - taken}) {
    struct us_str c = next_character(subject, &taken);
    if (n + c.n > sizeof(word)) {
      end_word(out, word, n, is_first);
      is_first = false;
      n = 0;
    }
    memcpy(word + n, c.p, c.n);
    n += c.n;
  }
  end_word(out, word, n, is_first);
}

/* ---- Message ---- */

/* "Sat, 03 May 2031 08:00:00 +0000" (RFC 5322 3.3), in English whatever the machine speaks. */
static void add_date(struct us_buf *out, int64_t ms) {
  static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  time_t s = (time_t)(ms / 1000);
  struct tm t = {0};
  gmtime_r(&s, &t);
  us_buf_addf(out, "%s, %02d %s %d %02d:%02d:%02d +0000", days[t.tm_wday], t.tm_mday, months[t.tm_mon],
              1900 + t.tm_year, t.tm_hour, t.tm_min, t.tm_sec);
}

static void add_header(struct us_buf *out, const char *name, struct us_str value) {
  us_buf_addf(out, "%s: %.*s\r\n", name, US_STR_ARG(value));
}

void us_mail_write(const struct us_mail *mail, struct us_buf *out) {
  us_buf_add_c(out, "Date: ");
  add_date(out, mail->date_ms);
  us_buf_add_c(out, "\r\n");
  add_header(out, "From", mail->from);
  add_header(out, "To", mail->to);
  us_buf_add_c(out, "Subject: ");
  add_subject(out, mail->subject);
  us_buf_addf(out, "\r\nMessage-ID: <%.*s@%.*s>\r\n", US_STR_ARG(mail->message_id),
              US_STR_ARG(us_mail_domain(mail->from)));
  us_buf_add_c(out, "Auto-Submitted: auto-generated\r\n"); /* RFC 3834: nobody's holiday notice is wanted */
  us_buf_add_c(out, "MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n"
                    "Content-Transfer-Encoding: base64\r\n");
  add_header(out, "Content-Language", mail->locale);
  us_buf_add_c(out, "\r\n");
  for (size_t i = 0; i < mail->html.n; i += US_LINE_BYTES) {
    size_t n = mail->html.n - i < US_LINE_BYTES ? mail->html.n - i : US_LINE_BYTES;
    add_base64(out, mail->html.p + i, n);
    us_buf_add_c(out, "\r\n");
  }
}
