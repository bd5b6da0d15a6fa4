/* What a client may say of itself (RFC 7591 2): every member, at its limit and past it; what fits together; software statements. */
#include "flow/registration.h"

#include "crypto/box.h"
#include "domain/client_metadata.h"
#include "flow/assertion.h"
#include "json/field.h"

#define PUBLIC "\"token_endpoint_auth_method\":\"none\""
#define METADATA "invalid_client_metadata"
#define URI "invalid_redirect_uri"

/* Of a public client: without the time that a secret takes. Nobody counts. */
static struct us_reply say(struct us_world *w, const char *more) {
  return try_more(w, us_text(w, PUBLIC "%s%s", more[0] ? "," : "", more));
}
static void nobody_counts(struct us_world *w) {
  us_world_set(w, "registrationsPerAddress", "0");
  us_world_set(w, "registrationsPerRealm", "0");
}
#define fine(reply) us_assert_status(&(struct us_reply[]){reply}[0], 201, __FILE__, __LINE__)
#define refused(reply, error) us_expect((reply), 400, (error), __FILE__, __LINE__)

static const char *repeat(struct us_world *w, const char *prefix, size_t n) {
  char *text = malloc(n + 1);
  size_t used = strlen(prefix);
  assert_true(used <= n);
  memcpy(text, prefix, used);
  memset(text + used, 'x', n - used);
  text[n] = '\0';
  const char *copy = us_text(w, "%s", text);
  free(text);
  return copy;
}
/* ["<format of 0>",...,"<format of n-1>"] */
static const char *many(struct us_world *w, size_t n, const char *before, bool is_numbered) {
  const char *text = "[";
  for (size_t i = 0; i < n; i++)
    text = is_numbered ? us_text(w, "%s%s\"%s%zu\"", text, i ? "," : "", before, i)
                       : us_text(w, "%s%s\"%s\"", text, i ? "," : "", before);
  return us_text(w, "%s]", text);
}
static const char *member(struct us_world *w, const char *name, const char *text) {
  return us_text(w, "\"%s\":\"%s\"", name, text);
}

/* ---- Single members ---- */

static void what_is_fine_is_stored_as_it_was_said(void **state) {
  struct us_world *w = *state;
  nobody_counts(w);
  static const char *const members[] = {
      "\"client_name\":\"Regal \\u00fc\"",
      "\"client_name#de\":\"Regal\"",
      "\"client_name#zh-Hans-CN\":\"\\u4e66\"",
      "\"client_uri\":\"https://app.example\"",
      "\"logo_uri\":\"https://app.example:8443/logo.png?x=1\"",
      "\"logo_uri#de\":\"https://app.example/logo-de.png\"",
      "\"policy_uri\":\"https://app.example/policy\"",
      "\"tos_uri#fr\":\"https://app.example/tos\"",
      "\"contacts\":[\"ops@app.example\",\"+49 30 1\"]",
      "\"software_id\":\"4NRB1-0XZABZI9E6-5SM3R\"",
      "\"software_version\":\"2.2\"",
      "\"application_type\":\"native\"",
      "\"id_token_signed_response_alg\":\"ES256\"",
      "\"subject_type\":\"public\"",
      "\"require_auth_time\":true",
      "\"scope\":\"openid view\"",
      "\"jwks_uri\":\"https://app.example/jwks\"",
      "\"claims_redirect_uris\":[\"https://app.example/claims?x=1\"]",
      "\"grant_types\":[\"authorization_code\",\"refresh_token\",\"" UMA_GRANT "\"]",
      "\"response_types\":[\"code\"]",
  };
  for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
    struct us_reply r = say(w, members[i]);
    json_t *said = json_loads(us_text(w, "{%s}", members[i]), 0, NULL);
    const char *name = json_object_iter_key(json_object_iter(said));
    assert_status(r, 201);
    if (!json_equal(json_object_get(r.json, name), json_object_get(said, name)))
      fail_msg("%s became %s", members[i], list_text(w, &r, name));
    json_decref(said);
  }
}

static void what_is_not_understood_is_ignored(void **state) {
  struct us_world *w = *state;
  static const char *const names[] = {"x",
                                      "sector_identifier_uri",
                                      "request_uris",
                                      "redirect_uris#de",
                                      "id_token_encrypted_response_alg",
                                      "status",
                                      "isConsentImplied",
                                      "registration_digest",
                                      "client_secret_expires_at"};
  const char *text = PUBLIC;
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    text = us_text(w, "%s,\"%s\":\"http://127.0.0.1/\"", text, names[i]);
  struct us_reply r = try_more(w, us_text(w, "%s,\"deep\":{\"a\":[1,2,{\"b\":null}]}", text));
  assert_status(r, 201);
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    assert_false(has_member(&r, names[i]));
  assert_false(has_member(&r, "deep"));
}

/* Each row of the table: a value of another type is refused, and the member is named. */
static void types_are_checked_member_by_member(void **state) {
  struct us_world *w = *state;
  const struct us_field_table *table = &us_client_metadata_table;
  for (size_t i = 0; i < table->n; i++) {
    const struct us_field *row = &table->fields[i];
    static const char *const wrong[] = {"7", "true", "\"yes\"", "[7]", "{\"a\":1}"};
    for (size_t k = 0; k < 5; k++) {
      bool is_right = (row->kind == US_FIELD_BOOL && k == 1) || (row->kind == US_FIELD_STRING && k == 2) ||
                      (row->kind == US_FIELD_JSON && k == 4);
      if (is_right)
        continue;
      const char *rest = strcmp(row->name, "redirect_uris") == 0 ? "" : ",\"redirect_uris\":[\"" REDIRECT "\"]";
      struct us_reply r = post_json(w, NULL, us_text(w, "{\"%s\":%s%s}", row->name, wrong[k], rest));
      assert_error(r, 400, METADATA);
      size_t n = strlen(row->name);
      if (strncmp(description(r), row->name, n) != 0 || strchr(":[", description(r)[n]) == NULL)
        fail_msg("%s=%s: %s", row->name, wrong[k], description(r));
    }
    /* null is as if it had not been said */
    struct us_reply r =
        post_json(w, NULL, us_text(w, "{\"redirect_uris\":[\"" REDIRECT "\"]," PUBLIC ",\"%s_\":1}", row->name));
    assert_status(r, 201);
    us_world_advance_ms(w, 60000);
  }
}

static void texts_have_a_longest_and_no_controls(void **state) {
  struct us_world *w = *state;
  nobody_counts(w);
  static const char *const texts[] = {"client_name", "client_name#de", "software_id", "software_version"};
  for (size_t i = 0; i < 4; i++) {
    fine(say(w, member(w, texts[i], repeat(w, "", 255))));
    refused(say(w, member(w, texts[i], repeat(w, "", 256))), METADATA);
    refused(say(w, member(w, texts[i], "a\\nb")), METADATA);
    refused(say(w, member(w, texts[i], "a\\u007fb")), METADATA);
  }
  static const char *const urls[] = {"client_uri", "logo_uri", "policy_uri", "tos_uri", "jwks_uri", "tos_uri#de"};
  for (size_t i = 0; i < 6; i++) {
    fine(say(w, member(w, urls[i], repeat(w, "https://app.example/", 2048))));
    refused(say(w, member(w, urls[i], repeat(w, "https://app.example/", 2049))), METADATA);
  }
  fine(say(w, member(w, us_text(w, "client_name#%s", repeat(w, "", 35)), "a")));
  refused(say(w, member(w, us_text(w, "client_name#%s", repeat(w, "", 36)), "a")), METADATA);
  refused(say(w, member(w, "client_name#", "a")), METADATA);
  refused(say(w, member(w, "client_name#d e", "a")), METADATA);
  refused(say(w, member(w, "client_name#de#at", "a")), METADATA);
  refused(say(w, "\"client_name#de\":7"), METADATA);
}

static void lists_have_a_longest(void **state) {
  struct us_world *w = *state;
  nobody_counts(w);
  static const char *const uris[] = {"redirect_uris", "claims_redirect_uris"};
  for (size_t i = 0; i < 2; i++) {
    const char *rest = i == 0 ? PUBLIC : PUBLIC ",\"redirect_uris\":[\"" REDIRECT "\"]";
#define ALONE(list) us_text(w, "{\"%s\":%s,%s}", uris[i], list, rest)
    fine(post_json(w, NULL, ALONE(many(w, 64, REDIRECT, true))));
    refused(post_json(w, NULL, ALONE(many(w, 65, REDIRECT, true))), METADATA);
    fine(post_json(w, NULL, ALONE(us_text(w, "[\"%s\"]", repeat(w, REDIRECT, 2048)))));
    refused(post_json(w, NULL, ALONE(us_text(w, "[\"%s\"]", repeat(w, REDIRECT, 2049)))), URI);
  }
  fine(say(w, us_text(w, "\"contacts\":%s", many(w, 16, "a", true))));
  refused(say(w, us_text(w, "\"contacts\":%s", many(w, 17, "a", true))), METADATA);
  fine(say(w, us_text(w, "\"contacts\":[\"%s\"]", repeat(w, "", 255))));
  refused(say(w, us_text(w, "\"contacts\":[\"%s\"]", repeat(w, "", 256))), METADATA);
  refused(say(w, "\"contacts\":[\"\"]"), METADATA);
  fine(say(w, us_text(w, "\"grant_types\":%s", many(w, 16, "authorization_code", false))));
  refused(say(w, us_text(w, "\"grant_types\":%s", many(w, 17, "authorization_code", false))), METADATA);
  fine(say(w, us_text(w, "\"response_types\":%s", many(w, 16, "code", false))));
  refused(say(w, us_text(w, "\"response_types\":%s", many(w, 17, "code", false))), METADATA);
  const char *tagged = "\"client_name\":\"a\"";
  for (int i = 0; i < 64; i++)
    tagged = us_text(w, "%s,\"client_name#x%d\":\"a\"", tagged, i);
  fine(say(w, tagged));
  refused(say(w, us_text(w, "%s,\"logo_uri#x\":\"https://app.example/\"", tagged)), METADATA);
}

/* As much as a body can say is stored, and read again. */
static void a_whole_body_fits(void **state) {
  struct us_world *w = *state;
  const char *uris = "";
  for (int i = 0; i < 31; i++)
    uris = us_text(w, "%s%s\"%s\"", uris, i ? "," : "", repeat(w, us_text(w, "https://app.example/%02d", i), 2048));
  const char *body = us_text(w, "{" PUBLIC ",\"redirect_uris\":[%s]}", uris);
  assert_in_range(strlen(body), 62 * 1024, 64 * 1024);
  struct us_reply r = post_json(w, NULL, body), read;
  assert_status(r, 201);
  read = manage(w, "GET", &r, NULL);
  assert_status(read, 200);
  assert_true(json_equal(json_object_get(read.json, "redirect_uris"), json_object_get(r.json, "redirect_uris")));
  assert_int_equal(json_array_size(json_object_get(read.json, "redirect_uris")), 31);
  const char *others = "";
  for (int i = 0; i < 4000; i++)
    others = i % 100 ? us_text(w, "%s,1", others) : us_text(w, "%s%s\"x%d\":[1", others, i ? "]," : "", i);
  fine(say(w, us_text(w, "%s]", others)));
}

static void scopes_have_a_form_and_a_number(void **state) {
  struct us_world *w = *state;
  nobody_counts(w);
  static const char *const bad[] = {"a\\\"b", "a\\\\b", "a\\u00fcb", "a\\tb"};
  for (size_t i = 0; i < 4; i++)
    refused(say(w, member(w, "scope", bad[i])), METADATA);
  const char *scopes = "s0";
  for (int i = 1; i < 256; i++)
    scopes = us_text(w, "%s s%d", scopes, i);
  fine(say(w, member(w, "scope", scopes)));
  refused(say(w, member(w, "scope", us_text(w, "%s s256", scopes))), METADATA);
  fine(say(w, member(w, "scope", repeat(w, "", 255))));
  refused(say(w, member(w, "scope", repeat(w, "", 256))), METADATA);
  const char *long_ones = repeat(w, "0", 255);
  for (int i = 1; i < 32; i++)
    long_ones = us_text(w, "%s %s", long_ones, repeat(w, us_text(w, "%d", i), 255));
  fine(say(w, member(w, "scope", us_text(w, "%s ", long_ones)))); /* 8192 bytes */
  refused(say(w, member(w, "scope", us_text(w, "%s  ", long_ones))), METADATA);
  struct us_reply r = say(w, "\"scope\":\"view  view openid\"");
  assert_string_equal(us_reply_str(&r, "scope"), "view openid");
}

/* DR-10: nothing that is registered leads the server, or people by its hand, inside. Nothing of it is fetched here at all. */
static void urls_lead_outside(void **state) {
  struct us_world *w = *state;
  static const char *const names[] = {"client_uri", "logo_uri", "policy_uri", "tos_uri", "jwks_uri", "logo_uri#de"};
  static const char *const bad[] = {"http://app.example/",
                                    "http://127.0.0.1/",
                                    "https://127.0.0.1/",
                                    "https://127.0.0.1:8443/",
                                    "https://169.254.169.254/latest/meta-data",
                                    "https://[::1]/",
                                    "https://[::ffff:127.0.0.1]/",
                                    "https://[fd00::1]/",
                                    "https://10.0.0.1/",
                                    "https://172.16.0.1/",
                                    "https://192.168.1.1/",
                                    "https://0.0.0.0/",
                                    "https://2130706433/",
                                    "https://127.1/",
                                    "https://localhost/",
                                    "https://a.localhost./",
                                    "https://user@app.example/",
                                    "https://app.example:0/",
                                    "https:///x",
                                    "//app.example/",
                                    "/logo.png",
                                    "javascript:alert(1)",
                                    "data:image/png;base64,x",
                                    "file:///etc/passwd",
                                    "https://app.example/#x",
                                    "https://app.example/a b"};
  for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
      struct us_reply r = say(w, member(w, names[n], bad[i]));
      if (r.status != 400 || strcmp(us_reply_str(&r, "error"), METADATA) != 0)
        fail_msg("%s=%s: %d %s", names[n], bad[i], r.status, r.body);
    }
  }
}

/* ---- Redirection ---- */

/* DR-03, SB-02, UG-60: the same for both kinds. */
static void redirection_uris_are_checked(void **state) {
  struct us_world *w = *state;
  static const char *const bad[] = {"",
                                    "/cb",
                                    "cb",
                                    "//app.example/cb",
                                    "https://app.example/cb#a",
                                    "http://app.example/cb",
                                    "http://127.0.0.1.evil.example/cb",
                                    "javascript:alert(1)",
                                    "data:text/html,x",
                                    "file:///etc/passwd",
                                    "https:/cb",
                                    "https://:80/cb",
                                    "https://app.example:/cb",
                                    "https://app.example:0/cb",
                                    "https://app.example:65536/cb",
                                    "https://app.example:99999999999999999999/cb",
                                    "http://[::1]:65536/cb",
                                    "https://app.example/%GG"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    refused(post_json(w, NULL, us_text(w, "{\"redirect_uris\":[\"%s\"]}", bad[i])), URI);
    refused(post_json(w, NULL, us_text(w, "{\"redirect_uris\":[\"" REDIRECT "\",\"%s\"]}", bad[i])), URI);
    refused(say(w, us_text(w, "\"claims_redirect_uris\":[\"%s\"]", bad[i])), URI);
  }
  struct us_reply r = post_json(w, NULL, "{\"redirect_uris\":[\"" REDIRECT "\",\"https://app.example/#x\"]}");
  assert_string_equal(description(r), "redirect_uris[1]: has a fragment");
}

static void the_code_grant_needs_redirection_uris(void **state) {
  struct us_world *w = *state;
  refused(post_json(w, NULL, "{}"), URI);
  refused(post_json(w, NULL, "{\"redirect_uris\":[]}"), URI);
  refused(post_json(w, NULL, "{\"redirect_uris\":null}"), URI);
  refused(post_json(w, NULL, "{\"claims_redirect_uris\":[\"" REDIRECT "\"]}"), URI);
  refused(post_json(w, NULL, "{\"grant_types\":[\"authorization_code\",\"" UMA_GRANT "\"]}"), URI);
  fine(post_json(w, NULL, "{" PUBLIC ",\"grant_types\":[\"" UMA_GRANT "\"]}"));
}

/* SB-02: http is for native applications, on the machine itself. */
static void what_an_application_is_follows_from_its_uris(void **state) {
  struct us_world *w = *state;
  nobody_counts(w);
  static const struct {
    const char *uri, *stated, *type; /* NULL: refused */
  } cases[] = {
      {"https://app.example/cb", "", "web"},          {"https://app.example/cb", "web", "web"},
      {"https://app.example/cb", "native", "native"}, {"http://127.0.0.1:9/cb", "", "native"},
      {"http://127.0.0.1/cb", "native", "native"},    {"http://[::1]:9/cb", "", "native"},
      {"com.example.app:/cb", "", "native"},          {"http://127.0.0.1/cb", "web", NULL},
      {"com.example.app:/cb", "web", NULL},           {"http://app.example/cb", "native", NULL},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    for (int claims = 0; claims < 2; claims++) {
      const char *uris =
          claims ? us_text(w, "\"redirect_uris\":[\"" REDIRECT "\"],\"claims_redirect_uris\":[\"%s\"]", cases[i].uri)
                 : us_text(w, "\"redirect_uris\":[\"%s\"]", cases[i].uri);
      struct us_reply r =
          post_json(w, NULL, us_text(w, "{%s," PUBLIC ",\"application_type\":\"%s\"}", uris, cases[i].stated));
      if (cases[i].type == NULL)
        assert_error(r, 400, URI);
      else
        assert_status(r, 201);
      if (cases[i].type != NULL)
        assert_string_equal(us_reply_str(&r, "application_type"), cases[i].type);
    }
  }
  refused(say(w, "\"application_type\":\"desktop\""), METADATA);
}

/* ---- What fits together ---- */

/* DR-04 */
static void grants_and_response_types_fit_together(void **state) {
  struct us_world *w = *state;
  nobody_counts(w);
  static const struct {
    const char *said, *grants, *responses; /* NULL: refused */
  } cases[] = {
      {"", "[\"authorization_code\"]", "[\"code\"]"},
      {"\"grant_types\":[\"authorization_code\"],\"response_types\":[\"code\"]", "[\"authorization_code\"]",
       "[\"code\"]"},
      {"\"grant_types\":[\"" UMA_GRANT "\"]", "[\"" UMA_GRANT "\"]", "[]"},
      {"\"grant_types\":[\"" UMA_GRANT "\"],\"response_types\":[]", "[\"" UMA_GRANT "\"]", "[]"},
      {"\"grant_types\":[\"refresh_token\",\"authorization_code\",\"refresh_token\"]",
       "[\"refresh_token\",\"authorization_code\"]", "[\"code\"]"},
      {"\"response_types\":[\"code\",\"code\"]", "[\"authorization_code\"]", "[\"code\"]"},
      {"\"grant_types\":[\"" UMA_GRANT "\"],\"response_types\":[\"code\"]", NULL, NULL},
      {"\"grant_types\":[\"authorization_code\"],\"response_types\":[]", NULL, NULL},
      {"\"response_types\":[]", NULL, NULL},
      {"\"response_types\":[\"token\"]", NULL, NULL},
      {"\"response_types\":[\"code\",\"id_token\"]", NULL, NULL},
      {"\"response_types\":[\"code id_token\"]", NULL, NULL},
      {"\"response_types\":[\"none\"]", NULL, NULL},
      {"\"grant_types\":[\"implicit\"]", NULL, NULL},
      {"\"grant_types\":[\"authorization_code\",\"foo\"]", NULL, NULL},
      {"\"grant_types\":[\"urn:ietf:params:oauth:grant-type:device_code\"]", NULL, NULL},
      {"\"grant_types\":[\"\"]", NULL, NULL},
      {"\"grant_types\":[]", NULL, NULL},
  };
  for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
    struct us_reply r = say(w, cases[i].said);
    if (cases[i].grants == NULL) {
      if (r.status != 400 || strcmp(us_reply_str(&r, "error"), METADATA) != 0)
        fail_msg("%s: %d %s", cases[i].said, r.status, r.body);
      continue;
    }
    assert_status(r, 201);
    assert_string_equal(list_text(w, &r, "grant_types"), cases[i].grants);
    assert_string_equal(list_text(w, &r, "response_types"), cases[i].responses);
  }
}

/* OA-21 */
static void public_clients_cannot_speak_for_themselves(void **state) {
  struct us_world *w = *state;
  const char *initial = initial_token(w, DCR_SCOPE);
  refused(post_json(w, initial, "{" PUBLIC ",\"grant_types\":[\"client_credentials\"]}"), METADATA);
}

/* Certificates of clients reach the server, and there are authorities for them; nobody asks these here. */
static void see_certificates(struct us_world *w, bool does_see) {
  static char somebody;
  us_world_services(w)->sees_certificates = does_see;
  us_world_services(w)->authorities = does_see ? (struct us_cert_trust *)&somebody : NULL;
}

/* DR-04: what may be registered is what the metadata of the server offer. */
static void methods_are_those_that_are_offered(void **state) {
  struct us_world *w = *state;
  nobody_counts(w);
  static const struct {
    const char *method, *more;
  } methods[] = {{"client_secret_basic", ""},
                 {"client_secret_post", ""},
                 {"none", ""},
                 {"private_key_jwt", ",\"jwks_uri\":\"https://app.example/jwks\""},
                 {"client_secret_jwt", ""},
                 {"tls_client_auth", ",\"tls_client_auth_san_dns\":\"app.example\""},
                 {"self_signed_tls_client_auth", ",\"jwks_uri\":\"https://app.example/jwks\""},
                 {"Client_Secret_Basic", ""},
                 {"foo", ""}};
  for (int with_tls = 0; with_tls < 2; with_tls++) {
    see_certificates(w, with_tls);
    struct us_reply offer = us_send(w, "GET", ALPHA_OAUTH ".well-known/openid-configuration", NULL, NULL);
    const char *offered = list_text(w, &offer, "token_endpoint_auth_methods_supported");
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
      bool is_offered = strstr(offered, us_text(w, "\"%s\"", methods[i].method)) != NULL;
      struct us_reply r =
          try_more(w, us_text(w, "\"token_endpoint_auth_method\":\"%s\"%s", methods[i].method, methods[i].more));
      if (is_offered != (r.status == 201))
        fail_msg("%s is offered: %d; got %d %s", methods[i].method, is_offered, r.status, r.body);
      if (!is_offered)
        assert_error(r, 400, METADATA);
      bool has_secret = strncmp(methods[i].method, "client_secret", 13) == 0;
      if (is_offered)
        assert_int_equal(has_member(&r, "client_secret"), has_secret);
    }
    assert_int_equal(strstr(offered, "tls_client_auth") != NULL, with_tls);
  }
  see_certificates(w, false);
}

static void algorithms_are_those_that_are_offered(void **state) {
  struct us_world *w = *state;
  nobody_counts(w);
  static const char *const bad[] = {"none", "HS256", "PS256", "rs256", "RS512", "EdDSA"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    refused(say(w, member(w, "id_token_signed_response_alg", bad[i])), METADATA);
    refused(try_more(w, us_text(w,
                                "\"token_endpoint_auth_method\":\"private_key_jwt\",\"jwks\":%s,"
                                "\"token_endpoint_auth_signing_alg\":\"%s\"",
                                jwks(w, EC_1, "k"), bad[i])),
            METADATA);
  }
  struct us_reply r = try_more(w, us_text(w,
                                          "\"token_endpoint_auth_method\":\"private_key_jwt\",\"jwks\":%s,"
                                          "\"token_endpoint_auth_signing_alg\":\"ES256\"",
                                          jwks(w, EC_1, "k")));
  assert_status(r, 201);
  assert_string_equal(us_reply_str(&r, "token_endpoint_auth_signing_alg"), "ES256");
  refused(say(w, "\"subject_type\":\"pairwise\""), METADATA);
}

/* ---- Keys ---- */

static struct us_reply with_keys(struct us_world *w, const char *set) {
  return say(w, us_text(w, "\"jwks\":%s", set));
}

/* DR-04 */
static void keys_are_public_and_in_one_place(void **state) {
  struct us_world *w = *state;
  nobody_counts(w);
  fine(with_keys(w, jwks(w, EC_1, "k")));
  fine(with_keys(w, jwks(w, RSA_1, "k")));
  refused(with_keys(w, "{\"keys\":[]}"), METADATA);
  refused(with_keys(w, "{}"), METADATA);
  refused(with_keys(w, "{\"keys\":{}}"), METADATA);
  refused(with_keys(w, "{\"keys\":[7]}"), METADATA);
  refused(with_keys(w, jwks(w, RSA_SHORT, "k")), METADATA);
  refused(with_keys(w, us_text(w, "{\"keys\":[%s]}", jwk(w, EC_1, ",\"d\":\"AAAA\""))), METADATA);
  refused(with_keys(w, us_text(w, "{\"keys\":[%s,{\"kty\":\"oct\",\"k\":\"AAAA\"}]}", jwk(w, EC_1, ""))), METADATA);
  refused(say(w, us_text(w, "\"jwks\":%s,\"jwks_uri\":\"https://app.example/jwks\"", jwks(w, EC_1, "k"))), METADATA);
  const char *one = jwk(w, EC_1, ""), *keys = one;
  for (int i = 1; i < 16; i++)
    keys = us_text(w, "%s,%s", keys, one);
  fine(with_keys(w, us_text(w, "{\"keys\":[%s]}", keys)));
  refused(with_keys(w, us_text(w, "{\"keys\":[%s,%s]}", keys, one)), METADATA);
  refused(try_more(w, "\"token_endpoint_auth_method\":\"private_key_jwt\""), METADATA);
}

/* A client that registered a key authenticates by it. */
static void a_registered_key_is_used(void **state) {
  struct us_world *w = *state;
  struct us_reply r = post_json(
      w, initial_token(w, DCR_SCOPE),
      us_text(
          w,
          "{\"token_endpoint_auth_method\":\"private_key_jwt\",\"jwks\":%s,\"grant_types\":[\"client_credentials\"]}",
          jwks(w, EC_1, "k")));
  assert_status(r, 201);
  assert_false(has_member(&r, "client_secret"));
  const char *id = us_reply_str(&r, "client_id"), *head = "{\"alg\":\"ES256\",\"kid\":\"k\"}";
  expect_status(show(w, TOKEN, jwt(w, EC_1, head, claims_of(w, id, ALPHA_ISSUER)), GRANT), 200);
  expect_error(show(w, TOKEN, jwt(w, EC_2, head, claims_of(w, id, ALPHA_ISSUER)), GRANT), 400, "invalid_client");
  /* another key by a change, and the first one is nothing any more */
  r = manage(w, "PUT", &r,
             us_text(w,
                     "{\"client_id\":\"%s\",\"token_endpoint_auth_method\":\"private_key_jwt\",\"jwks\":%s,"
                     "\"grant_types\":[\"client_credentials\"]}",
                     id, jwks(w, EC_2, "k")));
  assert_status(r, 200);
  expect_status(show(w, TOKEN, jwt(w, EC_2, head, claims_of(w, id, ALPHA_ISSUER)), GRANT), 200);
  expect_error(show(w, TOKEN, jwt(w, EC_1, head, claims_of(w, id, ALPHA_ISSUER)), GRANT), 400, "invalid_client");
}

/* RFC 8705 2.1.2: exactly one name. */
static void a_certificate_is_registered_by_one_name(void **state) {
  struct us_world *w = *state;
  nobody_counts(w);
#define BY_NAME "\"token_endpoint_auth_method\":\"tls_client_auth\""
  see_certificates(w, true);
  static const char *const names[] = {
      "\"tls_client_auth_subject_dn\":\"CN=app,O=Example\"", "\"tls_client_auth_san_dns\":\"app.example\"",
      "\"tls_client_auth_san_uri\":\"https://app.example/\"", "\"tls_client_auth_san_ip\":\"192.0.2.1\"",
      "\"tls_client_auth_san_email\":\"ops@app.example\""};
  for (size_t i = 0; i < 5; i++) {
    struct us_reply r = try_more(w, us_text(w, BY_NAME ",%s", names[i]));
    assert_status(r, 201);
    assert_non_null(strstr(r.body, names[i]));
    refused(try_more(w, us_text(w, BY_NAME ",%s,%s", names[i], names[(i + 1) % 5])), METADATA);
    refused(say(w, names[i]), METADATA); /* with another method */
  }
  refused(try_more(w, BY_NAME), METADATA);
  refused(try_more(w, BY_NAME ",\"tls_client_auth_san_ip\":\"nowhere\""), METADATA);
  struct us_reply bound = say(w, "\"tls_client_certificate_bound_access_tokens\":true");
  assert_status(bound, 201);
  assert_true(json_is_true(json_object_get(bound.json, "tls_client_certificate_bound_access_tokens")));
  see_certificates(w, false);
  refused(say(w, "\"tls_client_certificate_bound_access_tokens\":true"), METADATA);
}

/* client_secret_jwt: the secret is sealed, not hashed, and a change of method keeps it where it can. */
static void a_secret_for_assertions_is_sealed(void **state) {
  struct us_world *w = *state;
  struct us_services *svc = us_world_services(w);
  struct us_cx cx = {.mem = us_mem_root_new(0, 1 << 20)};
  struct us_box *box = NULL;
  assert_int_equal(us_box_new(&cx, US_STR("0123456789abcdef0123456789abcdef"), &box), US_OK);
  svc->box = box;
  const char *grants = "\"grant_types\":[\"client_credentials\"]";
#define BY_METHOD(method) us_text(w, "\"token_endpoint_auth_method\":\"" method "\",%s", grants)
  struct us_reply mine = post_json(w, initial_token(w, DCR_SCOPE), us_text(w, "{%s}", BY_METHOD("client_secret_jwt")));
  assert_status(mine, 201);
  const char *id = us_reply_str(&mine, "client_id"), *secret = us_reply_str(&mine, "client_secret");
  const char *head = "{\"alg\":\"HS256\"}";
  expect_status(show(w, TOKEN, hs256(w, us_str_c(secret), head, claims_of(w, id, ALPHA_ISSUER)), GRANT), 200);
  /* the same one as a plain secret */
  struct us_reply r =
      manage(w, "PUT", &mine,
             again(w, &mine, us_text(w, "\"client_secret\":\"%s\",%s", secret, BY_METHOD("client_secret_basic"))));
  assert_status(r, 200);
  assert_false(has_member(&r, "client_secret"));
  expect_status(send_form(w, TOKEN, basic(w, id, secret), GRANT), 200);
  expect_error(show(w, TOKEN, hs256(w, us_str_c(secret), head, claims_of(w, id, ALPHA_ISSUER)), GRANT), 400,
               "invalid_client");
  /* and back: of the hash no key can be made, so there is a new one */
  r = manage(w, "PUT", &mine, again(w, &mine, BY_METHOD("client_secret_jwt")));
  assert_status(r, 200);
  const char *second = us_reply_str(&r, "client_secret");
  assert_string_not_equal(second, "");
  assert_string_not_equal(second, secret);
  expect_status(show(w, TOKEN, hs256(w, us_str_c(second), head, claims_of(w, id, ALPHA_ISSUER)), GRANT), 200);
  expect_error(
      manage(w, "PUT", &mine,
             again(w, &mine, us_text(w, "\"client_secret\":\"%s\",%s", secret, BY_METHOD("client_secret_jwt")))),
      400, METADATA);
  svc->box = NULL;
  us_box_free(box);
  us_mem_free(cx.mem);
}

/* ---- Software statements ---- */

#define HEAD "{\"alg\":\"ES256\",\"kid\":\"s\"}"
#define STATED "\"iss\":\"https://trust.example\",\"redirect_uris\":[\"https://stated.example/cb\"]"

static void trust(struct us_world *w, const char *issuer) {
  us_world_set(w, "softwareStatementIssuers", us_text(w, "{\"%s\":%s}", issuer, jwks(w, EC_1, "s")));
}
static struct us_reply state_it(struct us_world *w, const char *statement, const char *more) {
  return say(w, us_text(w, "\"software_statement\":\"%s\"%s", statement, more));
}
static struct us_reply claim(struct us_world *w, const char *claims) {
  return state_it(w, jwt(w, EC_1, HEAD, us_text(w, "{%s}", claims)), "");
}

/* DR-06: its values beat the plain ones, and it comes back as it is. */
static void a_statement_beats_what_the_client_says(void **state) {
  struct us_world *w = *state;
  trust(w, "https://trust.example");
  const char *statement = jwt(
      w, EC_1, HEAD,
      "{" STATED ",\"client_name\":\"Stated\",\"client_name#de\":\"Gesagt\",\"scope\":\"openid uma_protection view\","
      "\"client_id\":\"alice\",\"client_secret\":\"s\",\"software_statement\":\"x\",\"x\":1}");
  struct us_reply r = state_it(w, statement, ",\"client_name\":\"Plain\",\"scope\":\"email\",\"software_id\":\"mine\"");
  assert_status(r, 201);
  assert_string_equal(us_reply_str(&r, "client_name"), "Stated");
  assert_string_equal(us_reply_str(&r, "client_name#de"), "Gesagt");
  assert_string_equal(us_reply_str(&r, "software_id"), "mine");
  assert_string_equal(us_reply_str(&r, "scope"), "openid view"); /* it attests what software is, not what it may */
  assert_string_equal(list_text(w, &r, "redirect_uris"), "[\"https://stated.example/cb\"]");
  assert_string_equal(us_reply_str(&r, "software_statement"), statement);
  assert_string_not_equal(us_reply_str(&r, "client_id"), "alice");
  assert_false(has_member(&r, "x"));
  assert_false(has_member(&r, "iss"));
}

/* DR-06 */
static void an_issuer_nobody_trusts_approves_nothing(void **state) {
  struct us_world *w = *state;
#define UNAPPROVED "unapproved_software_statement"
  nobody_counts(w);
  refused(claim(w, STATED), UNAPPROVED); /* none is configured */
  trust(w, "https://other.example");
  refused(claim(w, STATED), UNAPPROVED);
  refused(claim(w, "\"iss\":\"https://trust.exampl\""), UNAPPROVED);
  refused(claim(w, "\"redirect_uris\":[]"), UNAPPROVED); /* no issuer at all */
  refused(claim(w, "\"iss\":7"), UNAPPROVED);
  trust(w, "https://trust.example");
  fine(claim(w, STATED));
}

/* DR-06 */
static void a_statement_is_checked_like_any_jwt(void **state) {
  struct us_world *w = *state;
#define INVALID "invalid_software_statement"
  nobody_counts(w);
  trust(w, "https://trust.example");
  const char *claims = "{" STATED "}", *good = jwt(w, EC_1, HEAD, claims);
  fine(state_it(w, good, ""));
  refused(state_it(w, jwt(w, EC_2, HEAD, claims), ""), INVALID);
  refused(state_it(w, us_text(w, "%.*s%c", (int)strlen(good) - 1, good, good[strlen(good) - 1] == 'A' ? 'Q' : 'A'), ""),
          INVALID);
  refused(state_it(w, us_text(w, "%s.", good), ""), INVALID);
  refused(state_it(w, "a.b.c", ""), INVALID);
  refused(state_it(w, "x", ""), INVALID);
  refused(state_it(w, jwt(w, EC_1, "{\"alg\":\"none\"}", claims), ""), INVALID);
  refused(state_it(w, jwt(w, EC_1, "{\"alg\":\"RS256\",\"kid\":\"s\"}", claims), ""), INVALID);
  refused(state_it(w, jwt(w, EC_1, "{\"alg\":\"ES256\",\"kid\":\"other\"}", claims), ""), INVALID);
  refused(state_it(w, jwt(w, EC_1, "{\"alg\":\"ES256\",\"kid\":\"s\",\"crit\":[\"x\"]}", claims), ""), INVALID);
  refused(state_it(w, hs256(w, us_str_c(jwks(w, EC_1, "s")), "{\"alg\":\"HS256\",\"kid\":\"s\"}", claims), ""),
          INVALID);
  refused(state_it(w, jwt(w, EC_1, HEAD, "[]"), ""), INVALID);
  fine(state_it(w, jwt(w, EC_1, "{\"alg\":\"ES256\"}", claims), "")); /* the only key there is */
  int64_t now = now_s(w);
  static const char *const dates[] = {"exp", "nbf", "iat"};
  for (int i = 0; i < 3; i++) {
    int64_t last = i == 0 ? now + 1 : now + 60, bad = i == 0 ? now : now + 61;
    fine(claim(w, us_text(w, STATED ",\"%s\":%lld", dates[i], (long long)last)));
    refused(claim(w, us_text(w, STATED ",\"%s\":%lld", dates[i], (long long)bad)), INVALID);
    refused(claim(w, us_text(w, STATED ",\"%s\":\"soon\"", dates[i])), INVALID);
  }
  fine(claim(w, STATED ",\"aud\":[\"https://other.example\",\"" ALPHA_ISSUER "\"]"));
  refused(claim(w, STATED ",\"aud\":\"https://other.example\""), INVALID);
  refused(claim(w, STATED ",\"aud\":7"), INVALID);
  refused(state_it(w, repeat(w, "", 16 * 1024), ""), INVALID);
  refused(state_it(w, repeat(w, "", 16 * 1024 + 1), ""), METADATA);
  refused(claim(w, STATED ",\"logo_uri\":\"http://127.0.0.1/\""), METADATA); /* vouched for or not */
  refused(claim(w, STATED ",\"contacts\":7"), METADATA);
}

static void a_realm_says_what_a_statement_must_say(void **state) {
  struct us_world *w = *state;
  nobody_counts(w);
  trust(w, "https://trust.example");
  refused(claim(w, "\"iss\":\"https://trust.example\""), INVALID); /* redirect_uris, by default */
  us_world_set(w, "requiredSoftwareStatementAttestedAttributes", "software_id,client_name");
  struct us_reply r = claim(w, "\"iss\":\"https://trust.example\",\"software_id\":\"s\"");
  assert_error(r, 400, INVALID);
  assert_string_equal(description(r), "The software statement must say something of client_name");
  fine(claim(w, "\"iss\":\"https://trust.example\",\"software_id\":\"s\",\"client_name\":\"n\""));
  us_world_set(w, "dynamicClientRegistrationSoftwareStatementRequired", "true");
  r = say(w, "");
  assert_error(r, 400, METADATA);
  assert_string_equal(description(r), "software_statement: is required");
  us_world_set(w, "requiredSoftwareStatementAttestedAttributes", "");
  r = claim(w, "\"iss\":\"https://trust.example\"");
  assert_status(r, 201);
  refused(manage(w, "PUT", &r, again(w, &r, PUBLIC)), METADATA); /* for a change as well */
}

/* A test that failed half-way has left `somebody` there, who cannot be freed. */
static int forget_somebody(void **state) {
  us_world_services(*state)->authorities = NULL;
  return world_down(state);
}
#undef STORY
#define STORY(name) cmocka_unit_test_setup_teardown(name, world_up, forget_somebody)

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(what_is_fine_is_stored_as_it_was_said),
      STORY(what_is_not_understood_is_ignored),
      STORY(types_are_checked_member_by_member),
      STORY(texts_have_a_longest_and_no_controls),
      STORY(lists_have_a_longest),
      STORY(a_whole_body_fits),
      STORY(scopes_have_a_form_and_a_number),
      STORY(urls_lead_outside),
      STORY(redirection_uris_are_checked),
      STORY(the_code_grant_needs_redirection_uris),
      STORY(what_an_application_is_follows_from_its_uris),
      STORY(grants_and_response_types_fit_together),
      STORY(public_clients_cannot_speak_for_themselves),
      STORY(methods_are_those_that_are_offered),
      STORY(algorithms_are_those_that_are_offered),
      STORY(keys_are_public_and_in_one_place),
      STORY(a_registered_key_is_used),
      STORY(a_certificate_is_registered_by_one_name),
      STORY(a_secret_for_assertions_is_sealed),
      STORY(a_statement_beats_what_the_client_says),
      STORY(an_issuer_nobody_trusts_approves_nothing),
      STORY(a_statement_is_checked_like_any_jwt),
      STORY(a_realm_says_what_a_statement_must_say),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  for (size_t i = 0; i < PAIRS; i++)
    EVP_PKEY_free(pairs[i]);
  return failed;
}
