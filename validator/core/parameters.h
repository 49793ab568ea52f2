/* parameters.h - private: the sections of a parameter image, and what the judge asks of them. */
#ifndef YIMA_PARAMETERS_H
#define YIMA_PARAMETERS_H
#include "bytes.h"
#include "yima/core.h"

/* Numbers of sections, YIMA_SECTION_FARES; one past the last is YIMA_SECTION_KINDS. */
enum {
#define YIMA_SECTION(number, name, row, key, rows, meaning) YIMA_SECTION_##name = (number),
#define YIMA_FIELD(part, name, offset, bytes, form, range, meaning)
#define YIMA_END(name)
#include "parameters.def"
    YIMA_SECTION_KINDS
};

/* What parameters.def says of sizes and places: YIMA_FARES_ROW, YIMA_FARES_KEY, YIMA_FARES_AT_FEN, YIMA_FARES_SIZE_FEN;
 * of the header and the directory's entries too: YIMA_HEADER_SIZE, YIMA_HEADER_AT_VERSION. */
enum {
#define YIMA_PART(name, bytes, meaning) YIMA_##name##_SIZE = (bytes),
#define YIMA_SECTION(number, name, row, key, rows, meaning) YIMA_##name##_ROW = (row), YIMA_##name##_KEY = (key),
#define YIMA_FIELD(part, name, offset, bytes, form, range, meaning)                                                    \
    YIMA_##part##_AT_##name = (offset), YIMA_##part##_SIZE_##name = (bytes),
#define YIMA_END(name)
#include "parameters.def"
};

/* A number of 1 to 4 bytes. The size is a constant, so nothing of the choice is left. */
#define YIMA_NUMBER(p, size)                                                                                           \
    ((size) == 4 ? yima_be32(p) : (size) == 3 ? yima_be24(p) : (size) == 2 ? yima_be16(p) : (uint32_t)*(p))

/* A field of a row (or of a key, which is how a row begins): its place, its value, a new value. */
#define YIMA_PLACE(row, section, field) ((row) + YIMA_##section##_AT_##field)
#define YIMA_VALUE(row, section, field) YIMA_NUMBER(YIMA_PLACE(row, section, field), YIMA_##section##_SIZE_##field)
#define YIMA_PUT(row, section, field, value)                                                                           \
    yima_put_number(YIMA_PLACE(row, section, field), YIMA_##section##_SIZE_##field, value)

/* A field of the one row of limits by its offset, YIMA_LIMITS_AT_...: a number of 4 bytes. */
uint32_t yima_limit(const yima_parameters *p, unsigned at);

/* 1 if `value` is in the set of versions or of account types, by its offset. */
int yima_limit_allows(const yima_parameters *p, unsigned set, uint8_t value);

/* 1 if codes of this family are judged here; else its own reason is given. */
int yima_family_accepted(const yima_parameters *p, yima_family family);

typedef struct {
    uint32_t expiry_months; /* months since year 0; UINT32_MAX: it says none */
    const uint8_t *key;     /* x and y */
} yima_root;

int yima_root_find(const yima_parameters *p, uint8_t index, yima_root *root);

/* Bits of TOLD in section 36. */
enum { YIMA_REVOKED_OF_ORGANISATION = 1, YIMA_REVOKED_OF_SERIAL = 2 };

/* 1 if an issuer's certificate is withdrawn at `now`: by itself, with its institution, with its serial, with its root. */
int yima_certificate_revoked(const yima_parameters *p, const uint8_t *certificate, uint32_t now);

typedef struct {
    uint32_t city; /* 0: accepted everywhere */
    uint8_t modes;
} yima_pair;

/* organisation_platform: the 8 bytes of fields 6 and 7. */
int yima_pair_find(const yima_parameters *p, const uint8_t *organisation_platform, yima_pair *pair);

/* ACCEPTED by a row of any family or of this one, CITY_NOT_ACCEPTED_YET if either sets a later date, else
 * CITY_NOT_ACCEPTED. `now` as yima_dated_find. */
yima_reason yima_city_accepted(const yima_parameters *p, const yima_gate *gate, yima_family family,
                               uint32_t issuer_city, uint32_t now);

/* In the image's own small list. */
int yima_denied(const yima_parameters *p, const uint8_t *card_account);

/* The groups that an account is in: bit n for group n + 1. */
uint32_t yima_groups_of(const yima_parameters *p, const uint8_t *card_account);

/* The extra time shift number i of an institution in seconds; 0 returned when there is none. */
int yima_shift_of(const yima_parameters *p, const uint8_t *organisation, uint32_t i, int32_t *shift);

/* The least and the largest of all shifts in seconds, and of none: 0. */
void yima_shift_bounds(const yima_parameters *p, int64_t *earliest, int64_t *latest);

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

static inline void yima_put_number(uint8_t *p, unsigned size, uint32_t value) {
    for (unsigned i = 0; i < size; i++) {
        p[i] = (uint8_t)(value >> 8 * (size - 1 - i));
    }
}
#endif
