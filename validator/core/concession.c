/* concession.c - what is taken off a fare, for whom, and who pays for it.
 *
 * Rows stand by riding city, so those of the gate's city and those of any are two runs, which are walked. */
#include "fare.h"
#include "parameters.h"

enum {
    PERCENT = 1,
    ANY_ACCOUNT_TYPE = 0x100,
    CHOOSE_LEAST = 2,
    ROUND_DOWN = 2,
    ROUND_UP = 3,
    THOUSAND = 1000, /* a percentage is told in tenths */
    BYTES_OF_CITY = YIMA_CONCESSIONS_SIZE_RIDING_CITY
};

/* A concession that fits, with what remains of the fare by it. rank: how much its columns say. */
typedef struct {
    const uint8_t *row;
    uint32_t rank;
    uint32_t fen;
} offer;

/* So many thousandths of a fare, rounded once as the parameters say. 24 bits times 1000 do not fit 32, so whole
 * thousands of the fare are taken apart first. */
static uint32_t part_of(const yima_parameters *p, uint32_t fen, uint32_t thousandths) {
    const uint8_t *tariff = yima_row(p, YIMA_SECTION_TARIFF, 0);
    const uint32_t unit = tariff ? YIMA_VALUE(tariff, TARIFF, UNIT_FEN) : 1;
    const uint32_t rounding = tariff ? YIMA_VALUE(tariff, TARIFF, ROUNDING) : 0;
    const uint32_t small = fen % THOUSAND * thousandths;
    const uint32_t whole = fen / THOUSAND * thousandths + small / THOUSAND;
    const uint32_t rest = whole % unit * THOUSAND + small % THOUSAND; /* thousandths of a fen above a multiple */
    const uint32_t below = whole - whole % unit;
    const int up = rounding == ROUND_DOWN ? 0 : rounding == ROUND_UP ? rest > 0 : 2 * rest >= unit * THOUSAND;
    return up ? below + unit : below;
}

/* What remains of the fare by a concession. */
static uint32_t reduced_by(const yima_pricing *f, const uint8_t *row) {
    const uint32_t value = YIMA_VALUE(row, CONCESSIONS, VALUE);
    const uint32_t reduced = YIMA_VALUE(row, CONCESSIONS, KIND) == PERCENT ? part_of(f->p, f->fen, value) : value;
    return reduced < f->fen ? reduced : f->fen;
}

/* Whether a column that is 0 for any is this, and adds its weight to the rank. */
static int fits(uint32_t told, uint32_t here, uint32_t weight, uint32_t *rank) {
    *rank += told ? weight : 0;
    return !told || told == here;
}

/* Whether a row of this city, or of any, is for this rider, here and now. What is compared first weighs most: account
 * type, group, institution, issuer's city, line, riding city, mode; at last band and kind of day. */
static int is_for(const yima_pricing *f, const uint8_t *row, uint32_t groups, uint32_t *rank) {
    const uint32_t account_type = YIMA_VALUE(row, CONCESSIONS, ACCOUNT_TYPE);
    const uint32_t group = YIMA_VALUE(row, CONCESSIONS, GROUP);
    const uint32_t to = YIMA_VALUE(row, CONCESSIONS, TO_S);
    const uint32_t institution = f->claim->institution ? yima_be32(f->claim->institution) : 0;
    uint32_t moment;
    *rank = (account_type == ANY_ACCOUNT_TYPE ? 0 : 512u) + (group ? 256u : 0) +
            (YIMA_VALUE(row, CONCESSIONS, RIDING_CITY) ? 16u : 0);
    if ((account_type != ANY_ACCOUNT_TYPE && account_type != f->claim->account_type) ||
        (group && !(groups >> group & 1)) ||
        !fits(YIMA_VALUE(row, CONCESSIONS, ORGANISATION), institution, 128, rank) ||
        !fits(YIMA_VALUE(row, CONCESSIONS, ISSUER_CITY), f->issuer_city, 64, rank) ||
        !fits(YIMA_VALUE(row, CONCESSIONS, LINE), f->gate->line, 32, rank) ||
        !fits(YIMA_VALUE(row, CONCESSIONS, MODE), f->gate->mode, 8, rank) ||
        f->now < YIMA_VALUE(row, CONCESSIONS, FROM_S) || (f->now >= to && to != UINT32_MAX) ||
        !yima_holds_when(f, YIMA_VALUE(row, CONCESSIONS, WHEN), &moment)) {
        return 0;
    }
    *rank += moment;
    return 1;
}

/* The better offer of the rows of a city. Of those that say as much the one that leaves less, of those that leave the
 * same the first, which is the first group's; where the parameters choose the least, the fare comes before the rank. */
static offer best_of_city(const yima_pricing *f, uint32_t city, uint32_t groups, offer best) {
    const uint8_t *tariff = yima_row(f->p, YIMA_SECTION_TARIFF, 0);
    const int least = tariff && YIMA_VALUE(tariff, TARIFF, CHOICE) == CHOOSE_LEAST;
    uint8_t key[BYTES_OF_CITY];
    YIMA_PUT(key, CONCESSIONS, RIDING_CITY, city);
    const uint8_t *row;
    for (uint32_t i = yima_rows_below(f->p, YIMA_SECTION_CONCESSIONS, key, sizeof key, 0);
         (row = yima_row(f->p, YIMA_SECTION_CONCESSIONS, i)) && memcmp(row, key, sizeof key) == 0; i++) {
        uint32_t rank;
        if (!is_for(f, row, groups, &rank)) {
            continue;
        }
        const offer now = {row, rank, reduced_by(f, row)};
        const int says_more = now.rank > best.rank;
        const int as_much = now.rank == best.rank;
        const int leaves_less = now.fen < best.fen;
        const int better =
            least ? leaves_less || (now.fen == best.fen && says_more) : says_more || (as_much && leaves_less);
        best = !best.row || better ? now : best;
    }
    return best;
}

/* Who pays for what a concession takes off. */
static void fund(const yima_pricing *f, yima_applied_rule *applied, const uint8_t *row) {
    applied->funder = (uint8_t)YIMA_VALUE(row, CONCESSIONS, FUNDER);
    applied->funder_id = applied->funder == YIMA_FUNDER_RIDING_CITY   ? f->gate->city
                         : applied->funder == YIMA_FUNDER_ISSUER_CITY ? f->issuer_city
                         : applied->funder == YIMA_FUNDER_OPERATOR    ? f->gate->operator_id
                                                                      : 0;
}

void yima_reduce(yima_pricing *f) {
    if (!f->p->sections[YIMA_SECTION_CONCESSIONS].count) {
        return;
    }
    /* An image has groups only if a concession names one, so no other looks the account up. */
    const uint32_t groups =
        f->p->sections[YIMA_SECTION_GROUPS].count ? yima_groups_of(f->p, f->claim->card_account) << 1 : 0;
    offer best = best_of_city(f, 0, groups, (offer){0});
    if (f->gate->city) {
        best = best_of_city(f, f->gate->city, groups, best);
    }
    if (best.row) {
        const uint32_t rule = YIMA_VALUE(best.row, CONCESSIONS, RULE);
        fund(f, yima_apply_rule(f, YIMA_RULE_CONCESSION, rule, (int64_t)best.fen - f->fen), best.row);
        f->fen = best.fen;
    }
}
