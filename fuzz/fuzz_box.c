/*
 * What a store may hold where a sealed text is due: the first byte picks what is done with the rest. Anything is either plain text that
 * comes back as it is, or refused; what was sealed opens in its place under its key, and nowhere else, and not with one byte changed.
 */
#include <string.h>

#include "base/mem.h"
#include "crypto/box.h"
#include "crypto/digest.h"
#include "fuzz.h"

static struct us_box *boxes[2];

static void setup(struct us_cx *cx) {
  fuzz_must(us_crypto_setup() == 0);
  fuzz_must(us_box_new(cx, US_STR("0123456789abcdef0123456789abcdef"), &boxes[0]) == US_OK);
  fuzz_must(us_box_new(cx, US_STR("fedcba9876543210fedcba9876543210"), &boxes[1]) == US_OK);
}

static void read_from_store(struct us_cx *cx, struct us_str text) {
  for (int i = 0; i < 2; i++) {
    struct us_str opened = US_STR_ABSENT;
    enum us_code code = us_box_open(cx, i ? NULL : boxes[0], "place:1", text, &opened);
    fuzz_must((code == US_OK) == !us_box_is_sealed(text)); /* nobody forges one */
    if (code == US_OK)
      fuzz_must(us_str_eq(opened, text));
    else
      fuzz_must(code == US_E_STORE && opened.p == NULL);
    us_error_clear(cx);
  }
}

static void seal(struct us_cx *cx, struct us_str text, uint8_t where) {
  struct us_str sealed, opened, again;
  fuzz_must(us_box_seal(cx, boxes[0], "place:1", text, &sealed) == US_OK);
  fuzz_must(us_box_is_sealed(sealed) && us_box_is_of(boxes[0], sealed) && !us_box_is_of(boxes[1], sealed));
  fuzz_must(us_box_open(cx, boxes[0], "place:1", sealed, &opened) == US_OK && us_str_eq(opened, text));
  fuzz_must(us_box_seal(cx, boxes[0], "place:1", text, &again) == US_OK && !us_str_eq(again, sealed));
  fuzz_must(us_box_open(cx, boxes[0], "place:2", sealed, &opened) == US_E_STORE);
  fuzz_must(us_box_open(cx, boxes[0], "place:1x", sealed, &opened) == US_E_STORE);
  fuzz_must(us_box_open(cx, boxes[1], "place:1", sealed, &opened) == US_E_STORE);
  fuzz_must(us_box_open(cx, NULL, "place:1", sealed, &opened) == US_E_STORE);
  struct us_str changed = us_str_dup(cx->mem, sealed);
  size_t at = where % sealed.n;
  ((char *)(uintptr_t)changed.p)[at] ^= 1;
  if (us_box_open(cx, boxes[0], "place:1", changed, &opened) ==
      US_OK) /* no longer a sealed text: what it is, and no secret */
    fuzz_must(!us_box_is_sealed(changed) && us_str_eq(opened, changed));
  if (us_box_open(cx, boxes[0], "place:1", (struct us_str){sealed.p, at}, &opened) == US_OK)
    fuzz_must(!us_box_is_sealed((struct us_str){sealed.p, at}));
  us_error_clear(cx);
}

static void read_key(struct us_cx *cx, struct us_str text) {
  struct us_box *box = NULL;
  enum us_code code = us_box_new(cx, text, &box);
  fuzz_must(code == US_OK ? box != NULL : code == US_E_INVALID_REQUEST && fuzz_is_clean(cx->err.text));
  us_box_free(box);
  us_error_clear(cx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct us_cx cx = {.mem = us_mem_root_new(US_MEM_REQUEST_POOL_BYTES, US_MEM_REQUEST_MAX_BYTES)};
  fuzz_must(cx.mem != NULL);
  if (boxes[0] == NULL)
    setup(&cx);
  if (size >= 2 && size < 16384) {
    struct us_str text = {(const char *)data + 2, size - 2};
    if (data[0] % 3 == 0)
      read_from_store(&cx, text);
    else if (data[0] % 3 == 1)
      seal(&cx, text, data[1]);
    else
      read_key(&cx, text);
  }
  us_mem_free(cx.mem);
  return 0;
}
