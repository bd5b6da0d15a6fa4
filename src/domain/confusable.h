/*
 * User names that look like others (setting warnOnConfusableUsernames): letters of other scripts that are drawn like Latin ones, wide
 * letters and digits, and characters that are not drawn at all. The pairs are those of Unicode Technical Standard 39 for Cyrillic,
 * Greek, Armenian and the Latin extensions; it is a warning for people who share, never a rule.
 */
#ifndef USHER_DOMAIN_CONFUSABLE_H
#define USHER_DOMAIN_CONFUSABLE_H

#include "base/str.h"

/* The ASCII text that a name looks like, when it is not that text; absent when it looks like no other, or when out of memory. A name with
 * a character that resembles no Latin one looks like what it is. */
struct us_str us_name_looks_like(void *mem, struct us_str name);

#endif
