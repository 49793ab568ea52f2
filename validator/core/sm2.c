/* sm2.c - the part of SM2 verification that does not depend on the field arithmetic.
 *
 * No multiplication and no inversion mod n is needed to verify: t is a sum, and instead of reducing the x of sG + tP
 * mod n, both numbers below p that reduce to r - e are compared with it. */
#include "bytes.h"
#include "sm2.h"

#include "sm2_private.h"
#include "sm3.h"

_Alignas(64) const yima_sm2_entry yima_sm2_g_table[YIMA_G_BLOCKS * YIMA_G_ENTRIES] = {
#include "sm2_table.h"
};

static const uint32_t order[8] = {0x39d54123, 0x53bbf409, 0x21c6052b, 0x7203df6b,
                                  0xffffffff, 0xffffffff, 0xffffffff, 0xfffffffe};
static const uint32_t prime[8] = {0xffffffff, 0xffffffff, 0x00000000, 0xffffffff,
                                  0xffffffff, 0xffffffff, 0xffffffff, 0xfffffffe};

static void load(uint32_t r[8], const uint8_t bytes[32]) {
    for (int i = 0; i < 8; i++) {
        const uint8_t *p = bytes + 28 - 4 * i;
        r[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    }
}

static uint32_t add(uint32_t r[8], const uint32_t a[8], const uint32_t b[8]) {
    uint64_t carry = 0;
    for (int i = 0; i < 8; i++) {
        carry += (uint64_t)a[i] + b[i];
        r[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return (uint32_t)carry;
}

static uint32_t subtract(uint32_t r[8], const uint32_t a[8], const uint32_t b[8]) {
    uint64_t borrow = 0;
    for (int i = 0; i < 8; i++) {
        uint64_t d = (uint64_t)a[i] - b[i] - borrow;
        r[i] = (uint32_t)d;
        borrow = d >> 63;
    }
    return (uint32_t)borrow;
}

static int below(const uint32_t a[8], const uint32_t b[8]) {
    uint32_t ignored[8];
    return (int)subtract(ignored, a, b);
}

static int is_zero(const uint32_t a[8]) {
    uint32_t bits = 0;
    for (int i = 0; i < 8; i++) bits |= a[i];
    return bits == 0;
}

int yima_sm2_scalars_read(yima_sm2_scalars *k, const uint8_t e[32], const uint8_t signature[64]) {
    uint32_t r[8], digest[8];
    load(r, signature);
    load(k->s, signature + 32);
    if (is_zero(r) || !below(r, order) || is_zero(k->s) || !below(k->s, order)) return 0;
    if (add(k->t, r, k->s) || !below(k->t, order)) (void)subtract(k->t, k->t, order);
    if (is_zero(k->t)) return 0;
    load(digest, e); /* below 2^256, so below 2n */
    if (!below(digest, order)) (void)subtract(digest, digest, order);
    if (subtract(k->x, r, digest)) (void)add(k->x, k->x, order);
    return 1;
}

int yima_sm2_next_candidate(uint32_t x[8]) {
    return add(x, x, order) == 0 && below(x, prime);
}

int yima_sm2_below_p(const uint8_t bytes[32]) {
    uint32_t x[8];
    load(x, bytes);
    return below(x, prime);
}

/* Up to 31 bits of k from a position on; k has 9 words. */
static uint32_t bits_at(const uint32_t k[9], unsigned position, unsigned count) {
    unsigned word = position / 32, shift = position % 32;
    uint64_t window = k[word];
    if (word < 8) window |= (uint64_t)k[word + 1] << 32;
    return (uint32_t)(window >> shift) & ((1u << count) - 1);
}

void yima_sm2_wnaf(int8_t digits[YIMA_WNAF_DIGITS], const uint32_t k[8]) {
    uint32_t bits[9] = {0}, carry = 0;
    memcpy(bits, k, 32);
    memset(digits, 0, YIMA_WNAF_DIGITS);
    for (unsigned i = 0; i < 256;) {
        if (bits_at(bits, i, 1) == carry) {
            i++;
            continue;
        }
        unsigned width = 256 - i < YIMA_WNAF_WIDTH ? 256 - i : YIMA_WNAF_WIDTH;
        int32_t digit = (int32_t)(bits_at(bits, i, width) + carry); /* odd: its lowest bits differed */
        carry = (uint32_t)digit >> (YIMA_WNAF_WIDTH - 1);
        digits[i] = (int8_t)(digit - (int32_t)(carry << YIMA_WNAF_WIDTH));
        i += width;
    }
    digits[256] = (int8_t)carry;
}

void yima_sm2_comb(uint8_t columns[YIMA_COLUMNS_MAX], unsigned teeth, unsigned distance, const uint32_t k[8]) {
    uint32_t bits[9];
    uint32_t flip = 0;
    unsigned top = teeth * distance - 1; /* 255 to 259 */
    if (k[0] & 1) {
        memcpy(bits, k, 32);
    } else { /* only an odd number has digits +-1 throughout: take n - k and turn every sign */
        (void)subtract(bits, order, k);
        flip = ~(uint32_t)0;
    }
    /* The sum of (2 b_i - 1) 2^i is 2b + 1 - 2^(top + 1), so b = (k - 1) / 2 + 2^top. */
    for (int i = 0; i < 7; i++) bits[i] = bits[i] >> 1 | bits[i + 1] << 31;
    bits[7] >>= 1;
    bits[8] = 0;
    bits[top / 32] |= (uint32_t)1 << (top % 32);
    for (int i = 0; i < 9; i++) bits[i] ^= flip;

    /* Four columns at a time: the factor puts bit i of four at bit 8i. The last ones may run past the distance. */
    for (unsigned c = 0; c < distance; c += 4) {
        uint32_t four = 0;
        for (unsigned tooth = 0; tooth < teeth; tooth++)
            four |= (bits_at(bits, tooth * distance + c, 4) * 0x204081u & 0x01010101u) << tooth;
        for (unsigned i = 0; i < 4; i++) columns[c + i] = (uint8_t)(four >> 8 * i);
    }
}

void yima_sm2_hash_key(uint8_t z[32], const uint8_t xy[64]) {
    /* SM3 over the bits of the id, the id, a, b and G: its first two blocks are the same for every key. */
    static const uint32_t middle[8] = {0xadadedb5, 0x0446043f, 0x08a87ace, 0xe86d2243,
                                       0x8e232383, 0xbfc81fe2, 0xcf9117c8, 0x4707011d};
    static const uint8_t rest_of_g[18] = {0x21, 0x53, 0xd0, 0xa9, 0x87, 0x7c, 0xc6, 0x2a, 0x47,
                                          0x40, 0x02, 0xdf, 0x32, 0xe5, 0x21, 0x39, 0xf0, 0xa0};
    yima_sm3_state s;
    memcpy(s.state, middle, sizeof middle);
    s.bytes = 128;
    yima_sm3_update(&s, rest_of_g, sizeof rest_of_g);
    yima_sm3_update(&s, xy, 64);
    yima_sm3_final(&s, z);
}

void yima_sm2_digest(const yima_sm2_key *key, const uint8_t *message, size_t length, uint8_t e[32]) {
    yima_sm3_state s;
    yima_sm3_init(&s);
    yima_sm3_update(&s, key->z, 32);
    yima_sm3_update(&s, message, length);
    yima_sm3_final(&s, e);
}

size_t yima_sm2_table_size(unsigned window) {
    if (window < 4 || window > YIMA_TABLE_TEETH_MAX) return 0;
    return (size_t)YIMA_TABLE_BLOCKS << (window - 1) << 6;
}

static const yima_sm2_kernel *const kernels[] = {
#ifdef YIMA_KERNEL_ADX
    &yima_sm2_kernel_adx,
#endif
#ifdef YIMA_KERNEL_64
    &yima_sm2_kernel_64,
#endif
#ifdef YIMA_KERNEL_32
    &yima_sm2_kernel_32,
#endif
    NULL,
};

const yima_sm2_kernel *const *yima_sm2_kernels(void) {
    return kernels;
}

const yima_sm2_kernel *yima_sm2_best(void) {
    const yima_sm2_kernel *const *k = kernels;
    while (!(*k)->available()) k++; /* the last one runs everywhere */
    return *k;
}
