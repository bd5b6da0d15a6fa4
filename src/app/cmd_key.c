/* `usher key`: the keys that sign ID tokens, and the key under which secrets lie in the store. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/admin.h"
#include "app/store_key.h"
#include "base/clock.h"
#include "base/mem.h"
#include "crypto/box.h"
#include "domain/at_rest.h"
#include "domain/realm.h"
#include "domain/signing_key.h"

struct key_options {
  const char *alg, *wait, *old_key;
};

static struct us_str time_text(struct us_cx *cx, int64_t time_ms) {
  char text[US_TIME_ISO_BYTES];
  us_time_iso_s(time_ms, text);
  return us_str_dup(cx->mem, us_str_c(text));
}

static void print_key(struct us_admin *a, const struct us_realm_key *k) {
  struct us_cx *cx = &a->cx;
  struct us_str kid = us_key_kid(k->key);
  const char *alg = us_alg_name(us_key_alg(k->key));
  if (k->starts_ms > cx->now_ms)
    printf("%.*s  %s  signs from %.*s\n", US_STR_ARG(kid), alg, US_STR_ARG(time_text(cx, k->starts_ms)));
  else if (us_signing_key_signs(cx, k))
    printf("%.*s  %s  signs since %.*s\n", US_STR_ARG(kid), alg, US_STR_ARG(time_text(cx, k->starts_ms)));
  else
    printf("%.*s  %s  verifies until %.*s\n", US_STR_ARG(kid), alg,
           US_STR_ARG(time_text(cx, k->verifies_until_s * 1000)));
}

static void write_key(struct us_admin *a, const struct us_realm_key *k) {
  struct us_buf out;
  struct us_json_writer w;
  us_buf_init(&out, 64 * 1024);
  us_json_writer_init(&w, &out);
  us_json_open(&w, '{');
  us_json_member(&w, "kid", us_key_kid(k->key));
  us_json_member(&w, "alg", us_str_c(us_alg_name(us_key_alg(k->key))));
  us_json_name(&w, "active");
  us_json_bool(&w, us_signing_key_signs(&a->cx, k));
  us_json_member(&w, "starts", time_text(&a->cx, k->starts_ms));
  if (k->retired_ms != 0)
    us_json_member(&w, "verifiesUntil", time_text(&a->cx, k->verifies_until_s * 1000));
  us_json_close(&w, '}');
  us_admin_list_item(a, us_buf_str(&out));
  us_buf_done(&out);
}

static enum us_code key_list(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  const struct us_realm *realm = NULL;
  US_TRY(us_admin_realm(a, &realm));
  us_admin_list_open(a);
  for (size_t i = 0; i < realm->key_count; i++) {
    if (a->is_json)
      write_key(a, &realm->keys[i]);
    else
      print_key(a, &realm->keys[i]);
  }
  us_admin_list_close(a);
  return US_OK;
}

struct key_change {
  const struct us_realm *realm;
  struct us_str jwk;
  int64_t wait_s;
};
static enum us_code rotate_step(struct us_cx *cx, void *self) {
  struct key_change *c = self;
  return us_realm_rotate_key(cx, c->realm, c->jwk, c->wait_s);
}

static enum us_code key_rotate(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  const struct key_options *o = options;
  struct key_change change = {0};
  struct us_key *key = NULL;
  uint64_t wait_s = 0;
  enum us_alg alg = us_alg_parse(us_str_c(o->alg ? o->alg : "RS256"));
  if (alg == US_ALG_NONE)
    return us_admin_misused(a, us_fail(&a->cx, US_E_INVALID_REQUEST, "--alg takes RS256 or ES256"));
  if (o->wait != NULL && !us_str_to_u64(us_str_c(o->wait), US_SIGNING_KEY_WAIT_MAX_S, &wait_s))
    return us_admin_misused(
        a, us_fail(&a->cx, US_E_INVALID_REQUEST, "--in takes 0 to %d seconds", US_SIGNING_KEY_WAIT_MAX_S));
  change.wait_s = (int64_t)wait_s;
  US_TRY(us_admin_realm(a, &change.realm));
  US_TRY(us_key_generate(&a->cx, alg, &change.jwk));
  US_TRY(us_admin_change(a, rotate_step, &change));
  US_TRY(us_key_load(&a->cx, change.jwk, &key));
  if (a->is_json)
    us_admin_print_member("kid", us_key_kid(key));
  else
    printf("%.*s\n", US_STR_ARG(us_key_kid(key)));
  us_key_free(key);
  return US_OK;
}

static enum us_code seal_step(struct us_cx *cx, void *self) {
  return us_at_rest_seal(cx, self);
}

static enum us_code seal_all(struct us_admin *a, struct us_at_rest *walk) {
  while (!walk->is_done)
    US_TRY(us_admin_change(a, seal_step, walk));
  US_TRY(us_db_scrub(&a->cx, a->db)); /* what was there in the clear is not in free pages either */
  if (a->is_json)
    printf("{\"sealed\":%" PRId64 "}\n", walk->sealed);
  else
    printf("%" PRId64 " secrets sealed\n", walk->sealed);
  return US_OK;
}

static enum us_code key_seal(struct us_admin *a, const struct us_arguments *arguments, void *options) {
  const struct key_options *o = options;
  struct us_box *old = NULL;
  struct us_at_rest walk = {0};
  if (a->cx.svc->box == NULL)
    return us_admin_misused(a, us_fail(&a->cx, US_E_INVALID_REQUEST, "USHER_STORE_KEY_FILE must name the store key"));
  if (o->old_key != NULL)
    US_TRY(us_store_key_read(&a->cx, o->old_key, &old));
  walk.old = old;
  enum us_code code = seal_all(a, &walk);
  us_box_free(old);
  return code;
}

int us_cmd_key(const struct us_command *command, int argc, char **argv) {
  static const struct us_verb verbs[] = {{"list", 0, 0, US_VERB_REALM, key_list},
                                         {"rotate", 0, 0, US_VERB_REALM, key_rotate},
                                         {"seal", 0, 0, US_VERB_SEALS, key_seal}};
  struct us_admin admin = {0};
  struct us_arguments arguments;
  struct key_options o = {0};
  const struct us_option options[] = {
      US_STORE_OPTIONS(&admin),
      US_REALM_OPTION(&admin),
      {"alg", "ALG", "rotate: RS256 (default) or ES256", &o.alg, NULL},
      {"in", "SECONDS", "rotate: publish the key now, and sign with it only then; default 0", &o.wait, NULL},
      {"old-key", "FILE", "seal: the store key under which secrets were sealed before", &o.old_key, NULL}};
  int code = us_options_parse(command, options, 6, argc, argv, &arguments);
  if (code != 0)
    return code == 1 ? 0 : code;
  return us_admin_run(&admin, command, verbs, 3, &arguments, &o);
}
