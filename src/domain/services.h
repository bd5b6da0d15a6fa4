/*
 * What the process offers to the code of a request: clock, ids, the configuration snapshot, bounded memories. Built once by
 * app/, torn down in reverse; everything behind these pointers is safe for several threads.
 */
#ifndef USHER_DOMAIN_SERVICES_H
#define USHER_DOMAIN_SERVICES_H

#include "base/clock.h"
#include "base/cx.h"
#include "base/id.h"
#include "model/model.h"
#include "store/sweep.h"

struct us_throttle;     /* domain/throttle.h: failed passwords by account and address */
struct us_secret_cache; /* domain/secret.h: client secrets that were verified once */
struct us_claim_cache;  /* domain/claim_token.h: claim tokens that were verified once */
struct us_cert_trust;   /* crypto/cert.h */
struct us_client_keys;  /* domain/client_keys.h: public keys of clients */
struct us_box;          /* crypto/box.h: the key of the configuration for secrets at rest */
struct us_plugins;      /* plugin/hooks.h: what is loaded */
struct us_snapshot_box; /* domain/snapshot.h: the current realms, settings and keys */

/* What the server may reach of the network for others (domain/outside_url.h). */
struct us_outside {
  struct us_strs allowed; /* hosts and addresses that are fine although they are inside */
  bool is_operator; /* who registers at the command line knows where the server may go; it looks again when it goes */
};

#define US_POOL_SLOTS 4096

struct us_services {
  const struct us_clock *clock;
  struct us_idgen ids;
  struct us_snapshot_box *snapshots;
  struct us_throttle *throttle;
  struct us_secret_cache *secrets;
  struct us_claim_cache *claims;
  struct us_client_keys *client_keys;
  struct us_outside outside;
  struct us_plugins *plugins; /* NULL: there are none */
  int64_t assertions_max;     /* live ones of all clients together that are remembered (domain/client_assertion.h) */
  bool sees_certificates;     /* of clients: by TLS, or a proxy tells them */
  struct us_cert_trust *authorities; /* of such certificates; NULL: none, tls_client_auth is not offered */
  const struct us_box *box;          /* NULL: secrets are stored in the clear */
  struct us_str base_url;            /* "http://127.0.0.1:8080/am", without a slash at the end */
  struct us_str context_path;        /* "/am" */
  struct us_str cookie_name;         /* "iPlanetDirectoryPro" */
  bool secure_cookies;
  struct us_str default_realm; /* whose UMA metadata the origin serves; "/" */
  int64_t pool_per_address;    /* calls of one address that are at the pool at a time (domain/pool_share.h) */
  _Atomic int32_t pool_jobs[US_POOL_SLOTS]; /* that are there now */
  int64_t
      long_lists_max; /* so many lists may take long at a time (route/pipeline.c): passwords wait for the pool too */
  _Atomic int64_t long_lists;             /* that do so now */
  _Atomic int64_t sweeps[US_SWEEP_COUNT]; /* where the next clean-up of each kind begins (domain/sweep.c) */
  bool sends_mail;                        /* notices are written down: there is a mail server (domain/notice.h) */
  _Atomic uint64_t events;                /* for plugins, likewise: app/courier.c */
  _Atomic uint64_t
      outbox_ends[2][5];    /* tries by channel (store/outbox.h) and enum us_notice_end; for metrics, as the next */
  _Atomic uint64_t swept;   /* rows that had expired */
  _Atomic uint64_t notices; /* how many were: after a commit app/mailer.c is woken when it moved */
};

/* The next row id. */
int64_t us_next_id(struct us_cx *cx);

#endif
