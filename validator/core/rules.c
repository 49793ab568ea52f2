/* rules.c - what the judge asks of the parameters, answered from the rows of the image. */
#include "code.h"
#include "parameters.h"

enum { UP_TO_THE_NEXT = 0x8000 };

uint32_t yima_limit(const yima_parameters *p, unsigned at) {
    return yima_be32(p->sections[YIMA_SECTION_LIMITS].rows + at);
}

int yima_limit_allows(const yima_parameters *p, unsigned set, uint8_t value) {
    return p->sections[YIMA_SECTION_LIMITS].rows[set + value / 8u] >> value % 8u & 1;
}

int yima_family_accepted(const yima_parameters *p, yima_family family) {
    return yima_limit(p, YIMA_LIMITS_AT_FAMILIES) >> family & 1;
}

int yima_root_find(const yima_parameters *p, uint8_t index, yima_root *root) {
    const uint8_t *row = yima_row_find(p, YIMA_SECTION_ROOTS, &index, YIMA_ROOTS_KEY);
    if (row) {
        const uint32_t month = YIMA_VALUE(row, ROOTS, EXPIRY_MONTH);
        root->expiry_months = month ? (2000 + YIMA_VALUE(row, ROOTS, EXPIRY_YEAR)) * 12 + month - 1 : UINT32_MAX;
        root->key = YIMA_PLACE(row, ROOTS, KEY);
    }
    return row != NULL;
}

int yima_certificate_revoked(const yima_parameters *p, const uint8_t *certificate, uint32_t now) {
    const uint32_t both = YIMA_REVOKED_OF_ORGANISATION | YIMA_REVOKED_OF_SERIAL;
    for (uint32_t told = 0; p->sections[YIMA_SECTION_REVOKED].count && told <= both; told++) {
        uint8_t key[YIMA_REVOKED_KEY] = {0};
        YIMA_PUT(key, REVOKED, ROOT, certificate[YIMA_CERTIFICATE_AT_ROOT_INDEX]);
        YIMA_PUT(key, REVOKED, TOLD, told);
        if (told & YIMA_REVOKED_OF_ORGANISATION) {
            memcpy(YIMA_PLACE(key, REVOKED, ORGANISATION), certificate + YIMA_CERTIFICATE_AT_ISSUER_ID,
                   YIMA_REVOKED_SIZE_ORGANISATION);
        }
        if (told & YIMA_REVOKED_OF_SERIAL) {
            memcpy(YIMA_PLACE(key, REVOKED, SERIAL), certificate + YIMA_CERTIFICATE_AT_SERIAL,
                   YIMA_REVOKED_SIZE_SERIAL);
        }
        if (yima_dated_find(p, YIMA_SECTION_REVOKED, key, now, NULL)) {
            return 1;
        }
    }
    return 0;
}

int yima_pair_find(const yima_parameters *p, const uint8_t *organisation_platform, yima_pair *pair) {
    const uint8_t *row = yima_row_find(p, YIMA_SECTION_WHITELIST, organisation_platform, YIMA_WHITELIST_KEY);
    if (row) {
        pair->city = YIMA_VALUE(row, WHITELIST, CITY);
        pair->modes = (uint8_t)YIMA_VALUE(row, WHITELIST, MODES);
    }
    return row != NULL;
}

yima_reason yima_city_accepted(const yima_parameters *p, const yima_gate *gate, yima_family family,
                               uint32_t issuer_city, uint32_t now) {
    /* With and without its first byte the unified platform's form is one code. */
    const yima_family families[] = {YIMA_FAMILY_UNKNOWN, family == YIMA_FAMILY_UNIFIED ? YIMA_FAMILY_MINISTRY : family};
    int planned = 0;
    if (!p->sections[YIMA_SECTION_ACCEPTANCE].rows) {
        return YIMA_REASON_ACCEPTED;
    }
    for (unsigned i = 0; i < sizeof families / sizeof families[0]; i++) {
        uint8_t key[YIMA_ACCEPTANCE_KEY] = {0};
        int later = 0;
        YIMA_PUT(key, ACCEPTANCE, RIDING_CITY, gate->city);
        YIMA_PUT(key, ACCEPTANCE, MODE, gate->mode);
        YIMA_PUT(key, ACCEPTANCE, FAMILY, families[i]);
        YIMA_PUT(key, ACCEPTANCE, ISSUER_CITY, issuer_city);
        if (yima_dated_find(p, YIMA_SECTION_ACCEPTANCE, key, now, &later)) {
            return YIMA_REASON_ACCEPTED;
        }
        planned |= later;
    }
    return planned ? YIMA_REASON_CITY_NOT_ACCEPTED_YET : YIMA_REASON_CITY_NOT_ACCEPTED;
}

int yima_denied(const yima_parameters *p, const uint8_t *card_account) {
    const uint32_t i = yima_rows_below(p, YIMA_SECTION_DENY, card_account, YIMA_DENY_KEY, 1);
    const uint8_t *row = i > 0 ? yima_row(p, YIMA_SECTION_DENY, i - 1) : NULL;
    return row && memcmp(card_account, YIMA_PLACE(row, DENY, LAST), YIMA_DENY_SIZE_LAST) <= 0;
}

/* The stand-in for an account that only the issuer knows begins with F, as no account of the list does. */
uint32_t yima_groups_of(const yima_parameters *p, const uint8_t *card_account) {
    const uint32_t behind = yima_rows_below(p, YIMA_SECTION_MEMBERS, card_account, YIMA_MEMBERS_KEY, 1);
    const uint8_t *row = behind > 0 ? yima_row(p, YIMA_SECTION_MEMBERS, behind - 1) : NULL;
    if (!row) {
        return 0;
    }
    const uint32_t groups = YIMA_VALUE(row, MEMBERS, GROUPS);
    const int its_own = memcmp(row, card_account, YIMA_MEMBERS_KEY) == 0;
    const int within = groups & UP_TO_THE_NEXT && yima_row(p, YIMA_SECTION_MEMBERS, behind);
    return its_own || within ? groups & ~(uint32_t)UP_TO_THE_NEXT : 0;
}

int yima_shift_of(const yima_parameters *p, const uint8_t *organisation, uint32_t i, int32_t *shift) {
    const uint32_t at = yima_rows_below(p, YIMA_SECTION_SHIFTS, organisation, YIMA_SHIFTS_SIZE_ORGANISATION, 0);
    const uint8_t *row = yima_row(p, YIMA_SECTION_SHIFTS, (uint64_t)at + i);
    if (!row || memcmp(row, organisation, YIMA_SHIFTS_SIZE_ORGANISATION) != 0) {
        return 0;
    }
    *shift = (int32_t)YIMA_VALUE(row, SHIFTS, SECONDS);
    return 1;
}

void yima_shift_bounds(const yima_parameters *p, int64_t *earliest, int64_t *latest) {
    const uint8_t *row;
    *earliest = *latest = 0;
    for (uint32_t i = 0; (row = yima_row(p, YIMA_SECTION_SHIFTS, i)) != NULL; i++) {
        const int32_t shift = (int32_t)YIMA_VALUE(row, SHIFTS, SECONDS);
        *earliest = shift < *earliest ? shift : *earliest;
        *latest = shift > *latest ? shift : *latest;
    }
}
