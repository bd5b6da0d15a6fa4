/*
 * Hands events to the plugins that take them (domain/event.h): one thread that claims a row of the outbox by a write step, calls
 * deliver() outside of any transaction, and settles the row in its next step. What a plugin does not take is tried again, later and
 * later; after US_COURIER_TRIES it is kept as failed, for `usher outbox`.
 *
 * An event is settled only after it was taken: a process that is killed in between leaves it to be delivered a second time.
 */
#ifndef USHER_APP_COURIER_H
#define USHER_APP_COURIER_H

#include "domain/services.h"
#include "store/writer.h"

#define US_COURIER_RETRY_MS 1000 /* before the second try; doubles with each */
#define US_COURIER_RETRY_MAX_MS (3600 * 1000)
#define US_COURIER_TRIES 100            /* three days and more */
#define US_COURIER_CLAIM_MS (60 * 1000) /* a claim of a dead process ends then */
#define US_COURIER_LOOK_MS 5000         /* how often to look without being told */

struct us_courier;
/* NULL: no thread to be had. */
struct us_courier *us_courier_start(struct us_services *svc, struct us_writer *writer, uint16_t node);
/* On the writer's thread, after each batch. Accepts NULL. */
void us_courier_look(struct us_courier *courier);
/* Waits for the delivery that runs; the writer must still be there. Accepts NULL. */
void us_courier_join(struct us_courier *courier);
void us_courier_free(struct us_courier *courier); /* after the writer; accepts NULL */

#endif
