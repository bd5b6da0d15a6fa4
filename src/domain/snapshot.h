/*
 * Realms with their settings and keys, as one immutable value that a request holds from its first step to its answer.
 * Loaded under config_rev; a new one is published when the writer or another process changed the configuration
 * (store/writer.h on_external_change; in-process changes call us_snapshot_refresh in their finish).
 */
#ifndef USHER_DOMAIN_SNAPSHOT_H
#define USHER_DOMAIN_SNAPSHOT_H

#include "domain/services.h"

struct us_snapshot; /* refcounted */
struct us_snapshot_box *us_snapshot_box_new(void);
void us_snapshot_box_free(struct us_snapshot_box *box);
const struct us_snapshot *us_snapshot_ref(struct us_snapshot_box *box);
void us_snapshot_unref(const struct us_snapshot *snapshot); /* accepts NULL */
/* By path ("/alpha", exact; names are case-sensitive) / by id; NULL when unknown. */
const struct us_realm *us_snapshot_realm(const struct us_snapshot *snapshot, struct us_str path);
const struct us_realm *us_snapshot_realm_by_id(const struct us_snapshot *snapshot, int64_t id);
size_t us_snapshot_count(const struct us_snapshot *snapshot);
const struct us_realm *us_snapshot_at(const struct us_snapshot *snapshot, size_t index);
/* The revision of the configuration that it was read under. */
int64_t us_snapshot_config_rev(const struct us_snapshot *snapshot);
#define US_STORE_KEY_PLACE "meta:store_key" /* what it is sealed for (crypto/box.h) */
/* The store's own key, under which texts are sealed (domain/seal.h); absent before the first realm is made. */
struct us_str us_snapshot_store_key(const struct us_snapshot *snapshot);
/* Reads meta.config_rev and, when it moved (or force), everything else from cx->db, and publishes it. */
enum us_code us_snapshot_refresh(struct us_cx *cx, bool force) US_MUST_CHECK;
/* Adds one to meta.config_rev: in the transaction of every change of configuration. */
enum us_code us_config_bump(struct us_cx *cx) US_MUST_CHECK;

#endif
