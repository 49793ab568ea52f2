/* parameters.h - private: the sections of a parameter image, and what the judge asks of them. */
#ifndef YIMA_PARAMETERS_H
#define YIMA_PARAMETERS_H
#include "bytes.h"
#include "yima/core.h"

/* Ids of sections; parameters.c describes their rows. */
enum {
    YIMA_SECTION_LIMITS = 1,
    YIMA_SECTION_FARES = 2,
    YIMA_SECTION_ROOTS = 3,
    YIMA_SECTION_WHITELIST = 4,
    YIMA_SECTION_ACCEPTANCE = 5,
    YIMA_SECTION_DENY = 6,
    YIMA_SECTION_SHIFTS = 7,
    YIMA_SECTION_NAMES = 8,
    YIMA_SECTION_CONCESSIONS = 9,
    YIMA_SECTION_TRANSFERS = 10,
    YIMA_SECTION_JOURNEYS = 11,
    YIMA_SECTION_DECODERS = 12,
    YIMA_SECTION_STATIONS = 13,
    YIMA_SECTION_STAGES = 14,
    YIMA_SECTION_MATRICES = 15,
    YIMA_SECTION_AXES = 16,
    YIMA_SECTION_CELLS = 17,
    YIMA_SECTION_READER = 18,
    YIMA_SECTION_LABELS = 19,
    YIMA_SECTION_SUISHEN_KEYS = 20,
    YIMA_SECTION_SUISHEN_TRANSPORT_KEYS = 21,
    YIMA_SECTION_MINISTRY_226_KEYS = 22,
    YIMA_SECTION_RESOLVED = 23,
    YIMA_SECTION_KINDS
};

/* Offsets within the one row of limits. */
typedef enum {
    YIMA_LIMIT_MAX_VALIDITY_S = 0,
    YIMA_LIMIT_FUTURE_TOLERANCE_S = 4,
    YIMA_LIMIT_DEBOUNCE_MS = 8,
    YIMA_LIMIT_ACCOUNT_INTERVAL_S = 12,
    YIMA_LIMIT_VERSIONS = 16,      /* 256 bits, the first byte holds 0 to 7, its lowest bit 0 */
    YIMA_LIMIT_ACCOUNT_TYPES = 48, /* the same */
    YIMA_LIMIT_FAMILIES = 80,      /* bit n: yima_family n is judged here */
    YIMA_LIMIT_LISTS_MAX_AGE_S = 84,
    YIMA_LIMIT_LISTS_ISSUED_AT = 88,
    YIMA_LIMIT_OFFLINE_MAX_S = 92 /* the device's to keep, not the judge's */
} yima_limit_at;

uint32_t yima_limit(const yima_parameters *p, yima_limit_at at);

/* 1 if `value` is in the set of versions or of account types. */
int yima_limit_allows(const yima_parameters *p, yima_limit_at set, uint8_t value);

/* 1 if codes of this family are judged here; else its own reason is given. */
int yima_family_accepted(const yima_parameters *p, yima_family family);

typedef struct {
    uint32_t expiry_months; /* months since year 0; UINT32_MAX: it says none */
    const uint8_t *key;     /* x and y */
} yima_root;

int yima_root_find(const yima_parameters *p, uint8_t index, yima_root *root);

typedef struct {
    uint32_t city; /* 0: accepted everywhere */
    uint8_t modes;
} yima_pair;

/* organisation_platform: the 8 bytes of fields 6 and 7. */
int yima_pair_find(const yima_parameters *p, const uint8_t *organisation_platform, yima_pair *pair);

/* ACCEPTED, CITY_NOT_ACCEPTED_YET if a later date is set, else CITY_NOT_ACCEPTED. `now` as yima_dated_find. */
yima_reason yima_city_accepted(const yima_parameters *p, const yima_gate *gate, uint32_t issuer_city, uint32_t now);

/* In the image's own small list. */
int yima_denied(const yima_parameters *p, const uint8_t *card_account);

/* The extra time shift number i of an institution in seconds; 0 returned when there is none. */
int yima_shift_of(const yima_parameters *p, const uint8_t *organisation, uint32_t i, int32_t *shift);

/* The number of rows whose leading bytes are less than the key, or not greater if `or_equal`. */
uint32_t yima_rows_below(const yima_parameters *p, unsigned section, const uint8_t *key, size_t size, int or_equal);

/* The row that begins with these bytes, or NULL. */
const uint8_t *yima_row_find(const yima_parameters *p, unsigned section, const uint8_t *key, size_t size);

/* The first row that does not lie before these bytes, or NULL behind the last. */
const uint8_t *yima_row_from(const yima_parameters *p, unsigned section, const uint8_t *key, size_t size);

/* Row number i, counted from 0, or NULL. */
const uint8_t *yima_row(const yima_parameters *p, unsigned section, uint64_t i);

/* Of a dated section: the row of this key that is in force at `now`, or NULL; then *later (if not NULL) says whether
 * one of this key begins after `now`. */
const uint8_t *yima_dated_find(const yima_parameters *p, unsigned section, const uint8_t *key, uint32_t now,
                               int *later);

static inline void yima_put_be32(uint8_t *p, uint32_t value) {
    p[0] = (uint8_t)(value >> 24);
    p[1] = (uint8_t)(value >> 16);
    p[2] = (uint8_t)(value >> 8);
    p[3] = (uint8_t)value;
}

static inline void yima_put_be16(uint8_t *p, uint32_t value) {
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}
#endif
