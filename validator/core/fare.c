/* fare.c - what a ride costs: a fare rule, a concession, a transfer discount, an extra for staying too long.
 *
 * Of several rules that fit, the one that says most wins, compared in a fixed order of its columns, so two packages
 * with the same rows give the same fare (docs/decisions/0011). Money is whole fen; a percentage rounds half up, once,
 * where it is applied. No sum overflows: every number of the parameters is at most 24 bits. */
#include "fare.h"

#include "issuer_data.h"
#include "parameters.h"
#include "trust.h"

enum {
    FARE_AT_KIND = 16,
    FARE_AT_RULE = 18,
    FARE_AT_FEN = 20,
    FARE_AT_TABLE = 24,
    FLAT = 1,
    STAGES,
    MATRIX,
    PERCENT = 1,
    FEN = 2,
    CONCESSION_AT_KIND = 20,
    CONCESSION_AT_RULE = 22,
    CONCESSION_AT_VALUE = 24,
    ANY_ACCOUNT_TYPE = 0x100,
    TRANSFER_AT_WITHIN = 8,
    TRANSFER_AT_VALUE = 12,
    TRANSFER_AT_KIND = 16,
    TRANSFER_AT_RULE = 18,
    JOURNEY_AT_LONGEST = 8,
    JOURNEY_AT_OVER_TIME_FEN = 12,
    JOURNEY_AT_MISSING_ENTRY_FEN = 16,
    JOURNEY_AT_UNREADABLE_FEN = 20,
    JOURNEY_AT_ENTRY_CAP = 24,
    JOURNEY_AT_MISSING_EXIT = 28, /* policies */
    JOURNEY_AT_MISSING_ENTRY = 29,
    JOURNEY_AT_UNREADABLE = 30,
    JOURNEY_AT_OVER_TIME_RULE = 32,
    JOURNEY_AT_MISSING_ENTRY_RULE = 34,
    JOURNEY_AT_UNREADABLE_RULE = 36,
    JOURNEY_AT_MISSING_EXIT_RULE = 38,
    ACCEPT = 2,
    NO_RIDE = 0xffff
};

/* One fare in the making. */
typedef struct {
    const yima_parameters *p;
    const yima_gate *gate;
    const yima_claim *claim;
    uint32_t now;
    const uint8_t *row;     /* the fare rule */
    const uint8_t *journey; /* the row for entries and exits, or NULL */
    uint32_t fen;
    uint8_t reducible; /* 0: concessions and transfers leave it alone */
    uint8_t applied;
    uint16_t rules[YIMA_RULES];
} pricing;

static void apply(pricing *f, const uint8_t *rule) {
    if (yima_be16(rule) && f->applied < YIMA_RULES) {
        f->rules[f->applied++] = (uint16_t)yima_be16(rule);
    }
}

static uint32_t percent_of(uint32_t fen, uint32_t percent) {
    return (fen * percent + 50) / 100; /* 24 bits times 100 fit */
}

/* The row of a city, else of any city; keys of mode (1), zero (3), city (4). */
static const uint8_t *of_place(const yima_parameters *p, const yima_gate *gate, unsigned section) {
    uint8_t key[8] = {gate->mode};
    yima_put_be32(key + 4, gate->city);
    const uint8_t *row = yima_row_find(p, section, key, sizeof key);
    if (!row && gate->city) {
        yima_put_be32(key + 4, 0);
        row = yima_row_find(p, section, key, sizeof key);
    }
    return row;
}

/* The fare rule in force: of the line, else of the city, else of the mode. */
static const uint8_t *rule_in_force(const pricing *f) {
    uint8_t key[8] = {f->gate->mode};
    const uint8_t *row = NULL;
    yima_put_be32(key + 4, f->gate->city);
    if (f->gate->city && f->gate->line) {
        yima_put_be16(key + 2, f->gate->line);
        row = yima_dated_find(f->p, YIMA_SECTION_FARES, key, f->now, NULL);
        yima_put_be16(key + 2, 0);
    }
    if (!row && f->gate->city) {
        row = yima_dated_find(f->p, YIMA_SECTION_FARES, key, f->now, NULL);
        yima_put_be32(key + 4, 0);
    }
    return row ? row : yima_dated_find(f->p, YIMA_SECTION_FARES, key, f->now, NULL);
}

static int metres_of(const pricing *f, uint32_t station, uint32_t *metres) {
    uint8_t key[12] = {f->gate->mode};
    yima_put_be16(key + 2, f->gate->line);
    yima_put_be32(key + 4, f->gate->city);
    yima_put_be16(key + 8, station);
    const uint8_t *row = station <= UINT16_MAX ? yima_row_find(f->p, YIMA_SECTION_STATIONS, key, sizeof key) : NULL;
    if (row) {
        *metres = yima_be32(row + 12);
    }
    return row != NULL;
}

/* Where the gate's line ends; a line has some tens of stations. */
static uint32_t end_of_line(const pricing *f) {
    uint8_t key[8] = {f->gate->mode};
    uint32_t end = 0;
    yima_put_be16(key + 2, f->gate->line);
    yima_put_be32(key + 4, f->gate->city);
    uint32_t i = yima_rows_below(f->p, YIMA_SECTION_STATIONS, key, sizeof key, 0);
    const uint8_t *row;
    while ((row = yima_row(f->p, YIMA_SECTION_STATIONS, i++)) && memcmp(row, key, sizeof key) == 0) {
        const uint32_t metres = yima_be32(row + 12);
        end = metres > end ? metres : end;
    }
    return end;
}

static int stage_fare(pricing *f, uint32_t metres) {
    uint8_t key[8] = {0};
    memcpy(key, f->row + FARE_AT_TABLE, 2);
    yima_put_be32(key + 4, metres);
    const uint8_t *stage = yima_row_from(f->p, YIMA_SECTION_STAGES, key, sizeof key);
    if (!stage || memcmp(stage, key, 4) != 0) {
        return 0;
    }
    f->fen = yima_be32(stage + 8);
    return 1;
}

static int place_in_matrix(const pricing *f, uint32_t station, uint32_t *place) {
    uint8_t key[4];
    memcpy(key, f->row + FARE_AT_TABLE, 2);
    yima_put_be16(key + 2, station);
    const uint8_t *axis = station <= UINT16_MAX ? yima_row_find(f->p, YIMA_SECTION_AXES, key, sizeof key) : NULL;
    if (axis) {
        *place = yima_be16(axis + 4);
    }
    return axis != NULL;
}

static int matrix_fare(pricing *f, uint32_t from) {
    const uint8_t *matrix = yima_row_find(f->p, YIMA_SECTION_MATRICES, f->row + FARE_AT_TABLE, 2);
    uint32_t entry, exit;
    if (!matrix || !place_in_matrix(f, from, &entry) || !place_in_matrix(f, f->gate->station, &exit)) {
        return 0;
    }
    const uint32_t size = yima_be16(matrix + 2);
    if (entry >= size || exit >= size) {
        return 0;
    }
    const uint64_t number = (uint64_t)yima_be32(matrix + 4) + (uint64_t)entry * size + exit;
    const uint8_t *cell = yima_row(f->p, YIMA_SECTION_CELLS, number);
    if (!cell || yima_be16(cell) == NO_RIDE) {
        return 0;
    }
    f->fen = yima_be16(cell);
    return 1;
}

/* From an entry to here by the fare rule; 0: the rule knows no such ride. */
static int ride_fare(pricing *f, uint32_t from) {
    uint32_t entry, here;
    switch (f->row[FARE_AT_KIND]) {
    case FLAT:
        f->fen = yima_be32(f->row + FARE_AT_FEN);
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
    if (f->row[FARE_AT_KIND] == FLAT) {
        f->fen = yima_be32(f->row + FARE_AT_FEN);
    } else if (f->row[FARE_AT_KIND] != STAGES || !metres_of(f, f->gate->station, &here) ||
               !stage_fare(f, end_of_line(f) - here)) {
        return YIMA_REASON_NO_FARE;
    }
    apply(f, f->row + FARE_AT_RULE);
    return YIMA_REASON_ACCEPTED;
}

static int read_entry(const pricing *f, yima_entry_data *entry) {
    return f->claim->institution && f->claim->issuer_data &&
           yima_issuer_data_read(f->p, f->claim->institution, f->claim->issuer_data, f->claim->issuer_data_size, entry);
}

/* Whether the journey's policy accepts; then its fixed fare and rule are taken. */
static int accepted_by_policy(pricing *f, int policy, int fen, int rule) {
    if (!f->journey || f->journey[policy] != ACCEPT) {
        return 0;
    }
    f->fen = fen ? yima_be32(f->journey + fen) : 0;
    apply(f, f->journey + rule);
    return 1;
}

static yima_reason price_entry(pricing *f) {
    yima_entry_data entry;
    f->reducible = 0;
    if (f->journey && f->claim->cap_fen < yima_be32(f->journey + JOURNEY_AT_ENTRY_CAP)) {
        return YIMA_REASON_FARE_OVER_CAP;
    }
    if (!read_entry(f, &entry) || !entry.inside) {
        apply(f, f->row + FARE_AT_RULE);
        return YIMA_REASON_ACCEPTED;
    }
    return accepted_by_policy(f, JOURNEY_AT_MISSING_EXIT, 0, JOURNEY_AT_MISSING_EXIT_RULE) ? YIMA_REASON_ACCEPTED
                                                                                           : YIMA_REASON_EXIT_MISSING;
}

static yima_reason price_exit(pricing *f, int *over_time) {
    yima_entry_data entry;
    const int readable = read_entry(f, &entry);
    if (readable && !entry.inside) {
        f->reducible = 0;
        return accepted_by_policy(f, JOURNEY_AT_MISSING_ENTRY, JOURNEY_AT_MISSING_ENTRY_FEN,
                                  JOURNEY_AT_MISSING_ENTRY_RULE)
                   ? YIMA_REASON_ACCEPTED
                   : YIMA_REASON_ENTRY_MISSING;
    }
    if ((readable || f->row[FARE_AT_KIND] == FLAT) && ride_fare(f, readable ? entry.station : 0)) {
        const uint32_t longest = f->journey && readable ? yima_be32(f->journey + JOURNEY_AT_LONGEST) : 0;
        *over_time = longest && entry.entered_at && f->now > entry.entered_at && f->now - entry.entered_at > longest;
        apply(f, f->row + FARE_AT_RULE);
        return YIMA_REASON_ACCEPTED;
    }
    return accepted_by_policy(f, JOURNEY_AT_UNREADABLE, JOURNEY_AT_UNREADABLE_FEN, JOURNEY_AT_UNREADABLE_RULE)
               ? YIMA_REASON_ACCEPTED
               : YIMA_REASON_ENTRY_UNREADABLE;
}

/* The concession that says most, compared by account type, then issuer's city, then riding city, then mode. */
static const uint8_t *concession_in_force(const pricing *f, uint32_t issuer_city) {
    for (unsigned any = 0; any < 16; any++) {
        if ((any & 4 && !issuer_city) || (any & 2 && !f->gate->city)) {
            continue; /* nothing to leave out: the same key again */
        }
        uint8_t key[12] = {0};
        yima_put_be16(key, any & 8 ? ANY_ACCOUNT_TYPE : f->claim->account_type);
        key[2] = any & 1 ? 0 : f->gate->mode;
        yima_put_be32(key + 4, any & 4 ? 0 : issuer_city);
        yima_put_be32(key + 8, any & 2 ? 0 : f->gate->city);
        const uint8_t *row = yima_dated_find(f->p, YIMA_SECTION_CONCESSIONS, key, f->now, NULL);
        if (row) {
            return row;
        }
    }
    return NULL;
}

static void reduce(pricing *f, const yima_judgement *j, uint32_t issuer_city) {
    const uint8_t *row = f->p->sections[YIMA_SECTION_CONCESSIONS].count ? concession_in_force(f, issuer_city) : NULL;
    if (row) {
        const uint32_t value = yima_be32(row + CONCESSION_AT_VALUE);
        const uint32_t reduced = row[CONCESSION_AT_KIND] == PERCENT ? percent_of(f->fen, value) : value;
        f->fen = reduced < f->fen ? reduced : f->fen;
        apply(f, row + CONCESSION_AT_RULE);
    }
    row = of_place(f->p, f->gate, YIMA_SECTION_TRANSFERS);
    if (row && yima_replay_transfer(j->v, f->claim->card_account, j->now, yima_be32(row + TRANSFER_AT_WITHIN))) {
        const uint32_t value = yima_be32(row + TRANSFER_AT_VALUE);
        f->fen = row[TRANSFER_AT_KIND] == PERCENT ? percent_of(f->fen, value) : f->fen > value ? f->fen - value : 0;
        apply(f, row + TRANSFER_AT_RULE);
        j->verdict->transfer = 1;
    }
}

yima_reason yima_fare_find(const yima_judgement *j, uint32_t issuer_city) {
    pricing f = {
        .p = j->v->parameters, .gate = &j->v->gate, .claim = &j->claim, .now = (uint32_t)j->now, .reducible = 1};
    f.row = rule_in_force(&f);
    if (!f.row) {
        return YIMA_REASON_NO_FARE;
    }
    f.journey = of_place(f.p, f.gate, YIMA_SECTION_JOURNEYS);
    int over_time = 0;
    const yima_reason reason = f.gate->direction == YIMA_DIRECTION_ENTRY  ? price_entry(&f)
                               : f.gate->direction == YIMA_DIRECTION_EXIT ? price_exit(&f, &over_time)
                                                                          : price_single(&f);
    if (reason != YIMA_REASON_ACCEPTED) {
        return reason;
    }
    if (f.reducible) {
        reduce(&f, j, issuer_city);
    }
    if (over_time) {
        f.fen += yima_be32(f.journey + JOURNEY_AT_OVER_TIME_FEN);
        apply(&f, f.journey + JOURNEY_AT_OVER_TIME_RULE);
    }
    if (f.fen > j->claim.cap_fen) {
        return YIMA_REASON_FARE_OVER_CAP;
    }
    j->verdict->fare_fen = f.fen;
    j->verdict->transaction = f.gate->direction == YIMA_DIRECTION_NONE    ? YIMA_TRANSACTION_NONE
                              : f.gate->direction == YIMA_DIRECTION_ENTRY ? YIMA_TRANSACTION_ENTRY
                              : over_time                                 ? YIMA_TRANSACTION_OVER_TIME_EXIT
                                                                          : YIMA_TRANSACTION_EXIT;
    memcpy(j->verdict->rules, f.rules, sizeof f.rules);
    return YIMA_REASON_ACCEPTED;
}

uint32_t yima_transfer_window(const yima_parameters *p, const yima_gate *gate) {
    const uint8_t *row = of_place(p, gate, YIMA_SECTION_TRANSFERS);
    return row ? yima_be32(row + TRANSFER_AT_WITHIN) : 0;
}

size_t yima_rule_text(const yima_parameters *p, const yima_verdict *verdict, char *out) {
    size_t length = 0;
    for (int i = 0; i < YIMA_RULES; i++) {
        const uint8_t *name = verdict->rules[i] ? yima_row(p, YIMA_SECTION_NAMES, verdict->rules[i] - 1u) : NULL;
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
