/* sm3.c - the SM3 hash (GB/T 32905-2016).
 *
 * The message expansion runs inside the rounds on a window of 16 words. That needs no array of 68 words, and it leaves
 * a vectoriser nothing to gather: expansion loops that gcc turns into SSE code ran at half the speed (measured). */
#include "bytes.h"
#include "sm3.h"

#if defined(__GNUC__) && !defined(__clang__)
#define SCALAR __attribute__((optimize("no-tree-vectorize")))
#else
#define SCALAR
#endif

static uint32_t rol(uint32_t x, unsigned n) {
    return (x << n) | (x >> (32 - n));
}

static uint32_t load_be(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void store_be(uint8_t *p, uint32_t v) {
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

/* Boolean functions of rounds 0..15 and of rounds 16..63. */
#define FF0(x, y, z) ((x) ^ (y) ^ (z))
#define GG0(x, y, z) ((x) ^ (y) ^ (z))
#define FF1(x, y, z) (((x) & (y)) | (((x) | (y)) & (z)))
#define GG1(x, y, z) ((z) ^ ((x) & ((y) ^ (z))))

/* W[j + 4] from the window, written over W[j - 12]. i = j mod 16. */
#define EXPAND(i)                                                                                                      \
    do {                                                                                                               \
        uint32_t v = w[((i) + 4) & 15] ^ w[((i) + 11) & 15] ^ rol(w[((i) + 1) & 15], 15);                              \
        v ^= rol(v, 15) ^ rol(v, 23);                                                                                  \
        w[((i) + 4) & 15] = v ^ rol(w[((i) + 7) & 15], 7) ^ w[((i) + 14) & 15];                                        \
    } while (0)

/* One round; the new A is left in d, the new E in h: callers rotate the names instead of the values. */
#define ROUND(n, a, b, c, d, e, f, g, h, i)                                                                            \
    do {                                                                                                               \
        uint32_t a12 = rol(a, 12), ss1 = rol(a12 + e + t, 7);                                                          \
        t = rol(t, 1);                                                                                                 \
        d += FF##n(a, b, c) + (ss1 ^ a12) + (w[i] ^ w[((i) + 4) & 15]);                                                \
        h += GG##n(e, f, g) + ss1 + w[i];                                                                              \
        b = rol(b, 9);                                                                                                 \
        f = rol(f, 19);                                                                                                \
        h ^= rol(h, 9) ^ rol(h, 17);                                                                                   \
    } while (0)

#define FOUR_ROUNDS(n, i, expand)                                                                                      \
    do {                                                                                                               \
        expand(i);                                                                                                     \
        ROUND(n, A, B, C, D, E, F, G, H, i);                                                                           \
        expand((i) + 1);                                                                                               \
        ROUND(n, D, A, B, C, H, E, F, G, (i) + 1);                                                                     \
        expand((i) + 2);                                                                                               \
        ROUND(n, C, D, A, B, G, H, E, F, (i) + 2);                                                                     \
        expand((i) + 3);                                                                                               \
        ROUND(n, B, C, D, A, F, G, H, E, (i) + 3);                                                                     \
    } while (0)

#define NOTHING(i)

SCALAR static void compress(uint32_t state[8], const uint8_t *block) {
    uint32_t w[16];
    for (int i = 0; i < 16; i++) w[i] = load_be(block + 4 * i);
    uint32_t A = state[0], B = state[1], C = state[2], D = state[3];
    uint32_t E = state[4], F = state[5], G = state[6], H = state[7];

    uint32_t t = 0x79cc4519; /* T_j rotated left by j */
    FOUR_ROUNDS(0, 0, NOTHING);
    FOUR_ROUNDS(0, 4, NOTHING);
    FOUR_ROUNDS(0, 8, NOTHING);
    FOUR_ROUNDS(0, 12, EXPAND);
    t = 0x9d8a7a87; /* 7a879d8a rotated by 16 */
    for (int j = 16; j < 64; j += 16) {
        FOUR_ROUNDS(1, 0, EXPAND);
        FOUR_ROUNDS(1, 4, EXPAND);
        FOUR_ROUNDS(1, 8, EXPAND);
        FOUR_ROUNDS(1, 12, EXPAND);
    }
    state[0] ^= A;
    state[1] ^= B;
    state[2] ^= C;
    state[3] ^= D;
    state[4] ^= E;
    state[5] ^= F;
    state[6] ^= G;
    state[7] ^= H;
}

void yima_sm3_init(yima_sm3_state *s) {
    static const uint32_t start[8] = {0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600,
                                      0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e};
    memcpy(s->state, start, sizeof start);
    s->bytes = 0;
}

void yima_sm3_update(yima_sm3_state *s, const uint8_t *data, size_t length) {
    if (length == 0) return;
    size_t held = (size_t)(s->bytes & 63);
    s->bytes += length;
    if (held) {
        size_t room = 64 - held;
        if (length < room) {
            memcpy(s->block + held, data, length);
            return;
        }
        memcpy(s->block + held, data, room);
        compress(s->state, s->block);
        data += room;
        length -= room;
    }
    for (; length >= 64; data += 64, length -= 64) compress(s->state, data);
    if (length) memcpy(s->block, data, length);
}

void yima_sm3_final(yima_sm3_state *s, uint8_t digest[32]) {
    size_t held = (size_t)(s->bytes & 63);
    s->block[held++] = 0x80;
    if (held > 56) {
        memset(s->block + held, 0, 64 - held);
        compress(s->state, s->block);
        held = 0;
    }
    memset(s->block + held, 0, 56 - held);
    store_be(s->block + 56, (uint32_t)(s->bytes >> 29));
    store_be(s->block + 60, (uint32_t)(s->bytes << 3));
    compress(s->state, s->block);
    for (int i = 0; i < 8; i++) store_be(digest + 4 * i, s->state[i]);
}

void yima_sm3(const uint8_t *data, size_t length, uint8_t digest[32]) {
    yima_sm3_state s;
    yima_sm3_init(&s);
    yima_sm3_update(&s, data, length);
    yima_sm3_final(&s, digest);
}
