/* family_rows.c - the parameters' rows for families beside the ministry's code: their check at the door, their look-up.
 */
#include "families.h"
#include "parameters.h"
#include "sm2.h"

enum {
    DEADLINE_MAX_MS = 10000, /* nobody stands before a gate for longer */
    REMEMBER_MAX_S = 7 * 86400
};

static int is_key(const uint8_t *xy) {
    yima_sm2_key key;
    return yima_sm2_best()->parse_key(&key, xy, 64);
}

static int are_modes(uint8_t modes) {
    return modes != 0 && modes <= (YIMA_MODE_BUS | YIMA_MODE_METRO);
}

int yima_suishen_key_good(const uint8_t *row) {
    return yima_be24(row + 1) == 0 && is_key(row + 4);
}

int yima_transport_key_good(const uint8_t *row) {
    return are_modes(row[1]) && yima_be16(row + 2) == 0 && is_key(row + 4);
}

int yima_ministry_226_key_good(const uint8_t *row) {
    return yima_be32(row + 8) != 0 && are_modes(row[12]) && yima_be24(row + 13) == 0 && is_key(row + 16);
}

int yima_resolved_good(const uint8_t *row) {
    const uint8_t size = row[32];
    if (size < 1 || size > YIMA_PREFIX_MAX) {
        return 0;
    }
    for (unsigned i = size; i < YIMA_PREFIX_MAX; i++) {
        if (row[i]) {
            return 0;
        }
    }
    const uint8_t family = row[33];
    const uint32_t deadline_ms = yima_be32(row + 40);
    const uint32_t remember_s = yima_be32(row + 44);
    return (family == YIMA_FAMILY_SUFU || family == YIMA_FAMILY_ANHUI || family == YIMA_FAMILY_ZHEJIANG) &&
           are_modes(row[34]) && row[35] == 0 && deadline_ms >= 1 && deadline_ms <= DEADLINE_MAX_MS &&
           remember_s >= 1 && remember_s <= REMEMBER_MAX_S;
}

const uint8_t *yima_suishen_key(const yima_parameters *p, uint8_t index) {
    const uint8_t *row = yima_row_find(p, YIMA_SECTION_SUISHEN_KEYS, &index, 1);
    return row ? row + 4 : NULL;
}

const uint8_t *yima_transport_key(const yima_parameters *p, uint8_t index, uint8_t *modes) {
    const uint8_t *row = yima_row_find(p, YIMA_SECTION_SUISHEN_TRANSPORT_KEYS, &index, 1);
    if (row) {
        *modes = row[1];
    }
    return row ? row + 4 : NULL;
}

int yima_ministry_226_key_find(const yima_parameters *p, const uint8_t *key_id, yima_ministry_226_key *key) {
    const uint8_t *row = yima_row_find(p, YIMA_SECTION_MINISTRY_226_KEYS, key_id, 4);
    if (row) {
        *key = (yima_ministry_226_key){
            .city = yima_be32(row + 4), .cap_fen = yima_be32(row + 8), .modes = row[12], .key = row + 16};
    }
    return row != NULL;
}

/* Prefixes of different lengths: a search by one key would not find them, and there is a handful. */
int yima_resolved_find(const yima_parameters *p, const uint8_t *code, size_t length, yima_resolved *found) {
    const uint8_t *best = NULL;
    const uint8_t *row;
    for (uint32_t i = 0; (row = yima_row(p, YIMA_SECTION_RESOLVED, i)); i++) {
        const uint8_t size = row[32];
        if (size <= length && memcmp(row, code, size) == 0 && (!best || size > best[32])) {
            best = row;
        }
    }
    if (best) {
        *found = (yima_resolved){.family = (yima_family)best[33],
                                 .modes = best[34],
                                 .city = yima_be32(best + 36),
                                 .remember_s = yima_be32(best + 44)};
    }
    return best != NULL;
}
