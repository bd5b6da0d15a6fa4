/*
 * One error value per request, made where the problem is found and never repainted.
 *
 *   return us_fail(cx, US_E_INVALID_SCOPE, "Unknown/invalid scope(s): [%.*s]", US_STR_ARG(s));   the finder
 *   US_TRY(us_ticket_redeem(cx, handle, &ticket));                                              everybody above
 *
 * The text is for the caller: short, free of internals. What only the operator may see goes to us_error_detail().
 * For codes of status 500 and above the caller never sees the text (except US_E_DOCUMENTED_500), only the log does.
 */
#ifndef USHER_BASE_ERROR_H
#define USHER_BASE_ERROR_H

#include "base/str.h"

struct us_cx;

enum us_code {
#define US_CODE(symbol, status, oauth, level) US_##symbol,
#include "base/error_codes.def"
#undef US_CODE
  US_CODE_COUNT
};

#define US_MUST_CHECK __attribute__((warn_unused_result))

/* Passes an error on, untouched. */
#define US_TRY(expression)                                                                                             \
  do {                                                                                                                 \
    enum us_code us_try_code_ = (expression);                                                                          \
    if (us_try_code_ != US_OK)                                                                                         \
      return us_try_code_;                                                                                             \
  } while (0)

struct us_error {
  enum us_code code;
  struct us_str text;   /* for the caller; absent: the standard text of the code */
  struct us_str detail; /* for the log only */
  struct us_str extra;  /* JSON members to add to the body, e.g. "ticket":"...","interval":5 (protocol contract 6.5) */
  struct us_str oauth;  /* overrides the code's OAuth error (a plugin's choice); absent otherwise */
  int status;           /* overrides the code's HTTP status; 0 otherwise */
  int retry_after_s;    /* Retry-After; 0 = none */
  bool no_description;  /* the contract shows this error without error_description */
  bool keeps_writes;    /* a refusal that is also a result: the write step commits (a spent ticket stays spent) */
};

/* Records the error in cx and returns its code. Allocates from cx->mem; falls back to the code's text when out of memory. */
enum us_code us_fail(struct us_cx *cx, enum us_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* As us_fail, without a text: the caller gets the standard text of the code. */
enum us_code us_fail_plain(struct us_cx *cx, enum us_code code);
/* Adds what only the log may say. Returns cx->err.code. */
enum us_code us_error_detail(struct us_cx *cx, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Forgets the error: for the one who turns an answer ("not found") into something else. */
void us_error_clear(struct us_cx *cx);

int us_code_status(enum us_code code);        /* HTTP status */
const char *us_code_oauth(enum us_code code); /* OAuth error name */
const char *us_code_name(enum us_code code);  /* "E_NOT_FOUND", for logs and tests */
int us_code_log_level(enum us_code code);
const char *us_status_reason(int status); /* "Not Found": reason phrase, and `reason` of Common REST */

#endif
