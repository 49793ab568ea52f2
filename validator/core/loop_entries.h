/* loop_entries.h - private: the entries that the loop of a tap has written, each into l->entry. */
#ifndef YIMA_LOOP_ENTRIES_H
#define YIMA_LOOP_ENTRIES_H
#include "yima/loop.h"

/* The tap in hand: facts, then the ministry's record of an accepted ride, or what is kept of a refused payload. */
void yima_entry_of_tap(yima_loop *l);

void yima_entry_of_outcome(yima_loop *l, const yima_opened *opened, yima_outcome outcome, int reverses);

/* The clock: where the line or the floor was, and where it stands. by: ASCII, cut at YIMA_TEXT_MAX. */
void yima_entry_of_time(yima_loop *l, yima_time_event event, int64_t expected, const char *by);

/* The parameters of the judge are in force. */
void yima_entry_of_parameters(yima_loop *l);
#endif
