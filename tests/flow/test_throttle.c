/* Guessing is slowed down, and nobody is locked out by a stranger (design 6; OA-26, SB-20). */
#include "flow/oauth.h"

#include "domain/client_auth.h"
#include "domain/pool_share.h"

#include "store/db.h"

#define GRANT "grant_type=client_credentials&scope=openid"

static struct us_reply try_password(struct us_world *w, const char *user, const char *text) {
  return token(w, RS1, us_text(w, "grant_type=password&username=%s&password=%s&scope=openid", user, text));
}
static struct us_reply try_secret(struct us_world *w, const char *client, const char *secret) {
  return send_form(w, TOKEN, basic(w, client, secret), GRANT);
}

/* OA-26 */
static void a_hundred_wrong_secrets_end_in_a_pause(void **state) {
  struct us_world *w = *state;
  for (int i = 0; i < 100; i++) {
    struct us_reply r = try_secret(w, RS1, us_text(w, "guess%d", i));
    if (i < 10) {
      assert_error(r, 401, "invalid_client");
      continue;
    }
    assert_error(r, 429, "slow_down");
    assert_string_equal(us_reply_header(&r, "Retry-After"), "300");
  }
  expect_status(try_secret(w, RS2, "mySecret"), 200); /* another client is unaffected */
  us_world_advance_ms(w, 299000);
  struct us_reply r = try_secret(w, RS1, "mySecret");
  assert_error(r, 429, "slow_down");
  assert_string_equal(us_reply_header(&r, "Retry-After"), "1");
  us_world_advance_ms(w, 1000);
  expect_status(try_secret(w, RS1, "mySecret"), 200);
}

/* What a request from another address would be answered. */
static enum us_code authenticate_from(struct us_world *w, const char *address, const char *client, const char *secret) {
  struct us_cx cx = {
      .mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES), .svc = us_world_services(w), .now_ms = us_world_now_ms(w)};
  struct us_client_credentials in = {
      .client_id = us_str_c(client), .client_secret = us_str_c(secret), .address = us_str_c(address)};
  struct us_client_proof found;
  assert_int_equal(us_db_begin_read(&cx, us_world_db(w)), US_OK);
  enum us_code code = us_client_authenticate(&cx, alpha(w), &in, true, &found);
  us_db_end_read(&cx, us_world_db(w));
  us_mem_free(cx.mem);
  return code;
}

/* OA-26: the pause is the guesser's; the client itself, elsewhere, does not notice, remembered secret or not. */
static void a_stranger_cannot_lock_a_client_out(void **state) {
  struct us_world *w = *state;
  for (int i = 0; i < 12; i++)
    authenticate_from(w, "203.0.113.9", RS1, us_text(w, "guess%d", i));
  assert_int_equal(authenticate_from(w, "203.0.113.9", RS1, "mySecret"), US_E_SLOW_DOWN);
  assert_int_equal(authenticate_from(w, "198.51.100.7", RS1, "mySecret"), US_OK);
  assert_int_equal(authenticate_from(w, "203.0.113.9", RS1, "mySecret"), US_E_SLOW_DOWN); /* remembered by now */
}

/* OA-26, SB-20: at all three doors. */
static void a_network_with_many_addresses_counts_as_one(void **state) {
  struct us_world *w = *state;
  for (int i = 0; i < 10; i++) {
    us_world_come_from(w, us_text(w, "2001:db8::%d", i + 1), "2001:db8::");
    expect_status(try_secret(w, RS1, us_text(w, "guess%d", i)), 401);
  }
  us_world_come_from(w, "2001:db8::99", "2001:db8::");
  expect_status(try_secret(w, RS1, "mySecret"), 429);
  us_world_come_from(w, "2001:db8:0:1::1", "2001:db8:0:1::");
  expect_status(try_secret(w, RS1, "mySecret"), 200);

  for (int i = 0; i < 50; i++) { /* passwords, at both places where they are asked for */
    us_world_come_from(w, us_text(w, "2001:db8:0:2::%d", i + 1), "2001:db8:0:2::");
    struct us_reply r = i % 2 ? try_password(w, us_text(w, "nobody%d", i), "wrong")
                              : us_send(w, "POST", ALPHA_JSON "authenticate",
                                        us_text(w,
                                                "Content-Type: application/json\nX-OpenAM-Username: nobody%d\n"
                                                "X-OpenAM-Password: wrong",
                                                i),
                                        NULL);
    assert_status(r, i % 2 ? 400 : 401);
  }
  us_world_come_from(w, "2001:db8:0:2::99", "2001:db8:0:2::");
  expect_status(try_password(w, "alice", "Ch4ng31t"), 429);
}

static void one_address_cannot_guess_at_all_clients(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "failedPasswordsPerAddress", "12");
  for (int i = 0; i < 12; i++)
    assert_int_equal(authenticate_from(w, "203.0.113.9", us_text(w, "client%d", i), "guess"), US_E_INVALID_CLIENT);
  assert_int_equal(authenticate_from(w, "203.0.113.9", "client12", "guess"), US_E_SLOW_DOWN);
  assert_int_equal(authenticate_from(w, "198.51.100.7", "client12", "guess"), US_E_INVALID_CLIENT);
}

/* SB-20 */
static void ten_wrong_passwords_pause_an_account(void **state) {
  struct us_world *w = *state;
  for (int i = 0; i < 10; i++)
    expect_error(try_password(w, i % 2 ? "alice" : "ALICE", "nope"), 400, "invalid_grant");
  struct us_reply r = try_password(w, "alice", "nope");
  assert_error(r, 429, "slow_down");
  assert_string_equal(us_reply_header(&r, "Retry-After"), "300");
  expect_error(try_password(w, "alice", "Ch4ng31t"), 429, "slow_down");
  expect_status(try_password(w, "bob", "Ch4ng31t"), 200);
}

/* SB-20: the guesser pauses himself. Guesses from many addresses together pause the account, until the window has passed. */
static void a_stranger_cannot_lock_the_owner_out(void **state) {
  struct us_world *w = *state;
  us_world_come_from(w, "203.0.113.9", "203.0.113.9");
  for (int i = 0; i < 10; i++)
    expect_error(try_password(w, "alice", "nope"), 400, "invalid_grant");
  expect_error(try_password(w, "alice", "Ch4ng31t"), 429, "slow_down");
  us_world_come_from(w, "198.51.100.7", "198.51.100.7");
  expect_error(try_password(w, "alice", "nope"), 400, "invalid_grant");
  expect_status(try_password(w, "alice", "Ch4ng31t"), 200);

  for (int i = 0; i < 100; i++) {
    const char *address = us_text(w, "192.0.2.%d", 10 + i);
    us_world_come_from(w, address, address);
    expect_error(try_password(w, "alice", "nope"), 400, "invalid_grant");
  }
  us_world_come_from(w, "198.51.100.7", "198.51.100.7");
  expect_error(try_password(w, "alice", "Ch4ng31t"), 429, "slow_down");
  us_world_advance_ms(w, 300000);
  expect_status(try_password(w, "alice", "Ch4ng31t"), 200);
}

/* Unknown names are counted like known ones: the pause tells nothing about who exists. */
static void unknown_names_pause_too(void **state) {
  struct us_world *w = *state;
  for (int i = 0; i < 10; i++)
    expect_error(try_password(w, "nobody", "nope"), 400, "invalid_grant");
  expect_error(try_password(w, "nobody", "nope"), 429, "slow_down");
}

/* Attempts during the pause do not make it longer. */
static void the_pause_ends_when_it_was_due(void **state) {
  struct us_world *w = *state;
  for (int i = 0; i < 10; i++)
    try_password(w, "alice", "nope");
  for (int i = 0; i < 30; i++) {
    us_world_advance_ms(w, 9900);
    expect_error(try_password(w, "alice", "nope"), 429, "slow_down");
  }
  us_world_advance_ms(w, 3000);
  expect_status(try_password(w, "alice", "Ch4ng31t"), 200);
}

static void a_right_password_ends_the_count_of_the_account(void **state) {
  struct us_world *w = *state;
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < 9; i++)
      expect_error(try_password(w, "alice", "nope"), 400, "invalid_grant");
    expect_status(try_password(w, "alice", "Ch4ng31t"), 200);
  }
}

static void fifty_wrong_passwords_pause_an_address(void **state) {
  struct us_world *w = *state;
  for (int i = 0; i < 50; i++)
    expect_error(try_password(w, us_text(w, "nobody%d", i), "nope"), 400, "invalid_grant");
  expect_error(try_password(w, "bob", "Ch4ng31t"), 429, "slow_down");
  us_world_advance_ms(w, 300000);
  expect_status(try_password(w, "bob", "Ch4ng31t"), 200);
}

/* A right password does not wipe out what the address did to others. */
static void an_own_account_does_not_free_an_address(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "failedPasswordsPerAddress", "4");
  for (int i = 0; i < 4; i++) {
    expect_error(try_password(w, us_text(w, "nobody%d", i), "nope"), 400, "invalid_grant");
    if (i < 3)
      expect_status(try_password(w, "bob", "Ch4ng31t"), 200);
  }
  expect_error(try_password(w, "bob", "Ch4ng31t"), 429, "slow_down");
}

static void the_limits_are_settings(void **state) {
  struct us_world *w = *state;
  us_world_set(w, "failedPasswordsPerAccount", "2");
  us_world_set(w, "failedPasswordsWindow", "7");
  try_password(w, "alice", "nope");
  try_password(w, "alice", "nope");
  struct us_reply r = try_password(w, "alice", "nope");
  assert_error(r, 429, "slow_down");
  assert_string_equal(us_reply_header(&r, "Retry-After"), "7");
  us_world_set(w, "failedPasswordsPerAccount", "0"); /* no limit */
  expect_status(try_password(w, "alice", "Ch4ng31t"), 200);
}

/* However it is set, four addresses fill the pool's queue and not one. */
static void a_share_is_a_quarter_of_the_room_at_most(void **state) {
  (void)state;
  static const struct {
    int64_t wanted;
    size_t queue;
    int64_t share;
  } rows[] = {{256, 1024, 256}, {257, 1024, 256}, {255, 1024, 255},          {256, 200, 50}, {256, 4, 1}, {256, 3, 1},
              {256, 1, 1},      {1, 1024, 1},     {1000000, 1000000, 250000}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
    assert_int_equal(us_pool_share_of(rows[i].wanted, rows[i].queue), rows[i].share);
}

/* What is slow is bounded by address: at the limit it is served, one past it is not, and others are not touched by it. */
static void one_address_has_a_share_of_the_pool(void **state) {
  struct us_world *w = *state;
  struct us_services *svc = us_world_services(w);
  unsigned slots[3], other;
  svc->pool_per_address = 3;
  us_world_come_from(w, "198.51.100.7", "198.51.100.7");
  for (size_t i = 0; i < 2; i++)
    assert_true(us_pool_share_take(svc, US_STR("198.51.100.7"), &slots[i]));
  us_sso(w, "alice"); /* the third, and it gives its place back */
  us_sso(w, "alice");
  assert_true(us_pool_share_take(svc, US_STR("198.51.100.7"), &slots[2]));
  assert_false(us_pool_share_take(svc, US_STR("198.51.100.7"), &other));
  struct us_reply r =
      us_send(w, "POST", ALPHA_JSON "authenticate",
              "Content-Type: application/json\nX-OpenAM-Username: alice\nX-OpenAM-Password: Ch4ng31t", "{}");
  assert_status(r, 503);
  assert_string_equal(us_reply_header(&r, "Retry-After"), "1");
  us_world_come_from(w, "198.51.100.8", "198.51.100.8");
  us_sso(w, "alice");
  us_world_come_from(w, "198.51.100.7", "198.51.100.7");
  us_pool_share_give(svc, slots[2]);
  us_sso(w, "alice");
  us_pool_share_give(svc, slots[0]);
  us_pool_share_give(svc, slots[1]);
  for (size_t i = 0; i < US_POOL_SLOTS; i++)
    assert_int_equal(svc->pool_jobs[i], 0);
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      STORY(a_hundred_wrong_secrets_end_in_a_pause),
      STORY(a_stranger_cannot_lock_a_client_out),
      STORY(a_network_with_many_addresses_counts_as_one),
      STORY(one_address_cannot_guess_at_all_clients),
      STORY(ten_wrong_passwords_pause_an_account),
      STORY(a_stranger_cannot_lock_the_owner_out),
      STORY(unknown_names_pause_too),
      STORY(the_pause_ends_when_it_was_due),
      STORY(a_right_password_ends_the_count_of_the_account),
      STORY(fifty_wrong_passwords_pause_an_address),
      STORY(an_own_account_does_not_free_an_address),
      STORY(the_limits_are_settings),
      cmocka_unit_test(a_share_is_a_quarter_of_the_room_at_most),
      STORY(one_address_has_a_share_of_the_pool),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
