/* fare.c - what a ride costs: a fare rule, a concession, an extra for staying too long.
 *
 * Of several rules that fit, the one that says most wins, compared in a fixed order of its columns, so two packages
 * with the same rows give the same fare (docs/decisions/0011). Money is whole fen; a percentage rounds once, where it
 * is applied. No sum overflows: every number of the parameters is at most 24 bits. */
#include "fare.h"

#include "issuer_data.h"
#include "parameters.h"

enum { FLAT = 1, STAGES, ACCEPT = 2, NO_RIDE = 0xffff };

yima_applied_rule *yima_apply_rule(yima_pricing *f, yima_rule_kind kind, uint32_t rule, int64_t fen) {
    yima_applied_rule *row = &f->verdict->rules[f->verdict->rule_count++]; /* base, concession, over-time: never more */
    *row = (yima_applied_rule){.number = (uint16_t)rule, .kind = (uint8_t)kind, .fen = (int32_t)fen};
    return row;
}

/* The first rule: what the ride costs before anything is taken off or put on. */
static void apply_base(yima_pricing *f, yima_rule_kind kind, uint32_t rule) {
    f->verdict->gross_fen = f->fen;
    yima_apply_rule(f, kind, rule, f->fen);
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

/* Of the rules of one place that are in force, the one whose condition names most; of those the first. */
static const uint8_t *rule_of_place(const yima_pricing *f, uint8_t *key) {
    const uint8_t *found = NULL;
    uint32_t most = 0;
    for (uint32_t when = 0; when <= f->p->sections[YIMA_SECTION_WHEN].count && when <= UINT8_MAX; when++) {
        uint32_t rank;
        if (!yima_holds_when(f, when, &rank) || (found && rank <= most)) {
            continue;
        }
        YIMA_PUT(key, FARES, WHEN, when);
        const uint8_t *row = yima_dated_find(f->p, YIMA_SECTION_FARES, key, f->now, NULL);
        if (row) {
            found = row;
            most = rank;
        }
    }
    return found;
}

/* The fare rule in force: of the line, else of the city, else of the mode. */
static const uint8_t *rule_in_force(const yima_pricing *f) {
    uint8_t key[YIMA_FARES_KEY] = {0};
    const uint8_t *row = NULL;
    YIMA_PUT(key, FARES, MODE, f->gate->mode);
    YIMA_PUT(key, FARES, CITY, f->gate->city);
    if (f->gate->city && f->gate->line) {
        YIMA_PUT(key, FARES, LINE, f->gate->line);
        row = rule_of_place(f, key);
        YIMA_PUT(key, FARES, LINE, 0);
    }
    if (!row && f->gate->city) {
        row = rule_of_place(f, key);
        YIMA_PUT(key, FARES, CITY, 0);
    }
    return row ? row : rule_of_place(f, key);
}

/* The beginning of a station's key: the gate's line. */
static void line_key(const yima_pricing *f, uint8_t key[YIMA_STATIONS_AT_STATION]) {
    YIMA_PUT(key, STATIONS, MODE, f->gate->mode);
    YIMA_PUT(key, STATIONS, LINE, f->gate->line);
    YIMA_PUT(key, STATIONS, CITY, f->gate->city);
}

static int metres_of(const yima_pricing *f, uint32_t station, uint32_t *metres) {
    uint8_t key[YIMA_STATIONS_KEY] = {0};
    line_key(f, key);
    YIMA_PUT(key, STATIONS, STATION, station);
    const uint8_t *row = station <= UINT16_MAX ? yima_row_find(f->p, YIMA_SECTION_STATIONS, key, sizeof key) : NULL;
    if (row) {
        *metres = YIMA_VALUE(row, STATIONS, METRES);
    }
    return row != NULL;
}

/* Where the gate's line ends; a line has some tens of stations. */
static uint32_t end_of_line(const yima_pricing *f) {
    uint8_t line[YIMA_STATIONS_AT_STATION] = {0};
    uint32_t end = 0;
    line_key(f, line);
    uint32_t i = yima_rows_below(f->p, YIMA_SECTION_STATIONS, line, sizeof line, 0);
    const uint8_t *row;
    while ((row = yima_row(f->p, YIMA_SECTION_STATIONS, i++)) && memcmp(row, line, sizeof line) == 0) {
        const uint32_t metres = YIMA_VALUE(row, STATIONS, METRES);
        end = metres > end ? metres : end;
    }
    return end;
}

/* Whether there are the stations of no line but one, and it is not the gate's: a bus with the part of another's line. */
static int is_of_another_line(const yima_pricing *f) {
    const uint32_t count = f->p->sections[YIMA_SECTION_STATIONS].count;
    const uint8_t *first = yima_row(f->p, YIMA_SECTION_STATIONS, 0);
    const uint8_t *last = count ? yima_row(f->p, YIMA_SECTION_STATIONS, count - 1) : NULL;
    uint8_t line[YIMA_STATIONS_AT_STATION] = {0};
    line_key(f, line);
    return !last || (memcmp(first, last, sizeof line) == 0 && memcmp(first, line, sizeof line) != 0);
}

static int stage_fare(yima_pricing *f, uint32_t metres) {
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

static int place_in_matrix(const yima_pricing *f, uint32_t station, uint32_t *place) {
    uint8_t key[YIMA_AXES_KEY];
    YIMA_PUT(key, AXES, TABLE, YIMA_VALUE(f->row, FARES, TABLE));
    YIMA_PUT(key, AXES, STATION, station);
    const uint8_t *axis = station <= UINT16_MAX ? yima_row_find(f->p, YIMA_SECTION_AXES, key, sizeof key) : NULL;
    if (axis) {
        *place = YIMA_VALUE(axis, AXES, PLACE);
    }
    return axis != NULL;
}

/* In the image of a gate that has its own column of a matrix and not the whole. */
static int column_fare(yima_pricing *f, uint32_t from) {
    uint8_t key[YIMA_COLUMNS_KEY];
    YIMA_PUT(key, COLUMNS, TABLE, YIMA_VALUE(f->row, FARES, TABLE));
    YIMA_PUT(key, COLUMNS, EXIT, f->gate->station);
    YIMA_PUT(key, COLUMNS, ENTRY, from);
    const uint8_t *row = from <= UINT16_MAX ? yima_row_find(f->p, YIMA_SECTION_COLUMNS, key, sizeof key) : NULL;
    if (row) {
        f->fen = YIMA_VALUE(row, COLUMNS, FEN);
    }
    return row != NULL;
}

static int matrix_fare(yima_pricing *f, uint32_t from) {
    const uint8_t *matrix =
        yima_row_find(f->p, YIMA_SECTION_MATRICES, YIMA_PLACE(f->row, FARES, TABLE), YIMA_MATRICES_KEY);
    uint32_t entry, exit;
    if (!matrix) {
        return column_fare(f, from);
    }
    if (!place_in_matrix(f, from, &entry) || !place_in_matrix(f, f->gate->station, &exit)) {
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
static int ride_fare(yima_pricing *f, uint32_t from) {
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

/* Whether the journey's policy accepts; then its fixed fare and rule are taken. */
static int accepted_by_policy(yima_pricing *f, yima_rule_kind kind, int policy, int fen, int rule) {
    if (!f->journey || f->journey[policy] != ACCEPT) {
        return 0;
    }
    f->fen = fen ? yima_be32(f->journey + fen) : 0;
    apply_base(f, kind, yima_be16(f->journey + rule));
    return 1;
}

/* Whether the image has the tables that the rule goes by. Of a gate's own part of a package they may have been left out,
 * and what somebody leaves out must open no gate. */
static int has_tables(const yima_pricing *f) {
    const yima_parameters *p = f->p;
    uint8_t key[YIMA_COLUMNS_KEY] = {0};
    if (YIMA_VALUE(f->row, FARES, KIND) == STAGES) {
        return p->sections[YIMA_SECTION_STAGES].count && !is_of_another_line(f);
    }
    if (p->sections[YIMA_SECTION_MATRICES].count) {
        return p->sections[YIMA_SECTION_AXES].count && p->sections[YIMA_SECTION_CELLS].count;
    }
    YIMA_PUT(key, COLUMNS, TABLE, YIMA_VALUE(f->row, FARES, TABLE));
    YIMA_PUT(key, COLUMNS, EXIT, f->gate->station);
    const uint8_t *row = yima_row_from(p, YIMA_SECTION_COLUMNS, key, sizeof key);
    return row && memcmp(row, key, YIMA_COLUMNS_AT_ENTRY) == 0;
}

/* The tables do not have this ride, which is the operator's fault: nobody pays another fare for it. */
static yima_reason without_price(yima_pricing *f) {
    f->reducible = 0;
    return has_tables(f) &&
                   accepted_by_policy(f, YIMA_RULE_FARE, YIMA_JOURNEYS_AT_UNPRICED, 0, YIMA_JOURNEYS_AT_UNPRICED_RULE)
               ? YIMA_REASON_ACCEPTED
               : YIMA_REASON_RIDE_NOT_PRICED;
}

/* One tap is the ride: flat, or as far as the line goes from here. */
static yima_reason price_single(yima_pricing *f) {
    uint32_t here;
    if (YIMA_VALUE(f->row, FARES, KIND) == FLAT) {
        f->fen = YIMA_VALUE(f->row, FARES, FEN);
    } else if (YIMA_VALUE(f->row, FARES, KIND) != STAGES) { /* no single tap can be priced so */
        return YIMA_REASON_NO_FARE;
    } else if (!metres_of(f, f->gate->station, &here) || !stage_fare(f, end_of_line(f) - here)) {
        return without_price(f);
    }
    apply_base(f, YIMA_RULE_FARE, YIMA_VALUE(f->row, FARES, RULE));
    return YIMA_REASON_ACCEPTED;
}

static int read_entry(yima_pricing *f, const yima_entry_data *known) {
    if (known) {
        f->entry = *known;
        return 1;
    }
    return f->claim->institution && yima_issuer_data_read(f->p, f->claim->institution, f->claim->issuer_data,
                                                          f->claim->issuer_data_size, &f->entry);
}

static yima_reason price_entry(yima_pricing *f) {
    f->reducible = 0;
    if (f->journey && f->claim->cap_fen < YIMA_VALUE(f->journey, JOURNEYS, ENTRY_CAP_FEN)) {
        return YIMA_REASON_FARE_OVER_CAP;
    }
    if (!f->readable || !f->entry.inside) {
        apply_base(f, YIMA_RULE_FARE, YIMA_VALUE(f->row, FARES, RULE));
        return YIMA_REASON_ACCEPTED;
    }
    return accepted_by_policy(f, YIMA_RULE_SURCHARGE, YIMA_JOURNEYS_AT_MISSING_EXIT, 0,
                              YIMA_JOURNEYS_AT_MISSING_EXIT_RULE)
               ? YIMA_REASON_ACCEPTED
               : YIMA_REASON_EXIT_MISSING;
}

static yima_reason price_exit(yima_pricing *f, int *over_time) {
    const yima_entry_data *entry = &f->entry;
    if (f->readable && entry->inside) {
        f->verdict->entry_at = entry->entered_at;
        f->verdict->entry_station = entry->station <= UINT16_MAX ? (uint16_t)entry->station : 0;
    }
    if (f->readable && !entry->inside) {
        f->reducible = 0;
        return accepted_by_policy(f, YIMA_RULE_SURCHARGE, YIMA_JOURNEYS_AT_MISSING_ENTRY,
                                  YIMA_JOURNEYS_AT_MISSING_ENTRY_FEN, YIMA_JOURNEYS_AT_MISSING_ENTRY_RULE)
                   ? YIMA_REASON_ACCEPTED
                   : YIMA_REASON_ENTRY_MISSING;
    }
    if (!f->readable && YIMA_VALUE(f->row, FARES, KIND) != FLAT) {
        return accepted_by_policy(f, YIMA_RULE_FARE, YIMA_JOURNEYS_AT_UNREADABLE, YIMA_JOURNEYS_AT_UNREADABLE_FEN,
                                  YIMA_JOURNEYS_AT_UNREADABLE_RULE)
                   ? YIMA_REASON_ACCEPTED
                   : YIMA_REASON_ENTRY_UNREADABLE;
    }
    if (!ride_fare(f, f->readable ? entry->station : 0)) {
        return without_price(f);
    }
    const uint32_t longest = f->journey && f->readable ? YIMA_VALUE(f->journey, JOURNEYS, LONGEST_S) : 0;
    *over_time = longest && entry->entered_at && f->now > entry->entered_at && f->now - entry->entered_at > longest;
    apply_base(f, YIMA_RULE_FARE, YIMA_VALUE(f->row, FARES, RULE));
    return YIMA_REASON_ACCEPTED;
}

yima_reason yima_fare_find(const yima_judgement *j, uint32_t issuer_city) {
    yima_pricing f = {.p = j->v->parameters,
                      .gate = &j->v->gate,
                      .claim = &j->claim,
                      .now = (uint32_t)j->now,
                      .issuer_city = issuer_city,
                      .reducible = 1,
                      .verdict = j->verdict};
    f.readable = f.gate->direction != YIMA_DIRECTION_NONE && read_entry(&f, j->known_entry);
    yima_hours_of_ride(&f);
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
        yima_reduce(&f);
    }
    if (over_time) {
        const uint32_t more = YIMA_VALUE(f.journey, JOURNEYS, OVER_TIME_FEN);
        yima_apply_rule(&f, YIMA_RULE_SURCHARGE, YIMA_VALUE(f.journey, JOURNEYS, OVER_TIME_RULE), more);
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
