/* fare_when.c - on which days and at which hours a fare or a concession holds.
 *
 * A day of operation begins at the parameters' minute: what is before it belongs to the day before, so the last trains
 * of a Friday are a workday's. Bands are by the clock. All local time is UTC+8. */
#include "fare.h"
#include "parameters.h"

enum { UTC_PLUS_8_S = 28800, DAY_S = 86400, DAY_MIN = 1440, THURSDAY = 3, WEEK = 7, KINDS = 16 };

/* The kind of a day, counted from 1970-01-01: what the calendar says of it, else its day of the week. */
static uint32_t kind_of_day(const yima_parameters *p, uint32_t day) {
    uint8_t key[YIMA_DAYS_KEY];
    YIMA_PUT(key, DAYS, FIRST, day);
    const uint32_t behind = yima_rows_below(p, YIMA_SECTION_DAYS, key, sizeof key, 1);
    const uint8_t *days = behind ? yima_row(p, YIMA_SECTION_DAYS, behind - 1) : NULL;
    if (days && day <= YIMA_VALUE(days, DAYS, LAST)) {
        return YIMA_VALUE(days, DAYS, KIND);
    }
    const uint8_t *tariff = yima_row(p, YIMA_SECTION_TARIFF, 0);
    return tariff ? YIMA_PLACE(tariff, TARIFF, WEEK)[(day + THURSDAY) % WEEK] % KINDS : 0;
}

static yima_hour hour_of(const yima_parameters *p, uint32_t unix_s) {
    const uint8_t *tariff = yima_row(p, YIMA_SECTION_TARIFF, 0);
    const uint32_t begins = tariff ? YIMA_VALUE(tariff, TARIFF, DAY_BEGINS_MIN) : 0;
    /* Minutes and not seconds, as seconds in UTC+8 do not fit 32 bits. */
    const uint32_t minutes = unix_s / 60 + UTC_PLUS_8_S / 60;
    const uint32_t minute = minutes % DAY_MIN;
    yima_hour hour = {.kinds = 1u << kind_of_day(p, minutes < begins ? 0 : (minutes - begins) / DAY_MIN)};
    const uint8_t *band;
    for (uint32_t i = 0; (band = yima_row(p, YIMA_SECTION_BANDS, i)) != NULL; i++) {
        if (YIMA_VALUE(band, BANDS, FROM_MIN) <= minute && minute < YIMA_VALUE(band, BANDS, TO_MIN)) {
            hour.bands |= 1u << YIMA_VALUE(band, BANDS, BAND);
        }
    }
    return hour;
}

void yima_hours_of_ride(yima_pricing *f) {
    if (!f->p->sections[YIMA_SECTION_WHEN].count) {
        return;
    }
    const yima_hour now = hour_of(f->p, f->now);
    f->hours[YIMA_BY_TAP] = now;
    if (f->gate->direction != YIMA_DIRECTION_ENTRY) {
        f->hours[YIMA_BY_EXIT] = now;
    }
    if (f->gate->direction != YIMA_DIRECTION_EXIT) { /* a single tap is entry and exit */
        f->hours[YIMA_BY_ENTRY] = now;
    } else if (f->readable && f->entry.inside && f->entry.entered_at) {
        f->hours[YIMA_BY_ENTRY] = hour_of(f->p, f->entry.entered_at);
    }
}

int yima_holds_when(const yima_pricing *f, uint32_t number, uint32_t *rank) {
    *rank = 0;
    if (!number) {
        return 1;
    }
    const uint8_t *when = yima_row(f->p, YIMA_SECTION_WHEN, number - 1);
    if (!when) { /* the door does not hold rows of one section against another */
        return 0;
    }
    const uint32_t kinds = YIMA_VALUE(when, WHEN, KINDS);
    const uint32_t bands = YIMA_VALUE(when, WHEN, BANDS);
    const yima_hour *hour = &f->hours[YIMA_VALUE(when, WHEN, BY)];
    *rank = (bands ? 2u : 0) + (kinds ? 1u : 0);
    return hour->kinds && (!kinds || kinds & hour->kinds) && (!bands || bands & hour->bands);
}
