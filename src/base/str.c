/*
 * Counted strings and small sets of them. Sets are searched in a line: they hold scopes and labels, at most a few
 * hundred members, and comparing lengths first makes that cheaper than hashing.
 */
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

struct us_str us_str_c(const char *c_string) {
  return c_string ? (struct us_str){c_string, strlen(c_string)} : US_STR_ABSENT;
}

bool us_str_eq(struct us_str a, struct us_str b) {
  return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool us_str_eq_c(struct us_str a, const char *b) {
  return us_str_eq(a, us_str_c(b));
}

static unsigned char us_ascii_lower(char c) {
  return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

bool us_str_eq_nocase(struct us_str a, struct us_str b) {
  if (a.n != b.n)
    return false;
  for (size_t i = 0; i < a.n; i++)
    if (us_ascii_lower(a.p[i]) != us_ascii_lower(b.p[i]))
      return false;
  return true;
}

bool us_str_starts(struct us_str s, struct us_str prefix) {
  return s.n >= prefix.n && us_str_eq((struct us_str){s.p, prefix.n}, prefix);
}

bool us_str_is_blank(struct us_str s) {
  for (size_t i = 0; i < s.n; i++) {
    if (s.p[i] != ' ' && s.p[i] != '\t' && s.p[i] != '\r' && s.p[i] != '\n')
      return false;
  }
  return true;
}

bool us_str_has_nul(struct us_str s) {
  return s.n > 0 && memchr(s.p, '\0', s.n) != NULL;
}

/* Length of the valid UTF-8 character at p, 0 when there is none. The narrowed range of the second byte is what refuses
 * overlong forms, surrogates and numbers above U+10FFFF (RFC 3629 4). */
static size_t us_utf8_length(const unsigned char *p, size_t n) {
  unsigned char low = 0x80, high = 0xBF;
  size_t length;
  if (p[0] < 0x80)
    return 1;
  if (p[0] >= 0xC2 && p[0] <= 0xDF)
    length = 2;
  else if (p[0] >= 0xE0 && p[0] <= 0xEF) {
    length = 3;
    low = p[0] == 0xE0 ? 0xA0 : low;
    high = p[0] == 0xED ? 0x9F : high;
  } else if (p[0] >= 0xF0 && p[0] <= 0xF4) {
    length = 4;
    low = p[0] == 0xF0 ? 0x90 : low;
    high = p[0] == 0xF4 ? 0x8F : high;
  } else
    return 0;
  if (n < length || p[1] < low || p[1] > high)
    return 0;
  for (size_t i = 2; i < length; i++)
    if ((p[i] & 0xC0) != 0x80)
      return 0;
  return length;
}

size_t us_str_utf8_char(struct us_str s) {
  return s.n == 0 ? 0 : us_utf8_length((const unsigned char *)s.p, s.n);
}

bool us_str_is_utf8(struct us_str s) {
  size_t at = 0;
  while (at < s.n) {
    /* Almost everything is ASCII: eight bytes a step. */
    uint64_t eight;
    if (s.n - at >= sizeof eight) {
      memcpy(&eight, s.p + at, sizeof eight);
      if (!(eight & UINT64_C(0x8080808080808080))) {
        at += sizeof eight;
        continue;
      }
    }
    size_t length = us_utf8_length((const unsigned char *)s.p + at, s.n - at);
    if (length == 0)
      return false;
    at += length;
  }
  return true;
}

struct us_str us_str_dup(void *mem, struct us_str s) {
  if (!s.p)
    return US_STR_ABSENT;
  char *copy = us_mem_alloc(mem, s.n + 1);
  if (!copy)
    return US_STR_ABSENT;
  memcpy(copy, s.p, s.n);
  copy[s.n] = '\0';
  return (struct us_str){copy, s.n};
}

const char *us_str_cdup(void *mem, struct us_str s) {
  if (!s.p)
    s = US_STR("");
  return us_str_dup(mem, s).p;
}

struct us_str us_str_fmt(void *mem, const char *format, ...) {
  /* Most texts fit the stack buffer; a longer one is formatted a second time, into its own memory. */
  char text[256];
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int n = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  struct us_str result = US_STR_ABSENT;
  if (n >= 0 && (size_t)n < sizeof text)
    result = us_str_dup(mem, (struct us_str){text, (size_t)n});
  else if (n >= 0) {
    char *copy = us_mem_alloc(mem, (size_t)n + 1);
    if (copy) {
      vsnprintf(copy, (size_t)n + 1, format, again);
      result = (struct us_str){copy, (size_t)n};
    }
  }
  va_end(again);
  return result;
}

/* The next part of *rest that is not empty; false at the end. */
static bool us_str_next_part(struct us_str *rest, char separator, struct us_str *ret_part) {
  while (rest->n > 0 && rest->p[0] == separator) {
    rest->p++;
    rest->n--;
  }
  if (rest->n == 0)
    return false;
  const char *end = memchr(rest->p, separator, rest->n);
  size_t n = end ? (size_t)(end - rest->p) : rest->n;
  *ret_part = (struct us_str){rest->p, n};
  rest->p += n;
  rest->n -= n;
  return true;
}

bool us_str_split(void *mem, struct us_str s, char separator, size_t max, struct us_strs *ret_parts) {
  struct us_str part, rest = s;
  size_t count = 0;
  while (us_str_next_part(&rest, separator, &part))
    if (++count > max)
      return false;
  struct us_strs parts = {us_mem_array(mem, count, sizeof(struct us_str)), 0};
  if (!parts.v)
    return false;
  rest = s;
  while (us_str_next_part(&rest, separator, &part))
    parts.v[parts.n++] = part;
  *ret_parts = parts;
  return true;
}

bool us_str_to_u64(struct us_str s, uint64_t max, uint64_t *ret_value) {
  uint64_t value = 0;
  if (s.n == 0)
    return false;
  for (size_t i = 0; i < s.n; i++) {
    if (s.p[i] < '0' || s.p[i] > '9')
      return false;
    if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
        __builtin_add_overflow(value, (uint64_t)(s.p[i] - '0'), &value))
      return false;
  }
  if (value > max)
    return false;
  *ret_value = value;
  return true;
}

struct us_str us_str_fold(void *mem, struct us_str s) {
  struct us_str folded = us_str_dup(mem, s);
  char *p = (char *)(uintptr_t)folded.p;
  for (size_t i = 0; i < folded.n; i++)
    p[i] = (char)us_ascii_lower(p[i]);
  return folded;
}

bool us_strs_has(struct us_strs set, struct us_str s) {
  for (size_t i = 0; i < set.n; i++)
    if (us_str_eq(set.v[i], s))
      return true;
  return false;
}

/* An empty list with room for `max` members; its v is NULL only when out of memory. */
static struct us_strs us_strs_room(void *mem, size_t max) {
  return (struct us_strs){us_mem_array(mem, max, sizeof(struct us_str)), 0};
}

static void us_strs_add_new(struct us_strs *set, struct us_str s) {
  if (!us_strs_has(*set, s))
    set->v[set->n++] = s;
}

struct us_strs us_strs_unique(void *mem, struct us_strs set) {
  struct us_strs result = us_strs_room(mem, set.n);
  for (size_t i = 0; result.v && i < set.n; i++)
    us_strs_add_new(&result, set.v[i]);
  return result;
}

struct us_strs us_strs_union(void *mem, struct us_strs a, struct us_strs b) {
  struct us_strs result = us_strs_room(mem, a.n + b.n);
  for (size_t i = 0; result.v && i < a.n; i++)
    us_strs_add_new(&result, a.v[i]);
  for (size_t i = 0; result.v && i < b.n; i++)
    us_strs_add_new(&result, b.v[i]);
  return result;
}

/* The members of `a`, each once, of which `b` has (or has not) a copy. */
static struct us_strs us_strs_filter(void *mem, struct us_strs a, struct us_strs b, bool wanted) {
  struct us_strs result = us_strs_room(mem, a.n);
  for (size_t i = 0; result.v && i < a.n; i++)
    if (us_strs_has(b, a.v[i]) == wanted)
      us_strs_add_new(&result, a.v[i]);
  return result;
}

struct us_strs us_strs_intersect(void *mem, struct us_strs a, struct us_strs b) {
  return us_strs_filter(mem, a, b, true);
}

struct us_strs us_strs_minus(void *mem, struct us_strs a, struct us_strs b) {
  return us_strs_filter(mem, a, b, false);
}

bool us_strs_contains_all(struct us_strs set, struct us_strs subset) {
  for (size_t i = 0; i < subset.n; i++)
    if (!us_strs_has(set, subset.v[i]))
      return false;
  return true;
}

struct us_str us_strs_join(void *mem, struct us_strs set, const char *separator) {
  size_t separator_n = strlen(separator);
  size_t n = set.n ? (set.n - 1) * separator_n : 0;
  for (size_t i = 0; i < set.n; i++)
    n += set.v[i].n;
  char *text = us_mem_alloc(mem, n + 1);
  if (!text)
    return US_STR_ABSENT;
  char *at = text;
  for (size_t i = 0; i < set.n; i++) {
    if (i > 0)
      at = mempcpy(at, separator, separator_n);
    if (set.v[i].n)
      at = mempcpy(at, set.v[i].p, set.v[i].n);
  }
  *at = '\0';
  return (struct us_str){text, n};
}
