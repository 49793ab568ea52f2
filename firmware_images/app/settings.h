/* settings.h - what this one device is told at the factory: its name, its place, whose parameters it takes. */
#ifndef YIMA_SETTINGS_H
#define YIMA_SETTINGS_H
#include <stdint.h>

enum { SETTINGS_TEXT_MAX = 40, SETTINGS_KEYS_MAX = 4, SETTINGS_KEY = 33 };
enum { SETTINGS_STATION_KEYS_MAX = 4, SETTINGS_STATION_KEY = 1 + SETTINGS_KEY };

typedef struct {
    char terminal[SETTINGS_TEXT_MAX + 1]; /* "unset" without settings */
    char vehicle[SETTINGS_TEXT_MAX + 1];
    char plate[SETTINGS_TEXT_MAX + 1];
    char driver[SETTINGS_TEXT_MAX + 1];
    char line_text[SETTINGS_TEXT_MAX + 1];
    char station_text[SETTINGS_TEXT_MAX + 1];
    char position[SETTINGS_TEXT_MAX + 1];
    uint32_t city, operator_id; /* 0: not told */
    uint16_t line, station;
    uint8_t direction; /* yima_direction */
    uint8_t keys[SETTINGS_KEYS_MAX * SETTINGS_KEY];
    uint8_t key_count, keys_needed;
    uint8_t station_keys[SETTINGS_STATION_KEYS_MAX * SETTINGS_STATION_KEY]; /* role, then key; see session.h */
    uint8_t station_key_count;
} device_settings;

extern device_settings settings;

/* Reads the newest valid copy. Returns 0 if there is none: the device then refuses every tap, NO_SETTINGS. */
int settings_load(void);
#endif
