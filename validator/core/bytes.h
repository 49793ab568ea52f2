/* bytes.h - reading big-endian integers, and the four mem functions where there is no libc header to name them. */
#ifndef YIMA_BYTES_H
#define YIMA_BYTES_H
#include <stddef.h>
#include <stdint.h>

#if __STDC_HOSTED__
#include <string.h>
#else
void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);
#endif

static inline uint32_t yima_be16(const uint8_t *p) {
    return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t yima_be24(const uint8_t *p) {
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static inline uint32_t yima_be32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | yima_be24(p + 1);
}
#endif
