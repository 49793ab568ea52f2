/* sm2_build.h - the comb table of an issuer's key. A template like sm2_point.h.
 *
 * Block j holds, for i below 2^(teeth - 1), 2^(j step) (2^((teeth-1) distance) P +- ... +- P), with + at tooth k where
 * bit k of i is set: entry 0 has all signs minus, and entry i + 2^k is entry i plus twice tooth k. That is one affine
 * addition an entry, and one inversion for all entries of a tooth, whose running products are kept where the results
 * go. No sum here is an exception: all are small odd multiples of P, different from each other mod n. */

static void load_entry(affine *p, const yima_sm2_entry *entry) {
    fe_load(&p->x, entry->x);
    fe_load(&p->y, entry->y);
}

static void store_entry(yima_sm2_entry *entry, const fe *x, const fe *y) {
    fe_store(entry->x, x);
    fe_store(entry->y, y);
}

enum { STARTS = YIMA_TABLE_BLOCKS * YIMA_TABLE_TEETH_MAX };

/* Where a start lies in its block: entry 0, and twice tooth k at 2^k, where it is used up last. */
static yima_sm2_entry *start_entry(yima_sm2_entry *blocks, unsigned window, unsigned number) {
    unsigned block = number / window, place = number % window;
    return &blocks[((size_t)block << (window - 1)) + (place ? (size_t)1 << (place - 1) : 0)];
}

/* Writes the starts of all blocks, still Jacobian; their Z by number. */
static void make_starts(yima_sm2_entry *blocks, fe z[STARTS], unsigned window, const yima_sm2_key *key) {
    const unsigned distance = table_distance(window), step = table_step(window);
    jacobian first, p;
    affine minus;
    fe_load(&first.x, key->x);
    fe_load(&first.y, key->y);
    fe_load(&first.z, ONE);
    minus.x = first.x;
    fe_negate(&minus.y, &first.y);

    p = first;
    unsigned exponent = 0;
    for (unsigned k = 0; k + 1 < window; k++)
        for (unsigned j = 0; j < YIMA_TABLE_BLOCKS; j++) {
            for (; exponent < k * distance + j * step + 1; exponent++) double_point(&p, &p);
            store_entry(start_entry(blocks, window, j * window + k + 1), &p.x, &p.y);
            z[j * window + k + 1] = p.z;
        }

    p = first;
    for (unsigned k = 0; k + 1 < window; k++) {
        for (unsigned i = 0; i < distance; i++) double_point(&p, &p);
        add_affine(&p, &minus);
    }
    for (unsigned j = 0; j < YIMA_TABLE_BLOCKS; j++) {
        store_entry(start_entry(blocks, window, j * window), &p.x, &p.y);
        z[j * window] = p.z;
        for (unsigned i = 0; i < step; i++) double_point(&p, &p);
    }
}

static void make_starts_affine(yima_sm2_entry *blocks, const fe z[STARTS], unsigned window) {
    fe before[STARTS], inverse;
    unsigned count = YIMA_TABLE_BLOCKS * window;
    fe_load(&inverse, ONE);
    for (unsigned i = 0; i < count; i++) {
        before[i] = inverse;
        fe_mul(&inverse, &inverse, &z[i]);
    }
    fe_invert(&inverse, &inverse);
    for (unsigned i = count; i-- > 0;) {
        yima_sm2_entry *entry = start_entry(blocks, window, i);
        affine p;
        fe one_z, square;
        fe_mul(&one_z, &inverse, &before[i]);
        fe_mul(&inverse, &inverse, &z[i]);
        fe_sqr(&square, &one_z);
        load_entry(&p, entry);
        fe_mul(&p.x, &p.x, &square);
        fe_mul(&square, &square, &one_z);
        fe_mul(&p.y, &p.y, &square);
        store_entry(entry, &p.x, &p.y);
    }
}

/* Entries 2^k to 2^(k+1) - 1 of every block from those below them. */
static void add_tooth(yima_sm2_entry *blocks, unsigned window, unsigned k) {
    unsigned half = 1u << k, size = 1u << (window - 1);
    affine twice[YIMA_TABLE_BLOCKS], p;
    fe inverse, difference;
    fe_load(&inverse, ONE);
    for (unsigned j = 0; j < YIMA_TABLE_BLOCKS; j++) {
        load_entry(&twice[j], &blocks[j * size + half]);
        for (unsigned i = 0; i < half; i++) {
            fe_store(blocks[j * size + half + i].x, &inverse);
            load_entry(&p, &blocks[j * size + i]);
            fe_sub(&difference, &twice[j].x, &p.x);
            fe_mul(&inverse, &inverse, &difference);
        }
    }
    fe_invert(&inverse, &inverse);
    for (unsigned j = YIMA_TABLE_BLOCKS; j-- > 0;)
        for (unsigned i = half; i-- > 0;) {
            yima_sm2_entry *entry = &blocks[j * size + half + i];
            fe slope, x, y;
            load_entry(&p, &blocks[j * size + i]);
            fe_load(&slope, entry->x);
            fe_mul(&slope, &slope, &inverse);
            fe_sub(&difference, &twice[j].x, &p.x);
            fe_mul(&inverse, &inverse, &difference);
            fe_sub(&y, &twice[j].y, &p.y);
            fe_mul(&slope, &slope, &y);
            fe_sqr(&x, &slope);
            fe_sub(&x, &x, &twice[j].x);
            fe_sub(&x, &x, &p.x);
            fe_sub(&y, &p.x, &x);
            fe_mul(&y, &y, &slope);
            fe_sub(&y, &y, &p.y);
            store_entry(entry, &x, &y);
        }
}

static void build_table(void *table, unsigned window, const yima_sm2_key *key) {
    yima_sm2_entry *blocks = table;
    fe z[STARTS];
    make_starts(blocks, z, window, key);
    make_starts_affine(blocks, z, window);
    for (unsigned k = 0; k + 1 < window; k++) add_tooth(blocks, window, k);
}

const yima_sm2_kernel KERNEL = {
    .name = KERNEL_NAME,
    .available = available,
    .parse_key = parse_key,
    .verify = verify,
    .verify_table = verify_table,
    .build_table = build_table,
    .export_key = export_key,
};
