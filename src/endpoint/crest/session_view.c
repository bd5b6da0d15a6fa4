/* Sessions as they are shown: see session_view.h. */
#include "endpoint/crest/session_view.h"

#include <inttypes.h>

#include "base/clock.h"
#include "domain/account.h"
#include "domain/session.h"

#define NAME_CHARS 16

bool us_session_may_manage(const struct us_call *call, int64_t realm_id) {
  const struct us_login *own = &call->caller.login;
  if (call->caller.kind != US_CALLER_SESSION)
    return false;
  return own->is_super || (own->account.is_admin && own->account.realm_id == realm_id);
}

struct us_str us_session_name(struct us_cx *cx, const struct us_session *session) {
  return us_str_fmt(cx->mem, "%016" PRIx64, (uint64_t)session->id);
}

bool us_session_name_parse(struct us_str name, int64_t *ret_id) {
  uint64_t id = 0;
  if (name.n != NAME_CHARS)
    return false;
  for (size_t i = 0; i < name.n; i++) {
    char c = name.p[i];
    if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
      return false;
    id = id << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
  }
  if (id > INT64_MAX)
    return false;
  *ret_id = (int64_t)id;
  return true;
}

void us_session_write_who(struct us_cx *cx, struct us_json_writer *w, const struct us_login *login) {
  us_json_member(w, "username", login->account.name);
  us_json_member(w, "universalId", us_account_universal_id(cx, login->realm_path, login->account.name));
  us_json_member(w, "realm", login->realm_path);
}

static void write_time(struct us_json_writer *w, const char *name, int64_t ms) {
  char text[US_TIME_ISO_BYTES];
  us_time_iso_s(ms, text);
  us_json_member(w, name, us_str_c(text));
}

void us_session_write_times(struct us_cx *cx, struct us_json_writer *w, const struct us_session *session) {
  write_time(w, "latestAccessTime", session->touched_ms);
  write_time(w, "maxIdleExpirationTime", us_session_idle_end_ms(cx, session));
  write_time(w, "maxSessionExpirationTime", session->expires_ms);
}
