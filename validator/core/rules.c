/* rules.c - what the judge asks of the parameters, answered from the rows of the image. */
#include "code.h"
#include "parameters.h"

uint32_t yima_limit(const yima_parameters *p, yima_limit_at at) {
    return yima_be32(p->sections[YIMA_SECTION_LIMITS].rows + at);
}

int yima_limit_allows(const yima_parameters *p, yima_limit_at set, uint8_t value) {
    return p->sections[YIMA_SECTION_LIMITS].rows[(unsigned)set + value / 8u] >> value % 8u & 1;
}

int yima_family_accepted(const yima_parameters *p, yima_family family) {
    return yima_limit(p, YIMA_LIMIT_FAMILIES) >> family & 1;
}

int yima_root_find(const yima_parameters *p, uint8_t index, yima_root *root) {
    const uint8_t *row = yima_row_find(p, YIMA_SECTION_ROOTS, &index, 1);
    if (row) {
        root->expiry_months = row[2] ? (2000u + row[1]) * 12 + row[2] - 1 : UINT32_MAX;
        root->key = row + 4;
    }
    return row != NULL;
}

int yima_pair_find(const yima_parameters *p, const uint8_t *organisation_platform, yima_pair *pair) {
    const uint8_t *row = yima_row_find(p, YIMA_SECTION_WHITELIST, organisation_platform, 8);
    if (row) {
        pair->city = yima_be32(row + 8);
        pair->modes = row[12];
    }
    return row != NULL;
}

yima_reason yima_city_accepted(const yima_parameters *p, const yima_gate *gate, uint32_t issuer_city, uint32_t now) {
    uint8_t key[12] = {[4] = gate->mode};
    int later = 0;
    yima_put_be32(key, gate->city);
    yima_put_be32(key + 8, issuer_city);
    if (!p->sections[YIMA_SECTION_ACCEPTANCE].rows || yima_dated_find(p, YIMA_SECTION_ACCEPTANCE, key, now, &later)) {
        return YIMA_REASON_ACCEPTED;
    }
    return later ? YIMA_REASON_CITY_NOT_ACCEPTED_YET : YIMA_REASON_CITY_NOT_ACCEPTED;
}

int yima_denied(const yima_parameters *p, const uint8_t *card_account) {
    const uint32_t i = yima_rows_below(p, YIMA_SECTION_DENY, card_account, YIMA_ACCOUNT_SIZE, 1);
    const uint8_t *row = i > 0 ? yima_row(p, YIMA_SECTION_DENY, i - 1) : NULL;
    return row && memcmp(card_account, row + YIMA_ACCOUNT_SIZE, YIMA_ACCOUNT_SIZE) <= 0;
}

int yima_shift_of(const yima_parameters *p, const uint8_t *organisation, uint32_t i, int32_t *shift) {
    const uint32_t at = yima_rows_below(p, YIMA_SECTION_SHIFTS, organisation, YIMA_INSTITUTION_SIZE, 0);
    const uint8_t *row = yima_row(p, YIMA_SECTION_SHIFTS, (uint64_t)at + i);
    if (!row || memcmp(row, organisation, YIMA_INSTITUTION_SIZE) != 0) {
        return 0;
    }
    *shift = (int32_t)yima_be32(row + 4);
    return 1;
}
