/* family_rows.c - the parameters' rows for families beside the ministry's code, looked up. */
#include "families.h"
#include "parameters.h"

const uint8_t *yima_suishen_key(const yima_parameters *p, uint8_t index) {
    const uint8_t *row = yima_row_find(p, YIMA_SECTION_SUISHEN_KEYS, &index, YIMA_SUISHEN_KEYS_KEY);
    return row ? YIMA_PLACE(row, SUISHEN_KEYS, KEY) : NULL;
}

const uint8_t *yima_transport_key(const yima_parameters *p, uint8_t index, uint8_t *modes) {
    const uint8_t *row = yima_row_find(p, YIMA_SECTION_SUISHEN_TRANSPORT_KEYS, &index, YIMA_SUISHEN_TRANSPORT_KEYS_KEY);
    if (row) {
        *modes = (uint8_t)YIMA_VALUE(row, SUISHEN_TRANSPORT_KEYS, MODES);
    }
    return row ? YIMA_PLACE(row, SUISHEN_TRANSPORT_KEYS, KEY) : NULL;
}

int yima_ministry_226_key_find(const yima_parameters *p, const uint8_t *key_id, yima_ministry_226_key *key) {
    const uint8_t *row = yima_row_find(p, YIMA_SECTION_MINISTRY_226_KEYS, key_id, YIMA_MINISTRY_226_KEYS_KEY);
    if (row) {
        *key = (yima_ministry_226_key){
            .city = YIMA_VALUE(row, MINISTRY_226_KEYS, CITY),
            .cap_fen = YIMA_VALUE(row, MINISTRY_226_KEYS, CAP_FEN),
            .modes = (uint8_t)YIMA_VALUE(row, MINISTRY_226_KEYS, MODES),
            .key = YIMA_PLACE(row, MINISTRY_226_KEYS, KEY),
        };
    }
    return row != NULL;
}

/* Prefixes of different lengths: a search by one key would not find them, and there is a handful. */
int yima_resolved_find(const yima_parameters *p, const uint8_t *code, size_t length, yima_resolved *found) {
    const uint8_t *best = NULL;
    const uint8_t *row;
    for (uint32_t i = 0; (row = yima_row(p, YIMA_SECTION_RESOLVED, i)); i++) {
        const uint32_t size = YIMA_VALUE(row, RESOLVED, PREFIX_SIZE);
        if (size <= length && memcmp(YIMA_PLACE(row, RESOLVED, PREFIX), code, size) == 0) {
            best = row; /* rows ascend: of those that fit, a later one is longer */
        }
    }
    if (best) {
        *found = (yima_resolved){
            .family = (yima_family)YIMA_VALUE(best, RESOLVED, FAMILY),
            .modes = (uint8_t)YIMA_VALUE(best, RESOLVED, MODES),
            .city = YIMA_VALUE(best, RESOLVED, CITY),
            .remember_s = YIMA_VALUE(best, RESOLVED, REMEMBER_S),
        };
    }
    return best != NULL;
}
