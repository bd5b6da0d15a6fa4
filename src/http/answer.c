/* Heads of answers and refusals: see http/answer.h. */
#include "http/answer.h"

#include <time.h>

/* RFC 9110 5.6.7. By hand, because strftime speaks the locale's language. */
static void us_date_line_make(struct us_date_line *line, time_t second) {
  static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  struct tm tm;
  struct us_buf b;
  us_buf_init(&b, sizeof line->text);
  if (gmtime_r(&second, &tm))
    us_buf_addf(&b, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n", days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
                tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
  line->n = 0;
  if (us_buf_ok(&b))
    for (; line->n < b.n; line->n++)
      line->text[line->n] = b.p[line->n];
  us_buf_done(&b);
  line->second = second;
}

struct us_str us_date_line_now(struct us_date_line *line) {
  struct timespec now;
  /* The coarse clock is a read of shared memory; a tick late does not matter in whole seconds. */
  if (clock_gettime(CLOCK_REALTIME_COARSE, &now) == 0 && (line->n == 0 || now.tv_sec != line->second))
    us_date_line_make(line, now.tv_sec);
  return (struct us_str){line->text, line->n};
}

struct us_str us_date_now(struct us_date_line *line) {
  struct us_str all = us_date_line_now(line);
  size_t before = sizeof "Date: " - 1, behind = sizeof "\r\n" - 1;
  return all.n > before + behind ? (struct us_str){all.p + before, all.n - before - behind} : (struct us_str){"", 0};
}

static bool us_status_has_body(int status) {
  return status >= 200 && status != 204 && status != 304;
}

bool us_answer_has_body(const struct us_http_response *response, bool is_head) {
  return !is_head && us_status_has_body(response->status);
}

bool us_answer_head(struct us_buf *head, const struct us_http_response *response, struct us_str date_line,
                    const struct us_answer_facts *facts) {
  us_buf_add_str(head, US_STR("HTTP/1.1 "));
  us_buf_add_i64(head, response->status);
  us_buf_add_char(head, ' ');
  us_buf_add_c(head, us_status_reason(response->status));
  us_buf_add_str(head, US_STR("\r\n"));
  us_buf_add_str(head, date_line);
  for (size_t i = 0; i < response->header_count; i++) {
    us_buf_add_str(head, response->headers[i].name);
    us_buf_add_str(head, US_STR(": "));
    us_buf_add_str(head, response->headers[i].value);
    us_buf_add_str(head, US_STR("\r\n"));
  }
  /* RFC 9110 8.6: never in a 204; in a 304 it would have to be the length of the 200, which nobody has computed. */
  if (us_status_has_body(response->status)) {
    us_buf_add_str(head, US_STR("Content-Length: "));
    us_buf_add_i64(head, (int64_t)response->body.n);
    us_buf_add_str(head, US_STR("\r\n"));
  }
  if (facts->closes)
    us_buf_add_str(head, US_STR("Connection: close\r\n"));
  else if (facts->is_http10)
    us_buf_add_str(head, US_STR("Connection: keep-alive\r\n"));
  us_buf_add_str(head, US_STR("\r\n"));
  return us_buf_ok(head);
}

static bool us_response_has(const struct us_http_response *response, struct us_str name) {
  for (size_t i = 0; i < response->header_count; i++)
    if (us_str_eq_nocase(response->headers[i].name, name))
      return true;
  return false;
}

static void us_header_unless_there(struct us_http_response *response, const char *name, struct us_str value) {
  if (!us_response_has(response, us_str_c(name)))
    us_http_response_header(response, name, value);
}

static const char *us_plain_error(int status) {
  if (status == 503)
    return "{\"error\":\"temporarily_unavailable\"}";
  return status >= 500 ? "{\"error\":\"server_error\"}" : "{\"error\":\"invalid_request\"}";
}

void us_answer_refuse(struct us_http_response *response, const struct us_http_options *options, int status,
                      const char *reason, struct us_str target) {
  response->status = status;
  if (options->render_refusal) {
    options->render_refusal(options->self, status, reason, target, response);
    response->status = status;
  } else {
    us_buf_add_c(&response->body, us_plain_error(status));
    us_http_response_header(response, "Content-Type", US_STR("application/json"));
    us_http_response_header(response, "Cache-Control", US_STR("no-store"));
  }
  /* HT-23, HT-24 */
  us_header_unless_there(response, "X-Content-Type-Options", US_STR("nosniff"));
  if (status == 503)
    us_header_unless_there(response, "Retry-After", US_STR("1"));
  response->close = true;
}
