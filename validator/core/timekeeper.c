/* timekeeper.c - see yima/timekeeper.h. */
#include "yima/timekeeper.h"

void yima_time_not_before(yima_timekeeper *t, int64_t unix_s) {
    if (unix_s > t->floor) {
        t->floor = unix_s;
    }
}

static void begin_line(yima_timekeeper *t, int64_t unix_s, uint64_t tick_ms) {
    t->line_s = unix_s;
    t->line_ms = tick_ms;
    t->looked = 1;
}

/* What the wall clock must show if it has gone on as the counter has. The counter never runs backwards; one that does
 * all the same has begun anew, and says nothing. */
static int64_t on_the_line(const yima_timekeeper *t, uint64_t tick_ms) {
    return t->line_s + (tick_ms > t->line_ms ? (int64_t)((tick_ms - t->line_ms) / 1000) : 0);
}

static int is_off(int64_t unix_s, int64_t expected) {
    return unix_s < expected - YIMA_CLOCK_SLACK_S || unix_s > expected + YIMA_CLOCK_SLACK_S;
}

yima_clock_change yima_time_look(yima_timekeeper *t, int64_t unix_s, uint64_t tick_ms, yima_moment *now,
                                 int64_t *expected) {
    const uint8_t before = t->trusted;
    const uint8_t first = !t->looked;
    if (first) {
        begin_line(t, unix_s, tick_ms);
    }
    const int64_t line = on_the_line(t, tick_ms);
    const int off = is_off(unix_s, line);
    if (off && !before && !t->stepped) {
        begin_line(t, unix_s, tick_ms); /* a clock that was never right has been set, or set again */
    } else if (off) {
        t->stepped = 1;
    } else {
        t->stepped = 0;
        if (tick_ms - t->line_ms >= YIMA_CLOCK_LINE_MS) {
            begin_line(t, unix_s, tick_ms);
        }
    }
    t->trusted = !t->stepped && unix_s >= t->floor - YIMA_CLOCK_BEHIND_S;
    now->unix_s = unix_s;
    now->tick_ms = tick_ms;
    now->trusted = t->trusted;
    *expected = line;
    if (first || t->trusted == before) {
        return YIMA_CLOCK_SAME;
    }
    return t->trusted ? YIMA_CLOCK_TRUSTED_AGAIN : YIMA_CLOCK_STEPPED;
}

int yima_time_confirm(yima_timekeeper *t, int64_t unix_s, uint64_t tick_ms, int keep_floor) {
    if (unix_s < t->floor - YIMA_CLOCK_BEHIND_S) {
        if (keep_floor) {
            return 0;
        }
        t->floor = unix_s;
    }
    begin_line(t, unix_s, tick_ms);
    t->stepped = 0;
    t->trusted = 1;
    return 1;
}
