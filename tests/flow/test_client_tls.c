/*
 * Clients that authenticate by their certificate (tls_client_auth, self_signed_tls_client_auth), and tokens that are bound to one:
 * RFC 8705, protocol contract 1.7. How certificates come in is tests/wire/test_client_cert.c.
 */
#include "flow/assertion.h"
#include "testlib/certificate.h"

#include <unistd.h>

#define ID "mutual"
#define DAY INT64_C(86400)
#define GRANT_AS(id) GRANT "&client_id=" id

static char ca_file[64];

/* An authority, and a certificate by it for EC_1, now and for a day. The clock of the world stands in 2031. */
static struct test_cert authority(struct us_world *w) {
  return (struct test_cert){.subject = "CN=Authority,O=Test",
                            .key = pair_of(EC_2),
                            .from_s = now_s(w) - 10 * DAY,
                            .to_s = now_s(w) + 10 * DAY,
                            .is_authority = true};
}
static struct test_cert leaf(struct us_world *w) {
  return (struct test_cert){.subject = "CN=client,OU=Photo\\, Print,O=Test",
                            .key = pair_of(EC_1),
                            .from_s = now_s(w) - DAY,
                            .to_s = now_s(w) + DAY,
                            .names =
                                "DNS:client.example,DNS:*.wild.example,URI:urn:client:1,IP:192.0.2.7,IP:2001:db8::7,"
                                "email:Client@Mail.Example"};
}
static struct us_cert *issued(struct test_cert subject, struct test_cert issuer) {
  X509 *x509 = test_cert_make(&subject, &issuer);
  struct us_cert *cert = us_cert_of_x509(x509, NULL);
  assert_non_null(cert);
  X509_free(x509);
  return cert;
}
static struct us_cert *self_signed(struct test_cert subject) {
  return issued(subject, subject);
}
/* The server sees certificates, and trusts this authority. */
static void trust(struct us_world *w, struct test_cert ca) {
  char reason[256];
  strcpy(ca_file, "/tmp/usher-ca-XXXXXX");
  int fd = mkstemp(ca_file);
  FILE *out = fdopen(fd, "w");
  X509 *x509 = test_cert_make(&ca, &ca);
  assert_non_null(out);
  assert_int_equal(PEM_write_X509(out, x509), 1);
  fclose(out);
  X509_free(x509);
  us_world_services(w)->authorities = us_cert_trust_new(ca_file, reason, sizeof(reason));
  unlink(ca_file);
  assert_non_null(us_world_services(w)->authorities);
  us_world_services(w)->sees_certificates = true;
}
/* The world keeps what it is shown. */
static void come_with(struct us_world *w, struct us_cert *cert) {
  us_world_show_cert(w, cert);
  us_cert_unref(cert);
}

static void fill_tls_name(struct us_cx *cx, struct us_client *client, const void *names) {
  (void)cx;
  client->auth_method = US_STR("tls_client_auth");
  client->tls_names = us_str_c(names);
}
static void fill_self_signed(struct us_cx *cx, struct us_client *client, const void *set) {
  (void)cx;
  client->auth_method = US_STR("self_signed_tls_client_auth");
  client->jwks = us_str_c(set);
}
static struct us_reply ask_as(struct us_world *w, const char *id) {
  return send_form(w, TOKEN, NULL, us_text(w, GRANT "&client_id=%s", id));
}
static bool is_let_in(struct us_world *w, const char *id) {
  struct us_reply r = ask_as(w, id);
  if (r.status == 200) {
    assert_string_not_equal(us_reply_str(&r, "access_token"), "");
    return true;
  }
  assert_error(r, 400, "invalid_client");
  assert_string_equal(description(r), "Client authentication failed");
  return false;
}

/* XT-05, RFC 8705 2.1: each kind of name, spelled as it may be, and not as it may not. */
static void the_registered_name_is_looked_for(void **state) {
  struct us_world *w = *state;
  trust(w, authority(w));
  static const struct {
    const char *kind, *value;
    bool fits;
  } names[] = {
      {"subject_dn", "CN=client,OU=Photo\\\\, Print,O=Test", true},
      {"subject_dn", "cn=client, ou=Photo\\\\2C Print , o=Test", true},
      {"subject_dn", "2.5.4.3=client,OU=Photo\\\\, Print,O=Test", true},
      {"subject_dn", "CN=Client,OU=Photo\\\\, Print,O=Test", false},
      {"subject_dn", "O=Test,OU=Photo\\\\, Print,CN=client", false},
      {"subject_dn", "CN=client,OU=Photo\\\\, Print", false},
      {"subject_dn", "CN=client", false},
      {"subject_dn", "CN=client+OU=Photo\\\\, Print,O=Test", false},
      {"san_dns", "client.example", true},
      {"san_dns", "CLIENT.Example", true},
      {"san_dns", "*.wild.example", true},
      {"san_dns", "a.wild.example", false},
      {"san_dns", "example", false},
      {"san_dns", "client.example.evil.example", false},
      {"san_uri", "urn:client:1", true},
      {"san_uri", "urn:client:12", false},
      {"san_uri", "URN:client:1", false},
      {"san_ip", "192.0.2.7", true},
      {"san_ip", "2001:0DB8:0::7", true},
      {"san_ip", "192.0.2.8", false},
      {"san_ip", "::ffff:192.0.2.7", false},
      {"san_email", "Client@mail.example", true},
      {"san_email", "client@mail.example", false},
      {"san_dns", "urn.client", false},
  };
  come_with(w, issued(leaf(w), authority(w)));
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    const char *id = us_text(w, "c%zu", i);
    const char *json = us_text(w, "{\"tls_client_auth_%s\":\"%s\"}", names[i].kind, names[i].value);
    if (try_client(w, id, fill_tls_name, json) != US_OK)
      fail_msg("refused: %s", json);
    if (is_let_in(w, id) != names[i].fits)
      fail_msg("%s", json);
  }
}

static void fine_client(struct us_world *w) {
  trust(w, authority(w));
  assert_int_equal(try_client(w, ID, fill_tls_name, "{\"tls_client_auth_san_dns\":\"client.example\"}"), US_OK);
  come_with(w, issued(leaf(w), authority(w)));
  assert_true(is_let_in(w, ID));
}

/* XT-05, RFC 8705 2.1: an authority must vouch for it, now, and for clients. */
static void only_a_trusted_certificate_counts(void **state) {
  struct us_world *w = *state;
  fine_client(w);
  struct test_cert bad = leaf(w), other = authority(w);
  come_with(w, self_signed(leaf(w)));
  assert_false(is_let_in(w, ID));
  other.key = pair_of(RSA_1); /* of the same name, another key */
  come_with(w, issued(leaf(w), other));
  assert_false(is_let_in(w, ID));
  bad.usage = "serverAuth";
  come_with(w, issued(bad, authority(w)));
  assert_false(is_let_in(w, ID));
  bad.usage = "clientAuth,serverAuth";
  come_with(w, issued(bad, authority(w)));
  assert_true(is_let_in(w, ID));
  us_world_show_cert(w, NULL);
  assert_false(is_let_in(w, ID));
  us_world_show_certificate(
      w, "mcwjrMOEKrZF4iEsDwBN5bySi9NhVRZKnE18o3f6uZ8"); /* a thumbprint alone says nothing of names */
  assert_false(is_let_in(w, ID));
}

static void dates_are_looked_at_each_time(void **state) {
  struct us_world *w = *state;
  fine_client(w);
  us_world_advance_ms(w, DAY * 1000); /* to the second */
  struct test_cert same = leaf(w);
  assert_true(same.from_s < now_s(w));
  us_world_advance_ms(w, -1000);
  assert_true(is_let_in(w, ID));
  us_world_advance_ms(w, 2000);
  assert_false(is_let_in(w, ID)); /* expired by a second, on the same connection */
  struct test_cert early = leaf(w);
  early.from_s = now_s(w) + 1;
  come_with(w, issued(early, authority(w)));
  assert_false(is_let_in(w, ID));
  us_world_advance_ms(w, 1000);
  assert_true(is_let_in(w, ID));
  /* The authority's own end counts too. */
  struct test_cert late = leaf(w);
  late.to_s = now_s(w) + 100 * DAY;
  come_with(w, issued(late, authority(w)));
  assert_true(is_let_in(w, ID));
  us_world_advance_ms(w, 10 * DAY * 1000);
  assert_false(is_let_in(w, ID));
}

/* Without authorities the method is there for nobody. */
static void without_authorities_nobody_is_let_in(void **state) {
  struct us_world *w = *state;
  fine_client(w);
  us_cert_trust_free(us_world_services(w)->authorities);
  us_world_services(w)->authorities = NULL;
  assert_false(is_let_in(w, ID));
}

static void exactly_one_name_is_registered(void **state) {
  struct us_world *w = *state;
  static const char *const bad[] = {
      "{}",
      "{\"tls_client_auth_san_dns\":\"a.example\",\"tls_client_auth_san_uri\":\"urn:a\"}",
      "{\"tls_client_auth_san_dns\":\"\"}",
      "{\"tls_client_auth_san_dns\":1}",
      "{\"tls_client_auth_san_dns\":\"a b\"}",
      "{\"tls_client_auth_san_ip\":\"a.example\"}",
      "{\"tls_client_auth_san_ip\":\"192.0.2.0/24\"}",
      "{\"tls_client_auth_san_email\":\"a\"}",
      "{\"tls_client_auth_san_uri\":\"a\"}",
      "{\"tls_client_auth_subject_dn\":\"client\"}",
      "{\"tls_client_auth_subject_dn\":\"CN=a,\"}",
      "{\"tls_client_auth_subject_dn\":\"CN=a\\\\\"}",
      "{\"tls_client_auth_subject_dn\":\"XYZ=a\"}",
      "{\"other\":\"a.example\"}",
  };
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    if (try_client(w, us_text(w, "c%zu", i), fill_tls_name, bad[i]) != US_E_INVALID_METADATA)
      fail_msg("taken: %s", bad[i]);
  }
}

/* XT-05, RFC 8705 2.2: the key is registered; or the certificate, then that one and no other. */
static void a_certificate_of_ones_own_is_registered_by_key_or_as_it_is(void **state) {
  struct us_world *w = *state;
  struct us_cert *own = self_signed(leaf(w));
  struct test_cert newer = leaf(w), rsa = leaf(w), other = leaf(w);
  X509 *x509 = test_cert_make(&newer, &newer);
  unsigned char *der = NULL;
  int n = i2d_X509(x509, &der);
  assert_true(n > 0);
  const char *x5c = us_text(w, ",\"x5c\":[\"%s\"]", test_cert_base64(der, (size_t)n));
  OPENSSL_free(der);
  assert_int_equal(try_client(w, "by-key", fill_self_signed, jwks(w, EC_1, "k")), US_OK);
  assert_int_equal(try_client(w, "by-rsa", fill_self_signed, jwks(w, RSA_1, NULL)), US_OK);
  assert_int_equal(try_client(w, "as-it-is", fill_self_signed, us_text(w, "{\"keys\":[%s]}", jwk(w, EC_1, x5c))),
                   US_OK);
  assert_int_equal(try_client(w, "not-its-own", fill_self_signed,
                              us_text(w, "{\"keys\":[%s,%s]}", jwk(w, EC_2, x5c), jwk(w, RSA_1, ""))),
                   US_OK);
  come_with(w, own); /* the key of EC_1, another certificate than x5c says */
  assert_true(is_let_in(w, "by-key"));
  assert_false(is_let_in(w, "by-rsa"));
  assert_false(is_let_in(w, "as-it-is"));
  assert_false(is_let_in(w, "not-its-own"));
  come_with(w, us_cert_of_x509(x509, NULL));
  assert_true(is_let_in(w, "by-key"));
  assert_true(is_let_in(w, "as-it-is"));
  assert_false(is_let_in(w, "not-its-own"));
  X509_free(x509);
  rsa.key = pair_of(RSA_1);
  come_with(w, self_signed(rsa));
  assert_true(is_let_in(w, "by-rsa"));
  assert_true(is_let_in(w, "not-its-own")); /* by its other key */
  assert_false(is_let_in(w, "by-key"));
  other.key = pair_of(EC_2);
  come_with(w, self_signed(other));
  assert_false(is_let_in(w, "by-key"));
  other.key = pair_of(RSA_SHORT);
  come_with(w, self_signed(other));
  assert_false(is_let_in(w, "by-key"));
  us_world_show_cert(w, NULL);
  assert_false(is_let_in(w, "by-key"));
}

static void an_expired_certificate_of_ones_own_is_refused(void **state) {
  struct us_world *w = *state;
  assert_int_equal(try_client(w, ID, fill_self_signed, jwks(w, EC_1, "k")), US_OK);
  come_with(w, self_signed(leaf(w)));
  assert_true(is_let_in(w, ID));
  us_world_advance_ms(w, (DAY + 1) * 1000);
  assert_false(is_let_in(w, ID));
}

/* The certificate shows who the connection is of; the client is the one that is named, by no other way. */
static void a_certificate_is_for_those_who_registered_it(void **state) {
  struct us_world *w = *state;
  fine_client(w);
  expect_error(send_form(w, TOKEN, NULL, GRANT), 400, "invalid_client"); /* client_id is needed */
  expect_error(ask_as(w, RS1), 400, "invalid_client");
  expect_error(ask_as(w, "nobody"), 400, "invalid_client");
  expect_error(send_form(w, TOKEN, NULL, GRANT_AS(ID) "&client_secret=x"), 400, "invalid_client");
  expect_error(send_form(w, TOKEN, basic(w, ID, "x"), GRANT), 401, "invalid_client");
  expect_status(send_form(w, INTROSPECT, NULL, "token=x&client_id=" ID), 200);
  expect_status(send_form(w, REVOKE, NULL, "token=x&client_id=" ID), 200);
  /* Others authenticate as before, certificate or not. */
  expect_status(token(w, RS1, GRANT), 200);
}

/* JW-20, for certificates: keys that are published elsewhere. */
static void fill_published(struct us_cx *cx, struct us_client *client, const void *url) {
  (void)cx;
  client->auth_method = US_STR("self_signed_tls_client_auth");
  client->jwks_uri = us_str_c(url);
}
static void published_keys_count_for_certificates_too(void **state) {
  struct us_world *w = *state;
  assert_int_equal(try_client(w, ID, fill_published, "https://client.example/keys"), US_OK);
  us_world_publish(w, jwks(w, EC_1, "k"));
  come_with(w, self_signed(leaf(w)));
  assert_true(is_let_in(w, ID));
  struct test_cert other = leaf(w);
  other.key = pair_of(EC_2);
  come_with(w, self_signed(other));
  for (int i = 0; i < 5; i++)
    assert_false(is_let_in(w, ID));
  assert_int_equal(us_world_fetches(w), 1);
  us_world_publish(w, jwks(w, EC_2, "k"));
  us_world_advance_ms(w, 60 * 1000);
  assert_true(is_let_in(w, ID));
  assert_int_equal(us_world_fetches(w), 2);
}

/* ---- Bound tokens: RFC 8705 3 ---- */

#define FIRST "mcwjrMOEKrZF4iEsDwBN5bySi9NhVRZKnE18o3f6uZ8"
#define SECOND "VJQw1Oalzayz03lNdyd7HUwdoaRBtD8740pg4AlAxyE"

static void bind_tokens(struct us_cx *cx, struct us_client *client) {
  (void)cx;
  client->binds_tokens = true;
}
static const char *cnf_of(struct us_reply r) {
  const char *cnf = json_string_value(json_object_get(json_object_get(r.json, "cnf"), "x5t#S256"));
  return cnf ? cnf : "";
}

/* XT-06 */
static void a_bound_pat_is_for_its_holder_only(void **state) {
  struct us_world *w = *state;
  change_client(w, RS1, bind_tokens);
  struct us_reply without = password(w, "alice", RS1, "uma_protection");
  assert_error(without, 400, "invalid_request");
  us_world_show_certificate(w, FIRST);
  const char *pat = take(password(w, "alice", RS1, "uma_protection"), "access_token");
  /* Twice: the second time the token is remembered (store/seen.c). */
  for (int i = 0; i < 2; i++)
    expect_status(us_with_pat(w, "GET", ALPHA_UMA "resource_set", pat, NULL), 200);
  assert_string_equal(cnf_of(us_introspect(w, pat, pat)), FIRST);
  static const char *const others[] = {SECOND, NULL};
  for (size_t i = 0; i < 2; i++) {
    us_world_show_certificate(w, others[i]);
    for (int twice = 0; twice < 2; twice++) {
      struct us_reply r = us_with_pat(w, "GET", ALPHA_UMA "resource_set", pat, NULL);
      assert_error(r, 401, "invalid_token");
      assert_non_null(strstr(us_reply_header(&r, "WWW-Authenticate"), "error=\"invalid_token\""));
      expect_error(us_introspect(w, pat, pat), 401, "invalid_token");
      expect_error(us_with_pat(w, "POST", ALPHA_UMA "permission_request", pat, "{}"), 401, "invalid_token");
    }
  }
  us_world_show_certificate(w, FIRST);
  expect_status(us_with_pat(w, "GET", ALPHA_UMA "resource_set", pat, NULL), 200);
}

/* XT-06: who introspects sees what it is bound to, whatever certificate he has himself. */
static void introspection_shows_the_binding(void **state) {
  struct us_world *w = *state;
  change_client(w, RS1, bind_tokens);
  us_world_show_certificate(w, FIRST);
  struct us_reply issued_now = password(w, "alice", RS1, "uma_protection");
  const char *access = take(issued_now, "access_token"), *refresh_token = take(issued_now, "refresh_token");
  us_world_show_certificate(w, NULL);
  struct us_reply r = look(w, RS1, access);
  assert_true(is_active(r));
  assert_string_equal(cnf_of(r), FIRST);
  assert_null(json_object_get(look(w, RS1, refresh_token).json, "cnf")); /* of a client that authenticates */
  assert_null(
      json_object_get(look(w, RS2, take(password(w, "alice", RS2, "uma_protection"), "access_token")).json, "cnf"));
}

/* RFC 8705 4: the tokens of a refresh are bound to the certificate it came with. */
static void a_refresh_binds_anew(void **state) {
  struct us_world *w = *state;
  change_client(w, RS1, bind_tokens);
  us_world_show_certificate(w, FIRST);
  const char *refresh_token = take(password(w, "alice", RS1, "uma_protection"), "refresh_token");
  us_world_show_certificate(w, NULL);
  expect_error(refresh(w, RS1, refresh_token, NULL), 400, "invalid_request"); /* and is not spent by it */
  us_world_show_certificate(w, SECOND);
  const char *access = take(refresh(w, RS1, refresh_token, NULL), "access_token");
  assert_string_equal(cnf_of(look(w, RS1, access)), SECOND);
  expect_status(us_with_pat(w, "GET", ALPHA_UMA "resource_set", access, NULL), 200);
}

struct issue_step {
  struct us_world *w;
  struct us_issued issued;
};
/* What a code exchange of a public client ends in. */
static enum us_code issue_step(struct us_cx *cx, void *self) {
  struct issue_step *step = self;
  struct us_client client;
  struct us_account account;
  struct us_str openid = US_STR("openid");
  cx->certificate = US_STR(FIRST);
  assert_int_equal(us_client_by_id(cx, alpha(step->w)->id, US_STR(P1), &client), US_OK);
  assert_int_equal(us_account_by_name(cx, alpha(step->w)->id, US_STR("alice"), &account), US_OK);
  struct us_token_issue in = {.realm = alpha(step->w),
                              .client = &client,
                              .account = &account,
                              .grant_type = "authorization_code",
                              .scopes = {&openid, 1},
                              .auth_time_s = us_cx_now_s(cx)};
  return us_token_issue(cx, &in, &step->issued);
}
/* RFC 8705 4: nothing else would show that a public client's refresh token is in the right hands. */
static void a_public_clients_refresh_token_is_bound_too(void **state) {
  struct us_world *w = *state;
  struct issue_step step = {.w = w};
  change_client(w, P1, bind_tokens);
  us_world_advance_ms(w, 1);
  assert_int_equal(us_world_transact(w, issue_step, &step), US_OK);
  const char *form = us_text(w, "grant_type=refresh_token&client_id=" P1 "&refresh_token=%s", step.issued.refresh.text);
  expect_error(send_form(w, TOKEN, NULL, form), 400, "invalid_grant");
  us_world_show_certificate(w, SECOND);
  expect_error(send_form(w, TOKEN, NULL, form), 400, "invalid_grant");
  us_world_show_certificate(w, FIRST);
  struct us_reply r = send_form(w, TOKEN, NULL, form);
  const char *next = us_text(w, "grant_type=refresh_token&client_id=" P1 "&refresh_token=%s", take(r, "refresh_token"));
  us_world_show_certificate(w, SECOND);
  expect_error(send_form(w, TOKEN, NULL, next), 400, "invalid_grant");
  us_world_show_certificate(w, FIRST);
  expect_status(send_form(w, TOKEN, NULL, next), 200);
}

/* MD-07: the methods are listed where they work. */
static void metadata_name_what_the_server_can_see(void **state) {
  struct us_world *w = *state;
  struct us_services *svc = us_world_services(w);
  static const char document[] = ALPHA_OAUTH ".well-known/openid-configuration";
  static const char methods[] = "token_endpoint_auth_methods_supported";
  assert_int_equal(json_array_size(json_object_get(us_send(w, "GET", document, NULL, NULL).json, methods)), 4);
  svc->sees_certificates = true;
  struct us_reply r = us_send(w, "GET", document, NULL, NULL);
  assert_int_equal(json_array_size(json_object_get(r.json, methods)), 5);
  assert_string_equal(json_string_value(json_array_get(json_object_get(r.json, methods), 3)),
                      "self_signed_tls_client_auth");
  assert_true(json_is_true(json_object_get(r.json, "tls_client_certificate_bound_access_tokens")));
  trust(w, authority(w));
  r = us_send(w, "GET", document, NULL, NULL);
  assert_int_equal(json_array_size(json_object_get(r.json, methods)), 6);
  assert_string_equal(json_string_value(json_array_get(json_object_get(r.json, methods), 3)), "tls_client_auth");
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(the_registered_name_is_looked_for),
      STORY(only_a_trusted_certificate_counts),
      STORY(dates_are_looked_at_each_time),
      STORY(without_authorities_nobody_is_let_in),
      STORY(exactly_one_name_is_registered),
      STORY(a_certificate_of_ones_own_is_registered_by_key_or_as_it_is),
      STORY(an_expired_certificate_of_ones_own_is_refused),
      STORY(a_certificate_is_for_those_who_registered_it),
      STORY(published_keys_count_for_certificates_too),
      STORY(a_bound_pat_is_for_its_holder_only),
      STORY(introspection_shows_the_binding),
      STORY(a_refresh_binds_anew),
      STORY(a_public_clients_refresh_token_is_bound_too),
      STORY(metadata_name_what_the_server_can_see),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
