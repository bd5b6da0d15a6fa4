/* What can be registered as a client, by whatever way it comes in (command line, later dynamic registration). */
#include "flow/oauth.h"

/* A confidential client that is fine; each story spoils one thing. */
static struct us_client good(void) {
  static struct us_str scopes[] = {{"openid", 6}, {"view", 4}};
  return (struct us_client){.client_id = US_STR("new"),
                            .is_active = true,
                            .scopes = {scopes, 2},
                            .auth_method = US_STR("client_secret_post")};
}

struct attempt {
  struct us_world *w;
  const struct us_client *client;
  char text[256];
};
static enum us_code create_step(struct us_cx *cx, void *self) {
  struct attempt *a = self;
  int64_t ref;
  enum us_code code = us_client_create(cx, alpha(a->w)->id, a->client, &ref);
  snprintf(a->text, sizeof(a->text), "%.*s", US_STR_ARG(cx->err.text));
  return code;
}
static enum us_code create(struct us_world *w, struct us_client client) {
  struct attempt a = {.w = w, .client = &client};
  us_world_advance_ms(w, 1);
  return us_world_transact(w, create_step, &a);
}

/* Registers with one redirection URI under a client id of its own. */
static enum us_code with_uri(struct us_world *w, const char *uri, bool for_claims) {
  static int64_t n;
  struct us_str one = us_str_c(uri);
  struct us_client client = good();
  client.client_id = us_str_c(us_text(w, "uri%lld", (long long)n++));
  *(for_claims ? &client.claims_redirect_uris : &client.redirect_uris) = (struct us_strs){&one, 1};
  return create(w, client);
}

/* OA-12, SB-02: what the registration of a URI asks for. */
static void redirection_uris_are_absolute_and_safe(void **state) {
  struct us_world *w = *state;
  static const char *const fine[] = {"https://client.example/cb", "https://client.example:8443/cb?x=1",
                                     "HTTPS://client.example",    "http://127.0.0.1/cb",
                                     "http://127.0.0.1:49152/cb", "http://[::1]:9/cb",
                                     "http://localhost/cb",       "com.example.app:/cb",
                                     "com.example.app://cb",      "https://client.example/@me?x=a@b"};
  static const char *const bad[] = {"",
                                    "/cb",
                                    "cb",
                                    "//client.example/cb",
                                    "https://client.example/#a",
                                    "https://client.example/cb#",
                                    "http://client.example/cb",
                                    "http://127.0.0.1.evil.example/cb",
                                    "http://localhost.evil.example/cb",
                                    "http://127.0.0.1@evil.example/cb",
                                    "http://127.0.0.1:1@evil.example/cb",
                                    "http://localhost:x@evil.example/cb",
                                    "http://localhost:@evil.example",
                                    "https://bank.example@evil.example/cb",
                                    "https://bank.example:443@evil.example?x",
                                    "https:///cb",
                                    "https:/cb",
                                    "https:cb",
                                    "javascript:alert(1)",
                                    "JavaScript://x/%0aalert(1)",
                                    "data:text/html,x",
                                    "file:///etc/passwd",
                                    "ftp://client.example/cb",
                                    "https://client.example/a b",
                                    "https://client.example/\"",
                                    "https://client.example/%GG"};
  for (int claims = 0; claims < 2; claims++) {
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
      if (with_uri(w, fine[i], claims) != US_OK)
        fail_msg("refused: %s", fine[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
      if (with_uri(w, bad[i], claims) != US_E_INVALID_REDIRECT_URI)
        fail_msg("taken: %s", bad[i]);
    }
  }
}

static const char *repeat(struct us_world *w, const char *prefix, size_t n) {
  char *text = malloc(n + 1);
  size_t used = strlen(prefix);
  memcpy(text, prefix, used);
  memset(text + used, 'x', n - used);
  text[n] = '\0';
  const char *copy = us_text(w, "%s", text);
  free(text);
  return copy;
}

static void everything_has_a_maximum(void **state) {
  struct us_world *w = *state;
  struct us_client client = good();
  struct us_str many[257];
  for (size_t i = 0; i < 257; i++)
    many[i] = us_str_c(us_text(w, "https://client.example/%zu", i));
  assert_int_equal(with_uri(w, repeat(w, "https://client.example/", 2048), false), US_OK);
  assert_int_equal(with_uri(w, repeat(w, "https://client.example/", 2049), false), US_E_INVALID_REDIRECT_URI);
  client.redirect_uris = (struct us_strs){many, 256};
  assert_int_equal(create(w, client), US_OK);
  client.client_id = US_STR("new2");
  client.redirect_uris.n = 257;
  assert_int_equal(create(w, client), US_E_INVALID_REDIRECT_URI);
  client = good();
  client.client_id = us_str_c(repeat(w, "", 255));
  client.scopes = (struct us_strs){many, 256};
  assert_int_equal(create(w, client), US_OK);
  client.client_id = us_str_c(repeat(w, "", 256));
  assert_int_equal(create(w, client), US_E_INVALID_METADATA);
  client.client_id = US_STR("new3");
  client.scopes.n = 257;
  assert_int_equal(create(w, client), US_E_INVALID_METADATA);
  client = good();
  client.client_id = US_STR("new4");
  for (size_t i = 0; i < 257; i++)
    many[i] = US_STR("refresh_token");
  client.grants = (struct us_strs){many, 256};
  assert_int_equal(create(w, client), US_OK);
  client.client_id = US_STR("new5");
  client.grants.n = 257;
  assert_int_equal(create(w, client), US_E_INVALID_METADATA);
  client.grants = (struct us_strs){NULL, 0};
  client.code_s = 600;
  assert_int_equal(create(w, client), US_OK);
  client.client_id = US_STR("new6");
  client.code_s = 601;
  assert_int_equal(create(w, client), US_E_INVALID_METADATA);
}

static void contradictions_are_refused(void **state) {
  struct us_world *w = *state;
  struct us_str scope = US_STR("edit"), bad_scope = US_STR("a\"b");
  struct us_client client = good();
  client.client_id = US_STR("a\nb");
  assert_int_equal(create(w, client), US_E_INVALID_METADATA);
  client = good();
  client.client_id = US_STR("");
  assert_int_equal(create(w, client), US_E_INVALID_METADATA);
  client = good();
  client.is_public = true; /* with the method of a confidential client */
  assert_int_equal(create(w, client), US_E_INVALID_METADATA);
  client.auth_method = US_STR("none");
  client.secret_hash = US_STR("$argon2id$x");
  assert_int_equal(create(w, client), US_E_INVALID_METADATA);
  client = good();
  client.auth_method = US_STR("none");
  assert_int_equal(create(w, client), US_E_INVALID_METADATA);
  client.auth_method = US_STR("client_secret_jwt");
  assert_int_equal(create(w, client), US_E_INVALID_METADATA);
  client = good();
  client.id_token_alg = US_STR("none");
  assert_int_equal(create(w, client), US_E_INVALID_METADATA);
  client = good();
  client.default_scopes = (struct us_strs){&scope, 1};
  assert_int_equal(create(w, client), US_E_INVALID_METADATA);
  client = good();
  client.scopes = (struct us_strs){&bad_scope, 1};
  assert_int_equal(create(w, client), US_E_INVALID_METADATA);
  client = good();
  client.grants = (struct us_strs){&scope, 1};
  assert_int_equal(create(w, client), US_E_INVALID_METADATA);
  client = good();
  client.access_token_s = -1;
  assert_int_equal(create(w, client), US_E_INVALID_METADATA);
  assert_int_equal(create(w, good()), US_OK);
  assert_int_equal(create(w, good()), US_E_CONFLICT);
}

static enum us_code stale_step(struct us_cx *cx, void *self) {
  struct us_client client;
  assert_int_equal(us_client_by_id(cx, alpha(self)->id, US_STR(C1), &client), US_OK);
  assert_int_equal(us_client_update(cx, &client), US_OK);
  return us_client_update(cx, &client); /* by the revision it had before */
}
static void a_change_over_a_change_is_a_conflict(void **state) {
  struct us_world *w = *state;
  assert_int_equal(us_world_transact(w, stale_step, w), US_E_CONFLICT);
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(redirection_uris_are_absolute_and_safe),
      STORY(everything_has_a_maximum),
      STORY(contradictions_are_refused),
      STORY(a_change_over_a_change_is_a_conflict),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
