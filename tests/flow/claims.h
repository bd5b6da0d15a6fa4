/* Words that the stories about claims gathering share: the browser of a requesting party, and where it is sent. */
#ifndef USHER_FLOW_CLAIMS_H
#define USHER_FLOW_CLAIMS_H

#include "crypto/digest.h"
#include "domain/account.h"
#include "domain/client.h"
#include "domain/snapshot.h"
#include "flow/uma.h"
#include "json/field.h"

#define CLAIMS ALPHA_UMA "claims_gathering"
#define CLAIMS_URL WORLD_BASE "/uma/realms/root/realms/alpha/claims_gathering"
#define C1_BACK "http://127.0.0.1:9/claims"
#define C2_BACK "http://127.0.0.1:9/claims2"
#define PUBLIC_BACK "http://127.0.0.1:9/pubclaims"
/* Protocol contract 6.7 (tests/vectors/protocol-contract-6.7.json). */
#define VERIFIER "ush3r-ticket-verifier_0123456789~abcdefghijklm"
#define CHALLENGE "VJQw1Oalzayz03lNdyd7HUwdoaRBtD8740pg4AlAxyE"
#define WITH_CHALLENGE "&code_challenge=" CHALLENGE "&code_challenge_method=S256"
#define FORM_TYPE "Content-Type: application/x-www-form-urlencoded"

/* A realm that gathers claims interactively, and alice's album, which bob may view. */
struct gallery {
  const char *pat, *album, *bob; /* bob: his session */
};
static inline struct gallery open_gallery(struct us_world *w) {
  us_world_set(w, "interactiveClaimsGatheringEnabled", "true");
  struct gallery g = {us_pat(w, "alice", RS1), NULL, us_sso(w, "bob")};
  g.album = us_register(w, g.pat, ALBUM);
  us_share(w, "alice", g.album, "bob", "[\"view\"]");
  return g;
}
static inline const char *fresh_ticket(struct us_world *w, const struct gallery *g) {
  return ask_for(w, g->pat, g->album, "[\"view\"]");
}

/* A parameter of a URL's query, decoded; NULL when it is not there. */
static inline const char *param_of(struct us_world *w, const char *url, const char *name) {
  const char *question = url ? strchr(url, '?') : NULL, *found = NULL;
  struct us_cx cx = {.mem = us_mem_root_new(0, 1 << 20), .svc = us_world_services(w)};
  struct us_params params = {0};
  if (question != NULL)
    assert_int_equal(us_form_parse(&cx, us_str_c(question + 1), &params), US_OK);
  struct us_str value = us_params_get(&params, name);
  if (value.p != NULL)
    found = us_text(w, "%.*s", US_STR_ARG(value));
  us_mem_free(cx.mem);
  return found;
}

static inline const char *cookie(struct us_world *w, const char *sso) {
  return sso == NULL ? "Accept: text/html" : us_text(w, "Accept: text/html\nCookie: iPlanetDirectoryPro=%s", sso);
}
/* `sso` may be NULL. `query` is text of a query string. */
static inline struct us_reply visit(struct us_world *w, const char *sso, const char *query) {
  return us_send(w, "GET", us_text(w, CLAIMS "?%s", query), cookie(w, sso), NULL);
}
static inline const char *csrf_of(struct us_world *w, const char *sso) {
  char hex[65];
  us_sha256_hex(us_str_c(sso), hex);
  return us_text(w, "%s", hex);
}
static inline struct us_reply post_form(struct us_world *w, const char *sso, const char *form) {
  return us_send(w, "POST", CLAIMS, us_text(w, FORM_TYPE "\n%s", cookie(w, sso)), form);
}
/* Presses a button of the page that C1 sent the person to. `extra` is more form text, beginning with '&', or NULL. */
static inline struct us_reply press(struct us_world *w, const char *sso, const char *ticket, const char *decision,
                                    const char *extra) {
  return post_form(w, sso,
                   us_text(w, "client_id=" C1 "&ticket=%s&csrf=%s&decision=%s%s", us_enc(w, ticket), csrf_of(w, sso),
                           decision, extra ? extra : ""));
}
#define c1_query(w, ticket, extra) us_text((w), "client_id=" C1 "&ticket=%s%s", us_enc((w), (ticket)), (extra))

/* The answer must send the browser to `base`, with this query parameter and no error: the parameter. */
static inline const char *location(struct us_reply r) {
  if (r.status != 302)
    fail_msg("wanted a redirect, got %d: %s", r.status, r.body);
  const char *url = us_reply_header(&r, "Location");
  assert_non_null(url);
  assert_string_equal(us_reply_header(&r, "Cache-Control"), "no-store");
  return url;
}
static inline void assert_goes_to(const char *url, const char *base) {
  size_t n = strlen(base);
  if (strncmp(url, base, n) != 0 || (url[n] != '?' && url[n] != '&' && url[n] != '\0'))
    fail_msg("%s is not at %s", url, base);
}
static inline const char *ticket_for_client(struct us_world *w, struct us_reply r) {
  const char *url = location(r), *ticket = param_of(w, url, "ticket");
  assert_goes_to(url, C1_BACK);
  assert_null(param_of(w, url, "error"));
  assert_non_null(ticket);
  return ticket;
}
static inline void assert_sent_back(struct us_world *w, struct us_reply r, const char *base, const char *error) {
  const char *url = location(r);
  assert_goes_to(url, base);
  assert_non_null(param_of(w, url, "error"));
  assert_string_equal(param_of(w, url, "error"), error);
  assert_null(param_of(w, url, "ticket"));
}

/* bob goes through the page; `extra` as in press(): the ticket that C1 gets. */
static inline const char *gathered(struct us_world *w, const char *sso, const char *ticket, const char *extra) {
  struct us_reply page = visit(w, sso, c1_query(w, ticket, ""));
  assert_status(page, 200);
  return ticket_for_client(w, press(w, sso, ticket, "allow", extra));
}
/* Nothing that a page or a redirect is: what a browser is told when it cannot be sent back. */
static inline void assert_error_page(struct us_reply r, int status) {
  assert_status(r, status);
  assert_null(us_reply_header(&r, "Location"));
  assert_null(us_reply_header(&r, "Refresh"));
  assert_null(strcasestr(r.body, "http-equiv"));
  assert_null(strcasestr(r.body, "<script"));
  assert_non_null(strstr(us_reply_header(&r, "Content-Type"), "text/html"));
  assert_string_equal(us_reply_header(&r, "Cache-Control"), "no-store");
}

/* Changes a client or an account of /alpha. */
struct claims_change {
  const char *name;
  void (*client)(struct us_cx *cx, struct us_client *client);
  enum us_code (*account)(struct us_cx *cx, struct us_account *account);
};
static inline enum us_code claims_change_step(struct us_cx *cx, void *self) {
  struct claims_change *step = self;
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  int64_t realm_id = us_snapshot_realm(snapshot, US_STR("/alpha"))->id;
  us_snapshot_unref(snapshot);
  struct us_client client;
  struct us_account account;
  if (step->account) {
    US_TRY(us_account_by_name(cx, realm_id, us_str_c(step->name), &account));
    return step->account(cx, &account);
  }
  US_TRY(us_client_by_id(cx, realm_id, us_str_c(step->name), &client));
  step->client(cx, &client);
  return us_client_update(cx, &client);
}
static inline void change_client(struct us_world *w, const char *id,
                                 void (*change)(struct us_cx *cx, struct us_client *client)) {
  struct claims_change step = {.name = id, .client = change};
  assert_int_equal(us_world_transact(w, claims_change_step, &step), US_OK);
}
static inline void change_account(struct us_world *w, const char *name,
                                  enum us_code (*change)(struct us_cx *cx, struct us_account *account)) {
  struct claims_change step = {.name = name, .account = change};
  us_world_advance_ms(w, 1000); /* "from then on" has a resolution of seconds */
  assert_int_equal(us_world_transact(w, claims_change_step, &step), US_OK);
}
static inline enum us_code set_password_anew(struct us_cx *cx, struct us_account *account) {
  return us_account_set_password(cx, account->id, account->password_hash);
}
static inline enum us_code switch_off(struct us_cx *cx, struct us_account *account) {
  return us_account_set_active(cx, account, false);
}

#endif
