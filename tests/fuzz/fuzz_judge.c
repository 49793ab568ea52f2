/* fuzz_judge.c - libFuzzer target: every payload has one verdict, whatever came before it, and only what was accepted
 * is remembered.
 *
 * The input: a byte of choices, the time (4), then a script of taps at one gate, under the parameters of world.py with
 * all families on. Two validators see the same script. With COUNTERFEIT both have the kernel of counterfeit.h and the
 * codes are signed by it; without, they have the best kernel with tables and idle time, and the 32-bit one without
 * either. They must agree. */
#include "counterfeit.h"
#include "judge.h"
#include "sm2_private.h"
#include "trust.h"
#include "verdicts.h"
#include "world.h"

enum {
    COUNTERFEIT = 1,
    PLACE = 2,
    UNTRUSTED = 16,
    WITH_DENY = 32,
    STEPS = 24,
    LARGEST = 8192,
    ENTRIES = 16,
    PLACES = 32, /* of the index of so many entries */
    MEMORY = 4 << 20,
    TABLES = 1 << 15
};

typedef struct {
    yima_validator v;
    yima_replay_entry replay[ENTRIES];
    uint32_t index[PLACES];
} gate;

typedef struct {
    yima_parameters parameters;
    yima_deny deny;
    gate one, other;
    uint8_t choices;
    yima_moment now;
    uint8_t code[YIMA_PAYLOAD_MAX + 1]; /* the last one shown */
    size_t length;
    yima_verdict verdict; /* and its answer */
} scene;

static const yima_gate places[8] = {
    {.mode = YIMA_MODE_BUS, .city = 320500},
    {.mode = YIMA_MODE_METRO, .direction = YIMA_DIRECTION_ENTRY, .line = 1, .station = 1, .city = 320500},
    {.mode = YIMA_MODE_METRO, .direction = YIMA_DIRECTION_EXIT, .line = 1, .station = 4, .city = 320500},
    {.mode = YIMA_MODE_METRO, .direction = YIMA_DIRECTION_EXIT, .line = 2, .station = 3, .city = 320500},
    {.mode = YIMA_MODE_METRO, .direction = YIMA_DIRECTION_ENTRY, .line = 2, .station = 1, .city = 320500},
    {.mode = YIMA_MODE_METRO, .direction = YIMA_DIRECTION_EXIT, .city = 310000},
    {.mode = YIMA_MODE_BUS, .line = 7, .station = 2, .city = 320500},
    {.mode = YIMA_MODE_BUS},
};

/* Made ready with the memory that the parameters need; then given a small one, so that scripts fill it. */
static void open_gate(const scene *s, gate *g, void *tables, const yima_sm2_kernel *kernel) {
    static _Alignas(8) uint8_t memory[MEMORY];
    const yima_gate place = places[s->choices / PLACE % 8];
    demand(yima_validator_init(&g->v, &s->parameters, place, memory, sizeof memory, tables, tables ? TABLES : 0) ==
           YIMA_OK);
    yima_replay_begin(&g->v, g->replay, sizeof g->replay + sizeof g->index);
    demand(g->v.replay_capacity == ENTRIES && g->v.index == g->index && g->v.index_places == PLACES);
    if (s->choices & WITH_DENY) yima_validator_set_deny(&g->v, &s->deny);
    g->v.kernel = kernel;
}

static void open_gates(scene *s) {
    static _Alignas(64) uint8_t tables[TABLES];
    const int real = !(s->choices & COUNTERFEIT);
    open_gate(s, &s->one, tables, real ? yima_sm2_best() : &counterfeit_kernel);
    open_gate(s, &s->other, NULL, real ? &yima_sm2_kernel_32 : &counterfeit_kernel);
}

/* A gate in the same state, with a memory of its own. */
static void copy_gate(gate *to, const gate *from) {
    *to = *from;
    to->v.replay = to->replay;
    to->v.index = to->index;
}

static void judge_at(gate *g, const scene *s, yima_moment now, yima_verdict *verdict) {
    uint8_t *exact = copy_of(s->code, s->length);
    yima_judge(&g->v, exact, s->length, now, verdict);
    free(exact);
}

/* The same code where nothing of it is in view any more. */
static void judge_anew(gate *g, const scene *s, yima_verdict *verdict) {
    memset(g->v.shown, 0, sizeof g->v.shown);
    judge_at(g, s, s->now, verdict);
}

/* What an accepted code leaves behind, and that taking it back, or the journal after a restart, is as good. */
static void check_remembered(const scene *s) {
    static const uint8_t parameters[YIMA_PARAMETERS_DIGEST];
    static gate copy;
    uint8_t entry[YIMA_FACTS_MAX];
    yima_facts facts;
    yima_verdict again;
    demand(yima_replay_holds(&s->one.v, s->verdict.digest, s->now.unix_s));
    copy_gate(&copy, &s->one);
    judge_anew(&copy, s, &again);
    demand(again.reason == YIMA_REASON_REPEATED);
    if (s->one.v.replay_count < ENTRIES) { /* a place that was taken is given up in its turn */
        copy_gate(&copy, &s->one);
        yima_retract(&copy.v, &s->verdict);
        demand(!yima_replay_holds(&copy.v, s->verdict.digest, s->now.unix_s));
        judge_anew(&copy, s, &again);
        demand(is_same_verdict(&again, &s->verdict));
    }
    yima_facts_of_tap(&facts, &s->one.v, &s->verdict, s->now, 1, parameters);
    const size_t size = yima_facts_write(entry, sizeof entry, &facts);
    open_gate(s, &copy, NULL, s->one.v.kernel);
    demand(yima_remember(&copy.v, entry, size) == 1);
    demand(yima_replay_holds(&copy.v, s->verdict.digest, s->now.unix_s));
    judge_anew(&copy, s, &again);
    demand(again.reason == YIMA_REASON_REPEATED);
    open_gate(s, &copy, NULL, s->one.v.kernel);
    demand(yima_remember_code(&copy.v, s->code, s->length, s->now.unix_s) == 1);
    judge_anew(&copy, s, &again);
    demand(again.reason == YIMA_REASON_REPEATED);
}

/* What a device writes down of it: facts that read again as they were written, and of an accepted ride the record. */
static void check_written(const scene *s) {
    static uint8_t entry[YIMA_FACTS_MAX + YIMA_PAYLOAD_MAX + 1024], again[YIMA_FACTS_MAX];
    static const uint8_t parameters[YIMA_PARAMETERS_DIGEST] = {1};
    yima_facts facts, read;
    yima_facts_of_tap(&facts, &s->one.v, &s->verdict, s->now, 1, parameters);
    const size_t size = yima_facts_write(entry, YIMA_FACTS_MAX, &facts);
    demand(size && yima_facts_read(&read, entry, size) == size);
    demand(yima_facts_write(again, sizeof again, &read) == size && memcmp(again, entry, size) == 0);
    demand(read.of.tap.reason == s->verdict.reason && read.of.tap.rule_count <= YIMA_RULES);
    demand(s->verdict.accepted ? read.of.tap.fare_fen == s->verdict.fare_fen : read.of.tap.fare_fen == 0);
    const yima_trip trip = {.terminal = "FUZZ0001", .terminal_time = (uint32_t)s->now.unix_s, .mode = YIMA_MODE_BUS};
    uint8_t *record = entry + size;
    const size_t body = yima_record_write(record, sizeof entry - size, s->code, s->length, &s->verdict, &trip);
    demand((body != 0) == s->verdict.accepted);
    demand(!body || (body > s->length && yima_record_check(record, body)));
    demand(!body || yima_facts_read(&read, entry, size + body) == size);
}

static void judge(scene *s) {
    static gate before, copy;
    yima_verdict verdict;
    copy_gate(&before, &s->one);
    judge_at(&s->one, s, s->now, &s->verdict);
    judge_at(&s->other, s, s->now, &verdict);
    demand(is_same_verdict(&s->verdict, &verdict));
    check_verdict(&s->parameters, &s->verdict);
    demand(s->verdict.family == yima_family_here(&s->parameters, s->code, s->length));
    const int fresh = !s->verdict.again, accepted = s->verdict.accepted;
    /* Nothing but an accepted code changes what is remembered, and nothing unsigned whom the validator trusts. */
    if (!fresh || !accepted) demand(memcmp(before.replay, s->one.replay, sizeof before.replay) == 0);
    if (!fresh || s->verdict.stages[YIMA_STAGE_RIDER_SIGNATURE] != YIMA_PASSED) {
        demand(memcmp(before.v.issuers, s->one.v.issuers, sizeof before.v.issuers) == 0);
    }
    /* From the same state the same answer; and while it is in view, that answer again. */
    copy_gate(&copy, &before);
    judge_at(&copy, s, s->now, &verdict);
    demand(is_same_verdict(&s->verdict, &verdict));
    copy_gate(&copy, &s->one);
    judge_at(&copy, s, s->now, &verdict);
    demand(!verdict.again || !verdict.accepted); /* nothing opens twice */
    if (fresh && verdict.again) {
        verdict.again = 0;
        verdict.accepted = verdict.was_accepted;
    }
    demand(s->length > YIMA_PAYLOAD_MAX || is_same_verdict(&s->verdict, &verdict));
    check_written(s);
    if (fresh && accepted) check_remembered(s);
}

/* The issuer has answered: accepted by it, at risk, or refused. */
static void settle(scene *s, uint32_t answer) {
    const yima_verdict asked = s->verdict;
    yima_verdict settled[2] = {asked, asked};
    const yima_reason reason = answer % 3 == 2 ? YIMA_REASON_RESOLVER_REFUSED : YIMA_REASON_ACCEPTED;
    const yima_vouched by = answer % 3 == 1 ? YIMA_VOUCHED_NOBODY : YIMA_VOUCHED_ISSUER;
    yima_settle(&s->one.v, s->code, s->length, s->now, reason, by, &settled[0]);
    yima_settle(&s->other.v, s->code, s->length, s->now, reason, by, &settled[1]);
    demand(is_same_verdict(&settled[0], &settled[1]));
    if (asked.reason != YIMA_REASON_NEEDS_RESOLVER) {
        demand(is_same_verdict(&settled[0], &asked));
        return;
    }
    const int is_full = settled[0].reason == YIMA_REASON_MEMORY_FULL && s->one.v.replay_count == ENTRIES;
    demand(settled[0].reason == reason || (reason == YIMA_REASON_ACCEPTED && is_full));
    demand(settled[0].accepted == (settled[0].reason == YIMA_REASON_ACCEPTED));
    s->verdict = settled[0];
    if (settled[0].accepted) demand(settled[0].fare_fen == asked.fare_fen && settled[0].vouched == by);
    if (settled[0].accepted) demand(yima_replay_holds(&s->one.v, settled[0].digest, s->now.unix_s));
    if (settled[0].accepted) check_verdict(&s->parameters, &settled[0]);
}

/* The rider's phone makes a new code: of the same authorisation, at this moment. */
static void make_anew(scene *s) {
    uint8_t *code = s->code + (s->length && s->code[0] == 0x55);
    const size_t length = s->length - (size_t)(code - s->code);
    if (yima_family_of(code, length) == YIMA_FAMILY_MINISTRY_226 && length == 226) {
        yima_put_number(code + 157, 4, (uint32_t)s->now.unix_s);
    } else if (length >= YIMA_CODE_MIN && yima_code_sizes(code, length) == YIMA_REASON_ACCEPTED) {
        yima_put_number(code + YIMA_AT_GENERATED_AT + code[YIMA_AT_ISSUER_DATA_LENGTH], 4, (uint32_t)s->now.unix_s);
    }
}

static void step(scene *s, script *input) {
    const uint32_t kind = take(input, 1);
    if (kind % 8 == 0) {
        s->length = take(input, 2) % sizeof s->code;
        const uint8_t *bytes = take_bytes(input, &s->length);
        memcpy(s->code, bytes, s->length);
    } else if (kind % 8 == 1) {
        make_anew(s);
    } else if (kind % 8 == 2) {
        const uint32_t passed = take(input, 2);
        s->now.unix_s += passed;
        s->now.tick_ms += 1000ull * passed;
    } else if (kind % 8 == 3) {
        s->now.tick_ms += take(input, 2);
    } else if (kind % 8 == 4) {
        yima_retract(&s->one.v, &s->verdict);
        yima_retract(&s->other.v, &s->verdict);
    } else if (kind % 8 == 5) {
        settle(s, take(input, 1));
        return;
    } else if (kind % 8 == 6) {
        open_gates(s); /* a restart; the journal knows the last code */
        const int64_t at = s->now.unix_s - take(input, 2);
        const int known = yima_remember_code(&s->one.v, s->code, s->length, at);
        demand(yima_remember_code(&s->other.v, s->code, s->length, at) == known);
    } else {
        (void)yima_idle(&s->one.v);
        demand(!yima_idle(&s->other.v)); /* it has no memory for tables */
    }
    if (kind % 8 < 2 && (s->choices & COUNTERFEIT)) counterfeit(&s->parameters, s->code, s->length);
    judge(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static scene s;
    script input = {data, size};
    if (size < 6 || size > LARGEST) return 0;
    memset(&s, 0, sizeof s);
    demand(yima_parameters_open(&s.parameters, world_image, sizeof world_image, NULL) == YIMA_PARAMETERS_OK);
    demand(yima_deny_open(&s.deny, world_deny, sizeof world_deny, NULL) == YIMA_DENY_OK);
    s.choices = (uint8_t)take(&input, 1);
    s.now = (yima_moment){.unix_s = take(&input, 4), .tick_ms = 1 << 20, .trusted = !(s.choices & UNTRUSTED)};
    open_gates(&s);
    for (int i = 0; input.left && i < STEPS; i++) step(&s, &input);
    return 0;
}
