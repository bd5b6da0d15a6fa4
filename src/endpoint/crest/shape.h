/*
 * How the caller wants an answer to look: _fields and _prettyPrint (REST contract a.8).
 *
 * _fields is a comma list of JSON pointers; each selected value appears under the pointer's last segment. Since protocol 2 _id and
 * _rev are always there when the object has them (a.7). One object is taken apart at a time, never a whole list.
 */
#ifndef USHER_ENDPOINT_CREST_SHAPE_H
#define USHER_ENDPOINT_CREST_SHAPE_H

#include "endpoint/call.h"

#define US_SHAPE_FIELDS_MAX 32
#define US_SHAPE_OBJECT_MAX_BYTES (1024 * 1024) /* of one object, before fields are picked */

struct us_shape {
  struct us_strs fields; /* pointers as sent; none: everything */
  bool keeps_id;         /* protocol 2: _id and _rev whatever the fields are */
};
enum us_code us_shape_read(struct us_call *call, struct us_shape *ret_shape) US_MUST_CHECK;

/* An object between these two is written to the answer in its shape: begin gives the writer to write it with. */
struct us_shaping {
  const struct us_shape *shape;
  struct us_json_writer *out;
  struct us_json_writer inner;
  struct us_buf text;
};
struct us_json_writer *us_shape_begin(struct us_shaping *shaping, const struct us_shape *shape,
                                      struct us_json_writer *out);
enum us_code us_shape_end(struct us_cx *cx, struct us_shaping *shaping) US_MUST_CHECK;

/* Indents the finished answer when that was asked for: the pipeline does it behind all endpoints, errors too. */
void us_shape_pretty(struct us_call *call);

#endif
