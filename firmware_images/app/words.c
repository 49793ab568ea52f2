/* words.c - see words.h. Nothing here shifts, multiplies or divides what is wider than a word: the compiler would call
 * these very functions for it. */
#include "words.h"

typedef union {
    uint64_t whole;
    struct {
        uint32_t low, high;
    } part; /* little-endian, as every target is */
} halves;

uint64_t words_multiply(uint64_t a, uint64_t b) {
    const halves x = {.whole = a}, y = {.whole = b};
    const uint32_t x0 = x.part.low & 0xFFFF, x1 = x.part.low >> 16, y0 = y.part.low & 0xFFFF, y1 = y.part.low >> 16;
    const uint32_t middle = x1 * y0 + (x0 * y0 >> 16), other = x0 * y1 + (middle & 0xFFFF);
    halves product;
    product.part.low = (other << 16) | (x0 * y0 & 0xFFFF);
    product.part.high = x1 * y1 + (middle >> 16) + (other >> 16) + x.part.low * y.part.high + x.part.high * y.part.low;
    return product.whole;
}

uint64_t words_shift_left(uint64_t value, uint32_t by) {
    halves x = {.whole = value};
    if (by >= 32) {
        x.part.high = x.part.low << (by - 32);
        x.part.low = 0;
    } else if (by) {
        x.part.high = x.part.high << by | x.part.low >> (32 - by);
        x.part.low <<= by;
    }
    return x.whole;
}

uint64_t words_shift_right(uint64_t value, uint32_t by) {
    halves x = {.whole = value};
    if (by >= 32) {
        x.part.low = x.part.high >> (by - 32);
        x.part.high = 0;
    } else if (by) {
        x.part.low = x.part.low >> by | x.part.high << (32 - by);
        x.part.high >>= by;
    }
    return x.whole;
}

uint64_t words_divide(uint32_t value, uint32_t by) {
    halves both = {.whole = 0};
    for (uint32_t bit = 32; bit-- > 0;) {
        const uint32_t over = both.part.high >> 31;
        both.part.high = both.part.high << 1 | (value >> bit & 1);
        if (over || both.part.high >= by) {
            both.part.high -= by;
            both.part.low |= UINT32_C(1) << bit;
        }
    }
    return both.whole;
}

/* A core of ARMv6-M (Cortex-M0) has none of these; the names are those of Arm's run-time ABI. */
#if defined(__arm__) && __ARM_ARCH < 7
uint64_t __aeabi_lmul(uint64_t a, uint64_t b) {
    return words_multiply(a, b);
}
uint64_t __aeabi_llsl(uint64_t value, uint32_t by) {
    return words_shift_left(value, by);
}
uint64_t __aeabi_llsr(uint64_t value, uint32_t by) {
    return words_shift_right(value, by);
}
uint64_t __aeabi_uidivmod(uint32_t value, uint32_t by) {
    return words_divide(value, by);
}
uint32_t __aeabi_uidiv(uint32_t value, uint32_t by) {
    return (uint32_t)words_divide(value, by);
}
#endif
