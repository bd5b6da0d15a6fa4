/*
 * JSON bodies from anybody. Beyond not crashing: what was accepted comes back equal from its own dump, messages are
 * clean, and a table that keeps unknown members decodes any object.
 */
#include "base/mem.h"
#include "fuzz.h"
#include "json/field.h"
#include "json/json.h"

struct thing {
  struct us_str name;
  struct us_strs scopes;
  int64_t age;
  json_t *others;
};
static const struct us_field fields[] = {
    {"name", US_FIELD_URI, offsetof(struct thing, name), US_FIELD_NO_CONTROLS, .max = 64},
    {"scopes", US_FIELD_STRINGS, offsetof(struct thing, scopes), US_FIELD_UNIQUE, .max = 16, .item_max = 32},
    {"age", US_FIELD_INT, offsetof(struct thing, age), 0, .max = 200},
};
static const struct us_field_table table = {.size = sizeof(struct thing),
                                            US_FIELDS(fields),
                                            .keep_unknown = true,
                                            .unknown_offset = offsetof(struct thing, others)};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct us_cx cx = {.mem = us_mem_root_new(US_MEM_REQUEST_POOL_BYTES, US_MEM_REQUEST_MAX_BYTES)};
  json_t *value, *again;
  struct thing thing = {0};
  if (us_json_parse(&cx, (struct us_str){(const char *)data, size}, US_E_INVALID_REQUEST, &value) != US_OK)
    fuzz_must(fuzz_is_clean(cx.err.text));
  else {
    struct us_str dump = us_json_dump(&cx, value);
    fuzz_must(us_json_parse(&cx, dump, US_E_INTERNAL, &again) == US_OK && json_equal(value, again));
    if (us_field_from_json(&cx, &table, value, &thing) != US_OK)
      fuzz_must(fuzz_is_clean(cx.err.text));
    else
      fuzz_must(thing.age >= 0 && thing.age <= 200 && thing.scopes.n <= 16 && us_uri_reference_ok(thing.name));
  }
  us_mem_free(cx.mem);
  return 0;
}
