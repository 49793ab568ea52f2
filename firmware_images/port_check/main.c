/* main.c - the self-test of a board's port, in the place of the application: what each function of port.h does on this
 * board, a line each on the status line ("check port=... ok=1 ..."; "waits for=..." where somebody is to do something).
 *
 * It goes on over restarts, for which it keeps in the third block of the log how far it is. The log is lost; nothing
 * else in flash is touched. */
#include "main.h"

#include "flash_check.h"
#include "lines.h"
#include "port.h"
#include "runtime.h"
#include "status.h"

enum {
    NOTES = PORT_LOG + 2 * PORT_FLASH_BLOCK,
    MAGIC_UNITS = (4 + PORT_FLASH_UNIT - 1) / PORT_FLASH_UNIT, /* of magic or time */
    STAGES_AT = NOTES + 2 * MAGIC_UNITS * PORT_FLASH_UNIT,
    TIME_AT = NOTES + MAGIC_UNITS * PORT_FLASH_UNIT,
    WATCHDOG_MS = 10000,
    SOME_TIME = 1790000000,
    DAY_S = 86400
};

typedef enum { AT_FIRST, BEHIND_RESET, BEHIND_WATCHDOG, ASKS_FOR_POWER, BEHIND_POWER } stage;

static const uint8_t magic[4] = {'Y', 'P', 'C', '1'};

/* Four bytes, in as many units as they need. */
static int put(uint32_t address, const uint8_t bytes[4]) {
    int done = 1;
    for (uint32_t at = 0; at < MAGIC_UNITS * PORT_FLASH_UNIT; at += PORT_FLASH_UNIT) {
        uint8_t unit[PORT_FLASH_UNIT];
        for (uint32_t i = 0; i < PORT_FLASH_UNIT; i++) unit[i] = at + i < 4 ? bytes[at + i] : 0;
        done &= port_flash_program(address + at, unit);
    }
    return done;
}

static stage stage_now(void) {
    uint32_t count = 0;
    if (memcmp(port_flash_at(NOTES), magic, sizeof magic) != 0) return AT_FIRST;
    while (count < BEHIND_POWER && *port_flash_at(STAGES_AT + count * PORT_FLASH_UNIT) == 0) count++;
    return (stage)count;
}

/* The next start is one stage on. */
static void go_on(void) {
    uint8_t unit[PORT_FLASH_UNIT];
    memset(unit, 0, sizeof unit);
    (void)port_flash_program(STAGES_AT + (uint32_t)stage_now() * PORT_FLASH_UNIT, unit);
}

static void check_clocks(void) {
    const uint64_t begun = port_ms();
    const uint32_t before = port_rtc();
    uint32_t waited = 0, longest = 0, back = 0;
    for (uint64_t last = begun, now; last < begun + 2000; last = now) {
        port_watchdog();
        port_wait();
        now = port_ms();
        waited++;
        back += now < last;
        if (now - last > longest) longest = (uint32_t)(now - last);
    }
    saw("ms", waited >= 200 && !back); /* each wait is 5 ms at most; a board that is emulated may be late at times */
    status_number("waits", waited);
    status_number("longest_ms", longest);
    status_number("back", back);
    end();
    const uint32_t went = port_rtc() - before;
    port_rtc_set(SOME_TIME);
    const uint32_t set = port_rtc();
    port_rtc_set(before + went);
    saw("rtc", went >= 1 && went <= 3 && set - SOME_TIME <= 1);
    status_number("unix", before);
    status_number("seconds_in_2", went);
    status_number("set", set - SOME_TIME <= 1);
    end();
}

static void check_pins(void) {
    static const char *const names[] = {"gate", "red", "green", "buzzer", "out-of-service"};
    for (uint32_t pin = 0; pin < sizeof names / sizeof *names; pin++) {
        port_pins(1u << pin);
        status_say_text("look", "pin", names[pin]);
        sent();
        rest(400);
    }
    port_pins(0);
    uint32_t high = 0, low = 0;
    waits("inputs");
    for (int i = 0; i < 100; i++) {
        high |= port_inputs();
        low |= ~port_inputs();
        rest(50);
    }
    saw("inputs", (high & low & (PORT_PASSAGE | PORT_GATE_FAULT)) == (PORT_PASSAGE | PORT_GATE_FAULT));
    status_number("passage", (high & low & PORT_PASSAGE) != 0);
    status_number("gate_fault", (high & low & PORT_GATE_FAULT) != 0);
    end();
}

static _Noreturn void check_without_power(void) {
    check_clocks();
    check_slot();
    const int is_usable = check_flash() && port_flash_erase(NOTES) && put(NOTES, magic);
    check_pins();
    check_scanner();
    check_station();
    saw("notes", is_usable); /* without them nothing is known behind a restart */
    end();
    if (!is_usable) {
        status_say("done");
        for (;;) rest(1000);
    }
    go_on();
    port_reset();
}

/* Nobody tells the watchdog that all is well. */
static void check_watchdog(void) {
    const uint64_t until = port_ms() + WATCHDOG_MS;
    go_on();
    while (port_ms() < until) port_wait();
    saw("watchdog", 0);
    end();
    go_on();
}

static _Noreturn void ask_for_power(void) {
    const uint32_t now = port_rtc();
    const uint8_t bytes[4] = {(uint8_t)now, (uint8_t)(now >> 8), (uint8_t)(now >> 16), (uint8_t)(now >> 24)};
    (void)put(TIME_AT, bytes);
    go_on();
    waits("power");
    for (;;) rest(1000);
}

static _Noreturn void check_behind_power(void) {
    const uint8_t *at = port_flash_at(TIME_AT);
    const uint32_t before = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    const uint32_t now = port_rtc();
    saw("power", now >= before && now - before < DAY_S);
    status_number("seconds_without", (int64_t)now - before);
    end();
    saw("log", port_flash_erase(NOTES)); /* a new device's is empty */
    end();
    status_say("done");
    for (;;) rest(1000);
}

int firmware_main(void) {
    port_init();
    const port_fault fault = port_last_fault();
    const stage begun = stage_now();
    status_say_text("port-check", "hardware", PORT_HARDWARE);
    sent();
    if (begun == AT_FIRST) check_without_power();
    if (begun == BEHIND_RESET) {
        saw("reset", !fault.is_new);
        status_number("faults", fault.count);
        end();
        check_watchdog();
    }
    if (begun == BEHIND_WATCHDOG) {
        saw("watchdog", 1);
        end();
        go_on();
    }
    if (begun == BEHIND_POWER) check_behind_power();
    ask_for_power();
}
