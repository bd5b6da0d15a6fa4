/* The owner's side, /json (REST contract): one file a collection. */
#ifndef USHER_ENDPOINT_CREST_CREST_H
#define USHER_ENDPOINT_CREST_CREST_H

#include "endpoint/call.h"

enum us_code us_ep_authenticate_prepare(struct us_call *call);
enum us_code us_ep_authenticate_run(struct us_call *call);
enum us_code us_ep_authenticate_finish(struct us_call *call);
enum us_code us_ep_session_info(struct us_call *call);
enum us_code us_ep_session_use_prepare(struct us_call *call); /* of what resets the idle timer */
enum us_code us_ep_session_use(struct us_call *call);
enum us_code us_ep_session_info_finish(struct us_call *call);
enum us_code us_ep_session_refresh_finish(struct us_call *call);
enum us_code us_ep_session_validate(struct us_call *call);
enum us_code us_ep_session_logout(struct us_call *call);
enum us_code us_ep_session_logout_handles(struct us_call *call);
enum us_code us_ep_session_logout_user(struct us_call *call);
enum us_code us_ep_session_query(struct us_call *call);
enum us_code us_ep_profile(struct us_call *call);
enum us_code us_ep_application_query(struct us_call *call);
enum us_code us_ep_application_read(struct us_call *call);
enum us_code us_ep_application_delete(struct us_call *call);
enum us_code us_ep_policy_put(struct us_call *call);    /* create, update, upsert: by preconditions (a.6) */
enum us_code us_ep_policy_create(struct us_call *call); /* POST */
enum us_code us_ep_policy_read(struct us_call *call);
enum us_code us_ep_policy_delete(struct us_call *call);
enum us_code us_ep_policy_query(struct us_call *call);
enum us_code us_ep_pending_query(struct us_call *call);
enum us_code us_ep_pending_read(struct us_call *call);
enum us_code us_ep_pending_approve(struct us_call *call);
enum us_code us_ep_pending_deny(struct us_call *call);
enum us_code us_ep_pending_approve_all(struct us_call *call);
enum us_code us_ep_pending_deny_all(struct us_call *call);
enum us_code us_ep_audit_query(struct us_call *call);
enum us_code us_ep_audit_get_history(struct us_call *call);
enum us_code us_ep_entry_query(struct us_call *call);
enum us_code us_ep_entry_read(struct us_call *call);
enum us_code us_ep_entry_put(struct us_call *call);
enum us_code us_ep_entry_delete(struct us_call *call);
enum us_code us_ep_policy_stop_sharing(struct us_call *call);
enum us_code us_ep_policy_evaluate(struct us_call *call);
enum us_code us_ep_server_info(struct us_call *call);
enum us_code us_ep_id_from_session(struct us_call *call);
enum us_code us_ep_label_prepare(struct us_call *call);
enum us_code us_ep_label_create(struct us_call *call);
enum us_code us_ep_label_query(struct us_call *call);
enum us_code us_ep_label_delete(struct us_call *call);
enum us_code us_ep_set_query(struct us_call *call);
enum us_code us_ep_set_read(struct us_call *call);
enum us_code us_ep_set_prepare(struct us_call *call);
enum us_code us_ep_set_update(struct us_call *call);
enum us_code us_ep_set_revoke_prepare(struct us_call *call);
enum us_code us_ep_set_revoke_all(struct us_call *call);
enum us_code us_ep_resource_type_query(struct us_call *call);
enum us_code us_ep_resource_type_read(struct us_call *call);
enum us_code us_ep_resource_type_prepare(struct us_call *call);
enum us_code us_ep_resource_type_put(struct us_call *call);
enum us_code us_ep_resource_type_delete(struct us_call *call);
enum us_code us_ep_shares_query(struct us_call *call);

#endif
