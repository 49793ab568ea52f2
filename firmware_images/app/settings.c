/* settings.c - see settings.h and "Settings in flash" in the board's README. */
#include "settings.h"

#include "bytes.h"
#include "flashlog.h"
#include "port.h"

enum {
    MAGIC = 0x31455359, /* "YSE1" */
    HEADER = 16,
    TAG_TERMINAL = 1,
    TAG_CITY = 2,
    TAG_LINE = 3,
    TAG_STATION = 4,
    TAG_DIRECTION = 5,
    TAG_VEHICLE = 6,
    TAG_PLATE = 7,
    TAG_DRIVER = 8,
    TAG_LINE_TEXT = 9,
    TAG_STATION_TEXT = 10,
    TAG_POSITION = 11,
    TAG_KEY = 12,
    TAG_KEYS_NEEDED = 13,
    TAG_OPERATOR = 14,
    TAG_STATION_KEY = 15
};

device_settings settings;

static uint32_t little(const uint8_t *bytes, uint32_t size) {
    uint32_t value = 0;
    for (uint32_t i = size > 4 ? 4 : size; i-- > 0;) value = value << 8 | bytes[i];
    return value;
}

static void text(char *to, const uint8_t *value, uint32_t size) {
    const uint32_t taken = size < SETTINGS_TEXT_MAX ? size : SETTINGS_TEXT_MAX;
    memcpy(to, value, taken);
    to[taken] = 0;
}

static void take(uint8_t tag, const uint8_t *value, uint32_t size) {
    char *const texts[] = {[TAG_TERMINAL] = settings.terminal,   [TAG_VEHICLE] = settings.vehicle,
                           [TAG_PLATE] = settings.plate,         [TAG_DRIVER] = settings.driver,
                           [TAG_LINE_TEXT] = settings.line_text, [TAG_STATION_TEXT] = settings.station_text,
                           [TAG_POSITION] = settings.position};
    if (tag < sizeof texts / sizeof *texts && texts[tag]) {
        text(texts[tag], value, size);
    } else if (tag == TAG_CITY) {
        settings.city = little(value, size);
    } else if (tag == TAG_OPERATOR) {
        settings.operator_id = little(value, size);
    } else if (tag == TAG_LINE) {
        settings.line = (uint16_t)little(value, size);
    } else if (tag == TAG_STATION) {
        settings.station = (uint16_t)little(value, size);
    } else if (tag == TAG_DIRECTION) {
        settings.direction = (uint8_t)little(value, size);
    } else if (tag == TAG_KEY && size == SETTINGS_KEY && settings.key_count < SETTINGS_KEYS_MAX) {
        memcpy(settings.keys + settings.key_count++ * SETTINGS_KEY, value, SETTINGS_KEY);
    } else if (tag == TAG_STATION_KEY && size == SETTINGS_STATION_KEY &&
               settings.station_key_count < SETTINGS_STATION_KEYS_MAX) {
        memcpy(settings.station_keys + settings.station_key_count++ * SETTINGS_STATION_KEY, value, size);
    } else if (tag == TAG_KEYS_NEEDED) {
        settings.keys_needed = (uint8_t)little(value, size);
    }
}

/* The size of a copy's entries, 0 if it is not whole. */
static uint32_t whole(const uint8_t *copy) {
    const uint32_t size = little(copy + 8, 4);
    if (little(copy, 4) != MAGIC || size == 0 || size > PORT_FLASH_BLOCK - HEADER) return 0;
    return yima_crc32(0, copy + HEADER, size) == little(copy + 12, 4) ? size : 0;
}

int settings_load(void) {
    const uint8_t *copies[2] = {port_flash_at(PORT_SETTINGS), port_flash_at(PORT_SETTINGS + PORT_FLASH_BLOCK)};
    const uint32_t sizes[2] = {whole(copies[0]), whole(copies[1])};
    const int newer = sizes[1] && (!sizes[0] || (int32_t)(little(copies[1] + 4, 4) - little(copies[0] + 4, 4)) > 0);
    const uint8_t *entries = copies[newer] + HEADER;
    memset(&settings, 0, sizeof settings);
    settings.keys_needed = 1;
    text(settings.terminal, (const uint8_t *)"unset", 5);
    for (uint32_t at = 0; at + 2 <= sizes[newer] && at + 2 + entries[at + 1] <= sizes[newer];
         at += 2u + entries[at + 1]) {
        take(entries[at], entries + at + 2, entries[at + 1]);
    }
    return sizes[newer] != 0;
}
