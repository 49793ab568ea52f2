/* fuzz_sm2.c - libFuzzer target: all SM2 kernels that run here must agree in everything they compute.
 *
 * The first byte chooses what is compared: field operations on two numbers; keys, word for word; verification of a
 * signature; tables, entry for entry (numbers are always fully reduced, so equal points are equal bytes). */
#include "fuzz.h"
#include "sm2_private.h"

enum { OPERATIONS = 11 };

#define FIELD_HEADER "field_32.h"
#define FIELD_OPS operate_32
#include "field_ops.h"

#define FIELD_HEADER "field_64.h"
#define FIELD_OPS operate_64
#include "field_ops.h"
#undef P1
#undef P2
#undef P3
#undef ROW

#ifdef YIMA_KERNEL_ADX
#define FIELD_HEADER "field_adx.h"
#define FIELD_OPS operate_adx
#include "field_ops.h"
#endif

/* A number below p: bytes all ones become words that are nearly p, where carries are rare otherwise. */
static void number(uint64_t words[4], const uint8_t *data) {
    static const uint64_t p[4] = {~(uint64_t)0, 0xffffffff00000000, ~(uint64_t)0, 0xfffffffeffffffff};
    memcpy(words, data, 32);
    for (int i = 3; i >= 0; i--) {
        if (words[i] < p[i]) return;
        if (words[i] > p[i]) words[i] = p[i];
    }
    words[0] -= 1;
}

static int adx_runs(void) {
#ifdef YIMA_KERNEL_ADX
    return yima_sm2_kernel_adx.available();
#else
    return 0;
#endif
}

static void compare_fields(const uint8_t *data) {
    uint64_t a[4], b[4], one[OPERATIONS][4], other[OPERATIONS][4];
    number(a, data);
    number(b, data + 32);
    operate_64(one, a, b);
    operate_32(other, a, b);
    demand(memcmp(one, other, sizeof one) == 0);
#ifdef YIMA_KERNEL_ADX
    if (adx_runs()) {
        operate_adx(other, a, b);
        demand(memcmp(one, other, sizeof one) == 0);
    }
#endif
}

/* The key of some bytes by every kernel; 0 if they are none. */
static int same_key(yima_sm2_key *key, const uint8_t *bytes, size_t length) {
    yima_sm2_key other;
    int good = yima_sm2_kernel_64.parse_key(key, bytes, length);
    demand(yima_sm2_kernel_32.parse_key(&other, bytes, length) == good);
    demand(!good || memcmp(key, &other, sizeof other) == 0);
#ifdef YIMA_KERNEL_ADX
    if (adx_runs()) {
        demand(yima_sm2_kernel_adx.parse_key(&other, bytes, length) == good);
        demand(!good || memcmp(key, &other, sizeof other) == 0);
    }
#endif
    return good;
}

static void compare_verification(const yima_sm2_key *key, const uint8_t *data, unsigned window, int tables) {
    static _Alignas(64) uint8_t one[32768], other[32768];
    int valid = yima_sm2_kernel_64.verify(key, data, data + 32);
    if (tables) {
        yima_sm2_kernel_64.build_table(one, window, key);
        demand(yima_sm2_kernel_64.verify_table(one, window, data, data + 32) == valid);
    }
    for (const yima_sm2_kernel *const *k = yima_sm2_kernels(); *k; k++) {
        if (!(*k)->available()) continue;
        demand((*k)->verify(key, data, data + 32) == valid);
        if (!tables) continue;
        (*k)->build_table(other, window, key);
        demand(memcmp(one, other, yima_sm2_table_size(window)) == 0);
        demand((*k)->verify_table(one, window, data, data + 32) == valid);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    yima_sm2_key key;
    uint8_t bytes[1 + 33 + 96];
    if (size == 0) return 0;
    if (data[0] % 4 == 1) { /* a key of any length */
        if (same_key(&key, data + 1, size - 1)) {
            uint8_t xy[64], again[64];
            yima_sm2_kernel_64.export_key(&key, xy);
            yima_sm2_kernel_32.export_key(&key, again);
            demand(memcmp(xy, again, sizeof xy) == 0);
            yima_sm2_key same;
            demand(same_key(&same, xy, sizeof xy) && memcmp(&key, &same, sizeof key) == 0);
        }
        return 0;
    }
    memset(bytes, 0, sizeof bytes);
    memcpy(bytes, data, size < sizeof bytes ? size : sizeof bytes);
    if (data[0] % 4 == 0) {
        compare_fields(bytes + 1);
        return 0;
    }
    bytes[1] = 2 + (bytes[1] & 1);
    bytes[2] &= 0x7f;                                   /* below p */
    while (!same_key(&key, bytes + 1, 33)) bytes[33]++; /* every second x is on the curve */
    compare_verification(&key, bytes + 34, 4 + (data[0] >> 2) % 5, data[0] % 4 == 3);
    return 0;
}
