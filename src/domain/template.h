/*
 * Texts of mails by kind and language (REST contract l.1): built-in ones in English and German, and those that an operator puts
 * beside or in place of them. A template is a subject, which is plain text, and HTML with {0} to {4} where arguments go and
 * {link} for the page in the owner's interface. Every argument is escaped: what people called themselves or their resources
 * shows as they wrote it and does nothing else.
 *
 * A set is filled at start and only read afterwards, by any thread.
 */
#ifndef USHER_DOMAIN_TEMPLATE_H
#define USHER_DOMAIN_TEMPLATE_H

#include "base/buf.h"
#include "base/cx.h"

#define US_TEMPLATE_ARGUMENTS_MAX 5
#define US_TEMPLATE_ARGUMENT_MAX 2000 /* bytes of one argument that are shown */
#define US_TEMPLATE_FILE_MAX (64 * 1024)
#define US_TEMPLATE_SUBJECT_MAX 200
#define US_TEMPLATES_MAX 64       /* in one set, built-in ones included */
#define US_TEMPLATE_LOCALES_MAX 4 /* that one look-up tries */

struct us_template {
  int kind;             /* enum us_notice_kind */
  struct us_str locale; /* "en", "de-CH" */
  struct us_str subject;
  struct us_str html;
};
struct us_template_arguments {
  struct us_str v[US_TEMPLATE_ARGUMENTS_MAX];
  struct us_str link;
};

struct us_templates;
/* With the built-in ones; NULL when out of memory. */
struct us_templates *us_templates_new(void);
void us_templates_free(struct us_templates *templates); /* accepts NULL */
/* Adds a file of an operator, named NAME.LOCALE.html after the keys of the contract (UmaPendingRequestCreationEmail.de.html),
 * in place of what was there for this kind and locale:
 *
 *   Subject: New Pending Request
 *
 *   <!DOCTYPE html> ...
 *
 * US_E_INVALID_REQUEST says what is wrong with it. */
enum us_code us_templates_add(struct us_cx *cx, struct us_templates *templates, struct us_str file_name,
                              struct us_str text) US_MUST_CHECK;
/* The first of `locales` that a template of this kind speaks: as it stands ("de-CH"), then without its last part ("de"). Without
 * ASCII case; absent ones are skipped. English when none fits; NULL only for a kind that there is not. */
const struct us_template *us_templates_find(const struct us_templates *templates, int kind,
                                            const struct us_str *locales, size_t n);
void us_template_expand(const struct us_template *template, const struct us_template_arguments *arguments,
                        struct us_buf *out);

#endif
