/*
 * Strict JSON in (jansson behind it). Refused, each with a message that says where: anything but RFC 8259's grammar,
 * invalid UTF-8, a byte order mark, NUL characters (also as \u0000), lone surrogates, repeated member names, bytes after
 * the value, depth over US_JSON_MAX_DEPTH, more than US_JSON_MAX_NODES members and elements, numbers out of range.
 */
#ifndef USHER_JSON_JSON_H
#define USHER_JSON_JSON_H

#include <jansson.h>

#include "base/cx.h"

#define US_JSON_MAX_DEPTH 32
#define US_JSON_MAX_NODES 4096

/* `ret_value` belongs to cx->mem. Fails with `code` and "<what> is not valid JSON: ..."; expected: a malformed body. */
enum us_code us_json_parse(struct us_cx *cx, struct us_str text, enum us_code code, json_t **ret_value) US_MUST_CHECK;
/* Ties a reference to cx->mem and gives it back; NULL (the reference is gone) when out of memory or given NULL. */
json_t *us_json_own(struct us_cx *cx, json_t *value);
/* Frees a value early; it was made by us_json_parse(). */
void us_json_drop(struct us_cx *cx, json_t *value);
/* Compact text in cx->mem, members in insertion order; absent when out of memory. */
struct us_str us_json_dump(struct us_cx *cx, const json_t *value);
/* A stored JSON array of strings (scope lists in rows) to a list, and back. Stored text is ours: bad text is US_E_INTERNAL. */
enum us_code us_json_to_strs(struct us_cx *cx, struct us_str text, struct us_strs *ret_set) US_MUST_CHECK;
struct us_str us_json_from_strs(void *mem, struct us_strs set);
/* An array of them as a new reference; NULL: no memory, or not UTF-8. */
json_t *us_json_array_of(struct us_strs set);

#endif
