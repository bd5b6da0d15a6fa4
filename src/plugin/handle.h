/*
 * What the opaque handles of include/usher/plugin.h point to. A document is JSON text that is made when somebody looks into it: most
 * methods look at little, and a method that looks at nothing costs nothing. Edits are checked here, member by member; whether the
 * whole is still valid is checked by whoever takes it back (domain/extension.c).
 */
#ifndef USHER_PLUGIN_HANDLE_H
#define USHER_PLUGIN_HANDLE_H

#include <jansson.h>

#include "base/cx.h"
#include <usher/plugin.h>

/* Numbers by which a handle is known; 0 once the call is over. */
enum us_doc_kind {
  US_DOC_RESOURCE = 0x75735201,
  US_DOC_POLICY = 0x75735002,
  US_DOC_TICKET = 0x75735403,
  US_DOC_PARTY = 0x75735004,
};
#define US_FILTER_MAGIC 0x75734605u
#define US_ERROR_MAGIC 0x75734506u

struct us_doc {
  uint32_t magic;
  bool is_writable;
  unsigned edits;     /* how many took */
  struct us_str text; /* JSON as it was given; absent until `fill` made it */
  /* Makes the text, in `mem`; absent when it could not. May be NULL when there is a text. */
  struct us_str (*fill)(void *self, void *mem);
  void *self;
  json_t *json; /* of the text, with the edits; NULL until somebody looks */
};
/* `mem`: of the call; it holds text and tree. */
void us_doc_init(struct us_doc *doc, enum us_doc_kind kind, bool is_writable);
/* Makes the text if there is none. False: it cannot be made. */
bool us_doc_fill(struct us_doc *doc, void *mem);
/* The tree, owned by the doc; NULL: it cannot be made. */
json_t *us_doc_tree(struct us_doc *doc, void *mem);
/* The text with the edits, in `mem`. */
struct us_str us_doc_text(struct us_doc *doc, void *mem);
void us_doc_done(struct us_doc *doc); /* frees the tree; the handle is dead */

struct usher_filter {
  uint32_t magic;
  struct us_str text;
};

struct usher_error {
  uint32_t magic;
  void *mem;
  int status;           /* 0: the default */
  struct us_str error;  /* OAuth code; absent: the default */
  struct us_str text;   /* absent: the default */
  struct us_str detail; /* JSON object, or absent */
};

/* The members of the host's table that are about handles (host.c lists them). */
struct usher_str us_handle_resource_get(const struct usher_resource *r, const char *pointer);
struct usher_str us_handle_policy_get(const struct usher_policy *p, const char *pointer);
struct usher_str us_handle_ticket_get(const struct usher_ticket *t, const char *pointer);
struct usher_str us_handle_party_get(const struct usher_party *party, const char *pointer);
int us_handle_resource_set(struct usher_resource *r, const char *pointer, const char *value_json);
int us_handle_policy_set(struct usher_policy *p, const char *pointer, const char *value_json);
int us_handle_policy_grant(struct usher_policy *p, struct usher_str subject, struct usher_strs scopes);
struct usher_str us_handle_filter_text(const struct usher_filter *f);
struct usher_filter *us_handle_filter_parse(struct usher_str text);
struct usher_filter *us_handle_filter_and(const struct usher_filter *a, const struct usher_filter *b);
void us_handle_error_set(struct usher_error *e, int http_status, const char *error, const char *message,
                         const char *detail_json);

#endif
