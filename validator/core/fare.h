/* fare.h - private: what a ride costs, and which rules say so; the parts of one fare in the making.
 *
 * fare.c finds the fare rule and the fare by it, concession.c what is taken off, fare_when.c whether a rule holds on
 * this day and at this hour. */
#ifndef YIMA_FARE_H
#define YIMA_FARE_H
#include "judge.h"

/* Which moment counts, YIMA_WHEN_AT_BY. */
enum { YIMA_BY_ENTRY = 1, YIMA_BY_EXIT, YIMA_BY_TAP, YIMA_BY_ALL };

/* What the calendar and the clock say of a moment: its kind of day and its bands as bits. 0, 0: it is not known. */
typedef struct {
    uint32_t kinds;
    uint32_t bands;
} yima_hour;

/* One fare in the making. */
typedef struct {
    const yima_parameters *p;
    const yima_gate *gate;
    const yima_claim *claim;
    uint32_t now;
    uint32_t issuer_city;         /* 0: not known */
    yima_hour hours[YIMA_BY_ALL]; /* by YIMA_BY_...; set where the parameters have section 29 */
    yima_entry_data entry;        /* of a gate with a direction, if it is readable */
    int readable;
    const uint8_t *row;     /* the fare rule */
    const uint8_t *journey; /* the row for entries and exits, or NULL */
    uint32_t fen;
    uint8_t reducible; /* 0: concessions leave it alone */
    yima_verdict *verdict;
} yima_pricing;

/* One more rule, by its number, is part of the fare; `fen` is its effect. */
yima_applied_rule *yima_apply_rule(yima_pricing *f, yima_rule_kind kind, uint32_t rule, int64_t fen);

/* What the moments of this ride are; without section 29 nothing is asked. */
void yima_hours_of_ride(yima_pricing *f);

/* Whether condition `number` holds; 0 always does. Then *rank says how much it names: a band 2, a kind of day 1. */
int yima_holds_when(const yima_pricing *f, uint32_t number, uint32_t *rank);

/* The one concession that is applied, if any fits. */
void yima_reduce(yima_pricing *f);

/* The fare of an opened claim at the validator's gate. issuer_city: 0 if not known. On acceptance fares, transaction
 * and rules of the verdict are set; else the reason is returned and they are of no meaning. */
yima_reason yima_fare_find(const yima_judgement *j, uint32_t issuer_city);
#endif
