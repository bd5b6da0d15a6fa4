/*
 * Labels: words on resources.
 *
 * SYSTEM labels (protocol contract 4.1) are what a resource server gives its resources. They belong to the owner of the resource,
 * keyed by (resource server, word); one comes into being with its first use and goes with its last. USER and STAR labels (REST
 * contract e) belong to whoever made them, may hang on everything that person sees, and are nobody else's business.
 */
#ifndef USHER_DOMAIN_LABEL_H
#define USHER_DOMAIN_LABEL_H

#include "domain/client.h"
#include "domain/resource.h"
#include "domain/services.h"
#include "model/list.h"

/* The words on a resource, as GET shows them. */
enum us_code us_label_names(struct us_cx *cx, const struct us_resource *resource,
                            struct us_strs *ret_names) US_MUST_CHECK;
/* Write step: puts them on a resource that has none yet. */
enum us_code us_label_add_system(struct us_cx *cx, const struct us_resource *resource,
                                 struct us_strs names) US_MUST_CHECK;
/* Write step: makes `names` the system labels of the resource. Labels of people stay as they are. */
enum us_code us_label_set_system(struct us_cx *cx, const struct us_resource *resource,
                                 struct us_strs names) US_MUST_CHECK;

/* A label as its owner sees it. */
struct us_label {
  int64_t row;
  bool is_system;
  const char *type;   /* "SYSTEM", "USER", "STAR" */
  struct us_str id;   /* SYSTEM: CLIENT_ID/NAME, which may hold more slashes */
  struct us_str name; /* SYSTEM: DISPLAY_NAME/NAME */
  int64_t rev;
};

#define US_LABELS_PER_PERSON_MAX 1000 /* USER and STAR */
#define US_LABEL_NAME_MAX_BYTES 255
#define US_LABEL_RESOURCES_MAX 256 /* in one request */
#define US_LABEL_ID_MAX_BYTES (US_CLIENT_ID_MAX + 1 + US_RESOURCE_STRING_MAX_BYTES)
#define US_LABEL_ID_SLASHES_MAX 16 /* that may stand before the one between client and word: each is tried */
struct us_label_new {
  bool is_star;
  struct us_str name;
  struct us_strs resources; /* ids as clients see them */
};
/* Write step, REST e.2. US_E_INVALID_REQUEST: a resource that the viewer does not see, too many labels. US_E_CONFLICT: the name is
 * taken. */
enum us_code us_label_create(struct us_cx *cx, const struct us_viewer *viewer, const struct us_label_new *in,
                             struct us_label *ret_label) US_MUST_CHECK;
/* Write step: until it ends nobody else changes private labels of this account. US_E_NO_SESSION: the account has gone. */
enum us_code us_label_lock(struct us_cx *cx, int64_t account_id) US_MUST_CHECK;
/* One of the person's, SYSTEM ones too. US_E_NOT_FOUND with the text of e.3. */
enum us_code us_label_find(struct us_cx *cx, const struct us_viewer *viewer, struct us_str id,
                           struct us_label *ret_label) US_MUST_CHECK;
/* Write step: it leaves all resources; none of them goes (e.1). US_E_FORBIDDEN for SYSTEM labels, with the text of e.3. */
enum us_code us_label_delete(struct us_cx *cx, const struct us_label *label) US_MUST_CHECK;

/* A page of a person's labels, SYSTEM ones last; filter and sort keys of `query` are not looked at. */
typedef bool (*us_label_fn)(struct us_cx *cx, void *self, const struct us_label *label);
enum us_code us_label_query(struct us_cx *cx, int64_t account_id, const struct us_list_query *query, us_label_fn each,
                            void *self, struct us_list_end *ret_end) US_MUST_CHECK;

#endif
