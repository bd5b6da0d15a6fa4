/*
 * What HTTP/2 says about one request, field by field, under the rules of RFC 9113 8.2 and 8.3 and then those that HTTP/1
 * has too (http/check.h). Inside of http/ only: http/h2.c calls these as the frames of a stream come.
 */
#ifndef USHER_HTTP_H2_REQUEST_H
#define USHER_HTTP_H2_REQUEST_H

#include "http/h2.h"

/* Each sets stream->status when the request is to be refused, once. */
void us_h2_request_field(struct us_h2_stream *stream, struct us_str name, struct us_str value);
void us_h2_request_trailer(struct us_h2_stream *stream, struct us_str name, size_t value_n);
void us_h2_request_head(struct us_h2_stream *stream); /* it is complete */
void us_h2_request_data(struct us_h2_stream *stream, const char *bytes, size_t n);
void us_h2_request_end(struct us_h2_stream *stream);
void us_h2_request_refuse(struct us_h2_stream *stream, int status, const char *reason);
bool us_h2_request_wants_continue(const struct us_h2_stream *stream);

#endif
