/* bench.h - what the board posix tells its bench, and is told by it; see bench.c. */
#ifndef YIMA_POSIX_BENCH_H
#define YIMA_POSIX_BENCH_H
#include <stddef.h>
#include <stdint.h>

#include "port.h"

enum { BENCH_LINE = 1 << 16 }; /* bytes that wait on a line into the board */

typedef struct {
    uint8_t bytes[BENCH_LINE];
    uint32_t head, tail;
    uint64_t arrived_ms;
} bench_line;

typedef struct {
    uint64_t now_ms, until_ms; /* time goes on to there */
    uint32_t inputs;
    uint32_t rtc, rtc_stands;
    uint64_t rtc_ms;     /* when the clock was set */
    uint64_t watched_ms; /* when the watchdog was last told that all is well */
    uint64_t cut;        /* power goes at this flash operation of the run */
    bench_line lines[PORT_UARTS];
} bench_state;

extern bench_state bench;

/* Says that the time has come, and takes orders until there is more of it. Ends the process when the bench has gone. */
void bench_turn(void);

void bench_say_bytes(const char *what, uint32_t number, const uint8_t *bytes, size_t size);
void bench_say_number(const char *what, uint64_t number);

/* The last word: the process ends. */
_Noreturn void bench_end(const char *why);
#endif
