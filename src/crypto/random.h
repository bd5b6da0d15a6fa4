/* Random bytes from OpenSSL's generator. Failure ends the process: without randomness nothing here is safe. */
#ifndef USHER_CRYPTO_RANDOM_H
#define USHER_CRYPTO_RANDOM_H

#include <stddef.h>

void us_random(void *ret_bytes, size_t n);

#endif
