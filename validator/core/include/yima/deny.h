/* yima/deny.h - the deny-list of national size, looked up where it lies. Part of core.h, which includes it.
 *
 * A list is one full file and, upon it, increments, each made for exactly the state before it. All of them are
 * borrowed: mapped from disk or read from flash, never copied. The layout is described in deny.c.
 *
 * Opening looks at headers only, so it takes microseconds whatever the size. A file that came from outside goes through
 * yima_deny_verify once, when it is taken into service; nothing here reads outside a file that did not. */
#ifndef YIMA_DENY_H
#define YIMA_DENY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    YIMA_DENY_LAYERS = 16, /* the full list and its increments; then it is time for a new full list */
    YIMA_DENY_HEADER_SIZE = 112,
    YIMA_DENY_ACCOUNT_SIZE = 10,
    YIMA_DENY_DIGEST_SIZE = 32
};

typedef enum {
    YIMA_DENY_OK = 0,
    YIMA_DENY_TRUNCATED,   /* shorter than it says */
    YIMA_DENY_NOT_OURS,    /* magic or format version */
    YIMA_DENY_BAD_HEADER,  /* a value that cannot be, or sizes that do not add up */
    YIMA_DENY_NOT_FULL,    /* an increment where a full list belongs, or the other way round */
    YIMA_DENY_OTHER_BASE,  /* made for another state of the list than this one */
    YIMA_DENY_NOT_NEWER,   /* its version or its time lies behind the state it was made for */
    YIMA_DENY_OTHER_WORLD, /* test upon production, or the other way round */
    YIMA_DENY_TOO_MANY,    /* more increments than YIMA_DENY_LAYERS holds */
    YIMA_DENY_BAD_ORDER,   /* rows not ascending, or ranges that overlap */
    YIMA_DENY_BAD_INDEX,   /* the index does not lead to the rows */
    YIMA_DENY_BAD_DIGEST   /* not the bytes that its digest was made of */
} yima_deny_error;

/* One section: rows in ascending order. */
typedef struct {
    const uint8_t *rows;
    uint32_t count;
} yima_deny_rows;

/* One file. Its word on an account goes by: denied accounts, allowed accounts, denied ranges, allowed ranges. */
typedef struct {
    const uint8_t *image;
    const uint8_t *index;
    uint8_t index_bits;
    yima_deny_rows denied, allowed, denied_ranges, allowed_ranges;
} yima_deny_layer;

/* An open list. Fields are the core's own. */
typedef struct {
    uint32_t count;
    yima_deny_layer layers[YIMA_DENY_LAYERS]; /* the full list first, the newest increment last */
} yima_deny;

/* Opens a full list. On an error nothing is open, and *offset (if not NULL) receives the byte that shows it. */
yima_deny_error yima_deny_open(yima_deny *d, const uint8_t *image, size_t size, size_t *offset);

/* Lays an increment upon an open list. On an error the list stays as it was. */
yima_deny_error yima_deny_add(yima_deny *d, const uint8_t *increment, size_t size, size_t *offset);

/* Looks at every byte of one file, full or increment: digest, order, index. Before a file is taken into service. */
yima_deny_error yima_deny_verify(const uint8_t *image, size_t size, size_t *offset);

/* 1 if the card account (field 5, 10 bytes) is denied; exact. */
int yima_deny_has(const yima_deny *d, const uint8_t *card_account);

/* What the newest file says of itself: its number, when the list was drawn up (unix seconds; for a maximum age), and
 * the digest that names this state of the list (32 bytes within the file). The list must be open. */
uint32_t yima_deny_version(const yima_deny *d);
uint32_t yima_deny_issued_at(const yima_deny *d);
const uint8_t *yima_deny_digest(const yima_deny *d);
uint8_t yima_deny_environment(const yima_deny *d); /* 1 production, 2 test */

#ifdef __cplusplus
}
#endif
#endif
