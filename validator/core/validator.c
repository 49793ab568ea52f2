/* validator.c - a judge and what it goes by: made ready, given other parameters, told what became of a verdict. */
#include "judge.h"
#include "parameters.h"
#include "trust.h"

/* Whether a code says itself until when it is good; of one that only its issuer can verify, the parameters say it. */
static int is_lasting(const yima_judgement *j) {
    return !j->own || j->own->issuer_signature;
}

/* Whether the bytes are the code that the verdict is about; j is then opened. */
static int is_of(yima_judgement *j, const yima_verdict *verdict) {
    uint8_t digest[32];
    return j->own && verdict->has_digest && j->own->open(j) == YIMA_REASON_ACCEPTED && j->own->digest(j, digest) &&
           memcmp(digest, verdict->digest, sizeof digest) == 0;
}

yima_status yima_settle(yima_validator *v, const uint8_t *code, size_t length, yima_moment now, yima_reason reason,
                        yima_vouched vouched, yima_verdict *verdict) {
    if (!v->parameters || verdict->reason != YIMA_REASON_NEEDS_RESOLVER || verdict->again) {
        return YIMA_BAD_ARGUMENT;
    }
    yima_judgement j = yima_judgement_of(v, yima_family_here(v->parameters, code, length), code, length);
    j.now = yima_bounded(now.unix_s);
    if (!is_of(&j, verdict)) {
        return YIMA_BAD_ARGUMENT;
    }
    const int64_t until = yima_last_second(&j);
    if (reason == YIMA_REASON_ACCEPTED && yima_replay_holds(v, verdict->digest, j.now)) {
        reason = YIMA_REASON_REPEATED; /* it was settled before */
    } else if (reason == YIMA_REASON_ACCEPTED &&
               !yima_replay_insert(v, verdict->digest, j.claim.card_account, j.now, until, j.now, is_lasting(&j))) {
        reason = YIMA_REASON_MEMORY_FULL;
    }
    if (reason == YIMA_REASON_ACCEPTED) {
        verdict->reason = YIMA_REASON_ACCEPTED;
        verdict->accepted = 1;
        verdict->vouched = (uint8_t)vouched;
        verdict->good_until = (uint32_t)yima_bounded(until);
        verdict->stages[YIMA_STAGE_PERMISSION] = YIMA_PASSED;
        verdict->stages[YIMA_STAGE_REPETITION] = YIMA_PASSED;
    } else {
        yima_refuse(verdict, reason);
    }
    yima_show(v, code, length, now.tick_ms, verdict);
    return YIMA_OK;
}

static void use(yima_validator *v, const yima_parameters *p) {
    v->parameters = p;
    v->memory_s = p ? yima_limit(p, YIMA_LIMITS_AT_ACCOUNT_INTERVAL_S) : v->memory_s;
    yima_replay_widen(v);
    yima_trust_begin(v);
}

static int is_aligned(const void *memory) {
    return ((uintptr_t)memory & 7) == 0;
}

yima_status yima_validator_init(yima_validator *v, const yima_parameters *p, yima_gate gate, void *memory,
                                size_t memory_size, void *tables, size_t tables_size) {
    memset(v, 0, sizeof *v);
    const int is_place = gate.mode == YIMA_MODE_BUS || gate.mode == YIMA_MODE_METRO;
    if (!p || !memory || !is_aligned(memory) || !is_aligned(tables) || !is_place ||
        gate.direction > YIMA_DIRECTION_EXIT) {
        return YIMA_BAD_ARGUMENT;
    }
    yima_replay_begin(v, memory, memory_size);
    if (v->replay_capacity < yima_memory_need(p)) {
        memset(v, 0, sizeof *v);
        return YIMA_MEMORY_TOO_SMALL;
    }
    v->gate = gate;
    v->kernel = yima_sm2_best();
    yima_trust_divide(v, tables, tables_size);
    use(v, p);
    return YIMA_OK;
}

yima_status yima_validator_use(yima_validator *v, const yima_parameters *p) {
    if (!v->kernel) {
        return YIMA_BAD_ARGUMENT; /* it was never made ready */
    }
    if (p && v->replay_capacity < yima_memory_need(p)) {
        return YIMA_MEMORY_TOO_SMALL;
    }
    use(v, p);
    return YIMA_OK;
}

yima_status yima_validator_move(yima_validator *v, void *memory, size_t memory_size) {
    const yima_validator before = *v;
    if (!v->kernel || !memory || !is_aligned(memory)) {
        return YIMA_BAD_ARGUMENT;
    }
    if (memory_size < yima_memory_size(v->replay_count)) {
        return YIMA_MEMORY_TOO_SMALL;
    }
    yima_replay_begin(v, memory, memory_size);
    for (uint32_t i = 0; i < before.replay_count; i++) {
        const yima_replay_entry *entry = &before.replay[(before.replay_first + i) % before.replay_capacity];
        if (entry->used) {
            yima_replay_refill(v, entry->digest, entry->account, entry->accepted_at, entry->until, entry->used == 1);
        }
    }
    return YIMA_OK;
}

yima_status yima_validator_place(yima_validator *v, uint16_t line, uint16_t station, uint8_t direction) {
    if (v->gate.mode != YIMA_MODE_BUS || direction > YIMA_DIRECTION_EXIT) {
        return YIMA_BAD_ARGUMENT;
    }
    v->gate.line = line;
    v->gate.station = station;
    v->gate.direction = direction;
    return YIMA_OK;
}

void yima_validator_set_deny(yima_validator *v, const yima_deny *deny) {
    v->deny = deny;
}

void yima_retract(yima_validator *v, const yima_verdict *verdict) {
    if (verdict->accepted && !verdict->again && verdict->has_digest) {
        yima_replay_remove(v, verdict->digest);
        yima_unshow(v, verdict);
    }
}

void yima_answer(yima_validator *v, const uint8_t *code, size_t length, yima_moment now, const yima_verdict *verdict) {
    yima_show(v, code, length, now.tick_ms, verdict);
}

void yima_decline(yima_validator *v, const uint8_t *code, size_t length, yima_moment now, yima_reason reason,
                  yima_verdict *verdict) {
    yima_retract(v, verdict);
    yima_refuse(verdict, reason);
    yima_show(v, code, length, now.tick_ms, verdict);
}

int yima_remember(yima_validator *v, const uint8_t *entry, size_t size) {
    yima_facts facts;
    if (!yima_facts_read(&facts, entry, size)) {
        return 0;
    }
    if (facts.kind == YIMA_TAP && facts.of.tap.reason == YIMA_REASON_ACCEPTED) {
        const yima_tap_facts *tap = &facts.of.tap;
        const yima_judgement j = yima_judgement_of(v, (yima_family)tap->family, tap->digest, sizeof tap->digest);
        const int64_t at = yima_bounded(facts.at), until = tap->good_until;
        const int lasts = is_lasting(&j);
        yima_replay_refill(v, tap->digest, tap->account, at,
                           lasts ? yima_replay_until(v->parameters, at, until) : until, lasts);
        return 1;
    }
    if (facts.kind == YIMA_OUTCOME && facts.of.outcome.reverses) {
        yima_replay_remove(v, facts.of.outcome.code);
        return 1;
    }
    return 0;
}

int yima_remember_code(yima_validator *v, const uint8_t *code, size_t length, int64_t accepted_at) {
    uint8_t digest[32];
    if (!v->parameters) {
        return 0;
    }
    yima_judgement j = yima_judgement_of(v, yima_family_here(v->parameters, code, length), code, length);
    j.now = yima_bounded(accepted_at);
    if (!j.own || j.own->open(&j) != YIMA_REASON_ACCEPTED || !j.own->digest(&j, digest)) {
        return 0;
    }
    yima_replay_refill(v, digest, j.claim.card_account, j.now, yima_last_second(&j), is_lasting(&j));
    return 1;
}
