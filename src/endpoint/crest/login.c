/* Cookie and RFC 2047 words: see login.h. */
#include "endpoint/crest/login.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/digest.h"

static const char *secure(const struct us_cx *cx) {
  return cx->svc->secure_cookies ? "; Secure" : "";
}

struct us_str us_login_cookie(struct us_cx *cx, struct us_str token) {
  return us_str_fmt(cx->mem, "%.*s=%.*s; Path=/; HttpOnly; SameSite=Lax%s", US_STR_ARG(cx->svc->cookie_name),
                    US_STR_ARG(token), secure(cx));
}

struct us_str us_login_cookie_removal(struct us_cx *cx) {
  return us_str_fmt(cx->mem, "%.*s=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax%s", US_STR_ARG(cx->svc->cookie_name),
                    secure(cx));
}

/* One encoded word at the front of *rest, decoded behind `out`. UTF-8 and B only: that is what the contract names. */
static bool take_word(struct us_str *rest, char *out, size_t room, size_t *ret_n) {
  static const char head[] = "=?UTF-8?B?";
  size_t head_n = sizeof(head) - 1;
  if (rest->n < head_n || !us_str_eq_nocase((struct us_str){rest->p, head_n}, US_STR("=?UTF-8?B?")))
    return false;
  const char *end = memmem(rest->p + head_n, rest->n - head_n, "?=", 2);
  if (end == NULL)
    return false;
  struct us_str text = {rest->p + head_n, (size_t)(end - rest->p) - head_n};
  if (!us_base64_decode(text, out, room, ret_n))
    return false;
  size_t taken = head_n + text.n + 2;
  *rest = (struct us_str){rest->p + taken, rest->n - taken};
  while (rest->n > 0 && (rest->p[0] == ' ' || rest->p[0] == '\t')) /* blanks between words are not part of the text */
    *rest = (struct us_str){rest->p + 1, rest->n - 1};
  return true;
}

static bool decode_words(struct us_str value, char *out, size_t room, size_t *ret_n) {
  size_t n = 0;
  while (value.n > 0) {
    size_t more = 0;
    if (!take_word(&value, out + n, room - n, &more))
      return false;
    n += more;
  }
  *ret_n = n;
  return true;
}

enum us_code us_login_header_text(struct us_cx *cx, struct us_str value, struct us_str *ret_text) {
  char *out = us_mem_secret(cx->mem, value.n + 1);
  size_t n = 0;
  if (out == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  if (!us_str_starts(value, US_STR("=?")) || !decode_words(value, out, value.n, &n)) {
    if (value.n > 0)
      memcpy(out, value.p, value.n);
    n = value.n;
  }
  out[n] = '\0';
  struct us_str text = {out, n};
  if (!us_str_is_utf8(text) || us_str_has_nul(text))
    text.n = 0;
  *ret_text = text;
  return US_OK;
}
