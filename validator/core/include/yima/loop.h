/* yima/loop.h - the loop of a tap: what a device does next.
 *
 * A state machine without I/O, around one judge. It is told what happened (a reading, a moment, what journal and gate
 * answered) and says the one step to carry out next; whoever drives it carries that out and tells what came of it,
 * until there is nothing to do. A host and a gate controller drive the same loop, so they do the same. loop.def has its
 * states and ways as a table.
 *
 *     yima_loop_reading(...)            -> RECORD   put loop->entry into the journal, durably
 *     yima_loop_recorded(loop, number)  -> OPEN     tell the gate
 *     yima_loop_gate(loop, tap, OPENED) -> NOTHING  until the rider has passed, or the next reading comes
 *
 * Rules it keeps:
 * - Nothing opens before its record is durable. What cannot be recorded is refused, and the code stays good.
 * - A ride whose gate did not open, or did not say whether it did, is reversed by an entry of its own. Only when that
 *   is durable may the code be shown again; as long as it cannot be written, it is owed and tried again.
 * - The same presentation shows its answer again, writes nothing and moves nothing.
 * - As long as the used codes cannot be read from the journal nobody rides; they are tried again.
 * - A clock that steps is written down and not trusted until somebody who knows confirms it, or it is right again.
 *   Before anyone rides after that, the memory of used codes is filled from the journal.
 *
 * One call at a time; between them the loop's fields may be read. `entry`, `verdict` and `reason` belong to the step
 * that was returned last. */
#ifndef YIMA_LOOP_H
#define YIMA_LOOP_H

#include "core.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    YIMA_STEP_NOTHING = 0,
    YIMA_STEP_RECORD,     /* put `entry` into the journal -> yima_loop_recorded or yima_loop_not_recorded */
    YIMA_STEP_OPEN,       /* let one rider pass -> yima_loop_gate for `tap` */
    YIMA_STEP_REFUSE,     /* stay shut, show `verdict` -> yima_loop_done */
    YIMA_STEP_SHOW_AGAIN, /* show the answer again, move nothing -> yima_loop_done */
    YIMA_STEP_ASK,        /* ask the code's issuer -> yima_loop_answered */
    YIMA_STEP_SERVICE,    /* in service, or out of it for `reason` -> yima_loop_done */
    YIMA_STEP_REFILL /* hand the journal's entries to yima_remember, oldest first -> yima_loop_done or yima_loop_not_recorded */
} yima_step;

typedef enum {
#define YIMA_STATE(name, english, chinese) YIMA_LOOP_##name,
#include "loop.def"
    YIMA_LOOP_STATES
} yima_loop_state;

/* The facts and the body of the longest entry: of a ride on the longest code. */
enum { YIMA_ENTRY_MAX = YIMA_FACTS_MAX + YIMA_PAYLOAD_MAX, YIMA_OPENED_MAX = 8, YIMA_RECORD_ID_MAX = 96 };

/* A ride that the gate was told to let in, of which more is to be known or to be written. */
typedef struct {
    uint64_t tap;
    uint8_t code[32];
    uint8_t owed; /* yima_outcome that could not be written yet; 0: nothing is owed */
} yima_opened;

/* Fields are its own, to be read; `judge`, `terminal`, `run` and `senses_passage` are set by yima_loop_init. About 6 KB. */
typedef struct {
    yima_validator *judge;     /* borrowed; one without parameters refuses everybody */
    const yima_trip *terminal; /* borrowed: what records say of the terminal; record_id and time are the loop's */
    uint32_t run;              /* how often this device has started */
    uint8_t senses_passage;    /* the gate tells when a rider has passed */
    uint8_t state;             /* yima_loop_state */
    uint8_t step;              /* yima_step: the last one that was returned */
    uint8_t unset;             /* to be set behind yima_loop_init: the device does not know who it is; nobody rides */
    uint8_t started;           /* a first moment has passed */
    uint8_t refill_due;        /* the memory of used codes is to be filled from the journal ... */
    uint8_t refilled;          /* ... and was, once */
    int64_t refill_from;       /* with the step REFILL: taps whose good_until lies before it need not be handed over */
    uint8_t unread;            /* they could not be read: nobody rides before they are */
    uint8_t can_record;        /* 0: the last entry could not be written */
    uint8_t in_service;        /* what the gate's sign was told last */
    uint16_t reason;           /* yima_reason: why it is out of service; 0 when in service */
    yima_timekeeper time;
    uint8_t change;           /* yima_clock_change that is to be told yet ... */
    int64_t expected;         /* ... and what the clock should have shown then */
    int64_t parameters_until; /* unix seconds: expiry and grace; 0: no end */
    int64_t oldest_unsent;    /* unix seconds; 0: there is none, or its time is not known */
    uint64_t owed_ms;         /* when a reversal, or used codes, were tried last */
    uint8_t parameters_digest[YIMA_PARAMETERS_DIGEST];

    /* The tap or the event in hand. */
    yima_moment now;
    const uint8_t *payload; /* borrowed from yima_loop_reading until the loop is ready again */
    size_t length;
    yima_verdict verdict;
    uint64_t tap;    /* the number under which it was recorded */
    uint64_t next;   /* the number that the next entry will get */
    uint8_t kind;    /* yima_entry_kind of `entry` */
    uint8_t outcome; /* yima_outcome that is being told ... */
    uint64_t told;   /* ... of this tap */
    uint8_t at_once; /* it is that of the payload in hand */
    uint32_t entry_size;
    uint8_t entry[YIMA_ENTRY_MAX];

    uint8_t opened_count;
    yima_opened opened[YIMA_OPENED_MAX];
    uint32_t unexpected; /* calls at the wrong time; they change nothing */
    uint32_t astray;     /* ways taken that are not in loop.def: always 0 */
    uint64_t ways;       /* bit n: row n of loop.def's ways was taken */
} yima_loop;

/* Begins a run. not_before: no time before it is right (the software's own date, signed material). The memory of used
 * codes is asked for at the first moment. */
yima_status yima_loop_init(yima_loop *l, yima_validator *judge, const yima_trip *terminal, uint32_t run,
                           int senses_passage, int64_t not_before);

/* A moment passes: now and then, also when nothing else happens. next: the number that the next entry will get. */
yima_step yima_loop_moment(yima_loop *l, int64_t unix_s, uint64_t tick_ms, uint64_t next);

/* One payload from the scanner, whose last byte came late_ms ago. */
yima_step yima_loop_reading(yima_loop *l, const uint8_t *payload, size_t length, int64_t unix_s, uint64_t tick_ms,
                            uint32_t late_ms, uint64_t next);

/* The entry is durable under this number; 0: it was left out, as a refusal may be. NOT: it could not be written; or, in
 * answer to REFILL, the journal could not be read. */
yima_step yima_loop_recorded(yima_loop *l, uint64_t number);
yima_step yima_loop_not_recorded(yima_loop *l);

/* Where a bus is now, as yima_validator_place, which says the same. Only at rest: the tap in hand is of where it was
 * made, so YIMA_BAD_ARGUMENT while there is one. What records say of it is the terminal's, and the caller's to change. */
yima_status yima_loop_place(yima_loop *l, uint16_t line, uint16_t station, uint8_t direction);

/* The journal, which took nothing, may have room again; the next moment sets the sign right. */
void yima_loop_eased(yima_loop *l);

/* What the gate did for that tap: at once (OPENED, FAILED, UNKNOWN), or later (PASSED, NOT_PASSED). */
yima_step yima_loop_gate(yima_loop *l, uint64_t tap, yima_outcome outcome);

/* What the device makes of the issuer's answer: ACCEPTED and who vouched, or a refusal. */
yima_step yima_loop_answered(yima_loop *l, yima_reason reason, yima_vouched vouched);

/* The step that needs no answer is carried out. */
yima_step yima_loop_done(yima_loop *l);

/* The judge goes by other parameters, or by none; until: unix seconds of their expiry and grace, 0: they have no end. */
yima_step yima_loop_parameters(yima_loop *l, int64_t until);

/* Somebody who knows the time says that this is it, by an operator (`by` is his name, ASCII) or by a signed time. */
yima_step yima_loop_confirm(yima_loop *l, int64_t unix_s, uint64_t tick_ms, int is_signed, const char *by);

/* The oldest entry that no collector has: its time, 0 if there is none or its time was not trusted. */
void yima_loop_unsent(yima_loop *l, int64_t oldest);

#ifdef __cplusplus
}
#endif
#endif
