/* What the files about /json/sessions share: who may handle which session, its name, and how it is shown (REST contract b.4). */
#ifndef USHER_ENDPOINT_CREST_SESSION_VIEW_H
#define USHER_ENDPOINT_CREST_SESSION_VIEW_H

#include "endpoint/call.h"

/* May the caller handle sessions of this realm that are not his own? As its administrator, or of everything. */
bool us_session_may_manage(const struct us_call *call, int64_t realm_id);
/* A name for a session that is no secret, in sixteen characters: properties.AMCtxId, sessionUid, sessionHandle. And back; false when
 * it is none. */
struct us_str us_session_name(struct us_cx *cx, const struct us_session *session);
bool us_session_name_parse(struct us_str name, int64_t *ret_id);
/* username, universalId, realm; then the three times. Into an object that is open. */
void us_session_write_who(struct us_cx *cx, struct us_json_writer *w, const struct us_login *login);
void us_session_write_times(struct us_cx *cx, struct us_json_writer *w, const struct us_session *session);

#endif
