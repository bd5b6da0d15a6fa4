/*
 * A whole server in the process of a test: the demo world of design section 5 in a fresh store, one thread, a clock that
 * stands still until it is moved. Requests go through the real pipeline; only sockets and threads are left out.
 *
 * Everything returned belongs to the world and lives until us_world_free().
 */
#ifndef USHER_TESTLIB_WORLD_H
#define USHER_TESTLIB_WORLD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "crypto/cert.h"
#include "domain/services.h"
#include "store/db.h"

#define ALPHA_UMA "/am/uma/realms/root/realms/alpha/"
#define ALPHA_OAUTH "/am/oauth2/realms/root/realms/alpha/"
#define ALPHA_JSON "/am/json/realms/root/realms/alpha/"
#define WORLD_BASE "http://127.0.0.1:8080/am"

struct us_world;
struct us_reply {
  int status;
  const char *body; /* NUL-terminated; "" when empty */
  size_t body_bytes;
  json_t *json; /* NULL when the body is no JSON */
  const struct us_http_response *response;
};

struct us_world *us_world_new(void);
void us_world_free(struct us_world *w);
void us_world_advance_ms(struct us_world *w, int64_t ms);
int64_t us_world_now_ms(const struct us_world *w);
struct us_services *us_world_services(struct us_world *w);
struct us_db *us_world_db(struct us_world *w);
/* A setting of /alpha by its name (protocol contract 9), obeyed at once. Fails the test when refused. */
void us_world_set(struct us_world *w, const char *name, const char *value);
/* The address from which all further requests come, and what the edge would count its failures by. */
void us_world_come_from(struct us_world *w, const char *peer, const char *group);
/* The certificate that all further requests come with, by its thumbprint (base64url SHA-256); NULL: none. */
void us_world_show_certificate(struct us_world *w, const char *thumbprint);
/* The same with a whole certificate. */
void us_world_show_cert(struct us_world *w, const struct us_cert *cert);
/* What the fetcher of clients' keys would get from now on, whatever it asks for; NULL (at first): nothing. And how often it was asked. */
void us_world_publish(struct us_world *w, const char *body);
unsigned us_world_fetches(const struct us_world *w);
/* Runs a domain step in a write transaction (us_db_transact) and refreshes the configuration. */
enum us_code us_world_transact(struct us_world *w, us_db_step_fn step, void *self);
/* The path of the store's file. */
const char *us_world_file(const struct us_world *w);

/* `headers` are lines "Name: value" separated by \n, or NULL. Host is added. `body` may be NULL. */
struct us_reply us_send(struct us_world *w, const char *method, const char *target, const char *headers,
                        const char *body);
struct us_reply us_send_bytes(struct us_world *w, const char *method, const char *target, const char *headers,
                              const void *body, size_t n);
const char *us_reply_header(const struct us_reply *r, const char *name); /* NULL when missing */
const char *us_reply_str(const struct us_reply *r, const char *member);  /* "" when missing */
int64_t us_reply_int(const struct us_reply *r, const char *member);      /* -1 when missing */
/* printf into the world's memory. */
const char *us_text(struct us_world *w, const char *format, ...) __attribute__((format(printf, 2, 3), returns_nonnull));
/* application/x-www-form-urlencoded of one value. */
const char *us_enc(struct us_world *w, const char *value);

/* The steps of most stories. Each fails the test when the server does not answer as it should. */
const char *us_pat(struct us_world *w, const char *user, const char *rs_client);
const char *us_id_token(struct us_world *w, const char *user, const char *client);
const char *us_jti(struct us_world *w, const char *user); /* of an ID token issued now */
const char *us_sso(struct us_world *w, const char *user); /* realm /alpha; "amAdmin" logs in at "/" */
const char *us_register(struct us_world *w, const char *pat, const char *json); /* _id */
const char *us_ask(struct us_world *w, const char *pat, const char *json);      /* ticket */
/* The UMA grant, whatever it answers. `extra` is more form text beginning with '&', or NULL. */
struct us_reply us_grant(struct us_world *w, const char *client, const char *ticket, const char *id_token,
                         const char *extra);
struct us_reply us_introspect(struct us_world *w, const char *pat, const char *token);
/* `scopes` is a JSON array. Creates or replaces the owner's policy with this one permission. */
void us_share(struct us_world *w, const char *owner, const char *resource_id, const char *subject, const char *scopes);
/* POST with a Bearer token and a JSON body; GET/PUT/DELETE alike. */
struct us_reply us_with_pat(struct us_world *w, const char *method, const char *target, const char *pat,
                            const char *json);
struct us_reply us_with_sso(struct us_world *w, const char *method, const char *target, const char *sso,
                            const char *headers, const char *json);

/* Asserts with a message that shows the answer. */
#define assert_status(reply, wanted) us_assert_status(&(reply), (wanted), __FILE__, __LINE__)
#define assert_error(reply, wanted, oauth_error) us_assert_error(&(reply), (wanted), (oauth_error), __FILE__, __LINE__)
void us_assert_status(const struct us_reply *r, int wanted, const char *file, int line);
void us_assert_error(const struct us_reply *r, int wanted, const char *oauth_error, const char *file, int line);

/* For main(): TAP output, and USHER_TEST_BREAK_ROUTE (mutation check). */
void us_test_setup(void);

#endif
