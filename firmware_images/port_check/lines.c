/* lines.c - see lines.h. */
#include "lines.h"

#include "port.h"
#include "status.h"

void rest(uint32_t ms) {
    const uint64_t until = port_ms() + ms;
    while (port_ms() < until) {
        port_watchdog();
        port_wait();
    }
}

void sent(void) {
    for (int i = 0; i < 1000 && !port_written(PORT_STATUS); i++) rest(1);
}

void saw(const char *what, int ok) {
    status_begin("check");
    status_text("port", what);
    status_number("ok", ok);
}

void end(void) {
    status_end();
    sent();
}

void waits(const char *what) {
    status_say_text("waits", "for", what);
    sent();
}

/* The bytes that are sent round a line: each value, twice. */
enum { PATTERN = 512, QUIET_MS = 1500 };

/* What came until the line was quiet. */
typedef struct {
    uint32_t count, wrong;
    int timed; /* each piece came before it was handed over, and not before the first look */
} received;

static void take(port_uart uart, received *r, uint64_t begun) {
    uint8_t bytes[64];
    uint64_t arrived = 0;
    const size_t size = port_read(uart, bytes, sizeof bytes, &arrived);
    for (size_t i = 0; i < size; i++) r->wrong += bytes[i] != (uint8_t)(r->count++);
    if (size) r->timed &= arrived + 1 >= begun && arrived <= port_ms();
}

static void tell(const char *what, port_uart uart, const received *r, int has_to_match) {
    const port_line_errors errors = port_errors(uart);
    const int is_clean = !(errors.lost | errors.framing | errors.breaks);
    saw(what, r->count && r->timed && is_clean && (!has_to_match || (r->count == PATTERN && !r->wrong)));
    status_number("bytes", r->count);
    status_number("wrong", r->wrong);
    status_number("timed", r->timed);
    status_number("lost", errors.lost);
    status_number("framing", errors.framing);
    status_number("breaks", errors.breaks);
    end();
}

void check_scanner(void) {
    received r = {.timed = 1};
    const uint64_t begun = port_ms();
    (void)port_errors(PORT_SCANNER);
    waits("scanner");
    for (uint64_t quiet = begun; port_ms() - quiet < (r.count ? QUIET_MS : 10 * QUIET_MS);) {
        const uint32_t before = r.count;
        take(PORT_SCANNER, &r, begun);
        if (r.count != before) quiet = port_ms();
        rest(1);
    }
    tell("scanner", PORT_SCANNER, &r, 0);
}

void check_station(void) {
    received r = {.timed = 1};
    const uint64_t begun = port_ms();
    uint32_t written = 0;
    (void)port_errors(PORT_STATION);
    waits("station");
    for (uint64_t quiet = begun; port_ms() - quiet < 2 * QUIET_MS;) {
        uint8_t piece[32];
        const uint32_t before = r.count;
        for (uint32_t i = 0; i < sizeof piece; i++) piece[i] = (uint8_t)(written + i);
        if (written < PATTERN && port_write(PORT_STATION, piece, sizeof piece)) written += sizeof piece;
        take(PORT_STATION, &r, begun);
        if (r.count != before) quiet = port_ms();
        rest(1);
    }
    saw("written", written == PATTERN && port_written(PORT_STATION));
    status_number("bytes", written);
    end();
    tell("station", PORT_STATION, &r, 1);
}
