/* Prints the names of the route table, one a line, for tools/check-mutations. */
#include <stdio.h>

#include "route/route.h"

int main(void) {
  for (size_t i = 0; i < us_route_count; i++)
    puts(us_routes[i].name);
  return 0;
}
