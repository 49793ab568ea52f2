/* smp_os.c - SMP group 0: echo, reset, buffer sizes, time, what runs here, the boot loader. */
#include "device.h"
#include "image.h"
#include "port.h"
#include "product.h"
#include "runtime.h"
#include "settings.h"
#include "smp.h"
#include "status.h"

enum {
    ECHO = 0,
    DATETIME = 4,
    RESET = 5,
    PARAMETERS = 6,
    INFO = 7,
    BOOTLOADER = 8,
    DIRECT_XIP_WITH_REVERT = 5,
    DATETIME_TEXT = 19
};
enum { ERROR_INVALID_FORMAT = 2, ERROR_CLOCK_REFUSED = 5, SECONDS_A_DAY = 86400 };

static int reset_wanted;

int smp_reset_wanted(void) {
    return reset_wanted;
}

/* Days from 1970-01-01 to a day of the Gregorian calendar; March is month 0 of its year, so leap days come last. */
static uint32_t days_of(uint32_t year, uint32_t month, uint32_t day) {
    year -= month <= 2;
    const uint32_t in_year = (153 * (month + (month > 2 ? 0u : 12u) - 3) + 2) / 5 + day - 1;
    return year * 365 + year / 4 - year / 100 + year / 400 + in_year - 719468;
}

static int digits(const uint8_t *text, uint32_t count, uint32_t *value) {
    *value = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9') return 0;
        *value = *value * 10 + (text[i] - '0');
    }
    return 1;
}

/* "2026-11-23T03:38:28", with anything behind it (fractions, zone); it is UTC. */
static int parse(const uint8_t *text, uint32_t size, uint32_t *unix_s) {
    uint32_t year, month, day, hour, minute, second;
    if (size < DATETIME_TEXT || !digits(text, 4, &year) || !digits(text + 5, 2, &month) || !digits(text + 8, 2, &day) ||
        !digits(text + 11, 2, &hour) || !digits(text + 14, 2, &minute) || !digits(text + 17, 2, &second)) {
        return 0;
    }
    if (year < 1970 || year > 2105 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 ||
        second > 59) {
        return 0;
    }
    const uint32_t after = month < 12 ? days_of(year, month + 1, 1) : days_of(year + 1, 1, 1);
    if (days_of(year, month, day) >= after) return 0; /* the month is not that long */
    *unix_s = days_of(year, month, day) * SECONDS_A_DAY + hour * 3600 + minute * 60 + second;
    return 1;
}

static void put_digits(char *to, uint32_t value, uint32_t count) {
    while (count-- > 0) {
        to[count] = (char)('0' + value % 10);
        value /= 10;
    }
}

static void format(uint32_t unix_s, char text[DATETIME_TEXT + 1]) {
    uint32_t year = 1970, month = 1, day = unix_s / SECONDS_A_DAY, second = unix_s % SECONDS_A_DAY;
    while (day >= days_of(year + 1, 1, 1)) year++;
    while (month < 12 && day >= days_of(year, month + 1, 1)) month++;
    memcpy(text, "0000-00-00T00:00:00", DATETIME_TEXT + 1);
    put_digits(text, year, 4);
    put_digits(text + 5, month, 2);
    put_digits(text + 8, day - days_of(year, month, 1) + 1, 2);
    put_digits(text + 11, second / 3600, 2);
    put_digits(text + 14, second / 60 % 60, 2);
    put_digits(text + 17, second % 60, 2);
}

static int datetime(smp_request *request) {
    const uint8_t *text;
    uint32_t size, unix_s;
    char now[DATETIME_TEXT + 1];
    if (request->operation == SMP_READ) {
        format(port_rtc(), now);
        cbor_put_text(request->answer, "datetime", now);
        return SMP_OK;
    }
    if (!cbor_find_bytes(request->cbor, request->size, "datetime", &text, &size)) return SMP_EINVAL;
    if (!parse(text, size, &unix_s)) return smp_refuse(request, ERROR_INVALID_FORMAT);
    return device_set_clock(unix_s) ? SMP_OK : smp_refuse(request, ERROR_CLOCK_REFUSED);
}

/* As `uname` has them: s kernel, n node, r kernel release, v kernel version, m machine, p processor, i hardware, o
 * operating system, a all; b is mcumgr's, build date and time, which a reproducible image has not. */
static const char *info_of(uint8_t letter) {
    switch (letter) {
    case 's':
        return "Yima";
    case 'n':
        return settings.terminal;
    case 'r':
    case 'v':
        return image_running_version();
    case 'm':
        return PRODUCT_NAME;
    case 'p':
        return PORT_PROCESSOR;
    case 'i':
        return PORT_HARDWARE;
    case 'o':
        return "none";
    default:
        return NULL;
    }
}

static int info(smp_request *request) {
    static const uint8_t everything[] = "snrvmpio", usual[] = "s";
    enum { TEXT_MAX = 240 };
    char text[TEXT_MAX + 1];
    const uint8_t *format = usual;
    uint32_t size = 1, at = 0;
    (void)cbor_find_bytes(request->cbor, request->size, "format", &format, &size);
    if (size == 1 && format[0] == 'a') {
        format = everything;
        size = sizeof everything - 1;
    }
    for (uint32_t i = 0; i < size; i++) {
        const char *part = info_of(format[i]);
        if (!part) return smp_refuse(request, ERROR_INVALID_FORMAT);
        if (at && at < TEXT_MAX) text[at++] = ' ';
        while (*part && at < TEXT_MAX) text[at++] = *part++;
    }
    text[at] = 0;
    cbor_put_text(request->answer, "output", text);
    return SMP_OK;
}

static int bootloader(smp_request *request) {
    const uint8_t *query;
    uint32_t size;
    if (!cbor_find_bytes(request->cbor, request->size, "query", &query, &size)) {
        cbor_put_text(request->answer, "bootloader", "MCUboot");
        return SMP_OK;
    }
    if (size != 4 || memcmp(query, "mode", 4) != 0) return SMP_EINVAL;
    cbor_put_number(request->answer, "mode", DIRECT_XIP_WITH_REVERT);
    return SMP_OK;
}

int smp_os(smp_request *request) {
    const uint8_t *text;
    uint32_t size;
    switch (request->command) {
    case ECHO:
        if (!cbor_find_bytes(request->cbor, request->size, "d", &text, &size)) return SMP_EINVAL;
        cbor_text(request->answer, "r");
        cbor_utf8(request->answer, text, size);
        return SMP_OK;
    case DATETIME:
        return datetime(request);
    case RESET:
        reset_wanted = 1;
        status_say_text("reset", "by", "station");
        return SMP_OK;
    case PARAMETERS:
        cbor_put_number(request->answer, "buf_size", SMP_MAX);
        cbor_put_number(request->answer, "buf_count", 1);
        return SMP_OK;
    case INFO:
        return info(request);
    case BOOTLOADER:
        return bootloader(request);
    default:
        return SMP_ENOTSUP;
    }
}
