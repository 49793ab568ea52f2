/* record.c - the ministry's offline trip record: TLVs of tag (2), length (2), value, and SM3 over all before tag 0011.
 *
 * Readers of it know tags 0000 to 0011 and refuse others, so nothing of ours stands in it; facts.c has that. Acquirers'
 * own tags, from 2000 up, are met in records of other and of older devices, and are kept.
 *
 * The integrity value is a checksum that anyone can compute. What the record proves is in the code inside. */
#include "bytes.h"
#include "sm3.h"
#include "yima/core.h"

enum {
    TAG_VERSION = 0x0000,
    TAG_CODE = 0x0001,
    TAG_VENDOR = 0x0002,
    TAG_TERMINAL = 0x0003,
    TAG_SOFTWARE = 0x0004,
    TAG_RECORD_ID = 0x0005,
    TAG_MERCHANT_TYPE = 0x0006,
    TAG_CONSUMPTION_TYPE = 0x0007,
    TAG_CURRENCY = 0x0008,
    TAG_AMOUNT = 0x0009,
    TAG_VEHICLE = 0x000a,
    TAG_PLATE = 0x000b,
    TAG_DRIVER = 0x000c,
    TAG_LINE = 0x000d,
    TAG_STATION = 0x000e,
    TAG_POSITION = 0x000f,
    TAG_TERMINAL_TIME = 0x0010,
    TAG_INTEGRITY = 0x0011,
    TAG_OWN = 0x2000, /* acquirers' own begin here */
    HEAD_SIZE = 4,
    STRING_MAX = 255
};

typedef struct {
    uint8_t *bytes;
    size_t capacity;
    size_t size;
    int failed;
} record;

static void put(record *r, unsigned tag, const uint8_t *value, size_t length) {
    if (r->failed || length > UINT16_MAX || r->capacity - r->size < HEAD_SIZE + length) {
        r->failed = 1;
        return;
    }
    uint8_t *p = r->bytes + r->size;
    p[0] = (uint8_t)(tag >> 8);
    p[1] = (uint8_t)tag;
    p[2] = (uint8_t)(length >> 8);
    p[3] = (uint8_t)length;
    if (length) {
        memcpy(p + HEAD_SIZE, value, length);
    }
    r->size += HEAD_SIZE + length;
}

static void put_number(record *r, unsigned tag, uint32_t value, unsigned size) {
    uint8_t bytes[4];
    for (unsigned i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(value >> 8 * (size - 1 - i));
    }
    put(r, tag, bytes, size);
}

static void put_string(record *r, unsigned tag, const char *text) {
    size_t length = 0;
    if (!text) {
        return;
    }
    while (length <= STRING_MAX && text[length]) {
        length++;
    }
    if (length > STRING_MAX) {
        r->failed = 1;
        return;
    }
    put(r, tag, (const uint8_t *)text, length);
}

/* The merchant category code: bus lines, passenger railways. */
static const char *merchant_type(uint8_t mode) {
    return mode == YIMA_MODE_BUS ? "4131" : mode == YIMA_MODE_METRO ? "4111" : NULL;
}

size_t yima_record_write(uint8_t *out, size_t capacity, const uint8_t *code, size_t length, const yima_verdict *verdict,
                         const yima_trip *trip) {
    record r = {out, capacity, 0, 0};
    put_number(&r, TAG_VERSION, 0, 1);
    put(&r, TAG_CODE, code, length);
    put_string(&r, TAG_VENDOR, trip->vendor);
    put_string(&r, TAG_TERMINAL, trip->terminal);
    put_string(&r, TAG_SOFTWARE, trip->software);
    put_string(&r, TAG_RECORD_ID, trip->record_id);
    put_string(&r, TAG_MERCHANT_TYPE, trip->merchant_type ? trip->merchant_type : merchant_type(trip->mode));
    put_number(&r, TAG_CONSUMPTION_TYPE, 0, 1);
    put_string(&r, TAG_CURRENCY, "156");
    put_number(&r, TAG_AMOUNT, verdict->fare_fen, 4);
    put_string(&r, TAG_VEHICLE, trip->vehicle);
    put_string(&r, TAG_PLATE, trip->plate);
    put_string(&r, TAG_DRIVER, trip->driver);
    put_string(&r, TAG_LINE, trip->line);
    put_string(&r, TAG_STATION, trip->station);
    put_string(&r, TAG_POSITION, trip->position);
    put_number(&r, TAG_TERMINAL_TIME, trip->terminal_time, 4);
    if (r.failed || !verdict->accepted) {
        return 0;
    }
    uint8_t integrity[32];
    yima_sm3(out, r.size, integrity);
    put(&r, TAG_INTEGRITY, integrity, sizeof integrity);
    return r.failed ? 0 : r.size;
}

int yima_record_check(const uint8_t *bytes, size_t size) {
    static const uint8_t head[HEAD_SIZE + 1] = {0, 0, 0, 1, 0}; /* tag 0000: version 00 */
    size_t integrity_at = 0;
    size_t at = sizeof head;
    if (size < sizeof head || memcmp(bytes, head, sizeof head) != 0) {
        return 0;
    }
    while (at < size) {
        if (size - at < HEAD_SIZE) {
            return 0;
        }
        const uint32_t tag = yima_be16(bytes + at);
        const uint32_t length = yima_be16(bytes + at + 2);
        if (length > size - at - HEAD_SIZE || (integrity_at && tag < TAG_OWN)) {
            return 0; /* behind the integrity value only acquirers' own tags may follow */
        }
        if (tag == TAG_INTEGRITY) {
            if (length != 32) {
                return 0;
            }
            integrity_at = at;
        }
        at += HEAD_SIZE + length;
    }
    if (!integrity_at) {
        return 0;
    }
    uint8_t integrity[32];
    yima_sm3(bytes, integrity_at, integrity);
    return memcmp(bytes + integrity_at + HEAD_SIZE, integrity, sizeof integrity) == 0;
}
