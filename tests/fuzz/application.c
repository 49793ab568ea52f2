/* application.c - see application.h. In the place of the board's bench.c, start.c and flash.c; port.c is the board's.
 *
 * A life ends in the middle of whatever the firmware does, as one on a board does: by a jump. application.ld has put all
 * that the application keeps in RAM into two pieces, which begin anew. */
#include "application.h"

#include <setjmp.h>

#include "device.h"
#include "main.h"
#include "world.h"

enum { BLOCKS = PORT_FLASH_SIZE / PORT_FLASH_BLOCK, NOW = 1790000000, FLAGS = 32 };

extern uint8_t application_data[], application_data_end[], application_bss[], application_bss_end[];

bench_state bench;
application_state application;

static uint8_t made[PORT_FLASH_SIZE], dirty[BLOCKS];
static uint8_t *first_data;
static int (*asked)(void *);
static void *asked_with;
static jmp_buf off;
static uint64_t operations;

/* A sanitizer guards what lies between two variables; here they are bytes. */
__attribute__((no_sanitize("address"))) static void begin_memory(void) {
    const size_t size = (size_t)(application_data_end - application_data);
    volatile uint8_t *to = application_data; /* volatile: no library function, which would be watched */
    if (!first_data) {
        first_data = malloc(size + 1);
        for (size_t i = 0; i < size; i++) ((volatile uint8_t *)first_data)[i] = to[i];
    }
    for (size_t i = 0; i < size; i++) to[i] = first_data[i];
    for (volatile uint64_t *at = (uint64_t *)(void *)application_bss; (uint8_t *)at < application_bss_end; at++)
        *at = 0;
}

void application_touch(uint32_t address, size_t size) {
    demand(address <= PORT_FLASH_SIZE && size <= PORT_FLASH_SIZE - address);
    for (size_t at = address; at < address + size; at += PORT_FLASH_BLOCK - at % PORT_FLASH_BLOCK) {
        dirty[at / PORT_FLASH_BLOCK] = 1;
    }
}

const uint8_t *port_flash_at(uint32_t address) {
    return application.flash + address;
}

/* Whether an operation may begin there. Of what a factory made nothing is asked that flash refuses. */
static int may_change(uint32_t address, uint32_t size, int is_flag) {
    const int is_place = address % size == 0 && address >= PORT_FLASH_FROM && address < PORT_FLASH_END;
    demand(is_place || application.is_strange);
    demand(!is_place || address < PORT_SLOT_A || address >= PORT_SLOT_B || is_flag);
    if (!is_place) return 0;
    if (operations++ == bench.cut) longjmp(off, ENDED_POWER + 1);
    application_touch(address, size);
    return 1;
}

int port_flash_program(uint32_t address, const uint8_t unit[PORT_FLASH_UNIT]) {
    const int is_flag = address >= PORT_SLOT_B - FLAGS && address < PORT_SLOT_B;
    for (uint32_t i = 0; i < PORT_FLASH_UNIT && address < PORT_FLASH_END; i++) {
        if (application.flash[address + i] == 0xFF) continue;
        demand(application.is_strange);
        return 0;
    }
    if (!may_change(address, PORT_FLASH_UNIT, is_flag)) return 0;
    memcpy(application.flash + address, unit, PORT_FLASH_UNIT);
    return 1;
}

int port_flash_erase(uint32_t address) {
    if (!may_change(address, PORT_FLASH_BLOCK, 0)) return 0;
    memset(application.flash + address, 0xFF, PORT_FLASH_BLOCK);
    return 1;
}

int application_has_entry(uint32_t number) {
    yima_log_place place;
    yima_log_entry entry;
    yima_log_begin(&device.log, &place, number);
    while (yima_log_next(&device.log, &place, &entry)) {
        if (entry.number == number) return 1;
    }
    return 0;
}

void application_cut_after(uint32_t count) {
    bench.cut = operations + count;
}

int application_told(const char *text) {
    const said_bytes *said = &application.status;
    const size_t length = strlen(text);
    for (size_t i = 0; i + length <= said->size; i++) {
        if (memcmp(said->bytes + i, text, length) == 0) return 1;
    }
    return 0;
}

static void gate_rises(void) {
    demand(device.loop.verdict.accepted && device.loop.tap);
    demand(application_has_entry((uint32_t)device.loop.tap));
    application.opened = (uint32_t)device.loop.tap;
}

void bench_say_bytes(const char *what, uint32_t number, const uint8_t *bytes, size_t size) {
    said_bytes *said = number == PORT_STATION ? &application.station : &application.status;
    (void)what;
    demand(number == PORT_STATION || number == PORT_STATUS);
    for (size_t i = 0; number == PORT_STATUS && i < size; i++) {
        demand(bytes[i] == '\n' || (bytes[i] >= ' ' && bytes[i] < 0x7F));
    }
    if (size > sizeof said->bytes - said->size) said->size = 0; /* nobody looked */
    demand(size <= sizeof said->bytes);
    memcpy(said->bytes + said->size, bytes, size);
    said->size += size;
}

void bench_say_number(const char *what, uint64_t number) {
    if (strcmp(what, "pins") != 0) return;
    if (number & ~application.pins & PORT_GATE) gate_rises();
    application.pins = (uint32_t)number;
}

void bench_end(const char *why) {
    demand(strcmp(why, "reset") == 0);
    longjmp(off, ENDED_RESET + 1);
}

/* What holds at any time. */
static void check_device(void) {
    demand(device.log.acknowledged < device.log.next);
    demand(yima_log_room(&device.log) < PORT_LOG_SIZE / PORT_FLASH_BLOCK);
}

void bench_turn(void) {
    check_device();
    do {
        if (!asked(asked_with)) longjmp(off, ENDED_OFF + 1);
    } while (bench.now_ms >= bench.until_ms);
}

void port_init(void) {
}

void port_watchdog(void) {
    bench.watched_ms = bench.now_ms;
}

uint32_t port_slot(void) {
    return 0;
}

life_end application_live(int (*turn)(void *), void *context) {
    begin_memory();
    asked = turn;
    asked_with = context;
    operations = 0;
    application.station.size = application.status.size = application.pins = 0;
    memset(bench.lines, 0, sizeof bench.lines);
    bench.rtc += bench.rtc_stands ? 0 : (uint32_t)((bench.now_ms - bench.rtc_ms) / 1000);
    bench.now_ms = bench.until_ms = bench.rtc_ms = bench.watched_ms = 0;
    const int ended = setjmp(off);
    if (!ended) firmware_main();
    bench.cut = UINT64_MAX;
    return (life_end)(ended - 1);
}

void application_feed(port_uart uart, const uint8_t *bytes, size_t size) {
    bench_line *line = &bench.lines[uart];
    for (size_t i = 0; i < size && line->head - line->tail < BENCH_LINE; i++) {
        line->bytes[line->head++ % BENCH_LINE] = bytes[i];
    }
    line->arrived_ms = bench.now_ms;
}

static int day(void *context) {
    int *step = context;
    bench.until_ms = bench.now_ms + 2000;
    if (*step == 0) application_feed(PORT_SCANNER, world_code, sizeof world_code);
    if (*step == 1) application_feed(PORT_SCANNER, (const uint8_t *)"weather is fine", 15);
    return (*step)++ < 2;
}

static void make(void) {
    static const uint8_t confirmed[FLAGS] = {1,    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1,    0xFF, 0xFF,
                                             0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x77, 0xc2, 0x95, 0xf3, 0x60, 0xd2,
                                             0xef, 0x7f, 0x35, 0x52, 0x50, 0x0f, 0x2c, 0xb6, 0x79, 0x80};
    uint8_t *flash = application.flash;
    int step = 0;
    memset(flash, 0xFF, PORT_FLASH_SIZE);
    memcpy(flash + PORT_SLOT_A, world_running_image, sizeof world_running_image);
    memcpy(flash + PORT_SLOT_B - sizeof confirmed, confirmed, sizeof confirmed);
    for (uint32_t half = 0; half < 2; half++) {
        memcpy(flash + PORT_SETTINGS + half * PORT_FLASH_BLOCK, world_settings, sizeof world_settings);
        memcpy(flash + PORT_PARAMETERS + half * PORT_PARAMETERS_SIZE, world_parameters, sizeof world_parameters);
    }
    bench.cut = UINT64_MAX;
    bench.rtc = NOW;
    demand(application_live(day, &step) == ENDED_OFF);
    demand(device.usable && device.log.next == 5); /* the start, the parameters, two taps */
    memcpy(made, flash, sizeof made);
    memset(dirty, 0, sizeof dirty);
}

void application_restore(void) {
    static int is_made;
    if (!is_made) make();
    is_made = 1;
    for (uint32_t block = 0; block < BLOCKS; block++) {
        if (dirty[block]) {
            memcpy(application.flash + block * PORT_FLASH_BLOCK, made + block * PORT_FLASH_BLOCK, PORT_FLASH_BLOCK);
        }
    }
    memset(dirty, 0, sizeof dirty);
    bench = (bench_state){.cut = UINT64_MAX, .rtc = NOW};
    application.is_strange = 0;
    application.opened = 0;
}

void application_blank(void) {
    memset(application.flash + PORT_FLASH_FROM, 0xFF, PORT_SLOT_A - PORT_FLASH_FROM);
    application_touch(PORT_FLASH_FROM, PORT_SLOT_A - PORT_FLASH_FROM);
}
