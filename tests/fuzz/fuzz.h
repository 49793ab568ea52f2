/* fuzz.h - what every fuzz target needs: a demand that says which one was not met, bytes of their exact size, and a
 * script that is read to its end.
 *
 * A target states what must hold for any bytes at all. A demand that is not met ends the process, which is how both
 * libFuzzer and replay.c notice. */
#ifndef YIMA_FUZZ_H
#define YIMA_FUZZ_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define demand(held)                                                                                                   \
    do {                                                                                                               \
        if (!(held)) {                                                                                                 \
            (void)fprintf(stderr, "%s:%d: demanded: %s\n", __FILE__, __LINE__, #held);                                 \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* The entry that libFuzzer and replay.c call. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy on the heap of exactly this size, so that a sanitizer sees one byte too many. */
static inline uint8_t *copy_of(const uint8_t *bytes, size_t size) {
    uint8_t *copy = malloc(size ? size : 1);
    demand(copy != NULL);
    if (size) memcpy(copy, bytes, size);
    return copy;
}

/* The input as a script; behind its end everything is zero. */
typedef struct {
    const uint8_t *at;
    size_t left;
} script;

/* The next `count` bytes as a big-endian number. */
static inline uint32_t take(script *s, unsigned count) {
    uint32_t value = 0;
    while (count-- > 0) {
        value = value << 8;
        if (s->left) {
            value |= *s->at++;
            s->left--;
        }
    }
    return value;
}

/* The next bytes, as many as there are but at most `*size`, which receives how many there were. */
static inline const uint8_t *take_bytes(script *s, size_t *size) {
    const uint8_t *bytes = s->at;
    if (*size > s->left) *size = s->left;
    s->at += *size;
    s->left -= *size;
    return bytes;
}
#endif
