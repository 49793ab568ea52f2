/* fuzz_record.c - libFuzzer target: what yima_record_check accepts is a record, and what yima_record_write makes is
 * accepted.
 *
 * The first byte chooses. CHECKED: the rest is taken as a record, with SEALED after its integrity value has been made
 * to agree. Otherwise the rest is a script of what a terminal says, and the record made of it is read again by a walk
 * of this file's own. */
#include "fuzz.h"
#include "sm3.h"
#include "yima/core.h"

enum { CHECKED = 1, SEALED = 2, HEAD = 4, TAG_INTEGRITY = 0x0011, TAG_OWN = 0x2000, LARGEST = 4096 };

static unsigned be16(const uint8_t *p) {
    return (unsigned)p[0] << 8 | p[1];
}

/* The value of tag number `want`, counted from `from` on; NULL: it is not there. Demands that TLVs tile the bytes. */
static const uint8_t *value_of(const uint8_t *record, size_t size, unsigned want, unsigned *length) {
    const uint8_t *found = NULL;
    size_t at = 0;
    while (at < size) {
        demand(size - at >= HEAD && be16(record + at + 2) <= size - at - HEAD);
        if (be16(record + at) == want && !found) {
            found = record + at + HEAD;
            *length = be16(record + at + 2);
        }
        at += HEAD + be16(record + at + 2);
    }
    demand(at == size);
    return found;
}

/* Makes the first 0011 of a record agree with the bytes before it, if there is one of the right size. */
static void seal(uint8_t *record, size_t size) {
    for (size_t at = 0; at + HEAD <= size; at += HEAD + be16(record + at + 2)) {
        if (be16(record + at) != TAG_INTEGRITY) continue;
        if (be16(record + at + 2) == 32 && size - at >= HEAD + 32) yima_sm3(record, at, record + at + HEAD);
        return;
    }
}

/* Of what was accepted: version and integrity are there, nothing of the ministry's stands behind the integrity value,
 * and no byte it covers can be changed, cut off or moved. */
static void check_accepted(uint8_t *record, size_t size, uint8_t choice) {
    unsigned length = 0;
    const uint8_t *version = value_of(record, size, 0, &length);
    demand(version == record + HEAD && length == 1 && version[0] == 0);
    const uint8_t *integrity = value_of(record, size, TAG_INTEGRITY, &length);
    demand(integrity && length == 32);
    const size_t covered = (size_t)(integrity - HEAD - record);
    uint8_t digest[32];
    yima_sm3(record, covered, digest);
    demand(memcmp(digest, integrity, 32) == 0);
    for (size_t at = covered + HEAD + 32; at < size; at += HEAD + be16(record + at + 2)) {
        demand(be16(record + at) >= TAG_OWN);
    }
    const size_t changed = choice * (covered + 36) / 256; /* one byte of what is covered, or of the value itself */
    record[changed] ^= 1;
    demand(!yima_record_check(record, size));
    record[changed] ^= 1;
    demand(!yima_record_check(record, covered + HEAD + 31));
    demand(yima_record_check(record, covered + HEAD + 32));
}

/* A string of up to 299 bytes without zeros, or NULL. */
static const char *take_string(script *s, char text[300]) {
    size_t size = take(s, 1);
    if (size == 0xFF) return NULL;
    if (size == 0xFE) size = 299; /* longer than a field may be */
    const uint8_t *bytes = take_bytes(s, &size);
    for (size_t i = 0; i < size; i++) text[i] = (char)(bytes[i] ? bytes[i] : '0');
    text[size] = 0;
    return text;
}

static void check_text(const uint8_t *record, size_t size, unsigned tag, const char *text) {
    unsigned length = 0;
    const uint8_t *value = value_of(record, size, tag, &length);
    demand((value != NULL) == (text != NULL));
    demand(!text || (length == strlen(text) && memcmp(value, text, length) == 0));
}

static void check_number(const uint8_t *record, size_t size, unsigned tag, uint32_t number, unsigned bytes) {
    unsigned length = 0;
    const uint8_t *value = value_of(record, size, tag, &length);
    demand(value && length == bytes);
    uint32_t read = 0;
    for (unsigned i = 0; i < length; i++) read = read << 8 | value[i];
    demand(read == number);
}

static void check_written(script *s) {
    static const unsigned tags[] = {0x02, 0x03, 0x04, 0x05, 0x06, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f};
    enum { STRINGS = sizeof tags / sizeof *tags, MERCHANT_TYPE = 4 };
    static const char *const merchants[] = {NULL, "4131", "4111", NULL};
    static char texts[STRINGS][300];
    const char *given[STRINGS];
    const uint32_t facts = take(s, 1);
    const yima_verdict verdict = {.accepted = facts & 1, .fare_fen = take(s, 4)};
    const uint32_t time = take(s, 4);
    int too_long = 0;
    for (unsigned i = 0; i < STRINGS; i++) {
        given[i] = take_string(s, texts[i]);
        too_long |= given[i] && strlen(given[i]) > 255;
    }
    const yima_trip trip = {
        .vendor = given[0],
        .terminal = given[1],
        .software = given[2],
        .record_id = given[3],
        .merchant_type = given[MERCHANT_TYPE],
        .vehicle = given[5],
        .plate = given[6],
        .driver = given[7],
        .line = given[8],
        .station = given[9],
        .position = given[10],
        .terminal_time = time,
        .mode = facts >> 1 & 3,
    };
    uint8_t whole[2 * LARGEST + 4096];
    const size_t size = yima_record_write(whole, sizeof whole, s->at, s->left, &verdict, &trip);
    demand((size == 0) == (too_long || !verdict.accepted));
    if (size == 0) return;
    demand(yima_record_check(whole, size));
    unsigned length = 0;
    const uint8_t *code = value_of(whole, size, 1, &length);
    demand(code && length == s->left && memcmp(code, s->at, length) == 0);
    if (!given[MERCHANT_TYPE]) given[MERCHANT_TYPE] = merchants[trip.mode];
    for (unsigned i = 0; i < STRINGS; i++) check_text(whole, size, tags[i], given[i]);
    check_text(whole, size, 0x08, "156");
    check_number(whole, size, 0x09, verdict.fare_fen, 4);
    check_number(whole, size, 0x10, time, 4);
    demand(value_of(whole, size, TAG_INTEGRITY, &length) == whole + size - 32);
    /* In exactly its size it fits, in one byte less nothing is written behind the end. */
    uint8_t *tight = malloc(size);
    demand(tight && yima_record_write(tight, size, s->at, s->left, &verdict, &trip) == size);
    demand(memcmp(tight, whole, size) == 0);
    free(tight);
    tight = malloc(size - 1);
    demand(tight && yima_record_write(tight, size - 1, s->at, s->left, &verdict, &trip) == 0);
    free(tight);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2 || size > LARGEST) return 0;
    if (!(data[0] & CHECKED)) {
        script s = {data + 1, size - 1};
        check_written(&s);
        return 0;
    }
    uint8_t *record = copy_of(data + 2, size - 2);
    if (data[0] & SEALED) seal(record, size - 2);
    if (yima_record_check(record, size - 2)) check_accepted(record, size - 2, data[1]);
    free(record);
    return 0;
}
