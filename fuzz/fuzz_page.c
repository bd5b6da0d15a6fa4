/*
 * What a browser says about itself and what strangers call themselves: lists with weights (Accept, Accept-Language), and texts that end
 * up in pages. A page has a language that there is, and whatever stood in the text, no tag of its own.
 */
#include <string.h>

#include "base/mem.h"
#include "endpoint/web/page.h"
#include "fuzz.h"

static size_t count(struct us_str text, char c) {
  size_t n = 0;
  for (size_t i = 0; i < text.n; i++)
    n += text.p[i] == c;
  return n;
}

static void write_page(struct us_call *call, struct us_str text, size_t tags) {
  struct us_page page;
  us_page_open(call, 200, US_WORD_CONSENT_TITLE, &page);
  us_page_text(&page, US_WORD_CONSENT_ASKS, text);
  us_page_section(&page, text);
  us_page_item(&page, text);
  us_page_form(&page, text.p ? text : US_STR(""), text);
  us_page_hidden(&page, "state", text.p ? text : US_STR(""));
  if (us_page_close(&page) != US_OK)
    return;
  struct us_str html = us_buf_str(&call->response->body);
  fuzz_must(count(html, '<') == tags || tags == 0);
  fuzz_must(count(html, '<') == count(html, '>'));
  fuzz_must(count(html, '"') % 2 == 0);
  for (size_t i = 0; i < call->response->header_count; i++)
    fuzz_must(memchr(call->response->headers[i].value.p, '\n', call->response->headers[i].value.n) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct us_services svc = {.context_path = US_STR("/am")};
  struct us_cx cx = {.mem = us_mem_root_new(US_MEM_REQUEST_POOL_BYTES, US_MEM_REQUEST_MAX_BYTES), .svc = &svc};
  struct us_str text = {(const char *)data, size};
  const struct us_http_header headers[] = {{US_STR("accept"), text}, {US_STR("accept-language"), text}};
  const struct us_http_request request = {.headers = headers, .header_count = 2, .path = US_STR("/am/XUI/")};
  struct us_http_response response;
  struct us_call call = {.cx = cx, .request = &request, .response = &response, .method = US_METHOD_GET};
  us_http_response_init(&response);
  enum us_lang lang = us_page_lang(&call);
  fuzz_must(lang == US_LANG_EN || lang == US_LANG_DE);
  (void)us_page_is_unwanted(&call);
  write_page(&call, US_STR("x"), 0);
  size_t tags = count(us_buf_str(&response.body), '<');
  write_page(&call, text, tags);
  us_http_response_done(&response);
  us_mem_free(cx.mem);
  return 0;
}
