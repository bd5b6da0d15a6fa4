/*
 * /uma/resource_set: a resource server registers, lists, reads, replaces and deletes what it keeps for an owner (protocol
 * contract 4). The PAT says whose resources these are; nothing else in the request does.
 */
#include "endpoint/uma/uma.h"

#include <inttypes.h>

#include "base/mem.h"
#include "domain/label.h"
#include "domain/resource.h"
#include "domain/resource_input.h"
#include "json/json.h"

static const struct us_access *pat_of(const struct us_call *call) {
  return &call->caller.pat;
}

enum us_code us_ep_resource_prepare(struct us_call *call) {
  struct us_cx *cx = &call->cx;
  bool is_update = call->params[0].p != NULL;
  if (is_update) { /* what does not exist is 404, whatever the body says (UF-26) */
    struct us_resource resource;
    US_TRY(us_resource_find(cx, pat_of(call), call->params[0], &resource));
  }
  struct us_resource_input *input = US_NEW(cx->mem, struct us_resource_input);
  json_t *document;
  if (!input)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_json_parse(cx, call->request->body, US_E_INVALID_REQUEST, &document));
  enum us_code code = us_resource_input_read(cx, document, input);
  us_json_drop(cx, document); /* the request waits for the writer without it */
  call->state = input;
  return code == US_OK && !is_update ? us_resource_input_new(cx, input) : code;
}

static void write_policy_uri(struct us_call *call, struct us_json_writer *w, struct us_str uuid) {
  us_json_member(w, "user_access_policy_uri", us_resource_policy_uri(&call->cx, call->realm, uuid));
}

/* What create and update answer. */
static void write_ids(struct us_call *call, int status, const struct us_resource *resource) {
  struct us_json_writer w;
  us_answer_json(call, status, &w);
  us_answer_etag(call, resource->rev, true);
  us_json_open(&w, '{');
  us_json_member(&w, "_id", resource->uuid);
  write_policy_uri(call, &w, resource->uuid);
  us_json_close(&w, '}');
}

enum us_code us_ep_resource_create(struct us_call *call) {
  const struct us_resource_input *input = call->state;
  struct us_resource resource;
  US_TRY(us_resource_register(&call->cx, pat_of(call), input, &resource));
  write_ids(call, 201, &resource);
  us_answer_header(
      call, "Location",
      us_str_fmt(call->cx.mem, "%.*s/resource_set/%.*s", US_STR_ARG(call->realm->uma_url), US_STR_ARG(resource.uuid)));
  return US_OK;
}

/* What one answer holds. A list that is longer is asked for in pages, or not at all: half of it would look like all (ADR 16). */
#define LIST_MAX_BYTES (US_HTTP_RESPONSE_BODY_MAX - 64 * 1024)
#define LIST_PAGE_MAX 100000

struct listing {
  int64_t page_size; /* 0: everything */
  int64_t cursor;
  int64_t left; /* of the page */
};

/* _pageSize and _pagedResultsCookie as on the REST side; ours, for owners with very many resources. */
static enum us_code read_paging(struct us_call *call, struct listing *listing) {
  struct us_str size = us_params_get(&call->query, "_pageSize");
  struct us_str cookie = us_params_get(&call->query, "_pagedResultsCookie");
  uint64_t number = 0, cursor = 0;
  if (size.p != NULL && (!us_str_to_u64(size, LIST_PAGE_MAX, &number) || number == 0))
    return us_fail(&call->cx, US_E_INVALID_REQUEST, "_pageSize must be a number from 1 to %d", LIST_PAGE_MAX);
  if (cookie.n > 0 && (number == 0 || !us_str_to_u64(cookie, INT64_MAX, &cursor)))
    return us_fail(&call->cx, US_E_INVALID_REQUEST, "_pagedResultsCookie is not one of a page before");
  listing->page_size = (int64_t)number;
  listing->left = number > 0 ? (int64_t)number : INT64_MAX;
  listing->cursor = (int64_t)cursor;
  return US_OK;
}

/* Ids, some at a time and in memory of their own: however long the list is, the request does not grow with it. */
static enum us_code write_some(struct us_call *call, struct listing *listing, struct us_json_writer *w,
                               bool *ret_more) {
  struct us_cx page = call->cx;
  struct us_strs ids;
  page.mem = us_mem_alloc(call->cx.mem, 1);
  if (!page.mem)
    return us_fail_plain(&call->cx, US_E_NO_MEMORY);
  enum us_code code = us_resource_list(&page, pat_of(call), &listing->cursor, listing->left, &ids);
  size_t count = code == US_OK ? ids.n : 0;
  for (size_t i = 0; i < count; i++)
    us_json_str(w, ids.v[i]);
  us_mem_free(page.mem);
  if (code != US_OK)
    return us_fail_plain(&call->cx, code);
  listing->left -= (int64_t)count;
  *ret_more = count == US_RESOURCE_PAGE && listing->left > 0;
  if (!us_buf_ok(w->out) || us_buf_str(w->out).n > LIST_MAX_BYTES)
    return us_fail(&call->cx, US_E_INVALID_REQUEST,
                   "There are more resources than one answer holds: ask with _pageSize");
  return US_OK;
}

/* RFC 8288: where the list goes on. */
static enum us_code link_next(struct us_call *call, const struct listing *listing) {
  struct us_cx *cx = &call->cx;
  struct us_strs ids;
  int64_t cursor = listing->cursor;
  if (listing->page_size == 0 || listing->left > 0)
    return US_OK;
  US_TRY(us_resource_list(cx, pat_of(call), &cursor, 1, &ids));
  if (ids.n > 0)
    us_answer_header(
        call, "Link",
        us_str_fmt(cx->mem, "<%.*s/resource_set?_pageSize=%" PRId64 "&_pagedResultsCookie=%" PRId64 ">; rel=\"next\"",
                   US_STR_ARG(call->realm->uma_url), listing->page_size, listing->cursor));
  return US_OK;
}

enum us_code us_ep_resource_list(struct us_call *call) {
  struct listing listing = {0};
  struct us_json_writer w;
  bool has_more = true;
  US_TRY(read_paging(call, &listing));
  us_answer_json(call, 200, &w);
  us_json_open(&w, '[');
  while (has_more)
    US_TRY(write_some(call, &listing, &w, &has_more));
  us_json_close(&w, ']');
  return link_next(call, &listing);
}

/* 4.7: both headers are optional, If-Match by a setting of the realm (Q18). */
static enum us_code check_if_match(struct us_call *call, const struct us_resource *resource) {
  struct us_str header = us_call_header_list(call, "if-match");
  bool holds = header.p ? us_etag_matches(header, resource->rev) : !call->realm->settings.require_if_match;
  if (holds)
    return US_OK;
  us_fail_plain(&call->cx, US_E_PRECONDITION);
  call->cx.err.no_description = true;
  return US_E_PRECONDITION;
}

/* The stored description with what it does not hold. It is an object with at least resource_scopes. */
static void write_description(struct us_call *call, struct us_json_writer *w, const struct us_resource *resource,
                              struct us_strs labels) {
  us_json_open(w, '{');
  us_json_member(w, "_id", resource->uuid);
  us_json_name(w, "labels");
  us_json_strs(w, labels);
  write_policy_uri(call, w, resource->uuid);
  us_buf_add_char(w->out, ',');
  us_buf_add(w->out, resource->description.p + 1, resource->description.n - 2);
  us_json_close(w, '}');
}

enum us_code us_ep_resource_read(struct us_call *call) {
  struct us_resource resource;
  US_TRY(us_resource_find(&call->cx, pat_of(call), call->params[0], &resource));
  struct us_str known = us_call_header_list(call, "if-none-match");
  if (known.p && us_etag_matches(known, resource.rev)) {
    us_answer_empty(call, 304);
    us_answer_etag(call, resource.rev, true);
    return US_OK;
  }
  struct us_strs labels;
  US_TRY(us_label_names(&call->cx, &resource, &labels));
  struct us_json_writer w;
  us_answer_json(call, 200, &w);
  us_answer_etag(call, resource.rev, true);
  write_description(call, &w, &resource, labels);
  return US_OK;
}

enum us_code us_ep_resource_update(struct us_call *call) {
  const struct us_resource_input *input = call->state;
  struct us_resource resource;
  US_TRY(us_resource_find(&call->cx, pat_of(call), call->params[0], &resource));
  US_TRY(check_if_match(call, &resource));
  US_TRY(us_resource_replace(&call->cx, &resource, input));
  write_ids(call, 200, &resource);
  return US_OK;
}

enum us_code us_ep_resource_delete(struct us_call *call) {
  struct us_resource resource;
  US_TRY(us_resource_find(&call->cx, pat_of(call), call->params[0], &resource));
  US_TRY(check_if_match(call, &resource));
  US_TRY(us_resource_remove(&call->cx, resource.id));
  us_answer_empty(call, 204);
  return US_OK;
}
