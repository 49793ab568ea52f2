/* flash_check.h - checks of the flash, on the first two blocks of what will be the log. */
#ifndef YIMA_PORT_CHECK_FLASH_H
#define YIMA_PORT_CHECK_FLASH_H

/* Erase, program unit by unit, read back, the neighbour, what must be refused. 1: flash can be used. */
int check_flash(void);

/* The image lies in the slot that the port names. */
void check_slot(void);
#endif
