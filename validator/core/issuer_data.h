/* issuer_data.h - private: what an issuer's own data (field 14) tells of a rider's entry. */
#ifndef YIMA_ISSUER_DATA_H
#define YIMA_ISSUER_DATA_H
#include "parameters.h"

typedef struct {
    uint8_t inside;      /* 1: the issuer knows of an entry without an exit */
    uint32_t station;    /* where, by the operator's number */
    uint32_t entered_at; /* unix seconds; 0: not told */
} yima_entry_data;

/* Reads field 14 by the parameters' decoder of its institution (4 bytes, field 6). 0 if there is none, if the data are
 * too short for it, or if their digits are none; a rider who is outside needs no readable station or time. */
int yima_issuer_data_read(const yima_parameters *p, const uint8_t *institution, const uint8_t *data, size_t size,
                          yima_entry_data *entry);
#endif
