/* parameters.c - the parameter image, read in place: its form, and the door that checks it.
 *
 * Everything is big-endian, without padding, so an image reads the same from a file and from a board's flash:
 *
 *   header, 20 bytes
 *     0  magic "YIMP"
 *     4  format (2): 2
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
 *    1  limits        max validity s (4), future tolerance s (4), debounce ms (4), account interval s (4), versions
 *                     (32), account types (32): sets of 256 bits; families (4, bit n: yima_family n), maximum age of
 *                     lists s (4; 0: any), when they were issued (4; 0: not told), maximum time offline s (4; 0: any);
 *                     exactly one row
 *    2  fares         mode (1), zero (1), line (2; 0: any), city (4; 0: any) | from (4), to (4) | kind (1: 1 flat,
 *                     2 by distance stage, 3 matrix), zero (1), rule (2), fen (4), table (2), zero (2)
 *    3  roots         index (1), expiry year - 2000 (1), month (1; 0: no expiry known), zero (1), key x, y (64)
 *    4  whitelist     organisation (4), platform (4), issuer's city (4; 0: accepted everywhere), modes (1), zero (3)
 *    5  acceptance    riding city (4), mode (1), zero (3), issuer's city (4) | from (4), to (4); without this section
 *                     every city is accepted
 *    6  deny-list     first card account (10), last card account (10); ranges do not overlap
 *    7  time shifts   organisation (4), seconds (4, signed)
 *    8  names         of rules: ASCII, filled up with zeros (32); a rule is a row's number, counted from 1
 *    9  concessions   account type (2; 0100: any), mode (1; 0: any), zero (1), issuer's city (4; 0: any), riding city
 *                     (4; 0: any) | from (4), to (4) | kind (1: 1 percent, 2 fen), zero (1), rule (2), value (4)
 *   10  transfers     mode (1), zero (3), city (4; 0: any) | within s (4), value (4), kind (1: 1 percent, 2 fen less),
 *                     zero (1), rule (2)
 *   11  journeys      mode (1), zero (3), city (4; 0: any) | longest s (4; 0: any), over-time fen (4), missing entry
 *                     fen (4), unreadable entry fen (4), least cap at entry fen (4); missing exit, missing entry,
 *                     unreadable entry (1 each: 1 refuse, 2 accept), zero (1); the rules over-time, missing entry,
 *                     unreadable entry, missing exit (2 each)
 *   12  decoders      organisation (4) | offsets in field 14 of: state (1), entry station (1), entry time (1); bytes of
 *                     the station (1: 1, 2 or 4), its form (1: 1 binary, 2 BCD), form of the time (1: 0 there is none,
 *                     1 unix seconds, 2 BCD yyyyMMddHHmmss in UTC+8), zero (2), states that mean "inside" (32)
 *   13  stations      mode (1), zero (1), line (2), city (4), station (2), zero (2) | metres from the line's start (4)
 *   14  stages        table (2), zero (2), up to metres (4; FFFFFFFF: the rest) | fen (4)
 *   15  matrices      table (2) | stations n (2), number of the first of its n * n cells (4)
 *   16  axes          table (2), station (2) | place in the matrix (2), zero (2)
 *   17  cells         fen (2; FFFF: there is no such ride), by entry, then by exit
 *   18  reader        baud (4), silence that ends a frame ms (2), bytes of prefix (1) and of suffix (1), prefix (8),
 *                     suffix (8); at most one row
 *   19  labels        kind (1: 1 city, 2 line, 3 station, 4 organisation), mode (1), line (2), number (4), station (2)
 *                     | UTF-8, filled up with zeros (54); for people only
 *   20  suishen keys  index (1) | zero (3), key x, y (64): of the outer signature
 *   21  transport     index (1) | modes (1: where codes under it ride), zero (2), key x, y (64): of the second
 * signature 22  226-byte form issuer's key id (4) | issuer's city (4; 0: accepted everywhere), cap fen (4), modes (1),
 * zero (3), key x, y (64); city, cap and modes stand here because no known field of that form has them 23  resolved
 * prefix of a code that only its issuer can verify (32, filled up with zeros) | its length (1), family (1), modes (1),
 * zero (1), issuer's city (4; 0: accepted everywhere), deadline ms (4), for how long an accepted code is a repeat s
 * (4), what this device may have out at risk: fen (4), rides (4; 0: refuses when the issuer cannot be reached)
 *
 * What stands before the first | is the key of a row. Rows ascend strictly by it, which is how they are searched; dated
 * rows (from inclusive, to exclusive, unix seconds; to FFFFFFFF: open) may repeat a key for times that do not overlap.
 *
 * An unknown section is refused: it could hold a rule, and a rule that is not understood must not be passed over. The
 * door walks the tables whose rows decide by themselves. It does not walk stations, axes, cells and labels, which may
 * be large: who reads them checks every number on the way, so nothing behind the door can read outside the image. */
#include "parameters.h"

#include "code.h"
#include "families.h"
#include "sm2.h"

enum {
    HEADER_SIZE = 20,
    ENTRY_SIZE = 12,
    FORMAT = 2,
    FEN_MAX = 0xffffff, /* field 9 holds no more, and no sum of fares overflows */
    ANY_ACCOUNT_TYPE = 0x100
};

typedef struct {
    uint16_t row;  /* its bytes */
    uint16_t key;  /* how many of them rows ascend by */
    uint8_t dated; /* from and to follow the key */
    uint8_t at_most_one;
    int (*check)(const uint8_t *row); /* NULL: the door does not walk it */
} section_kind;

static int is_mode(uint8_t mode) {
    return mode == YIMA_MODE_BUS || mode == YIMA_MODE_METRO;
}

static int is_policy(uint8_t policy) {
    return policy == 1 || policy == 2;
}

static int check_limits(const uint8_t *row) {
    const uint32_t families = yima_be32(row + YIMA_LIMIT_FAMILIES);
    return families >> YIMA_FAMILIES == 0 && !(families & 1); /* bit 0 would be: unknown */
}

static int check_fare(const uint8_t *row) {
    const uint32_t line = yima_be16(row + 2);
    return is_mode(row[0]) && row[1] == 0 && (!line || yima_be32(row + 4)) && row[16] >= 1 && row[16] <= 3 &&
           row[17] == 0 && yima_be32(row + 20) <= FEN_MAX && yima_be16(row + 26) == 0;
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
    return yima_be32(row) != 0 && is_mode(row[4]) && yima_be24(row + 5) == 0 && yima_be32(row + 8) != 0;
}

static int check_range(const uint8_t *row) {
    return memcmp(row, row + YIMA_ACCOUNT_SIZE, YIMA_ACCOUNT_SIZE) <= 0;
}

static int check_shift(const uint8_t *row) {
    return yima_be32(row + 4) != 0;
}

static int check_name(const uint8_t *row) {
    int i = 0;
    while (i < YIMA_RULE_NAME_MAX && row[i] > 0x20 && row[i] < 0x7f) {
        i++;
    }
    const int length = i;
    while (i <= YIMA_RULE_NAME_MAX && row[i] == 0) {
        i++;
    }
    return length > 0 && i == YIMA_RULE_NAME_MAX + 1;
}

static int check_concession(const uint8_t *row) {
    return yima_be16(row) <= ANY_ACCOUNT_TYPE && (row[2] == 0 || is_mode(row[2])) && row[3] == 0 &&
           (row[20] == 1 || row[20] == 2) && row[21] == 0 && yima_be32(row + 24) <= (row[20] == 1 ? 100 : FEN_MAX);
}

static int check_transfer(const uint8_t *row) {
    return is_mode(row[0]) && yima_be24(row + 1) == 0 && (row[16] == 1 || row[16] == 2) && row[17] == 0 &&
           yima_be32(row + 12) <= (row[16] == 1 ? 100 : FEN_MAX);
}

static int check_journey(const uint8_t *row) {
    for (int at = 12; at < 28; at += 4) {
        if (yima_be32(row + at) > FEN_MAX) {
            return 0;
        }
    }
    return is_mode(row[0]) && yima_be24(row + 1) == 0 && is_policy(row[28]) && is_policy(row[29]) &&
           is_policy(row[30]) && row[31] == 0;
}

static int check_decoder(const uint8_t *row) {
    const unsigned time_size = row[9] == 1 ? 4 : row[9] == 2 ? 7 : 0;
    return (row[7] == 1 || row[7] == 2 || row[7] == 4) && (row[8] == 1 || row[8] == 2) && row[9] <= 2 &&
           yima_be16(row + 10) == 0 && row[4] < YIMA_ISSUER_DATA_MAX && row[5] + row[7] <= YIMA_ISSUER_DATA_MAX &&
           row[6] + time_size <= YIMA_ISSUER_DATA_MAX;
}

static int check_stage(const uint8_t *row) {
    return yima_be16(row + 2) == 0 && yima_be32(row + 8) <= FEN_MAX;
}

static int check_matrix(const uint8_t *row) {
    return yima_be16(row + 2) != 0;
}

static int check_reader(const uint8_t *row) {
    return yima_be32(row) != 0 && row[6] <= 8 && row[7] <= 8;
}

static const section_kind kinds[YIMA_SECTION_KINDS] = {
    [YIMA_SECTION_LIMITS] = {.row = 96, .at_most_one = 1, .check = check_limits},
    [YIMA_SECTION_FARES] = {.row = 28, .key = 8, .dated = 1, .check = check_fare},
    [YIMA_SECTION_ROOTS] = {.row = 68, .key = 1, .check = check_root},
    [YIMA_SECTION_WHITELIST] = {.row = 16, .key = 8, .check = check_pair},
    [YIMA_SECTION_ACCEPTANCE] = {.row = 20, .key = 12, .dated = 1, .check = check_acceptance},
    [YIMA_SECTION_DENY] = {.row = 2 * YIMA_ACCOUNT_SIZE, .key = YIMA_ACCOUNT_SIZE, .check = check_range},
    [YIMA_SECTION_SHIFTS] = {.row = 8, .key = 8, .check = check_shift},
    [YIMA_SECTION_NAMES] = {.row = YIMA_RULE_NAME_MAX + 1, .check = check_name},
    [YIMA_SECTION_CONCESSIONS] = {.row = 28, .key = 12, .dated = 1, .check = check_concession},
    [YIMA_SECTION_TRANSFERS] = {.row = 20, .key = 8, .check = check_transfer},
    [YIMA_SECTION_JOURNEYS] = {.row = 40, .key = 8, .check = check_journey},
    [YIMA_SECTION_DECODERS] = {.row = 44, .key = 4, .check = check_decoder},
    [YIMA_SECTION_STATIONS] = {.row = 16, .key = 12},
    [YIMA_SECTION_STAGES] = {.row = 12, .key = 8, .check = check_stage},
    [YIMA_SECTION_MATRICES] = {.row = 8, .key = 2, .check = check_matrix},
    [YIMA_SECTION_AXES] = {.row = 8, .key = 4},
    [YIMA_SECTION_CELLS] = {.row = 2},
    [YIMA_SECTION_READER] = {.row = 24, .at_most_one = 1, .check = check_reader},
    [YIMA_SECTION_LABELS] = {.row = 64, .key = 10},
    [YIMA_SECTION_SUISHEN_KEYS] = {.row = 68, .key = 1, .check = yima_suishen_key_good},
    [YIMA_SECTION_SUISHEN_TRANSPORT_KEYS] = {.row = 68, .key = 1, .check = yima_transport_key_good},
    [YIMA_SECTION_MINISTRY_226_KEYS] = {.row = 80, .key = 4, .check = yima_ministry_226_key_good},
    [YIMA_SECTION_RESOLVED] = {.row = 56, .key = YIMA_PREFIX_MAX, .check = yima_resolved_good},
};

/* Whether a row may stand behind the one before it. */
static int ascends(unsigned id, const uint8_t *before, const uint8_t *row) {
    const section_kind kind = kinds[id];
    if (id == YIMA_SECTION_DENY) { /* of ranges, the next must begin behind the end of the one before */
        before += YIMA_ACCOUNT_SIZE;
    }
    const int order = memcmp(before, row, kind.key);
    if (kind.dated && order == 0) {
        return yima_be32(before + kind.key + 4) <= yima_be32(row + kind.key);
    }
    return !kind.key || order < 0;
}

static yima_parameters_error check_rows(unsigned id, const uint8_t *rows, uint32_t count, size_t *at) {
    const section_kind kind = kinds[id];
    for (uint32_t i = 0; kind.check && i < count; i++) {
        const uint8_t *row = rows + (size_t)i * kind.row;
        *at = (size_t)i * kind.row;
        if (!kind.check(row) || (kind.dated && yima_be32(row + kind.key) >= yima_be32(row + kind.key + 4))) {
            return YIMA_PARAMETERS_BAD_VALUE;
        }
        if (i > 0 && !ascends(id, row - kind.row, row)) {
            return YIMA_PARAMETERS_UNSORTED;
        }
    }
    return YIMA_PARAMETERS_OK;
}

static yima_parameters_error open_section(yima_parameters *p, const uint8_t *entry, uint32_t first, size_t *offset) {
    const uint32_t id = yima_be16(entry);
    const uint32_t count = yima_be32(entry + 4);
    const uint32_t start = yima_be32(entry + 8);
    if (id < 1 || id >= YIMA_SECTION_KINDS || p->sections[id].rows || yima_be16(entry + 2) != kinds[id].row ||
        start < first || start > p->size || (uint64_t)count * kinds[id].row > p->size - start ||
        (kinds[id].at_most_one && count != 1)) {
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
