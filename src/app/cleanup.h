/*
 * Expired rows go away in small write steps (at most 1,000 rows each) through the writer, every few seconds, and again at once
 * while there is more. Nothing depends on it: every look-up checks expiry itself.
 */
#ifndef USHER_APP_CLEANUP_H
#define USHER_APP_CLEANUP_H

#include "domain/services.h"
#include "store/writer.h"

struct us_cleanup;
/* `refresh` is called on its thread when it has changed the configuration (keys that come and go). NULL: no thread to be had. */
typedef void (*us_cleanup_refresh_fn)(void *self, struct us_cx *cx);
struct us_cleanup *us_cleanup_start(struct us_services *svc, struct us_writer *writer, us_cleanup_refresh_fn refresh,
                                    void *self);
void us_cleanup_stop(struct us_cleanup *cleanup); /* accepts NULL */

#endif
