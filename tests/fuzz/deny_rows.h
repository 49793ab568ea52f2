/* deny_rows.h - the deny-list's layout a second time, for fuzz_deny.c: mixing and its inverse, a file made of rows, and
 * a look-up that goes through every row and knows no index and no order. */
#ifndef YIMA_DENY_ROWS_H
#define YIMA_DENY_ROWS_H
#include "fuzz.h"
#include "sm3.h"
#include "yima/deny.h"

enum { A = YIMA_DENY_ACCOUNT_SIZE, ROWS_MAX = 48, FILE_MAX = YIMA_DENY_HEADER_SIZE + 4 * 256 + 6 * ROWS_MAX * A };

/* What one file says, in plain accounts. */
typedef struct {
    unsigned denied_count, allowed_count, denied_range_count, allowed_range_count;
    uint8_t denied[ROWS_MAX][A], allowed[ROWS_MAX][A], denied_ranges[ROWS_MAX][2 * A], allowed_ranges[ROWS_MAX][2 * A];
} said;

static inline uint32_t word_at(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void put_word(uint8_t *p, uint32_t value) {
    for (unsigned i = 0; i < 4; i++) p[i] = (uint8_t)(value >> (24 - 8 * i));
}

static inline uint32_t stirred(uint32_t x) {
    x = (x ^ x >> 16) * 0x85EBCA6Bu;
    x = (x ^ x >> 13) * 0xC2B2AE35u;
    return x ^ x >> 16;
}

/* The inverse of `stirred`: the multipliers are the inverses of its own, modulo 2^32. */
static inline uint32_t unstirred(uint32_t x) {
    x = (x ^ x >> 16) * 0x7ED1B41Du;
    x = (x ^ x >> 13 ^ x >> 26) * 0xA5CB9243u;
    return x ^ x >> 16;
}

static inline uint32_t tail_of(const uint8_t *account) {
    return stirred(word_at(account + 4) ^ stirred((uint32_t)account[8] << 8 | account[9]));
}

static inline void mixed_of(uint8_t mixed[A], const uint8_t *account) {
    memcpy(mixed, account, A);
    put_word(mixed, stirred(word_at(account) ^ tail_of(account)));
}

static inline void account_of(uint8_t account[A], const uint8_t *mixed) {
    memcpy(account, mixed, A);
    put_word(account, unstirred(word_at(mixed)) ^ tail_of(mixed));
}

/* The digest of a file, which it keeps at 80. */
static inline void digest_of(const uint8_t *file, size_t size, uint8_t digest[32]) {
    yima_sm3_state state;
    yima_sm3_init(&state);
    yima_sm3_update(&state, file, 80);
    yima_sm3_update(&state, file + YIMA_DENY_HEADER_SIZE, size - YIMA_DENY_HEADER_SIZE);
    yima_sm3_final(&state, digest);
}

/* What a file says of an account: 1 denied, 0 allowed, -1 nothing. */
static inline int word_on(const said *file, const uint8_t *account) {
    for (unsigned i = 0; i < file->denied_count; i++) {
        if (memcmp(file->denied[i], account, A) == 0) return 1;
    }
    for (unsigned i = 0; i < file->allowed_count; i++) {
        if (memcmp(file->allowed[i], account, A) == 0) return 0;
    }
    for (unsigned i = 0; i < file->denied_range_count; i++) {
        const uint8_t *range = file->denied_ranges[i];
        if (memcmp(range, account, A) <= 0 && memcmp(account, range + A, A) <= 0) return 1;
    }
    for (unsigned i = 0; i < file->allowed_range_count; i++) {
        const uint8_t *range = file->allowed_ranges[i];
        if (memcmp(range, account, A) <= 0 && memcmp(account, range + A, A) <= 0) return 0;
    }
    return -1;
}

static inline int by_account(const void *a, const void *b) {
    return memcmp(a, b, A);
}

/* Appends accounts, mixed and sorted, without repetition; returns how many. */
static inline uint32_t put_accounts(uint8_t *to, uint8_t accounts[][A], unsigned count) {
    uint32_t kept = 0;
    for (unsigned i = 0; i < count; i++) mixed_of(to + (size_t)A * i, accounts[i]);
    if (count) qsort(to, count, A, by_account);
    for (unsigned i = 0; i < count; i++) {
        if (kept && memcmp(to + (size_t)A * (kept - 1), to + (size_t)A * i, A) == 0) continue;
        memmove(to + (size_t)A * kept++, to + (size_t)A * i, A);
    }
    return kept;
}

/* Appends ranges, sorted; of those that overlap one before, nothing is kept, here or in what was said. */
static inline uint32_t put_ranges(uint8_t *to, uint8_t ranges[][2 * A], unsigned *count) {
    unsigned kept = 0;
    if (*count) qsort(ranges, *count, 2 * A, by_account);
    for (unsigned i = 0; i < *count; i++) {
        if (kept && memcmp(ranges[kept - 1] + A, ranges[i], A) >= 0) continue;
        memmove(ranges[kept++], ranges[i], 2 * A);
    }
    *count = kept;
    if (kept) memcpy(to, ranges, (size_t)kept * 2 * A);
    return kept;
}

/* The file of what is said, full where `base` is NULL, else upon it. Returns its size. */
static inline size_t file_of(uint8_t file[FILE_MAX], said *what, unsigned index_bits, uint32_t version,
                             const uint8_t *base) {
    uint8_t *index = file + YIMA_DENY_HEADER_SIZE, *at = index + ((size_t)4 << index_bits);
    memset(file, 0, FILE_MAX);
    memcpy(file, "YIMD\0\1", 6);
    file[6] = base ? 2 : 1;
    file[7] = 2;
    put_word(file + 12, version);
    put_word(file + 16, 1000 + version);
    file[20] = (uint8_t)index_bits;
    const uint8_t *denied = at;
    const uint32_t count = put_accounts(at, what->denied, what->denied_count);
    put_word(file + 24, count);
    at += (size_t)A * count;
    put_word(file + 28, put_accounts(at, what->allowed, what->allowed_count));
    at += (size_t)A * word_at(file + 28);
    put_word(file + 32, put_ranges(at, what->denied_ranges, &what->denied_range_count));
    at += (size_t)2 * A * word_at(file + 32);
    put_word(file + 36, put_ranges(at, what->allowed_ranges, &what->allowed_range_count));
    at += (size_t)2 * A * word_at(file + 36);
    uint32_t end = 0;
    for (uint32_t bucket = 0; bucket < (uint32_t)1 << index_bits; bucket++) {
        while (end < count && (index_bits ? word_at(denied + (size_t)A * end) >> (32 - index_bits) : 0) == bucket)
            end++;
        put_word(index + (size_t)4 * bucket, end);
    }
    const size_t size = (size_t)(at - file);
    put_word(file + 8, (uint32_t)size);
    if (base) {
        memcpy(file + 40, base + 12, 4);
        memcpy(file + 48, base + 80, 32);
    }
    digest_of(file, size, file + 80);
    return size;
}
#endif
