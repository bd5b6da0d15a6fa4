/* Verbs, actions and parameters of Common REST: see crest.h. */
#include "route/crest.h"

#include <string.h>

bool us_crest_is(const struct us_route *route) {
  return route->service == US_SERVICE_JSON && strcmp(route->pattern, "authenticate") != 0 &&
         strncmp(route->pattern, "health/", 7) != 0;
}

static bool is_instance(const struct us_route *route) {
  return route->pattern[strlen(route->pattern) - 1] == '}';
}

static bool has_query(const struct us_call *call) {
  static const char *const names[] = {"_queryFilter", "_queryId", "_queryExpression"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    if (us_params_get_nocase(&call->query, names[i]).p != NULL)
      return true;
  }
  return false;
}

static enum us_code refuse_method(struct us_call *call, const struct us_matched *matched) {
  return us_fail(&call->cx, US_E_METHOD, "Required Method: %s found: %.*s", us_method_name(matched->route->method),
                 US_STR_ARG(us_error_safe(&call->cx, matched->method_text)));
}

/* POST without _action is a create since protocol 2.1; before it is nothing (a.2). */
static enum us_code check_action(struct us_call *call, const struct us_matched *matched) {
  struct us_cx *cx = &call->cx;
  struct us_str action = us_params_get_nocase(&call->query, "_action");
  if (action.p == NULL && call->crest_protocol < 21)
    return us_fail(cx, US_E_INVALID_REQUEST, "No values provided for the request parameter '_action'");
  if (matched->result == US_MATCHED)
    return US_OK;
  if (action.p == NULL)
    action = US_STR("create");
  return us_fail(cx, US_E_NOT_IMPLEMENTED, "Action %.*s not supported", US_STR_ARG(us_error_safe(cx, action)));
}

/* A collection has no content of its own: it is queried, and its instances are what is changed. */
static enum us_code refuse_on_collection(struct us_call *call, const struct us_matched *matched) {
  const char *verb = call->method == US_METHOD_GET ? "read" : call->method == US_METHOD_PUT ? "updated" : "deleted";
  if (call->method == US_METHOD_GET && has_query(call))
    return us_fail_plain(&call->cx, US_E_NOT_IMPLEMENTED);
  return us_fail(&call->cx, US_E_INVALID_REQUEST, "The resource collection %.*s cannot be %s",
                 US_STR_ARG(matched->tail), verb);
}

enum us_code us_crest_check_verb(struct us_call *call, const struct us_matched *matched) {
  if (!us_crest_is(matched->route))
    return matched->result == US_MATCHED ? US_OK : refuse_method(call, matched);
  if (call->method == US_METHOD_POST)
    return check_action(call, matched);
  if (matched->result == US_MATCHED)
    return US_OK;
  if (call->method == US_METHOD_OTHER || call->method == US_METHOD_OPTIONS)
    return refuse_method(call, matched);
  if (call->method == US_METHOD_PATCH || is_instance(matched->route))
    return us_fail_plain(&call->cx, US_E_NOT_IMPLEMENTED);
  return refuse_on_collection(call, matched);
}

/* Names compare without case (a.8). */
static enum us_code check_repeats(struct us_call *call) {
  for (size_t i = 0; i < call->query.n; i++) {
    struct us_str name = call->query.v[i].name;
    for (size_t k = 0; k < i; k++) {
      if (us_str_eq_nocase(name, call->query.v[k].name))
        return us_fail(&call->cx, US_E_INVALID_REQUEST,
                       "Multiple values provided for the single-valued request parameter '%.*s'",
                       US_STR_ARG(us_error_safe(&call->cx, name)));
    }
  }
  return US_OK;
}

enum us_code us_crest_check_parameters(struct us_call *call, const struct us_matched *matched) {
  US_TRY(check_repeats(call));
  if (us_crest_is(matched->route) && call->method == US_METHOD_GET && is_instance(matched->route) && has_query(call))
    return us_fail(&call->cx, US_E_INVALID_REQUEST, "The resource instance %.*s cannot be queried",
                   US_STR_ARG(matched->tail));
  return US_OK;
}
