/*
 * JSON pointers (RFC 6901): "/permissions/0/subject". Escapes ~0 and ~1; an index is decimal without leading zeros; "-" stands
 * behind the end of an array and is for setting only.
 */
#ifndef USHER_JSON_POINTER_H
#define USHER_JSON_POINTER_H

#include <jansson.h>

#include "base/str.h"

#define US_JSON_POINTER_MAX_BYTES 1024

/* The value at `pointer`, borrowed; NULL: none, or not a pointer. */
json_t *us_json_pointer_get(json_t *document, struct us_str pointer);
/* Puts `value` (whose reference goes with it in every case) at `pointer`, whose parent must be there; NULL takes away what is there. The
 * whole document ("") cannot be replaced. False: not done. */
bool us_json_pointer_set(json_t *document, struct us_str pointer, json_t *value);

#endif
