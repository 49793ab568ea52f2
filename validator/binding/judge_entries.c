/* judge_entries.c - many taps judged again: the work of the type Judge.
 *
 * Each accepted tap is judged at the moment, at the place and under the parameters that its facts name, but for issuers'
 * certificates that newer ones withdraw; or under one package instead of whatever they name; as if no code had been shown before: what was used twice is for the caller to
 * find. */
#define PY_SSIZE_T_CLEAN
#include "judge_entries.h"

#include <stdlib.h>
#include <string.h>

#include "core/code.h"
#include "core/fare.h"
#include "core/parameters.h"
#include "core/trust.h"

enum { TABLES = 512 << 10, IDLE_EVERY = 16, NO_REASON = -1 };

/* What of an entry is in order. */
enum { READABLE = 2, RECORD_WHOLE = 4, AGREES = 8, PARAMETERS_KNOWN = 16 };

static yima_package *package_for(yima_judge_object *self, const yima_tap_facts *tap) {
    if (self->instead) {
        return self->packages;
    }
    for (Py_ssize_t i = 0; i < self->package_count; i++) {
        yima_package *p = &self->packages[i];
        if (p->version == tap->parameters_version && memcmp(p->digest, tap->parameters_digest, sizeof p->digest) == 0) {
            return p;
        }
    }
    return NULL;
}

static const yima_deny *deny_named(const yima_judge_object *self, uint32_t version) {
    for (Py_ssize_t i = 0; version && i < self->deny_count; i++) {
        if (self->denies[i].version == version) {
            return self->denies[i].deny;
        }
    }
    return NULL;
}

/* The value of one tag of a record that is whole; NULL: it has none. */
static const uint8_t *value_of(const uint8_t *record, size_t size, uint32_t tag, size_t *length) {
    size_t at = 0;
    while (size - at >= 4) {
        *length = yima_be16(record + at + 2);
        if (yima_be16(record + at) == tag) {
            return record + at + 4;
        }
        at += 4 + *length;
    }
    return NULL;
}

static int has_number(const uint8_t *record, size_t size, uint32_t tag, uint32_t number) {
    size_t length;
    const uint8_t *value = value_of(record, size, tag, &length);
    return value && length == 4 && yima_be32(value) == number;
}

static yima_shelf *shelf_for(yima_package *p, const uint8_t *code, size_t length) {
    const unsigned place = length > YIMA_AT_CERTIFICATE + YIMA_CERTIFICATE_SIZE
                               ? code[YIMA_AT_CERTIFICATE + YIMA_CERTIFICATE_SIZE - 1] % YIMA_SHELVES
                               : 0;
    if (!p->shelves[place]) {
        yima_shelf *made = calloc(1, sizeof *made);
        if (!made) {
            return NULL;
        }
        const size_t needed = yima_memory_size(yima_memory_need(&p->parameters));
        const yima_gate gate = {.mode = YIMA_MODE_BUS};
        void *memory = malloc(needed);
        made->tables = malloc(TABLES);
        yima_validator_init(&made->core, &p->parameters, gate, memory, memory ? needed : 0, made->tables,
                            made->tables ? TABLES : 0);
        /* Nothing is used here: what is judged is taken back at once, so the least memory does. */
        yima_replay_begin(&made->core, &made->used, sizeof made->used);
        free(memory);
        if (!made->core.kernel) {
            free(made->tables);
            free(made);
            return NULL;
        }
        p->shelves[place] = made;
    }
    return p->shelves[place];
}

static yima_gate gate_of(const yima_tap_facts *tap) {
    return (yima_gate){.mode = tap->mode,
                       .direction = tap->direction,
                       .line = tap->line,
                       .station = tap->station,
                       .city = tap->city,
                       .operator_id = tap->operator_id};
}

static int put_verdict(yima_answers *a, Py_ssize_t row, const yima_parameters *p, const yima_verdict *verdict) {
    a->reason[row] = verdict->reason;
    a->gross[row] = verdict->gross_fen;
    a->fare[row] = verdict->fare_fen;
    a->transaction[row] = verdict->transaction;
    for (unsigned i = 0; i < verdict->rule_count; i++) {
        const yima_applied_rule *rule = &verdict->rules[i];
        const Py_ssize_t to = a->applied++;
        yima_verdict alone = {.rule_count = 1, .rules = {*rule}};
        if (!yima_text_room(&a->names, YIMA_RULE_TEXT_MAX)) {
            return 0;
        }
        a->names.size += yima_rule_text(p, &alone, a->names.characters + a->names.size);
        a->names.offsets[to + 1] = (int32_t)a->names.size;
        a->row[to] = row;
        a->place[to] = i;
        a->number[to] = rule->number;
        a->kind[to] = rule->kind;
        a->fen[to] = rule->fen;
        a->funder[to] = rule->funder;
        a->funder_id[to] = rule->funder_id;
    }
    return 1;
}

/* The organisation in the code, 8 digits; of a family that has none, the family's own number. */
static int64_t issuer_of(yima_family family, const uint8_t *code, size_t length) {
    const size_t skipped = family == YIMA_FAMILY_UNIFIED;
    int64_t digits = 0;
    if ((family != YIMA_FAMILY_MINISTRY && family != YIMA_FAMILY_UNIFIED) || length < skipped + YIMA_CODE_MIN) {
        return family;
    }
    for (int i = 0; i < YIMA_INSTITUTION_SIZE; i++) {
        const uint8_t byte = code[skipped + YIMA_AT_ORGANISATION + (size_t)i];
        digits = digits * 100 + (byte >> 4) * 10 + (byte & 15);
    }
    return digits;
}

/* What the code allows a ride to cost, YIMA_NO_CAP if it does not say; true only once the signatures are. */
static int64_t cap_of(yima_validator *core, yima_family family, const uint8_t *code, size_t length) {
    yima_verdict unused;
    memset(&unused, 0, sizeof unused);
    yima_judgement j = yima_judgement_of(core, family, code, length);
    j.verdict = &unused;
    return j.own && j.own->open(&j) == YIMA_REASON_ACCEPTED ? j.claim.cap_fen : YIMA_NO_CAP;
}

static int64_t signatures_of(const yima_verdict *verdict) {
    return (verdict->stages[YIMA_STAGE_CERTIFICATE] == YIMA_PASSED ? 1 : 0) |
           (verdict->stages[YIMA_STAGE_ISSUER_SIGNATURE] == YIMA_PASSED ? 2 : 0) |
           (verdict->stages[YIMA_STAGE_RIDER_SIGNATURE] == YIMA_PASSED ? 4 : 0);
}

static int names_the_same(const yima_tap_facts *tap, const yima_verdict *verdict) {
    return tap->family == verdict->family &&
           (!verdict->has_digest || memcmp(tap->digest, verdict->digest, sizeof tap->digest) == 0) &&
           memcmp(tap->account, verdict->account, sizeof tap->account) == 0 &&
           tap->account_type == verdict->account_type;
}

/* Whether a package that is newer than the tap's withdraws the certificate of its code from before the tap on: a gate
 * that had not got it yet let the rider in. */
static int is_withdrawn_since(const yima_judge_object *self, const yima_tap_facts *tap, const yima_facts *facts,
                              const uint8_t *code, size_t length) {
    const size_t skipped = tap->family == YIMA_FAMILY_UNIFIED;
    if ((tap->family != YIMA_FAMILY_MINISTRY && tap->family != YIMA_FAMILY_UNIFIED) || facts->at < 0 ||
        facts->at > UINT32_MAX || length < skipped + YIMA_AT_CERTIFICATE + YIMA_CERTIFICATE_SIZE) {
        return 0;
    }
    const uint8_t *certificate = code + skipped + YIMA_AT_CERTIFICATE;
    for (Py_ssize_t i = 0; i < self->package_count; i++) {
        const yima_package *p = &self->packages[i];
        if (p->version > tap->parameters_version &&
            yima_certificate_revoked(&p->parameters, certificate, (uint32_t)facts->at)) {
            return 1;
        }
    }
    return 0;
}

/* An accepted tap whose record is whole. Returns 0 when memory is out. */
static int judge_tap(yima_judge_object *self, yima_answers *a, Py_ssize_t row, const yima_facts *facts,
                     const uint8_t *record, size_t size) {
    const yima_tap_facts *tap = &facts->of.tap;
    size_t length;
    const uint8_t *code = value_of(record, size, 0x0001, &length);
    yima_package *p = package_for(self, tap);
    if (!code) {
        return 1;
    }
    a->issuer[row] = issuer_of((yima_family)tap->family, code, length);
    if (!p) {
        return 1;
    }
    a->intact[row] |= PARAMETERS_KNOWN;
    yima_shelf *on = shelf_for(p, code, length);
    if (!on) {
        return 0;
    }
    yima_verdict verdict;
    on->core.gate = gate_of(tap);
    yima_validator_set_deny(&on->core, deny_named(self, tap->deny_version));
    const yima_moment now = {.unix_s = facts->at, .tick_ms = 0, .trusted = facts->trust};
    yima_judge(&on->core, code, length, now, &verdict);
    yima_retract(&on->core, &verdict);
    memset(on->core.shown, 0, sizeof on->core.shown);
    if (on->core.clock % IDLE_EVERY == 0) {
        yima_idle(&on->core);
    }
    a->signatures[row] = signatures_of(&verdict);
    a->cap[row] = cap_of(&on->core, (yima_family)tap->family, code, length);
    if (names_the_same(tap, &verdict) && has_number(record, size, 0x0009, tap->fare_fen) &&
        has_number(record, size, 0x0010, (uint32_t)facts->at)) {
        a->intact[row] |= AGREES;
    }
    if (verdict.accepted && !self->instead && is_withdrawn_since(self, tap, facts, code, length)) {
        yima_refuse(&verdict, YIMA_REASON_CERTIFICATE_REVOKED);
    }
    return put_verdict(a, row, &p->parameters, &verdict);
}

int yima_judge_all(yima_judge_object *self, yima_answers *a, const yima_entries *entries) {
    int good = 1;
    for (Py_ssize_t row = 0; good && row < entries->count; row++) {
        yima_facts facts;
        const uint8_t *entry = yima_entry(entries, row);
        const size_t size = yima_entry_size(entries, row);
        const size_t head = yima_facts_read(&facts, entry, size);
        a->reason[row] = NO_REASON;
        if (!head) {
            continue;
        }
        a->intact[row] = READABLE;
        if (facts.kind != YIMA_TAP || facts.of.tap.reason != YIMA_REASON_ACCEPTED) {
            a->intact[row] |= RECORD_WHOLE; /* there is none that could be broken */
        } else if (yima_record_check(entry + head, size - head)) {
            a->intact[row] |= RECORD_WHOLE;
            good = judge_tap(self, a, row, &facts, entry + head, size - head);
        }
        good = good && a->names.size <= INT32_MAX;
    }
    return good;
}

/* What the exit would have cost from the entry that the centre knows; nothing is verified again. */
static int price_tap(yima_judge_object *self, yima_answers *a, Py_ssize_t row, const yima_facts *facts,
                     const uint8_t *record, size_t size, const yima_entry_data *entry) {
    const yima_tap_facts *tap = &facts->of.tap;
    size_t length;
    const uint8_t *code = value_of(record, size, 0x0001, &length);
    yima_package *p = package_for(self, tap);
    yima_shelf *on = code && p ? shelf_for(p, code, length) : NULL;
    if (!on) {
        return !code || !p;
    }
    yima_verdict verdict;
    memset(&verdict, 0, sizeof verdict);
    on->core.gate = gate_of(tap);
    yima_judgement j = yima_judgement_of(&on->core, (yima_family)tap->family, code, length);
    j.now = facts->at < 0 ? 0 : facts->at > UINT32_MAX ? UINT32_MAX : facts->at;
    j.known_entry = entry;
    j.verdict = &verdict;
    if (!j.own || j.own->open(&j) != YIMA_REASON_ACCEPTED) {
        return 1;
    }
    yima_pair pair = {.city = j.claim.city};
    if (j.claim.institution) {
        yima_pair_find(&p->parameters, j.claim.institution, &pair);
    }
    const yima_reason reason = yima_fare_find(&j, pair.city);
    if (reason != YIMA_REASON_ACCEPTED) {
        yima_refuse(&verdict, reason);
    }
    return put_verdict(a, row, &p->parameters, &verdict);
}

int yima_price_all(yima_judge_object *self, yima_answers *a, const yima_entries *entries, const int64_t *stations,
                   const int64_t *moments) {
    int good = 1;
    for (Py_ssize_t row = 0; good && row < entries->count; row++) {
        yima_facts facts;
        const uint8_t *entry = yima_entry(entries, row);
        const size_t size = yima_entry_size(entries, row);
        const size_t head = yima_facts_read(&facts, entry, size);
        a->reason[row] = NO_REASON;
        if (head && facts.kind == YIMA_TAP && yima_record_check(entry + head, size - head)) {
            const yima_entry_data known = {
                .inside = 1, .station = (uint32_t)stations[row], .entered_at = (uint32_t)moments[row]};
            good = price_tap(self, a, row, &facts, entry + head, size - head, &known);
        }
        good = good && a->names.size <= INT32_MAX;
    }
    return good;
}
