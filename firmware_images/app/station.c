/* station.c - see station.h. The console framing of mcumgr: a packet is its length (2, big-endian), the SMP message and
 * CRC-16 (XMODEM) of it, as base64 in lines; the first line begins with 06 09, others with 04 14, all end in LF. What
 * is not such a line is passed over, what does not add up is dropped: the station asks again. */
#include "station.h"

#include "port.h"
#include "smp.h"
#include "status.h"

enum {
    START_1 = 0x06,
    START_2 = 0x09,
    CONTINUE_1 = 0x04,
    CONTINUE_2 = 0x14,
    FRAME = 4,      /* length and CRC */
    LINE_BYTES = 90 /* of a packet in one line: 120 characters */
};

typedef enum { OUTSIDE, MARK_START, MARK_CONTINUE, INSIDE } where_in_line;

static uint8_t packet[SMP_MAX + FRAME], answer[SMP_MAX + FRAME];
static uint32_t packet_size, quad, quad_bits;
static where_in_line where;
static uint8_t open_packet; /* a start has been seen and its end has not */

static uint16_t crc16(const uint8_t *bytes, size_t size) {
    uint32_t crc = 0;
    for (size_t i = 0; i < size; i++) {
        crc ^= (uint32_t)bytes[i] << 8;
        for (int k = 0; k < 8; k++) crc = crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1;
    }
    return (uint16_t)crc;
}

static int digit_of(uint8_t c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static void take_digit(uint8_t c) {
    const int digit = digit_of(c);
    if (digit < 0) {
        open_packet = (uint8_t)(open_packet && (c == '=' || c == '\r'));
        return;
    }
    quad = quad << 6 | (uint32_t)digit;
    quad_bits += 6;
    if (quad_bits < 8) return;
    quad_bits -= 8;
    if (packet_size == sizeof packet) {
        open_packet = 0; /* longer than any request */
    } else {
        packet[packet_size++] = (uint8_t)(quad >> quad_bits);
    }
}

static void send_line(int first, const uint8_t *bytes, size_t size) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t line[2 + (LINE_BYTES + 2) / 3 * 4 + 1];
    size_t at = 0;
    line[at++] = first ? START_1 : CONTINUE_1;
    line[at++] = first ? START_2 : CONTINUE_2;
    for (size_t i = 0; i < size; i += 3) {
        const size_t left = size - i;
        const uint32_t three =
            (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0);
        line[at++] = (uint8_t)digits[three >> 18];
        line[at++] = (uint8_t)digits[three >> 12 & 63];
        line[at++] = (uint8_t)(left > 1 ? digits[three >> 6 & 63] : '=');
        line[at++] = (uint8_t)(left > 2 ? digits[three & 63] : '=');
    }
    line[at++] = '\n';
    if (!port_write(PORT_STATION, line, at)) status_say("station congested"); /* it has not read the answer before */
}

/* `size` bytes of an SMP message stand at answer + 2. */
static void send(size_t size) {
    const uint16_t crc = crc16(answer + 2, size);
    answer[0] = (uint8_t)((size + 2) >> 8);
    answer[1] = (uint8_t)(size + 2);
    answer[size + 2] = (uint8_t)(crc >> 8);
    answer[size + 3] = (uint8_t)crc;
    for (size_t at = 0; at < size + FRAME; at += LINE_BYTES) {
        send_line(at == 0, answer + at, size + FRAME - at < LINE_BYTES ? size + FRAME - at : LINE_BYTES);
    }
}

/* A line has ended: if the packet is whole, it is answered. */
static void end_line(void) {
    if (where != INSIDE || !open_packet || packet_size < FRAME) return;
    const uint32_t claimed = (uint32_t)packet[0] << 8 | packet[1];
    if (claimed < 2 || claimed > packet_size - 2) return; /* more lines are to come */
    open_packet = 0;
    const size_t size = claimed - 2;
    if (crc16(packet + 2, size) != ((uint32_t)packet[size + 2] << 8 | packet[size + 3])) {
        status_say_text("station", "dropped", "CRC");
        return;
    }
    const size_t answered = smp_answer(packet + 2, size, answer + 2);
    if (answered) send(answered);
}

/* A mark is no digit: where a line's end was lost, the next one begins all the same. */
static void take(uint8_t c) {
    if (c == '\n') {
        end_line();
        where = OUTSIDE;
    } else if (where == INSIDE && c != START_1 && c != CONTINUE_1) {
        if (open_packet) take_digit(c);
    } else if (where == MARK_START && c == START_2) {
        where = INSIDE;
        open_packet = 1;
        packet_size = quad = quad_bits = 0;
    } else if (where == MARK_CONTINUE && c == CONTINUE_2) {
        where = INSIDE;
        quad = quad_bits = 0;
    } else {
        where = c == START_1 ? MARK_START : c == CONTINUE_1 ? MARK_CONTINUE : OUTSIDE;
    }
}

int station_run(void) {
    static status_errors errors;
    uint8_t bytes[256];
    const size_t size = port_read(PORT_STATION, bytes, sizeof bytes, NULL);
    status_tell_errors(&errors, "station", port_errors(PORT_STATION), port_ms());
    for (size_t i = 0; i < size; i++) take(bytes[i]);
    if (smp_reset_wanted() && port_written(PORT_STATION) && port_written(PORT_STATUS)) port_reset();
    return size != 0;
}
