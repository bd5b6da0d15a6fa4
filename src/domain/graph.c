/*
 * Graphs of shares: see graph.h. Rows are read into compact form first (struct loaded), texts numbered; then people and names get
 * their nodes. A name has a node when somebody who counts is meant by it: a share with somebody who shares nothing on, and is not
 * the requesting party, leads nowhere.
 */
#include "domain/graph.h"

#include <stdlib.h>

#include "base/mem.h"
#include "domain/intern.h"
#include "domain/resource.h"
#include "domain/share.h"
#include "domain/snapshot.h"
#include "domain/subject.h"
#include "store/grants.h"
#include "json/json.h"

#define SCRATCH_POOL_BYTES (64 * 1024)
#define NO_NODE UINT32_MAX

struct row {
  int64_t id, policy_id, sharer_id;
  int64_t used;
  uint32_t subject;                           /* among loaded.subjects */
  uint32_t scopes, active_scopes, conditions; /* among loaded.texts */
};
struct member {
  uint32_t subject, person; /* person: a node */
};
struct loaded {
  struct us_cx *cx;
  struct us_cx inner; /* the same with the scratch memory */
  const struct us_settings *settings;
  int64_t owner_id, party_id; /* party_id 0: nobody's request */
  bool keeps_all;             /* for the whole graph: rows have `scopes`, conditions do not matter */
  bool has_groups;
  struct us_intern subjects, texts;
  struct row *rows;
  size_t row_count, row_room;
  int64_t *people; /* account ids in order; the node of people[i] is 2 + i */
  size_t people_count, people_room;
  struct member *members;
  size_t member_count, member_room;
  struct us_graph_size size;
};

/* A list with room for one more. */
static bool has_room(struct loaded *l, void **list, size_t count, size_t *room, size_t bytes_each) {
  if (count < *room)
    return true;
  size_t next = *room == 0 ? 64 : *room * 2;
  void *grown = us_mem_grow(l->inner.mem, *list, count * bytes_each, next * bytes_each);
  if (grown == NULL)
    return false;
  *list = grown;
  *room = next;
  return true;
}

static enum us_code no_memory(struct loaded *l) {
  return us_fail_plain(l->cx, US_E_NO_MEMORY);
}

static void measure(struct loaded *l, const struct us_grant_row *row, size_t texts_before) {
  l->size.grants++;
  if (row->sharer_id == l->owner_id)
    return;
  l->size.others++;
  l->size.bytes += row->subject_key.n + row->scopes.n + row->conditions.n;
  l->size.texts += l->subjects.bytes + l->texts.bytes - texts_before;
}

static enum us_code add_row(struct us_cx *cx, void *self, const struct us_grant_row *row) {
  struct loaded *l = self;
  size_t texts_before = l->subjects.bytes + l->texts.bytes;
  struct us_str none = US_STR("");
  (void)cx;
  if (!has_room(l, (void **)&l->rows, l->row_count, &l->row_room, sizeof(*l->rows)))
    return no_memory(l);
  struct row *added = &l->rows[l->row_count++];
  *added = (struct row){
      .id = row->id,
      .policy_id = row->policy_id,
      .sharer_id = row->sharer_id,
      .used = row->used,
      .subject = us_intern_put(&l->subjects, row->subject_key),
      .scopes = us_intern_put(&l->texts, l->keeps_all ? row->scopes : none),
      .active_scopes = us_intern_put(&l->texts, row->active_scopes),
      .conditions = us_intern_put(&l->texts, row->conditions),
  };
  if (us_mem_is_spent(l->inner.mem))
    return no_memory(l);
  l->has_groups = l->has_groups || us_str_starts(row->subject_key, US_STR(US_SUBJECT_GROUP));
  measure(l, row, texts_before);
  return US_OK;
}

static int compare_ids(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return x < y ? -1 : x > y;
}

/* The node of somebody who shares; NO_NODE when the account is gone. */
static uint32_t node_of(const struct loaded *l, int64_t account_id) {
  if (account_id == l->owner_id)
    return US_NODE_OWNER;
  if (account_id == l->party_id)
    return US_NODE_PARTY;
  const int64_t *found =
      l->people_count == 0 ? NULL : bsearch(&account_id, l->people, l->people_count, sizeof(int64_t), compare_ids);
  return found == NULL ? NO_NODE : 2 + (uint32_t)(found - l->people);
}

/* A person is meant by a key. Only keys that shares name are of interest; nothing can be given to the owner. */
static enum us_code add_member(struct loaded *l, struct us_str key, uint32_t person) {
  uint32_t subject = key.p == NULL ? US_INTERN_NONE : us_intern_find(&l->subjects, key);
  if (subject == US_INTERN_NONE || person == US_NODE_OWNER || person == NO_NODE)
    return US_OK;
  if (!has_room(l, (void **)&l->members, l->member_count, &l->member_room, sizeof(*l->members)))
    return no_memory(l);
  l->members[l->member_count++] = (struct member){subject, person};
  return US_OK;
}

static enum us_code add_person(struct us_cx *cx, void *self, const struct us_account *sharer) {
  struct loaded *l = self;
  struct us_str key;
  (void)cx;
  if (sharer->id == l->owner_id || sharer->id == l->party_id)
    return US_OK;
  if (!has_room(l, (void **)&l->people, l->people_count, &l->people_room, sizeof(*l->people)))
    return no_memory(l);
  l->people[l->people_count++] = sharer->id;
  if (us_subject_own_key(&l->inner, l->settings, sharer, &key) != US_OK)
    return no_memory(l);
  return add_member(l, key, 1 + (uint32_t)l->people_count);
}

static enum us_code add_group(struct us_cx *cx, void *self, int64_t account_id, struct us_str key) {
  struct loaded *l = self;
  (void)cx;
  if (account_id == l->party_id) /* its keys are given */
    return US_OK;
  return add_member(l, key, node_of(l, account_id));
}

static enum us_code load(struct loaded *l, int64_t resource_id) {
  us_intern_init(&l->subjects, l->inner.mem);
  us_intern_init(&l->texts, l->inner.mem);
  US_TRY(l->keeps_all ? us_grants_all(l->cx, resource_id, add_row, l)
                      : us_grants_active(l->cx, resource_id, add_row, l));
  US_TRY(us_grants_sharers(l->cx, resource_id, add_person, l));
  return l->has_groups ? us_grants_groups(l->cx, resource_id, add_group, l) : US_OK;
}

/* Memory of its own: given back when the graph has been boiled down. */
static enum us_code loaded_begin(struct loaded *l, struct us_cx *cx) {
  l->cx = cx;
  l->inner = (struct us_cx){.now_ms = cx->now_ms, .db = cx->db, .svc = cx->svc};
  l->inner.mem = us_mem_root_new(SCRATCH_POOL_BYTES, US_GRAPH_MEMORY_MAX_BYTES);
  return l->inner.mem != NULL ? US_OK : us_fail_plain(cx, US_E_NO_MEMORY);
}

static void loaded_end(struct loaded *l) {
  us_mem_free(l->inner.mem);
}

/* Nodes of names, behind those of people: of subjects that somebody is meant by. */
static uint32_t *name_nodes(struct loaded *l, size_t *node_count) {
  uint32_t *nodes = us_mem_array(l->inner.mem, l->subjects.count + 1, sizeof(*nodes));
  if (nodes == NULL)
    return NULL;
  for (size_t i = 0; i < l->subjects.count; i++)
    nodes[i] = NO_NODE;
  *node_count = 2 + l->people_count;
  for (size_t i = 0; i < l->member_count; i++) {
    uint32_t *node = &nodes[l->members[i].subject];
    if (*node == NO_NODE)
      *node = (uint32_t)(*node_count)++;
  }
  return nodes;
}

static struct us_membership *memberships(const struct loaded *l, void *mem, const uint32_t *names) {
  struct us_membership *list = US_NEW_ARRAY(mem, struct us_membership, l->member_count + 1);
  for (size_t i = 0; list != NULL && i < l->member_count; i++)
    list[i] = (struct us_membership){names[l->members[i].subject], l->members[i].person};
  return list;
}

/* Texts taken apart, each once, into memory that stays. */
struct parsed {
  struct us_strs *scopes;
  struct us_conditions *conditions;
  bool *has_scopes, *has_conditions;
};

static bool parsed_begin(struct parsed *parsed, struct loaded *l) {
  size_t n = (size_t)l->texts.count + 1;
  *parsed = (struct parsed){
      .scopes = US_NEW_ARRAY(l->inner.mem, struct us_strs, n),
      .conditions = US_NEW_ARRAY(l->inner.mem, struct us_conditions, n),
      .has_scopes = US_NEW_ARRAY(l->inner.mem, bool, n),
      .has_conditions = US_NEW_ARRAY(l->inner.mem, bool, n),
  };
  return !us_mem_is_spent(l->inner.mem);
}

static enum us_code parse_scopes(struct us_cx *cx, const struct loaded *l, struct parsed *parsed, uint32_t text,
                                 struct us_strs *ret_scopes) {
  if (!parsed->has_scopes[text])
    US_TRY(us_json_to_strs(cx, l->texts.texts[text], &parsed->scopes[text]));
  parsed->has_scopes[text] = true;
  *ret_scopes = parsed->scopes[text];
  return US_OK;
}

static enum us_code parse_conditions(struct us_cx *cx, const struct loaded *l, struct parsed *parsed, uint32_t text,
                                     struct us_conditions *ret_conditions) {
  if (!parsed->has_conditions[text])
    US_TRY(us_conditions_parse(cx, l->texts.texts[text], &parsed->conditions[text]));
  parsed->has_conditions[text] = true;
  *ret_conditions = parsed->conditions[text];
  return US_OK;
}

/* What the party itself gives is of no use to it. */
static bool leads_on(const struct loaded *l, const struct row *row, const uint32_t *names, uint32_t *ret_from) {
  *ret_from = node_of(l, row->sharer_id);
  return *ret_from != NO_NODE && *ret_from != US_NODE_PARTY && names[row->subject] != NO_NODE;
}

static enum us_code make_grants(struct us_cx *cx, struct loaded *l, const uint32_t *names, struct us_facts *facts) {
  struct parsed parsed;
  size_t n = 0;
  uint32_t from;
  for (size_t i = 0; i < l->row_count; i++)
    n += leads_on(l, &l->rows[i], names, &from);
  struct us_grant *grants = US_NEW_ARRAY(cx->mem, struct us_grant, n + 1);
  if (grants == NULL || !parsed_begin(&parsed, l))
    return no_memory(l);
  facts->grants = grants;
  facts->grant_count = 0;
  for (size_t i = 0; i < l->row_count; i++) {
    const struct row *row = &l->rows[i];
    if (!leads_on(l, row, names, &from))
      continue;
    struct us_grant *grant = &grants[facts->grant_count++];
    *grant = (struct us_grant){.id = row->id, .from = from, .to = names[row->subject], .used = row->used};
    US_TRY(parse_scopes(cx, l, &parsed, row->active_scopes, &grant->scopes));
    US_TRY(parse_conditions(cx, l, &parsed, row->conditions, &grant->conditions));
  }
  return US_OK;
}

static enum us_code make_facts(struct us_cx *cx, struct loaded *l, struct us_strs party_keys, struct us_facts *facts) {
  for (size_t i = 0; i < party_keys.n; i++)
    US_TRY(add_member(l, party_keys.v[i], US_NODE_PARTY));
  uint32_t *names = name_nodes(l, &facts->node_count);
  if (names == NULL)
    return no_memory(l);
  facts->memberships = memberships(l, cx->mem, names);
  facts->membership_count = l->member_count;
  if (facts->memberships == NULL)
    return no_memory(l);
  return make_grants(cx, l, names, facts);
}

enum us_code us_graph_facts(struct us_cx *cx, const struct us_access_request *request,
                            const struct us_resource *resource, struct us_strs party_keys, struct us_facts *facts) {
  struct loaded l = {
      .settings = &request->realm->settings, .owner_id = resource->owner_id, .party_id = request->party_id};
  US_TRY(loaded_begin(&l, cx));
  enum us_code code = load(&l, resource->id);
  if (code == US_OK)
    code = make_facts(cx, &l, party_keys, facts);
  loaded_end(&l);
  return code;
}

/* us_graph_refresh(): everybody's grants. Node 1 is nobody here: it gives what people gave whose accounts are gone. */
static enum us_code all_grants(struct loaded *l, const uint32_t *names, struct us_facts *facts) {
  struct parsed parsed;
  struct us_grant *grants = US_NEW_ARRAY(l->inner.mem, struct us_grant, l->row_count + 1);
  if (grants == NULL || !parsed_begin(&parsed, l))
    return no_memory(l);
  for (size_t i = 0; i < l->row_count; i++) {
    const struct row *row = &l->rows[i];
    uint32_t from = node_of(l, row->sharer_id), to = names[row->subject];
    grants[i] = (struct us_grant){
        .id = row->id,
        .from = from == NO_NODE ? US_NODE_PARTY : from,
        .to = to == NO_NODE ? US_NODE_OWNER : to, /* who has everything already: leads nowhere */
    };
    if (parse_scopes(&l->inner, l, &parsed, row->scopes, &grants[i].scopes) != US_OK)
      return us_fail_plain(l->cx, l->inner.err.code);
  }
  facts->grants = grants;
  facts->grant_count = l->row_count;
  return US_OK;
}

static enum us_code all_facts(struct loaded *l, struct us_facts *facts) {
  uint32_t *names = name_nodes(l, &facts->node_count);
  if (names == NULL)
    return no_memory(l);
  facts->memberships = memberships(l, l->inner.mem, names);
  facts->membership_count = l->member_count;
  if (facts->memberships == NULL)
    return no_memory(l);
  return all_grants(l, names, facts);
}

struct refresh {
  struct loaded *l;
  const struct us_facts *facts;
  struct us_cx words; /* the context with memory for texts, renewed on the way */
  enum us_code code;
};
#define WORDS_RENEW_BYTES (256 * 1024)

static enum us_code renew_words(struct refresh *refresh) {
  struct us_cx *words = &refresh->words;
  if (words->mem != NULL && us_mem_used(words->mem) < WORDS_RENEW_BYTES)
    return US_OK;
  us_mem_free(words->mem);
  words->mem = us_mem_root_new(SCRATCH_POOL_BYTES, US_MEM_REQUEST_MAX_BYTES);
  return words->mem != NULL ? US_OK : no_memory(refresh->l);
}

/* The text of a part of what `text` says: mostly all of it or nothing. */
static struct us_str text_of(struct refresh *refresh, struct us_str text, size_t whole, struct us_strs part) {
  return part.n == whole ? text : us_json_from_strs(refresh->words.mem, part);
}

static enum us_code write_change(struct refresh *refresh, size_t grant, struct us_strs kept, struct us_strs active) {
  struct loaded *l = refresh->l;
  const struct row *row = &l->rows[grant];
  struct us_grant_row stored = {.id = row->id, .policy_id = row->policy_id};
  struct us_str text = l->texts.texts[row->scopes];
  size_t whole = refresh->facts->grants[grant].scopes.n;
  US_TRY(renew_words(refresh));
  struct us_str active_text = text_of(refresh, text, whole, active);
  struct us_str kept_text = text_of(refresh, text, whole, kept);
  if (active_text.p == NULL || kept_text.p == NULL)
    return no_memory(l);
  if (kept.n == 0)
    return us_grants_delete(l->cx, &stored);
  if (kept.n < whole)
    return us_grants_set_scopes(l->cx, &stored, kept_text, active_text, active.n > 0);
  if (us_str_eq(active_text, l->texts.texts[row->active_scopes]))
    return US_OK;
  return us_grants_set_active(l->cx, row->id, active_text, active.n > 0);
}

static bool see_grant(void *self, size_t grant, struct us_strs kept, struct us_strs active) {
  struct refresh *refresh = self;
  refresh->code = write_change(refresh, grant, kept, active);
  return refresh->code == US_OK;
}

static enum us_code recompute(struct loaded *l, const struct us_resource *resource) {
  struct us_facts facts = {0};
  struct refresh refresh = {.l = l, .facts = &facts, .code = US_OK};
  US_TRY(us_resource_policy_scopes(l->cx, resource, &facts.available_scopes));
  US_TRY(load(l, resource->id));
  US_TRY(all_facts(l, &facts));
  if (!us_policy_activity(l->inner.mem, &facts, see_grant, &refresh))
    refresh.code = no_memory(l);
  us_mem_free(refresh.words.mem);
  return refresh.code;
}

enum us_code us_graph_refresh(struct us_cx *cx, const struct us_resource *resource, enum us_graph_change change,
                              struct us_graph_size *ret_size) {
  struct loaded l = {.owner_id = resource->owner_id, .keeps_all = true};
  bool has_others = true;
  *ret_size = (struct us_graph_size){0};
  if (change == US_GRAPH_GRANTS)
    US_TRY(us_grants_has_others(cx, resource->id, resource->owner_id, &has_others));
  if (!has_others) /* what the owner gives is active, all of it */
    return US_OK;
  const struct us_snapshot *snapshot = us_snapshot_ref(cx->svc->snapshots);
  const struct us_realm *realm = us_snapshot_realm_by_id(snapshot, resource->realm_id);
  static const struct us_settings nothing_set;
  l.settings = realm != NULL ? &realm->settings : &nothing_set; /* a realm that is being removed */
  enum us_code code = loaded_begin(&l, cx);
  if (code == US_OK)
    code = recompute(&l, resource);
  loaded_end(&l);
  us_snapshot_unref(snapshot);
  *ret_size = l.size;
  return code;
}

enum us_code us_graph_follow(struct us_cx *cx, const struct us_resource *before, const struct us_resource *after) {
  struct us_strs old, now;
  struct us_graph_size size;
  US_TRY(us_resource_policy_scopes(cx, before, &old));
  US_TRY(us_resource_policy_scopes(cx, after, &now));
  if (us_strs_contains_all(now, old))
    return US_OK;
  return us_graph_refresh(cx, after, US_GRAPH_SCOPES, &size);
}
