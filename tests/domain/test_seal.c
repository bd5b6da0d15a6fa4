/* Sealed texts: only what this store sealed, for this purpose, unchanged, opens. */
#include "flow/flow.h"

#include "base/mem.h"
#include "domain/seal.h"
#include "domain/snapshot.h"

#define PAYLOAD "{\"id\":7,\"realm\":\"/alpha\"}"

struct sealing {
  const char *purpose;
  struct us_str in, out;
};
static enum us_code seal_step(struct us_cx *cx, void *self) {
  struct sealing *s = self;
  return us_seal(cx, s->purpose, s->in, &s->out);
}
static enum us_code unseal_step(struct us_cx *cx, void *self) {
  struct sealing *s = self;
  return us_unseal(cx, s->purpose, s->in, &s->out);
}

static struct us_str sealed(struct us_world *w, const char *purpose, struct us_str payload) {
  struct sealing s = {.purpose = purpose, .in = payload};
  assert_int_equal(us_world_transact(w, seal_step, &s), US_OK);
  return s.out;
}
static bool opens(struct us_world *w, const char *purpose, struct us_str text, struct us_str *ret_payload) {
  struct sealing s = {.purpose = purpose, .in = text};
  enum us_code code = us_world_transact(w, unseal_step, &s);
  if (code != US_OK)
    assert_int_equal(code, US_E_NOT_FOUND);
  else if (ret_payload)
    *ret_payload = s.out;
  return code == US_OK;
}

static void what_was_sealed_comes_back(void **state) {
  struct us_world *w = *state;
  struct us_str payload, text = sealed(w, "authId", US_STR(PAYLOAD));
  assert_true(us_str_starts(text, US_STR("eyJhbGciOiJIUzI1NiJ9.")));
  assert_true(opens(w, "authId", text, &payload));
  assert_true(us_str_eq_c(payload, PAYLOAD));
  assert_true(us_str_eq(sealed(w, "authId", US_STR(PAYLOAD)), text));
}

static void a_seal_is_for_one_purpose(void **state) {
  struct us_world *w = *state;
  assert_false(opens(w, "cookie", sealed(w, "authId", US_STR(PAYLOAD)), NULL));
}

static void any_changed_byte_breaks_it(void **state) {
  struct us_world *w = *state;
  struct us_str text = sealed(w, "authId", US_STR(PAYLOAD));
  char copy[US_SEAL_TEXT_MAX];
  for (size_t i = 0; i < text.n; i++) {
    memcpy(copy, text.p, text.n);
    copy[i] = copy[i] == 'A' ? 'B' : 'A';
    assert_false(opens(w, "authId", (struct us_str){copy, text.n}, NULL));
  }
  for (size_t n = 0; n < text.n; n++)
    assert_false(opens(w, "authId", (struct us_str){text.p, n}, NULL));
  memcpy(copy, text.p, text.n);
  copy[text.n] = 'A';
  assert_false(opens(w, "authId", (struct us_str){copy, text.n + 1}, NULL));
  assert_false(opens(w, "authId", US_STR("eyJhbGciOiJub25lIn0.e30."), NULL)); /* {"alg":"none"} */
  assert_false(opens(w, "authId", US_STR_ABSENT, NULL));
}

static void there_is_a_longest_payload(void **state) {
  struct us_world *w = *state;
  static char much[US_SEAL_PAYLOAD_MAX];
  static char more[US_SEAL_TEXT_MAX + 1];
  struct us_str payload;
  memset(much, 'x', sizeof(much));
  memset(more, 'A', sizeof(more));
  assert_true(opens(w, "authId", sealed(w, "authId", (struct us_str){much, sizeof(much)}), &payload));
  assert_int_equal(payload.n, sizeof(much));
  memcpy(more, "eyJhbGciOiJIUzI1NiJ9.", 21);
  assert_false(opens(w, "authId", (struct us_str){more, sizeof(more)}, NULL));
}

static enum us_code forget_key(struct us_cx *cx, void *self) {
  static const char SQL[] = "DELETE FROM meta WHERE key = 'store_key'";
  (void)self;
  return us_sql_run(cx, NULL, SQL, "");
}
static enum us_code other_key(struct us_cx *cx, void *self) {
  static const char SQL[] = "UPDATE meta SET value = 'another' WHERE key = 'store_key'";
  (void)self;
  return us_sql_run(cx, NULL, SQL, "");
}
static enum us_code reread(struct us_cx *cx, void *self) {
  (void)self;
  return us_snapshot_refresh(cx, true);
}

static void it_outlives_a_restart_but_not_the_store(void **state) {
  struct us_world *w = *state;
  struct us_str text = sealed(w, "authId", US_STR(PAYLOAD));
  assert_int_equal(us_world_transact(w, reread, NULL), US_OK);
  assert_true(opens(w, "authId", text, NULL));
  assert_int_equal(us_world_transact(w, other_key, NULL), US_OK);
  assert_int_equal(us_world_transact(w, reread, NULL), US_OK);
  assert_false(opens(w, "authId", text, NULL));
}

static void without_a_key_nothing_is_sealed(void **state) {
  struct us_world *w = *state;
  struct sealing s = {.purpose = "authId", .in = sealed(w, "authId", US_STR(PAYLOAD))};
  assert_int_equal(us_world_transact(w, forget_key, NULL), US_OK);
  assert_int_equal(us_world_transact(w, reread, NULL), US_OK);
  assert_int_equal(us_world_transact(w, seal_step, &s), US_E_INTERNAL);
  assert_int_equal(us_world_transact(w, unseal_step, &s), US_E_INTERNAL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(what_was_sealed_comes_back),
      STORY(a_seal_is_for_one_purpose),
      STORY(any_changed_byte_breaks_it),
      STORY(there_is_a_longest_payload),
      STORY(it_outlives_a_restart_but_not_the_store),
      STORY(without_a_key_nothing_is_sealed),
  };
  us_test_setup();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
