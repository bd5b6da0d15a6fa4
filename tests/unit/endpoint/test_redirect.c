/* Sending browsers back: the client's URI stays as it is, parameters are encoded, nothing of a form is sent on. */
#include "../unit.h"

#include "endpoint/web/redirect.h"

static struct us_str with(struct us_cx *cx, const char *uri, const char *state) {
  const struct us_redirect_param params[] = {
      {"code", US_STR("c-1")}, {"state", us_str_c(state)}, {"iss", US_STR("http://127.0.0.1:8080/am/oauth2")}};
  return us_redirect_uri(cx, us_str_c(uri), params, 3);
}
#define ISS "iss=http%3A%2F%2F127.0.0.1%3A8080%2Fam%2Foauth2"

static void parameters_come_behind_the_uri(void **state) {
  struct us_cx *cx = *state;
  assert_str(with(cx, "https://c.test/cb", "x"), "https://c.test/cb?code=c-1&state=x&" ISS);
  assert_str(with(cx, "com.example.app:/cb", "x"), "com.example.app:/cb?code=c-1&state=x&" ISS);
  assert_str(with(cx, "https://c.test", "x"), "https://c.test?code=c-1&state=x&" ISS);
}

static void the_clients_own_query_stays(void **state) {
  struct us_cx *cx = *state;
  assert_str(with(cx, "https://c.test/cb?a=%20b+c&&d", "x"), "https://c.test/cb?a=%20b+c&&d&code=c-1&state=x&" ISS);
  assert_str(with(cx, "https://c.test/cb?", "x"), "https://c.test/cb?code=c-1&state=x&" ISS);
  assert_str(with(cx, "https://c.test/cb?a=b&", "x"), "https://c.test/cb?a=b&code=c-1&state=x&" ISS);
  assert_str(with(cx, "https://c.test/cb?code=mine", "x"), "https://c.test/cb?code=mine&code=c-1&state=x&" ISS);
}

static void absent_values_are_left_out(void **state) {
  struct us_cx *cx = *state;
  const struct us_redirect_param params[] = {{"a", US_STR_ABSENT}, {"b", US_STR("")}, {"c", US_STR_ABSENT}};
  assert_str(with(cx, "https://c.test/cb", NULL), "https://c.test/cb?code=c-1&" ISS);
  assert_str(us_redirect_uri(cx, US_STR("https://c.test/cb"), params, 3), "https://c.test/cb?b=");
  assert_str(us_redirect_uri(cx, US_STR("https://c.test/cb"), params, 1), "https://c.test/cb");
}

/* OA-14: whatever bytes a state has, decoding gives them back, and none of them ends the value or the line. */
static void any_bytes_come_back(void **state) {
  struct us_cx *cx = *state;
  char all[255];
  for (int i = 0; i < 255; i++)
    all[i] = (char)(i + 1);
  const struct us_redirect_param param = {"state", {all, sizeof(all)}};
  struct us_str uri = us_redirect_uri(cx, US_STR("x:"), &param, 1), back;
  for (size_t i = 0; i < uri.n; i++)
    assert_true(uri.p[i] > ' ' && uri.p[i] < 0x7f);
  struct us_str value = {uri.p + strlen("x:?state="), uri.n - strlen("x:?state=")};
  assert_null(memchr(value.p, '&', value.n));
  const char *text = us_str_cdup(cx->mem, value);
  char *decoded = us_mem_alloc(cx->mem, value.n);
  back = (struct us_str){decoded, 0};
  for (const char *at = text; *at != '\0'; at++) {
    char c = *at;
    if (c == '%') {
      c = (char)strtol((char[]){at[1], at[2], '\0'}, NULL, 16);
      at += 2;
    }
    decoded[back.n++] = c;
  }
  assert_int_equal(back.n, sizeof(all));
  assert_memory_equal(back.p, all, sizeof(all));
}

static struct us_str header(const struct us_http_response *response, const char *name) {
  for (size_t i = 0; i < response->header_count; i++) {
    if (us_str_eq_c(response->headers[i].name, name))
      return response->headers[i].value;
  }
  return US_STR_ABSENT;
}

static void answer(struct us_cx *cx, enum us_method method, bool is_after_form, int status) {
  struct us_http_response response;
  struct us_call call = {.cx = *cx, .method = method, .response = &response};
  const struct us_redirect_param param = {"error", US_STR("access_denied")};
  us_http_response_init(&response);
  us_buf_add_c(&response.body, "what an earlier run wrote");
  us_http_response_header(&response, "X-Old", US_STR("1"));
  if (is_after_form)
    assert_int_equal(us_answer_after_form(&call, US_STR("https://c.test/cb?error=access_denied")), US_OK);
  else
    assert_int_equal(us_answer_redirect(&call, US_STR("https://c.test/cb"), &param, 1), US_OK);
  assert_int_equal(response.status, status);
  assert_str(header(&response, "Location"), "https://c.test/cb?error=access_denied");
  assert_str(header(&response, "Referrer-Policy"), "no-referrer");
  assert_null(header(&response, "X-Old").p);
  assert_int_equal(response.body.n, 0);
  us_http_response_done(&response);
}

/* SB-07: never 307 or 308. */
static void a_form_is_answered_by_303(void **state) {
  answer(*state, US_METHOD_GET, true, 302);
  answer(*state, US_METHOD_POST, true, 303);
}

/* Contract 3.2, 7.3 */
static void clients_are_answered_by_302(void **state) {
  answer(*state, US_METHOD_GET, false, 302);
  answer(*state, US_METHOD_POST, false, 302);
}

static void without_memory_there_is_no_half_a_redirect(void **state) {
  (void)state;
  struct us_cx *cx = unit_cx_new(4096);
  struct us_http_response response;
  struct us_call call = {.cx = *cx, .method = US_METHOD_GET, .response = &response};
  static char state_text[4000];
  memset(state_text, '%', sizeof(state_text));
  const struct us_redirect_param param = {"state", {state_text, sizeof(state_text)}};
  us_http_response_init(&response);
  assert_null(us_redirect_uri(cx, US_STR("https://c.test/cb"), &param, 1).p);
  assert_int_equal(us_answer_redirect(&call, US_STR("https://c.test/cb"), &param, 1), US_E_NO_MEMORY);
  us_http_response_done(&response);
  unit_cx_free(cx);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      UNIT_WITH_CX(parameters_come_behind_the_uri),
      UNIT_WITH_CX(the_clients_own_query_stays),
      UNIT_WITH_CX(absent_values_are_left_out),
      UNIT_WITH_CX(any_bytes_come_back),
      UNIT_WITH_CX(a_form_is_answered_by_303),
      UNIT_WITH_CX(clients_are_answered_by_302),
      cmocka_unit_test(without_memory_there_is_no_half_a_redirect),
  };
  return UNIT_RUN(tests);
}
