/* One mail by SMTP: see mail_send.h. */
#include "app/mail_send.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* How far the dialogue is, by the last command that libcurl sent. */
enum stage { BEFORE, MAIL, RCPT, DATA, TEXT };

struct transfer {
  struct us_str text;
  size_t sent;
  bool (*must_stop)(void *self);
  void *self;
  enum stage stage;
  bool has_quit, is_accepted, is_abandoned;
  int reply_code; /* of the latest reply; 0: none, or none since the latest command */
  size_t reply_bytes;
  char reply[160];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_ready;

static void set_up(void) {
  is_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}
bool us_mail_setup(void) {
  pthread_once(&once, set_up);
  return is_ready;
}

/* ---- What libcurl tells ---- */

static size_t give_text(char *out, size_t size, size_t n, void *self) {
  struct transfer *t = self;
  size_t left = t->text.n - t->sent, room = size * n;
  size_t bytes = left < room ? left : room;
  memcpy(out, t->text.p + t->sent, bytes);
  t->sent += bytes;
  return bytes;
}

/* Commands are looked at for their first word only: behind AUTH stands the password. */
static int see_command(CURL *curl, curl_infotype type, char *data, size_t n, void *self) {
  static const struct {
    char word[6];
    enum stage stage;
  } commands[] = {{"MAIL ", MAIL}, {"RCPT ", RCPT}, {"DATA\r", DATA}};
  struct transfer *t = self;
  (void)curl;
  if (type != CURLINFO_HEADER_OUT || n < 5)
    return 0;
  t->has_quit |= memcmp(data, "QUIT\r", 5) == 0;
  for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
    if (memcmp(data, commands[i].word, 5) == 0)
      t->stage = commands[i].stage;
  }
  if (!t->has_quit)
    t->reply_code = 0;
  return 0;
}

static int code_of(const char *line, size_t n) {
  if (n < 3)
    return 0;
  for (int i = 0; i < 3; i++) {
    if (line[i] < '0' || line[i] > '9')
      return 0;
  }
  return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

/* Printable ASCII; the rest becomes a question mark. */
static void keep_printable(char *out, size_t room, const char *in, size_t n) {
  size_t k = 0;
  for (size_t i = 0; i < n && k + 1 < room && in[i] != '\r' && in[i] != '\n' && in[i] != '\0'; i++)
    out[k++] = (char)(in[i] >= 0x20 && in[i] < 0x7f ? in[i] : '?');
  out[k] = '\0';
}

/* A line of a reply. Another number of bytes than was given ends the transfer. */
static size_t see_reply(char *line, size_t size, size_t n, void *self) {
  struct transfer *t = self;
  n *= size;
  t->reply_bytes += n;
  if (t->reply_bytes > US_MAIL_REPLY_MAX)
    return 0;
  int code = code_of(line, n);
  if (code == 0 || t->is_accepted || t->has_quit)
    return n;
  t->reply_code = code;
  keep_printable(t->reply, sizeof(t->reply), line, n);
  if (t->stage == TEXT && code / 100 == 2)
    t->is_accepted = true;
  if (t->stage == DATA && code == 354)
    t->stage = TEXT;
  return n;
}

static size_t drop_body(char *bytes, size_t size, size_t n, void *self) {
  (void)bytes;
  (void)self;
  return size * n;
}

/* Non-zero ends the transfer. Nobody waits for what the server says to QUIT. */
static int see_progress(void *self, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d) {
  struct transfer *t = self;
  (void)a;
  (void)b;
  (void)c;
  (void)d;
  if (t->is_accepted || t->has_quit)
    return t->has_quit;
  t->is_abandoned = t->is_abandoned || t->must_stop(t->self);
  return t->is_abandoned;
}

/* ---- What libcurl is told ---- */

static bool is_v6(const char *host) {
  return strchr(host, ':') != NULL;
}

static void set_security(CURL *curl, const struct us_mail_server *s) {
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "smtps");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* not that of the environment either */
  curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
  curl_easy_setopt(curl, CURLOPT_USE_SSL, s->tls == US_MAIL_STARTTLS ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_NONE);
  curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
  if (s->ca_file != NULL) {
    curl_easy_setopt(curl, CURLOPT_CAINFO, s->ca_file);
    curl_easy_setopt(curl, CURLOPT_CAPATH, NULL); /* it alone */
  }
  if (s->user != NULL) {
    curl_easy_setopt(curl, CURLOPT_USERNAME, s->user);
    curl_easy_setopt(curl, CURLOPT_PASSWORD, s->password);
    curl_easy_setopt(curl, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN");
  }
}

static void set_limits(CURL *curl, const struct us_mail_server *s) {
  long ms = (long)s->timeout_ms;
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, ms);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, ms);
  curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, ms / 1000 + 1);
  /* A connection a mail: closed by this handle, whose limits then hold for QUIT too. */
  curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
}

static void set_callbacks(CURL *curl, struct transfer *t) {
  curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)t->text.n);
  curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_text);
  curl_easy_setopt(curl, CURLOPT_READDATA, t);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop_body);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, see_reply);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, t);
  curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, see_command);
  curl_easy_setopt(curl, CURLOPT_DEBUGDATA, t);
  curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L); /* calls see_command; nothing is printed */
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, see_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
}

/* ---- What came of it ---- */

/* Refusals for want of authentication or encryption (RFC 4954 section 6, RFC 3207 4): ours to mend, not the mail's fault. */
static bool is_about_us(int code) {
  return code == 530 || code == 534 || code == 535 || code == 538;
}

static enum us_mail_result judge(const struct transfer *t) {
  if (t->is_accepted)
    return US_MAIL_SENT;
  if (t->is_abandoned)
    return US_MAIL_ABANDONED;
  if (t->stage < RCPT || t->reply_code == 421 || is_about_us(t->reply_code))
    return US_MAIL_UNREACHABLE;
  return t->reply_code / 100 == 5 ? US_MAIL_REFUSED : US_MAIL_LATER;
}

static void write_reason(const struct transfer *t, const char *curl_says, char *ret_reason) {
  static const char *const stages[] = {"before MAIL", "MAIL", "RCPT", "DATA", "end of text"};
  const char *said = t->reply_code >= 400 ? t->reply : curl_says;
  char clean[US_MAIL_REASON_BYTES - 32];
  keep_printable(clean, sizeof(clean), said, strlen(said));
  snprintf(ret_reason, US_MAIL_REASON_BYTES, "%s: %s", stages[t->stage], clean);
}

static CURLcode perform(CURL *curl, const struct us_mail_server *s, const char *to, struct transfer *t) {
  char url[768];
  const char *left = is_v6(s->host) ? "[" : "", *right = is_v6(s->host) ? "]" : "";
  int n = snprintf(url, sizeof(url), "%s://%s%s%s:%u/%s", s->tls == US_MAIL_TLS ? "smtps" : "smtp", left, s->host,
                   right, s->port, strchr(s->from, '@') + 1);
  struct curl_slist *recipients = curl_slist_append(NULL, to);
  if (n < 0 || (size_t)n >= sizeof(url) || recipients == NULL) {
    curl_slist_free_all(recipients);
    return CURLE_OUT_OF_MEMORY;
  }
  curl_easy_setopt(curl, CURLOPT_URL, url);
  curl_easy_setopt(curl, CURLOPT_MAIL_FROM, s->from);
  curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients);
  set_security(curl, s);
  set_limits(curl, s);
  set_callbacks(curl, t);
  CURLcode code = curl_easy_perform(curl);
  curl_slist_free_all(recipients);
  return code;
}

enum us_mail_result us_mail_send(const struct us_mail_server *server, struct us_str to, struct us_str text,
                                 bool (*must_stop)(void *self), void *self, char ret_reason[US_MAIL_REASON_BYTES]) {
  struct transfer t = {.text = text, .must_stop = must_stop, .self = self};
  char address[320], says[CURL_ERROR_SIZE] = "";
  CURL *curl = curl_easy_init();
  CURLcode code = CURLE_OUT_OF_MEMORY;
  ret_reason[0] = '\0';
  if (curl != NULL && to.n < sizeof(address)) {
    snprintf(address, sizeof(address), "%.*s", US_STR_ARG(to));
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, says);
    code = perform(curl, server, address, &t);
  }
  curl_easy_cleanup(curl);
  enum us_mail_result result = judge(&t);
  if (result != US_MAIL_SENT)
    write_reason(&t, says[0] ? says : curl_easy_strerror(code), ret_reason);
  return result;
}
