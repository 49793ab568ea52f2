/* field_64.h - numbers mod p in four 64-bit words, in plain C with a 128-bit product.
 *
 * p = 2^256 - 2^224 - 2^96 + 2^64 - 1 is -1 mod 2^64: Montgomery's factor for a word is the word itself, and adding
 * that multiple of p is adding and subtracting the word, whole and in halves. */
#include <stdint.h>

typedef struct {
    uint64_t w[4];
} fe;

__extension__ typedef unsigned __int128 u128;

#define P1 0xffffffff00000000u
#define P2 0xffffffffffffffffu
#define P3 0xfffffffeffffffffu

static inline void fe_load(fe *r, const uint64_t words[4]) {
    for (int i = 0; i < 4; i++) r->w[i] = words[i];
}

static inline void fe_store(uint64_t words[4], const fe *a) {
    for (int i = 0; i < 4; i++) words[i] = a->w[i];
}

static inline int fe_is_zero(const fe *a) {
    return (a->w[0] | a->w[1] | a->w[2] | a->w[3]) == 0;
}

/* r = a + b + carry, returns the new carry; and with minus. */
static inline uint64_t word_add(uint64_t *r, uint64_t a, uint64_t b, uint64_t carry) {
    u128 sum = (u128)a + b + carry;
    *r = (uint64_t)sum;
    return (uint64_t)(sum >> 64);
}

static inline uint64_t word_sub(uint64_t *r, uint64_t a, uint64_t b, uint64_t borrow) {
    u128 difference = (u128)a - b - borrow;
    *r = (uint64_t)difference;
    return (uint64_t)(difference >> 64) & 1;
}

/* r = the number (top, t3..t0), which is below 2p, mod p */
static inline void reduce_once(fe *r, uint64_t t0, uint64_t t1, uint64_t t2, uint64_t t3, uint64_t top) {
    uint64_t d0, d1, d2, d3, borrow;
    borrow = word_sub(&d0, t0, P2, 0);
    borrow = word_sub(&d1, t1, P1, borrow);
    borrow = word_sub(&d2, t2, P2, borrow);
    borrow = word_sub(&d3, t3, P3, borrow);
    int keep = top < borrow;
    r->w[0] = keep ? t0 : d0;
    r->w[1] = keep ? t1 : d1;
    r->w[2] = keep ? t2 : d2;
    r->w[3] = keep ? t3 : d3;
}

static inline void fe_add(fe *r, const fe *a, const fe *b) {
    uint64_t t0, t1, t2, t3, carry;
    carry = word_add(&t0, a->w[0], b->w[0], 0);
    carry = word_add(&t1, a->w[1], b->w[1], carry);
    carry = word_add(&t2, a->w[2], b->w[2], carry);
    carry = word_add(&t3, a->w[3], b->w[3], carry);
    reduce_once(r, t0, t1, t2, t3, carry);
}

static inline void fe_sub(fe *r, const fe *a, const fe *b) {
    uint64_t t0, t1, t2, t3, borrow, mask;
    borrow = word_sub(&t0, a->w[0], b->w[0], 0);
    borrow = word_sub(&t1, a->w[1], b->w[1], borrow);
    borrow = word_sub(&t2, a->w[2], b->w[2], borrow);
    borrow = word_sub(&t3, a->w[3], b->w[3], borrow);
    mask = -borrow;
    uint64_t carry = word_add(&r->w[0], t0, mask, 0);
    carry = word_add(&r->w[1], t1, mask & P1, carry);
    carry = word_add(&r->w[2], t2, mask, carry);
    (void)word_add(&r->w[3], t3, mask & P3, carry);
}

static inline void fe_half(fe *r, const fe *a) {
    uint64_t t0, t1, t2, t3, mask = -(a->w[0] & 1);
    uint64_t carry = word_add(&t0, a->w[0], mask, 0);
    carry = word_add(&t1, a->w[1], mask & P1, carry);
    carry = word_add(&t2, a->w[2], mask, carry);
    carry = word_add(&t3, a->w[3], mask & P3, carry);
    r->w[0] = t0 >> 1 | t1 << 63;
    r->w[1] = t1 >> 1 | t2 << 63;
    r->w[2] = t2 >> 1 | t3 << 63;
    r->w[3] = t3 >> 1 | carry << 63;
}

/* hi, lo = a b + c + d, which cannot overflow */
#define MULTIPLY_ADD(lo, a, b, c, d)                                                                                   \
    do {                                                                                                               \
        u128 product = (u128)(a) * (b) + (c) + (d);                                                                    \
        (lo) = (uint64_t)product;                                                                                      \
        high = (uint64_t)(product >> 64);                                                                              \
    } while (0)

/* (top, t4..t0) += a b; then t0 is made 0 by adding t0 p, and the number moves down a word. */
#define ROW(b)                                                                                                         \
    do {                                                                                                               \
        uint64_t high;                                                                                                 \
        MULTIPLY_ADD(t0, a->w[0], b, t0, 0);                                                                           \
        MULTIPLY_ADD(t1, a->w[1], b, t1, high);                                                                        \
        MULTIPLY_ADD(t2, a->w[2], b, t2, high);                                                                        \
        MULTIPLY_ADD(t3, a->w[3], b, t3, high);                                                                        \
        top = word_add(&t4, t4, high, 0);                                                                              \
        high = t0;                                                                                                     \
        MULTIPLY_ADD(t1, t0, P1, t1, high);                                                                            \
        MULTIPLY_ADD(t2, t0, P2, t2, high);                                                                            \
        MULTIPLY_ADD(t3, t0, P3, t3, high);                                                                            \
        top += word_add(&t4, t4, high, 0);                                                                             \
        t0 = t1;                                                                                                       \
        t1 = t2;                                                                                                       \
        t2 = t3;                                                                                                       \
        t3 = t4;                                                                                                       \
        t4 = top;                                                                                                      \
    } while (0)

static void fe_mul(fe *r, const fe *a, const fe *b) {
    uint64_t t0 = 0, t1 = 0, t2 = 0, t3 = 0, t4 = 0, top;
    ROW(b->w[0]);
    ROW(b->w[1]);
    ROW(b->w[2]);
    ROW(b->w[3]);
    reduce_once(r, t0, t1, t2, t3, t4);
}

static void fe_sqr(fe *r, const fe *a) {
    fe_mul(r, a, a);
}
