/* issuer_data.c - field 14 by a table: every issuer keeps its metro state there in a form of its own.
 *
 * The data are signed by the issuer (field 15) and as old as the code's authorisation: what they tell is what the
 * issuer knew when the phone last fetched them. */
#include "issuer_data.h"

#include "code.h"

enum {
    FORM_BINARY = 1,
    TIME_NONE = 0,
    TIME_UNIX = 1,
    TIME_DIGITS = 7, /* bytes of yyyyMMddHHmmss */
    UTC_PLUS_8_S = 28800
};

/* Packed digits as a number; 0 returned if they are none. */
static int digits(const uint8_t *bytes, size_t size, uint32_t *value) {
    *value = 0;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] >> 4 > 9 || (bytes[i] & 15) > 9) {
            return 0;
        }
        *value = *value * 100 + (bytes[i] >> 4) * 10u + (bytes[i] & 15u);
    }
    return 1;
}

/* yyyyMMddHHmmss in UTC+8 as unix seconds; 0 returned if it is no moment from 1970 on that 32 bits hold. */
static int local_time(const uint8_t *bytes, uint32_t *unix_s) {
    static const uint16_t before_month[13] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    uint32_t year, month, day, hour, minute, second;
    if (!digits(bytes, 2, &year) || !digits(bytes + 2, 1, &month) || !digits(bytes + 3, 1, &day) ||
        !digits(bytes + 4, 1, &hour) || !digits(bytes + 5, 1, &minute) || !digits(bytes + 6, 1, &second) ||
        year < 1971 || year > 2105 || month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59) {
        return 0;
    }
    const uint32_t leap_day = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day < 1 || day > before_month[month] - before_month[month - 1] + leap_day) {
        return 0;
    }
    const uint32_t full = year - (month < 3);                            /* years whose leap day lies behind */
    const uint32_t leap_days = full / 4 - full / 100 + full / 400 - 477; /* 477 of them up to 1969 */
    const uint32_t days = (year - 1970) * 365 + leap_days + before_month[month - 1] + day - 1;
    *unix_s = days * 86400 + hour * 3600 + minute * 60 + second - UTC_PLUS_8_S;
    return 1;
}

static int read_station(const uint8_t *row, const uint8_t *data, uint32_t *station) {
    const uint8_t *bytes = data + YIMA_VALUE(row, DECODERS, STATION_AT);
    const size_t size = YIMA_VALUE(row, DECODERS, STATION_SIZE);
    if (YIMA_VALUE(row, DECODERS, STATION_FORM) != FORM_BINARY) {
        return digits(bytes, size, station);
    }
    *station = 0;
    for (size_t i = 0; i < size; i++) {
        *station = *station << 8 | bytes[i];
    }
    return 1;
}

static int read_time(const uint8_t *row, const uint8_t *data, uint32_t *entered_at) {
    const uint8_t *bytes = data + YIMA_VALUE(row, DECODERS, TIME_AT);
    switch (YIMA_VALUE(row, DECODERS, TIME_FORM)) {
    case TIME_NONE:
        *entered_at = 0;
        return 1;
    case TIME_UNIX:
        *entered_at = yima_be32(bytes);
        return 1;
    default:
        return local_time(bytes, entered_at);
    }
}

int yima_issuer_data_read(const yima_parameters *p, const uint8_t *institution, const uint8_t *data, size_t size,
                          yima_entry_data *entry) {
    memset(entry, 0, sizeof *entry);
    const uint8_t *row = yima_row_find(p, YIMA_SECTION_DECODERS, institution, YIMA_DECODERS_KEY);
    if (!row) {
        return 0;
    }
    const uint32_t form = YIMA_VALUE(row, DECODERS, TIME_FORM);
    const size_t time_size = form == TIME_NONE ? 0 : form == TIME_UNIX ? 4 : TIME_DIGITS;
    if (YIMA_VALUE(row, DECODERS, STATE_AT) >= size ||
        YIMA_VALUE(row, DECODERS, STATION_AT) + YIMA_VALUE(row, DECODERS, STATION_SIZE) > size ||
        YIMA_VALUE(row, DECODERS, TIME_AT) + time_size > size) {
        return 0;
    }
    const uint8_t state = data[YIMA_VALUE(row, DECODERS, STATE_AT)];
    entry->inside = YIMA_PLACE(row, DECODERS, INSIDE)[state / 8] >> state % 8 & 1;
    return !entry->inside || (read_station(row, data, &entry->station) && read_time(row, data, &entry->entered_at));
}
