/* field_ops.h - one field header under names of its own, so that several can be held against each other in one file.
 *
 * Define FIELD_HEADER (a string) and FIELD_OPS (the name of the function to make) before including it. */
#define JOIN_(a, b) a##_of_##b
#define JOIN(a, b) JOIN_(a, b)
#define fe JOIN(fe, FIELD_OPS)
#define fe_load JOIN(fe_load, FIELD_OPS)
#define fe_store JOIN(fe_store, FIELD_OPS)
#define fe_is_zero JOIN(fe_is_zero, FIELD_OPS)
#define fe_add JOIN(fe_add, FIELD_OPS)
#define fe_sub JOIN(fe_sub, FIELD_OPS)
#define fe_half JOIN(fe_half, FIELD_OPS)
#define fe_mul JOIN(fe_mul, FIELD_OPS)
#define fe_sqr JOIN(fe_sqr, FIELD_OPS)
#define reduce_once JOIN(reduce_once, FIELD_OPS)

#include FIELD_HEADER

/* Every operation on a and b, both below p, and each once more with the result written over an operand. */
static void FIELD_OPS(uint64_t out[OPERATIONS][4], const uint64_t a_words[4], const uint64_t b_words[4]) {
    fe a, b, r;
    int n = 0;
    fe_load(&a, a_words);
    fe_load(&b, b_words);
    fe_add(&r, &a, &b), fe_store(out[n++], &r);
    fe_sub(&r, &a, &b), fe_store(out[n++], &r);
    fe_half(&r, &a), fe_store(out[n++], &r);
    fe_mul(&r, &a, &b), fe_store(out[n++], &r);
    fe_sqr(&r, &a), fe_store(out[n++], &r);
    r = a, fe_add(&r, &r, &r), fe_store(out[n++], &r);
    r = b, fe_sub(&r, &a, &r), fe_store(out[n++], &r);
    r = b, fe_half(&r, &r), fe_store(out[n++], &r);
    r = b, fe_mul(&r, &a, &r), fe_store(out[n++], &r);
    r = b, fe_sqr(&r, &r), fe_store(out[n++], &r);
    out[n][0] = (uint64_t)fe_is_zero(&a);
    out[n][1] = out[n][2] = out[n][3] = 0;
}

#undef fe
#undef fe_load
#undef fe_store
#undef fe_is_zero
#undef fe_add
#undef fe_sub
#undef fe_half
#undef fe_mul
#undef fe_sqr
#undef reduce_once
#undef JOIN_
#undef JOIN
#undef FIELD_HEADER
#undef FIELD_OPS
