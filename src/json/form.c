/*
 * Percent-encoding, and form bodies and query strings taken apart (RFC 6749 appendix B, RFC 3986 2.1; HT-21). Decoding is
 * strict and happens once. On the hot paths: one allocation holds all decoded bytes, one the list of pairs, and runs
 * without a '%' or '+' are copied whole.
 */
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "json/field.h"
#include "json/field_in.h"

static int us_hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes into `out` (room for in.n bytes and a NUL) and returns the length, or SIZE_MAX for what strict decoding
 * refuses: an incomplete or wrong pair, NUL, invalid UTF-8. */
static size_t us_percent_decode_into(struct us_str in, bool plus_is_blank, char *out) {
  size_t n = 0, at = 0;
  while (at < in.n) {
    size_t start = at;
    while (at < in.n && in.p[at] != '%' && !(plus_is_blank && in.p[at] == '+'))
      at++;
    memcpy(out + n, in.p + start, at - start);
    n += at - start;
    if (at == in.n)
      break;
    if (in.p[at] == '+') {
      out[n++] = ' ';
      at++;
      continue;
    }
    int high = in.n - at >= 3 ? us_hex_digit(in.p[at + 1]) : -1;
    int low = high >= 0 ? us_hex_digit(in.p[at + 2]) : -1;
    if (low < 0)
      return SIZE_MAX;
    out[n++] = (char)(high << 4 | low);
    at += 3;
  }
  out[n] = '\0';
  struct us_str decoded = {out, n};
  return us_str_has_nul(decoded) || !us_str_is_utf8(decoded) ? SIZE_MAX : n;
}

bool us_percent_decode(void *mem, struct us_str in, bool plus_is_blank, struct us_str *ret_out) {
  char *out = us_mem_alloc(mem, in.n + 1);
  if (!out)
    return false;
  size_t n = us_percent_decode_into(in, plus_is_blank, out);
  if (n == SIZE_MAX)
    return false;
  *ret_out = (struct us_str){out, n};
  return true;
}

static bool us_is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

struct us_str us_percent_encode(void *mem, struct us_str in) {
  static const char hex[] = "0123456789ABCDEF";
  size_t n = in.n;
  for (size_t i = 0; i < in.n; i++)
    n += us_is_unreserved(in.p[i]) ? 0 : 2;
  char *out = us_mem_alloc(mem, n + 1);
  if (!out)
    return US_STR_ABSENT;
  char *at = out;
  for (size_t i = 0; i < in.n; i++) {
    if (us_is_unreserved(in.p[i])) {
      *at++ = in.p[i];
      continue;
    }
    *at++ = '%';
    *at++ = hex[(unsigned char)in.p[i] >> 4];
    *at++ = hex[(unsigned char)in.p[i] & 15];
  }
  *at = '\0';
  return (struct us_str){out, n};
}

/* The piece up to the next '&', not empty; false at the end. */
static bool us_form_next(struct us_str *rest, struct us_str *ret_piece) {
  while (rest->n > 0) {
    const char *end = memchr(rest->p, '&', rest->n);
    size_t n = end ? (size_t)(end - rest->p) : rest->n;
    *ret_piece = (struct us_str){rest->p, n};
    size_t step = end ? n + 1 : n;
    rest->p += step;
    rest->n -= step;
    if (n > 0)
      return true;
  }
  return false;
}

/* The copied bytes of one name or value; *out moves on. */
static bool us_form_decode(struct us_str in, char **out, struct us_str *ret_decoded) {
  size_t n = us_percent_decode_into(in, true, *out);
  if (n == SIZE_MAX)
    return false;
  *ret_decoded = (struct us_str){*out, n};
  *out += n + 1;
  return true;
}

static enum us_code us_form_add(struct us_cx *cx, struct us_str piece, char **out, struct us_params *params) {
  const char *equals = memchr(piece.p, '=', piece.n);
  struct us_str name = {piece.p, equals ? (size_t)(equals - piece.p) : piece.n};
  struct us_str value = {equals ? equals + 1 : piece.p + piece.n, equals ? piece.n - name.n - 1 : 0};
  struct us_param param;
  if (!us_form_decode(name, out, &param.name) || !us_form_decode(value, out, &param.value))
    return us_fail(cx, US_E_INVALID_REQUEST, "The request parameters are not correctly encoded");
  params->v[params->n++] = param;
  return US_OK;
}

enum us_code us_params_unique(struct us_cx *cx, const struct us_params *params) {
  char text[US_FIELD_QUOTE_BYTES];
  for (size_t i = 0; i < params->n; i++)
    for (size_t k = 0; k < i; k++)
      if (us_str_eq(params->v[i].name, params->v[k].name))
        return us_fail(cx, US_E_INVALID_REQUEST,
                       "Multiple values provided for the single-valued request parameter '%s'",
                       us_field_quote(params->v[i].name, text));
  return US_OK;
}

enum us_code us_form_parse(struct us_cx *cx, struct us_str text, struct us_params *ret_params) {
  struct us_params params;
  US_TRY(us_form_parse_repeats(cx, text, &params));
  US_TRY(us_params_unique(cx, &params));
  *ret_params = params;
  return US_OK;
}

enum us_code us_form_parse_repeats(struct us_cx *cx, struct us_str text, struct us_params *ret_params) {
  struct us_str piece, rest = text;
  size_t count = 0;
  while (us_form_next(&rest, &piece))
    if (++count > US_FORM_MAX_PARAMS)
      return us_fail(cx, US_E_INVALID_REQUEST, "More than %d request parameters", US_FORM_MAX_PARAMS);
  struct us_params params = {us_mem_alloc(cx->mem, count * sizeof(struct us_param)), 0};
  /* Decoding never makes longer; the sum has room for two NULs a pair. Wiped: forms carry passwords and tokens. */
  char *out = us_mem_secret(cx->mem, text.n + 2 * count + 1);
  if (!params.v || !out)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  rest = text;
  while (us_form_next(&rest, &piece))
    US_TRY(us_form_add(cx, piece, &out, &params));
  *ret_params = params;
  return US_OK;
}

struct us_str us_params_get(const struct us_params *params, const char *name) {
  struct us_str wanted = us_str_c(name);
  for (size_t i = 0; i < params->n; i++)
    if (us_str_eq(params->v[i].name, wanted))
      return params->v[i].value;
  return US_STR_ABSENT;
}

struct us_str us_params_get_nocase(const struct us_params *params, const char *name) {
  struct us_str wanted = us_str_c(name);
  for (size_t i = 0; i < params->n; i++)
    if (us_str_eq_nocase(params->v[i].name, wanted))
      return params->v[i].value;
  return US_STR_ABSENT;
}
