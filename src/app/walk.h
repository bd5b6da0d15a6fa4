/*
 * The story of `usher demo --walk` (design 5): alice's photo album, bob's request, her approval, his RPT, her withdrawal;
 * told over HTTP against a running server, with each request and answer printed. Returns 0 when every answer is what it
 * should be, else 1 after saying which was not.
 */
#ifndef USHER_APP_WALK_H
#define USHER_APP_WALK_H

int us_walk(const char *base_url);

#endif
