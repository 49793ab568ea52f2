/* status.c - see status.h. */
#include "status.h"

enum { ERRORS_MS = 1000 };

static char text[320];
static uint32_t size, dropped;

static void put(const char *s) {
    while (*s && size < sizeof text - 1) text[size++] = *s++;
}

void status_begin(const char *event) {
    size = 0;
    put(event);
}

void status_text(const char *key, const char *value) {
    put(" ");
    put(key);
    put("=");
    for (; *value && size < sizeof text - 1; value++) { /* a terminal may be called anything */
        text[size++] = *value > ' ' && *value < 0x7F ? *value : '?';
    }
}

void status_number(const char *key, int64_t value) {
    char digits[21];
    uint32_t at = sizeof digits - 1;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    digits[at] = 0;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (value < 0) digits[--at] = '-';
    status_text(key, digits + at);
}

void status_hex(const char *key, uint32_t value) {
    char digits[9];
    for (int i = 0; i < 8; i++) digits[i] = "0123456789ABCDEF"[value >> (28 - 4 * i) & 15];
    digits[8] = 0;
    status_text(key, digits);
}

void status_end(void) {
    if (dropped) status_number("dropped", dropped);
    text[size++] = '\n';
    if (port_write(PORT_STATUS, (const uint8_t *)text, size)) {
        dropped = 0;
    } else {
        dropped++;
    }
}

void status_say(const char *event) {
    status_begin(event);
    status_end();
}

void status_say_text(const char *event, const char *key, const char *value) {
    status_begin(event);
    status_text(key, value);
    status_end();
}

void status_say_number(const char *event, const char *key, int64_t value) {
    status_begin(event);
    status_number(key, value);
    status_end();
}

void status_tell_errors(status_errors *errors, const char *line, port_line_errors more, uint64_t now_ms) {
    port_line_errors *all = &errors->untold;
    all->lost += more.lost;
    all->framing += more.framing;
    all->breaks += more.breaks;
    if (!(all->lost | all->framing | all->breaks) || now_ms - errors->told_ms < ERRORS_MS) return;
    status_begin(line);
    status_number("lost", all->lost);
    status_number("framing", all->framing);
    status_number("breaks", all->breaks);
    status_end();
    *errors = (status_errors){.told_ms = now_ms};
}
