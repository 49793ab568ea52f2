/* bench.c - see bench.h. Lines of text: orders on the standard input, news on the standard output.
 *
 *   feed UART HEX    bytes arrive
 *   rtc UNIX STANDS  the real-time clock; 1: it stands still
 *   inputs PINS      as port_inputs has them
 *   cut N            power goes at flash operation N of this run, from 0
 *   run MS           so much time passes; then "done" is said
 *
 * News begin with the time, in ms: "sent UART HEX", "pins PINS", "program ADDRESS HEX", "erase ADDRESS" (before it is
 * done), "rtc UNIX", "done"; and the last words "reset", "power", "watchdog". Computing takes no time; what is said in it
 * is in order. Whoever says anything else is in error, and the board ends. */
#define _POSIX_C_SOURCE 200809L
#include "bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bench_state bench = {.cut = UINT64_MAX};

static int digit_of(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int feed(uint32_t uart, const char *hex) {
    if (uart >= PORT_UARTS) return 0;
    bench_line *line = &bench.lines[uart];
    for (; digit_of(hex[0]) >= 0 && digit_of(hex[1]) >= 0; hex += 2) {
        if (line->head - line->tail == BENCH_LINE) return 0;
        line->bytes[line->head++ % BENCH_LINE] = (uint8_t)(digit_of(hex[0]) << 4 | digit_of(hex[1]));
        line->arrived_ms = bench.now_ms;
    }
    return *hex == '\n';
}

/* One order. 0: there is none of that kind. */
static int obey(const char *order) {
    uint64_t number;
    uint32_t first, second;
    int end = 0;
    if (sscanf(order, "feed %" SCNu32 " %n", &first, &end) == 1 && end) return feed(first, order + end);
    if (sscanf(order, "rtc %" SCNu32 " %" SCNu32, &first, &second) == 2) {
        bench.rtc = first;
        bench.rtc_stands = second;
        bench.rtc_ms = bench.now_ms;
        return 1;
    }
    if (sscanf(order, "inputs %" SCNu32, &bench.inputs) == 1) return 1;
    if (sscanf(order, "cut %" SCNu64, &bench.cut) == 1) return 1;
    if (sscanf(order, "run %" SCNu64, &number) == 1) {
        bench.until_ms = bench.now_ms + number;
        return 1;
    }
    return 0;
}

void bench_turn(void) {
    static char *order;
    static size_t room;
    static int begun;
    if (begun) bench_say_number("done", 0);
    begun = 1;
    fflush(stdout);
    while (bench.now_ms >= bench.until_ms) {
        if (getline(&order, &room, stdin) < 0) exit(0);
        if (!obey(order)) {
            fprintf(stderr, "no order: %s", order);
            exit(2);
        }
    }
}

void bench_say_bytes(const char *what, uint32_t number, const uint8_t *bytes, size_t size) {
    printf("%" PRIu64 " %s %" PRIu32 " ", bench.now_ms, what, number);
    for (size_t i = 0; i < size; i++) printf("%02x", bytes[i]);
    putchar('\n');
}

void bench_say_number(const char *what, uint64_t number) {
    printf("%" PRIu64 " %s %" PRIu64 "\n", bench.now_ms, what, number);
}

void bench_end(const char *why) {
    bench_say_number(why, 0);
    fflush(stdout);
    _Exit(0);
}
