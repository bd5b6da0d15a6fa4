/* Permission tickets: see ticket.h. */
#include "domain/ticket.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/mem.h"
#include "domain/audit.h"
#include "domain/extension.h"
#include "store/resources.h"
#include "store/rpts.h"
#include "store/tickets.h"
#include "json/json.h"
#include "json/write.h"

#define PERMISSIONS_TEXT_MAX (1024 * 1024) /* far more than what fits into a body of 64 KiB */

static struct us_permission *permission_on(struct us_permissions *permissions, int64_t resource_id) {
  for (size_t i = 0; i < permissions->n; i++)
    if (permissions->v[i].resource_id == resource_id)
      return &permissions->v[i];
  return NULL;
}

enum us_code us_ticket_want(struct us_cx *cx, const struct us_access *pat, struct us_str uuid, struct us_strs scopes,
                            struct us_permissions *permissions) {
  struct us_resource_space space = {
      .realm_id = pat->token.realm_id, .owner_id = pat->token.account_id, .rs_ref = pat->token.client_ref};
  struct us_resource resource;
  enum us_code code = us_resources_access_in_space(cx, space, uuid, &resource);
  if (code == US_E_NOT_FOUND) /* also another owner's or another resource server's (UF-40) */
    return us_fail(cx, US_E_INVALID_RESOURCE_ID, "Could not find Resource Set, %.*s", US_STR_ARG(uuid));
  US_TRY(code);
  if (!us_strs_contains_all(resource.scopes, scopes))
    return us_fail(cx, US_E_INVALID_SCOPE, "Requested scopes are not in allowed scopes for resource set.");
  US_TRY(us_extension_go_on(cx, us_extension_on_permission_request(cx, pat, &resource, scopes)));

  struct us_permission *permission = permission_on(permissions, resource.id);
  if (!permission) {
    permission = &permissions->v[permissions->n++];
    *permission = (struct us_permission){.resource_id = resource.id, .uuid = resource.uuid};
  }
  permission->scopes = us_strs_union(cx->mem, permission->scopes, scopes);
  return permission->scopes.v ? US_OK : us_fail_plain(cx, US_E_NO_MEMORY);
}

enum us_code us_ticket_permissions_text(struct us_cx *cx, const struct us_permissions *permissions,
                                        struct us_str *ret_text) {
  struct us_buf text;
  struct us_json_writer w;
  us_buf_init(&text, PERMISSIONS_TEXT_MAX);
  us_json_writer_init(&w, &text);
  us_json_open(&w, '[');
  for (size_t i = 0; i < permissions->n; i++) {
    us_json_open(&w, '[');
    us_json_i64(&w, permissions->v[i].resource_id);
    us_json_str(&w, permissions->v[i].uuid);
    us_json_strs(&w, permissions->v[i].scopes);
    us_json_close(&w, ']');
  }
  us_json_close(&w, ']');
  struct us_str copy = us_buf_ok(&text) ? us_str_dup(cx->mem, us_buf_str(&text)) : US_STR_ABSENT;
  us_buf_done(&text);
  if (!copy.p)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  *ret_text = copy;
  return US_OK;
}

enum us_code us_ticket_issue(struct us_cx *cx, const struct us_realm *realm, const struct us_access *pat,
                             struct us_str permissions_text, struct us_handle *ret_handle) {
  int64_t now_s = us_cx_now_s(cx);
  struct us_ticket_row row = {
      .ticket = {.tid = us_next_id(cx),
                 .realm_id = realm->id,
                 .owner_id = pat->token.account_id,
                 .rs_ref = pat->token.client_ref,
                 .created_s = now_s,
                 .expires_s = now_s + realm->settings.permission_ticket_s},
      .permissions = permissions_text,
  };
  us_handle_mint(row.ticket.tid, 0, ret_handle);
  return us_tickets_insert(cx, &row, ret_handle->digest);
}

static enum us_code read_scopes(struct us_cx *cx, const json_t *list, struct us_strs *ret_scopes) {
  struct us_strs scopes = {US_NEW_ARRAY(cx->mem, struct us_str, json_array_size(list)), 0};
  size_t i;
  json_t *scope;
  if (!scopes.v)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  json_array_foreach(list, i, scope) {
    struct us_str copy = us_str_dup(cx->mem, (struct us_str){json_string_value(scope), json_string_length(scope)});
    if (!copy.p)
      return us_fail_plain(cx, US_E_NO_MEMORY);
    scopes.v[scopes.n++] = copy;
  }
  *ret_scopes = scopes;
  return US_OK;
}

/* The text is ours, so it is read without the limits that hold for input. */
static enum us_code read_permissions(struct us_cx *cx, const json_t *list, struct us_permissions *ret_permissions) {
  struct us_permissions permissions = {US_NEW_ARRAY(cx->mem, struct us_permission, json_array_size(list)), 0};
  size_t i;
  json_t *entry;
  if (!permissions.v)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  json_array_foreach(list, i, entry) {
    struct us_permission *permission = &permissions.v[permissions.n++];
    permission->resource_id = json_integer_value(json_array_get(entry, 0));
    permission->uuid = us_str_dup(cx->mem, us_str_c(json_string_value(json_array_get(entry, 1))));
    US_TRY(read_scopes(cx, json_array_get(entry, 2), &permission->scopes));
  }
  *ret_permissions = permissions;
  return US_OK;
}

static enum us_code parse_permissions(struct us_cx *cx, struct us_str text, struct us_permissions *ret_permissions) {
  json_t *list = us_json_own(cx, json_loadb(text.p, text.n, 0, NULL));
  if (!list)
    return us_fail(cx, US_E_INTERNAL, "the permissions of a ticket cannot be read");
  enum us_code code = read_permissions(cx, list, ret_permissions);
  us_json_drop(cx, list);
  return code;
}

static enum us_code give(struct us_cx *cx, struct us_ticket_row *row, struct us_ticket *ret_ticket) {
  US_TRY(parse_permissions(cx, row->permissions, &row->ticket.permissions));
  *ret_ticket = row->ticket;
  return US_OK;
}

/* A ticket that somebody presents, taken apart, and for whom. */
struct presented {
  const struct us_realm *realm;
  int64_t tid, client_ref;
  char digest[US_SHA256_TEXT_BYTES];
};
static enum us_code take_apart(struct us_cx *cx, const struct us_realm *realm, struct us_str text, int64_t client_ref,
                               struct presented *ret_presented) {
  uint16_t iteration;
  *ret_presented = (struct presented){.realm = realm, .client_ref = client_ref};
  if (!us_handle_parse(text, &ret_presented->tid, &iteration, ret_presented->digest))
    return us_fail_plain(cx, US_E_NOT_FOUND);
  return US_OK;
}

/* Not to be had. Somebody else's? Only who shows the whole handle may end a process: its digest must match. */
static enum us_code why_not(struct us_cx *cx, const struct presented *p, struct us_ticket *ret_ticket) {
  int64_t bound_to;
  US_TRY(us_tickets_bound_client(cx, p->tid, p->digest, p->realm->id, &bound_to));
  if (bound_to == 0 || bound_to == p->client_ref)
    return us_fail_plain(cx, US_E_NOT_FOUND);
  struct us_ticket_row row = {0};
  US_TRY(us_tickets_kill(cx, p->tid, &row));
  US_TRY(give(cx, &row, ret_ticket));
  return us_fail_plain(cx, US_E_CONFLICT);
}

enum us_code us_ticket_spend(struct us_cx *cx, const struct us_realm *realm, struct us_str text, int64_t client_ref,
                             struct us_ticket *ret_ticket) {
  struct presented p;
  struct us_ticket_row row = {0};
  US_TRY(take_apart(cx, realm, text, client_ref, &p));
  enum us_code code = us_tickets_spend(cx, p.tid, p.digest, realm->id, client_ref, &row);
  if (code == US_E_NOT_FOUND)
    return why_not(cx, &p, ret_ticket);
  US_TRY(code);
  return give(cx, &row, ret_ticket);
}

enum us_code us_ticket_is_known(struct us_cx *cx, const struct us_realm *realm, struct us_str text) {
  struct presented p;
  int64_t bound_to;
  US_TRY(take_apart(cx, realm, text, 0, &p));
  return us_tickets_bound_client(cx, p.tid, p.digest, realm->id, &bound_to);
}

enum us_code us_ticket_claim(struct us_cx *cx, const struct us_realm *realm, struct us_str text, int64_t client_ref,
                             const struct us_ticket_challenge *challenge, struct us_ticket *ret_ticket) {
  struct presented p;
  struct us_ticket_row row = {0};
  US_TRY(take_apart(cx, realm, text, client_ref, &p));
  enum us_code code = us_tickets_claim(cx, p.tid, p.digest, realm->id, client_ref, challenge, &row);
  if (code == US_E_NOT_FOUND)
    return why_not(cx, &p, ret_ticket);
  US_TRY(code);
  return give(cx, &row, ret_ticket);
}

enum us_code us_ticket_succeed(struct us_cx *cx, const struct us_realm *realm, struct us_ticket *ticket,
                               enum us_ticket_state state, struct us_handle *ret_handle) {
  if (ticket->iteration >= US_TICKET_ITERATIONS_MAX)
    return us_fail_plain(cx, US_E_REQUEST_DENIED);
  int64_t expires_s = us_cx_now_s(cx) + realm->settings.permission_ticket_s;
  int64_t end_s = ticket->created_s + US_TICKET_PROCESS_MAX_S;
  ticket->expires_s = expires_s < end_s ? expires_s : end_s;
  ticket->iteration++;
  ticket->state = state;
  us_handle_mint(ticket->tid, (uint16_t)ticket->iteration, ret_handle);
  return us_tickets_rotate(cx, ticket, ret_handle->digest);
}

enum us_code us_ticket_discard(struct us_cx *cx, const struct us_ticket *ticket) {
  struct us_ticket_row row = {0};
  return us_tickets_kill(cx, ticket->tid, &row);
}

/* For each resource of the ticket a line of the owner's; the party, if there is one, has no part in it. */
static enum us_code audit_replay(struct us_cx *cx, const struct us_realm *realm, const struct us_ticket *ticket,
                                 struct us_str client_id) {
  size_t count = ticket->permissions.n;
  struct us_audit *events = US_NEW_ARRAY(cx->mem, struct us_audit, count);
  if (!events)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < count; i++) {
    struct us_resource resource = {0};
    enum us_code code = us_resources_access_by_id(cx, ticket->permissions.v[i].resource_id, &resource);
    if (code != US_OK && code != US_E_NOT_FOUND)
      return code;
    us_error_clear(cx);
    events[i] = (struct us_audit){.kind = US_AUDIT_TICKET_REPLAYED,
                                  .account_id = ticket->owner_id,
                                  .resource_uuid = ticket->permissions.v[i].uuid,
                                  .resource_name = resource.name,
                                  .party_name = client_id};
  }
  return us_audit_add(cx, realm->id, events, count);
}

enum us_code us_ticket_end_process(struct us_cx *cx, const struct us_realm *realm, const struct us_ticket *ticket,
                                   struct us_str client_id) {
  US_TRY(us_rpts_delete_by_tid(cx, ticket->tid));
  return audit_replay(cx, realm, ticket, client_id);
}

enum us_code us_ticket_add_pending(struct us_cx *cx, struct us_ticket *ticket, int64_t pending_id) {
  json_t *ids = us_json_own(cx, json_loadb(ticket->pending_ids.p, ticket->pending_ids.n, 0, NULL));
  if (!ids)
    return us_fail(cx, US_E_INTERNAL, "the pending requests of a ticket cannot be read");
  size_t i;
  json_t *id;
  json_array_foreach(ids, i, id) {
    if (json_integer_value(id) == pending_id)
      return US_OK;
  }
  if (json_array_size(ids) >= US_TICKET_PENDING_MAX && json_array_remove(ids, 0) != 0)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  if (json_array_append_new(ids, json_integer(pending_id)) != 0)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  struct us_str text = us_json_dump(cx, ids);
  us_json_drop(cx, ids);
  if (!text.p)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  ticket->pending_ids = text;
  return US_OK;
}
