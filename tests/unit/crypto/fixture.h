/*
 * What the tests of crypto/ share: a context with memory of its own, strings on the fly, and the vectors of the
 * specifications (tests/vectors, one JSON object a file).
 */
#ifndef USHER_TEST_CRYPTO_FIXTURE_H
#define USHER_TEST_CRYPTO_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/digest.h"
#include "json/json.h"

#define fixture_assert_str(actual, expected)                                                                           \
  do {                                                                                                                 \
    struct us_str fixture_actual_ = (actual);                                                                          \
    const char *fixture_expected_ = (expected);                                                                        \
    assert_int_equal(fixture_actual_.n, strlen(fixture_expected_));                                                    \
    assert_memory_equal(fixture_actual_.p, fixture_expected_, fixture_actual_.n);                                      \
  } while (0)

static inline void fixture_cx_init(struct us_cx *cx) {
  memset(cx, 0, sizeof(*cx));
  cx->mem = us_mem_root_new(US_MEM_REQUEST_POOL_BYTES, US_MEM_REQUEST_MAX_BYTES);
  assert_non_null(cx->mem);
}

static inline int fixture_setup(void **state) {
  struct us_cx *cx = calloc(1, sizeof(*cx));
  assert_non_null(cx);
  assert_int_equal(us_crypto_setup(), 0);
  fixture_cx_init(cx);
  *state = cx;
  return 0;
}

static inline int fixture_teardown(void **state) {
  struct us_cx *cx = *state;
  us_mem_free(cx->mem);
  free(cx);
  return 0;
}

/* A member of a file of tests/vectors, as text in cx->mem; objects and arrays as JSON. */
static inline struct us_str fixture_vector(struct us_cx *cx, const char *file, const char *name) {
  char path[512];
  json_error_t error;
  snprintf(path, sizeof(path), "%s/%s", USHER_VECTORS, file);
  json_t *vector = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
  if (vector == NULL)
    fail_msg("%s: %s", path, error.text);
  json_t *value = json_object_get(vector, name);
  assert_non_null(value);
  char *text = json_is_string(value) ? strdup(json_string_value(value)) : json_dumps(value, JSON_COMPACT);
  struct us_str copy = us_str_dup(cx->mem, us_str_c(text));
  assert_non_null(copy.p);
  free(text);
  json_decref(vector);
  return copy;
}

#endif
