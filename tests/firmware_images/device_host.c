/* device_host.c - a board in memory under the firmware's own device.c, gate.c and flash, for tests that drive it from
 * Python. Flash lies where the board's map says; clock, counter, sensor and what the flash refuses are the test's. */
#define _GNU_SOURCE /* mmap at a place of one's choice */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "device.h"
#include "gate.h"
#include "port.h"
#include "settings.h"

enum { FLASH_SIZE = PORT_FLASH_END - PORT_SLOT_A };

static uint32_t rtc, inputs, refuses, pins, running, cut_in = UINT32_MAX, cut_bits;
static uint64_t ms;
static char said[1 << 16];
static size_t said_size;

/* The flash outlives a library that is loaded anew for each start of the device. */
int host_flash(void) {
    void *wanted = (void *)(uintptr_t)PORT_SLOT_A;
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    if (mmap(wanted, FLASH_SIZE, PROT_READ | PROT_WRITE, flags, -1, 0) != wanted) return 0;
    memset(wanted, 0xFF, FLASH_SIZE);
    return 1;
}

void host_clock(uint32_t unix_s, uint64_t tick_ms) {
    rtc = unix_s;
    ms = tick_ms;
}

void host_flash_refuses(uint32_t all) {
    refuses = all;
}

/* Power goes at one flash operation of those to come, from 0: nothing is written from then on. If that one programs a
 * unit, the first `bits_done` bits of it are programmed. */
void host_flash_cut(uint32_t operation, uint32_t bits_done) {
    cut_in = operation;
    cut_bits = bits_done;
}

/* 1: the operation is done whole. */
static int is_done(void) {
    if (refuses) return 0;
    if (cut_in-- != 0) return 1;
    refuses = 1;
    return 0;
}

/* Two turns of main.c's loop in which nothing has come: the sign follows with the second. */
void host_turn(void) {
    gate_run(ms);
    device_moment();
    gate_run(ms);
}

static void set_input(uint32_t input, int is) {
    inputs = is ? inputs | input : inputs & ~input;
}

/* Somebody enters the passage, whether the gate is open or not, or leaves it. */
void host_passage(int is_in) {
    set_input(PORT_PASSAGE, is_in);
    gate_run(ms);
}

/* The gate's mechanism cannot open, or can again. */
void host_gate_fault(int is) {
    set_input(PORT_GATE_FAULT, is);
}

/* Whether the gate is held open. */
int host_gate_is_open(void) {
    return (pins & PORT_GATE) != 0;
}

void host_start(void) {
    const int has_settings = settings_load();
    device_start(has_settings);
}

/* A parameters_taken. */
int host_parameters(const uint8_t *image, uint32_t size) {
    const char *why = "";
    parameters_taken taken = PARAMETERS_REFUSED;
    if (parameters_begin(&device.parameters, &device.waiting, size, &why) && parameters_write(0, image, size)) {
        taken = parameters_finish(&device.parameters, &device.waiting, rtc, &why);
    }
    if (taken == PARAMETERS_TAKEN) device_reload();
    if (taken == PARAMETERS_KEPT) device_look_for_waiting();
    return taken;
}

int host_parameters_part(const uint8_t *part, uint32_t part_size, uint32_t size) {
    const char *why = "";
    return parameters_begin(&device.parameters, &device.waiting, size, &why) && parameters_write(0, part, part_size);
}

int host_acknowledge(uint32_t number) {
    const int done = yima_log_acknowledge(&device.log, number);
    device_eased();
    return done;
}

/* An entry of an older firmware, which kept all of a refused payload. */
int host_append(const uint8_t *entry, uint32_t size) {
    uint32_t number;
    return yima_log_append(&device.log, entry, size, &number);
}

uint32_t host_room(void) {
    return yima_log_room(&device.log);
}

uint32_t host_next(void) {
    return device.log.next;
}

/* The status lines since the last question. */
const char *host_said(uint32_t *size) {
    *size = (uint32_t)said_size;
    said_size = 0;
    return said;
}

/* Whether the sign says that riders are served. */
int host_in_service(void) {
    return !(pins & PORT_OUT_OF_SERVICE);
}

int host_time_trusted(void) {
    return device.loop.now.trusted;
}

uint32_t host_astray(void) {
    return device.loop.astray + device.loop.unexpected;
}

int port_flash_program(uint32_t address, const uint8_t unit[8]) {
    uint8_t *cells = (uint8_t *)(uintptr_t)address;
    const uint32_t was_refused = refuses;
    const uint32_t bits = is_done() ? 64 : was_refused ? 0 : cut_bits;
    for (int i = 0; i < 8 && bits; i++) {
        if (cells[i] != 0xFF) abort(); /* programmed twice between two erases */
    }
    for (uint32_t bit = 0; bit < bits; bit++) cells[bit / 8] &= unit[bit / 8] | (uint8_t)~(1u << bit % 8);
    return bits == 64;
}

int port_flash_erase(uint32_t address) {
    if (!is_done()) return 0;
    memset((void *)(uintptr_t)address, 0xFF, PORT_FLASH_BLOCK);
    return 1;
}

uint64_t port_ms(void) {
    return ms;
}

uint32_t port_rtc(void) {
    return rtc;
}

void port_rtc_set(uint32_t unix_s) {
    rtc = unix_s;
}

void port_pins(uint32_t state) {
    pins = state;
}

uint32_t port_inputs(void) {
    return inputs;
}

int port_write(port_uart uart, const uint8_t *bytes, size_t size) {
    if (uart != PORT_STATUS || size > sizeof said - said_size) return 0;
    memcpy(said + said_size, bytes, size);
    said_size += size;
    return 1;
}

void port_watchdog(void) {
}

void host_runs_slot(uint32_t number) {
    running = number;
}

uint32_t port_slot(void) {
    return running;
}
