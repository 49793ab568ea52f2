/* flash.h - the flash of the board posix: memory, of a file or not, under the rules of flash. */
#ifndef YIMA_POSIX_FLASH_H
#define YIMA_POSIX_FLASH_H
#include <stdint.h>

#include "port.h"

/* Takes PORT_FLASH_SIZE bytes, which are the flash from now on. */
void flash_use(uint8_t *memory);

/* Whoever links flash.c has this: it is told of each operation before it is done. unit: NULL for an erase. 0: it is not
 * to be done. */
int flash_begins(uint32_t address, const uint8_t *unit);
#endif
