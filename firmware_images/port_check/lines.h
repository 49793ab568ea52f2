/* lines.h - what the self-test says on the status line, and its checks of the other two. */
#ifndef YIMA_PORT_CHECK_LINES_H
#define YIMA_PORT_CHECK_LINES_H
#include <stdint.h>

/* So much time passes, under the eyes of the watchdog. */
void rest(uint32_t ms);

/* Waits until the status line has been sent. */
void sent(void);

/* A line "check port=WHAT ok=1 ..."; what was seen is told with status_number, then comes end. */
void saw(const char *what, int ok);
void end(void);

/* Says that somebody is to do something: who tests, or the bench. */
void waits(const char *what);

/* Something is shown to the scanner. */
void check_scanner(void);

/* What the station's line sends comes back: its two wires are joined. */
void check_station(void);
#endif
