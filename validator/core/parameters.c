/* parameters.c - the parameter image, read in place: the door that checks it, and the search in its rows.
 *
 * What an image is made of stands in parameters.def, from which most of the door's checks are made as well. The door
 * walks the sections whose rows decide by themselves. It does not walk the LARGE ones: who reads them checks every
 * number on the way, so nothing behind the door can read outside the image. */
#include "parameters.h"

#include "sm2.h"

enum { FORMAT = 4, PERCENT = 1, PERCENT_MAX = 1000, TIME_UNIX = 1, TIME_BCD = 2 };

/* How rows stand, see parameters.def. */
typedef enum { ONE, SORTED, DATED, RANGES, LISTED, LARGE } row_order;

typedef struct {
    uint16_t row; /* its bytes */
    uint16_t key; /* how many of them rows ascend by */
    row_order order;
} section_kind;

static const section_kind kinds[YIMA_SECTION_KINDS] = {
#define YIMA_SECTION(number, name, row, key, rows, meaning) [number] = {(row), (key), rows},
#define YIMA_FIELD(section, name, offset, bytes, form, range, meaning)
#define YIMA_END(name)
#include "parameters.def"
};

_Static_assert(YIMA_SECTION_KINDS <=
                   sizeof(((yima_parameters *)0)->sections) / sizeof(((yima_parameters *)0)->sections[0]),
               "yima_parameters has a place for every section");
_Static_assert(YIMA_RULE_NAME_MAX + 1 == YIMA_NAMES_SIZE_NAME, "a rule's name ends with a zero");

/* Fields lie where the table says: one behind the other, from the first byte of a row to its last. */
/* clang-format off */
#define YIMA_PART(name, bytes, meaning) typedef struct {
#define YIMA_SECTION(number, name, row, key, rows, meaning) typedef struct {
#define YIMA_FIELD(section, name, offset, bytes, form, range, meaning) uint8_t name[bytes];
#define YIMA_END(name) } name##_bytes;
#include "parameters.def"
#define YIMA_PART(name, bytes, meaning) _Static_assert(sizeof(name##_bytes) == (bytes), #name);
#define YIMA_SECTION(number, name, row, key, rows, meaning) _Static_assert(sizeof(name##_bytes) == (row), #name);
#define YIMA_FIELD(section, name, offset, bytes, form, range, meaning) \
    _Static_assert(offsetof(section##_bytes, name) == (offset), #section ": " #name);
#define YIMA_END(name)
#include "parameters.def"
/* clang-format on */

static int is_between(uint32_t value, uint32_t least, uint32_t most) {
    return value - least <= most - least;
}

static int is_zero(const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (bytes[i]) {
            return 0;
        }
    }
    return 1;
}

static int is_key(const uint8_t *xy) {
    yima_sm2_key key;
    return yima_sm2_best()->parse_key(&key, xy, 64);
}

static int is_name(const uint8_t *name, size_t size) {
    size_t length = 0;
    while (length < size && name[length] > 0x20 && name[length] < 0x7f) {
        length++;
    }
    return length > 0 && length < size && is_zero(name + length, size - length);
}

/* What the table demands of each field by itself. Of a LARGE section it demands nothing here. */
static int values_good(unsigned id, const uint8_t *row) {
    /* clang-format off */
#define GOOD_NUMBER(p, bytes, range) is_between(YIMA_NUMBER(p, bytes), LEAST range, MOST range)
#define LEAST(least, most) (least)
#define MOST(least, most) (most)
#define GOOD_SIGNED(p, bytes, range) (YIMA_NUMBER(p, bytes) != 0)
#define GOOD_BYTES(p, bytes, range) 1
#define GOOD_SET(p, bytes, range) 1
#define GOOD_NAME(p, bytes, range) is_name(p, bytes)
#define GOOD_TEXT(p, bytes, range) 1
#define GOOD_KEY(p, bytes, range) is_key(p)
#define GOOD_ZERO(p, bytes, range) is_zero(p, bytes)
    switch (id) {
#define YIMA_SECTION(number, name, row, key, rows, meaning) case number: return rows == LARGE || (1
#define YIMA_FIELD(section, name, offset, bytes, form, range, meaning) && GOOD_##form(row + (offset), bytes, range)
#define YIMA_END(name) );
#include "parameters.def"
    default:
        return 0;
    }
    /* clang-format on */
}

/* Bytes that a time of this form takes in field 14. */
static uint32_t time_size(uint32_t form) {
    return form == TIME_UNIX ? 4 : form == TIME_BCD ? 7 : 0;
}

/* What one field of a row demands of another. */
static int fields_agree(unsigned id, const uint8_t *row) {
    uint32_t size;
    switch (id) {
    case YIMA_SECTION_LIMITS: /* family 0 is: unknown */
        return !(YIMA_VALUE(row, LIMITS, FAMILIES) & 1);
    case YIMA_SECTION_FARES: /* numbers of lines are a city's own */
        return !YIMA_VALUE(row, FARES, LINE) || YIMA_VALUE(row, FARES, CITY);
    case YIMA_SECTION_ROOTS:
        return YIMA_VALUE(row, ROOTS, EXPIRY_MONTH) || !YIMA_VALUE(row, ROOTS, EXPIRY_YEAR);
    case YIMA_SECTION_DENY:
        return memcmp(YIMA_PLACE(row, DENY, FIRST), YIMA_PLACE(row, DENY, LAST), YIMA_DENY_SIZE_LAST) <= 0;
    case YIMA_SECTION_CONCESSIONS:
        return (YIMA_VALUE(row, CONCESSIONS, KIND) != PERCENT || YIMA_VALUE(row, CONCESSIONS, VALUE) <= PERCENT_MAX) &&
               (!YIMA_VALUE(row, CONCESSIONS, LINE) || YIMA_VALUE(row, CONCESSIONS, RIDING_CITY));
    case YIMA_SECTION_DAYS:
        return YIMA_VALUE(row, DAYS, FIRST) <= YIMA_VALUE(row, DAYS, LAST);
    case YIMA_SECTION_BANDS:
        return YIMA_VALUE(row, BANDS, FROM_MIN) < YIMA_VALUE(row, BANDS, TO_MIN);
    case YIMA_SECTION_DECODERS:
        size = YIMA_VALUE(row, DECODERS, STATION_SIZE);
        return size != 3 && YIMA_VALUE(row, DECODERS, STATION_AT) + size <= YIMA_ISSUER_DATA_MAX &&
               YIMA_VALUE(row, DECODERS, TIME_AT) + time_size(YIMA_VALUE(row, DECODERS, TIME_FORM)) <=
                   YIMA_ISSUER_DATA_MAX;
    case YIMA_SECTION_REVOKED: /* what is not told is zeros, by which it is searched */
        size = YIMA_VALUE(row, REVOKED, TOLD);
        return (size & YIMA_REVOKED_OF_ORGANISATION ||
                is_zero(YIMA_PLACE(row, REVOKED, ORGANISATION), YIMA_REVOKED_SIZE_ORGANISATION)) &&
               (size & YIMA_REVOKED_OF_SERIAL || is_zero(YIMA_PLACE(row, REVOKED, SERIAL), YIMA_REVOKED_SIZE_SERIAL));
    case YIMA_SECTION_RESOLVED:
        size = YIMA_VALUE(row, RESOLVED, PREFIX_SIZE);
        return is_zero(YIMA_PLACE(row, RESOLVED, PREFIX) + size, YIMA_RESOLVED_SIZE_PREFIX - size);
    default:
        return 1;
    }
}

/* Whether the time of a dated row has a moment in it. */
static int has_time(section_kind kind, const uint8_t *row) {
    return yima_be32(row + kind.key) < yima_be32(row + kind.key + 4);
}

/* Whether a row may stand behind the one before it. */
static int ascends(section_kind kind, const uint8_t *before, const uint8_t *row) {
    if (kind.order == RANGES) { /* the next must begin behind the end of the one before, which follows its key */
        before += kind.key;
    }
    const int order = memcmp(before, row, kind.key);
    if (kind.order == DATED && order == 0) {
        return yima_be32(before + kind.key + 4) <= yima_be32(row + kind.key);
    }
    return kind.order == LISTED || order < 0;
}

static yima_parameters_error check_rows(unsigned id, const uint8_t *rows, uint32_t count, size_t *at) {
    const section_kind kind = kinds[id];
    for (uint32_t i = 0; kind.order != LARGE && i < count; i++) {
        const uint8_t *row = rows + (size_t)i * kind.row;
        *at = (size_t)i * kind.row;
        if (!values_good(id, row) || !fields_agree(id, row) || (kind.order == DATED && !has_time(kind, row))) {
            return YIMA_PARAMETERS_BAD_VALUE;
        }
        if (i > 0 && !ascends(kind, row - kind.row, row)) {
            return YIMA_PARAMETERS_UNSORTED;
        }
    }
    return YIMA_PARAMETERS_OK;
}

static yima_parameters_error open_section(yima_parameters *p, const uint8_t *entry, uint32_t first, size_t *offset) {
    const uint32_t id = YIMA_VALUE(entry, ENTRY, SECTION);
    const uint32_t count = YIMA_VALUE(entry, ENTRY, ROWS);
    const uint32_t start = YIMA_VALUE(entry, ENTRY, START);
    if (id < 1 || id >= YIMA_SECTION_KINDS || !kinds[id].row || p->sections[id].rows ||
        YIMA_VALUE(entry, ENTRY, ROW_SIZE) != kinds[id].row || start < first || start > p->size ||
        (uint64_t)count * kinds[id].row > p->size - start || (kinds[id].order == ONE && count != 1)) {
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
    if (size < YIMA_HEADER_SIZE) {
        return YIMA_PARAMETERS_TRUNCATED;
    }
    *offset = YIMA_HEADER_AT_MAGIC;
    if (memcmp(YIMA_PLACE(image, HEADER, MAGIC), "YIMP", YIMA_HEADER_SIZE_MAGIC) != 0) {
        return YIMA_PARAMETERS_NOT_OURS;
    }
    *offset = YIMA_HEADER_AT_FORMAT;
    if (YIMA_VALUE(image, HEADER, FORMAT) != FORMAT) {
        return YIMA_PARAMETERS_NOT_OURS;
    }
    const uint32_t sections = YIMA_VALUE(image, HEADER, SECTIONS);
    const uint32_t first = YIMA_HEADER_SIZE + sections * YIMA_ENTRY_SIZE;
    *offset = YIMA_HEADER_AT_SIZE;
    p->size = YIMA_VALUE(image, HEADER, SIZE);
    if (p->size > size || p->size < first) {
        return YIMA_PARAMETERS_TRUNCATED;
    }
    *offset = YIMA_HEADER_AT_ENVIRONMENT;
    if (!is_between(YIMA_VALUE(image, HEADER, ENVIRONMENT), 1, 2) ||
        !is_zero(YIMA_PLACE(image, HEADER, ZERO), YIMA_HEADER_SIZE_ZERO)) {
        return YIMA_PARAMETERS_BAD_VALUE;
    }
    p->image = image;
    for (uint32_t i = 0; i < sections; i++) {
        *offset = YIMA_HEADER_SIZE + (size_t)i * YIMA_ENTRY_SIZE;
        const yima_parameters_error error = open_section(p, image + *offset, first, offset);
        if (error != YIMA_PARAMETERS_OK) {
            return error;
        }
    }
    *offset = YIMA_HEADER_SIZE;
    return p->sections[YIMA_SECTION_LIMITS].rows ? YIMA_PARAMETERS_OK : YIMA_PARAMETERS_BAD_SECTION;
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

uint32_t yima_rows_below(const yima_parameters *p, unsigned id, const uint8_t *key, size_t size, int or_equal) {
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

const uint8_t *yima_row(const yima_parameters *p, unsigned section, uint64_t i) {
    return i < p->sections[section].count ? p->sections[section].rows + (size_t)i * kinds[section].row : NULL;
}

const uint8_t *yima_row_from(const yima_parameters *p, unsigned section, const uint8_t *key, size_t size) {
    return yima_row(p, section, yima_rows_below(p, section, key, size, 0));
}

const uint8_t *yima_row_find(const yima_parameters *p, unsigned section, const uint8_t *key, size_t size) {
    const uint8_t *row = yima_row_from(p, section, key, size);
    return row && memcmp(row, key, size) == 0 ? row : NULL;
}

const uint8_t *yima_dated_find(const yima_parameters *p, unsigned section, const uint8_t *key, uint32_t now,
                               int *later) {
    const size_t size = kinds[section].key;
    const uint8_t *last = NULL; /* the last of this key that has begun */
    const uint8_t *row;
    for (uint32_t i = yima_rows_below(p, section, key, size, 0);
         (row = yima_row(p, section, i)) && memcmp(row, key, size) == 0 && yima_be32(row + size) <= now; i++) {
        last = row;
    }
    if (later) {
        *later = row && memcmp(row, key, size) == 0;
    }
    if (!last) {
        return NULL;
    }
    const uint32_t to = yima_be32(last + size + 4);
    return now < to || to == UINT32_MAX ? last : NULL;
}
