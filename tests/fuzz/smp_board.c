/* smp_board.c - see smp_board.h. The board's flash lies where its map says, as the firmware reads it by address. What
 * the firmware asks of it is held to the port's promises: a unit is programmed once between two erases, within flash.
 *
 * Not modelled: the scanner, the gate, a flash that refuses or loses power, a reset. */
#define _GNU_SOURCE /* mmap at a place of one's choice */
#include <sys/mman.h>

#include "device.h"
#include "fuzz.h"
#include "port.h"
#include "session.h"
#include "settings.h"
#include "smp.h"
#include "smp_board.h"
#include "station.h"
#include "world.h"

enum { BLOCKS = PORT_FLASH_END / PORT_FLASH_BLOCK, FLASH_SIZE = PORT_FLASH_END - PORT_SLOT_A, NOW = 1790000000 };

static uint8_t programmed[PORT_FLASH_END / 8]; /* a unit: 1 since its last erase */
static uint8_t dirty[BLOCKS];
static uint8_t *flash, made[FLASH_SIZE], made_programmed[PORT_FLASH_END / 8];
static device_state made_device;
static const uint8_t *input;
static size_t input_left, said_size;
static uint8_t said[1 << 18];
static uint32_t rtc;
static uint64_t ms;

int port_flash_program(uint32_t address, const uint8_t unit[8]) {
    demand(address % 8 == 0 && address >= PORT_SLOT_A && address < PORT_FLASH_END);
    demand(!programmed[address / 8]);
    programmed[address / 8] = 1;
    dirty[address / PORT_FLASH_BLOCK] = 1;
    memcpy(flash + (address - PORT_SLOT_A), unit, 8);
    return 1;
}

int port_flash_erase(uint32_t address) {
    demand(address % PORT_FLASH_BLOCK == 0 && address >= PORT_SLOT_A && address < PORT_FLASH_END);
    demand(address >= PORT_SLOT_B); /* never the image that runs */
    memset(flash + (address - PORT_SLOT_A), 0xFF, PORT_FLASH_BLOCK);
    memset(programmed + address / 8, 0, PORT_FLASH_BLOCK / 8);
    dirty[address / PORT_FLASH_BLOCK] = 1;
    return 1;
}

size_t port_read(port_uart uart, uint8_t *out, size_t capacity, uint64_t *arrived_ms) {
    const size_t size = input_left < capacity ? input_left : capacity;
    (void)arrived_ms;
    if (uart != PORT_STATION) return 0;
    memcpy(out, input, size);
    input += size;
    input_left -= size;
    return size;
}

int port_write(port_uart uart, const uint8_t *bytes, size_t size) {
    if (uart == PORT_STATUS) {
        for (size_t i = 0; i < size; i++) demand(bytes[i] == '\n' || (bytes[i] >= ' ' && bytes[i] < 0x7F));
        return 1;
    }
    demand(size <= sizeof said - said_size);
    memcpy(said + said_size, bytes, size);
    said_size += size;
    return 1;
}

port_line_errors port_errors(port_uart uart) {
    static const port_line_errors none;
    (void)uart;
    return none;
}

int port_written(port_uart uart) {
    (void)uart;
    return 0; /* so that a reset is asked for and never comes */
}

void port_reset(void) {
    abort();
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

void port_pins(uint32_t pins) {
    (void)pins;
}

uint32_t port_inputs(void) {
    return 0;
}

void port_watchdog(void) {
}

uint32_t port_slot(void) {
    return 0;
}

static void program_all(uint32_t address, const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i += 8) demand(port_flash_program(address + (uint32_t)i, bytes + i));
}

/* The trailer of an image that was tried and confirmed. */
static const uint8_t confirmed[32] = {1,    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1,    0xFF, 0xFF,
                                      0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x77, 0xc2, 0x95, 0xf3, 0x60, 0xd2,
                                      0xef, 0x7f, 0x35, 0x52, 0x50, 0x0f, 0x2c, 0xb6, 0x79, 0x80};

/* Flash as it leaves the factory, then a day's work. */
static void make(void) {
    const char *why = "";
    flash = mmap((void *)(uintptr_t)PORT_SLOT_A, FLASH_SIZE, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    demand(flash == (uint8_t *)(uintptr_t)PORT_SLOT_A);
    memset(flash, 0xFF, FLASH_SIZE);
    rtc = NOW;
    program_all(PORT_SLOT_A, world_running_image, sizeof world_running_image);
    program_all(PORT_SLOT_A + PORT_SLOT_SIZE - sizeof confirmed, confirmed, sizeof confirmed);
    program_all(PORT_SETTINGS, world_settings, sizeof world_settings);
    demand(settings_load());
    device_start(1);
    demand(parameters_begin(&device.parameters, sizeof world_image, &why));
    demand(parameters_write(0, world_image, sizeof world_image));
    demand(parameters_finish(&device.parameters, NOW, &why));
    device_reload();
    demand(device.usable);
    device_tap(world_code, sizeof world_code);
    device_tap((const uint8_t *)"weather is fine", 15);
    demand(device.log.next == 5); /* the start, the parameters, two taps */
    memcpy(made, flash, sizeof made);
    memcpy(made_programmed, programmed, sizeof made_programmed);
    memset(dirty, 0, sizeof dirty);
    made_device = device;
}

/* Ends what an input may have left open in the firmware's own memory, by the commands that a station has for it. */
static void end_sessions(void) {
    static const uint8_t erase_image[] = {2, 0, 0, 1, 0, 1, 0, 5, 0xA0};
    static const uint8_t no_parameters[] = {2,   0,    0,    17,  0,   64,  0, 1,    0xA3, 0x64, 'd', 'a', 't',
                                            'a', 0x40, 0x63, 'o', 'f', 'f', 0, 0x63, 'l',  'e',  'n', 0};
    static const uint8_t no_packet[] = {'\n', 0x06, 0x09, '!', '\n'};
    uint8_t answer[SMP_MAX];
    size_t size;
    session = (session_state){.role = SESSION_CENTRE, .until_ms = UINT64_MAX}; /* no input can sign one */
    demand(smp_answer(erase_image, sizeof erase_image, answer));
    demand(smp_answer(no_parameters, sizeof no_parameters, answer));
    (void)board_station(no_packet, sizeof no_packet, &size);
}

void board_reset(void) {
    if (!flash) make();
    end_sessions();
    for (uint32_t block = PORT_SLOT_A / PORT_FLASH_BLOCK; block < BLOCKS; block++) {
        const uint32_t at = block * PORT_FLASH_BLOCK;
        if (!dirty[block]) continue;
        memcpy(flash + (at - PORT_SLOT_A), made + (at - PORT_SLOT_A), PORT_FLASH_BLOCK);
        memcpy(programmed + at / 8, made_programmed + at / 8, PORT_FLASH_BLOCK / 8);
        dirty[block] = 0;
    }
    device = made_device;
    rtc = NOW;
}

const uint8_t *board_station(const uint8_t *bytes, size_t size, size_t *size_said) {
    input = bytes;
    input_left = size;
    said_size = 0;
    while (station_run()) ms += 5;
    *size_said = said_size;
    return said;
}
