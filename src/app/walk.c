/* The demo story: see walk.h. A small client on libcurl prints what goes over the wire and remembers what comes back. */
#include "app/walk.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "app/demo_world.h"
#include "base/buf.h"
#include "base/mem.h"
#include "json/field.h"
#include "json/json.h"

#define US_WALK_ANSWER_MAX (1024 * 1024)
#define JSON_TYPE "Content-Type: application/json"
#define PRINT_SCOPE "http://photoz.example.com/dev/scopes/print"
#define ID_TOKEN_FORMAT "http://openid.net/specs/openid-connect-core-1_0.html#IDToken"
#define UMA_GRANT "urn:ietf:params:oauth:grant-type:uma-ticket"

struct walk {
  struct us_cx cx;
  CURL *curl;
  const char *oauth, *uma, *json; /* URLs of /alpha */
  struct us_buf answer;
  json_t *body; /* of the last answer; cx.mem owns it */
  long status;
  int step;
  bool has_failed;
};

static size_t collect(char *bytes, size_t one, size_t n, void *self) {
  struct walk *walk = self;
  us_buf_add(&walk->answer, bytes, one * n);
  return us_buf_ok(&walk->answer) ? one * n : 0;
}

static const char *text(struct walk *walk, const char *format, ...) __attribute__((format(printf, 2, 3)));
static const char *text(struct walk *walk, const char *format, ...) {
  char *made = NULL;
  va_list args;
  va_start(args, format);
  int n = vasprintf(&made, format, args);
  va_end(args);
  const char *copy = us_str_cdup(walk->cx.mem, n < 0 ? US_STR("") : us_str_c(made));
  if (n >= 0)
    free(made);
  return copy ? copy : "";
}

static const char *enc(struct walk *walk, const char *value) {
  struct us_str encoded = us_percent_encode(walk->cx.mem, us_str_c(value));
  return encoded.p ? encoded.p : "";
}

static const char *member(struct walk *walk, const char *name) {
  const char *value = json_string_value(json_object_get(walk->body, name));
  return value ? value : "";
}

/* Long opaque values are shortened on the screen; the story is easier to read so. */
static void print_body(const char *indent, const char *body) {
  printf("%s", indent);
  size_t run = 0;
  for (const char *c = body; *c != '\0'; c++) {
    bool is_word = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == '_' ||
                   *c == '-' || *c == '.';
    run = is_word ? run + 1 : 0;
    if (run <= 44)
      putchar(*c);
    else if (run == 45)
      printf("...");
    if (*c == '\n')
      printf("%s", indent);
  }
  printf("\n");
}

static void expect(struct walk *walk, bool is_right, const char *what) {
  if (is_right)
    return;
  walk->has_failed = true;
  printf("   !! not as it should be: %s\n", what);
}

static void say(struct walk *walk, const char *sentence) {
  printf("\n%d. %s\n", ++walk->step, sentence);
}

/* One request. `headers` are up to three lines, NULL where there are fewer. */
static void exchange(struct walk *walk, const char *method, const char *url, const char *const headers[3],
                     const char *body, long wanted) {
  struct curl_slist *list = NULL;
  printf("   %s %s\n", method, url);
  for (size_t i = 0; i < 3 && headers[i] != NULL; i++) {
    list = curl_slist_append(list, headers[i]);
    print_body("   ", headers[i]);
  }
  if (body != NULL)
    print_body("   ", body);
  us_buf_reset(&walk->answer);
  us_json_drop(&walk->cx, walk->body);
  walk->body = NULL;
  curl_easy_reset(walk->curl);
  curl_easy_setopt(walk->curl, CURLOPT_URL, url);
  curl_easy_setopt(walk->curl, CURLOPT_CUSTOMREQUEST, method);
  curl_easy_setopt(walk->curl, CURLOPT_HTTPHEADER, list);
  curl_easy_setopt(walk->curl, CURLOPT_WRITEFUNCTION, collect);
  curl_easy_setopt(walk->curl, CURLOPT_WRITEDATA, walk);
  curl_easy_setopt(walk->curl, CURLOPT_TIMEOUT, 30L);
  curl_easy_setopt(walk->curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(walk->curl, CURLOPT_PROXY, "");
  if (body != NULL)
    curl_easy_setopt(walk->curl, CURLOPT_POSTFIELDS, body);
  CURLcode code = curl_easy_perform(walk->curl);
  walk->status = 0;
  curl_easy_getinfo(walk->curl, CURLINFO_RESPONSE_CODE, &walk->status);
  curl_slist_free_all(list);
  struct us_str answer = us_buf_str(&walk->answer);
  printf("   -> %ld\n", walk->status);
  if (answer.n > 0)
    print_body("      ", answer.p);
  if (code != CURLE_OK)
    printf("   !! %s\n", curl_easy_strerror(code));
  if (answer.n > 0 && us_json_parse(&walk->cx, answer, US_E_INVALID_REQUEST, &walk->body) != US_OK)
    us_error_clear(&walk->cx);
  expect(walk, code == CURLE_OK && walk->status == wanted, text(walk, "status %ld was expected", wanted));
}

#define HEADERS(...) ((const char *const[3]){__VA_ARGS__})

static void form(struct walk *walk, const char *body, long wanted) {
  exchange(walk, "POST", text(walk, "%s/access_token", walk->oauth), HEADERS(NULL), body, wanted);
}

static const char *ask_ticket(struct walk *walk, const char *bearer, const char *id) {
  say(walk, "The resource server asks for a permission ticket, because bob's client came without a token");
  exchange(walk, "POST", text(walk, "%s/permission_request", walk->uma), HEADERS(bearer, JSON_TYPE),
           text(walk, "[{\"resource_id\":\"%s\",\"resource_scopes\":[\"view\"]}]", id), 201);
  expect(walk, member(walk, "ticket")[0] != '\0', "a ticket");
  return member(walk, "ticket");
}

static void grant(struct walk *walk, const char *ticket, const char *id_token, long wanted) {
  form(walk,
       text(walk,
            "grant_type=%s&ticket=%s&claim_token=%s&claim_token_format=%s&client_id=UMA-Client&client_"
            "secret=" US_DEMO_SECRET,
            enc(walk, UMA_GRANT), enc(walk, ticket), id_token, enc(walk, ID_TOKEN_FORMAT)),
       wanted);
}

static void introspect(struct walk *walk, const char *bearer, const char *rpt, bool is_active) {
  exchange(walk, "POST", text(walk, "%s/introspect", walk->oauth), HEADERS(bearer),
           text(walk, "token=%s", enc(walk, rpt)), 200);
  expect(walk, json_is_true(json_object_get(walk->body, "active")) == is_active, is_active ? "active" : "inactive");
  expect(walk, !is_active || json_array_size(json_object_get(walk->body, "permissions")) == 1, "one permission");
}

static const char *copy(struct walk *walk, const char *value) {
  return text(walk, "%s", value);
}

static void register_album(struct walk *walk, const char **ret_bearer, const char **ret_id) {
  say(walk, "The photo service gets a protection API token (PAT) on behalf of alice");
  form(walk,
       "grant_type=password&scope=uma_protection&username=alice&password=" US_DEMO_PASSWORD
       "&client_id=UMA-Resource-Server&client_secret=" US_DEMO_SECRET,
       200);
  *ret_bearer = text(walk, "Authorization: Bearer %s", member(walk, "access_token"));
  say(walk, "... and registers her photo album with it");
  exchange(walk, "POST", text(walk, "%s/resource_set", walk->uma), HEADERS(*ret_bearer, JSON_TYPE),
           "{\"name\":\"Photo Album\",\"icon_uri\":\"http://photoz.example.com/icons/flower.png\",\"resource_scopes\":"
           "[\"edit\",\"view\",\"" PRINT_SCOPE
           "\"],\"labels\":[\"3D\",\"VIP\"],\"type\":\"http://photoz.example.com/dev/rtypes/photoalbum\"}",
           201);
  *ret_id = copy(walk, member(walk, "_id"));
  say(walk, "It lists what alice has there, and reads the album back");
  exchange(walk, "GET", text(walk, "%s/resource_set", walk->uma), HEADERS(*ret_bearer), NULL, 200);
  expect(walk, json_array_size(walk->body) >= 1, "a list with the album");
  exchange(walk, "GET", text(walk, "%s/resource_set/%s", walk->uma, *ret_id), HEADERS(*ret_bearer), NULL, 200);
  expect(walk, strcmp(member(walk, "name"), "Photo Album") == 0, "the album");
}

static const char *login(struct walk *walk) {
  say(walk, "Alice logs in");
  exchange(walk, "POST", text(walk, "%s/authenticate", walk->json),
           HEADERS("X-OpenAM-Username: alice", "X-OpenAM-Password: " US_DEMO_PASSWORD, JSON_TYPE), "{}", 200);
  return text(walk, "iPlanetDirectoryPro: %s", member(walk, "tokenId"));
}

static void approve(struct walk *walk, const char *sso) {
  say(walk, "... sees what waits for her");
  exchange(walk, "GET", text(walk, "%s/users/alice/uma/pendingrequests?_queryFilter=true", walk->json), HEADERS(sso),
           NULL, 200);
  json_t *waiting = json_array_get(json_object_get(walk->body, "result"), 0);
  const char *id = json_string_value(json_object_get(waiting, "_id"));
  expect(walk, id != NULL, "a pending request");
  say(walk, "... and approves it");
  exchange(walk, "POST",
           text(walk, "%s/users/alice/uma/pendingrequests/%s?_action=approve", walk->json, id ? id : "none"),
           HEADERS(sso, JSON_TYPE, "Accept-API-Version: resource=1.0"), "{\"scopes\":[\"view\"]}", 200);
}

static void tell(struct walk *walk) {
  const char *bearer = NULL, *id = NULL;
  register_album(walk, &bearer, &id);
  const char *ticket = copy(walk, ask_ticket(walk, bearer, id));
  say(walk, "Bob's client gets an ID token that says who he is");
  form(walk,
       "grant_type=password&scope=openid&username=bob&password=" US_DEMO_PASSWORD
       "&client_id=UMA-Client&client_secret=" US_DEMO_SECRET,
       200);
  const char *id_token = copy(walk, member(walk, "id_token"));
  say(walk, "It trades ticket and claims for a token: nobody has shared the album yet, so alice is asked");
  grant(walk, ticket, id_token, 403);
  expect(walk, strcmp(member(walk, "error"), "request_submitted") == 0, "request_submitted");
  ticket = copy(walk, member(walk, "ticket"));
  const char *sso = login(walk);
  approve(walk, sso);
  say(walk, "Bob's client tries again with the ticket it was given: here is the requesting party token (RPT)");
  grant(walk, ticket, id_token, 200);
  const char *rpt = copy(walk, member(walk, "access_token"));
  say(walk, "The resource server introspects the RPT with its PAT and sees what bob may do");
  introspect(walk, bearer, rpt, true);
  say(walk, "Alice changes her mind and withdraws the share");
  exchange(walk, "DELETE", text(walk, "%s/users/alice/uma/policies/%s", walk->json, id),
           HEADERS(sso, "Accept-API-Version: resource=1.0"), NULL, 200);
  say(walk, "At once the RPT is worth nothing");
  introspect(walk, bearer, rpt, false);
  say(walk, "The album gets a new description, and is deleted in the end");
  exchange(walk, "PUT", text(walk, "%s/resource_set/%s", walk->uma, id), HEADERS(bearer, JSON_TYPE),
           "{\"name\":\"Photo Album 2031\",\"resource_scopes\":[\"view\"]}", 200);
  exchange(walk, "DELETE", text(walk, "%s/resource_set/%s", walk->uma, id), HEADERS(bearer), NULL, 204);
  exchange(walk, "GET", text(walk, "%s/resource_set/%s", walk->uma, id), HEADERS(bearer), NULL, 404);
}

int us_walk(const char *base_url) {
  struct walk walk = {.cx = {.mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES)}, .curl = curl_easy_init()};
  us_buf_init(&walk.answer, US_WALK_ANSWER_MAX);
  if (walk.cx.mem == NULL || walk.curl == NULL) {
    fprintf(stderr, "usher: the story's client cannot be started\n");
    walk.has_failed = true;
  } else {
    walk.oauth = text(&walk, "%s/oauth2/realms/root/realms/alpha", base_url);
    walk.uma = text(&walk, "%s/uma/realms/root/realms/alpha", base_url);
    walk.json = text(&walk, "%s/json/realms/root/realms/alpha", base_url);
    tell(&walk);
    printf("\n%s\n",
           walk.has_failed ? "The story went wrong: see the lines marked !!" : "The story went as it should.");
    us_json_drop(&walk.cx, walk.body);
  }
  us_buf_done(&walk.answer);
  curl_easy_cleanup(walk.curl);
  us_mem_free(walk.cx.mem);
  fflush(stdout);
  return walk.has_failed ? 1 : 0;
}
