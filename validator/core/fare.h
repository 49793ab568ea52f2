/* fare.h - private: what a ride costs, and which rules say so. */
#ifndef YIMA_FARE_H
#define YIMA_FARE_H
#include "judge.h"

/* The fare of an opened claim at the validator's gate. issuer_city: 0 if not known. On acceptance fares, transaction
 * and rules of the verdict are set; else the reason is returned and they are of no meaning. */
yima_reason yima_fare_find(const yima_judgement *j, uint32_t issuer_city);
#endif
