/* clock.h - whether the real-time clock can be believed. */
#ifndef YIMA_CLOCK_H
#define YIMA_CLOCK_H
#include "yima/core.h"

/* not_before: the time of the newest record; a clock that lies well behind it has lost its time. */
void clock_start(uint32_t not_before, uint64_t now_ms);

/* Compares the clock's pace with the board's counter; says on the status line when trust is lost or won. */
void clock_run(uint64_t now_ms);

/* The station knows the time. 1, or 0: that cannot be. */
int clock_set(uint32_t unix_s, uint64_t now_ms);

yima_moment clock_moment(void);
#endif
