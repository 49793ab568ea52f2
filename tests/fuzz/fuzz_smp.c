/* fuzz_smp.c - libFuzzer target: whatever a station says, the application answers with whole, well-formed messages of
 * bounded size, stays usable, and does what application.h demands.
 *
 * The input is a script: raw bytes on the line; requests straight to the parser, from
 * memory of exactly their size; requests in the line's own framing, whose answer must come back in it; and the one
 * command for which a fuzzer would have to know a hash, acknowledging a record. */
#include "application.h"
#include "cbor_reference.h"
#include "device.h"
#include "session.h"
#include "smp.h"

enum { LARGEST = 16384, STEPS = 64, LINE_MAX = 127, LINE_BYTES = 90, CHARACTERS = 2 * SMP_MAX };

/* The input as it is played: no input can sign a session, so every life begins with one. */
typedef struct {
    script script;
    int steps;
    uint8_t request[SMP_MAX]; /* sent on the line and not answered yet */
    size_t size;              /* 0: there is none */
    int answers;              /* 1: it asks for an answer */
} station_run_of;

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static unsigned be16(const uint8_t *p) {
    return (unsigned)p[0] << 8 | p[1];
}

/* CRC-16 (XMODEM), bit by bit. */
static unsigned crc_of(const uint8_t *bytes, size_t size) {
    unsigned crc = 0;
    for (size_t i = 0; i < 8 * size; i++) {
        const unsigned top = (crc >> 15 ^ bytes[i / 8] >> (7 - i % 8)) & 1;
        crc = (crc << 1 ^ (top ? 0x1021 : 0)) & 0xFFFF;
    }
    return crc;
}

static void check_answer(const uint8_t *request, const uint8_t *answer, size_t size) {
    demand(size >= SMP_HEADER + 2 && size <= SMP_MAX && be16(answer + 2) == size - SMP_HEADER);
    demand((answer[0] & 7) == (request[0] & 7) + 1 && (answer[0] & 0x18) == (request[0] & 0x18) && answer[1] == 0);
    demand(memcmp(answer + 4, request + 4, 4) == 0);
    const uint8_t *map = answer + SMP_HEADER, *end = answer + size;
    demand(map[0] >> 5 == 5 && behind_item(map, end, NESTED_MAX) == end);
}

/* Straight to the parser. Returns the size of the answer. */
static size_t ask(const uint8_t *request, size_t size, uint8_t answer[SMP_MAX]) {
    uint8_t *exact = copy_of(request, size), *room = malloc(SMP_MAX);
    demand(room != NULL);
    const size_t answered = smp_answer(exact, size, room);
    if (answered) check_answer(request, room, answered);
    memcpy(answer, room, answered);
    free(exact);
    free(room);
    return answered;
}

/* A request in lines, as a station sends it; returns how many characters. */
static size_t lines_of(const uint8_t *request, size_t size, uint8_t *lines) {
    uint8_t packet[SMP_MAX + 4];
    size_t at = 0;
    lines[at++] = '\n'; /* ends what others may have left on the line */
    packet[0] = (uint8_t)((size + 2) >> 8);
    packet[1] = (uint8_t)(size + 2);
    memcpy(packet + 2, request, size);
    packet[size + 2] = (uint8_t)(crc_of(request, size) >> 8);
    packet[size + 3] = (uint8_t)crc_of(request, size);
    for (size_t i = 0; i < size + 4; i += 3) {
        if (i % LINE_BYTES == 0) {
            if (i) lines[at++] = '\n';
            memcpy(lines + at, i ? "\x04\x14" : "\x06\x09", 2);
            at += 2;
        }
        const size_t left = size + 4 - i;
        const unsigned three =
            (unsigned)packet[i] << 16 | (left > 1 ? (unsigned)packet[i + 1] << 8 : 0) | (left > 2 ? packet[i + 2] : 0);
        for (unsigned k = 0; k < 4; k++) lines[at++] = (uint8_t)(k <= left ? digits[three >> (18 - 6 * k) & 63] : '=');
    }
    lines[at++] = '\n';
    return at;
}

/* The bytes in one line of base64, between its mark and its end. Returns how many. */
static size_t bytes_of_line(const uint8_t *line, size_t size, uint8_t *out) {
    size_t count = 0;
    demand(size % 4 == 0);
    for (size_t i = 0; i < size; i += 4) {
        unsigned three = 0, padding = 0;
        for (unsigned k = 0; k < 4; k++) {
            const char *digit = line[i + k] ? strchr(digits, line[i + k]) : NULL;
            demand(digit ? !padding : line[i + k] == '=' && i + 4 == size);
            padding += !digit;
            three = three << 6 | (digit ? (unsigned)(digit - digits) : 0);
        }
        demand(padding <= 2);
        for (unsigned k = 0; k < 3 - padding; k++) out[count++] = (uint8_t)(three >> (16 - 8 * k));
    }
    return count;
}

/* Everything the firmware said is whole packets; *answer receives the last one. Returns its size, 0: it said nothing. */
static size_t check_said(const uint8_t *said, size_t size, uint8_t answer[SMP_MAX + 4]) {
    size_t held = 0, whole = 0;
    for (size_t at = 0; at < size;) {
        const uint8_t *line = said + at, *end = memchr(line, '\n', size - at);
        demand(end && end - line < LINE_MAX && end - line >= 2);
        const int first = line[0] == 0x06 && line[1] == 0x09;
        demand(first ? held == 0 : held > 0 && line[0] == 0x04 && line[1] == 0x14);
        demand(held <= SMP_MAX + 4 - LINE_BYTES || end - line - 2 <= (ptrdiff_t)(SMP_MAX + 4 - held + 2) / 3 * 4);
        held += bytes_of_line(line + 2, (size_t)(end - line - 2), answer + held);
        at += (size_t)(end - line) + 1;
        if (held < 2 || held < be16(answer) + 2u) continue;
        demand(held == be16(answer) + 2u && held >= 4);
        demand(crc_of(answer + 2, held - 4) == be16(answer + held - 2));
        whole = held - 4;
        memmove(answer, answer + 2, whole);
        held = 0;
    }
    demand(held == 0);
    return whole;
}

/* A station that has kept a record says so, with its chain value. */
static void acknowledge(uint32_t number) {
    static const uint8_t head[] = {SMP_WRITE, 0, 0, 0, 0, SMP_GROUP_YIMA, 0, 3};
    uint8_t request[SMP_HEADER + 64], answer[SMP_MAX];
    yima_log_place place;
    yima_log_entry entry;
    yima_log_begin(&device.log, &place, 0);
    while (yima_log_next(&device.log, &place, &entry)) {
        if (entry.number != number) continue;
        cbor_out out = {.bytes = request, .capacity = sizeof request, .size = SMP_HEADER};
        memcpy(request, head, sizeof head);
        cbor_map(&out);
        cbor_put_number(&out, "n", number);
        cbor_text(&out, "h");
        cbor_bytes(&out, entry.chain, sizeof entry.chain);
        cbor_end(&out);
        request[3] = (uint8_t)(out.size - SMP_HEADER);
        demand(ask(request, out.size, answer));
        demand(device.log.acknowledged >= number);
        return;
    }
}

/* What it said to the step before is whole; of a whole request it is the answer. */
static void check_step(station_run_of *r) {
    static uint8_t answer[SMP_MAX + 8];
    const size_t answered = check_said(application.station.bytes, application.station.size, answer);
    application.station.size = 0;
    if (!r->size) return;
    demand((answered != 0) == r->answers);
    if (answered) check_answer(r->request, answer, answered);
    r->size = 0;
}

static void step(station_run_of *r) {
    static uint8_t lines[2 * CHARACTERS], answer[SMP_MAX];
    const uint32_t kind = take(&r->script, 1);
    if (kind % 8 == 7) {
        acknowledge(take(&r->script, 1));
        return;
    }
    size_t size = take(&r->script, 2) % (SMP_MAX + 1);
    const uint8_t *bytes = take_bytes(&r->script, &size);
    if (kind % 4 == 0) { /* anything, on the line */
        application_feed(PORT_STATION, bytes, size);
    } else if (kind % 4 == 1) { /* a message as it is */
        (void)ask(bytes, size, answer);
    } else if (size >= SMP_HEADER) { /* a message whose length is right, on the line or not */
        memcpy(r->request, bytes, size);
        r->request[2] = (uint8_t)((size - SMP_HEADER) >> 8);
        r->request[3] = (uint8_t)(size - SMP_HEADER);
        r->answers = (r->request[0] & 7) == SMP_READ || (r->request[0] & 7) == SMP_WRITE;
        if (kind % 4 == 2) {
            demand((ask(r->request, size, answer) != 0) == r->answers);
        } else {
            r->size = size;
            application_feed(PORT_STATION, lines, lines_of(r->request, size, lines));
        }
    }
}

static int turn(void *context) {
    station_run_of *r = context;
    if (bench.now_ms == 0) session = (session_state){.role = SESSION_CENTRE, .until_ms = UINT64_MAX};
    check_step(r);
    demand(device.usable && device.parameters.version > 0);
    if (!r->script.left || r->steps++ == STEPS) return 0;
    step(r);
    bench.until_ms = bench.now_ms + 5; /* all that is on the line is taken before it waits */
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    station_run_of r = {.script = {data, size}};
    if (size > LARGEST) return 0;
    application_restore();
    while (application_live(turn, &r) == ENDED_RESET) check_step(&r);
    return 0;
}
