/* The token of our forms (protocol contract 7.4, Q34): the vector of the contract, and what is taken besides. */
#include "../unit.h"

#include "crypto/digest.h"
#include "endpoint/web/page.h"

#define SESSION "sess-9f1c2a7e-demo"
#define HEX "22d4b809c20e9422ee26e0ae7b108daf6debecdf41212246013cbe292d8ac568"
#define BASE64URL "ItS4CcIOlCLuJuCuexCNr23r7N9BISJGATy-KS2KxWg"

static struct us_call call_of(struct us_cx *cx, enum us_caller_kind kind) {
  return (struct us_call){.cx = *cx, .caller = {.kind = kind, .session_token = US_STR(SESSION)}};
}

static void the_vector_of_the_contract(void **state) {
  struct us_call call = call_of(*state, US_CALLER_SESSION);
  assert_str(us_csrf_token(&call), HEX);
  assert_true(us_csrf_ok(&call, US_STR(HEX)));
  assert_true(us_csrf_ok(&call, US_STR(BASE64URL)));
  assert_true(us_csrf_ok(&call, US_STR(SESSION)));
}

static void nothing_else_is_taken(void **state) {
  static const char *const others[] = {"",
                                       "x",
                                       HEX "0",
                                       BASE64URL "=",
                                       "22D4B809C20E9422EE26E0AE7B108DAF6DEBECDF41212246013CBE292D8AC568",
                                       "12d4b809c20e9422ee26e0ae7b108daf6debecdf41212246013cbe292d8ac568",
                                       "ItS4CcIOlCLuJuCuexCNr23r7N9BISJGATy+KS2KxWg",
                                       "sess-9f1c2a7e-dem",
                                       "sess-9f1c2a7e-demo2"};
  struct us_call call = call_of(*state, US_CALLER_SESSION);
  for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
    assert_false(us_csrf_ok(&call, us_str_c(others[i])));
  assert_false(us_csrf_ok(&call, US_STR_ABSENT));
}

static void without_a_session_there_is_none(void **state) {
  struct us_call call = call_of(*state, US_CALLER_NOBODY);
  assert_null(us_csrf_token(&call).p);
  assert_false(us_csrf_ok(&call, US_STR(HEX)));
  assert_false(us_csrf_ok(&call, US_STR(SESSION)));
}

int main(void) {
  const struct CMUnitTest tests[] = {UNIT_WITH_CX(the_vector_of_the_contract), UNIT_WITH_CX(nothing_else_is_taken),
                                     UNIT_WITH_CX(without_a_session_there_is_none)};
  if (us_crypto_setup() != 0)
    return 1;
  int failed = UNIT_RUN(tests);
  us_crypto_done();
  return failed;
}
