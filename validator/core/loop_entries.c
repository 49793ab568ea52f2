/* loop_entries.c - see loop_entries.h. */
#include "loop_entries.h"

#include "bytes.h"
#include "parameters.h"

enum { DAY_S = 86400 };

static void begin(const yima_loop *l, yima_facts *facts, yima_entry_kind kind) {
    memset(facts, 0, sizeof *facts);
    facts->kind = (uint8_t)kind;
    facts->at = l->now.unix_s;
    facts->trust = l->now.trusted != 0;
    facts->run = l->run;
    facts->tick_ms = l->now.tick_ms;
}

static void finish(yima_loop *l, const yima_facts *facts, const void *body, size_t size) {
    const size_t head = yima_facts_write(l->entry, sizeof l->entry, facts);
    const size_t room = sizeof l->entry - head;
    const size_t taken = size < room ? size : room;
    if (taken) {
        memcpy(l->entry + head, body, taken);
    }
    l->kind = facts->kind;
    l->entry_size = (uint32_t)(head + taken);
}

static char *put_digits(char *at, uint64_t number, int digits) {
    for (int i = digits - 1; i >= 0; i--) {
        at[i] = (char)('0' + number % 10);
        number /= 10;
    }
    return at + digits;
}

/* Terminal, yyyyMMddHHmmss in UTC, and the entry's number in eight digits, as terminals in the field form it (0005).
 * The date is reckoned in 400-year cycles of 146097 days that begin on 1 March of the year 0. */
static void name_record(const yima_loop *l, char name[YIMA_RECORD_ID_MAX]) {
    const uint64_t seconds = l->now.unix_s > 0 ? (uint64_t)l->now.unix_s % ((uint64_t)1 << 37) : 0;
    const uint32_t days = (uint32_t)(seconds / DAY_S) + 719468, of_day = (uint32_t)(seconds % DAY_S);
    const uint32_t cycle = days / 146097, in_cycle = days % 146097;
    const uint32_t year = (in_cycle - in_cycle / 1460 + in_cycle / 36524 - in_cycle / 146096) / 365;
    const uint32_t in_year = in_cycle - (365 * year + year / 4 - year / 100);
    const uint32_t from_march = (5 * in_year + 2) / 153;
    const uint32_t month = from_march < 10 ? from_march + 3 : from_march - 9;
    char *at = name;
    for (const char *terminal = l->terminal->terminal; terminal && *terminal && at < name + 64;) {
        *at++ = *terminal++;
    }
    at = put_digits(at, cycle * 400 + year + (month <= 2), 4);
    at = put_digits(at, month, 2);
    at = put_digits(at, in_year - (153 * from_march + 2) / 5 + 1, 2);
    at = put_digits(at, of_day / 3600, 2);
    at = put_digits(at, of_day / 60 % 60, 2);
    at = put_digits(at, of_day % 60, 2);
    at = put_digits(at, l->next, 8);
    *at = 0;
}

void yima_entry_of_tap(yima_loop *l) {
    yima_facts facts;
    char name[YIMA_RECORD_ID_MAX];
    yima_facts_of_tap(&facts, l->judge, &l->verdict, l->now, l->run, l->parameters_digest);
    if (!l->verdict.accepted) {
        uint8_t body[YIMA_REFUSED_MAX];
        const size_t size = yima_facts_refused(&facts.of.tap, l->payload, l->length, body);
        finish(l, &facts, body, size);
        return;
    }
    const size_t head = yima_facts_write(l->entry, sizeof l->entry, &facts);
    const int64_t unix_s = l->now.unix_s;
    yima_trip trip = *l->terminal;
    name_record(l, name);
    trip.record_id = name;
    trip.terminal_time = unix_s < 0 ? 0 : unix_s > UINT32_MAX ? UINT32_MAX : (uint32_t)unix_s;
    trip.mode = l->judge->gate.mode;
    const size_t size =
        yima_record_write(l->entry + head, sizeof l->entry - head, l->payload, l->length, &l->verdict, &trip);
    l->kind = YIMA_TAP;
    l->entry_size = size ? (uint32_t)(head + size) : 0;
}

void yima_entry_of_outcome(yima_loop *l, const yima_opened *opened, yima_outcome outcome, int reverses) {
    yima_facts facts;
    begin(l, &facts, YIMA_OUTCOME);
    facts.of.outcome.tap = opened->tap;
    facts.of.outcome.result = (uint8_t)outcome;
    facts.of.outcome.reverses = reverses != 0;
    memcpy(facts.of.outcome.code, opened->code, sizeof opened->code);
    finish(l, &facts, NULL, 0);
}

void yima_entry_of_time(yima_loop *l, yima_time_event event, int64_t expected, const char *by) {
    yima_facts facts;
    size_t size = 0;
    while (size < YIMA_TEXT_MAX && by[size]) {
        size++;
    }
    begin(l, &facts, YIMA_TIME);
    facts.of.time.event = (uint8_t)event;
    facts.of.time.expected = expected;
    facts.of.time.found = l->now.unix_s;
    finish(l, &facts, by, size);
}

void yima_entry_of_parameters(yima_loop *l) {
    const yima_parameters *p = l->judge->parameters;
    yima_facts facts;
    memset(l->parameters_digest, 0, sizeof l->parameters_digest);
    begin(l, &facts, YIMA_NOTE);
    facts.of.note.note = YIMA_NOTE_PARAMETERS;
    if (p) {
        yima_parameters_digest(p, l->parameters_digest);
        facts.of.note.a = YIMA_VALUE(p->image, HEADER, VERSION);
    }
    finish(l, &facts, NULL, 0);
}
