/* sm2_private.h - what the field kernels share: scalars, their recodings, the table of the base point.
 *
 * sm2.c holds what does not depend on the field arithmetic. sm2_point.h and sm2_kernel.h are compiled once for each
 * field (field_64.h, field_adx.h, field_32.h), so that every kernel runs the same steps on its own numbers. */
#ifndef YIMA_SM2_PRIVATE_H
#define YIMA_SM2_PRIVATE_H
#include <stdint.h>

#include "sm2.h"

/* Which kernels are compiled in. A board sets the ones it wants (normally YIMA_KERNEL_32 alone); a host takes all that
 * its compiler can make. */
#if !defined(YIMA_KERNEL_64) && !defined(YIMA_KERNEL_ADX) && !defined(YIMA_KERNEL_32)
#define YIMA_KERNEL_32 1
#if defined(__SIZEOF_INT128__)
#define YIMA_KERNEL_64 1
#if defined(__x86_64__) && defined(__GNUC__)
#define YIMA_KERNEL_ADX 1
#endif
#endif
#endif
#if !defined(YIMA_KERNEL_64) && !defined(YIMA_KERNEL_32)
#error "a kernel that runs everywhere is needed beside YIMA_KERNEL_ADX"
#endif

extern const yima_sm2_kernel yima_sm2_kernel_64, yima_sm2_kernel_adx, yima_sm2_kernel_32;

/* Combs (Lim and Lee, all digits +1 or -1). A scalar of `teeth` times `distance` bits is read in columns: column c is
 * made of bits c, c + distance, c + 2 distance... A table holds all sums +-P +-2^distance P +-2^(2 distance) P..., one
 * of which a column selects. Columns are split into blocks; each block has such a table of its own, multiplied by 2 to
 * its first column, and all blocks share their doublings. */
enum {
    YIMA_G_TEETH = 8,
    YIMA_G_DISTANCE = 32,
    YIMA_G_ENTRIES = 1 << (YIMA_G_TEETH - 1),
    YIMA_TABLE_BLOCKS = 4,
    YIMA_TABLE_TEETH_MAX = 8,
    YIMA_COLUMNS_MAX = 64,
    YIMA_WNAF_WIDTH = 5,
    YIMA_WNAF_DIGITS = 257
};

/* Blocks of the base point's table, 8 KB each: 4, or 2 or 1 where flash is dear. More save doublings, with a key's
 * table alone: a fresh key needs them anyway. */
#ifndef YIMA_G_BLOCKS
#ifdef YIMA_KERNEL_64
#define YIMA_G_BLOCKS 4
#else
#define YIMA_G_BLOCKS 2
#endif
#endif
#if YIMA_G_BLOCKS != 1 && YIMA_G_BLOCKS != 2 && YIMA_G_BLOCKS != 4
#error "YIMA_G_BLOCKS is 1, 2 or 4"
#endif

/* An entry of a table: an affine point in the Montgomery domain, 64-bit words, least significant first. */
typedef struct {
    uint64_t x[4];
    uint64_t y[4];
} yima_sm2_entry;

/* Blocks are stored in the order of columns 0, 16, 8, 24, so that fewer are a prefix. */
extern const yima_sm2_entry yima_sm2_g_table[YIMA_G_BLOCKS * YIMA_G_ENTRIES];

/* A signature ready for a kernel; 32-bit words, least significant first. */
typedef struct {
    uint32_t s[8];
    uint32_t t[8]; /* r + s mod n */
    uint32_t x[8]; /* r - e mod n: the x of sG + tP, or that less n */
} yima_sm2_scalars;

/* 0 if r or s is out of 1..n-1, or t is 0. */
int yima_sm2_scalars_read(yima_sm2_scalars *k, const uint8_t e[32], const uint8_t signature[64]);

/* x += n; 0 if that is not below p. */
int yima_sm2_next_candidate(uint32_t x[8]);

/* 1 if the big-endian number is below p. */
int yima_sm2_below_p(const uint8_t bytes[32]);

/* Signed digits, each 0 or odd and below 2^(width-1) in size, no two within `width` of each other. */
void yima_sm2_wnaf(int8_t digits[YIMA_WNAF_DIGITS], const uint32_t k[8]);

/* Columns of a comb for k, 0 < k < n: bit i of a column is 1 for +, 0 for - at tooth i. */
void yima_sm2_comb(uint8_t columns[YIMA_COLUMNS_MAX], unsigned teeth, unsigned distance, const uint32_t k[8]);

/* Z of a key with the default user id; xy big-endian. */
void yima_sm2_hash_key(uint8_t z[32], const uint8_t xy[64]);
#endif
