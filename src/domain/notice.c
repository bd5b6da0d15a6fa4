/* Notices to people: see notice.h. */
#include "domain/notice.h"

#include <stdatomic.h>

#include "crypto/digest.h"
#include "domain/account.h"
#include "domain/snapshot.h"
#include "domain/template.h"
#include "store/outbox.h"
#include "json/field.h"
#include "json/json.h"
#include "json/write.h"

#define US_NOTICE_TEXT_MAX (64 * 1024) /* one member of a body */
#define US_NOTICE_BODY_MAX (1024 * 1024)
#define US_NOTICE_HTML_MAX (2 * 1024 * 1024) /* file and arguments, escaped */

/* A row per kind: which setting says yes, and what commands call it. */
static const struct kind {
  int kind;
  size_t setting; /* a bool of struct us_settings */
  const char *text;
} kinds[] = {
    {US_NOTICE_PENDING_CREATED, offsetof(struct us_settings, mail_owner_on_pending), "pending-request-created"},
    {US_NOTICE_PENDING_APPROVED, offsetof(struct us_settings, mail_party_on_approval), "pending-request-approved"},
};

static const struct kind *find_kind(int kind) {
  for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
    if (kinds[i].kind == kind)
      return &kinds[i];
  }
  return NULL;
}

const char *us_notice_kind_text(int kind) {
  const struct kind *k = find_kind(kind);
  return k ? k->text : "unknown";
}

/* ---- Writing down ---- */

static struct us_str write_body(struct us_cx *cx, const struct us_notice *notice) {
  struct us_buf out;
  struct us_json_writer w;
  us_buf_init(&out, US_NOTICE_BODY_MAX);
  us_json_writer_init(&w, &out);
  us_json_open(&w, '{');
  us_json_member(&w, "event", notice->event);
  us_json_member(&w, "other", notice->other_name);
  us_json_member(&w, "resource", notice->resource_name);
  us_json_name(&w, "scopes");
  us_json_strs(&w, notice->scopes);
  us_json_close(&w, '}');
  struct us_str text = us_buf_ok(&out) ? us_str_dup(cx->mem, us_buf_str(&out)) : US_STR_ABSENT;
  us_buf_done(&out);
  return text;
}

enum us_code us_notice_add(struct us_cx *cx, const struct us_realm *realm, const struct us_notice *notice) {
  const struct kind *kind = find_kind(notice->kind);
  if (!cx->svc->sends_mail || kind == NULL || !*(const bool *)((const char *)&realm->settings + kind->setting))
    return US_OK;
  struct us_outbox_row row = {
      .id = us_next_id(cx),
      .realm_id = notice->realm_id,
      .kind = notice->kind,
      .event_key = us_str_fmt(cx->mem, "%d:%.*s", notice->kind, US_STR_ARG(notice->event)),
      .account_id = notice->account_id,
      .body = write_body(cx, notice),
      .created_ms = cx->now_ms,
      .due_ms = cx->now_ms,
  };
  if (row.event_key.p == NULL || row.body.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  US_TRY(us_outbox_insert(cx, &row));
  /* Who sees the number move before the commit looks too early and finds nothing; app/app.c looks after it. */
  atomic_fetch_add(&cx->svc->notices, 1);
  return US_OK;
}

/* ---- Sending ---- */

enum us_code us_notice_claim(struct us_cx *cx, int64_t node, int64_t until_ms, struct us_notice_claim *ret_claim) {
  struct us_outbox_row row;
  US_TRY(us_outbox_claim(cx, US_OUTBOX_MAIL, node, until_ms, &row));
  struct us_notice_claim claim = {
      .id = row.id,
      .realm_id = row.realm_id,
      .account_id = row.account_id,
      .created_ms = row.created_ms,
      .kind = row.kind,
      .tries = row.tries,
      .event_key = row.event_key,
      .body = row.body,
  };
  enum us_code code = us_account_by_id(cx, row.account_id, &claim.account);
  claim.has_account = code == US_OK;
  if (code == US_E_NOT_FOUND)
    us_error_clear(cx);
  else
    US_TRY(code);
  *ret_claim = claim;
  return US_OK;
}

struct body {
  struct us_str event, other_name, resource_name;
  struct us_strs scopes;
};
#define TEXT(name_, member)                                                                                            \
  { .name = name_, .kind = US_FIELD_STRING, .offset = offsetof(struct body, member), .max = US_NOTICE_TEXT_MAX }
static const struct us_field body_fields[] = {
    TEXT("event", event),
    TEXT("other", other_name),
    TEXT("resource", resource_name),
    {.name = "scopes",
     .kind = US_FIELD_STRINGS,
     .offset = offsetof(struct body, scopes),
     .max = US_JSON_MAX_NODES,
     .item_max = US_NOTICE_TEXT_MAX},
};
static const struct us_field_table body_table = {
    .size = sizeof(struct body), US_FIELDS(body_fields), .code = US_E_INTERNAL};

static enum us_code read_body(struct us_cx *cx, struct us_str text, struct body *ret_body) {
  json_t *value = NULL;
  *ret_body = (struct body){0};
  US_TRY(us_json_parse(cx, text, US_E_INTERNAL, &value)); /* our own text */
  enum us_code code = us_field_from_json(cx, &body_table, value, ret_body);
  us_json_drop(cx, value);
  return code;
}

/* The account's language. The default of userProfileLocaleAttribute, inetOrgPerson, names an object class and no attribute;
 * accounts have their locale in one place, so that is what it stands for. */
static struct us_str locale_of(const struct us_realm *realm, const struct us_account *account) {
  struct us_str attribute = realm->settings.locale_attribute;
  if (us_str_eq_nocase(attribute, US_STR("inetOrgPerson")))
    return account->locale;
  return us_account_attribute(account, attribute);
}

static const struct us_template *choose(const struct us_templates *templates, const struct us_snapshot *snapshot,
                                        const struct us_realm *realm, const struct us_notice_claim *claim) {
  const struct us_realm *top = us_snapshot_realm(snapshot, US_STR("/"));
  struct us_str locales[] = {
      locale_of(realm, &claim->account),
      realm->settings.default_locale,
      top ? top->settings.default_locale : US_STR_ABSENT,
  };
  return us_templates_find(templates, claim->kind, locales, sizeof(locales) / sizeof(locales[0]));
}

/* The arguments in the order of REST l.1; a template that has fewer was checked not to name the others. */
static enum us_code fill(struct us_cx *cx, const struct us_realm *realm, const struct body *body,
                         struct us_template_arguments *ret_arguments) {
  struct us_str id = us_percent_encode(cx->mem, body->event);
  struct us_template_arguments arguments = {
      .v = {body->other_name, body->resource_name,
            body->scopes.n > 0 ? us_strs_join(cx->mem, body->scopes, ", ") : US_STR("NONE"), realm->base_url,
            body->event},
      /* Names of realms need no encoding (domain/realm.c). */
      .link = us_str_fmt(cx->mem, "%.*s/XUI/?realm=%.*s#uma/requests/%.*s", US_STR_ARG(realm->base_url),
                         US_STR_ARG(realm->path), US_STR_ARG(id)),
  };
  if (id.p == NULL || arguments.v[2].p == NULL || arguments.link.p == NULL)
    return us_fail_plain(cx, US_E_NO_MEMORY);
  *ret_arguments = arguments;
  return US_OK;
}

static enum us_code expand(struct us_cx *cx, const struct us_template *template,
                           const struct us_template_arguments *arguments, struct us_str *ret_html) {
  struct us_buf out;
  us_buf_init(&out, US_NOTICE_HTML_MAX);
  us_template_expand(template, arguments, &out);
  *ret_html = us_buf_ok(&out) ? us_str_dup(cx->mem, us_buf_str(&out)) : US_STR_ABSENT;
  us_buf_done(&out);
  return ret_html->p ? US_OK : us_fail(cx, US_E_INTERNAL, "the text is too long");
}

static enum us_code compose(struct us_cx *cx, const struct us_templates *templates, const struct us_snapshot *snapshot,
                            const struct us_notice_claim *claim, struct us_notice_mail *mail) {
  const struct us_realm *realm = us_snapshot_realm_by_id(snapshot, claim->realm_id);
  struct us_template_arguments arguments;
  struct body body;
  char digest[US_SHA256_TEXT_BYTES];
  if (realm == NULL) /* its people go with it; until then another process may know more than this one */
    return us_fail(cx, US_E_INTERNAL, "the realm is not known");
  const struct us_template *template = choose(templates, snapshot, realm, claim);
  if (template == NULL)
    return us_fail(cx, US_E_INTERNAL, "notices of kind %d are not known to this version", claim->kind);
  US_TRY(read_body(cx, claim->body, &body));
  US_TRY(fill(cx, realm, &body, &arguments));
  US_TRY(expand(cx, template, &arguments, &mail->html));
  us_sha256_text(claim->event_key, digest);
  mail->subject = template->subject;
  mail->locale = template->locale;
  mail->message_id = us_str_fmt(cx->mem, "usher.%s", digest);
  mail->date_ms = claim->created_ms;
  return mail->message_id.p ? US_OK : us_fail_plain(cx, US_E_NO_MEMORY);
}

enum us_code us_notice_mail(struct us_cx *cx, const struct us_templates *templates, struct us_str mail_attribute,
                            const struct us_notice_claim *claim, struct us_notice_mail *ret_mail) {
  struct us_notice_mail mail = {0};
  if (claim->has_account && claim->account.is_active)
    mail.to = us_account_attribute(&claim->account, mail_attribute);
  if (mail.to.n == 0)
    return us_fail_plain(cx, US_E_NOT_FOUND);
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  enum us_code code = compose(cx, templates, snapshot, claim, &mail);
  us_snapshot_unref(snapshot);
  if (code == US_OK)
    *ret_mail = mail;
  return code;
}

/* Cut between characters: the store keeps text. */
static struct us_str error_text(struct us_str text) {
  size_t n = text.n;
  if (n > US_NOTICE_ERROR_MAX) {
    n = US_NOTICE_ERROR_MAX;
    while (n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
      n--;
  }
  return (struct us_str){text.p ? text.p : "", n};
}

enum us_code us_notice_settle(struct us_cx *cx, int64_t node, const struct us_notice_outcome *outcome) {
  struct us_outbox_row row = {
      .id = outcome->id, .due_ms = cx->now_ms, .tries = outcome->tries, .last_error = error_text(outcome->error)};
  switch (outcome->end) {
  case US_NOTICE_GONE:
    return us_outbox_delete(cx, outcome->id);
  case US_NOTICE_LATER:
    row.due_ms = outcome->due_ms;
    break;
  case US_NOTICE_UNTOUCHED:
    row.tries = outcome->tries - 1;
    break;
  case US_NOTICE_FAILED:
    row.is_failed = true;
    break;
  }
  return us_outbox_put_back(cx, node, outcome->tries, &row);
}

enum us_code us_notice_release(struct us_cx *cx, int64_t node) {
  return us_outbox_release_node(cx, US_OUTBOX_MAIL, node);
}

enum us_code us_notice_next_due(struct us_cx *cx, int64_t *ret_due_ms) {
  return us_outbox_next_due(cx, US_OUTBOX_MAIL, ret_due_ms);
}

enum us_code us_notice_clean_up(struct us_cx *cx, int64_t max_rows, int64_t *ret_rows) {
  return us_outbox_drop_failed(cx, cx->now_ms - US_NOTICE_FAILED_KEPT_MS, max_rows, ret_rows);
}
