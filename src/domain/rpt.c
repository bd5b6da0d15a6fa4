/*
 * The UMA grant, told as protocol contract 6.2 tells it: us_rpt_grant() below is that list, step by step. Steps 1 to 4 (form,
 * client, syntax) are behind us; nothing of them touched the ticket. From step 6 on the ticket is dead whatever happens, so
 * every refusal keeps its writes.
 */
#include "domain/rpt_in.h"

#include "base/mem.h"
#include "domain/account.h"
#include "domain/consent.h"
#include "domain/extension.h"
#include "domain/id_token.h"
#include "domain/pct.h"
#include "domain/pending.h"
#include "domain/pkce.h"
#include "domain/scope.h"
#include "store/resources.h"
#include "store/rpts.h"

#define POLL_INTERVAL_S 5 /* Q24 */

#define EVENTS_PER_RESOURCE 2

static void note(struct us_rpt_work *g, enum us_audit_kind kind, size_t i) {
  g->events[g->event_count++] = (struct us_audit){.kind = kind,
                                                  .account_id = g->resources[i].owner_id,
                                                  .resource_uuid = g->resources[i].uuid,
                                                  .resource_name = g->resources[i].name,
                                                  .party_name = g->party->name};
}
static void note_all(struct us_rpt_work *g, enum us_audit_kind kind) {
  for (size_t i = 0; i < g->count; i++)
    note(g, kind, i);
}
static enum us_code write_history(struct us_rpt_work *g) {
  return us_audit_add(g->cx, g->realm->id, g->events, g->event_count);
}

/* 6.2, consequence of step 5: refused, and the ticket stays spent. */
static enum us_code refuse(struct us_cx *cx, enum us_code code) {
  us_fail_plain(cx, code);
  cx->err.keeps_writes = true;
  return code;
}

/* Steps 5 and 6. */
static enum us_code spend_ticket(struct us_rpt_work *g) {
  enum us_code code = us_ticket_spend(g->cx, g->realm, g->in->ticket, g->in->client->ref, &g->ticket);
  if (code == US_E_NOT_FOUND) /* unknown, expired, already used, other realm */
    return us_fail_plain(g->cx, US_E_INVALID_GRANT);
  if (code != US_E_CONFLICT)
    return code;
  US_TRY(us_ticket_end_process(g->cx, g->realm, &g->ticket, g->in->client->client_id)); /* bound to another client */
  refuse(g->cx, US_E_INVALID_GRANT);
  return us_error_detail(g->cx, "the ticket belongs to another client; RPTs of process %lld revoked",
                         (long long)g->ticket.tid);
}

/* Step 7, 6.7: the ticket is spent in every case. Challenges enter at claims gathering; a verifier for a ticket without one is a
 * downgrade. */
static enum us_code check_verifier(struct us_rpt_work *g) {
  if (!g->ticket.challenge.p && !g->in->code_verifier.p)
    return US_OK;
  enum us_code code = us_pkce_verify(g->cx, g->ticket.challenge, g->ticket.challenge_method, g->in->code_verifier);
  g->cx->err.keeps_writes = code == US_E_INVALID_REQUEST || code == US_E_INVALID_GRANT;
  return code;
}

/* The ticket's resources as they are now. One that is gone takes the ticket with it (4.6). */
static enum us_code load_resources(struct us_rpt_work *g) {
  g->count = g->ticket.permissions.n;
  g->resources = US_NEW_ARRAY(g->cx->mem, struct us_resource, g->count);
  g->wanted = US_NEW_ARRAY(g->cx->mem, struct us_wanted, g->count);
  g->events = US_NEW_ARRAY(g->cx->mem, struct us_audit, EVENTS_PER_RESOURCE * g->count);
  if (!g->resources || !g->wanted || !g->events)
    return us_fail_plain(g->cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < g->count; i++) {
    enum us_code code = us_resources_access_by_id(g->cx, g->ticket.permissions.v[i].resource_id, &g->resources[i]);
    if (code == US_E_NOT_FOUND)
      return refuse(g->cx, US_E_INVALID_GRANT);
    US_TRY(code);
    g->wanted[i].ticket_scopes = g->ticket.permissions.v[i].scopes;
  }
  return US_OK;
}

static bool is_offered(const struct us_rpt_work *g, struct us_str scope) {
  for (size_t i = 0; i < g->count; i++)
    if (us_strs_has(g->resources[i].scopes, scope))
      return true;
  return false;
}

/* Step 8, 10.2: each scope asked for is registered for the client (Q42) and offered by some resource of the ticket. */
static enum us_code check_scope(struct us_rpt_work *g) {
  struct us_strs requested;
  enum us_code code = us_scope_parse(g->cx, g->in->scope, &requested);
  if (code == US_E_INVALID_SCOPE)
    return refuse(g->cx, US_E_INVALID_SCOPE);
  US_TRY(code);
  for (size_t i = 0; i < requested.n; i++)
    if (!us_strs_has(g->in->client->scopes, requested.v[i]) || !is_offered(g, requested.v[i]))
      return refuse(g->cx, US_E_INVALID_SCOPE);
  for (size_t i = 0; i < g->count; i++)
    g->wanted[i].requested_scopes = requested;
  return US_OK;
}

/* The certificate that the client has the key of: shown in TLS, or else named (6.8). */
struct us_str us_rpt_proof(const struct us_rpt_work *g) {
  return g->cx->certificate.n > 0 ? g->cx->certificate : g->in->cnf_key;
}

/* Step 8, 6.8. */
static enum us_code check_cnf_key(struct us_rpt_work *g) {
  if (g->in->cnf_key.n == 0 || us_str_eq(g->in->cnf_key, us_rpt_proof(g)))
    return US_OK;
  us_fail(g->cx, US_E_INVALID_REQUEST, "Invalid cnf_key parameter");
  g->cx->err.keeps_writes = true;
  return us_error_detail(g->cx, "cnf_key names another certificate than the connection has");
}

enum us_code us_rpt_check_binding(struct us_cx *cx, const struct us_client *client, struct us_str cnf_key) {
  if (!client->binds_tokens || cx->certificate.n > 0 || cnf_key.n > 0)
    return US_OK;
  return us_fail(cx, US_E_INVALID_REQUEST, "A client certificate is needed: the tokens of this client are bound to it");
}

/* What an RPT, and the PCT that comes with it, is bound to: whoever asks for it, and clients registered for it, get it. */
static struct us_str binding_of(const struct us_rpt_work *g) {
  return g->in->cnf_key.n > 0 || g->in->client->binds_tokens ? us_rpt_proof(g) : US_STR_ABSENT;
}

/* A refusal that hands out the next ticket of the process (6.9). `more` are further members of the answer. */
static enum us_code refuse_with_successor(struct us_rpt_work *g, enum us_code refusal, struct us_str more) {
  struct us_handle next;
  enum us_code code = us_ticket_succeed(g->cx, g->realm, &g->ticket, US_TICKET_OPEN, &next);
  if (code == US_E_REQUEST_DENIED)
    return refuse(g->cx, US_E_REQUEST_DENIED);
  US_TRY(code);
  struct us_str extra = us_str_fmt(g->cx->mem, "\"ticket\":\"%s\",%.*s", next.text, US_STR_ARG(more));
  if (!extra.p)
    return us_fail_plain(g->cx, US_E_NO_MEMORY);
  refuse(g->cx, refusal);
  g->cx->err.extra = extra;
  return refusal;
}

/* 6.3: whoever was at the claims endpoint in this process, if that person still stands by it, and has not taken back since what the
 * client was allowed. */
static enum us_code find_gathered(struct us_rpt_work *g) {
  if (g->ticket.party_id == 0)
    return us_fail_plain(g->cx, US_E_NOT_FOUND);
  US_TRY(us_account_by_id(g->cx, g->ticket.party_id, &g->gathered));
  US_TRY(us_consent_stands(g->cx, g->gathered.id, g->in->client->ref, g->ticket.gathered_id, &g->is_gathered));
  g->is_gathered = g->is_gathered && us_account_stands_by(&g->gathered, g->ticket.gathered_id);
  return g->is_gathered ? US_OK : us_fail_plain(g->cx, US_E_NOT_FOUND);
}

/* Step 9. Why a PCT was ignored stays in cx->err, for the log line of the answer. */
static enum us_code find_party(struct us_rpt_work *g) {
  g->party = g->in->party;
  if (!g->realm->settings.interactive_claims)
    return US_OK;
  enum us_code code = find_gathered(g);
  if (code == US_E_NOT_FOUND && g->in->pct.p)
    code = us_pct_use(g->cx, g->realm, g->in->client, g->in->pct, us_rpt_proof(g), &g->gathered);
  if (code != US_OK)
    return code == US_E_NOT_FOUND ? US_OK : code;
  us_error_clear(g->cx);
  g->party = &g->gathered;
  return US_OK;
}

/* Nobody known on whose behalf this is asked (6.5). */
static enum us_code need_info(struct us_rpt_work *g) {
  static const char pushed[] = "\"required_claims\":[{\"name\":\"id_token\",\"friendly_name\":\"id_token\","
                               "\"claim_type\":\"urn:ietf:params:oauth:token-type:jwt\","
                               "\"claim_token_format\":[\"http://openid.net/specs/"
                               "openid-connect-core-1_0.html#IDToken\"],\"issuer\":[\"%.*s\"]}]";
  struct us_str why = g->cx->err.detail;
  struct us_str claims =
      g->realm->settings.interactive_claims
          ? us_str_fmt(g->cx->mem, "\"redirect_user\":\"%.*s/claims_gathering\"", US_STR_ARG(g->realm->uma_url))
          : us_str_fmt(g->cx->mem, pushed, US_STR_ARG(g->realm->issuer));
  if (!claims.p)
    return us_fail_plain(g->cx, US_E_NO_MEMORY);
  enum us_code code = refuse_with_successor(g, US_E_NEED_INFO, claims);
  if (code == US_E_NEED_INFO)
    g->cx->err.detail = why;
  return code;
}

/* What plugins are told of one resource: its scopes are those of the ticket and those asked for that it has (10.2). */
static enum us_code point_of(struct us_rpt_work *g, size_t i, struct us_extension_grant *ret_point) {
  struct us_strs offered = us_strs_intersect(g->cx->mem, g->wanted[i].requested_scopes, g->resources[i].scopes);
  struct us_strs requested = us_strs_union(g->cx->mem, g->wanted[i].ticket_scopes, offered);
  if (us_mem_is_spent(g->cx->mem))
    return us_fail_plain(g->cx, US_E_NO_MEMORY);
  *ret_point = (struct us_extension_grant){.ticket = &g->ticket,
                                           .resource = &g->resources[i],
                                           .party = g->party,
                                           .client_id = g->in->client->client_id,
                                           .requested = requested,
                                           .granted = g->wanted[i].granted};
  return US_OK;
}

/* REST contract j.2, 4: before the decision, once a resource. Those that must be asked first are asked together. */
static enum us_code ask_plugins(struct us_rpt_work *g) {
  bool must_ask = false;
  if (!g->cx->extension)
    return US_OK;
  for (size_t i = 0; i < g->count; i++) {
    struct us_extension_grant point;
    US_TRY(point_of(g, i, &point));
    enum us_code code = us_extension_before_authorization(g->cx, &point);
    must_ask = must_ask || code == US_E_TO_HOOKS;
    US_TRY(us_extension_go_on(g->cx, code));
  }
  return must_ask ? us_fail_plain(g->cx, US_E_TO_HOOKS) : US_OK;
}

/* 5 and 6: once a resource, behind the decision. */
static enum us_code tell_plugins(struct us_rpt_work *g, bool is_issued) {
  if (!g->cx->extension)
    return US_OK;
  for (size_t i = 0; i < g->count; i++) {
    struct us_extension_grant point;
    US_TRY(point_of(g, i, &point));
    US_TRY(us_extension_after_authorization(g->cx, &point, is_issued && g->wanted[i].is_granted));
  }
  return US_OK;
}

struct us_access_request us_rpt_access_request(const struct us_rpt_work *g) {
  return (struct us_access_request){
      .realm = g->realm, .party_id = g->party->id, .party_name = g->party->name, .client_id = g->in->client->client_id};
}

/* Assessment (10). */
static enum us_code assess(struct us_rpt_work *g, struct us_decision *ret_decision) {
  struct us_access_request request = us_rpt_access_request(g);
  for (size_t i = 0; i < g->count; i++)
    US_TRY(us_access_facts(g->cx, &request, &g->resources[i], &g->wanted[i].facts));
  if (!us_policy_decide(g->cx->mem, g->wanted, g->count, g->realm->settings.rpt_conditions, ret_decision))
    return us_fail_plain(g->cx, US_E_NO_MEMORY);
  return US_OK;
}

#define RECOUNTS_MAX 8

/* Step 11: assessment, and the uses of what it relies on. Who would use up too much at once is refused. */
static enum us_code decide(struct us_rpt_work *g, struct us_decision *ret_decision) {
  for (int i = 0; i < RECOUNTS_MAX; i++) {
    struct us_reliance *limited = NULL;
    size_t count = 0;
    bool fits = true, has_all = false;
    US_TRY(assess(g, ret_decision));
    if (ret_decision->issue)
      US_TRY(us_rpt_limited_shares(g, &limited, &count, &fits));
    ret_decision->issue = ret_decision->issue && fits;
    US_TRY(us_rpt_give_back(g, limited, ret_decision->issue ? count : 0));
    if (!ret_decision->issue || count == 0)
      return US_OK;
    US_TRY(us_rpt_count_uses(g, limited, count, &has_all));
    if (has_all)
      return US_OK;
  }
  return us_fail_plain(g->cx, US_E_UNAVAILABLE);
}

/* One pending request a resource that lacks something the owner could give (6.5). What is gone from the description cannot be
 * given, and who asked for no scope in particular (10.5) asked for nothing that an owner could approve. *ret_count: how many
 * stand now. */
static enum us_code file_pending(struct us_rpt_work *g, size_t *ret_count) {
  size_t filed = 0;
  for (size_t i = 0; i < g->count; i++) {
    const struct us_wanted *wanted = &g->wanted[i];
    struct us_strs missing = us_strs_intersect(g->cx->mem, wanted->missing, g->resources[i].scopes);
    if (!missing.v)
      return us_fail_plain(g->cx, US_E_NO_MEMORY);
    if (missing.n == 0)
      continue;
    int64_t id;
    bool is_new;
    struct us_pending_wish wish = {.resource = &g->resources[i], .party = g->party, .scopes = missing};
    enum us_code code = us_pending_file(g->cx, g->realm, &wish, &id, &is_new);
    if (code == US_E_REQUEST_DENIED &&
        filed > 0) { /* no room for more: what was filed stands, the rest is asked later */
      us_error_clear(g->cx);
      break;
    }
    US_TRY(code);
    US_TRY(us_ticket_add_pending(g->cx, &g->ticket, id));
    if (is_new)
      note(g, US_AUDIT_REQUESTED, i);
    filed++;
  }
  *ret_count = filed;
  return US_OK;
}

/* Refused, and nobody is asked. */
static enum us_code deny(struct us_rpt_work *g) {
  note_all(g, US_AUDIT_DENIED);
  US_TRY(write_history(g));
  return refuse(g->cx, US_E_REQUEST_DENIED);
}

/* There is no room for a pending request; cx->err says whose limit it is. */
static enum us_code deny_for_lack_of_room(struct us_rpt_work *g) {
  note_all(g, US_AUDIT_DENIED);
  US_TRY(write_history(g));
  g->cx->err.keeps_writes = true;
  return US_E_REQUEST_DENIED;
}

/* 10.4, refuse: ask the owner when that is possible and he has not said no already (Q25). */
static enum us_code refuse_or_ask(struct us_rpt_work *g) {
  if (!g->realm->settings.pending_requests)
    return deny(g);
  bool is_denied;
  US_TRY(us_pending_any_denied(g->cx, g->ticket.pending_ids, &is_denied));
  if (is_denied)
    return deny(g);
  size_t count = 0;
  enum us_code code = file_pending(g, &count);
  if (code == US_E_REQUEST_DENIED)
    return deny_for_lack_of_room(g);
  US_TRY(code);
  if (count == 0)
    return deny(g);
  US_TRY(write_history(g));
  return refuse_with_successor(g, US_E_REQUEST_SUBMITTED, us_str_fmt(g->cx->mem, "\"interval\":%d", POLL_INTERVAL_S));
}

/* 10.4, issue: one permission for each resource of which something was granted. */
static enum us_code granted_permissions(struct us_rpt_work *g, int64_t expires_s,
                                        struct us_permissions *ret_permissions) {
  struct us_permissions list = {US_NEW_ARRAY(g->cx->mem, struct us_permission, US_RPT_PERMISSIONS_MAX), 0};
  if (!list.v)
    return us_fail_plain(g->cx, US_E_NO_MEMORY);
  for (size_t i = 0; i < g->count && list.n < US_RPT_PERMISSIONS_MAX; i++) {
    const struct us_wanted *wanted = &g->wanted[i];
    if (!wanted->is_granted)
      continue;
    bool ends_early = wanted->not_after_s != 0 && wanted->not_after_s < expires_s;
    list.v[list.n++] = (struct us_permission){.resource_id = g->resources[i].id,
                                              .uuid = g->resources[i].uuid,
                                              .scopes = wanted->granted,
                                              .access_rev = g->resources[i].access_rev,
                                              .expires_s = ends_early ? wanted->not_after_s : expires_s};
  }
  *ret_permissions = list;
  return US_OK;
}

static int64_t lifetime_s(const struct us_rpt_work *g) {
  return g->in->client->access_token_s > 0 ? g->in->client->access_token_s : g->realm->settings.access_token_s;
}

/* What the RPT has nothing of was refused: nobody is asked beside a partial one. */
static void note_outcome(struct us_rpt_work *g) {
  for (size_t i = 0; i < g->count; i++)
    note(g, g->wanted[i].is_granted ? US_AUDIT_GRANTED : US_AUDIT_DENIED, i);
}

/* Step 11, success: 6.4. The token is good for as long as its longest permission. */
static enum us_code issue(struct us_rpt_work *g, struct us_rpt_grant *ret_grant) {
  int64_t now_s = us_cx_now_s(g->cx);
  struct us_rpt rpt = {
      .id = us_next_id(g->cx),
      .realm_id = g->realm->id,
      .owner_id = g->ticket.owner_id,
      .rs_ref = g->ticket.rs_ref,
      .client_ref = g->in->client->ref,
      .party_id = g->party->id,
      .party_rev = g->party->access_rev,
      .tid = g->ticket.tid,
      .counted = g->counted,
      .issued_s = now_s,
      .cnf = binding_of(g),
  };
  int64_t latest_s = now_s + lifetime_s(g);
  US_TRY(granted_permissions(g, latest_s, &rpt.permissions));
  US_TRY(us_rpt_upgrade(g, latest_s, &rpt, &ret_grant->is_upgraded));
  for (size_t i = 0; i < rpt.permissions.n; i++)
    if (rpt.permissions.v[i].expires_s > rpt.expires_s)
      rpt.expires_s = rpt.permissions.v[i].expires_s;
  us_handle_mint(rpt.id, 0, &ret_grant->handle);
  US_TRY(us_rpts_insert(g->cx, &rpt, ret_grant->handle.digest));
  ret_grant->pct.n = 0;
  if (g->is_gathered && g->ticket.wants_pct) /* 7.3: only on wish, and not anew when it was only used (Q35) */
    US_TRY(us_pct_issue(g->cx, g->realm, g->in->client, g->party->id, rpt.cnf, &ret_grant->pct));
  note_outcome(g);
  US_TRY(write_history(g));
  ret_grant->expires_in_s = rpt.expires_s - now_s;
  return US_OK;
}

enum us_code us_rpt_grant(struct us_cx *cx, const struct us_realm *realm, const struct us_rpt_request *in,
                          struct us_rpt_grant *ret_grant) {
  struct us_rpt_work g = {.cx = cx, .realm = realm, .in = in};
  US_TRY(spend_ticket(&g));   /* 6.2 steps 5, 6 */
  US_TRY(check_verifier(&g)); /* step 7 */
  US_TRY(load_resources(&g));
  US_TRY(check_scope(&g)); /* step 8; the `rpt` is looked up when there is something to add it to */
  US_TRY(check_cnf_key(&g));
  US_TRY(find_party(&g)); /* step 9 */
  if (!g.party)
    return need_info(&g);
  US_TRY(ask_plugins(&g));
  struct us_decision decision; /* step 11 */
  note_all(&g, US_AUDIT_REQUESTED);
  US_TRY(decide(&g, &decision));
  US_TRY(tell_plugins(&g, decision.issue));
  return decision.issue ? issue(&g, ret_grant) : refuse_or_ask(&g);
}

enum us_code us_rpt_party(struct us_cx *cx, const struct us_realm *realm, const struct us_client *client,
                          struct us_str claim_token, struct us_str claim_token_format, struct us_account *ret_party) {
  if (realm->settings.interactive_claims || !claim_token.p || !us_claim_token_format_ok(claim_token_format))
    return us_fail_plain(cx, US_E_NOT_FOUND);
  struct us_claim_token token;
  bool stands = false;
  US_TRY(us_claim_token_verify(cx, realm, client->client_id, claim_token, &token));
  US_TRY(us_account_by_name(cx, realm->id, token.name, ret_party));
  US_TRY(us_consent_stands(cx, ret_party->id, client->ref, token.issued_id, &stands));
  stands = stands && us_claim_token_is_of(&token, ret_party) && us_account_stands_by(ret_party, token.issued_id);
  return stands ? US_OK : us_fail_plain(cx, US_E_NOT_FOUND);
}
