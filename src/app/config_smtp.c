/* The part of the configuration that is about mails: see config.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/config.h"
#include "app/mail_text.h"
#include "base/mem.h"
#include "domain/account.h"
#include "http/address.h"

#define AT(member) offsetof(struct us_config, smtp.member)
#define TEXT(name_, at, flags_, max_)                                                                                  \
  {                                                                                                                    \
    .name = name_, .kind = US_FIELD_STRING, .offset = at,                                                              \
    .flags = US_FIELD_NOT_EMPTY | US_FIELD_NO_CONTROLS | (flags_), .max = max_                                         \
  }
#define NUMBER(name_, at, min_, max_)                                                                                  \
  { .name = name_, .kind = US_FIELD_INT, .offset = at, .min = min_, .max = max_ }

static const struct us_enum_name tls_names[] = {
    {"none", US_MAIL_PLAIN}, {"starttls", US_MAIL_STARTTLS}, {"tls", US_MAIL_TLS}, {NULL, 0}};
static const struct us_field fields[] = {
    TEXT("host", AT(host), 0, 253),
    NUMBER("port", AT(port), 1, 65535),
    TEXT("user", AT(user), 0, 255),
    TEXT("password", AT(password), US_FIELD_SECRET, 1024),
    {.name = "tls", .kind = US_FIELD_ENUM, .offset = AT(tls), .names = tls_names, .max = 16},
    TEXT("from", AT(from), 0, US_MAIL_ADDRESS_MAX),
    TEXT("ca_file", AT(ca_file), 0, 4096),
    TEXT("mail_attribute", AT(mail_attribute), 0, 255),
    TEXT("templates", AT(templates), 0, 4096),
    NUMBER("timeout_ms", AT(timeout_ms), 100, 10 * 60 * 1000),
    NUMBER("retry_ms", AT(retry_ms), 100, US_MAILER_RETRY_MAX_MS),
    NUMBER("tries", AT(tries), 1, 1000),
};
const struct us_field_table us_config_smtp_table = {
    .size = sizeof(struct us_config), US_FIELDS(fields), .refuse_unknown = true};

void us_config_smtp_defaults(struct us_config *c) {
  c->smtp.tls = US_MAIL_STARTTLS;
  c->smtp.mail_attribute = US_STR("mail");
  c->smtp.timeout_ms = 30000;
  c->smtp.retry_ms = 15000;
  c->smtp.tries = 24; /* about two days */
}

/* The host becomes part of a URL: an address, or letters, digits, dots and hyphens. */
static bool is_host(struct us_str host) {
  struct us_address parsed;
  if (us_address_parse(host, &parsed))
    return true;
  for (size_t i = 0; i < host.n; i++) {
    unsigned char c = (unsigned char)host.p[i];
    bool is_alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
    if (!is_alnum && c != '-' && c != '.')
      return false;
  }
  return host.n > 0 && host.p[0] != '-' && host.p[0] != '.';
}

static enum us_code check_ca_file(struct us_cx *cx, const char *file) {
  FILE *in = file ? fopen(file, "re") : NULL;
  if (in == NULL)
    return us_fail(cx, US_E_INVALID_REQUEST, "smtp.ca_file: %s cannot be read: %s", file ? file : "", strerror(errno));
  fclose(in);
  return US_OK;
}

enum us_code us_config_smtp_check(struct us_cx *cx, const struct us_config *config) {
  const struct us_config_smtp *c = &config->smtp;
  bool is_local = us_str_eq_c(c->host, "localhost") || us_address_is_loopback(c->host);
  if (c->host.p == NULL)
    return US_OK;
  if (!is_host(c->host))
    return us_fail(cx, US_E_INVALID_REQUEST, "smtp.host: must be the name or the address of a mail server");
  if (c->from.p == NULL)
    return us_fail(cx, US_E_INVALID_REQUEST, "smtp.from: is needed: the address that mails come from");
  if (!us_mail_address_ok(c->from))
    return us_fail(cx, US_E_INVALID_REQUEST, "smtp.from: must be a plain address such as usher@example.com");
  if ((c->user.p == NULL) != (c->password.p == NULL))
    return us_fail(cx, US_E_INVALID_REQUEST, "smtp: user and password come together");
  if (c->user.p != NULL && c->tls == US_MAIL_PLAIN && !is_local)
    return us_fail(cx, US_E_INVALID_REQUEST, "smtp.tls: none would carry the password in clear; use starttls or tls");
  if (!us_account_has_attribute(c->mail_attribute))
    return us_fail(cx, US_E_INVALID_REQUEST, "smtp.mail_attribute: accounts have no attribute %.*s",
                   US_STR_ARG(c->mail_attribute));
  return c->ca_file.p != NULL ? check_ca_file(cx, us_str_cdup(cx->mem, c->ca_file)) : US_OK;
}

static uint16_t usual_port(int tls) {
  return tls == US_MAIL_PLAIN ? 25 : tls == US_MAIL_TLS ? 465 : 587;
}

static const char *text(struct us_cx *cx, struct us_str s) {
  return s.p ? us_str_cdup(cx->mem, s) : NULL;
}

enum us_code us_config_smtp_options(struct us_cx *cx, const struct us_config *config,
                                    const struct us_mail_options **ret_options) {
  const struct us_config_smtp *c = &config->smtp;
  *ret_options = NULL;
  if (c->host.p == NULL)
    return US_OK;
  struct us_mail_options *options = US_NEW(cx->mem, struct us_mail_options);
  if (options == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  *options = (struct us_mail_options){
      .server = {.host = text(cx, c->host),
                 .port = c->port ? (uint16_t)c->port : usual_port(c->tls),
                 .tls = c->tls,
                 .user = text(cx, c->user),
                 .password = text(cx, c->password),
                 .ca_file = text(cx, c->ca_file),
                 .from = text(cx, c->from),
                 .timeout_ms = c->timeout_ms},
      .mail_attribute = text(cx, c->mail_attribute),
      .templates = text(cx, c->templates),
      .retry_ms = c->retry_ms,
      .tries = c->tries,
  };
  if (options->server.host == NULL || options->server.from == NULL || options->mail_attribute == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  *ret_options = options;
  return US_OK;
}
