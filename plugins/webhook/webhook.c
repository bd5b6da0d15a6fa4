/*
 * Webhooks: what happens is posted to an HTTPS endpoint, and some decisions can be asked of one.
 *
 *   plugins:
 *     - path: webhook.so
 *       deadline_ms: 3000
 *       config:
 *         url: https://hooks.example.com/usher
 *         secret_file: /etc/usher/webhook.secret
 *         events: [afterResourceShared, afterSuccessfulAuthorization]
 *         decisions: [beforeAuthorization, beforeResourceShared]
 *         fail: closed            # or open: what an endpoint that does not answer means for a decision
 *
 * Events come through the outbox: written down with the deed, posted until the endpoint answers 2xx, also over restarts, so perhaps twice;
 * the member `id` tells. Decisions are asked while the client waits; the endpoint answers 200 with {"allow":true} or {"allow":false,
 * "status":403,"error":"...","message":"...","detail":{...}}. Every request is signed:
 *
 *   X-Usher-Signature: t=SECONDS,v1=HEX      HEX is HMAC-SHA256 of "SECONDS.BODY" under the secret
 *
 * The endpoint must be https, with a certificate of the system's authorities or of ca_file; http only on a loopback address. Redirects
 * are not followed.
 */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <usher/plugin.h>

#define SECRET_MIN_BYTES 16
#define SECRET_MAX_BYTES 4096
#define ANSWER_MAX_BYTES (64 * 1024)
#define TIMEOUT_MS 5000
#define IDLE_MAX 16 /* handles, each with its connection, that are kept for the next request */
#define MARGIN 10   /* of the time that a method has, this part is left for saying what came of it */

static const struct usher_host *host;

/* In the order of the ABI; those that are no event are decisions or nothing. */
static const char *const methods[] = {
    "beforeResourceRegistration",   "afterResourceRegistration", "onPermissionRequest",  "beforeAuthorization",
    "afterSuccessfulAuthorization", "afterFailedAuthorization",  "beforeResourceShared", "afterResourceShared",
};
enum { BEFORE_AUTHORIZATION = 3, BEFORE_SHARED = 6, METHODS = sizeof(methods) / sizeof(methods[0]) };

struct webhook {
  char *url, *ca_file;
  char secret[SECRET_MAX_BYTES];
  size_t secret_bytes;
  unsigned wanted; /* bit of each of `methods` */
  bool fails_open;
  long timeout_ms;
  pthread_mutex_t lock; /* of what follows */
  CURL *idle[IDLE_MAX];
  size_t idle_n;
};

static int fail(const char *what) {
  host->log(USHER_LOG_ERROR, what);
  return USHER_FAIL;
}

/* ---- Configuration ---- */

static bool starts_with(const char *text, const char *prefix) {
  return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* To the letter, so that no name that somebody else resolves passes for a loopback address. */
static bool is_good_url(const char *url) {
  static const char *const loopback[] = {"http://127.0.0.1:", "http://127.0.0.1/", "http://[::1]:", "http://[::1]/"};
  if (starts_with(url, "https://"))
    return true;
  for (size_t i = 0; i < sizeof(loopback) / sizeof(loopback[0]); i++)
    if (starts_with(url, loopback[i]))
      return strchr(url, '@') == NULL;
  return false;
}

static int read_secret(struct webhook *w, const char *path) {
  struct stat st;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    if (fd >= 0)
      close(fd);
    return fail("secret_file must be a file that only its owner may read");
  }
  ssize_t n = read(fd, w->secret, sizeof(w->secret));
  close(fd);
  while (n > 0 && (w->secret[n - 1] == '\n' || w->secret[n - 1] == '\r'))
    n--;
  w->secret_bytes = n > 0 ? (size_t)n : 0;
  if (w->secret_bytes < SECRET_MIN_BYTES || w->secret_bytes == sizeof(w->secret))
    return fail("the secret must have 16 to 4095 bytes");
  return USHER_OK;
}

static int want(struct webhook *w, const json_t *names, bool are_events) {
  for (size_t i = 0; i < json_array_size(names); i++) {
    const char *name = json_string_value(json_array_get(names, i));
    int found = -1;
    for (int k = 0; name && k < METHODS; k++)
      if (strcmp(name, methods[k]) == 0 &&
          (are_events ? starts_with(name, "after") : k == BEFORE_AUTHORIZATION || k == BEFORE_SHARED))
        found = k;
    if (found < 0)
      return fail(are_events ? "events are names of after methods"
                             : "decisions are beforeAuthorization and beforeResourceShared");
    w->wanted |= 1u << found;
  }
  return USHER_OK;
}

static const char *text_of(const json_t *config, const char *name) {
  const char *text = json_string_value(json_object_get(config, name));
  return text ? text : "";
}

/* What is misspelled would not hold, and nobody would know. */
static bool has_known_members(const json_t *config) {
  static const struct {
    const char *name;
    json_type type;
  } known[] = {{"url", JSON_STRING},        {"secret_file", JSON_STRING}, {"ca_file", JSON_STRING},
               {"events", JSON_ARRAY},      {"decisions", JSON_ARRAY},    {"fail", JSON_STRING},
               {"timeout_ms", JSON_INTEGER}};
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)(uintptr_t)config, name, value) {
    size_t i = 0;
    while (i < sizeof(known) / sizeof(known[0]) && strcmp(name, known[i].name) != 0)
      i++;
    if (i == sizeof(known) / sizeof(known[0]) || json_typeof(value) != known[i].type)
      return false;
  }
  return json_is_object(config);
}

static int read_config(struct webhook *w, const json_t *config) {
  const json_t *timeout = json_object_get(config, "timeout_ms");
  const char *mode = text_of(config, "fail");
  if (!has_known_members(config))
    return fail(
        "the members are url, secret_file, ca_file, fail (texts), events, decisions (lists), timeout_ms (a number)");
  if (!is_good_url(text_of(config, "url")))
    return fail("url must begin with https:// (http:// only with a loopback address)");
  if (strcmp(mode, "open") != 0 && strcmp(mode, "closed") != 0 && *mode != '\0')
    return fail("fail is open or closed");
  w->fails_open = strcmp(mode, "open") == 0;
  w->timeout_ms = json_is_integer(timeout) ? (long)json_integer_value(timeout) : TIMEOUT_MS;
  if (w->timeout_ms < 1 || w->timeout_ms > 60000)
    return fail("timeout_ms must be between 1 and 60000");
  w->url = strdup(text_of(config, "url"));
  w->ca_file = *text_of(config, "ca_file") ? strdup(text_of(config, "ca_file")) : NULL;
  int code = w->url ? read_secret(w, text_of(config, "secret_file")) : USHER_FAIL;
  if (code == USHER_OK)
    code = want(w, json_object_get(config, "events"), true);
  if (code == USHER_OK)
    code = want(w, json_object_get(config, "decisions"), false);
  return code == USHER_OK && w->wanted == 0 ? fail("neither events nor decisions are named") : code;
}

static void free_webhook(struct webhook *w) {
  while (w->idle_n > 0)
    curl_easy_cleanup(w->idle[--w->idle_n]);
  pthread_mutex_destroy(&w->lock);
  free(w->url);
  free(w->ca_file);
  OPENSSL_cleanse(w, sizeof(*w));
  free(w);
}

static int webhook_open(const struct usher_host *h, const char *config_json, void **ret_self) {
  host = h;
  struct webhook *w = calloc(1, sizeof(*w));
  json_t *config = json_loads(config_json, 0, NULL);
  if (w)
    pthread_mutex_init(&w->lock, NULL);
  int code = w && config && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? read_config(w, config) : USHER_FAIL;
  json_decref(config);
  if (code == USHER_OK)
    *ret_self = w;
  else if (w)
    free_webhook(w);
  return code;
}

static void webhook_close(void *self) {
  free_webhook(self);
  curl_global_cleanup();
}

static uint32_t webhook_methods(void *self) {
  const struct webhook *w = self;
  return w->wanted; /* after methods are NULL in the descriptor: events come by deliver() */
}

/* ---- Requests ---- */

/* One that was used before has its connection still: the next request needs no handshake. NULL: no memory. */
static CURL *take_handle(struct webhook *w) {
  pthread_mutex_lock(&w->lock);
  CURL *curl = w->idle_n > 0 ? w->idle[--w->idle_n] : NULL;
  pthread_mutex_unlock(&w->lock);
  return curl ? curl : curl_easy_init();
}

/* What the request set is forgotten here, since it points to memory of the request. */
static void give_handle(struct webhook *w, CURL *curl) {
  if (!curl)
    return;
  curl_easy_reset(curl);
  pthread_mutex_lock(&w->lock);
  bool is_kept = w->idle_n < IDLE_MAX;
  if (is_kept)
    w->idle[w->idle_n++] = curl;
  pthread_mutex_unlock(&w->lock);
  if (!is_kept)
    curl_easy_cleanup(curl);
}

struct answer {
  char *text;
  size_t n;
};

static size_t take(char *bytes, size_t size, size_t count, void *self) {
  struct answer *answer = self;
  size_t n = size * count;
  if (n > ANSWER_MAX_BYTES - answer->n)
    return 0;
  memcpy(answer->text + answer->n, bytes, n);
  answer->n += n;
  return n;
}

/* "X-Usher-Signature: t=...,v1=..." */
static bool sign(const struct webhook *w, const char *body, size_t n, char *ret_header, size_t room) {
  unsigned char mac[EVP_MAX_MD_SIZE];
  char stamp[32];
  size_t mac_bytes = 0;
  int length = snprintf(stamp, sizeof(stamp), "%lld.", (long long)(host->now_ms() / 1000));
  EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_HMAC, NULL, (const unsigned char *)w->secret, w->secret_bytes);
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  bool is_done = key && ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
                 EVP_DigestSignUpdate(ctx, stamp, (size_t)length) == 1 && EVP_DigestSignUpdate(ctx, body, n) == 1;
  mac_bytes = sizeof(mac);
  is_done = is_done && EVP_DigestSignFinal(ctx, mac, &mac_bytes) == 1;
  EVP_MD_CTX_free(ctx);
  EVP_PKEY_free(key);
  if (!is_done)
    return false;
  length = snprintf(ret_header, room, "X-Usher-Signature: t=%.*s,v1=", length - 1, stamp);
  for (size_t i = 0; i < mac_bytes; i++)
    length += snprintf(ret_header + length, room - (size_t)length, "%02x", mac[i]);
  return true;
}

static bool set_options(CURL *curl, const struct webhook *w, const char *body, size_t n, struct curl_slist *headers,
                        struct answer *answer, long timeout_ms, char *reason) {
  int code = curl_easy_setopt(curl, CURLOPT_URL, w->url);
  code |= curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, starts_with(w->url, "https:") ? "https" : "http");
  code |= curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
  code |= curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n);
  code |= curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  code |= curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
  code |= curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  code |= curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  code |= curl_easy_setopt(curl, CURLOPT_PROXY, "");
  code |= curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  code |= curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
  code |= curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
  code |= curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
  if (w->ca_file)
    code |= curl_easy_setopt(curl, CURLOPT_CAINFO, w->ca_file);
  return code == CURLE_OK;
}

/* The status of the answer; 0: there was none, and the log says why. */
static long post(struct webhook *w, const char *body, size_t n, long timeout_ms, struct answer *answer) {
  char signature[256], reason[CURL_ERROR_SIZE] = "no memory";
  struct curl_slist *headers = NULL;
  long status = 0;
  CURL *curl = take_handle(w);
  answer->text = malloc(ANSWER_MAX_BYTES);
  answer->n = 0;
  if (curl && answer->text && sign(w, body, n, signature, sizeof(signature))) {
    headers = curl_slist_append(curl_slist_append(NULL, signature), "Content-Type: application/json");
    if (headers && set_options(curl, w, body, n, headers, answer, timeout_ms, reason)) {
      CURLcode code = curl_easy_perform(curl);
      if (code == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
      else if (reason[0] == '\0')
        snprintf(reason, sizeof(reason), "%s", curl_easy_strerror(code));
    }
  }
  if (status == 0)
    host->log(USHER_LOG_WARN, reason);
  give_handle(w, curl);
  curl_slist_free_all(headers);
  return status;
}

/* ---- Events ---- */

static bool wants_event(const struct webhook *w, struct usher_str event) {
  const char *name = host->json_text(host->json_get(event, "/event")).p;
  for (int i = 0; i < METHODS; i++)
    if (strcmp(name, methods[i]) == 0)
      return (w->wanted & (1u << i)) != 0;
  return false;
}

static int deliver(void *self, struct usher_str event) {
  struct webhook *w = self;
  struct answer answer = {0};
  if (!wants_event(w, event))
    return USHER_OK;
  long status = post(w, event.p, event.n, w->timeout_ms, &answer);
  free(answer.text);
  return status >= 200 && status < 300 ? USHER_OK : USHER_FAIL;
}

/* ---- Decisions ---- */

static int no_answer(const struct webhook *w) {
  if (!w->fails_open)
    return USHER_FAIL;
  host->log(USHER_LOG_WARN, "the endpoint did not decide: allowed, as fail: open says");
  return USHER_OK;
}

static int take_decision(const struct webhook *w, const struct answer *answer, struct usher_error *e) {
  json_t *decision = json_loadb(answer->text, answer->n, JSON_REJECT_DUPLICATES, NULL);
  const json_t *allow = json_object_get(decision, "allow"), *detail = json_object_get(decision, "detail");
  int code = json_is_true(allow) ? USHER_OK : USHER_VETO;
  if (!json_is_boolean(allow)) {
    code = no_answer(w);
  } else if (code == USHER_VETO) {
    char *text = json_is_object(detail) ? json_dumps(detail, JSON_COMPACT) : NULL;
    host->error_set(e, (int)json_integer_value(json_object_get(decision, "status")),
                    json_string_value(json_object_get(decision, "error")),
                    json_string_value(json_object_get(decision, "message")), text);
    free(text);
  }
  json_decref(decision);
  return code;
}

/* `question`: its reference goes. The endpoint has a little less time than the method: who is late itself has failed, however it fails. */
static int decide(struct webhook *w, json_t *question, struct usher_error *e) {
  struct answer answer = {0};
  int64_t left_ms = host->left_ms();
  if (left_ms != INT64_MAX)
    left_ms -= left_ms / MARGIN;
  long timeout_ms = left_ms < w->timeout_ms ? (long)left_ms : w->timeout_ms;
  char *body = question ? json_dumps(question, JSON_COMPACT) : NULL;
  json_decref(question);
  if (!body)
    return USHER_FAIL;
  long status = timeout_ms > 0 ? post(w, body, strlen(body), timeout_ms, &answer) : 0;
  free(body);
  int code = status == 200 ? take_decision(w, &answer, e) : no_answer(w);
  free(answer.text);
  return code;
}

/* A document of the host as a tree. */
static json_t *tree(struct usher_str json) {
  return json_loadb(json.p, json.n, 0, NULL);
}

static int before_authorization(void *self, const struct usher_ticket *t, const struct usher_party *requesting,
                                const struct usher_party *owner, struct usher_strs requested, struct usher_error *e) {
  json_t *scopes = json_array();
  for (size_t i = 0; i < requested.n; i++)
    json_array_append_new(scopes, json_stringn(requested.v[i].p, requested.v[i].n));
  return decide(self,
                json_pack("{s:s, s:I, s:o, s:o, s:o, s:o}", "decision", methods[BEFORE_AUTHORIZATION], "time_ms",
                          (json_int_t)host->now_ms(), "ticket", tree(host->ticket_get(t, "")), "requestingParty",
                          tree(host->party_get(requesting, "")), "resourceOwner", tree(host->party_get(owner, "")),
                          "requestedScope", scopes),
                e);
}

static int before_shared(void *self, struct usher_policy *p, struct usher_error *e) {
  return decide(self,
                json_pack("{s:s, s:I, s:o}", "decision", methods[BEFORE_SHARED], "time_ms", (json_int_t)host->now_ms(),
                          "policy", tree(host->policy_get(p, ""))),
                e);
}

static const struct usher_plugin plugin = {
    .size = sizeof(plugin),
    .abi_major = USHER_ABI_MAJOR,
    .abi_minor = USHER_ABI_MINOR,
    .name = "webhook",
    .version = "1.0",
    .open = webhook_open,
    .close = webhook_close,
    .before_authorization = before_authorization,
    .before_resource_shared = before_shared,
    .deliver = deliver,
    .methods = webhook_methods,
};

const struct usher_plugin *usher_plugin(void) {
  return &plugin;
}
