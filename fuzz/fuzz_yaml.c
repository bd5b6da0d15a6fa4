/*
 * Configuration files. They come from the operator, but a broken one must end in a sentence with file and line, never in
 * a crash.
 */
#include "base/mem.h"
#include "fuzz.h"
#include "json/field.h"

struct config {
  struct us_str name;
  int64_t workers;
  struct us_strs urls;
  json_t *settings;
};
static const struct us_field fields[] = {
    {"name", US_FIELD_STRING, offsetof(struct config, name), 0, .max = 64},
    {"workers", US_FIELD_INT, offsetof(struct config, workers), 0, .max = 64},
    {"urls", US_FIELD_STRINGS, offsetof(struct config, urls), 0, .max = 8, .item_max = 64},
    {"settings", US_FIELD_JSON, offsetof(struct config, settings), .flags = 0},
};
static const struct us_field_table table = {.size = sizeof(struct config), US_FIELDS(fields), .refuse_unknown = true};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct us_cx cx = {.mem = us_mem_root_new(US_MEM_REQUEST_POOL_BYTES, US_MEM_REQUEST_MAX_BYTES)};
  struct config config = {0};
  if (us_field_from_yaml(&cx, &table, "usher.yaml", (struct us_str){(const char *)data, size}, &config) != US_OK)
    fuzz_must(fuzz_is_clean(cx.err.text) && us_str_starts(cx.err.text, US_STR("usher.yaml:")));
  else
    fuzz_must(config.workers >= 0 && config.workers <= 64 && us_str_is_utf8(config.name));
  us_mem_free(cx.mem);
  return 0;
}
