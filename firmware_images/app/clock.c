/* clock.c - see clock.h. A clock is believed if it shows a time this firmware can have lived to see, not behind the
 * newest record, and if it goes: over ten seconds and more it may differ from the counter by two. */
#include "clock.h"

#include "port.h"
#include "product.h"
#include "status.h"

enum { WINDOW_MS = 10000, SLACK_S = 2, BEHIND_S = 60 };

static uint32_t floor_s, window_s;
static uint64_t window_ms;
static uint8_t goes = 1, believed, told;

static void begin_window(uint64_t now_ms) {
    window_ms = now_ms;
    window_s = port_rtc();
}

static void judge(void) {
    const uint32_t now = port_rtc();
    const char *why = now < EARLIEST_TIME ? "unset" : now < floor_s ? "behind" : !goes ? "pace" : "";
    const uint8_t trusted = *why == 0;
    if (told && trusted == believed) return;
    believed = trusted;
    told = 1;
    status_begin("clock");
    status_number("trusted", trusted);
    status_number("unix", now);
    if (!trusted) status_text("why", why);
    status_end();
}

void clock_start(uint32_t not_before, uint64_t now_ms) {
    floor_s = not_before > BEHIND_S ? not_before - BEHIND_S : 0;
    begin_window(now_ms);
    judge();
}

void clock_run(uint64_t now_ms) {
    if (now_ms - window_ms < WINDOW_MS) return;
    const uint64_t passed_s = (now_ms - window_ms) / 1000;
    const uint32_t shown_s = port_rtc() - window_s;
    goes = shown_s + SLACK_S >= passed_s && shown_s <= passed_s + SLACK_S;
    begin_window(now_ms);
    judge();
}

int clock_set(uint32_t unix_s, uint64_t now_ms) {
    if (unix_s < EARLIEST_TIME) return 0;
    floor_s = 0; /* the newest record may carry a time that the station once set wrongly */
    port_rtc_set(unix_s);
    goes = 1;
    begin_window(now_ms);
    judge();
    return 1;
}

yima_moment clock_moment(void) {
    return (yima_moment){.unix_s = port_rtc(), .tick_ms = port_ms(), .trusted = believed};
}
