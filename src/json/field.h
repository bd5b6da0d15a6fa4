/*
 * Input by tables. A row per member: name, kind, offset in the struct, flags, limits. JSON bodies, forms, queries and the
 * configuration file are decoded by the same rows, so that they refuse with the same words:
 *
 *   resource_scopes[1]: must be a string
 *
 * or, where the contract quotes the lineage's texts (protocol contract 4.8, 5.3; REST contract c.6), in the form
 *
 *   <table.what> Missing required attribute, 'name'.
 *   <table.what> Required attribute, 'name', must be an array of Strings.      (US_FIELD_REQUIRED)
 *   <table.what> Attribute, 'name', must be a String.
 *   <table.what> Optional attribute, 'name', must be an array of Strings.      (US_FIELD_OPTIONAL_WORD)
 *
 * which a table selects by having `what`. Words per kind: "must be a String", "must be an array of Strings",
 * "must be an array", "must be a valid URI", "must be a Boolean", "must be an Integer", "must be an Object".
 *
 * Every row has a maximum. Members no row names are skipped (UG-13), or kept when the table says so. JSON null for a
 * required member counts as missing; for another one as absent. In forms an empty value counts as absent and a
 * repeated name is refused (protocol contract 1.3). Rules between members live in `check`.
 *
 * Decoded strings are copied into cx->mem; the parsed document is freed by the caller right after.
 */
#ifndef USHER_JSON_FIELD_H
#define USHER_JSON_FIELD_H

#include <jansson.h>

#include "base/cx.h"

enum us_field_kind {
  US_FIELD_STRING, /* struct us_str; max = bytes */
  US_FIELD_URI,    /* struct us_str: a URI reference (RFC 3986), max = bytes */
  US_FIELD_INT,    /* int64_t; min..max; the struct holds the default before decoding */
  US_FIELD_BOOL,   /* bool */
  US_FIELD_STRINGS, /* struct us_strs: array of strings (form: separated by blanks); max = members, item_max = bytes each */
  US_FIELD_ENUM,   /* int: value of the matching us_enum_name */
  US_FIELD_TABLE,  /* a nested object, decoded by `table` at offset (struct inline) */
  US_FIELD_TABLES, /* struct us_field_list: array of objects decoded by `table`; max = elements */
  US_FIELD_JSON,   /* json_t * kept as it is (owned by cx->mem) */
};

enum {
  US_FIELD_REQUIRED = 1,
  US_FIELD_OPTIONAL_WORD = 2,   /* the lineage says "Optional attribute" */
  US_FIELD_NOT_EMPTY = 4,       /* an empty string (or list) is refused */
  US_FIELD_UNIQUE = 8,          /* STRINGS: repeats collapse */
  US_FIELD_NO_CONTROLS = 16,    /* no characters below U+0020 and no U+007F */
  US_FIELD_SECRET = 32,         /* never quoted in messages, memory wiped */
  US_FIELD_NO_EMPTY_ITEMS = 64, /* STRINGS: an empty string in the list is refused */
};

struct us_field_table;
struct us_enum_name {
  const char *name;
  int value;
};
struct us_field_list {
  void *v; /* n structs of table->size */
  size_t n;
};
struct us_field {
  const char *name;
  enum us_field_kind kind;
  size_t offset;
  unsigned flags;
  int64_t min;
  int64_t max;
  int64_t item_max;
  const struct us_field_table *table;
  const struct us_enum_name *names; /* ends with {NULL, 0} */
  enum us_code code;                /* 0: the table's */
  size_t seen_offset; /* offset of a bool set when the member was there; 0: none (never the first member) */
};
struct us_field_table {
  const char *what; /* "Invalid Resource Set Description." or NULL for plain words */
  size_t size;
  const struct us_field *fields;
  size_t n;
  enum us_code code; /* 0: US_E_INVALID_REQUEST */
  bool keep_unknown; /* collect members that no row names into the json_t * at unknown_offset (NULL: none) */
  size_t unknown_offset;
  bool refuse_unknown; /* configuration: an unknown key is an error with its line */
  enum us_code (*check)(struct us_cx *cx, void *object);
};

#define US_FIELDS(array) .fields = (array), .n = sizeof(array) / sizeof((array)[0])

/* Whether the table can be decoded by at all: every row has a maximum, its slot lies inside the struct, names are unique,
 * nested tables are sound too. A walking test calls it for each table; *ret_problem is a constant sentence. */
bool us_field_table_check(const struct us_field_table *table, const char **ret_problem);

/* Fill *object (zeroed, or holding defaults) from a JSON object / a form body or query string / a YAML document.
 * Fail with the row's code and a message naming the member. */
enum us_code us_field_from_json(struct us_cx *cx, const struct us_field_table *table, const json_t *value,
                                void *object) US_MUST_CHECK;
/* `text` is application/x-www-form-urlencoded, decoded strictly (HT-21): %, %4, %GG, %00, invalid UTF-8 are refused, more
 * than US_FORM_MAX_PARAMS parameters too, and any parameter that occurs twice (named by a row or not). */
#define US_FORM_MAX_PARAMS 128
enum us_code us_field_from_form(struct us_cx *cx, const struct us_field_table *table, struct us_str text,
                                void *object) US_MUST_CHECK;
#define US_YAML_MAX_BYTES (1024 * 1024)
/* Nested mappings become nested tables; errors say "file:line: member: ...". */
enum us_code us_field_from_yaml(struct us_cx *cx, const struct us_field_table *table, const char *file_name,
                                struct us_str text, void *object) US_MUST_CHECK;

/* The parts of it that others need. One pair list, in order, values decoded. Also refuses repeats. */
struct us_param {
  struct us_str name;
  struct us_str value;
};
struct us_params {
  struct us_param *v;
  size_t n;
};
enum us_code us_form_parse(struct us_cx *cx, struct us_str text, struct us_params *ret_params) US_MUST_CHECK;
/* In two steps, where a repeated name is not the first thing to be said. */
enum us_code us_form_parse_repeats(struct us_cx *cx, struct us_str text, struct us_params *ret_params) US_MUST_CHECK;
enum us_code us_params_unique(struct us_cx *cx, const struct us_params *params) US_MUST_CHECK;
struct us_str us_params_get(const struct us_params *params, const char *name);        /* exact; absent when not there */
struct us_str us_params_get_nocase(const struct us_params *params, const char *name); /* Common REST (a.8) */
/* Percent-decodes one path segment; false on bad encoding, %00 or invalid UTF-8. '+' stays '+'. */
bool us_percent_decode(void *mem, struct us_str in, bool plus_is_blank, struct us_str *ret_out);
struct us_str us_percent_encode(void *mem, struct us_str in); /* all but RFC 3986 unreserved */
bool us_uri_reference_ok(struct us_str s);                    /* RFC 3986 grammar: characters, scheme, % pairs */
/* Host (without brackets) and port of "host:port" apart; the port is absent without a colon. False where it is neither. */
bool us_uri_split_authority(struct us_str authority, struct us_str *ret_host, struct us_str *ret_port);
bool us_uri_port_ok(struct us_str port); /* 1 to 65535 in decimal; an absent one is fine */

#endif
