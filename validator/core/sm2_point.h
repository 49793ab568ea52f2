/* sm2_point.h - points of sm2p256v1 over the field that the including file has chosen. A template, included once a
 * file.
 *
 * The field header gives the type fe (a number below p in the Montgomery domain, always fully reduced, so that equality
 * is equality of words) and fe_load, fe_store, fe_add, fe_sub, fe_half, fe_mul, fe_sqr, fe_is_zero. All may alias.
 *
 * Points are Jacobian: x = X / Z^2, y = Y / Z^3, with Z = 0 at infinity. Formulas have exceptions, and a signature can
 * be made to run into each of them; add and add_affine therefore notice equal and opposite points. */

typedef struct {
    fe x, y, z;
} jacobian;

typedef struct {
    fe x, y;
} affine;

/* A Jacobian point that is added often: with Z^2 and Z^3. */
typedef struct {
    jacobian point;
    fe zz, zzz;
} multiple;

static const uint64_t ONE[4] = {1, 0xffffffff, 0, 0x100000000}; /* 2^256 mod p */

static int fe_equal(const fe *a, const fe *b) {
    fe difference;
    fe_sub(&difference, a, b);
    return fe_is_zero(&difference);
}

static void fe_negate(fe *r, const fe *a) {
    static const uint64_t zero[4] = {0};
    fe none;
    fe_load(&none, zero);
    fe_sub(r, &none, a);
}

/* r = a^(2^n) b */
static void fe_shift_mul(fe *r, const fe *a, unsigned n, const fe *b) {
    fe power = *a;
    while (n--) fe_sqr(&power, &power);
    fe_mul(r, &power, b);
}

/* r = a^(-1) = a^(p - 2); p - 2 is fffffffe, four times ffffffff, 00000000, ffffffff, fffffffd. */
static void fe_invert(fe *r, const fe *a) {
    fe x3, x15, x30, x31, x32, power;
    fe_shift_mul(&x3, a, 1, a);
    fe_shift_mul(&x3, &x3, 1, a);
    fe_shift_mul(&power, &x3, 3, &x3); /* 6 ones */
    fe_shift_mul(&power, &power, 6, &power);
    fe_shift_mul(&x15, &power, 3, &x3);
    fe_shift_mul(&x30, &x15, 15, &x15);
    fe_shift_mul(&x31, &x30, 1, a);
    fe_shift_mul(&x32, &x31, 1, a);
    fe_sqr(&power, &x31);
    for (int i = 0; i < 4; i++) fe_shift_mul(&power, &power, 32, &x32);
    fe_shift_mul(&power, &power, 64, &x32);
    fe_shift_mul(&power, &power, 30, &x30);
    fe_shift_mul(r, &power, 2, a);
}

/* r = a^((p + 1) / 4), the square root of a if it has one. (p + 1) / 4 = 2^62 (2^32 - 1) (2^160 - 1). */
static void fe_root(fe *r, const fe *a) {
    fe power = *a, step;
    for (unsigned n = 1; n < 32; n *= 2) fe_shift_mul(&power, &power, n, &power);
    step = power; /* a^(2^32 - 1), of which the power 2^160 - 1 is taken: 1, 2, 4, 5, 10 ... 160 ones */
    fe_shift_mul(&power, &power, 1, &power);
    fe_shift_mul(&power, &power, 2, &power);
    fe_shift_mul(&power, &power, 1, &step);
    for (unsigned n = 5; n < 160; n *= 2) fe_shift_mul(&power, &power, n, &power);
    for (int i = 0; i < 61; i++) fe_sqr(&power, &power);
    fe_sqr(r, &power);
}

/* Halved throughout, which is the same point: X3 = A^2 - 2 X Y^2, Y3 = A (X Y^2 - X3) - Y^4, Z3 = Y Z, where A is half
 * of 3 (X - Z^2)(X + Z^2). 4 multiplications, 4 squarings. Infinity stays infinity; no point has Y = 0. */
static void double_point(jacobian *r, const jacobian *p) {
    fe zz, yy, a, s, t;
    fe_sqr(&zz, &p->z);
    fe_sqr(&yy, &p->y);
    fe_add(&a, &p->x, &zz);
    fe_sub(&t, &p->x, &zz);
    fe_mul(&a, &a, &t);
    fe_mul(&s, &p->x, &yy);
    fe_half(&t, &a);
    fe_add(&a, &a, &t);
    fe_sqr(&t, &a);
    fe_mul(&r->z, &p->y, &p->z);
    fe_sub(&t, &t, &s);
    fe_sub(&r->x, &t, &s);
    fe_sub(&t, &s, &r->x);
    fe_sqr(&yy, &yy);
    fe_mul(&t, &t, &a);
    fe_sub(&r->y, &t, &yy);
}

/* The end of both additions: from U1, S1 (the first point on a common denominator), H = U2 - U1, R = S2 - S1 and the
 * product of both Z. Returns 0 if the points were equal: nothing is written then and the caller doubles. */
static int finish_addition(jacobian *r, const fe *u1, const fe *s1, const fe *h, const fe *slope, const fe *z) {
    fe hh, hhh, v, t;
    if (fe_is_zero(h)) {
        if (fe_is_zero(slope)) return 0;
        r->x = *u1;
        r->y = *s1;
        fe_sub(&r->z, h, h);
        return 1;
    }
    fe_sqr(&hh, h);
    fe_mul(&r->z, z, h);
    fe_sqr(&t, slope);
    fe_mul(&v, u1, &hh);
    fe_mul(&hhh, &hh, h);
    fe_sub(&t, &t, &v);
    fe_sub(&t, &t, &v);
    fe_sub(&r->x, &t, &hhh);
    fe_mul(&t, s1, &hhh);
    fe_sub(&v, &v, &r->x);
    fe_mul(&v, &v, slope);
    fe_sub(&r->y, &v, &t);
    return 1;
}

/* r += q; 8 multiplications, 3 squarings. */
static void add_affine(jacobian *r, const affine *q) {
    fe zz, h, slope, u, s;
    if (fe_is_zero(&r->z)) {
        r->x = q->x;
        r->y = q->y;
        fe_load(&r->z, ONE);
        return;
    }
    fe_sqr(&zz, &r->z);
    fe_mul(&slope, &r->z, &zz);
    fe_mul(&h, &q->x, &zz);
    fe_mul(&slope, &slope, &q->y);
    fe_sub(&h, &h, &r->x);
    fe_sub(&slope, &slope, &r->y);
    u = r->x;
    s = r->y;
    if (!finish_addition(r, &u, &s, &h, &slope, &r->z)) double_point(r, r);
}

/* r += q, or r -= q. 11 multiplications, 3 squarings. */
static void add_multiple(jacobian *r, const multiple *q, int minus) {
    fe zz, h, slope, u, s, z;
    if (fe_is_zero(&r->z)) {
        *r = q->point;
        if (minus) fe_negate(&r->y, &r->y);
        return;
    }
    fe_sqr(&zz, &r->z);
    fe_mul(&s, &r->y, &q->zzz);
    fe_mul(&slope, &r->z, &zz);
    fe_mul(&u, &r->x, &q->zz);
    fe_mul(&h, &q->point.x, &zz);
    fe_mul(&slope, &slope, &q->point.y);
    fe_mul(&z, &r->z, &q->point.z);
    fe_sub(&h, &h, &u);
    if (minus) fe_negate(&slope, &slope);
    fe_sub(&slope, &slope, &s);
    if (!finish_addition(r, &u, &s, &h, &slope, &z)) double_point(r, r);
}

static void make_multiple(multiple *m, const jacobian *p) {
    m->point = *p;
    fe_sqr(&m->zz, &p->z);
    fe_mul(&m->zzz, &m->zz, &p->z);
}

/* The entry of a comb's column in the block of the table that belongs to it: of the column, or of its opposite. */
static const yima_sm2_entry *column_entry(const yima_sm2_entry *block, unsigned teeth, unsigned column) {
    unsigned top = 1u << (teeth - 1);
    return &block[(column & top ? column : ~column) & (top - 1)];
}

/* r += the sum of a column */
static void add_column(jacobian *r, const yima_sm2_entry *block, unsigned teeth, unsigned column) {
    const yima_sm2_entry *entry = column_entry(block, teeth, column);
    affine q;
    fe_load(&q.x, entry->x);
    fe_load(&q.y, entry->y);
    if (!(column >> (teeth - 1))) fe_negate(&q.y, &q.y);
    add_affine(r, &q);
}
