/*
 * Counted strings. Whatever comes from outside is a slice with a length; it becomes a C string only where an
 * interface wants one, and only after us_str_has_nul() said no.
 *
 * A slice does not own its bytes: they live as long as the talloc context (or the constant) they came from.
 * "Absent" is p == NULL; an empty string that was sent has p != NULL and n == 0.
 */
#ifndef USHER_BASE_STR_H
#define USHER_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct us_str {
  const char *p;
  size_t n;
};

/* A list of slices, for example a set of scopes in the order they were given. */
struct us_strs {
  struct us_str *v;
  size_t n;
};

#define US_STR(literal) ((struct us_str){(literal), sizeof(literal) - 1})
#define US_STR_ABSENT ((struct us_str){NULL, 0})
/* For printf("%.*s"). */
#define US_STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""

struct us_str us_str_c(const char *c_string); /* NULL gives an absent slice */
bool us_str_eq(struct us_str a, struct us_str b);
bool us_str_eq_c(struct us_str a, const char *b);
bool us_str_eq_nocase(struct us_str a, struct us_str b); /* ASCII only */
bool us_str_starts(struct us_str s, struct us_str prefix);
bool us_str_is_blank(struct us_str s); /* nothing but spaces, tabs and ends of lines, or nothing at all */
bool us_str_has_nul(struct us_str s);
bool us_str_is_utf8(struct us_str s); /* RFC 3629: no surrogates, no overlong forms */
/* Bytes of the UTF-8 character at the start of s; 0 when there is none or it is not valid. */
size_t us_str_utf8_char(struct us_str s);
struct us_str us_str_dup(void *mem, struct us_str s); /* copy with a NUL behind it; absent stays absent */
const char *us_str_cdup(void *mem, struct us_str s);  /* C string copy; never NULL but when out of memory */
struct us_str us_str_fmt(void *mem, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Splits at each `separator`, skipping empty parts; at most `max` parts (more: false). Parts point into `s`. */
bool us_str_split(void *mem, struct us_str s, char separator, size_t max, struct us_strs *ret_parts);
/* A whole decimal number without sign, blank or surplus; false when not one or above `max`. */
bool us_str_to_u64(struct us_str s, uint64_t max, uint64_t *ret_value);
/* Lower-cases ASCII letters into a copy: the `*_key` form by which names are compared. */
struct us_str us_str_fold(void *mem, struct us_str s);

bool us_strs_has(struct us_strs set, struct us_str s);
/* New sets have v == NULL only when out of memory (an empty result has v != NULL): check it, or us_mem_is_spent() before
 * the result decides anything; "nothing is left over" must not be read out of a failed allocation. */
/* The set without repeats, order kept. */
struct us_strs us_strs_unique(void *mem, struct us_strs set);
struct us_strs us_strs_union(void *mem, struct us_strs a, struct us_strs b);
struct us_strs us_strs_intersect(void *mem, struct us_strs a, struct us_strs b); /* order of a */
struct us_strs us_strs_minus(void *mem, struct us_strs a, struct us_strs b);
bool us_strs_contains_all(struct us_strs set, struct us_strs subset);
/* One string with `separator` between the members. */
struct us_str us_strs_join(void *mem, struct us_strs set, const char *separator);

#endif
