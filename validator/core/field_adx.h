/* field_adx.h - numbers mod p in four 64-bit words, in x86-64 assembly with mulx, adcx and adox.
 *
 * Montgomery's factor for a word m is m itself (p = -1 mod 2^64). Adding m p and dropping the lowest word, which
 * becomes 0, is adding to the next four words m (1 + 2^192) - (m 2^32) (1 + 2^128), a number of four words that is
 * never negative: two shifts and two chains of four, and no multiplication. That beats mulx here, which costs about as
 * much as four additions (Zen 4).
 *
 * Words rotate through the names t0..t5. Flags are reset with a xor of a register that is needed as 0, or free, so that
 * each row can start before the one above is done. All arrays are read before the result is written: they may alias. */
#include <stdint.h>

typedef struct {
    uint64_t w[4];
} fe;

static const uint64_t P1 = 0xffffffff00000000, P3 = 0xfffffffeffffffff; /* words 1 and 3 of p; the others are -1 */

static inline void fe_load(fe *r, const uint64_t words[4]) {
    for (int i = 0; i < 4; i++) r->w[i] = words[i];
}

static inline void fe_store(uint64_t words[4], const fe *a) {
    for (int i = 0; i < 4; i++) words[i] = a->w[i];
}

static inline int fe_is_zero(const fe *a) {
    return (a->w[0] | a->w[1] | a->w[2] | a->w[3]) == 0;
}

/* One line is one step of the arithmetic: left as it stands. */
/* clang-format off */
#define I(instruction) instruction "\n\t"

/* (t4 .. t0) = a b[0] */
#define FIRST_ROW                                                                              \
    I("movq (%[b]), %%rdx")                                                                    \
    I("mulxq   (%[a]), %[t0], %[t1]")                                                          \
    I("mulxq  8(%[a]), %[x], %[t2]") I("addq %[x], %[t1]")                                     \
    I("mulxq 16(%[a]), %[x], %[t3]") I("adcq %[x], %[t2]")                                     \
    I("mulxq 24(%[a]), %[x], %[t4]") I("adcq %[x], %[t3]")                                     \
    I("adcq $0, %[t4]")

/* (t4 .. t0) += a b[offset / 8]; low halves go along the carry flag, high halves along the overflow flag. */
#define ROW(offset, t0, t1, t2, t3, t4)                                                        \
    I("movq " offset "(%[b]), %%rdx") I("xorl %k[w], %k[w]")                                   \
    I("mulxq   (%[a]), %[x], %[y]") I("adcxq %[x], %[" t0 "]") I("adoxq %[y], %[" t1 "]")      \
    I("mulxq  8(%[a]), %[x], %[y]") I("adcxq %[x], %[" t1 "]") I("adoxq %[y], %[" t2 "]")      \
    I("mulxq 16(%[a]), %[x], %[y]") I("adcxq %[x], %[" t2 "]") I("adoxq %[y], %[" t3 "]")      \
    I("mulxq 24(%[a]), %[x], %[y]") I("adcxq %[x], %[" t3 "]") I("adoxq %[y], %[" t4 "]")      \
    I("adcq $0, %[" t4 "]")

/* (m, w, z, rdx) = m (1 + 2^192) - (m 2^32) (1 + 2^128), highest word first; x and y are used. */
#define MULTIPLE_OF_P(m)                                                                       \
    I("xorl %k[z], %k[z]") I("xorl %k[w], %k[w]")                                              \
    I("movq %[" m "], %[x]") I("shlq $32, %[x]")                                               \
    I("movq %[" m "], %[y]") I("shrq $32, %[y]")                                               \
    I("movq %[" m "], %%rdx")                                                                  \
    I("subq %[x], %%rdx") I("sbbq %[y], %[z]") I("sbbq %[x], %[w]") I("sbbq %[y], %[" m "]")

/* (t5 .. t1) = (t4 .. t1) + what m adds */
#define REDUCE(m, t1, t2, t3, t4, t5)                                                          \
    I("xorl %k[" t5 "], %k[" t5 "]")                                                           \
    MULTIPLE_OF_P(m)                                                                           \
    I("addq %%rdx, %[" t1 "]") I("adcq %[z], %[" t2 "]") I("adcq %[w], %[" t3 "]")             \
    I("adcq %[" m "], %[" t4 "]") I("adcq $0, %[" t5 "]")

/* The same on the lower half of a product alone: (m, t3 .. t1) = (t3 .. t1) + what m adds, four words again. */
#define REDUCE_LOW(m, t1, t2, t3)                                                              \
    MULTIPLE_OF_P(m)                                                                           \
    I("addq %%rdx, %[" t1 "]") I("adcq %[z], %[" t2 "]") I("adcq %[w], %[" t3 "]")             \
    I("adcq $0, %[" m "]")

/* r = (top, t3 .. t0), which is below 2p, mod p */
#define REDUCE_ONCE(t0, t1, t2, t3, top)                                                       \
    I("movq %[" t0 "], %[x]") I("subq $-1, %[x]")                                              \
    I("movq %[" t1 "], %[y]") I("sbbq %[p1], %[y]")                                            \
    I("movq %[" t2 "], %[z]") I("sbbq $-1, %[z]")                                              \
    I("movq %[" t3 "], %[w]") I("sbbq %[p3], %[w]")                                            \
    I("sbbq $0, %[" top "]")                                                                   \
    I("cmovcq %[" t0 "], %[x]") I("movq %[x],   (%[r])")                                       \
    I("cmovcq %[" t1 "], %[y]") I("movq %[y],  8(%[r])")                                       \
    I("cmovcq %[" t2 "], %[z]") I("movq %[z], 16(%[r])")                                       \
    I("cmovcq %[" t3 "], %[w]") I("movq %[w], 24(%[r])")

/* Inline, though long: the words of the next operation are then found by address instead of through registers. */
#define INLINE static inline __attribute__((always_inline))

INLINE void fe_mul(fe *r, const fe *a, const fe *b) {
    uint64_t t0, t1, t2, t3, t4, t5, x, y, z, w;
    __asm__ volatile(
        FIRST_ROW
        REDUCE("t0", "t1", "t2", "t3", "t4", "t5")
        ROW("8", "t1", "t2", "t3", "t4", "t5")
        REDUCE("t1", "t2", "t3", "t4", "t5", "t0")
        ROW("16", "t2", "t3", "t4", "t5", "t0")
        REDUCE("t2", "t3", "t4", "t5", "t0", "t1")
        ROW("24", "t3", "t4", "t5", "t0", "t1")
        REDUCE("t3", "t4", "t5", "t0", "t1", "t2")
        REDUCE_ONCE("t4", "t5", "t0", "t1", "t2")
        : [t0] "=&r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3), [t4] "=&r"(t4), [t5] "=&r"(t5),
          [x] "=&r"(x), [y] "=&r"(y), [z] "=&r"(z), [w] "=&r"(w)
        : [r] "r"(r), [a] "r"(a), [b] "r"(b), [p1] "m"(P1), [p3] "m"(P3)
        : "rdx", "cc", "memory");
}

INLINE void fe_sqr(fe *r, const fe *a) {
    uint64_t t0, t1, t2, t3, t4, t5, t6, t7, x, y, z;
    const fe *w = a; /* read through until the words are in, a register like the others from then on */
    __asm__ volatile(
        /* products of different words */
        I("movq (%[w]), %%rdx")
        I("mulxq  8(%[w]), %[t1], %[t2]")
        I("mulxq 16(%[w]), %[x], %[t3]") I("addq %[x], %[t2]")
        I("mulxq 24(%[w]), %[x], %[t4]") I("adcq %[x], %[t3]")
        I("adcq $0, %[t4]")
        I("movq 8(%[w]), %%rdx")
        I("mulxq 16(%[w]), %[x], %[y]")
        I("mulxq 24(%[w]), %[z], %[t5]") I("addq %[y], %[z]")
        I("adcq $0, %[t5]")
        I("addq %[x], %[t3]") I("adcq %[z], %[t4]")
        I("movq 16(%[w]), %%rdx")
        I("mulxq 24(%[w]), %[x], %[t6]") I("adcq %[x], %[t5]")
        I("adcq $0, %[t6]")
        /* twice those along the carry flag, the squares along the overflow flag */
        I("movq (%[w]), %%rdx") I("xorl %k[t7], %k[t7]")
        I("mulxq %%rdx, %[t0], %[y]")
        I("adcxq %[t1], %[t1]") I("adoxq %[y], %[t1]")
        I("movq 8(%[w]), %%rdx") I("mulxq %%rdx, %[x], %[y]")
        I("adcxq %[t2], %[t2]") I("adoxq %[x], %[t2]") I("adcxq %[t3], %[t3]") I("adoxq %[y], %[t3]")
        I("movq 16(%[w]), %%rdx") I("mulxq %%rdx, %[x], %[y]")
        I("adcxq %[t4], %[t4]") I("adoxq %[x], %[t4]") I("adcxq %[t5], %[t5]") I("adoxq %[y], %[t5]")
        I("movq 24(%[w]), %%rdx") I("mulxq %%rdx, %[x], %[y]")
        I("adcxq %[t6], %[t6]") I("adoxq %[x], %[t6]") I("adcxq %[t7], %[t7]") I("adoxq %[y], %[t7]")
        REDUCE_LOW("t0", "t1", "t2", "t3")
        REDUCE_LOW("t1", "t2", "t3", "t0")
        REDUCE_LOW("t2", "t3", "t0", "t1")
        REDUCE_LOW("t3", "t0", "t1", "t2")
        I("xorl %%edx, %%edx")
        I("addq %[t0], %[t4]") I("adcq %[t1], %[t5]") I("adcq %[t2], %[t6]") I("adcq %[t3], %[t7]")
        I("adcq $0, %%rdx") I("movq %%rdx, %[t0]")
        REDUCE_ONCE("t4", "t5", "t6", "t7", "t0")
        : [t0] "=&r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3), [t4] "=&r"(t4), [t5] "=&r"(t5),
          [t6] "=&r"(t6), [t7] "=&r"(t7), [x] "=&r"(x), [y] "=&r"(y), [z] "=&r"(z), [w] "+&r"(w)
        : [r] "r"(r), [p1] "m"(P1), [p3] "m"(P3)
        : "rdx", "cc", "memory");
}

static inline void fe_add(fe *r, const fe *a, const fe *b) {
    uint64_t t0 = a->w[0], t1 = a->w[1], t2 = a->w[2], t3 = a->w[3], top, x, y, z, w;
    __asm__ volatile(
        I("xorl %k[top], %k[top]")
        I("addq (%[b]), %[t0]") I("adcq 8(%[b]), %[t1]") I("adcq 16(%[b]), %[t2]") I("adcq 24(%[b]), %[t3]")
        I("adcq $0, %[top]")
        REDUCE_ONCE("t0", "t1", "t2", "t3", "top")
        : [t0] "+&r"(t0), [t1] "+&r"(t1), [t2] "+&r"(t2), [t3] "+&r"(t3), [top] "=&r"(top),
          [x] "=&r"(x), [y] "=&r"(y), [z] "=&r"(z), [w] "=&r"(w)
        : [r] "r"(r), [b] "r"(b), [p1] "m"(P1), [p3] "m"(P3)
        : "cc", "memory");
}

static inline void fe_sub(fe *r, const fe *a, const fe *b) {
    uint64_t t0 = a->w[0], t1 = a->w[1], t2 = a->w[2], t3 = a->w[3], mask, p1 = P1, p3 = P3;
    __asm__ volatile(
        I("subq (%[b]), %[t0]") I("sbbq 8(%[b]), %[t1]") I("sbbq 16(%[b]), %[t2]") I("sbbq 24(%[b]), %[t3]")
        I("sbbq %[mask], %[mask]") I("andq %[mask], %[p1]") I("andq %[mask], %[p3]")
        I("addq %[mask], %[t0]") I("adcq %[p1], %[t1]") I("adcq %[mask], %[t2]") I("adcq %[p3], %[t3]")
        I("movq %[t0], (%[r])") I("movq %[t1], 8(%[r])") I("movq %[t2], 16(%[r])") I("movq %[t3], 24(%[r])")
        : [t0] "+&r"(t0), [t1] "+&r"(t1), [t2] "+&r"(t2), [t3] "+&r"(t3), [mask] "=&r"(mask),
          [p1] "+&r"(p1), [p3] "+&r"(p3)
        : [r] "r"(r), [b] "r"(b)
        : "cc", "memory");
}

/* r = a / 2: adds p to an odd number, then shifts it through the carry. */
static inline void fe_half(fe *r, const fe *a) {
    uint64_t t0 = a->w[0], t1 = a->w[1], t2 = a->w[2], t3 = a->w[3], mask = -(t0 & 1), p1 = mask & P1, p3 = mask & P3;
    __asm__ volatile(
        I("addq %[mask], %[t0]") I("adcq %[p1], %[t1]") I("adcq %[mask], %[t2]") I("adcq %[p3], %[t3]")
        I("rcrq $1, %[t3]") I("rcrq $1, %[t2]") I("rcrq $1, %[t1]") I("rcrq $1, %[t0]")
        I("movq %[t0], (%[r])") I("movq %[t1], 8(%[r])") I("movq %[t2], 16(%[r])") I("movq %[t3], 24(%[r])")
        : [t0] "+&r"(t0), [t1] "+&r"(t1), [t2] "+&r"(t2), [t3] "+&r"(t3)
        : [r] "r"(r), [mask] "r"(mask), [p1] "r"(p1), [p3] "r"(p3)
        : "cc", "memory");
}
/* clang-format on */
