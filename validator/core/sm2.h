/* sm2.h - SM2 signature verification (GB/T 32918.2) on sm2p256v1, with SM3 and the default user id 1234567812345678.
 *
 * Verify only, variable time: every input is public. One kernel per field arithmetic; all give the same answers. */
#ifndef YIMA_SM2_H
#define YIMA_SM2_H
#include <stddef.h>
#include <stdint.h>

/* A parsed public key: affine point in the kernels' common form (little-endian 256-bit values, Montgomery domain with
 * R = 2^256) and Z, the hash of id, curve and key. 96 bytes used of 128. */
typedef struct {
    uint64_t x[4];
    uint64_t y[4];
    uint8_t z[32];
} yima_sm2_key;

typedef struct yima_sm2_kernel {
    const char *name;       /* "64", "adx", "32" */
    int (*available)(void); /* 1 if this machine can run it. Asks the processor, which costs: keep the answer. */
    /* 33 bytes: 02/03 and x; 64 bytes: x and y; 65 bytes: 04, x, y. Returns 0 if it is none, x or y >= p, or off the
     * curve. */
    int (*parse_key)(yima_sm2_key *key, const uint8_t *bytes, size_t length);
    /* 1 if r||s is a signature over digest e by key. */
    int (*verify)(const yima_sm2_key *key, const uint8_t e[32], const uint8_t signature[64]);
    /* The same with a table made by build_table (64-byte aligned). */
    int (*verify_table)(const void *table, unsigned window, const uint8_t e[32], const uint8_t signature[64]);
    void (*build_table)(void *table, unsigned window, const yima_sm2_key *key);
    /* The point of a parsed key, x and y big-endian. */
    void (*export_key)(const yima_sm2_key *key, uint8_t xy[64]);
} yima_sm2_kernel;

/* All kernels compiled in, NULL-terminated; the best one for this machine. */
const yima_sm2_kernel *const *yima_sm2_kernels(void);
const yima_sm2_kernel *yima_sm2_best(void);

/* e = SM3(Z || message). */
void yima_sm2_digest(const yima_sm2_key *key, const uint8_t *message, size_t length, uint8_t e[32]);

/* Bytes of a key's table of the given window (4 to 8): 2 KB at 4, twice that with each step, 32 KB at 8; 0 for other
 * windows. A table is a signed comb of `window` teeth in four blocks: 8 needs 32 additions and 7 doublings, and fixed
 * windows of 8 bits would need 264 KB for about the same. */
size_t yima_sm2_table_size(unsigned window);
#endif
