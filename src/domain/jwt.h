/* Members of a verified JWT that all kinds have (RFC 7519 4.1): read strictly, so that a wrong type never reads as "not there". */
#ifndef USHER_DOMAIN_JWT_H
#define USHER_DOMAIN_JWT_H

#include <jansson.h>

#include "base/str.h"

#define US_CLOCK_SKEW_S 60

/* Absent when it is missing or no string. */
struct us_str us_jwt_text(const json_t *object, const char *name);
/* A NumericDate (RFC 7519 2): whole or with a fraction, not negative, not absurd. */
bool us_jwt_date(const json_t *value, int64_t *ret_s);
/* JW-10: exp is demanded; exp, nbf and iat are numbers. nbf and iat are sane within US_CLOCK_SKEW_S, exp within `leeway_s`. What is
 * wrong, for the log; NULL: nothing. */
const char *us_jwt_flaw_of_dates(const json_t *claims, int64_t now_s, int64_t leeway_s, int64_t *ret_exp_s);
/* JW-12: aud is a string or an array of strings. *ret_n: how many; *ret_has: one of the wanted is among them. False: malformed. */
bool us_jwt_audience(const json_t *aud, struct us_strs wanted, size_t *ret_n, bool *ret_has);

#endif
