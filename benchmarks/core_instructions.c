/* core_instructions.c - three paths of the core as functions of their own, for callgrind to count
 * (benchmarks/core_instructions.py).
 *
 * usage: instructions PATH IMAGE CODE UNIX_S, where PATH is fresh_key, known_issuer or whole_code; IMAGE a file with a
 * parameter image, CODE one with a code it accepts at UNIX_S. Exit status 0 if what was measured was accepted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sm2.h"
#include "yima/core.h"

/* The C library picks its own by the processor, which would make counts depend on the machine. */
#define ONE_BY_ONE __asm__ volatile("" ::: "memory")

void *memcpy(void *restrict to, const void *restrict from, size_t n) {
    uint8_t *d = to;
    const uint8_t *s = from;
    for (; n; n--, *d++ = *s++) ONE_BY_ONE;
    return to;
}

void *memmove(void *to, const void *from, size_t n) {
    uint8_t *d = to;
    const uint8_t *s = from;
    if (d <= s) return memcpy(to, from, n);
    for (; n; n--, d[n] = s[n]) ONE_BY_ONE;
    return to;
}

void *memset(void *to, int value, size_t n) {
    uint8_t *d = to;
    for (; n; n--, *d++ = (uint8_t)value) ONE_BY_ONE;
    return to;
}

int memcmp(const void *one, const void *other, size_t n) {
    const uint8_t *a = one, *b = other;
    for (; n; n--, a++, b++) {
        if (*a != *b) return *a - *b;
        ONE_BY_ONE;
    }
    return 0;
}

/* GB/T 32918.5-2017, Annex A. */
static const uint8_t public_key[33] = {0x03, 0x09, 0xf9, 0xdf, 0x31, 0x1e, 0x54, 0x21, 0xa1, 0x50, 0xdd,
                                       0x7d, 0x16, 0x1e, 0x4b, 0xc5, 0xc6, 0x72, 0x17, 0x9f, 0xad, 0x18,
                                       0x33, 0xfc, 0x07, 0x6b, 0xb0, 0x8f, 0xf3, 0x56, 0xf3, 0x50, 0x20};
static const uint8_t message[] = {'m', 'e', 's', 's', 'a', 'g', 'e', ' ', 'd', 'i', 'g', 'e', 's', 't'};
static const uint8_t signature[64] = {0xf5, 0xa0, 0x3b, 0x06, 0x48, 0xd2, 0xc4, 0x63, 0x0e, 0xea, 0xc5, 0x13, 0xe1,
                                      0xbb, 0x81, 0xa1, 0x59, 0x44, 0xda, 0x38, 0x27, 0xd5, 0xb7, 0x41, 0x43, 0xac,
                                      0x7e, 0xac, 0xee, 0xe7, 0x20, 0xb3, 0xb1, 0xb6, 0xaa, 0x29, 0xdf, 0x21, 0x2f,
                                      0xd8, 0x76, 0x31, 0x82, 0xbc, 0x0d, 0x42, 0x1c, 0xa1, 0xbb, 0x90, 0x38, 0xfd,
                                      0x1f, 0x7f, 0x42, 0xd4, 0x84, 0x0b, 0x69, 0xc4, 0x85, 0xbb, 0xc1, 0xaa};

enum { WINDOW = 8, DEBOUNCED_MS = 1000000 };

static _Alignas(64) uint8_t tables[1 << 20];
static yima_sm2_key key;
static yima_validator validator;
static uint64_t memory[1 << 16];

/* What is counted: callgrind collects inside these functions only. */
#define MEASURED __attribute__((noinline, used))

MEASURED int measured_fresh_key(const yima_sm2_kernel *kernel) {
    uint8_t e[32];
    if (!kernel->parse_key(&key, public_key, sizeof public_key)) return 0;
    yima_sm2_digest(&key, message, sizeof message, e);
    return kernel->verify(&key, e, signature);
}

MEASURED int measured_known_issuer(const yima_sm2_kernel *kernel) {
    uint8_t e[32];
    yima_sm2_digest(&key, message, sizeof message, e);
    return kernel->verify_table(tables, WINDOW, e, signature);
}

MEASURED int measured_whole_code(const uint8_t *code, size_t length, yima_moment now) {
    yima_verdict verdict;
    yima_judge(&validator, code, length, now, &verdict);
    return verdict.accepted && !verdict.again;
}

static size_t read_file(const char *path, uint8_t *data, size_t capacity) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    size_t size = fread(data, 1, capacity, file);
    fclose(file);
    return size;
}

/* Judges one code until its issuer has earned a table, forgetting each time that it was accepted; then once more. */
static int whole_code(char **arguments) {
    static uint8_t image[1 << 16];
    uint8_t code[YIMA_PAYLOAD_MAX];
    yima_parameters parameters;
    yima_gate gate = {.mode = YIMA_MODE_BUS};
    yima_moment now = {.unix_s = atoll(arguments[2]), .trusted = 1};
    size_t image_size = read_file(arguments[0], image, sizeof image);
    size_t length = read_file(arguments[1], code, sizeof code);
    if (yima_parameters_open(&parameters, image, image_size, NULL) != YIMA_PARAMETERS_OK) return 0;
    if (yima_validator_init(&validator, &parameters, gate, memory, sizeof memory, tables, sizeof tables) != YIMA_OK) {
        return 0;
    }
    if (!yima_idle(&validator)) return 0; /* the root's table */
    for (int built = 0; !built; built = yima_idle(&validator)) {
        yima_verdict verdict;
        yima_judge(&validator, code, length, now, &verdict);
        if (!verdict.accepted) return 0;
        yima_retract(&validator, &verdict);
        now.tick_ms += DEBOUNCED_MS;
    }
    return measured_whole_code(code, length, now);
}

int main(int count, char **arguments) {
    const yima_sm2_kernel *kernel = yima_sm2_best();
    if (count != 5) return 2;
    if (strcmp(arguments[1], "whole_code") == 0) return !whole_code(arguments + 2);
    if (strcmp(arguments[1], "fresh_key") == 0) return !measured_fresh_key(kernel);
    if (!kernel->parse_key(&key, public_key, sizeof public_key)) return 1;
    kernel->build_table(tables, WINDOW, &key);
    return !measured_known_issuer(kernel);
}
