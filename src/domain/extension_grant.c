/* Points inside the UMA grant (4 to 6): see extension.h. */
#include "domain/extension_in.h"

struct views {
  struct us_ticket_view ticket;
  struct us_party_view party, owner;
};

/* The ask points into *views. */
static struct us_ask ask_of(struct us_cx *cx, enum us_hook hook, const struct us_extension_grant *grant,
                            struct views *views) {
  struct us_ask ask = {.hook = hook, .requested = grant->requested, .granted = grant->granted};
  *views = (struct views){
      .ticket = {.cx = cx, .grant = grant},
      .party = {.cx = cx, .account = grant->party},
      .owner = {.cx = cx, .id = grant->resource->owner_id},
  };
  us_ask_add(&ask, US_DOC_TICKET, false, us_ticket_view_text, &views->ticket);
  us_ask_add(&ask, US_DOC_PARTY, false, us_party_view_text, &views->party);
  us_ask_add(&ask, US_DOC_PARTY, false, us_party_view_text, &views->owner);
  return ask;
}

enum us_code us_extension_before_authorization(struct us_cx *cx, const struct us_extension_grant *grant) {
  struct views views;
  if (!us_extension_has(cx, US_HOOK_BEFORE_AUTHORIZATION))
    return US_OK;
  struct us_ask ask = ask_of(cx, US_HOOK_BEFORE_AUTHORIZATION, grant, &views), *answer;
  enum us_code code = us_extension_consult(cx, &ask, &answer);
  us_ask_done(&ask);
  if (code == US_E_VETO)
    cx->err.keeps_writes = true;
  return code;
}

enum us_code us_extension_after_authorization(struct us_cx *cx, const struct us_extension_grant *grant,
                                              bool is_granted) {
  enum us_hook hook = is_granted ? US_HOOK_AFTER_SUCCESSFUL_AUTHORIZATION : US_HOOK_AFTER_FAILED_AUTHORIZATION;
  struct views views;
  if (!us_extension_has(cx, hook))
    return US_OK;
  struct us_ask ask = ask_of(cx, hook, grant, &views);
  return us_extension_tell(cx, &ask);
}
