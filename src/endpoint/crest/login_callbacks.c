/* What a login asks for, as callbacks in the caller's language: see us_login_answer_callbacks() in login.h. */
#include <string.h>

#include "endpoint/crest/login.h"
#include "json/write.h"

/* What people read. The languages there are; the first is the default. */
static const struct words {
  const char *language, *header, *user, *password, *code;
} languages[] = {
    {"en", "Sign in to Usher", "User Name", "Password", "One Time Password"},
    {"de", "Bei Usher anmelden", "Benutzername", "Passwort", "Einmalpasswort"},
    {"fr", "Se connecter à Usher", "Nom d'utilisateur", "Mot de passe", "Mot de passe à usage unique"},
};

/* "de-CH" and "de_CH" speak de. */
static const struct words *words_for(struct us_str locale) {
  for (size_t i = 0; i < sizeof(languages) / sizeof(languages[0]); i++) {
    size_t n = strlen(languages[i].language);
    if (locale.n >= n && us_str_eq_nocase((struct us_str){locale.p, n}, us_str_c(languages[i].language)) &&
        (locale.n == n || locale.p[n] == '-' || locale.p[n] == '_'))
      return &languages[i];
  }
  return &languages[0];
}

static void write_pair(struct us_json_writer *w, const char *kind, const char *name, const char *value) {
  us_json_name(w, kind);
  us_json_open(w, '[');
  us_json_open(w, '{');
  us_json_member(w, "name", us_str_c(name));
  us_json_member(w, "value", us_str_c(value));
  us_json_close(w, '}');
  us_json_close(w, ']');
}

static void write_callback(struct us_json_writer *w, const char *type, const char *prompt, int number) {
  char name[] = "IDToken1";
  name[sizeof(name) - 2] = (char)('0' + number);
  us_json_open(w, '{');
  us_json_name(w, "type");
  us_json_c(w, type);
  write_pair(w, "output", "prompt", prompt);
  write_pair(w, "input", name, "");
  us_json_member_i64(w, "_id", number - 1);
  us_json_close(w, '}');
}

enum us_code us_login_answer_callbacks(struct us_call *call, const struct us_login_step *step, struct us_str auth_id) {
  const struct words *words = words_for(us_params_get(&call->query, "locale"));
  bool is_code = step->stage == US_LOGIN_CODE;
  struct us_json_writer w;
  us_answer_json(call, 200, &w);
  us_json_open(&w, '{');
  us_json_member(&w, "authId", auth_id);
  us_json_member(&w, "template", US_STR(""));
  us_json_member(&w, "stage", is_code ? US_STR("OATH2") : US_STR("DataStore1"));
  us_json_member(&w, "header", us_str_c(words->header));
  us_json_name(&w, "callbacks");
  us_json_open(&w, '[');
  if (is_code) {
    write_callback(&w, "PasswordCallback", words->code, 1);
  } else {
    write_callback(&w, "NameCallback", words->user, 1);
    write_callback(&w, "PasswordCallback", words->password, 2);
  }
  us_json_close(&w, ']');
  us_json_close(&w, '}');
  return US_OK;
}
