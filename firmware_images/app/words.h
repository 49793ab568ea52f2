/* words.h - arithmetic of 64 bits, and division, for a core that has words of 32 bits and no divider. */
#ifndef YIMA_WORDS_H
#define YIMA_WORDS_H
#include <stdint.h>

/* The low 64 bits. */
uint64_t words_multiply(uint64_t a, uint64_t b);

/* by: 0 to 63. */
uint64_t words_shift_left(uint64_t value, uint32_t by);
uint64_t words_shift_right(uint64_t value, uint32_t by);

/* The quotient in the low half, the remainder in the high one. by: not 0. */
uint64_t words_divide(uint32_t value, uint32_t by);
#endif
