/* sm2_kernel.h - keys, verification and tables over the points of sm2_point.h. A template like that one; the including
 * file defines KERNEL (the name of the structure), KERNEL_NAME and available(). */

static void fe_from_bytes(fe *r, const uint8_t bytes[32]) {
    static const uint64_t square_of_r[4] = {0x200000003, 0x2ffffffff, 0x100000001, 0x400000002};
    uint64_t words[4];
    fe factor;
    for (int i = 0; i < 4; i++) {
        uint64_t w = 0;
        for (int k = 0; k < 8; k++) w = w << 8 | bytes[24 - 8 * i + k];
        words[i] = w;
    }
    fe_load(r, words);
    fe_load(&factor, square_of_r);
    fe_mul(r, r, &factor);
}

/* Out of the Montgomery domain, big-endian. */
static void fe_to_bytes(uint8_t bytes[32], const fe *a) {
    static const uint64_t one[4] = {1, 0, 0, 0};
    uint64_t words[4];
    fe plain;
    fe_load(&plain, one);
    fe_mul(&plain, &plain, a);
    fe_store(words, &plain);
    for (int i = 0; i < 32; i++) bytes[i] = (uint8_t)(words[3 - i / 8] >> (56 - 8 * (i % 8)));
}

/* x^3 - 3x + b */
static void curve_right_side(fe *r, const fe *x) {
    static const uint64_t curve_b[4] = {0x90d230632bc0dd42, 0x71cf379ae9b537ab, 0x527981505ea51c3c, 0x240fe188ba20e2c8};
    fe b, three_x;
    fe_load(&b, curve_b);
    fe_add(&three_x, x, x);
    fe_add(&three_x, &three_x, x);
    fe_sqr(r, x);
    fe_mul(r, r, x);
    fe_sub(r, r, &three_x);
    fe_add(r, r, &b);
}

static void export_key(const yima_sm2_key *key, uint8_t xy[64]) {
    fe coordinate;
    fe_load(&coordinate, key->x);
    fe_to_bytes(xy, &coordinate);
    fe_load(&coordinate, key->y);
    fe_to_bytes(xy + 32, &coordinate);
}

static int parse_key(yima_sm2_key *key, const uint8_t *bytes, size_t length) {
    fe x, y, right, square;
    uint8_t xy[64];
    unsigned tag = 4;
    if (length == 33 || length == 65) {
        tag = bytes[0];
        bytes++;
    } else if (length != 64) {
        return 0;
    }
    if (length == 33 ? tag != 2 && tag != 3 : tag != 4) return 0;
    if (!yima_sm2_below_p(bytes)) return 0;
    fe_from_bytes(&x, bytes);
    curve_right_side(&right, &x);
    if (length == 33) {
        fe_root(&y, &right);
    } else {
        if (!yima_sm2_below_p(bytes + 32)) return 0;
        fe_from_bytes(&y, bytes + 32);
    }
    fe_sqr(&square, &y);
    if (!fe_equal(&square, &right)) return 0;
    if (length == 33) {
        fe_to_bytes(xy + 32, &y);
        if ((xy[63] ^ tag) & 1) { /* y is never 0: the curve has no point of order 2 */
            fe_negate(&y, &y);
            fe_to_bytes(xy + 32, &y);
        }
    } else {
        for (int i = 32; i < 64; i++) xy[i] = bytes[i];
    }
    for (int i = 0; i < 32; i++) xy[i] = bytes[i];
    fe_store(key->x, &x);
    fe_store(key->y, &y);
    yima_sm2_hash_key(key->z, xy);
    return 1;
}

/* 1 if the x of a point is candidate, or candidate + n. */
static int has_x(const jacobian *p, uint32_t candidate[8]) {
    fe zz, product;
    if (fe_is_zero(&p->z)) return 0;
    fe_sqr(&zz, &p->z);
    do {
        uint8_t bytes[32];
        for (int i = 0; i < 32; i++) bytes[i] = (uint8_t)(candidate[7 - i / 4] >> (24 - 8 * (i % 4)));
        fe_from_bytes(&product, bytes);
        fe_mul(&product, &product, &zz);
        if (fe_equal(&product, &p->x)) return 1;
    } while (yima_sm2_next_candidate(candidate));
    return 0;
}

static void make_infinity(jacobian *p) {
    fe_load(&p->x, ONE);
    fe_load(&p->y, ONE);
    fe_sub(&p->z, &p->x, &p->x);
}

/* Odd multiples P, 3P ... 15P. */
static void make_multiples(multiple *m, const yima_sm2_key *key) {
    jacobian p;
    multiple twice;
    fe_load(&p.x, key->x);
    fe_load(&p.y, key->y);
    fe_load(&p.z, ONE);
    make_multiple(&m[0], &p);
    double_point(&p, &p);
    make_multiple(&twice, &p);
    p = m[0].point;
    for (int i = 1; i < 1 << (YIMA_WNAF_WIDTH - 2); i++) {
        add_multiple(&p, &twice, 0);
        make_multiple(&m[i], &p);
    }
}

static int verify(const yima_sm2_key *key, const uint8_t e[32], const uint8_t signature[64]) {
    yima_sm2_scalars k;
    multiple multiples[1 << (YIMA_WNAF_WIDTH - 2)];
    uint8_t columns[YIMA_COLUMNS_MAX];
    int8_t digits[YIMA_WNAF_DIGITS];
    jacobian sum;
    if (!yima_sm2_scalars_read(&k, e, signature)) return 0;
    yima_sm2_wnaf(digits, k.t);
    yima_sm2_comb(columns, YIMA_G_TEETH, YIMA_G_DISTANCE, k.s);
    make_multiples(multiples, key);
    int top = YIMA_WNAF_DIGITS - 1;
    while (top >= YIMA_G_DISTANCE && digits[top] == 0) top--;
    make_infinity(&sum);
    for (int i = top; i >= 0; i--) {
        if (i != top) double_point(&sum, &sum);
        int digit = digits[i];
        if (digit) add_multiple(&sum, &multiples[(digit < 0 ? -digit : digit) >> 1], digit < 0);
        if (i < YIMA_G_DISTANCE) add_column(&sum, yima_sm2_g_table, YIMA_G_TEETH, columns[i]);
    }
    return has_x(&sum, k.x);
}

static unsigned table_distance(unsigned window) {
    return (256 + window - 1) / window;
}

static unsigned table_step(unsigned window) {
    return (table_distance(window) + YIMA_TABLE_BLOCKS - 1) / YIMA_TABLE_BLOCKS;
}

/* The stored order of G's blocks. */
static const yima_sm2_entry *g_block(unsigned number) {
    static const uint8_t place[4] = {0, YIMA_G_BLOCKS == 4 ? 2 : 1, 1, 3};
    return yima_sm2_g_table + place[number] * YIMA_G_ENTRIES;
}

static int verify_table(const void *table, unsigned window, const uint8_t e[32], const uint8_t signature[64]) {
    const yima_sm2_entry *entries = table;
    yima_sm2_scalars k;
    uint8_t g_columns[YIMA_COLUMNS_MAX], columns[YIMA_COLUMNS_MAX];
    jacobian sum;
    if (!yima_sm2_scalars_read(&k, e, signature)) return 0;
    const unsigned distance = table_distance(window), step = table_step(window);
    const unsigned g_step = YIMA_G_DISTANCE / YIMA_G_BLOCKS;
    /* Which entries are needed is known before the first addition: a table between two codes is rarely still in cache.
     */
    yima_sm2_comb(g_columns, YIMA_G_TEETH, YIMA_G_DISTANCE, k.s);
    for (unsigned c = 0; c < YIMA_G_DISTANCE; c++)
        __builtin_prefetch(column_entry(g_block(c / g_step), YIMA_G_TEETH, g_columns[c]));
    yima_sm2_comb(columns, window, distance, k.t);
    for (unsigned c = 0; c < distance; c++)
        __builtin_prefetch(column_entry(entries + ((size_t)(c / step) << (window - 1)), window, columns[c]));

    make_infinity(&sum);
    const unsigned start = step > g_step ? step : g_step;
    for (unsigned i = start; i-- > 0;) {
        if (i + 1 != start) double_point(&sum, &sum);
        for (unsigned c = i; i < g_step && c < YIMA_G_DISTANCE; c += g_step)
            add_column(&sum, g_block(c / g_step), YIMA_G_TEETH, g_columns[c]);
        for (unsigned c = i; i < step && c < distance; c += step)
            add_column(&sum, entries + ((size_t)(c / step) << (window - 1)), window, columns[c]);
    }
    return has_x(&sum, k.x);
}
