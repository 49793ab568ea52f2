/* sha256.h - SHA-256 (FIPS 180-4), by which images are named. */
#ifndef YIMA_SHA256_H
#define YIMA_SHA256_H
#include <stddef.h>
#include <stdint.h>

void sha256(const uint8_t *bytes, size_t size, uint8_t digest[32]);
#endif
