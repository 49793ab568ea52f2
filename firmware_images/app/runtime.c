/* runtime.c - what the compiler calls where there is no C library; see runtime.h. */
#include "runtime.h"

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
    uint8_t *t = to;
    const uint8_t *f = from;
    if ((((uintptr_t)t | (uintptr_t)f) & 3) == 0) {
        for (; size >= 4; size -= 4, t += 4, f += 4) *(uint32_t *)(void *)t = *(const uint32_t *)(const void *)f;
    }
    for (; size; size--) *t++ = *f++;
    return to;
}

void *memmove(void *to, const void *from, size_t size) {
    uint8_t *t = to;
    const uint8_t *f = from;
    if ((uintptr_t)t - (uintptr_t)f >= size) {
        for (; size; size--) *t++ = *f++;
        return to;
    }
    if ((((uintptr_t)t | (uintptr_t)f | size) & 3) == 0) {
        for (; size; size -= 4) *(uint32_t *)(void *)(t + size - 4) = *(const uint32_t *)(const void *)(f + size - 4);
    }
    for (; size; size--) t[size - 1] = f[size - 1];
    return to;
}

void *memset(void *to, int value, size_t size) {
    uint8_t *t = to;
    for (; size && ((uintptr_t)t & 3); size--) *t++ = (uint8_t)value;
    const uint32_t word = (uint8_t)value * 0x01010101u;
    for (; size >= 32; size -= 32, t += 32) {
        uint32_t *words = (uint32_t *)(void *)t;
        words[0] = words[1] = words[2] = words[3] = word;
        words[4] = words[5] = words[6] = words[7] = word;
    }
    for (; size >= 4; size -= 4, t += 4) *(uint32_t *)(void *)t = word;
    for (; size; size--) *t++ = (uint8_t)value;
    return to;
}

int memcmp(const void *a, const void *b, size_t size) {
    const uint8_t *p = a, *q = b;
    if ((((uintptr_t)p | (uintptr_t)q) & 3) == 0) {
        while (size >= 4 && *(const uint32_t *)(const void *)p == *(const uint32_t *)(const void *)q) {
            size -= 4;
            p += 4;
            q += 4;
        }
    }
    for (; size; size--, p++, q++) {
        if (*p != *q) return *p < *q ? -1 : 1;
    }
    return 0;
}

/* The names of Arm's run-time ABI. */
void __aeabi_memcpy(void *to, const void *from, size_t size) {
    memcpy(to, from, size);
}
void __aeabi_memcpy4(void *to, const void *from, size_t size) {
    memcpy(to, from, size);
}
void __aeabi_memcpy8(void *to, const void *from, size_t size) {
    memcpy(to, from, size);
}
void __aeabi_memmove(void *to, const void *from, size_t size) {
    memmove(to, from, size);
}
void __aeabi_memmove4(void *to, const void *from, size_t size) {
    memmove(to, from, size);
}
void __aeabi_memmove8(void *to, const void *from, size_t size) {
    memmove(to, from, size);
}
void __aeabi_memset(void *to, size_t size, int value) {
    memset(to, value, size);
}
void __aeabi_memset4(void *to, size_t size, int value) {
    memset(to, value, size);
}
void __aeabi_memset8(void *to, size_t size, int value) {
    memset(to, value, size);
}
void __aeabi_memclr(void *to, size_t size) {
    memset(to, 0, size);
}
void __aeabi_memclr4(void *to, size_t size) {
    memset(to, 0, size);
}
void __aeabi_memclr8(void *to, size_t size) {
    memset(to, 0, size);
}

/* 64-bit division: by the processor where both fit a word, as spans of milliseconds mostly do, else bit by bit. */

__attribute__((used)) uint64_t yima_divide(uint64_t value, uint64_t by, uint64_t *remainder) {
    if (!((value | by) >> 32)) {
        *remainder = (uint32_t)value % (uint32_t)by;
        return (uint32_t)value / (uint32_t)by;
    }
    uint64_t quotient = 0, rest = 0;
    for (int bit = 63; bit >= 0; bit--) {
        rest = rest << 1 | (value >> bit & 1);
        if (rest >= by) {
            rest -= by;
            quotient |= (uint64_t)1 << bit;
        }
    }
    *remainder = rest;
    return quotient;
}

__attribute__((used)) int64_t yima_divide_signed(int64_t value, int64_t by, int64_t *remainder) {
    uint64_t rest;
    const uint64_t quotient =
        yima_divide(value < 0 ? 0 - (uint64_t)value : (uint64_t)value, by < 0 ? 0 - (uint64_t)by : (uint64_t)by, &rest);
    *remainder = (int64_t)(value < 0 ? 0 - rest : rest);
    return (int64_t)((value < 0) != (by < 0) ? 0 - quotient : quotient);
}

#ifdef __arm__
#if __ARM_ARCH >= 7
#define LOAD_REMAINDER "ldrd r2, r3, [sp, #8]"
#else
#define LOAD_REMAINDER "ldr r2, [sp, #8]\n ldr r3, [sp, #12]"
#endif
/* Arguments and results in r0 to r3: quotient in r0:r1, remainder in r2:r3. */
#define DIVISION(name, does)                                                                                           \
    __attribute__((naked)) void name(void) {                                                                           \
        __asm volatile("push {r4, lr}\n sub sp, #16\n add r4, sp, #8\n str r4, [sp]\n bl " does "\n " LOAD_REMAINDER   \
                       "\n add sp, #16\n pop {r4, pc}\n");                                                             \
    }
DIVISION(__aeabi_uldivmod, "yima_divide")
DIVISION(__aeabi_ldivmod, "yima_divide_signed")
#else
/* The names that every other compiler's run-time has. */
uint64_t __udivdi3(uint64_t value, uint64_t by) {
    uint64_t rest;
    return yima_divide(value, by, &rest);
}
uint64_t __umoddi3(uint64_t value, uint64_t by) {
    uint64_t rest;
    yima_divide(value, by, &rest);
    return rest;
}
int64_t __divdi3(int64_t value, int64_t by) {
    int64_t rest;
    return yima_divide_signed(value, by, &rest);
}
int64_t __moddi3(int64_t value, int64_t by) {
    int64_t rest;
    yima_divide_signed(value, by, &rest);
    return rest;
}
#endif
