/* What every flow test includes: cmocka in its right order, and the world. */
#ifndef USHER_FLOW_FLOW_H
#define USHER_FLOW_FLOW_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "testlib/world.h"

static inline int world_up(void **state) {
  *state = us_world_new();
  return 0;
}
static inline int world_down(void **state) {
  us_world_free(*state);
  return 0;
}
#define STORY(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)

#endif
