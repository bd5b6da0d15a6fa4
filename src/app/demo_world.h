/*
 * The demo world (design 5): realm /alpha under the root realm; alice, bob, carol and dave in it, amAdmin in "/"; five
 * clients. Used by `usher demo` and by the tests. Every password is Ch4ng31t, every client secret mySecret.
 */
#ifndef USHER_APP_DEMO_WORLD_H
#define USHER_APP_DEMO_WORLD_H

#include "domain/services.h"
#include "store/db.h"

#define US_DEMO_PASSWORD "Ch4ng31t"
#define US_DEMO_SECRET "mySecret"

#define US_DEMO_EXTRA_CLIENTS_MAX 10000

/* Creates what is missing in a migrated store: realms, keys, people, clients; and those of `extra_clients` more UMA clients
 * (UMA-Client-101 ...) that are not there. What is there is left as it is. cx->svc is set; slow (argon2, RSA). */
enum us_code us_demo_world_create(struct us_cx *cx, struct us_db *db, unsigned extra_clients) US_MUST_CHECK;

#endif
