/* sm3.h - the SM3 hash (GB/T 32905). Streaming, caller-owned state. */
#ifndef YIMA_SM3_H
#define YIMA_SM3_H
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t state[8];
    uint64_t bytes;
    uint8_t block[64];
} yima_sm3_state;

void yima_sm3_init(yima_sm3_state *s);
void yima_sm3_update(yima_sm3_state *s, const uint8_t *data, size_t length);
void yima_sm3_final(yima_sm3_state *s, uint8_t digest[32]);
void yima_sm3(const uint8_t *data, size_t length, uint8_t digest[32]);
#endif
