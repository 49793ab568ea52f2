/* port.c - the port of the board posix; see README.md. Time is the bench's: it goes on while the firmware waits. */
#include "port.h"

#include <string.h>

#include "bench.h"

enum { WAIT_MS = 5, WATCHDOG_MS = 8000 };

uint64_t port_ms(void) {
    return bench.now_ms;
}

uint32_t port_rtc(void) {
    return bench.rtc + (bench.rtc_stands ? 0 : (uint32_t)((bench.now_ms - bench.rtc_ms) / 1000));
}

void port_rtc_set(uint32_t unix_s) {
    bench.rtc = unix_s;
    bench.rtc_ms = bench.now_ms;
    bench_say_number("rtc", unix_s);
}

size_t port_read(port_uart uart, uint8_t *out, size_t capacity, uint64_t *arrived_ms) {
    bench_line *line = &bench.lines[uart];
    size_t size = 0;
    while (size < capacity && line->tail != line->head) out[size++] = line->bytes[line->tail++ % BENCH_LINE];
    if (arrived_ms) *arrived_ms = line->arrived_ms;
    return size;
}

port_line_errors port_errors(port_uart uart) {
    static const port_line_errors none; /* who feeds more than there is room for is in error */
    (void)uart;
    return none;
}

int port_write(port_uart uart, const uint8_t *bytes, size_t size) {
    bench_say_bytes("sent", uart, bytes, size);
    return 1;
}

int port_written(port_uart uart) {
    (void)uart;
    return 1;
}

void port_pins(uint32_t pins) {
    bench_say_number("pins", pins);
}

uint32_t port_inputs(void) {
    return bench.inputs & (PORT_PASSAGE | PORT_GATE_FAULT);
}

/* A fault ends the process, and nothing of it is kept. */
port_fault port_last_fault(void) {
    return (port_fault){0};
}

void port_wait(void) {
    if (bench.now_ms >= bench.until_ms) bench_turn();
    const uint64_t left = bench.until_ms - bench.now_ms;
    bench.now_ms += left < WAIT_MS ? left : WAIT_MS;
    if (bench.now_ms - bench.watched_ms > WATCHDOG_MS) bench_end("watchdog");
}

void port_reset(void) {
    bench_end("reset");
}
