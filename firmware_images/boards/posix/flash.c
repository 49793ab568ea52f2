/* flash.c - see flash.h. The rules: within what may be written, aligned, and a unit that is not blank is not programmed
 * again, as flash with ECC has it. */
#include "flash.h"

#include <string.h>

static uint8_t *flash;

void flash_use(uint8_t *memory) {
    flash = memory;
}

const uint8_t *port_flash_at(uint32_t address) {
    return flash + address;
}

static int is_place(uint32_t address, uint32_t size) {
    return address % size == 0 && address >= PORT_FLASH_FROM && address < PORT_FLASH_END;
}

int port_flash_program(uint32_t address, const uint8_t unit[PORT_FLASH_UNIT]) {
    if (!is_place(address, PORT_FLASH_UNIT)) return 0;
    for (uint32_t i = 0; i < PORT_FLASH_UNIT; i++) {
        if (flash[address + i] != 0xFF) return 0;
    }
    if (!flash_begins(address, unit)) return 0;
    memcpy(flash + address, unit, PORT_FLASH_UNIT);
    return 1;
}

int port_flash_erase(uint32_t address) {
    if (!is_place(address, PORT_FLASH_BLOCK) || !flash_begins(address, NULL)) return 0;
    memset(flash + address, 0xFF, PORT_FLASH_BLOCK);
    return 1;
}
