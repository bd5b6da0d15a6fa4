/* A statement that only asks whether the store answers. */
#ifndef USHER_STORE_PING_H
#define USHER_STORE_PING_H

#include "store/sql.h"

enum us_code us_store_ping(struct us_cx *cx) US_MUST_CHECK;

#endif
