/* System labels: see label.h. */
#include "domain/label.h"

#include "base/mem.h"
#include "store/labels.h"

enum us_code us_label_names(struct us_cx *cx, int64_t resource_id, struct us_strs *ret_names) {
  return us_labels_of_resource(cx, resource_id, ret_names);
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
  US_TRY(us_labels_of_resource(cx, resource->id, &present));
  if (present.n == names.n && us_strs_contains_all(present, names))
    return US_OK;
  if (present.n > 0)
    US_TRY(us_labels_detach_system(cx, resource->id));
  return us_label_add_system(cx, resource, names);
}
