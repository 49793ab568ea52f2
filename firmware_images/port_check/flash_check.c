/* flash_check.c - see flash_check.h. */
#include "flash_check.h"

#include "lines.h"
#include "port.h"
#include "runtime.h"
#include "status.h"

enum { UNITS = PORT_FLASH_BLOCK / PORT_FLASH_UNIT, FIRST = PORT_LOG, SECOND = PORT_LOG + PORT_FLASH_BLOCK };

/* Another one at each address. */
static void make_unit(uint8_t unit[PORT_FLASH_UNIT], uint32_t address) {
    for (uint32_t i = 0; i < PORT_FLASH_UNIT; i++) unit[i] = (uint8_t)((address + i) * 0x9D ^ (address + i) >> 7);
}

static uint32_t not_blank(uint32_t address) {
    const uint8_t *bytes = port_flash_at(address);
    uint32_t count = 0;
    for (uint32_t i = 0; i < PORT_FLASH_BLOCK; i++) count += bytes[i] != 0xFF;
    return count;
}

static int holds(uint32_t address) {
    uint8_t unit[PORT_FLASH_UNIT];
    make_unit(unit, address);
    return memcmp(port_flash_at(address), unit, sizeof unit) == 0;
}

static int program(uint32_t address) {
    uint8_t unit[PORT_FLASH_UNIT];
    make_unit(unit, address);
    port_watchdog();
    return port_flash_program(address, unit);
}

static int check_erase(void) {
    const uint64_t begun = port_ms();
    const int done = port_flash_erase(FIRST) && port_flash_erase(SECOND);
    const uint32_t left = not_blank(FIRST) + not_blank(SECOND);
    saw("flash_erase", done && !left);
    status_number("blocks", 2);
    status_number("not_blank", left);
    status_number("ms", (int64_t)(port_ms() - begun));
    end();
    return done && !left;
}

static int check_program(void) {
    const uint64_t begun = port_ms();
    uint32_t taken = 0, read = 0;
    for (uint32_t i = 0; i < UNITS; i++) taken += (uint32_t)program(FIRST + i * PORT_FLASH_UNIT);
    for (uint32_t i = 0; i < UNITS; i++) read += (uint32_t)holds(FIRST + i * PORT_FLASH_UNIT);
    saw("flash_program", taken == UNITS && read == UNITS);
    status_number("unit", PORT_FLASH_UNIT);
    status_number("units", UNITS);
    status_number("taken", taken);
    status_number("read_back", read);
    status_number("ms", (int64_t)(port_ms() - begun));
    end();
    return taken == UNITS && read == UNITS;
}

/* An operation on one block leaves the other alone. */
static void check_neighbour(void) {
    const uint32_t touched = not_blank(SECOND);
    const int done = program(SECOND) && port_flash_erase(FIRST);
    saw("flash_neighbour", done && !touched && !not_blank(FIRST) && holds(SECOND));
    status_number("touched", touched);
    end();
}

/* What is no place for an operation is refused, and nothing changes. A unit that is programmed already may be refused. */
static void check_refusals(void) {
    uint32_t refused = 0, asked = 1;
    if (PORT_FLASH_UNIT > 1) {
        asked++;
        refused += !program(SECOND + PORT_FLASH_UNIT + 1);
    }
    refused += !port_flash_erase(SECOND + PORT_FLASH_UNIT);
    const int is_same = holds(SECOND) && not_blank(SECOND) <= PORT_FLASH_UNIT;
    saw("flash_refuses", refused == asked && is_same);
    status_number("odd_places", asked);
    status_number("refused", refused);
    uint8_t zero[PORT_FLASH_UNIT];
    memset(zero, 0, sizeof zero);
    status_number("second_program_refused", !port_flash_program(SECOND, zero));
    end();
}

int check_flash(void) {
    const int is_usable = check_erase() && check_program();
    if (is_usable) {
        check_neighbour();
        check_refusals();
    }
    return is_usable && port_flash_erase(FIRST) && port_flash_erase(SECOND);
}

void check_slot(void) {
    const uint8_t *magic = port_flash_at(port_slot() ? PORT_SLOT_B : PORT_SLOT_A);
    const int has_image = magic[0] == 0x3D && magic[1] == 0xB8 && magic[2] == 0xF3 && magic[3] == 0x96;
    saw("slot", has_image);
    status_text("slot", port_slot() ? "B" : "A");
    end();
}
