/* deny.c - the deny-list of national size: ten million accounts, looked up in place in well under a microsecond.
 *
 * Everything is big-endian, without padding; nothing needs to be aligned. One file:
 *
 *   header, 112 bytes
 *     0  magic "YIMD"
 *     4  format (2): 1
 *     6  kind (1): 1 full list, 2 increment
 *     7  environment (1): 1 production, 2 test
 *     8  size of the file (4); what follows it, such as erased flash, is not looked at
 *    12  version (4)
 *    16  when the list was drawn up, unix seconds (4)
 *    20  bits of the index (1): 0 to 24
 *    21  zero (3)
 *    24  number of denied accounts (4)
 *    28  of allowed accounts (4)
 *    32  of denied ranges (4)
 *    36  of allowed ranges (4)
 *    40  version of the state it was made for (4); 0 in a full list
 *    44  zero (4)
 *    48  digest of the state it was made for (32); zeros in a full list
 *    80  digest (32): SM3 of all bytes of the file but these; it names the state that this file makes
 *   index: for each value of the leading bits of a mixed account, the number of denied accounts up to its end (4)
 *   denied accounts, allowed accounts: mixed (10 each), ascending
 *   denied ranges, allowed ranges: first and last card account (10 + 10), both within it, ascending, not overlapping
 *
 * Accounts begin with their issuer's number and count up, so an index over their leading digits would be empty here and
 * crowded there. Hence they are stored mixed: the first four bytes go through a bijection that depends on the other
 * six. Mixed accounts spread evenly, a bucket of the index holds some ten of them, and equal stays equal. Were they
 * crowded all the same, the search within a bucket is by halves.
 *
 * Ranges compare bytes: F padding lies after 9. A full list has no allowed ranges; its allowed accounts are exceptions
 * from its ranges. An increment's say on an account overrules what lies below it; where it says nothing, the file below
 * speaks. In it a range speaks for every account within: the single ones of the files below too. */
#include "bytes.h"
#include "sm3.h"
#include "yima/deny.h"

enum {
    FORMAT = 1,
    FULL = 1,
    INCREMENT = 2,
    ACCOUNT = YIMA_DENY_ACCOUNT_SIZE,
    RANGE = 2 * ACCOUNT,
    INDEX_BITS_MOST = 24,
    AT_KIND = 6,
    AT_ENVIRONMENT = 7,
    AT_SIZE = 8,
    AT_VERSION = 12,
    AT_ISSUED = 16,
    AT_INDEX_BITS = 20,
    AT_COUNTS = 24,
    AT_BASE_VERSION = 40,
    AT_BASE = 48,
    AT_DIGEST = 80
};

/* A bijection of 32 bits in which every bit moves every other: the finaliser of MurmurHash3 (public domain). */
static uint32_t stir(uint32_t x) {
    x ^= x >> 16;
    x *= 0x85EBCA6Bu;
    x ^= x >> 13;
    x *= 0xC2B2AE35u;
    return x ^ x >> 16;
}

static void mix(uint8_t mixed[ACCOUNT], const uint8_t *account) {
    const uint32_t tail = stir(yima_be32(account + 4) ^ stir(yima_be16(account + 8)));
    const uint32_t head = stir(yima_be32(account) ^ tail);
    for (unsigned i = 0; i < 4; i++) mixed[i] = (uint8_t)(head >> (24 - 8 * i));
    memcpy(mixed + 4, account + 4, ACCOUNT - 4);
}

static uint32_t bucket_of(const yima_deny_layer *layer, const uint8_t *mixed) {
    return layer->index_bits ? yima_be32(mixed) >> (32 - layer->index_bits) : 0;
}

static int is_zero(const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (bytes[i]) return 0;
    }
    return 1;
}

/* Takes the next section off what is left of the file. */
static yima_deny_rows take(const uint8_t **at, const uint8_t *count, size_t row) {
    const yima_deny_rows rows = {*at, yima_be32(count)};
    *at += rows.count * row;
    return rows;
}

static yima_deny_error check_header(const uint8_t *image, size_t size, size_t *offset) {
    *offset = 0;
    if (size >= 4 && memcmp(image, "YIMD", 4) != 0) return YIMA_DENY_NOT_OURS;
    *offset = size;
    if (size < YIMA_DENY_HEADER_SIZE) return YIMA_DENY_TRUNCATED;
    *offset = 4;
    if (yima_be16(image + 4) != FORMAT) return YIMA_DENY_NOT_OURS;
    *offset = AT_KIND;
    if (image[AT_KIND] != FULL && image[AT_KIND] != INCREMENT) return YIMA_DENY_BAD_HEADER;
    *offset = AT_ENVIRONMENT;
    if (image[AT_ENVIRONMENT] < 1 || image[AT_ENVIRONMENT] > 2) return YIMA_DENY_BAD_HEADER;
    *offset = AT_INDEX_BITS;
    if (image[AT_INDEX_BITS] > INDEX_BITS_MOST || yima_be24(image + AT_INDEX_BITS + 1)) return YIMA_DENY_BAD_HEADER;
    *offset = AT_BASE_VERSION;
    if (yima_be32(image + AT_BASE_VERSION + 4)) return YIMA_DENY_BAD_HEADER;
    if (image[AT_KIND] == FULL && (!is_zero(image + AT_BASE_VERSION, AT_DIGEST - AT_BASE_VERSION))) {
        return YIMA_DENY_BAD_HEADER;
    }
    *offset = AT_COUNTS + 12;
    if (image[AT_KIND] == FULL && yima_be32(image + AT_COUNTS + 12)) return YIMA_DENY_BAD_HEADER;
    *offset = AT_SIZE;
    const uint64_t accounts = (uint64_t)yima_be32(image + AT_COUNTS) + yima_be32(image + AT_COUNTS + 4);
    const uint64_t ranges = (uint64_t)yima_be32(image + AT_COUNTS + 8) + yima_be32(image + AT_COUNTS + 12);
    if (yima_be32(image + AT_SIZE) !=
        YIMA_DENY_HEADER_SIZE + ((uint64_t)4 << image[AT_INDEX_BITS]) + accounts * ACCOUNT + ranges * RANGE) {
        return YIMA_DENY_BAD_HEADER;
    }
    return yima_be32(image + AT_SIZE) > size ? YIMA_DENY_TRUNCATED : YIMA_DENY_OK;
}

static yima_deny_error open_layer(yima_deny_layer *layer, const uint8_t *image, size_t size, size_t *offset) {
    const yima_deny_error error = check_header(image, size, offset);
    if (error != YIMA_DENY_OK) return error;
    layer->image = image;
    layer->index = image + YIMA_DENY_HEADER_SIZE;
    layer->index_bits = image[AT_INDEX_BITS];
    const uint8_t *at = layer->index + ((size_t)4 << layer->index_bits);
    layer->denied = take(&at, image + AT_COUNTS, ACCOUNT);
    layer->allowed = take(&at, image + AT_COUNTS + 4, ACCOUNT);
    layer->denied_ranges = take(&at, image + AT_COUNTS + 8, RANGE);
    layer->allowed_ranges = take(&at, image + AT_COUNTS + 12, RANGE);
    return YIMA_DENY_OK;
}

yima_deny_error yima_deny_open(yima_deny *d, const uint8_t *image, size_t size, size_t *offset) {
    size_t at = 0;
    memset(d, 0, sizeof *d);
    yima_deny_error error = open_layer(&d->layers[0], image, size, &at);
    if (error == YIMA_DENY_OK && image[AT_KIND] != FULL) {
        at = AT_KIND;
        error = YIMA_DENY_NOT_FULL;
    }
    if (error != YIMA_DENY_OK) {
        if (offset) *offset = at;
        return error;
    }
    d->count = 1;
    return YIMA_DENY_OK;
}

/* Whether this increment was made for this state of the list. */
static yima_deny_error check_base(const yima_deny *d, const uint8_t *increment, size_t *offset) {
    *offset = AT_KIND;
    if (increment[AT_KIND] != INCREMENT) return YIMA_DENY_NOT_FULL;
    *offset = AT_ENVIRONMENT;
    if (increment[AT_ENVIRONMENT] != yima_deny_environment(d)) return YIMA_DENY_OTHER_WORLD;
    *offset = AT_BASE;
    if (memcmp(increment + AT_BASE, yima_deny_digest(d), YIMA_DENY_DIGEST_SIZE) != 0) return YIMA_DENY_OTHER_BASE;
    *offset = AT_BASE_VERSION;
    if (yima_be32(increment + AT_BASE_VERSION) != yima_deny_version(d)) return YIMA_DENY_OTHER_BASE;
    *offset = AT_VERSION;
    if (yima_be32(increment + AT_VERSION) <= yima_deny_version(d)) return YIMA_DENY_NOT_NEWER;
    *offset = AT_ISSUED;
    return yima_be32(increment + AT_ISSUED) < yima_deny_issued_at(d) ? YIMA_DENY_NOT_NEWER : YIMA_DENY_OK;
}

yima_deny_error yima_deny_add(yima_deny *d, const uint8_t *increment, size_t size, size_t *offset) {
    size_t at = 0;
    yima_deny_layer layer = {0};
    yima_deny_error error = open_layer(&layer, increment, size, &at);
    if (error == YIMA_DENY_OK) error = check_base(d, increment, &at);
    if (error == YIMA_DENY_OK && d->count == YIMA_DENY_LAYERS) {
        at = 0; /* no byte of it is wrong */
        error = YIMA_DENY_TOO_MANY;
    }
    if (error != YIMA_DENY_OK) {
        if (offset) *offset = at;
        return error;
    }
    d->layers[d->count++] = layer;
    return YIMA_DENY_OK;
}

/* Accounts ascend strictly, each range begins behind the end of the one before. `key`: how far apart the two ends of a
 * row are; 0 for accounts. */
static int in_order(yima_deny_rows rows, size_t key, const uint8_t **at) {
    const size_t row = key + ACCOUNT;
    *at = rows.rows;
    for (uint32_t i = 0; i < rows.count; i++, *at += row) {
        if ((i > 0 && memcmp(*at - ACCOUNT, *at, ACCOUNT) >= 0) || memcmp(*at, *at + key, ACCOUNT) > 0) return 0;
    }
    return 1;
}

/* Every row lies in the bucket that its leading bits say, and the last bucket ends with the last row. */
static int index_leads(const yima_deny_layer *layer, const uint8_t **at) {
    const uint32_t buckets = (uint32_t)1 << layer->index_bits;
    uint32_t row = 0;
    for (uint32_t bucket = 0; bucket < buckets; bucket++) {
        *at = layer->index + (size_t)4 * bucket;
        const uint32_t end = yima_be32(*at);
        if (end < row || end > layer->denied.count) return 0;
        for (; row < end; row++) {
            if (bucket_of(layer, layer->denied.rows + (size_t)row * ACCOUNT) != bucket) return 0;
        }
    }
    return row == layer->denied.count;
}

static int digest_agrees(const uint8_t *image) {
    const size_t after = AT_DIGEST + YIMA_DENY_DIGEST_SIZE;
    uint8_t digest[YIMA_DENY_DIGEST_SIZE];
    yima_sm3_state state;
    yima_sm3_init(&state);
    yima_sm3_update(&state, image, AT_DIGEST);
    yima_sm3_update(&state, image + after, yima_be32(image + AT_SIZE) - after);
    yima_sm3_final(&state, digest);
    return memcmp(digest, image + AT_DIGEST, sizeof digest) == 0;
}

static yima_deny_error verify(const uint8_t *image, size_t size, size_t *offset) {
    yima_deny_layer layer = {0};
    const yima_deny_error error = open_layer(&layer, image, size, offset);
    if (error != YIMA_DENY_OK) return error;
    *offset = AT_DIGEST;
    if (!digest_agrees(image)) return YIMA_DENY_BAD_DIGEST;
    const uint8_t *at = image;
    const int ordered = in_order(layer.denied, 0, &at) && in_order(layer.allowed, 0, &at) &&
                        in_order(layer.denied_ranges, ACCOUNT, &at) && in_order(layer.allowed_ranges, ACCOUNT, &at);
    const int leads = ordered && index_leads(&layer, &at);
    *offset = (size_t)(at - image);
    return !ordered ? YIMA_DENY_BAD_ORDER : leads ? YIMA_DENY_OK : YIMA_DENY_BAD_INDEX;
}

yima_deny_error yima_deny_verify(const uint8_t *image, size_t size, size_t *offset) {
    size_t at = 0;
    const yima_deny_error error = verify(image, size, &at);
    if (error != YIMA_DENY_OK && offset) *offset = at;
    return error;
}

/* The number of rows from `low` to `high` whose first account is not greater than this one, counted from row 0. */
static uint32_t rows_up_to(const uint8_t *rows, size_t row, uint32_t low, uint32_t high, const uint8_t *account) {
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (memcmp(rows + middle * row, account, ACCOUNT) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static int has_account(yima_deny_rows rows, uint32_t low, uint32_t high, const uint8_t *mixed) {
    const uint32_t i = rows_up_to(rows.rows, ACCOUNT, low, high, mixed);
    return i > low && memcmp(rows.rows + (size_t)(i - 1) * ACCOUNT, mixed, ACCOUNT) == 0;
}

static int has_range(yima_deny_rows ranges, const uint8_t *account) {
    const uint32_t i = rows_up_to(ranges.rows, RANGE, 0, ranges.count, account);
    return i > 0 && memcmp(account, ranges.rows + (size_t)i * RANGE - ACCOUNT, ACCOUNT) <= 0;
}

/* Through the index. It is read once and bounded, so that one which leads astray cannot lead outside. */
static int is_denied(const yima_deny_layer *layer, const uint8_t *mixed) {
    const uint32_t bucket = bucket_of(layer, mixed);
    const uint8_t *entry = layer->index + (size_t)4 * bucket;
    const uint32_t low = bucket ? yima_be32(entry - 4) : 0;
    const uint32_t high = yima_be32(entry);
    return high <= layer->denied.count && has_account(layer->denied, low, high, mixed);
}

int yima_deny_has(const yima_deny *d, const uint8_t *card_account) {
    uint8_t mixed[ACCOUNT];
    mix(mixed, card_account);
    for (uint32_t i = d->count; i-- > 0;) {
        const yima_deny_layer *layer = &d->layers[i];
        if (is_denied(layer, mixed)) return 1;
        if (has_account(layer->allowed, 0, layer->allowed.count, mixed)) return 0;
        if (has_range(layer->denied_ranges, card_account)) return 1;
        if (has_range(layer->allowed_ranges, card_account)) return 0;
    }
    return 0;
}

static const uint8_t *newest(const yima_deny *d) {
    return d->layers[d->count - 1].image;
}

uint32_t yima_deny_version(const yima_deny *d) {
    return yima_be32(newest(d) + AT_VERSION);
}

uint32_t yima_deny_issued_at(const yima_deny *d) {
    return yima_be32(newest(d) + AT_ISSUED);
}

const uint8_t *yima_deny_digest(const yima_deny *d) {
    return newest(d) + AT_DIGEST;
}

uint8_t yima_deny_environment(const yima_deny *d) {
    return newest(d)[AT_ENVIRONMENT];
}
