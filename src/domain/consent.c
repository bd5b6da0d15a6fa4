/* Consent: see consent.h. */
#include "domain/consent.h"

#include "domain/client.h"
#include "domain/redirect_uri.h"
#include "store/consents.h"
#include "store/pcts.h"

/* What there is; nothing of it when there is no row. */
static enum us_code find(struct us_cx *cx, int64_t account_id, int64_t client_ref, struct us_consent *ret_consent) {
  enum us_code code = us_consents_find(cx, account_id, client_ref, ret_consent);
  if (code != US_E_NOT_FOUND)
    return code;
  us_error_clear(cx);
  *ret_consent = (struct us_consent){.account_id = account_id, .client_ref = client_ref};
  return US_OK;
}

enum us_code us_consent_is_given(struct us_cx *cx, const struct us_realm *realm, const struct us_client *client,
                                 int64_t account_id, struct us_str redirect_uri, struct us_strs scopes,
                                 bool *ret_is_given) {
  struct us_consent consent;
  if (client->implies_consent && realm->settings.clients_can_skip_consent) {
    *ret_is_given = true;
    return US_OK;
  }
  *ret_is_given = false;
  if (client->is_public && us_redirect_uri_is_of_device(redirect_uri))
    return US_OK;
  US_TRY(find(cx, account_id, client->ref, &consent));
  *ret_is_given = consent.remembered.n > 0 && us_strs_contains_all(consent.remembered, scopes);
  return US_OK;
}

enum us_code us_consent_allow(struct us_cx *cx, const struct us_client *client, int64_t account_id,
                              struct us_strs scopes, bool remember) {
  struct us_consent consent;
  US_TRY(find(cx, account_id, client->ref, &consent));
  if (us_strs_contains_all(consent.scopes, scopes) && (!remember || us_strs_contains_all(consent.remembered, scopes)))
    return US_OK;
  consent.realm_id = client->realm_id;
  consent.modified_ms = cx->now_ms;
  consent.scopes = us_strs_union(cx->mem, consent.scopes, scopes);
  if (remember)
    consent.remembered = us_strs_union(cx->mem, consent.remembered, scopes);
  if (consent.scopes.v == NULL || (remember && consent.remembered.v == NULL))
    return us_fail_plain(cx, US_E_NO_MEMORY);
  return us_consents_put(cx, &consent);
}

enum us_code us_consent_stands(struct us_cx *cx, int64_t account_id, int64_t client_ref, int64_t id, bool *ret_stands) {
  struct us_consent consent;
  US_TRY(find(cx, account_id, client_ref, &consent));
  *ret_stands = id >= consent.valid_from;
  return US_OK;
}

/* By key, and by nothing else: the order is ours. */
static const struct us_list everything = {.fields = NULL, .field_count = 0, .refusal = US_LIST_REFUSE_400};

enum us_code us_consent_page(struct us_cx *cx, int64_t account_id, const struct us_list_query *query, us_consent_fn see,
                             void *self, struct us_list_end *ret_end) {
  struct us_filter all = {.kind = US_FILTER_TRUE};
  struct us_list_query ordered = *query;
  ordered.list = &everything;
  ordered.filter = &all;
  ordered.key_count = 0;
  return us_consents_page(cx, account_id, &ordered, see, self, ret_end);
}

enum us_code us_consent_find(struct us_cx *cx, const struct us_realm *realm, int64_t account_id,
                             struct us_str client_id, struct us_consent *ret_consent) {
  struct us_client client;
  struct us_consent consent;
  US_TRY(us_client_by_id(cx, realm->id, client_id, &client));
  US_TRY(us_consents_find(cx, account_id, client.ref, &consent));
  if (consent.scopes.n == 0)
    return us_fail_plain(cx, US_E_NOT_FOUND);
  consent.client_id = client.client_id;
  consent.client_name = client.display_name;
  *ret_consent = consent;
  return US_OK;
}

enum us_code us_consent_withdraw(struct us_cx *cx, const struct us_consent *consent) {
  struct us_consent ended = *consent;
  ended.valid_from = us_next_id(cx);
  ended.modified_ms = cx->now_ms;
  US_TRY(us_pcts_delete_oldest(cx, consent->account_id, consent->client_ref, 0));
  return us_consents_withdraw(cx, &ended);
}
