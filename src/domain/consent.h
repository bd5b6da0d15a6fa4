/*
 * What people let clients do (protocol contract 3.2; UF-10): said at the consent page, seen and taken back by the person. Of what was
 * allowed a part is remembered: for that nobody is asked again.
 */
#ifndef USHER_DOMAIN_CONSENT_H
#define USHER_DOMAIN_CONSENT_H

#include "domain/services.h"
#include "model/list.h"

/* Need the person not be asked? Everything that is wanted was allowed before, and to be remembered; or the client's registration says
 * that consent is implied, in a realm that lets clients skip it. A public client that is answered on the person's own device is always
 * asked for: any program there may say that it is the one (RFC 8252 8.6). */
enum us_code us_consent_is_given(struct us_cx *cx, const struct us_realm *realm, const struct us_client *client,
                                 int64_t account_id, struct us_str redirect_uri, struct us_strs scopes,
                                 bool *ret_is_given) US_MUST_CHECK;
/* Write step: allowed, in addition to what was before. `remember`: nobody is asked for these again. */
enum us_code us_consent_allow(struct us_cx *cx, const struct us_client *client, int64_t account_id,
                              struct us_strs scopes, bool remember) US_MUST_CHECK;
/* Does what was issued under this id still stand? False when the person has taken the consent back since. */
enum us_code us_consent_stands(struct us_cx *cx, int64_t account_id, int64_t client_ref, int64_t id,
                               bool *ret_stands) US_MUST_CHECK;

/* What an account allows, one client an item: scopes, client_id, client_name (absent without), modified_ms. Items live for one call;
 * false ends the page. Filter and sort keys of `query` are not looked at. */
typedef bool (*us_consent_fn)(struct us_cx *cx, void *self, const struct us_consent *consent);
enum us_code us_consent_page(struct us_cx *cx, int64_t account_id, const struct us_list_query *query, us_consent_fn see,
                             void *self, struct us_list_end *ret_end) US_MUST_CHECK;
/* US_E_NOT_FOUND (an answer): this account allows this client of the realm nothing. */
enum us_code us_consent_find(struct us_cx *cx, const struct us_realm *realm, int64_t account_id,
                             struct us_str client_id, struct us_consent *ret_consent) US_MUST_CHECK;
/* Write step: taken back. Codes, access, refresh and persisted claims tokens that the client holds for this account are dead from now
 * on, whatever grant they came by. */
enum us_code us_consent_withdraw(struct us_cx *cx, const struct us_consent *consent) US_MUST_CHECK;

#endif
