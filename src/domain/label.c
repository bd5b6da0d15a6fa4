/* Labels: see label.h. */
#include "domain/label.h"

#include "base/mem.h"
#include "domain/cascade.h"
#include "store/labels.h"
#include "store/sets.h"

enum us_code us_label_names(struct us_cx *cx, const struct us_resource *resource, struct us_strs *ret_names) {
  return us_labels_of_resource(cx, resource->id, resource->owner_id, ret_names);
}

enum us_code us_label_add_system(struct us_cx *cx, const struct us_resource *resource, struct us_strs names) {
  for (size_t start = 0; start < names.n; start += US_LABELS_BATCH) {
    int64_t ids[US_LABELS_BATCH] = {0};
    struct us_str batch[US_LABELS_BATCH] = {0};
    for (size_t i = 0; i < US_LABELS_BATCH && start + i < names.n; i++) {
      ids[i] = us_next_id(cx);
      batch[i] = names.v[start + i];
    }
    US_TRY(us_labels_attach(cx, resource->id, resource->owner_id, resource->rs_ref, ids, batch));
  }
  return US_OK;
}

enum us_code us_label_set_system(struct us_cx *cx, const struct us_resource *resource, struct us_strs names) {
  struct us_strs present;
  US_TRY(us_labels_of_resource(cx, resource->id, resource->owner_id, &present));
  if (present.n == names.n && us_strs_contains_all(present, names))
    return US_OK;
  if (present.n > 0)
    US_TRY(us_labels_detach_system(cx, resource->id, resource->owner_id));
  return us_label_add_system(cx, resource, names);
}

/* What a row is called by its owner. */
static enum us_code as_label(struct us_cx *cx, const struct us_label_row *row, struct us_label *ret_label) {
  static const char *const types[] = {"", "SYSTEM", "USER", "STAR"};
  struct us_label label = {
      .row = row->id,
      .is_system = row->kind == US_LABEL_SYSTEM,
      .type = types[row->kind],
      .id = row->uuid,
      .name = row->name,
      .rev = row->rev,
  };
  if (label.is_system) { /* a client that is gone has no id any more, and its labels go soon */
    struct us_str shown = row->client_name.n > 0 ? row->client_name : row->client_id;
    label.id = us_str_fmt(cx->mem, "%.*s/%.*s", US_STR_ARG(row->client_id), US_STR_ARG(row->name));
    label.name = us_str_fmt(cx->mem, "%.*s/%.*s", US_STR_ARG(shown), US_STR_ARG(row->name));
  }
  if (label.id.p == NULL || label.name.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  *ret_label = label;
  return US_OK;
}

static enum us_code hang_on_all(struct us_cx *cx, const struct us_viewer *viewer, int64_t label_id,
                                struct us_strs uuids) {
  for (size_t start = 0; start < uuids.n; start += US_SETS_VISIBLE_MAX) {
    struct us_str batch[US_SETS_VISIBLE_MAX] = {0};
    int64_t ids[US_SETS_VISIBLE_MAX];
    size_t n = uuids.n - start < US_SETS_VISIBLE_MAX ? uuids.n - start : US_SETS_VISIBLE_MAX;
    for (size_t i = 0; i < n; i++)
      batch[i] = uuids.v[start + i];
    US_TRY(us_sets_visible(cx, viewer, batch, ids));
    for (size_t i = 0; i < n; i++) {
      if (ids[i] == 0)
        return us_fail(cx, US_E_INVALID_REQUEST, "Unknown resource set, %.*s", US_STR_ARG(batch[i]));
    }
    US_TRY(us_labels_hang(cx, viewer->account_id, label_id, ids));
  }
  return US_OK;
}
_Static_assert((int)US_SETS_VISIBLE_MAX == (int)US_LABELS_BATCH, "what was looked up together is hung together");

static enum us_code check_count(struct us_cx *cx, int64_t account_id) {
  int64_t count = 0;
  US_TRY(us_labels_count_private(cx, account_id, US_LABELS_PER_PERSON_MAX, &count));
  if (count < US_LABELS_PER_PERSON_MAX)
    return US_OK;
  return us_fail(cx, US_E_INVALID_REQUEST, "There are %d labels already, which is the most a user may have",
                 US_LABELS_PER_PERSON_MAX);
}

enum us_code us_label_lock(struct us_cx *cx, int64_t account_id) {
  enum us_code code = us_labels_lock_owner(cx, account_id);
  return code == US_E_NOT_FOUND ? us_fail_plain(cx, US_E_NO_SESSION) : code; /* the account went meanwhile */
}

enum us_code us_label_create(struct us_cx *cx, const struct us_viewer *viewer, const struct us_label_new *in,
                             struct us_label *ret_label) {
  int64_t id = us_next_id(cx);
  struct us_label_row row = {
      .id = id,
      .owner_id = viewer->account_id,
      .kind = in->is_star ? US_LABEL_STAR : US_LABEL_USER,
      .uuid = us_resource_new_uuid(cx, id),
      .name = in->name,
      .rev = 1,
  };
  if (row.uuid.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_label_lock(cx, viewer->account_id));
  US_TRY(check_count(cx, viewer->account_id));
  enum us_code code = us_labels_insert(cx, &row);
  if (code == US_E_CONFLICT)
    return us_fail(cx, US_E_CONFLICT, "A label with the name '%.*s' already exists", US_STR_ARG(in->name));
  US_TRY(code);
  US_TRY(hang_on_all(cx, viewer, row.id, us_strs_unique(cx->mem, in->resources)));
  return as_label(cx, &row, ret_label);
}

/* "CLIENT_ID/NAME": both halves may have slashes, so each of the first is tried as the one between them. */
static enum us_code find_system(struct us_cx *cx, const struct us_viewer *viewer, struct us_str id,
                                struct us_label_row *ret_row) {
  enum us_code code = us_fail_plain(cx, US_E_NOT_FOUND);
  size_t slashes = 0;
  for (size_t i = 0; i < id.n && slashes <= US_LABEL_ID_SLASHES_MAX && code == US_E_NOT_FOUND; i++) {
    if (id.p[i] != '/')
      continue;
    struct us_str client_id = {id.p, i}, name = {id.p + i + 1, id.n - i - 1};
    code = us_labels_system_by_name(cx, viewer->realm_id, viewer->account_id, client_id, name, ret_row);
    slashes++;
  }
  return code;
}

enum us_code us_label_find(struct us_cx *cx, const struct us_viewer *viewer, struct us_str id,
                           struct us_label *ret_label) {
  struct us_label_row row = {0};
  enum us_code code = us_labels_by_uuid(cx, viewer->account_id, id, &row);
  if (code == US_E_NOT_FOUND)
    code = find_system(cx, viewer, id, &row);
  if (code == US_E_NOT_FOUND)
    return us_fail(cx, US_E_NOT_FOUND, "Label not found, %.*s", US_STR_ARG(id));
  US_TRY(code);
  us_error_clear(cx);
  return as_label(cx, &row, ret_label);
}

enum us_code us_label_delete(struct us_cx *cx, const struct us_label *label) {
  if (label->is_system)
    return us_fail(cx, US_E_FORBIDDEN, "System labels cannot be deleted");
  US_TRY(us_labels_delete(cx, label->row));
  return us_cascade_label(cx, label->row);
}

struct listing {
  us_label_fn each;
  void *self;
  enum us_code code;
};

static bool see_label(struct us_cx *cx, void *self, const struct us_label_row *row) {
  struct listing *listing = self;
  struct us_label label;
  listing->code = as_label(cx, row, &label);
  return listing->code == US_OK && listing->each(cx, listing->self, &label);
}

enum us_code us_label_query(struct us_cx *cx, int64_t account_id, const struct us_list_query *query, us_label_fn each,
                            void *self, struct us_list_end *ret_end) {
  struct listing listing = {each, self, US_OK};
  US_TRY(us_labels_list(cx, account_id, query, see_label, &listing, ret_end));
  return listing.code == US_OK ? US_OK : us_fail_plain(cx, listing.code);
}
