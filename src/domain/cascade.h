/*
 * What goes along when an account, a group, a client or a realm goes (protocol contract 11.3, REST contract i.3), or when somebody
 * comes into a group or leaves it.
 *
 * Nothing waits for it: rows whose reference is gone count as dead everywhere, so access ends with the commit that removes the
 * account or client. What others have through somebody who goes ends with that commit too, on up to US_CASCADE_ROWS resources, and
 * with the portion that comes to it on more. What is left is tidying, which may be long; it is done in portions of at most US_CASCADE_ROWS rows or
 * resources a transaction. The first portion runs in the transaction of the event; if that was not all, a note in the store says
 * so and us_cascade_continue() (called by app/cleanup.c) goes on, also after a restart.
 */
#ifndef USHER_DOMAIN_CASCADE_H
#define USHER_DOMAIN_CASCADE_H

#include "domain/services.h"

#define US_CASCADE_ROWS 1000
#define US_CASCADE_RESOURCES 50     /* each takes policies, requests and labels along */
#define US_CASCADE_GRAPHS 100       /* resources whose shares are recomputed, fewer when they are large: */
#define US_CASCADE_GRANTS_MAX 20000 /* a portion ends when it has read so many */

/* Write steps. The row itself is deleted by the caller, before. */
enum us_code us_cascade_account(struct us_cx *cx, const struct us_account *account) US_MUST_CHECK;
/* A label of a person is gone: it leaves the resources it hung on. */
enum us_code us_cascade_label(struct us_cx *cx, int64_t label_id) US_MUST_CHECK;
/* A resource server is gone or has lost uma_protection: 9.1 says what of its resources goes. */
enum us_code us_cascade_resource_server(struct us_cx *cx, const struct us_realm *realm, int64_t rs_ref) US_MUST_CHECK;
enum us_code us_cascade_realm(struct us_cx *cx, int64_t realm_id) US_MUST_CHECK;
/* `subject_key` is that of a group which the account has come into or left: what it shares on of resources that are shared with the
 * group is recomputed. */
enum us_code us_cascade_member(struct us_cx *cx, int64_t account_id, struct us_str subject_key) US_MUST_CHECK;
/* usernameAttribute of the realm has changed (after us_config_bump()): shares mean other people now. RPTs are decided anew and what
 * is active is recomputed, resource after resource, by the clean-up of the server. */
enum us_code us_cascade_names(struct us_cx *cx, int64_t realm_id) US_MUST_CHECK;
struct us_group;
enum us_code us_cascade_group(struct us_cx *cx, const struct us_group *group) US_MUST_CHECK;

/* Shares name people and groups by their names: a name is not given out again while shares with its former owner may be left. */
enum us_code us_cascade_holds_name(struct us_cx *cx, int64_t realm_id, struct us_str name_key,
                                   bool *ret_holds) US_MUST_CHECK;
enum us_code us_cascade_holds_group(struct us_cx *cx, int64_t realm_id, struct us_str name_key,
                                    bool *ret_holds) US_MUST_CHECK;
/* One portion of what is left. *ret_more: call again. */
enum us_code us_cascade_continue(struct us_cx *cx, bool *ret_more) US_MUST_CHECK;

#endif
