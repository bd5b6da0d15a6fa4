/*
 * The authorization endpoint, in two files: authorize.c finds out what becomes of a request, authorize_page.c shows what people see.
 */
#ifndef USHER_ENDPOINT_OAUTH_AUTHORIZE_H
#define USHER_ENDPOINT_OAUTH_AUTHORIZE_H

#include "crypto/handle.h"
#include "endpoint/oauth/oauth.h"
#include "endpoint/web/redirect.h"

struct us_authorize_form {
  struct us_str client_id, redirect_uri, response_type, response_mode, scope, state, nonce, prompt, max_age;
  struct us_str code_challenge, code_challenge_method;
  struct us_str request, request_uri, registration, id_token_hint;
  struct us_str login_hint, ui_locales, display, acr_values, claims, service; /* carried along */
  struct us_str csrf, decision, save_consent;                                 /* of our form: POST only */
};

enum us_authorize_next {
  US_AUTHORIZE_LOGIN,    /* somebody has to log in, and comes back */
  US_AUTHORIZE_ASK,      /* the consent page */
  US_AUTHORIZE_REFUSE,   /* back to the client with `flaw` */
  US_AUTHORIZE_GIVE_CODE /* back to the client with a code */
};
struct us_authorize {
  struct us_client client;
  struct us_str redirect_uri;
  const struct us_account *account; /* of who is there; NULL: nobody of this realm */
  struct us_strs scopes;
  struct us_str challenge_method;
  enum us_authorize_next next;
  struct us_error flaw;
  bool is_own_decision; /* the person said no */
  struct us_handle code;
};

/* The request as a URL of ours, with what somebody who has just logged in need not be asked again left out. `keeps_age`: max_age
 * stays. */
struct us_str us_authorize_url(struct us_call *call, bool keeps_age);
/* The parameters of a request, for URL and form alike; *ret_count of them. `keeps_age` as above. */
#define US_AUTHORIZE_PARAMS_MAX 32
void us_authorize_params(struct us_call *call, bool keeps_age,
                         struct us_redirect_param ret_params[US_AUTHORIZE_PARAMS_MAX], size_t *ret_count);
/* Which client is it, in words: what it calls itself, never without what it is called. */
struct us_str us_authorize_client_name(struct us_cx *cx, const struct us_client *client);

/* Pages. */
enum us_code us_authorize_ask(struct us_call *call, const struct us_authorize *a) US_MUST_CHECK;
/* A client that registered itself is not followed blindly (SB-19): what it asked for cannot be had, and the person decides whether
 * to go to `url`. */
enum us_code us_authorize_warn(struct us_call *call, const struct us_authorize *a, struct us_str url) US_MUST_CHECK;

#endif
