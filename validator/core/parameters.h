/* parameters.h - private: what the judge asks of an opened parameter image. */
#ifndef YIMA_PARAMETERS_H
#define YIMA_PARAMETERS_H
#include "bytes.h"
#include "yima/core.h"

/* Offsets within the one row of limits. */
typedef enum {
    YIMA_LIMIT_MAX_VALIDITY_S = 0,
    YIMA_LIMIT_FUTURE_TOLERANCE_S = 4,
    YIMA_LIMIT_DEBOUNCE_MS = 8,
    YIMA_LIMIT_ACCOUNT_INTERVAL_S = 12,
    YIMA_LIMIT_VERSIONS = 16,     /* 256 bits, the first byte holds 0 to 7, its lowest bit 0 */
    YIMA_LIMIT_ACCOUNT_TYPES = 48 /* the same */
} yima_limit_at;

uint32_t yima_limit(const yima_parameters *p, yima_limit_at at);

/* 1 if `value` is in the set of versions or of account types. */
int yima_limit_allows(const yima_parameters *p, yima_limit_at set, uint8_t value);

/* The fare of a mode in fen; 0 if none is set, else 1. */
int yima_fare_of(const yima_parameters *p, uint8_t mode, uint32_t *fen);

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

int yima_city_accepted(const yima_parameters *p, uint32_t riding_city, uint32_t issuer_city);

int yima_denied(const yima_parameters *p, const uint8_t *card_account);

/* The extra time shift number i of an institution in seconds; 0 returned when there is none. */
int yima_shift_of(const yima_parameters *p, const uint8_t *organisation, uint32_t i, int32_t *shift);
#endif
