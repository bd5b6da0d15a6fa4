/*
 * Paging cookies (REST contract a.8, design 6 "Cursors"): where the page before ended, bound to the question it answered. The
 * cookie is this text sealed under the store's key (domain/seal.h), so a bit that was changed, or another filter, order,
 * collection or person, is a cookie that was never given out.
 *
 *   {"q":"<digest of the question>","k":["album",...],"t":"66"}
 */
#ifndef USHER_ENDPOINT_CREST_CURSOR_H
#define USHER_ENDPOINT_CREST_CURSOR_H

#include "base/cx.h"
#include "model/list.h"

/* Absent when it would be longer than max_bytes: then the caller pages by offset. */
struct us_str us_cursor_write(struct us_cx *cx, const char *question, const struct us_list_mark *mark, size_t key_count,
                              size_t max_bytes);
/* US_E_NOT_FOUND (an answer) when it answers another question, or is none. */
enum us_code us_cursor_read(struct us_cx *cx, struct us_str text, const char *question, size_t key_count,
                            struct us_list_mark *ret_mark) US_MUST_CHECK;

#endif
