/*
 * Fetches what clients publish under URLs that they registered: their keys (jwks_uri). One thread for all transfers, by libcurl.
 *
 * Whoever registers a URL is a stranger, so: https only, no redirects, no proxy, no cookies, no credentials; the address is looked at
 * when the socket is opened, so that a name that resolves to somewhere inside leads nowhere, whenever it does (DR-10); bounded in
 * bytes, time, transfers and callers that wait. Callers of one client that want the same share a transfer. Nobody's thread waits.
 */
#ifndef USHER_APP_FETCH_H
#define USHER_APP_FETCH_H

#include "domain/client_keys.h"

#define US_FETCH_MAX_BYTES US_JWK_SET_MAX_BYTES
#define US_FETCH_HEAD_MAX_BYTES (32 * 1024)
#define US_FETCH_TIMEOUT_MS 5000
#define US_FETCH_TRANSFERS_MAX 32 /* at once */
#define US_FETCH_WAITING_MAX 1024 /* callers, in all */

struct us_fetcher;
struct us_fetch_options {
  struct us_services *svc;
  const char *ca_file; /* authorities of the servers; NULL: the system's */
};
struct us_fetcher *
us_fetcher_new(const struct us_fetch_options *options); /* NULL: out of memory. The thread starts with the first job */
void us_fetcher_free(struct us_fetcher *fetcher);       /* ends what runs; all jobs are done then. Accepts NULL */

struct us_fetch_job {
  const struct us_keys_wanted *wanted;    /* lives until done() */
  void (*done)(struct us_fetch_job *job); /* on the fetcher's thread, or on that of us_fetcher_ask() */
  struct us_fetch_job *next;              /* the fetcher's */
};
/* False: no room. Else done() is called once, after us_client_keys_fetched() was. */
bool us_fetcher_ask(struct us_fetcher *fetcher, struct us_fetch_job *job);

#endif
