/* tap_facts.c - the facts of a tap, out of its verdict, the gate, the moment and the parameters; nothing is read twice. */
#include "bytes.h"
#include "parameters.h"
#include "sm3.h"
#include "yima/core.h"

void yima_parameters_digest(const yima_parameters *p, uint8_t digest[YIMA_PARAMETERS_DIGEST]) {
    uint8_t whole[32];
    yima_sm3(p->image, p->size, whole);
    memcpy(digest, whole, YIMA_PARAMETERS_DIGEST);
}

static void take_rules(yima_tap_facts *tap, const yima_parameters *p, const yima_verdict *verdict) {
    tap->rule_count = verdict->rule_count;
    for (unsigned i = 0; i < verdict->rule_count; i++) {
        const yima_applied_rule *from = &verdict->rules[i];
        const uint8_t *name = from->number ? yima_row(p, YIMA_SECTION_NAMES, from->number - 1u) : NULL;
        yima_rule_facts *to = &tap->rules[i];
        to->number = from->number;
        to->kind = from->kind;
        to->funder = from->funder;
        to->fen = from->fen;
        to->funder_id = from->funder_id;
        if (name) {
            memcpy(to->name, name, sizeof to->name);
        }
    }
}

void yima_facts_of_tap(yima_facts *facts, const yima_validator *v, const yima_verdict *verdict, yima_moment now,
                       uint32_t run, const uint8_t parameters_digest[YIMA_PARAMETERS_DIGEST]) {
    yima_tap_facts *tap = &facts->of.tap;
    memset(facts, 0, sizeof *facts);
    facts->kind = YIMA_TAP;
    facts->at = now.unix_s;
    facts->trust = now.trusted != 0;
    facts->run = run;
    facts->tick_ms = now.tick_ms;
    tap->reason = verdict->reason;
    tap->family = verdict->family;
    tap->mode = v->gate.mode;
    tap->direction = v->gate.direction;
    tap->city = v->gate.city;
    tap->operator_id = v->gate.operator_id;
    tap->line = v->gate.line;
    tap->station = v->gate.station;
    tap->account_type = verdict->account_type;
    tap->issuer_city = verdict->issuer_city;
    if (v->parameters) {
        tap->parameters_version = YIMA_VALUE(v->parameters->image, HEADER, VERSION);
        memcpy(tap->parameters_digest, parameters_digest, sizeof tap->parameters_digest);
    }
    tap->deny_version = v->deny ? yima_deny_version(v->deny) : 0;
    if (verdict->has_digest) {
        memcpy(tap->digest, verdict->digest, sizeof tap->digest);
    }
    memcpy(tap->account, verdict->account, sizeof tap->account);
    tap->good_until = verdict->good_until;
    tap->entry_at = verdict->entry_at;
    tap->entry_station = verdict->entry_station;
    tap->entry_line = verdict->entry_line;
    if (verdict->accepted) { /* what a refused ride would have cost is nobody's to book */
        tap->transaction = verdict->transaction;
        tap->vouched = verdict->vouched;
        tap->gross_fen = verdict->gross_fen;
        tap->fare_fen = verdict->fare_fen;
        take_rules(tap, v->parameters, verdict);
    }
}
