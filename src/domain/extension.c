/* The machine of extension points: see extension.h. */
#include "domain/extension_in.h"

#include <string.h>

#include "base/mem.h"
#include "crypto/digest.h"
#include "plugin/runner.h"
#include "json/json.h"
#include "json/write.h"

static void drop_jobs(void *self) {
  struct us_extension *extension = self;
  us_hook_job_unref(extension->asking);
  us_hook_job_unref(extension->telling);
}

static void drop_job(void *job) {
  us_hook_job_unref(job);
}

enum us_code us_extension_begin(struct us_cx *cx, const struct us_realm *realm) {
  struct us_plugins *plugins = cx->svc->plugins;
  if (plugins == NULL || plugins->n == 0 || realm == NULL)
    return US_OK;
  struct us_extension *extension = US_NEW(cx->mem, struct us_extension);
  if (extension == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  extension->plugins = plugins;
  extension->realm = realm;
  if (us_mem_own(cx->mem, extension, drop_jobs) != 0)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  cx->extension = extension;
  return US_OK;
}

void us_extension_step(struct us_cx *cx) {
  struct us_extension *extension = cx->extension;
  if (extension == NULL)
    return;
  drop_jobs(extension);
  extension->asking = extension->telling = NULL;
  extension->cursor = 0;
}

enum us_code us_extension_outcome(struct us_cx *cx, enum us_code code) {
  struct us_extension *extension = cx->extension;
  if (extension == NULL || extension->asking == NULL)
    return code;
  if (extension->rounds >= US_EXTENSION_ROUNDS_MAX)
    return us_fail_plain(cx, US_E_UNAVAILABLE);
  return us_fail_plain(cx, US_E_TO_HOOKS);
}

bool us_extension_ask(struct us_cx *cx, void (*done)(void *self), void *self) {
  struct us_extension *extension = cx->extension;
  if (extension->plugins->runner != NULL)
    return us_hook_runner_ask(extension->plugins->runner, extension->asking, done, self);
  us_hook_job_run(extension->plugins, extension->asking);
  done(self);
  return true;
}

static enum us_code fail_of(struct us_cx *cx, const char *what, const struct us_ask *ask) {
  us_fail(cx, US_E_EXTENSION, "Extension %s", what);
  if (ask == NULL)
    return us_error_detail(cx, "a plugin was late");
  return us_error_detail(cx, "plugin %s, %s", ask->plugin != NULL ? ask->plugin : "none", us_hook_name(ask->hook));
}

/* All that plugins know of what they were asked. */
static bool digest_of(struct us_cx *cx, struct us_ask *ask, uint8_t ret_key[US_EXTENSION_KEY_BYTES]) {
  struct us_buf text;
  us_buf_init(&text, US_HOOK_JOB_MEM_MAX_BYTES);
  struct us_json_writer w;
  us_json_writer_init(&w, &text);
  us_json_open(&w, '[');
  us_json_i64(&w, ask->hook);
  us_json_strs(&w, ask->requested);
  us_json_str(&w, ask->word);
  us_json_str(&w, ask->filter);
  for (size_t i = 0; i < ask->doc_count; i++)
    us_json_str(&w, ask->docs[i].text);
  us_json_close(&w, ']');
  bool is_whole = us_buf_ok(&text);
  if (is_whole)
    us_sha256(us_buf_str(&text), ret_key);
  else
    us_fail_plain(cx, US_E_NO_MEMORY);
  us_buf_done(&text);
  return is_whole;
}

enum us_code us_extension_asked(struct us_cx *cx) {
  struct us_extension *extension = cx->extension;
  struct us_hook_job *job = extension->asking;
  extension->asking = NULL;
  extension->rounds++;
  us_error_clear(cx);
  if (us_hook_job_is_late(job)) { /* the thread still has it: nothing in it may be looked at */
    us_hook_job_unref(job);
    return fail_of(cx, "did not answer in time", NULL);
  }
  if (us_mem_own(cx->mem, job, drop_job) != 0)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  size_t n = extension->answer_count;
  struct us_extension_answer *answers =
      us_mem_grow(cx->mem, extension->answers, n * sizeof(answers[0]), (n + job->n) * sizeof(answers[0]));
  if (answers == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  extension->answers = answers;
  for (size_t i = 0; i < job->n; i++) {
    struct us_ask *ask = job->asks[i];
    if (ask->verdict == US_VERDICT_FAIL)
      return fail_of(cx, "failed", ask);
    if (ask->verdict == US_VERDICT_NONE) /* behind a veto nobody was asked */
      break;
    memcpy(answers[n].key, ask->tag, sizeof(answers[n].key)); /* put there by record() */
    answers[n++].ask = ask;
  }
  extension->answer_count = n;
  return US_OK;
}

void us_extension_committed(struct us_cx *cx) {
  struct us_extension *extension = cx->extension;
  if (extension == NULL || extension->telling == NULL)
    return;
  if (extension->plugins->runner != NULL) {
    us_hook_runner_tell(extension->plugins->runner, extension->telling);
  } else {
    us_hook_job_run(extension->plugins, extension->telling);
    us_hook_job_unref(extension->telling);
  }
  extension->telling = NULL;
}

enum us_code us_extension_go_on(struct us_cx *cx, enum us_code code) {
  if (code != US_E_TO_HOOKS)
    return code;
  us_error_clear(cx);
  return US_OK;
}

enum us_code us_extension_invalid(struct us_cx *cx, const char *what) {
  enum us_code code = cx->err.code;
  if (us_code_status(code) == 503 || code == US_E_TO_HOOKS)
    return code;
  struct us_str why = cx->err.text;
  us_fail(cx, US_E_EXTENSION, "Extension produced an invalid %s", what);
  return us_error_detail(cx, "%.*s", US_STR_ARG(why));
}

/* ---- What the points use ---- */

bool us_extension_has(const struct us_cx *cx, enum us_hook hook) {
  const struct us_extension *extension = cx->extension;
  return extension != NULL &&
         (us_plugins_have(extension->plugins, hook) || (extension->plugins->events & (1u << hook)) != 0);
}

void us_ask_add(struct us_ask *ask, enum us_doc_kind kind, bool is_writable, us_doc_fill_fn fill, void *self) {
  struct us_doc *doc = &ask->docs[ask->doc_count++];
  us_doc_init(doc, kind, is_writable);
  doc->fill = fill;
  doc->self = self;
}

static bool speaks_oauth(enum us_hook hook) {
  return hook == US_HOOK_BEFORE_RESOURCE_REGISTRATION || hook == US_HOOK_ON_PERMISSION_REQUEST ||
         hook == US_HOOK_BEFORE_AUTHORIZATION;
}

/* `detail` beside the other members: OAuth has them at the top, Common REST as one (j.3). What the server says itself stays its own. */
static struct us_str extra_of(struct us_cx *cx, const struct us_ask *ask) {
  if (ask->error.detail.p == NULL)
    return US_STR_ABSENT;
  if (!speaks_oauth(ask->hook))
    return us_str_fmt(cx->mem, "\"detail\":%.*s", US_STR_ARG(ask->error.detail));
  json_t *object = json_loadb(ask->error.detail.p, ask->error.detail.n, 0, NULL);
  json_object_del(object, "error");
  json_object_del(object, "error_description");
  struct us_str text = json_object_size(object) > 0 ? us_json_dump(cx, object) : US_STR_ABSENT;
  json_decref(object);
  return text.n > 2 ? (struct us_str){text.p + 1, text.n - 2} : US_STR_ABSENT;
}

/* OAuth error codes are made of what RFC 6749 5.2 allows. */
static bool is_error_code(struct us_str text) {
  for (size_t i = 0; i < text.n; i++)
    if (text.p[i] < 0x20 || text.p[i] > 0x7e || text.p[i] == '"' || text.p[i] == '\\')
      return false;
  return text.n > 0;
}

static enum us_code veto_of(struct us_cx *cx, const struct us_ask *ask) {
  struct us_str extra = extra_of(cx, ask);
  struct us_str default_error = ask->hook == US_HOOK_BEFORE_AUTHORIZATION ? US_STR("request_denied") : US_STR_ABSENT;
  if (ask->error.text.n > 0)
    us_fail(cx, US_E_VETO, "%.*s", US_STR_ARG(ask->error.text));
  else
    us_fail_plain(cx, US_E_VETO);
  cx->err.status = ask->error.status;
  cx->err.oauth = is_error_code(ask->error.error) ? us_str_dup(cx->mem, ask->error.error) : default_error;
  cx->err.extra = extra;
  return us_error_detail(cx, "plugin %s, %s", ask->plugin, us_hook_name(ask->hook));
}

static enum us_code verdict_of(struct us_cx *cx, const struct us_ask *ask) {
  if (ask->verdict == US_VERDICT_OK)
    return US_OK;
  return ask->verdict == US_VERDICT_VETO ? veto_of(cx, ask) : fail_of(cx, "failed", ask);
}

static struct us_ask *find_answer(struct us_extension *extension, enum us_hook hook, const uint8_t *key) {
  for (size_t i = 0; i < extension->answer_count; i++) {
    size_t at = (extension->cursor + i) % extension->answer_count;
    if (extension->answers[at].ask->hook != hook ||
        memcmp(extension->answers[at].key, key, US_EXTENSION_KEY_BYTES) != 0)
      continue;
    extension->cursor = at + 1;
    return extension->answers[at].ask;
  }
  return NULL;
}

static bool copy_texts(void *mem, struct us_strs *set) {
  struct us_strs copy = {US_NEW_ARRAY(mem, struct us_str, set->n + 1), set->n};
  for (size_t i = 0; copy.v != NULL && i < set->n; i++)
    copy.v[i] = us_str_dup(mem, set->v[i]);
  *set = copy;
  return copy.v != NULL;
}

/* A copy in the job's own memory: it may outlive the request. */
static struct us_ask *copy_to(struct us_hook_job *job, const struct us_ask *ask) {
  struct us_ask *copy = us_hook_job_add(job);
  if (copy == NULL)
    return NULL;
  *copy = *ask;
  for (size_t i = 0; i < ask->doc_count; i++) {
    copy->docs[i].text = us_str_dup(job->mem, ask->docs[i].text);
    copy->docs[i].fill = NULL;
    copy->docs[i].json = NULL;
  }
  copy->word = us_str_dup(job->mem, ask->word);
  copy->filter = us_str_dup(job->mem, ask->filter);
  bool is_whole = copy_texts(job->mem, &copy->requested) && copy_texts(job->mem, &copy->granted);
  return is_whole && !us_mem_is_spent(job->mem) ? copy : NULL;
}

static struct us_hook_job *job_of(struct us_hook_job **job) {
  if (*job == NULL)
    *job = us_hook_job_new();
  return *job;
}

static bool fill_all(struct us_cx *cx, struct us_ask *ask) {
  for (size_t i = 0; i < ask->doc_count; i++)
    if (!us_doc_fill(&ask->docs[i], cx->mem))
      return false;
  return true;
}

static enum us_code no_text(struct us_cx *cx) {
  return cx->err.code != US_OK ? cx->err.code : us_fail_plain(cx, US_E_NO_MEMORY);
}

static enum us_code record(struct us_cx *cx, const struct us_ask *ask, const uint8_t *key) {
  struct us_hook_job *job = job_of(&cx->extension->asking);
  struct us_ask *copy = job != NULL ? copy_to(job, ask) : NULL;
  if (copy != NULL)
    copy->tag = us_mem_copy(job->mem, key, US_EXTENSION_KEY_BYTES);
  if (copy == NULL || copy->tag == NULL)
    return us_fail_plain(cx, US_E_UNAVAILABLE);
  return us_fail_plain(cx, US_E_TO_HOOKS);
}

enum us_code us_extension_consult(struct us_cx *cx, struct us_ask *ask, struct us_ask **ret_answer) {
  struct us_extension *extension = cx->extension;
  uint8_t key[US_EXTENSION_KEY_BYTES];
  *ret_answer = ask;
  if ((extension->plugins->threaded & (1u << ask->hook)) == 0) {
    us_hooks_ask(extension->plugins, ask, cx->mem, NULL);
    if (ask->verdict != US_VERDICT_NONE)
      return verdict_of(cx, ask);
  }
  if (!fill_all(cx, ask))
    return no_text(cx);
  if (!digest_of(cx, ask, key))
    return cx->err.code;
  struct us_ask *answer = find_answer(extension, ask->hook, key);
  if (answer == NULL)
    return record(cx, ask, key);
  *ret_answer = answer;
  return verdict_of(cx, answer);
}

enum us_code us_extension_tell(struct us_cx *cx, struct us_ask *ask) {
  struct us_extension *extension = cx->extension;
  if (!fill_all(cx, ask))
    return no_text(cx);
  if ((extension->plugins->events & (1u << ask->hook)) != 0)
    US_TRY(us_extension_write_down(cx, ask));
  if (!us_plugins_have(extension->plugins, ask->hook))
    return US_OK;
  struct us_hook_job *job = job_of(&extension->telling);
  if (job == NULL)
    return us_fail_plain(cx, US_E_UNAVAILABLE);
  return copy_to(job, ask) != NULL ? US_OK : us_fail_plain(cx, US_E_UNAVAILABLE);
}
