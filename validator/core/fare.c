/* fare.c - what a ride costs: a fare rule, a concession, an extra for staying too long.
 *
 * Of several rules that fit, the one that says most wins, compared in a fixed order of its columns, so two packages
 * with the same rows give the same fare (docs/decisions/0011). Money is whole fen; a percentage rounds half up, once,
 * where it is applied. No sum overflows: every number of the parameters is at most 24 bits. */
#include "fare.h"

#include "issuer_data.h"
#include "parameters.h"

enum { FLAT = 1, STAGES, PERCENT = 1, ANY_ACCOUNT_TYPE = 0x100, ACCEPT = 2, NO_RIDE = 0xffff };

/* One fare in the making. */
typedef struct {
    const yima_parameters *p;
    const yima_gate *gate;
    const yima_claim *claim;
    const yima_entry_data *known_entry; /* NULL: the issuer's data tell it */
    uint32_t now;
    const uint8_t *row;     /* the fare rule */
    const uint8_t *journey; /* the row for entries and exits, or NULL */
    uint32_t fen;
    uint8_t reducible; /* 0: concessions leave it alone */
    yima_verdict *verdict;
} pricing;

/* One more rule, by its number, is part of the fare; `fen` is its effect. */
static yima_applied_rule *apply(pricing *f, yima_rule_kind kind, uint32_t rule, int64_t fen) {
    yima_applied_rule *row = &f->verdict->rules[f->verdict->rule_count++]; /* base, concession, over-time: never more */
    *row = (yima_applied_rule){.number = (uint16_t)rule, .kind = (uint8_t)kind, .fen = (int32_t)fen};
    return row;
}

/* The first rule: what the ride costs before anything is taken off or put on. */
static void apply_base(pricing *f, yima_rule_kind kind, uint32_t rule) {
    f->verdict->gross_fen = f->fen;
    apply(f, kind, rule, f->fen);
}

static uint32_t percent_of(uint32_t fen, uint32_t percent) {
    return (fen * percent + 50) / 100; /* 24 bits times 100 fit */
}

/* What the journeys of this gate's city go by, else those of any city. */
static const uint8_t *journey_in_force(const yima_parameters *p, const yima_gate *gate) {
    uint8_t key[YIMA_JOURNEYS_KEY] = {0};
    YIMA_PUT(key, JOURNEYS, MODE, gate->mode);
    YIMA_PUT(key, JOURNEYS, CITY, gate->city);
    const uint8_t *row = yima_row_find(p, YIMA_SECTION_JOURNEYS, key, sizeof key);
    if (!row && gate->city) {
        YIMA_PUT(key, JOURNEYS, CITY, 0);
        row = yima_row_find(p, YIMA_SECTION_JOURNEYS, key, sizeof key);
    }
    return row;
}

/* The fare rule in force: of the line, else of the city, else of the mode. */
static const uint8_t *rule_in_force(const pricing *f) {
    uint8_t key[YIMA_FARES_KEY] = {0};
    const uint8_t *row = NULL;
    YIMA_PUT(key, FARES, MODE, f->gate->mode);
    YIMA_PUT(key, FARES, CITY, f->gate->city);
    if (f->gate->city && f->gate->line) {
        YIMA_PUT(key, FARES, LINE, f->gate->line);
        row = yima_dated_find(f->p, YIMA_SECTION_FARES, key, f->now, NULL);
        YIMA_PUT(key, FARES, LINE, 0);
    }
    if (!row && f->gate->city) {
        row = yima_dated_find(f->p, YIMA_SECTION_FARES, key, f->now, NULL);
        YIMA_PUT(key, FARES, CITY, 0);
    }
    return row ? row : yima_dated_find(f->p, YIMA_SECTION_FARES, key, f->now, NULL);
}

static int metres_of(const pricing *f, uint32_t station, uint32_t *metres) {
    uint8_t key[YIMA_STATIONS_KEY] = {0};
    YIMA_PUT(key, STATIONS, MODE, f->gate->mode);
    YIMA_PUT(key, STATIONS, LINE, f->gate->line);
    YIMA_PUT(key, STATIONS, CITY, f->gate->city);
    YIMA_PUT(key, STATIONS, STATION, station);
    const uint8_t *row = station <= UINT16_MAX ? yima_row_find(f->p, YIMA_SECTION_STATIONS, key, sizeof key) : NULL;
    if (row) {
        *metres = YIMA_VALUE(row, STATIONS, METRES);
    }
    return row != NULL;
}

/* Where the gate's line ends; a line has some tens of stations. */
static uint32_t end_of_line(const pricing *f) {
    uint8_t line[YIMA_STATIONS_AT_STATION] = {0}; /* a key without its station */
    uint32_t end = 0;
    YIMA_PUT(line, STATIONS, MODE, f->gate->mode);
    YIMA_PUT(line, STATIONS, LINE, f->gate->line);
    YIMA_PUT(line, STATIONS, CITY, f->gate->city);
    uint32_t i = yima_rows_below(f->p, YIMA_SECTION_STATIONS, line, sizeof line, 0);
    const uint8_t *row;
    while ((row = yima_row(f->p, YIMA_SECTION_STATIONS, i++)) && memcmp(row, line, sizeof line) == 0) {
        const uint32_t metres = YIMA_VALUE(row, STATIONS, METRES);
        end = metres > end ? metres : end;
    }
    return end;
}

static int stage_fare(pricing *f, uint32_t metres) {
    uint8_t key[YIMA_STAGES_KEY] = {0};
    YIMA_PUT(key, STAGES, TABLE, YIMA_VALUE(f->row, FARES, TABLE));
    YIMA_PUT(key, STAGES, UP_TO_M, metres);
    const uint8_t *stage = yima_row_from(f->p, YIMA_SECTION_STAGES, key, sizeof key);
    if (!stage || memcmp(stage, key, YIMA_STAGES_AT_UP_TO_M) != 0) {
        return 0;
    }
    f->fen = YIMA_VALUE(stage, STAGES, FEN);
    return 1;
}

static int place_in_matrix(const pricing *f, uint32_t station, uint32_t *place) {
    uint8_t key[YIMA_AXES_KEY];
    YIMA_PUT(key, AXES, TABLE, YIMA_VALUE(f->row, FARES, TABLE));
    YIMA_PUT(key, AXES, STATION, station);
    const uint8_t *axis = station <= UINT16_MAX ? yima_row_find(f->p, YIMA_SECTION_AXES, key, sizeof key) : NULL;
    if (axis) {
        *place = YIMA_VALUE(axis, AXES, PLACE);
    }
    return axis != NULL;
}

static int matrix_fare(pricing *f, uint32_t from) {
    const uint8_t *matrix =
        yima_row_find(f->p, YIMA_SECTION_MATRICES, YIMA_PLACE(f->row, FARES, TABLE), YIMA_MATRICES_KEY);
    uint32_t entry, exit;
    if (!matrix || !place_in_matrix(f, from, &entry) || !place_in_matrix(f, f->gate->station, &exit)) {
        return 0;
    }
    const uint32_t size = YIMA_VALUE(matrix, MATRICES, STATIONS);
    if (entry >= size || exit >= size) {
        return 0;
    }
    const uint64_t number = (uint64_t)YIMA_VALUE(matrix, MATRICES, FIRST_CELL) + (uint64_t)entry * size + exit;
    const uint8_t *cell = yima_row(f->p, YIMA_SECTION_CELLS, number);
    if (!cell || YIMA_VALUE(cell, CELLS, FEN) == NO_RIDE) {
        return 0;
    }
    f->fen = YIMA_VALUE(cell, CELLS, FEN);
    return 1;
}

/* From an entry to here by the fare rule; 0: the rule knows no such ride. */
static int ride_fare(pricing *f, uint32_t from) {
    uint32_t entry, here;
    switch (YIMA_VALUE(f->row, FARES, KIND)) {
    case FLAT:
        f->fen = YIMA_VALUE(f->row, FARES, FEN);
        return 1;
    case STAGES:
        return metres_of(f, from, &entry) && metres_of(f, f->gate->station, &here) &&
               stage_fare(f, entry < here ? here - entry : entry - here);
    default:
        return matrix_fare(f, from);
    }
}

/* One tap is the ride: flat, or as far as the line goes from here. */
static yima_reason price_single(pricing *f) {
    uint32_t here;
    if (YIMA_VALUE(f->row, FARES, KIND) == FLAT) {
        f->fen = YIMA_VALUE(f->row, FARES, FEN);
    } else if (YIMA_VALUE(f->row, FARES, KIND) != STAGES || !metres_of(f, f->gate->station, &here) ||
               !stage_fare(f, end_of_line(f) - here)) {
        return YIMA_REASON_NO_FARE;
    }
    apply_base(f, YIMA_RULE_FARE, YIMA_VALUE(f->row, FARES, RULE));
    return YIMA_REASON_ACCEPTED;
}

static int read_entry(const pricing *f, yima_entry_data *entry) {
    if (f->known_entry) {
        *entry = *f->known_entry;
        return 1;
    }
    return f->claim->institution &&
           yima_issuer_data_read(f->p, f->claim->institution, f->claim->issuer_data, f->claim->issuer_data_size, entry);
}

/* Whether the journey's policy accepts; then its fixed fare and rule are taken. */
static int accepted_by_policy(pricing *f, yima_rule_kind kind, int policy, int fen, int rule) {
    if (!f->journey || f->journey[policy] != ACCEPT) {
        return 0;
    }
    f->fen = fen ? yima_be32(f->journey + fen) : 0;
    apply_base(f, kind, yima_be16(f->journey + rule));
    return 1;
}

static yima_reason price_entry(pricing *f) {
    yima_entry_data entry;
    f->reducible = 0;
    if (f->journey && f->claim->cap_fen < YIMA_VALUE(f->journey, JOURNEYS, ENTRY_CAP_FEN)) {
        return YIMA_REASON_FARE_OVER_CAP;
    }
    if (!read_entry(f, &entry) || !entry.inside) {
        apply_base(f, YIMA_RULE_FARE, YIMA_VALUE(f->row, FARES, RULE));
        return YIMA_REASON_ACCEPTED;
    }
    return accepted_by_policy(f, YIMA_RULE_SURCHARGE, YIMA_JOURNEYS_AT_MISSING_EXIT, 0,
                              YIMA_JOURNEYS_AT_MISSING_EXIT_RULE)
               ? YIMA_REASON_ACCEPTED
               : YIMA_REASON_EXIT_MISSING;
}

static yima_reason price_exit(pricing *f, int *over_time) {
    yima_entry_data entry;
    const int readable = read_entry(f, &entry);
    if (readable && entry.inside) {
        f->verdict->entry_at = entry.entered_at;
        f->verdict->entry_station = entry.station <= UINT16_MAX ? (uint16_t)entry.station : 0;
    }
    if (readable && !entry.inside) {
        f->reducible = 0;
        return accepted_by_policy(f, YIMA_RULE_SURCHARGE, YIMA_JOURNEYS_AT_MISSING_ENTRY,
                                  YIMA_JOURNEYS_AT_MISSING_ENTRY_FEN, YIMA_JOURNEYS_AT_MISSING_ENTRY_RULE)
                   ? YIMA_REASON_ACCEPTED
                   : YIMA_REASON_ENTRY_MISSING;
    }
    if ((readable || YIMA_VALUE(f->row, FARES, KIND) == FLAT) && ride_fare(f, readable ? entry.station : 0)) {
        const uint32_t longest = f->journey && readable ? YIMA_VALUE(f->journey, JOURNEYS, LONGEST_S) : 0;
        *over_time = longest && entry.entered_at && f->now > entry.entered_at && f->now - entry.entered_at > longest;
        apply_base(f, YIMA_RULE_FARE, YIMA_VALUE(f->row, FARES, RULE));
        return YIMA_REASON_ACCEPTED;
    }
    return accepted_by_policy(f, YIMA_RULE_FARE, YIMA_JOURNEYS_AT_UNREADABLE, YIMA_JOURNEYS_AT_UNREADABLE_FEN,
                              YIMA_JOURNEYS_AT_UNREADABLE_RULE)
               ? YIMA_REASON_ACCEPTED
               : YIMA_REASON_ENTRY_UNREADABLE;
}

/* What remains of the fare by a concession. */
static uint32_t reduced_by(uint32_t fen, const uint8_t *row) {
    const uint32_t value = YIMA_VALUE(row, CONCESSIONS, VALUE);
    const uint32_t reduced = YIMA_VALUE(row, CONCESSIONS, KIND) == PERCENT ? percent_of(fen, value) : value;
    return reduced < fen ? reduced : fen;
}

/* Of the rows that differ from this key in their group alone, the one that leaves least of the fare; of those that
 * leave the same, the first group's. Bit n of `groups`: group n, and 0 is any rider. */
static const uint8_t *best_of_groups(const pricing *f, uint8_t *key, uint32_t groups) {
    const uint8_t *best = NULL;
    for (uint32_t group = 0; groups >> group; group++) {
        if (groups >> group & 1) {
            YIMA_PUT(key, CONCESSIONS, GROUP, group);
            const uint8_t *row = yima_dated_find(f->p, YIMA_SECTION_CONCESSIONS, key, f->now, NULL);
            if (row && (!best || reduced_by(f->fen, row) < reduced_by(f->fen, best))) {
                best = row;
            }
        }
    }
    return best;
}

/* The concession that says most, compared by account type, then group, then issuer's city, then riding city, then mode.
 * An image has groups only if a concession names one, so no other looks the account up. */
static const uint8_t *concession_in_force(const pricing *f, uint32_t issuer_city) {
    const uint32_t groups =
        f->p->sections[YIMA_SECTION_GROUPS].count ? yima_groups_of(f->p, f->claim->card_account) << 1 : 0;
    for (unsigned any = 0; any < 32; any++) {
        if ((any & 4 && !issuer_city) || (any & 2 && !f->gate->city)) {
            continue; /* nothing to leave out: the same key again */
        }
        uint8_t key[YIMA_CONCESSIONS_KEY] = {0};
        YIMA_PUT(key, CONCESSIONS, ACCOUNT_TYPE, any & 16 ? ANY_ACCOUNT_TYPE : f->claim->account_type);
        YIMA_PUT(key, CONCESSIONS, MODE, any & 1 ? 0 : f->gate->mode);
        YIMA_PUT(key, CONCESSIONS, ISSUER_CITY, any & 4 ? 0 : issuer_city);
        YIMA_PUT(key, CONCESSIONS, RIDING_CITY, any & 2 ? 0 : f->gate->city);
        const uint8_t *row = best_of_groups(f, key, any & 8 ? 1 : groups);
        if (row) {
            return row;
        }
    }
    return NULL;
}

/* Who pays for what a concession takes off; a package from before funders does not say. */
static void fund(const pricing *f, yima_applied_rule *applied, const uint8_t *row, uint32_t issuer_city) {
    const uint32_t told = YIMA_VALUE(row, CONCESSIONS, FUNDER);
    applied->funder = told ? (uint8_t)told : YIMA_FUNDER_RIDING_CITY;
    applied->funder_id = applied->funder == YIMA_FUNDER_RIDING_CITY   ? f->gate->city
                         : applied->funder == YIMA_FUNDER_ISSUER_CITY ? issuer_city
                         : applied->funder == YIMA_FUNDER_OPERATOR    ? f->gate->operator_id
                                                                      : 0;
}

static void reduce(pricing *f, uint32_t issuer_city) {
    const uint8_t *row = f->p->sections[YIMA_SECTION_CONCESSIONS].count ? concession_in_force(f, issuer_city) : NULL;
    if (row) {
        const uint32_t fen = reduced_by(f->fen, row);
        const uint32_t rule = YIMA_VALUE(row, CONCESSIONS, RULE);
        fund(f, apply(f, YIMA_RULE_CONCESSION, rule, (int64_t)fen - f->fen), row, issuer_city);
        f->fen = fen;
    }
}

yima_reason yima_fare_find(const yima_judgement *j, uint32_t issuer_city) {
    pricing f = {.p = j->v->parameters,
                 .gate = &j->v->gate,
                 .claim = &j->claim,
                 .known_entry = j->known_entry,
                 .now = (uint32_t)j->now,
                 .reducible = 1,
                 .verdict = j->verdict};
    f.row = rule_in_force(&f);
    if (!f.row) {
        return YIMA_REASON_NO_FARE;
    }
    f.journey = journey_in_force(f.p, f.gate);
    int over_time = 0;
    const yima_reason reason = f.gate->direction == YIMA_DIRECTION_ENTRY  ? price_entry(&f)
                               : f.gate->direction == YIMA_DIRECTION_EXIT ? price_exit(&f, &over_time)
                                                                          : price_single(&f);
    if (reason != YIMA_REASON_ACCEPTED) {
        return reason;
    }
    if (f.reducible) {
        reduce(&f, issuer_city);
    }
    if (over_time) {
        const uint32_t more = YIMA_VALUE(f.journey, JOURNEYS, OVER_TIME_FEN);
        apply(&f, YIMA_RULE_SURCHARGE, YIMA_VALUE(f.journey, JOURNEYS, OVER_TIME_RULE), more);
        f.fen += more;
    }
    if (f.fen > j->claim.cap_fen) {
        return YIMA_REASON_FARE_OVER_CAP;
    }
    j->verdict->fare_fen = f.fen;
    j->verdict->transaction = f.gate->direction == YIMA_DIRECTION_NONE    ? YIMA_TRANSACTION_NONE
                              : f.gate->direction == YIMA_DIRECTION_ENTRY ? YIMA_TRANSACTION_ENTRY
                              : over_time                                 ? YIMA_TRANSACTION_OVER_TIME_EXIT
                                                                          : YIMA_TRANSACTION_EXIT;
    return YIMA_REASON_ACCEPTED;
}

size_t yima_rule_text(const yima_parameters *p, const yima_verdict *verdict, char *out) {
    size_t length = 0;
    for (int i = 0; i < verdict->rule_count; i++) {
        const uint16_t number = verdict->rules[i].number;
        const uint8_t *name = number ? yima_row(p, YIMA_SECTION_NAMES, number - 1u) : NULL;
        if (name && length) {
            out[length++] = '+';
        }
        for (int k = 0; name && k < YIMA_RULE_NAME_MAX && name[k]; k++) {
            out[length++] = (char)name[k];
        }
    }
    out[length] = 0;
    return length;
}
