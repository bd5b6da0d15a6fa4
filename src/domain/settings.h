/*
 * The settings of a realm as one table: name on the wire (protocol contract 9; names marked "ours" in the table are Usher's
 * own), kind, place in struct us_settings, default, limits, meaning. The same rows load, print and set them.
 */
#ifndef USHER_DOMAIN_SETTINGS_H
#define USHER_DOMAIN_SETTINGS_H

#include "model/model.h"

enum us_setting_kind {
  US_SETTING_INT,  /* int64_t, decimal */
  US_SETTING_BOOL, /* bool, true or false */
  US_SETTING_TEXT, /* struct us_str, may be empty */
  US_SETTING_JSON, /* struct us_str: a JSON object, or empty */
  US_SETTING_LIST, /* struct us_strs, a,b,c */
  US_SETTING_ENUM, /* int, one of `words` */
  US_SETTING_SET,  /* int, several of `words` with commas between, or nothing */
};
struct us_setting_word {
  const char *word;
  int value;
};
struct us_setting {
  const char *name;
  enum us_setting_kind kind;
  size_t offset;
  const char *default_value;
  int64_t min, max;                    /* INT: value; TEXT: bytes; LIST: members */
  const struct us_setting_word *words; /* ends with NULL */
  const char *meaning;
};
extern const struct us_setting us_setting_table[];
extern const size_t us_setting_count;

#define US_SETTING_LIST_ITEM_MAX 255 /* bytes of one member of a list */

/* NULL when there is none of this name. */
const struct us_setting *us_setting_find(struct us_str name);
/* Names of the lineage that mean nothing any more (protocol contract 9.2). */
bool us_setting_is_retired(struct us_str name);
/* Everything at its default. Lists and texts point to constants or `mem`. False when out of memory. */
bool us_settings_init(void *mem, struct us_settings *settings);
/* Reads `value` into its member. Returns NULL, or a constant sentence that says what is wrong (the member is untouched). */
const char *us_setting_parse(void *mem, const struct us_setting *row, struct us_str value,
                             struct us_settings *settings);
/* The value as us_setting_parse() takes it; absent when out of memory. */
struct us_str us_setting_print(void *mem, const struct us_setting *row, const struct us_settings *settings);

/* claimsGatheringService: the journey that a requesting party must have gone through; absent: any. */
struct us_str us_settings_claims_journey(const struct us_settings *settings);

#endif
