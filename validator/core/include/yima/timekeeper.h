/* yima/timekeeper.h - whether a device's wall clock can be believed.
 *
 * A wall clock is believed while it stands on the line that the monotonic counter draws through the moment at which it
 * was first believed, and not before the floor: the newest record, signed material, the software itself. A step off
 * the line is told, once, and distrusts the time until the clock is back on it, or until somebody who knows confirms
 * the time (a signed time, an operator). What it cannot know: a clock that is wrong from the start and not before the
 * floor looks the same as a right one.
 *
 * It reads no clock: moments are given to it, unix seconds by the wall clock and milliseconds by the counter. */
#ifndef YIMA_TIMEKEEPER_H
#define YIMA_TIMEKEEPER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The moment of a presentation. */
typedef struct {
    int64_t unix_s;   /* wall clock, UTC */
    uint64_t tick_ms; /* monotonic */
    uint8_t trusted;  /* 0: the device does not know the time; no time-dependent reason is then given but its own */
} yima_moment;

typedef enum {
    YIMA_CLOCK_SAME = 0,
    YIMA_CLOCK_STEPPED,      /* off the line: not trusted any more */
    YIMA_CLOCK_TRUSTED_AGAIN /* back on the line, or at the floor for the first time: trusted from now on */
} yima_clock_change;

/* How far the wall clock may be off the line: two whole seconds, and a new line is drawn every hour, so a quartz may be
 * off by 500 millionths. */
enum { YIMA_CLOCK_SLACK_S = 2, YIMA_CLOCK_LINE_MS = 3600000 };

/* How far a clock that has just been read from a battery may lie behind the newest record. */
enum { YIMA_CLOCK_BEHIND_S = 60 };

/* Fields are its own, to be read. All zeros: a timekeeper that has not looked yet and has no floor. */
typedef struct {
    int64_t floor;    /* no time before it is right */
    int64_t line_s;   /* the wall clock stood here ... */
    uint64_t line_ms; /* ... when the counter stood here */
    uint8_t looked;   /* there is a line */
    uint8_t trusted;
    uint8_t stepped; /* off a line that was trusted */
} yima_timekeeper;

/* It was not yet this second: a record with a trusted time, signed material. Only ever raises the floor. */
void yima_time_not_before(yima_timekeeper *t, int64_t unix_s);

/* Looks at the clocks; *now receives the moment, *expected what the line says of it. */
yima_clock_change yima_time_look(yima_timekeeper *t, int64_t unix_s, uint64_t tick_ms, yima_moment *now,
                                 int64_t *expected);

/* Somebody who knows the time says that this is it: the line begins anew here. keep_floor 0 lets the floor down to it,
 * for records that carry a time which was never right. Returns 1, or 0 if it lies before a floor that is kept. */
int yima_time_confirm(yima_timekeeper *t, int64_t unix_s, uint64_t tick_ms, int keep_floor);

#ifdef __cplusplus
}
#endif
#endif
