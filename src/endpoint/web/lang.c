/* Which language a page speaks: parameters, then the browser's list (RFC 9110 12.5.4), then the realm. */
#include <string.h>

#include "endpoint/web/page.h"

#define LISTED_MAX 32 /* entries of Accept or Accept-Language that are looked at */

static const char *const tags[US_LANG_COUNT] = {[US_LANG_EN] = "en", [US_LANG_DE] = "de"};

static const char *const texts[US_LANG_COUNT][US_WORD_COUNT] = {
    [US_LANG_EN] =
        {
#define US_WORD(name, english, german) [US_WORD_##name] = english,
#include "endpoint/web/words.def"
#undef US_WORD
        },
    [US_LANG_DE] =
        {
#define US_WORD(name, english, german) [US_WORD_##name] = german,
#include "endpoint/web/words.def"
#undef US_WORD
        },
};

const char *us_lang_tag(enum us_lang lang) {
  return tags[lang];
}

const char *us_word_text(enum us_lang lang, enum us_word word) {
  return texts[lang][word];
}

/* "de", "de-AT", "de_AT": by the primary subtag. */
static bool speaks(struct us_str tag, enum us_lang *ret_lang) {
  for (int i = 0; i < US_LANG_COUNT; i++) {
    size_t n = strlen(tags[i]);
    if (tag.n >= n && us_str_eq_nocase((struct us_str){tag.p, n}, us_str_c(tags[i])) &&
        (tag.n == n || tag.p[n] == '-' || tag.p[n] == '_')) {
      *ret_lang = (enum us_lang)i;
      return true;
    }
  }
  return false;
}

static struct us_str trim(struct us_str text) {
  while (text.n > 0 && (text.p[0] == ' ' || text.p[0] == '\t'))
    text = (struct us_str){text.p + 1, text.n - 1};
  while (text.n > 0 && (text.p[text.n - 1] == ' ' || text.p[text.n - 1] == '\t'))
    text.n--;
  return text;
}

/* Cuts the next part off in front of `stop`; false when nothing is left. */
static bool next_part(struct us_str *rest, char stop, struct us_str *ret_part) {
  if (rest->p == NULL)
    return false;
  const char *end = rest->n > 0 ? memchr(rest->p, stop, rest->n) : NULL;
  size_t n = end != NULL ? (size_t)(end - rest->p) : rest->n;
  *ret_part = trim((struct us_str){rest->p, n});
  *rest = end != NULL ? (struct us_str){end + 1, rest->n - n - 1} : US_STR_ABSENT;
  return true;
}

/* A weight of RFC 9110 12.4.2 in thousandths; what is none counts as 0. */
static int weight_of(struct us_str text) {
  static const int place[] = {100, 10, 1};
  if (text.n == 0 || text.n > 5 || (text.p[0] != '0' && text.p[0] != '1') || (text.n > 1 && text.p[1] != '.'))
    return 0;
  int weight = (text.p[0] - '0') * 1000;
  for (size_t i = 2; i < text.n; i++) {
    if (text.p[i] < '0' || text.p[i] > '9')
      return 0;
    weight += (text.p[i] - '0') * place[i - 2];
  }
  return weight <= 1000 ? weight : 0;
}

struct listed {
  struct us_str value;
  int weight;
};

/* One entry of a list with weights: "de-AT;q=0.8". Parameters other than q are passed over. */
static bool next_listed(struct us_str *rest, struct listed *ret_entry) {
  struct us_str entry, param;
  if (!next_part(rest, ',', &entry))
    return false;
  ret_entry->weight = 1000;
  (void)next_part(&entry, ';', &ret_entry->value);
  while (next_part(&entry, ';', &param)) {
    if (param.n >= 2 && (param.p[0] == 'q' || param.p[0] == 'Q') && param.p[1] == '=')
      ret_entry->weight = weight_of((struct us_str){param.p + 2, param.n - 2});
  }
  return true;
}

/* The first language of a list of tags, separated by blanks, that there is (OIDC Core 3.1.2.1 ui_locales). */
static bool first_spoken(struct us_str list, enum us_lang *ret_lang) {
  struct us_str tag;
  for (int i = 0; i < LISTED_MAX && next_part(&list, ' ', &tag); i++) {
    if (speaks(tag, ret_lang))
      return true;
  }
  return false;
}

static bool asked_for(struct us_call *call, enum us_lang *ret_lang) {
  return first_spoken(us_params_get(&call->query, "ui_locales"), ret_lang) ||
         first_spoken(us_params_get(&call->query, "locale"), ret_lang);
}

static bool browser_speaks(struct us_str list, enum us_lang *ret_lang) {
  struct listed entry;
  int best = 0;
  for (int i = 0; i < LISTED_MAX && next_listed(&list, &entry); i++) {
    enum us_lang lang;
    if (entry.weight > best && speaks(entry.value, &lang)) {
      *ret_lang = lang;
      best = entry.weight;
    }
  }
  return best > 0;
}

enum us_lang us_page_lang(struct us_call *call) {
  enum us_lang lang = US_LANG_EN;
  if (asked_for(call, &lang) || browser_speaks(us_http_header(call->request, "accept-language"), &lang))
    return lang;
  if (call->realm != NULL)
    (void)speaks(call->realm->settings.default_locale, &lang);
  return lang;
}

struct us_str us_page_asked_locale(struct us_call *call) {
  enum us_lang lang;
  return asked_for(call, &lang) ? us_str_c(tags[lang]) : US_STR_ABSENT;
}

/* The weight that an Accept header gives a type: the most specific range decides (RFC 9110 12.5.1). */
static int weight_for(struct us_str list, const char *type, const char *family) {
  struct listed entry;
  int weight = 0, specific = 0;
  for (int i = 0; i < LISTED_MAX && next_listed(&list, &entry); i++) {
    int how = us_str_eq_nocase(entry.value, us_str_c(type))     ? 3
              : us_str_eq_nocase(entry.value, us_str_c(family)) ? 2
              : us_str_eq_c(entry.value, "*/*")                 ? 1
                                                                : 0;
    if (how > specific) {
      specific = how;
      weight = entry.weight;
    }
  }
  return weight;
}

bool us_page_is_unwanted(struct us_call *call) {
  struct us_str accept = us_http_header(call->request, "accept");
  return accept.n > 0 &&
         weight_for(accept, "application/json", "application/*") > weight_for(accept, "text/html", "text/*");
}
