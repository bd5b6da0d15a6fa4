/* Persisted claims tokens: see pct.h. */
#include "domain/pct.h"

#include "domain/account.h"
#include "domain/audit.h"
#include "domain/consent.h"
#include "store/pcts.h"

enum us_code us_pct_issue(struct us_cx *cx, const struct us_realm *realm, const struct us_client *client,
                          int64_t account_id, struct us_str cnf, struct us_handle *ret_handle) {
  int64_t now_s = us_cx_now_s(cx);
  struct us_pct pct = {
      .id = us_next_id(cx),
      .realm_id = realm->id,
      .client_ref = client->ref,
      .account_id = account_id,
      .issued_s = now_s,
      .expires_s = now_s + realm->settings.pct_s,
      .cnf = cnf,
  };
  struct us_str allowed = US_STR(US_PCT_SCOPE);
  US_TRY(us_consent_allow(cx, client, account_id, (struct us_strs){&allowed, 1}, false));
  US_TRY(us_pcts_delete_oldest(cx, account_id, client->ref, US_PCT_PER_CLIENT_MAX - 1));
  us_handle_mint(pct.id, 0, ret_handle);
  return us_pcts_insert(cx, &pct, ret_handle->digest);
}

static enum us_code find(struct us_cx *cx, const struct us_realm *realm, struct us_str text, struct us_pct *ret_pct) {
  int64_t id;
  uint16_t iteration;
  char digest[US_SHA256_TEXT_BYTES];
  if (!us_handle_parse(text, &id, &iteration, digest))
    return us_fail_plain(cx, US_E_NOT_FOUND);
  return us_pcts_find(cx, id, digest, realm->id, ret_pct);
}

static enum us_code ignore(struct us_cx *cx, const char *why) {
  us_fail_plain(cx, US_E_NOT_FOUND);
  return us_error_detail(cx, "a pct is ignored: %s", why);
}

/* UG-15: it has left the hands of its client. The person is told which client came with it. */
static enum us_code note_foreign_use(struct us_cx *cx, const struct us_realm *realm, const struct us_pct *pct,
                                     const struct us_client *client) {
  struct us_audit event = {.kind = US_AUDIT_PCT_MISUSED,
                           .account_id = pct->account_id,
                           .resource_uuid = US_STR(""),
                           .resource_name = US_STR(""),
                           .party_name = client->client_id};
  return us_audit_add(cx, realm->id, &event, 1);
}

enum us_code us_pct_use(struct us_cx *cx, const struct us_realm *realm, const struct us_client *client,
                        struct us_str text, struct us_str proof, struct us_account *ret_party) {
  struct us_pct pct;
  struct us_account party;
  enum us_code code = find(cx, realm, text, &pct);
  if (code == US_E_NOT_FOUND)
    return ignore(cx, "it is unknown");
  US_TRY(code);
  if (pct.expires_s <= us_cx_now_s(cx))
    return ignore(cx, "it has expired");
  if (pct.client_ref != client->ref) {
    US_TRY(note_foreign_use(cx, realm, &pct, client));
    return ignore(cx, "it belongs to another client");
  }
  if (pct.cnf.n > 0 && !us_str_eq(pct.cnf, proof))
    return ignore(cx, "it is bound to another certificate");
  code = us_account_by_id(cx, pct.account_id, &party);
  if (code != US_OK && code != US_E_NOT_FOUND)
    return code;
  if (code == US_E_NOT_FOUND || party.realm_id != realm->id || !us_account_stands_by(&party, pct.id))
    return ignore(cx, "its account has changed or is gone");
  *ret_party = party;
  return US_OK;
}

enum us_code us_pct_revoke(struct us_cx *cx, const struct us_realm *realm, struct us_str text,
                           const struct us_client *client) {
  struct us_pct pct;
  US_TRY(find(cx, realm, text, &pct));
  if (pct.client_ref != client->ref)
    return us_fail_plain(cx, US_E_INVALID_GRANT);
  return us_pcts_delete(cx, pct.id);
}
