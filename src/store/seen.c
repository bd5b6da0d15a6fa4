/* Remembered access tokens: see seen.h. */
#include "store/seen.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"
#include "store/backend.h"

struct us_seen_token {
  _Atomic unsigned refs; /* the memory's and one a request: the last may be let go after the loop has ended */
  void *mem;             /* a root of its own, where the row and this are */
  int64_t id;
  int64_t rights_rev;
  struct us_access_row row;
};

struct us_seen {
  struct us_seen_token *places[US_SEEN_TOKENS];
};

/* Ids are times with a counter: one multiplication spreads them. */
static struct us_seen_token **place_of(struct us_seen *seen, int64_t id) {
  uint64_t spread = (uint64_t)id * UINT64_C(0x9E3779B97F4A7C15);
  return &seen->places[(spread >> 32) % US_SEEN_TOKENS];
}

static void unref(void *self) {
  struct us_seen_token *token = self;
  if (token && atomic_fetch_sub(&token->refs, 1) == 1)
    us_mem_free(token->mem);
}

static const char SQL_RIGHTS_REV[] = "SELECT CAST(value AS bigint) FROM meta WHERE key = 'rights_rev'";

static enum us_code read_rights_rev(struct us_cx *cx, int64_t *ret_rev) {
  struct us_rows rows;
  int64_t rev = 0;
  US_TRY(us_sql_open(cx, &rows, SQL_RIGHTS_REV, ""));
  if (us_sql_next(&rows))
    rev = us_sql_i64(&rows, 0);
  US_TRY(us_sql_close(&rows));
  *ret_rev = rev;
  return US_OK;
}

struct us_seen *us_seen_of(struct us_cx *cx) {
  struct us_db *db = cx->db;
  if (!db->seen || db->mode != US_DB_READING)
    return NULL;
  if (db->rights_rev != 0) /* asked in this snapshot */
    return db->seen;
  if (read_rights_rev(cx, &db->rights_rev) == US_OK && db->rights_rev != 0)
    return db->seen;
  us_error_clear(cx); /* whoever asked reads the token itself and meets the same trouble */
  return NULL;
}

/* Ties the token to the memory of the request. */
static const struct us_access_row *lend(struct us_cx *cx, struct us_seen_token *token) {
  atomic_fetch_add(&token->refs, 1);
  return us_mem_own(cx->mem, token, unref) == 0 ? &token->row : NULL;
}

const struct us_access_row *us_seen_find(struct us_cx *cx, struct us_seen *seen, int64_t id) {
  struct us_seen_token *token = *place_of(seen, id);
  if (!token || token->id != id || token->rights_rev != cx->db->rights_rev)
    return NULL;
  return lend(cx, token);
}

struct us_seen_token *us_seen_token_new(void **ret_mem, struct us_access_row **ret_row) {
  void *mem = us_mem_root_new(0, US_SEEN_TOKEN_BYTES);
  struct us_seen_token *token = mem ? US_NEW(mem, struct us_seen_token) : NULL;
  if (!token) {
    us_mem_free(mem);
    return NULL;
  }
  token->refs = 1;
  token->mem = mem;
  *ret_mem = mem;
  *ret_row = &token->row;
  return token;
}

void us_seen_token_drop(struct us_seen_token *token) {
  unref(token);
}

const struct us_access_row *us_seen_keep(struct us_cx *cx, struct us_seen *seen, int64_t id,
                                         struct us_seen_token *token) {
  struct us_seen_token **place = place_of(seen, id);
  token->id = id;
  token->rights_rev = cx->db->rights_rev;
  unref(*place);
  *place = token;
  return lend(cx, token);
}

struct us_seen *us_seen_new(void) {
  return calloc(1, sizeof(struct us_seen));
}

void us_seen_free(struct us_seen *seen) {
  if (!seen)
    return;
  for (size_t i = 0; i < US_SEEN_TOKENS; i++)
    unref(seen->places[i]);
  free(seen);
}
