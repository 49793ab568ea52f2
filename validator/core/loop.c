/* loop.c - see yima/loop.h. Each function names the way it takes, so that no other is taken by accident. */
#include "yima/loop.h"

#include "bytes.h"
#include "loop_entries.h"
#include "parameters.h"

enum { OWED_AGAIN_MS = 1000 };

typedef enum { READING, ANSWERED, RECORDED, NOT_RECORDED, DONE, GATE, MOMENT, PARAMETERS, CONFIRMED } event;

typedef struct {
    uint8_t from, on, to;
} way;

static const way ways[] = {
#define YIMA_WAY(from, on, to, english) {YIMA_LOOP_##from, on, YIMA_LOOP_##to},
#include "yima/loop.def"
};

static yima_step go(yima_loop *l, event on, yima_loop_state to, yima_step step) {
    uint64_t taken = 0;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (ways[i].from == l->state && ways[i].on == on && ways[i].to == to) {
            taken |= (uint64_t)1 << i;
        }
    }
    l->ways |= taken;
    l->astray += taken == 0;
    l->state = (uint8_t)to;
    l->step = (uint8_t)step;
    return step;
}

/* A call that comes at the wrong time changes nothing: the step in hand is still the one to carry out. */
static int unexpected(yima_loop *l, yima_loop_state state) {
    l->unexpected += l->state != state;
    return l->state != state;
}

yima_status yima_loop_init(yima_loop *l, yima_validator *judge, const yima_trip *terminal, uint32_t run,
                           int senses_passage, int64_t not_before) {
    memset(l, 0, sizeof *l);
    if (!judge || !terminal) {
        return YIMA_BAD_ARGUMENT;
    }
    l->judge = judge;
    l->terminal = terminal;
    l->run = run;
    l->senses_passage = senses_passage != 0;
    l->can_record = 1;
    l->refill_due = 1;
    yima_time_not_before(&l->time, not_before);
    return YIMA_OK;
}

/* ---- Service --------------------------------------------------------------------------------------------------- */

/* How many reversals are to be written yet. */
static int owed(const yima_loop *l) {
    int count = 0;
    for (int i = 0; i < l->opened_count; i++) {
        count += l->opened[i].owed != 0;
    }
    return count;
}

/* Why nobody may ride now, whatever the code. */
static yima_reason out_of_service(const yima_loop *l) {
    const yima_parameters *p = l->judge->parameters;
    if (l->unset) {
        return YIMA_REASON_NO_SETTINGS;
    }
    if (!p) {
        return YIMA_REASON_NO_PARAMETERS;
    }
    if (l->unread || owed(l) == YIMA_OPENED_MAX) {
        return YIMA_REASON_CANNOT_RECORD;
    }
    if (l->parameters_until && l->now.trusted && l->now.unix_s > l->parameters_until) {
        return YIMA_REASON_PARAMETERS_EXPIRED;
    }
    const int64_t most = yima_limit(p, YIMA_LIMITS_AT_OFFLINE_MAX_S);
    if (most && l->oldest_unsent && l->now.trusted && l->now.unix_s - l->oldest_unsent > most) {
        return YIMA_REASON_OFFLINE_TOO_LONG;
    }
    return YIMA_REASON_ACCEPTED;
}

/* Back to rest; on the way the sign at the gate is set right, if it is wrong. */
static yima_step rest(yima_loop *l, event on) {
    const yima_reason reason = out_of_service(l);
    l->reason = (uint16_t)(reason || l->can_record ? reason : YIMA_REASON_CANNOT_RECORD);
    if (l->in_service == (l->reason == YIMA_REASON_ACCEPTED)) {
        return go(l, on, YIMA_LOOP_READY, YIMA_STEP_NOTHING);
    }
    l->in_service = l->reason == YIMA_REASON_ACCEPTED;
    return go(l, on, YIMA_LOOP_SHOWING, YIMA_STEP_SERVICE);
}

/* Looks at the clock; returns what it should show. A change, by whichever call it was seen, is told at the next moment;
 * before anyone rides after it the memory of used codes is filled. */
static int64_t look(yima_loop *l, int64_t unix_s, uint64_t tick_ms) {
    int64_t expected;
    const yima_clock_change change = yima_time_look(&l->time, unix_s, tick_ms, &l->now, &expected);
    if (change != YIMA_CLOCK_SAME) {
        l->change = (uint8_t)change;
        l->expected = expected;
        l->refill_due = 1;
    }
    return expected;
}

/* ---- A tap ----------------------------------------------------------------------------------------------------- */

static yima_step record(yima_loop *l, event on, yima_loop_state to) {
    return go(l, on, to, YIMA_STEP_RECORD);
}

static yima_step refuse(yima_loop *l, event on) {
    return go(l, on, YIMA_LOOP_SHOWING, YIMA_STEP_REFUSE);
}

/* The verdict is final but for the device's own reasons. */
static yima_step record_tap(yima_loop *l, event on) {
    const yima_reason reason = out_of_service(l);
    const int asks = l->verdict.reason == YIMA_REASON_NEEDS_RESOLVER;
    if (reason && (l->verdict.accepted || asks)) {
        yima_decline(l->judge, l->payload, l->length, l->now, reason, &l->verdict);
    }
    yima_entry_of_tap(l);
    if (!l->entry_size) { /* the terminal's texts are more than a record holds */
        yima_decline(l->judge, l->payload, l->length, l->now, YIMA_REASON_CANNOT_RECORD, &l->verdict);
        return refuse(l, on);
    }
    return record(l, on, YIMA_LOOP_RECORDING);
}

yima_step yima_loop_reading(yima_loop *l, const uint8_t *payload, size_t length, int64_t unix_s, uint64_t tick_ms,
                            uint32_t late_ms, uint64_t next) {
    if (unexpected(l, YIMA_LOOP_READY)) {
        return YIMA_STEP_NOTHING;
    }
    look(l, unix_s, tick_ms);
    l->now.unix_s -= late_ms / 1000;
    l->now.tick_ms -= late_ms < tick_ms ? late_ms : tick_ms;
    l->now.trusted = l->now.trusted && !l->refill_due; /* what was used is not known yet */
    l->payload = payload;
    l->length = length;
    l->next = next;
    l->tap = 0;
    yima_judge(l->judge, payload, length, l->now, &l->verdict);
    if (l->verdict.again) {
        return go(l, READING, YIMA_LOOP_SHOWING, YIMA_STEP_SHOW_AGAIN);
    }
    if (l->verdict.reason == YIMA_REASON_NEEDS_RESOLVER && !out_of_service(l)) {
        return go(l, READING, YIMA_LOOP_ASKING, YIMA_STEP_ASK);
    }
    return record_tap(l, READING);
}

yima_step yima_loop_answered(yima_loop *l, yima_reason reason, yima_vouched vouched) {
    if (unexpected(l, YIMA_LOOP_ASKING)) {
        return YIMA_STEP_NOTHING;
    }
    if (reason != YIMA_REASON_NEEDS_RESOLVER) {
        yima_settle(l->judge, l->payload, l->length, l->now, reason, vouched, &l->verdict);
    }
    return record_tap(l, ANSWERED);
}

static void forget(yima_loop *l, int place) {
    l->opened_count--;
    memmove(l->opened + place, l->opened + place + 1, (size_t)(l->opened_count - place) * sizeof *l->opened);
}

/* The gate is told; the oldest ride that nobody heard of again makes room for this one. */
static yima_step open_gate(yima_loop *l) {
    for (int i = 0; i < l->opened_count && l->opened_count == YIMA_OPENED_MAX; i++) {
        if (!l->opened[i].owed) {
            forget(l, i);
        }
    }
    yima_opened *opened = &l->opened[l->opened_count++];
    opened->tap = l->tap;
    opened->owed = 0;
    memcpy(opened->code, l->verdict.digest, sizeof opened->code);
    return go(l, RECORDED, YIMA_LOOP_OPENING, YIMA_STEP_OPEN);
}

static yima_step tap_recorded(yima_loop *l, uint64_t number) {
    l->tap = number;
    if (l->now.trusted) {
        yima_time_not_before(&l->time, l->now.unix_s);
    }
    return l->verdict.accepted ? open_gate(l) : refuse(l, RECORDED);
}

/* ---- What the gate did ----------------------------------------------------------------------------------------- */

static int place_of(const yima_loop *l, uint64_t tap) {
    for (int i = 0; i < l->opened_count; i++) {
        if (l->opened[i].tap == tap) {
            return i;
        }
    }
    return -1;
}

static int reverses(yima_outcome outcome) {
    return outcome == YIMA_OUTCOME_FAILED || outcome == YIMA_OUTCOME_UNKNOWN;
}

static yima_step tell_outcome(yima_loop *l, event on, int place, yima_outcome outcome) {
    l->told = l->opened[place].tap;
    l->outcome = (uint8_t)outcome;
    yima_entry_of_outcome(l, &l->opened[place], outcome, reverses(outcome));
    return record(l, on, YIMA_LOOP_TELLING);
}

yima_step yima_loop_gate(yima_loop *l, uint64_t tap, yima_outcome outcome) {
    const int place = place_of(l, tap);
    const int at_once = l->state == YIMA_LOOP_OPENING && tap == l->tap;
    if (place < 0 || l->opened[place].owed || (!at_once && unexpected(l, YIMA_LOOP_READY))) {
        return YIMA_STEP_NOTHING;
    }
    if (at_once && outcome == YIMA_OUTCOME_OPENED) {
        if (!l->senses_passage) {
            forget(l, place);
        }
        return rest(l, GATE);
    }
    l->at_once = (uint8_t)at_once;
    return tell_outcome(l, GATE, place, outcome);
}

/* The rider whose gate did not open is told so, once; the phone must go out of view before it is judged again. */
static yima_step tell_rider(yima_loop *l, event on) {
    l->at_once = 0;
    yima_refuse(&l->verdict, YIMA_REASON_GATE_FAILED);
    yima_answer(l->judge, l->payload, l->length, l->now, &l->verdict);
    return refuse(l, on);
}

/* A reversal that is durable makes the code as good as before. */
static yima_step outcome_recorded(yima_loop *l) {
    const int place = place_of(l, l->told);
    if (reverses((yima_outcome)l->outcome)) {
        yima_verdict ride = {.accepted = 1, .has_digest = 1};
        memcpy(ride.digest, l->opened[place].code, sizeof ride.digest);
        yima_retract(l->judge, &ride);
    }
    forget(l, place);
    return reverses((yima_outcome)l->outcome) && l->at_once ? tell_rider(l, RECORDED) : rest(l, RECORDED);
}

static yima_step outcome_not_recorded(yima_loop *l) {
    const int place = place_of(l, l->told);
    l->owed_ms = l->now.tick_ms;
    if (!reverses((yima_outcome)l->outcome)) {
        forget(l, place); /* whether a rider has passed is worth no second try */
        return rest(l, NOT_RECORDED);
    }
    l->opened[place].owed = l->outcome;
    return l->at_once ? tell_rider(l, NOT_RECORDED) : rest(l, NOT_RECORDED);
}

/* ---- Answers of the journal ------------------------------------------------------------------------------------ */

static int must_refill(const yima_loop *l) {
    return l->refill_due && (l->time.trusted || !l->refilled);
}

/* For how long a ride still matters after the last second at which its code was good. */
static int64_t matters_for(const yima_parameters *p) {
    int64_t earliest = 0, latest = 0, interval = 0;
    if (p) {
        yima_shift_bounds(p, &earliest, &latest);
        interval = yima_limit(p, YIMA_LIMITS_AT_ACCOUNT_INTERVAL_S);
    }
    return interval > latest ? interval : latest;
}

static yima_step refill(yima_loop *l, event on) {
    const int64_t now = l->now.trusted ? l->now.unix_s : l->time.floor;
    l->refill_from = now - YIMA_CLOCK_BEHIND_S - matters_for(l->judge->parameters);
    return go(l, on, YIMA_LOOP_REFILLING, YIMA_STEP_REFILL);
}

/* What was to be told is told, or cannot be. */
static yima_step after_telling(yima_loop *l, event on) {
    return must_refill(l) ? refill(l, on) : rest(l, on);
}

yima_step yima_loop_recorded(yima_loop *l, uint64_t number) {
    if (l->state != YIMA_LOOP_RECORDING && unexpected(l, YIMA_LOOP_TELLING)) {
        return YIMA_STEP_NOTHING;
    }
    l->can_record = 1;
    l->next = number ? number + 1 : l->next;
    if (l->state == YIMA_LOOP_RECORDING) {
        return tap_recorded(l, number);
    }
    return l->kind == YIMA_OUTCOME ? outcome_recorded(l) : after_telling(l, RECORDED);
}

yima_step yima_loop_not_recorded(yima_loop *l) {
    if (l->state == YIMA_LOOP_REFILLING) {
        l->unread = 1;
        l->owed_ms = l->now.tick_ms;
        return rest(l, NOT_RECORDED);
    }
    if (l->state != YIMA_LOOP_RECORDING && unexpected(l, YIMA_LOOP_TELLING)) {
        return YIMA_STEP_NOTHING;
    }
    l->can_record = 0;
    if (l->state == YIMA_LOOP_RECORDING) {
        yima_decline(l->judge, l->payload, l->length, l->now, YIMA_REASON_CANNOT_RECORD, &l->verdict);
        return refuse(l, NOT_RECORDED);
    }
    return l->kind == YIMA_OUTCOME ? outcome_not_recorded(l) : after_telling(l, NOT_RECORDED);
}

yima_status yima_loop_place(yima_loop *l, uint16_t line, uint16_t station, uint8_t direction) {
    return unexpected(l, YIMA_LOOP_READY) ? YIMA_BAD_ARGUMENT
                                          : yima_validator_place(l->judge, line, station, direction);
}

void yima_loop_eased(yima_loop *l) {
    l->can_record = 1;
}

yima_step yima_loop_done(yima_loop *l) {
    if (l->state == YIMA_LOOP_REFILLING) {
        l->refill_due = !l->now.trusted;
        l->refilled = 1;
        l->unread = 0;
        return rest(l, DONE);
    }
    return unexpected(l, YIMA_LOOP_SHOWING) ? YIMA_STEP_NOTHING : rest(l, DONE);
}

/* ---- Time, parameters ------------------------------------------------------------------------------------------ */

yima_step yima_loop_moment(yima_loop *l, int64_t unix_s, uint64_t tick_ms, uint64_t next) {
    if (unexpected(l, YIMA_LOOP_READY)) {
        return YIMA_STEP_NOTHING;
    }
    look(l, unix_s, tick_ms);
    l->next = next;
    if (!l->started) {
        l->started = 1;
        yima_entry_of_time(l, YIMA_TIME_START, l->time.floor, "");
        return record(l, MOMENT, YIMA_LOOP_TELLING);
    }
    if (l->change != YIMA_CLOCK_SAME) {
        const int stepped = l->change == YIMA_CLOCK_STEPPED;
        l->change = YIMA_CLOCK_SAME;
        yima_entry_of_time(l, stepped ? YIMA_TIME_STEPPED : YIMA_TIME_TRUSTED_AGAIN, l->expected, "");
        return record(l, MOMENT, YIMA_LOOP_TELLING);
    }
    for (int i = 0; i < l->opened_count && tick_ms - l->owed_ms >= OWED_AGAIN_MS; i++) {
        if (l->opened[i].owed) {
            return tell_outcome(l, MOMENT, i, (yima_outcome)l->opened[i].owed);
        }
    }
    if (must_refill(l) && tick_ms - l->owed_ms >= OWED_AGAIN_MS) {
        return refill(l, MOMENT);
    }
    return rest(l, MOMENT);
}

yima_step yima_loop_confirm(yima_loop *l, int64_t unix_s, uint64_t tick_ms, int is_signed, const char *by) {
    if (unexpected(l, YIMA_LOOP_READY)) {
        return YIMA_STEP_NOTHING;
    }
    const int64_t expected = look(l, unix_s, tick_ms);
    if (!yima_time_confirm(&l->time, unix_s, tick_ms, is_signed)) {
        return go(l, CONFIRMED, YIMA_LOOP_READY, YIMA_STEP_NOTHING); /* the next moment looks at the sign */
    }
    l->now.trusted = 1;
    l->refill_due = 1;
    l->change = YIMA_CLOCK_SAME; /* told by this entry */
    yima_entry_of_time(l, is_signed ? YIMA_TIME_SET_BY_SIGNED_TIME : YIMA_TIME_SET_BY_OPERATOR, expected, by);
    return record(l, CONFIRMED, YIMA_LOOP_TELLING);
}

yima_step yima_loop_parameters(yima_loop *l, int64_t until) {
    if (unexpected(l, YIMA_LOOP_READY)) {
        return YIMA_STEP_NOTHING;
    }
    l->parameters_until = until;
    l->refill_due |= matters_for(l->judge->parameters) > 0; /* more of the past may matter than did before */
    yima_entry_of_parameters(l);
    return record(l, PARAMETERS, YIMA_LOOP_TELLING);
}

void yima_loop_unsent(yima_loop *l, int64_t oldest) {
    l->oldest_unsent = oldest;
}
