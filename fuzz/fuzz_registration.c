/*
 * What anybody may say of a client (RFC 7591): the first byte picks who says it, the rest is the body. Beyond not crashing: messages are
 * clean; nobody gets a grant or a scope that is not to be had; and what is stored, said again by the client, is the same client.
 */
#include <string.h>

#include "base/mem.h"
#include "crypto/digest.h"
#include "domain/client.h"
#include "domain/client_metadata.h"
#include "domain/settings.h"
#include "fuzz.h"
#include "json/json.h"

struct fuzz_registration {
  struct us_cx cx;
  struct us_realm realm;
};

/* US_OK: `client` is one that could be stored. */
static enum us_code take(struct fuzz_registration *f, enum us_registrar registrar, json_t *document,
                         struct us_client *client) {
  struct us_client_metadata metadata;
  US_TRY(us_client_metadata_read(&f->cx, document, &metadata));
  US_TRY(us_client_metadata_apply(&f->cx, &f->realm, registrar, &metadata, document, client));
  return us_client_check(&f->cx, client, client);
}

static struct us_str say(struct fuzz_registration *f, const struct us_client *client) {
  struct us_buf out;
  struct us_json_writer w;
  us_buf_init(&out, 1024 * 1024);
  us_json_writer_init(&w, &out);
  us_json_open(&w, '{');
  fuzz_must(us_client_metadata_write(&f->cx, client, &w) == US_OK);
  us_json_close(&w, '}');
  fuzz_must(us_buf_ok(&out));
  struct us_str text = us_str_dup(f->cx.mem, us_buf_str(&out));
  us_buf_done(&out);
  return text;
}

static void check(struct fuzz_registration *f, enum us_registrar registrar, struct us_client *client) {
  static const char *const reserved[] = {"uma_protection", "am-introspect-all-tokens",
                                         "am-introspect-all-tokens-any-realm", "dynamic_client_registration"};
  for (size_t i = 0; i < 4; i++)
    fuzz_must(!us_strs_has(client->scopes, us_str_c(reserved[i])));
  fuzz_must(!us_strs_has(client->grants, US_STR("password")));
  fuzz_must(registrar == US_REGISTRAR_TOKEN || !us_strs_has(client->grants, US_STR("client_credentials")));
  fuzz_must(!client->implies_consent && client->secret_hash.p == NULL);

  struct us_str said = say(f, client);
  json_t *document = NULL;
  fuzz_must(us_json_parse(&f->cx, said, US_E_INTERNAL, &document) == US_OK);
  fuzz_must(take(f, US_REGISTRAR_CLIENT, document, client) == US_OK);
  fuzz_must(us_str_eq(say(f, client), said));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static bool is_set_up;
  static char authority; /* there is one; nobody asks it */
  if (!is_set_up)
    fuzz_must(us_crypto_setup() == 0);
  is_set_up = true;
  struct us_services svc = {.sees_certificates = true, .authorities = (struct us_cert_trust *)&authority};
  struct fuzz_registration f = {
      .cx = {.mem = us_mem_root_new(US_MEM_REQUEST_POOL_BYTES, US_MEM_REQUEST_MAX_BYTES), .svc = &svc}};
  struct us_client client = {.client_id = US_STR("it")};
  json_t *document = NULL;
  fuzz_must(us_settings_init(f.cx.mem, &f.realm.settings));
  if (size > 0) {
    enum us_registrar registrar = data[0] & 1 ? US_REGISTRAR_TOKEN : US_REGISTRAR_NOBODY;
    struct us_str body = {(const char *)data + 1, size - 1};
    enum us_code code = us_json_parse(&f.cx, body, US_E_INVALID_REQUEST, &document);
    if (code == US_OK)
      code = take(&f, registrar, document, &client);
    if (code == US_OK)
      check(&f, registrar, &client);
    else if (code != US_E_NO_MEMORY)
      fuzz_must(fuzz_is_clean(f.cx.err.text));
  }
  us_mem_free(f.cx.mem);
  return 0;
}
