/*
 * Names of permissions where each is an entry of its own: users/{user}/policies (REST contract c.9). A name is made with its
 * permission and never changes, also when the resource gets another name. Where the resource has none, its id stands for it.
 *
 *   Lake Trip - alice - 7c1f2a9e-53b0-4d6e-9a41-0be7d2f6c8150-97717
 *   resource    sharer  resource id                           hash of the subject
 */
#ifndef USHER_DOMAIN_SHARE_ENTRY_H
#define USHER_DOMAIN_SHARE_ENTRY_H

#include "base/cx.h"
#include "model/model.h"

/* The hash that Java gives a string: over its UTF-16 code units. `text` is UTF-8. */
int32_t us_share_entry_hash(struct us_str text);
/* `taken` are the names of the other permissions of the same policy: only they can collide, as the resource id is part of the
 * name. Where one does, -2, -3 and so on is added. Absent when out of memory. */
struct us_str us_share_entry_name(struct us_cx *cx, const struct us_resource *resource, struct us_str sharer_name,
                                  struct us_str subject, struct us_strs taken);

#endif
