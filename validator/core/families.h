/* families.h - private: what the parameters hold for families beside the ministry's code; rows as in parameters.def.
 */
#ifndef YIMA_FAMILIES_H
#define YIMA_FAMILIES_H
#include "bytes.h"
#include "yima/core.h"

/* The 64 bytes of a key, or NULL. */
const uint8_t *yima_suishen_key(const yima_parameters *p, uint8_t index);
const uint8_t *yima_transport_key(const yima_parameters *p, uint8_t index, uint8_t *modes);

typedef struct {
    uint32_t city;
    uint32_t cap_fen;
    uint8_t modes;
    const uint8_t *key;
} yima_ministry_226_key;

int yima_ministry_226_key_find(const yima_parameters *p, const uint8_t *key_id, yima_ministry_226_key *key);

typedef struct {
    yima_family family;
    uint32_t city;
    uint32_t remember_s;
    uint8_t modes;
} yima_resolved;

/* The row whose prefix a payload begins with, the longest prefix first. */
int yima_resolved_find(const yima_parameters *p, const uint8_t *code, size_t length, yima_resolved *found);
#endif
