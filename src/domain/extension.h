/*
 * Extension points: where plugins are asked and told (REST contract j). One function for each of the eleven methods, called by the
 * domain function that does the deed, at the moment that j.2 names. What such a function returns is passed on with US_TRY, as ever:
 *
 *   US_TRY(us_extension_before_registration(cx, &row, &in));       may have edited `in`; or a veto; or "ask first"
 *
 * How "ask first" works. A plugin may take its time, and neither an event loop nor the writer has any. So a point that nobody has an
 * answer for records what is asked and returns US_E_TO_HOOKS; the step is undone (a write step is rolled back), plugin/runner.h asks
 * on threads of its own, and the step runs again. At the same point, about the same thing, it now finds the answer. When the thing has
 * changed in between, it is asked about anew: what plugins agreed to is what happens. Plugins that are USHER_QUICK are asked at once.
 *
 * After points record what is told when the step has been committed and the answer is on its way. A step that runs again records anew.
 *
 * extension.c is the machine, extension_text.c what plugins read of things; the points stand in extension_resource.c, extension_grant.c,
 * extension_share.c.
 */
#ifndef USHER_DOMAIN_EXTENSION_H
#define USHER_DOMAIN_EXTENSION_H

#include "domain/resource.h"
#include "domain/share.h"

/* ---- For the pipeline ---- */
#define US_EXTENSION_ROUNDS_MAX 8 /* how often a request goes to ask, when things keep changing; then 503 */

/* Once the realm is known. cx->extension stays NULL where no plugin is loaded. */
enum us_code us_extension_begin(struct us_cx *cx, const struct us_realm *realm) US_MUST_CHECK;
/* A step begins, perhaps again. */
void us_extension_step(struct us_cx *cx);
/* What the step came to: US_E_TO_HOOKS when it recorded something to be asked, whatever else it says; US_E_UNAVAILABLE after too many
 * rounds. */
enum us_code us_extension_outcome(struct us_cx *cx, enum us_code code) US_MUST_CHECK;
/* Has it all asked; done(self) is called once, on some thread, perhaps before this returns. False: no room, nothing will be called. */
bool us_extension_ask(struct us_cx *cx, void (*done)(void *self), void *self) US_MUST_CHECK;
/* Behind done(), before the step runs again. US_E_EXTENSION: a plugin failed or was late; the step need not run. */
enum us_code us_extension_asked(struct us_cx *cx) US_MUST_CHECK;
/* The step is committed: what it recorded is told. */
void us_extension_committed(struct us_cx *cx);

/* For a step that does many things: "ask first" about one of them is no reason not to go on to the next, so that all are asked at
 * once. The pipeline sees to it that nothing of the step is kept. */
enum us_code us_extension_go_on(struct us_cx *cx, enum us_code code) US_MUST_CHECK;

/* ---- Points ---- */

/* 1. *in may come back edited: checked again. */
enum us_code us_extension_before_registration(struct us_cx *cx, const struct us_resource *row,
                                              struct us_resource_input *in) US_MUST_CHECK;
/* 2. */
enum us_code us_extension_after_registration(struct us_cx *cx, const struct us_resource *row) US_MUST_CHECK;
/* 3. */
enum us_code us_extension_on_permission_request(struct us_cx *cx, const struct us_access *pat,
                                                const struct us_resource *resource,
                                                struct us_strs scopes) US_MUST_CHECK;

/* 4 to 6, for one resource of a ticket. */
struct us_extension_grant {
  const struct us_ticket *ticket;
  const struct us_resource *resource;
  const struct us_account *party;
  struct us_str client_id;
  struct us_strs requested, granted;
};
/* A veto keeps writes: the ticket stays spent. */
enum us_code us_extension_before_authorization(struct us_cx *cx, const struct us_extension_grant *grant) US_MUST_CHECK;
enum us_code us_extension_after_authorization(struct us_cx *cx, const struct us_extension_grant *grant,
                                              bool is_granted) US_MUST_CHECK;

/* 7 and 9 (`old` is the policy as it stands). *wish is complete and checked; *ret_is_edited: check it again. `old`, `policy`: with their
 * sharer. */
enum us_code us_extension_before_shared(struct us_cx *cx, const struct us_resource *resource, int64_t sharer_id,
                                        const struct us_policy *old, struct us_share_wish *wish,
                                        bool *ret_is_edited) US_MUST_CHECK;
/* 8 */
enum us_code us_extension_after_shared(struct us_cx *cx, const struct us_resource *resource,
                                       const struct us_policy *policy) US_MUST_CHECK;
/* 10 */
enum us_code us_extension_on_deletion(struct us_cx *cx, const struct us_resource *resource,
                                      const struct us_policy *policy) US_MUST_CHECK;
/* 11. *filter: text in, text out. *ret_is_edited: a plugin wrote it. */
enum us_code us_extension_before_query(struct us_cx *cx, struct us_str user_name, struct us_str *filter,
                                       bool *ret_is_edited) US_MUST_CHECK;

/* An edit made `what` ("policy", "resource", "filter") invalid; the reason is in cx->err and goes into the log. What is no fault of the
 * edit (the store, memory) passes. */
enum us_code us_extension_invalid(struct us_cx *cx, const char *what);

#endif
