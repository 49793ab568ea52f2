/* field_32.h - numbers mod p in eight 32-bit words, for small processors; umaal where the core has it.
 *
 * p = 2^256 - 2^224 - 2^96 + 2^64 - 1 is -1 mod 2^32: Montgomery's factor for a word is the word itself, and its
 * multiple of p touches four words, twice adding it and twice taking it away. Sums of a column are kept signed in 64
 * bits. */
#include <stdint.h>

typedef struct {
    uint32_t w[8];
} fe;

static const uint32_t P32[8] = {0xffffffff, 0xffffffff, 0x00000000, 0xffffffff,
                                0xffffffff, 0xffffffff, 0xffffffff, 0xfffffffe};

static inline void fe_load(fe *r, const uint64_t words[4]) {
    for (int i = 0; i < 4; i++) {
        r->w[2 * i] = (uint32_t)words[i];
        r->w[2 * i + 1] = (uint32_t)(words[i] >> 32);
    }
}

static inline void fe_store(uint64_t words[4], const fe *a) {
    for (int i = 0; i < 4; i++) words[i] = (uint64_t)a->w[2 * i + 1] << 32 | a->w[2 * i];
}

static int fe_is_zero(const fe *a) {
    uint32_t bits = 0;
    for (int i = 0; i < 8; i++) bits |= a->w[i];
    return bits == 0;
}

/* r += p if mask is all ones; returns the carry. */
static inline uint32_t add_masked_p(uint32_t r[8], uint32_t mask) {
    uint64_t carry = 0;
    for (int i = 0; i < 8; i++) {
        carry += (uint64_t)r[i] + (P32[i] & mask);
        r[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return (uint32_t)carry;
}

/* r = the number (top, t), which is below 2p, mod p */
static inline void reduce_once(fe *r, const uint32_t t[8], uint32_t top) {
    uint64_t borrow = 0;
    for (int i = 0; i < 8; i++) {
        uint64_t d = (uint64_t)t[i] - P32[i] - borrow;
        r->w[i] = (uint32_t)d;
        borrow = d >> 63;
    }
    (void)add_masked_p(r->w, 0 - (uint32_t)(top < borrow));
}

static void fe_add(fe *r, const fe *a, const fe *b) {
    uint32_t t[8];
    uint64_t carry = 0;
    for (int i = 0; i < 8; i++) {
        carry += (uint64_t)a->w[i] + b->w[i];
        t[i] = (uint32_t)carry;
        carry >>= 32;
    }
    reduce_once(r, t, (uint32_t)carry);
}

static void fe_sub(fe *r, const fe *a, const fe *b) {
    uint64_t borrow = 0;
    for (int i = 0; i < 8; i++) {
        uint64_t d = (uint64_t)a->w[i] - b->w[i] - borrow;
        r->w[i] = (uint32_t)d;
        borrow = d >> 63;
    }
    (void)add_masked_p(r->w, 0 - (uint32_t)borrow);
}

static void fe_half(fe *r, const fe *a) {
    uint32_t t[9];
    for (int i = 0; i < 8; i++) t[i] = a->w[i];
    t[8] = add_masked_p(t, 0 - (t[0] & 1));
    for (int i = 0; i < 8; i++) r->w[i] = t[i] >> 1 | t[i + 1] << 31;
}

/* high, low = a b + low + high, which cannot overflow */
static inline void multiply_add(uint32_t *low, uint32_t *high, uint32_t a, uint32_t b) {
#if defined(__ARM_FEATURE_DSP) && defined(__arm__)
    __asm__("umaal %0, %1, %2, %3" : "+r"(*low), "+r"(*high) : "r"(a), "r"(b));
#else
    uint64_t sum = (uint64_t)a * b + *low + *high;
    *low = (uint32_t)sum;
    *high = (uint32_t)(sum >> 32);
#endif
}

_Static_assert((int64_t)-1 >> 1 == -1, "a signed shift must keep the sign");

/* r = t / 2^256 mod p, t below 2^256 p */
static inline void reduce(fe *r, const uint32_t t[16]) {
    uint32_t m[8], high[8];
    int64_t sum = 0;
#define COLUMN(i)                                                                                                      \
    do {                                                                                                               \
        sum += t[i];                                                                                                   \
        if ((i) >= 2 && (i) - 2 < 8) sum += m[((i) - 2) & 7];                                                          \
        if ((i) >= 3 && (i) - 3 < 8) sum -= m[((i) - 3) & 7];                                                          \
        if ((i) >= 7 && (i) - 7 < 8) sum -= m[((i) - 7) & 7];                                                          \
        if ((i) >= 8) sum += m[(i) & 7];                                                                               \
        if ((i) < 8)                                                                                                   \
            m[(i) & 7] = (uint32_t)sum; /* which makes the column 0: its carry goes on */                              \
        else                                                                                                           \
            high[(i) & 7] = (uint32_t)sum;                                                                             \
        sum >>= 32;                                                                                                    \
    } while (0)
    COLUMN(0);
    COLUMN(1);
    COLUMN(2);
    COLUMN(3);
    COLUMN(4);
    COLUMN(5);
    COLUMN(6);
    COLUMN(7);
    COLUMN(8);
    COLUMN(9);
    COLUMN(10);
    COLUMN(11);
    COLUMN(12);
    COLUMN(13);
    COLUMN(14);
    COLUMN(15);
#undef COLUMN
    reduce_once(r, high, (uint32_t)sum);
}

/* t[0..11] = t[0..7] + a[0..3] b; four words of a and four of the sum stay in registers. */
static inline void multiply_half(uint32_t t[12], const uint32_t a[4], const uint32_t b[8]) {
    const uint32_t a0 = a[0], a1 = a[1], a2 = a[2], a3 = a[3];
    uint32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
#define ROW(i)                                                                                                         \
    do {                                                                                                               \
        uint32_t word = b[i], high = t[i];                                                                             \
        multiply_add(&s0, &high, a0, word);                                                                            \
        multiply_add(&s1, &high, a1, word);                                                                            \
        multiply_add(&s2, &high, a2, word);                                                                            \
        multiply_add(&s3, &high, a3, word);                                                                            \
        t[i] = s0;                                                                                                     \
        s0 = s1;                                                                                                       \
        s1 = s2;                                                                                                       \
        s2 = s3;                                                                                                       \
        s3 = high;                                                                                                     \
    } while (0)
    ROW(0);
    ROW(1);
    ROW(2);
    ROW(3);
    ROW(4);
    ROW(5);
    ROW(6);
    ROW(7);
#undef ROW
    t[8] = s0;
    t[9] = s1;
    t[10] = s2;
    t[11] = s3;
}

static void fe_mul(fe *r, const fe *a, const fe *b) {
    uint32_t t[16] = {0};
    multiply_half(t, a->w, b->w);
    multiply_half(t + 4, a->w + 4, b->w);
    reduce(r, t);
}

static void fe_sqr(fe *r, const fe *a) {
    fe_mul(r, a, a);
}
