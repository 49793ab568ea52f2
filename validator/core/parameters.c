/* parameters.c - the parameter image, read in place.
 *
 * Everything is big-endian, without padding, so an image reads the same from a file and from a board's flash:
 *
 *   header, 20 bytes
 *     0  magic "YIMP"
 *     4  format (2): 1
 *     6  number of sections (2)
 *     8  size of the image (4); what follows it, such as erased flash, is not looked at
 *    12  environment (1): 1 production, 2 test
 *    13  zero (3)
 *    16  version of the parameters (4)
 *   directory, 12 bytes a section
 *     0  id (2)   2  bytes a row (2)   4  number of rows (4)   8  offset of the first row in the image (4)
 *   rows
 *
 *   id  rows          a row
 *    1  limits        max validity s (4), future tolerance s (4), debounce ms (4), account interval s (4),
 *                     versions (32), account types (32): sets of 256 bits; exactly one row
 *    2  fares         mode (1), zero (3), fen (4)
 *    3  roots         index (1), expiry year - 2000 (1), month (1; 0: no expiry known), zero (1), key x, y (64)
 *    4  whitelist     organisation (4), platform (4), issuer's city (4; 0: accepted everywhere), modes (1), zero (3)
 *    5  acceptance    riding city (4), issuer's city (4); without this section every city is accepted
 *    6  deny-list     first card account (10), last card account (10); ranges do not overlap
 *    7  time shifts   organisation (4), seconds (4, signed)
 *
 * Rows ascend strictly by their leading bytes, which is what they are searched by. An unknown section is refused: it
 * could hold a rule, and a rule that is not understood must not be passed over. The door checks all of it, so that
 * nothing behind it can read outside the image. */
#include "parameters.h"

#include "code.h"
#include "sm2.h"

enum {
    HEADER_SIZE = 20,
    ENTRY_SIZE = 12,
    FORMAT = 1,
    LIMITS = 1,
    FARES,
    ROOTS,
    WHITELIST,
    ACCEPTANCE,
    DENY,
    SHIFTS,
    KINDS
};

typedef struct {
    uint16_t row; /* its bytes */
    uint16_t key; /* how many of them rows ascend by */
    int (*check)(const uint8_t *row);
} section_kind;

static int check_limits(const uint8_t *row) {
    (void)row; /* every value has a meaning */
    return 1;
}

static int check_fare(const uint8_t *row) {
    return (row[0] == YIMA_MODE_BUS || row[0] == YIMA_MODE_METRO) && yima_be24(row + 1) == 0;
}

static int check_root(const uint8_t *row) {
    yima_sm2_key key;
    return row[1] <= 99 && row[2] <= 12 && (row[2] || !row[1]) && row[3] == 0 &&
           yima_sm2_best()->parse_key(&key, row + 4, 64);
}

static int check_pair(const uint8_t *row) {
    return row[12] != 0 && row[12] <= (YIMA_MODE_BUS | YIMA_MODE_METRO) && yima_be24(row + 13) == 0;
}

static int check_acceptance(const uint8_t *row) {
    return yima_be32(row) != 0 && yima_be32(row + 4) != 0;
}

static int check_range(const uint8_t *row) {
    return memcmp(row, row + YIMA_ACCOUNT_SIZE, YIMA_ACCOUNT_SIZE) <= 0;
}

static int check_shift(const uint8_t *row) {
    return yima_be32(row + 4) != 0;
}

static const section_kind kinds[KINDS] = {
    [LIMITS] = {80, 0, check_limits},        [FARES] = {8, 1, check_fare},
    [ROOTS] = {68, 1, check_root},           [WHITELIST] = {16, 8, check_pair},
    [ACCEPTANCE] = {8, 8, check_acceptance}, [DENY] = {2 * YIMA_ACCOUNT_SIZE, YIMA_ACCOUNT_SIZE, check_range},
    [SHIFTS] = {8, 8, check_shift},
};

static yima_parameters_error check_rows(unsigned id, const uint8_t *rows, uint32_t count, size_t *at) {
    const section_kind kind = kinds[id];
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *row = rows + (size_t)i * kind.row;
        *at = (size_t)i * kind.row;
        if (!kind.check(row)) {
            return YIMA_PARAMETERS_BAD_VALUE;
        }
        /* Of ranges, the next must begin behind the end of the one before. */
        const uint8_t *before = id == DENY ? row - YIMA_ACCOUNT_SIZE : row - kind.row;
        if (i > 0 && kind.key && memcmp(before, row, kind.key) >= 0) {
            return YIMA_PARAMETERS_UNSORTED;
        }
    }
    return YIMA_PARAMETERS_OK;
}

static yima_parameters_error open_section(yima_parameters *p, const uint8_t *entry, uint32_t first, size_t *offset) {
    const uint32_t id = yima_be16(entry);
    const uint32_t count = yima_be32(entry + 4);
    const uint32_t start = yima_be32(entry + 8);
    if (id < LIMITS || id >= KINDS || p->sections[id].rows || yima_be16(entry + 2) != kinds[id].row || start < first ||
        start > p->size || (uint64_t)count * kinds[id].row > p->size - start || (id == LIMITS && count != 1)) {
        return YIMA_PARAMETERS_BAD_SECTION;
    }
    size_t at = 0;
    const yima_parameters_error error = check_rows(id, p->image + start, count, &at);
    if (error != YIMA_PARAMETERS_OK) {
        *offset = start + at;
        return error;
    }
    p->sections[id].rows = p->image + start;
    p->sections[id].count = count;
    return YIMA_PARAMETERS_OK;
}

static yima_parameters_error open_image(yima_parameters *p, const uint8_t *image, size_t size, size_t *offset) {
    *offset = size;
    if (size < HEADER_SIZE) {
        return YIMA_PARAMETERS_TRUNCATED;
    }
    *offset = 0;
    if (memcmp(image, "YIMP", 4) != 0) {
        return YIMA_PARAMETERS_NOT_OURS;
    }
    *offset = 4;
    if (yima_be16(image + 4) != FORMAT) {
        return YIMA_PARAMETERS_NOT_OURS;
    }
    const uint32_t sections = yima_be16(image + 6);
    const uint32_t first = HEADER_SIZE + sections * ENTRY_SIZE;
    *offset = 8;
    if (yima_be32(image + 8) > size || yima_be32(image + 8) < first) {
        return YIMA_PARAMETERS_TRUNCATED;
    }
    *offset = 12;
    if (image[12] < 1 || image[12] > 2 || yima_be24(image + 13) != 0) {
        return YIMA_PARAMETERS_BAD_VALUE;
    }
    p->image = image;
    p->size = yima_be32(image + 8);
    for (uint32_t i = 0; i < sections; i++) {
        *offset = HEADER_SIZE + (size_t)i * ENTRY_SIZE;
        const yima_parameters_error error = open_section(p, image + *offset, first, offset);
        if (error != YIMA_PARAMETERS_OK) {
            return error;
        }
    }
    *offset = HEADER_SIZE;
    return p->sections[LIMITS].rows ? YIMA_PARAMETERS_OK : YIMA_PARAMETERS_BAD_SECTION;
}

yima_parameters_error yima_parameters_open(yima_parameters *p, const uint8_t *image, size_t size, size_t *offset) {
    size_t at = 0;
    memset(p, 0, sizeof *p);
    const yima_parameters_error error = open_image(p, image, size, &at);
    if (error != YIMA_PARAMETERS_OK) {
        memset(p, 0, sizeof *p);
        if (offset) {
            *offset = at;
        }
    }
    return error;
}

/* The number of rows whose leading bytes are less than the key, or not greater if `or_equal`. */
static uint32_t rows_below(const yima_parameters *p, unsigned id, const uint8_t *key, size_t size, int or_equal) {
    uint32_t low = 0;
    uint32_t high = p->sections[id].count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const int order = memcmp(p->sections[id].rows + (size_t)middle * kinds[id].row, key, size);
        if (order < 0 || (or_equal && order == 0)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static const uint8_t *row_at(const yima_parameters *p, unsigned id, uint32_t i) {
    return p->sections[id].rows + (size_t)i * kinds[id].row;
}

/* The first row that begins with these bytes, or NULL. */
static const uint8_t *find(const yima_parameters *p, unsigned id, const uint8_t *key, size_t size) {
    const uint32_t i = rows_below(p, id, key, size, 0);
    return i < p->sections[id].count && memcmp(row_at(p, id, i), key, size) == 0 ? row_at(p, id, i) : NULL;
}

uint32_t yima_limit(const yima_parameters *p, yima_limit_at at) {
    return yima_be32(p->sections[LIMITS].rows + at);
}

int yima_limit_allows(const yima_parameters *p, yima_limit_at set, uint8_t value) {
    return p->sections[LIMITS].rows[(unsigned)set + value / 8u] >> value % 8u & 1;
}

int yima_fare_of(const yima_parameters *p, uint8_t mode, uint32_t *fen) {
    const uint8_t *row = find(p, FARES, &mode, 1);
    if (row) {
        *fen = yima_be32(row + 4);
    }
    return row != NULL;
}

int yima_root_find(const yima_parameters *p, uint8_t index, yima_root *root) {
    const uint8_t *row = find(p, ROOTS, &index, 1);
    if (row) {
        root->expiry_months = row[2] ? (2000u + row[1]) * 12 + row[2] - 1 : UINT32_MAX;
        root->key = row + 4;
    }
    return row != NULL;
}

int yima_pair_find(const yima_parameters *p, const uint8_t *organisation_platform, yima_pair *pair) {
    const uint8_t *row = find(p, WHITELIST, organisation_platform, 8);
    if (row) {
        pair->city = yima_be32(row + 8);
        pair->modes = row[12];
    }
    return row != NULL;
}

int yima_city_accepted(const yima_parameters *p, uint32_t riding_city, uint32_t issuer_city) {
    uint8_t key[8];
    for (unsigned i = 0; i < 4; i++) {
        key[i] = (uint8_t)(riding_city >> (24 - 8 * i));
        key[4 + i] = (uint8_t)(issuer_city >> (24 - 8 * i));
    }
    return !p->sections[ACCEPTANCE].rows || find(p, ACCEPTANCE, key, sizeof key);
}

int yima_denied(const yima_parameters *p, const uint8_t *card_account) {
    const uint32_t i = rows_below(p, DENY, card_account, YIMA_ACCOUNT_SIZE, 1);
    return i > 0 && memcmp(card_account, row_at(p, DENY, i - 1) + YIMA_ACCOUNT_SIZE, YIMA_ACCOUNT_SIZE) <= 0;
}

int yima_shift_of(const yima_parameters *p, const uint8_t *organisation, uint32_t i, int32_t *shift) {
    const uint32_t at = rows_below(p, SHIFTS, organisation, YIMA_INSTITUTION_SIZE, 0) + i;
    if (at >= p->sections[SHIFTS].count || memcmp(row_at(p, SHIFTS, at), organisation, YIMA_INSTITUTION_SIZE) != 0) {
        return 0;
    }
    *shift = (int32_t)yima_be32(row_at(p, SHIFTS, at) + 4);
    return 1;
}
