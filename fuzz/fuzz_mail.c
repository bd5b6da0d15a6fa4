/*
 * What people wrote, on its way into a mail. An address that is taken has nothing in it that SMTP or a header would read as
 * more; whatever the subject, the header has its ten lines; whatever the argument, no tag comes of it; and a template file is
 * taken or refused.
 */
#include <string.h>

#include "app/mail_text.h"
#include "base/mem.h"
#include "crypto/digest.h"
#include "domain/notice.h"
#include "domain/template.h"
#include "fuzz.h"

#define BYTES_MAX (64u * 1024 * 1024)
#define HEADERS 10

static void check_address(struct us_str address) {
  size_t ats = 0;
  if (!us_mail_address_ok(address))
    return;
  for (size_t i = 0; i < address.n; i++) {
    unsigned char c = (unsigned char)address.p[i];
    if (c <= 0x20 || c >= 0x7f || strchr("<>()[]\\,;:\"", c) != NULL)
      abort();
    ats += c == '@';
  }
  if (ats != 1 || address.n > US_MAIL_ADDRESS_MAX)
    abort();
}

/* Lines end in CR LF and hold nothing but printable ASCII; up to the empty one there are as many headers as there should be. */
static void check_message(struct us_str text) {
  size_t headers = 0, start = 0;
  bool is_head = true;
  for (size_t i = 0; i < text.n; i++) {
    unsigned char c = (unsigned char)text.p[i];
    if (c >= 0x20 && c < 0x7f)
      continue;
    if (c != '\r' || i + 1 == text.n || text.p[i + 1] != '\n' || i - start > 78)
      abort();
    if (i == start)
      is_head = false;
    else if (is_head)
      headers += text.p[start] != ' ';
    else if (i - start > 76)
      abort();
    start = ++i + 1;
  }
  if (is_head || headers != HEADERS || start != text.n)
    abort();
}

static void check_mail(struct us_str any) {
  struct us_buf out;
  struct us_mail mail = {
      .from = US_STR("usher@as.example.net"),
      .to = US_STR("alice@example.com"),
      .subject = any,
      .html = any,
      .locale = US_STR("en"),
      .message_id = US_STR("usher.x"),
      .date_ms = INT64_C(1935600000000),
  };
  us_buf_init(&out, BYTES_MAX);
  us_mail_write(&mail, &out);
  if (us_buf_ok(&out))
    check_message(us_buf_str(&out));
  us_buf_done(&out);
}

static void check_argument(const struct us_templates *templates, struct us_str any) {
  struct us_template template = *us_templates_find(templates, US_NOTICE_PENDING_CREATED, NULL, 0);
  struct us_template_arguments arguments = {.v = {any, any, any, any, any}, .link = any};
  struct us_buf out;
  us_buf_init(&out, BYTES_MAX);
  template.html = US_STR("{0}{1}{2}{3}{4}{link}");
  us_template_expand(&template, &arguments, &out);
  struct us_str text = us_buf_str(&out);
  for (size_t i = 0; i < text.n; i++) {
    if (text.p[i] == '<' || text.p[i] == '>' || text.p[i] == '"' || text.p[i] == '\'')
      abort();
  }
  us_buf_done(&out);
}

static void check_file(struct us_templates *templates, struct us_str any) {
  struct us_cx cx = {.mem = us_mem_root_new(0, BYTES_MAX)};
  struct us_str locale = US_STR("xx");
  struct us_template_arguments arguments = {.v = {any}, .link = any};
  struct us_buf out;
  fuzz_must(cx.mem != NULL);
  us_buf_init(&out, BYTES_MAX);
  if (us_templates_add(&cx, templates, US_STR("UmaPendingRequestCreationEmail.xx.html"), any) == US_OK)
    us_template_expand(us_templates_find(templates, US_NOTICE_PENDING_CREATED, &locale, 1), &arguments, &out);
  enum us_code named = us_templates_add(&cx, templates, any, US_STR("Subject: s\n\nx"));
  fuzz_must(named == US_OK || named == US_E_INVALID_REQUEST);
  us_buf_done(&out);
  us_mem_free(cx.mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct us_str any = {(const char *)data, size};
  struct us_templates *templates = us_templates_new();
  if (us_crypto_setup() != 0 || templates == NULL)
    abort();
  check_address(any);
  check_mail(any);
  check_argument(templates, any);
  check_file(templates, any);
  us_templates_free(templates);
  return 0;
}
