/* smp_board.h - a board in memory under the whole of the firmware's station side, for fuzz_smp.c. */
#ifndef YIMA_SMP_BOARD_H
#define YIMA_SMP_BOARD_H
#include <stddef.h>
#include <stdint.h>

/* The same board for every input: flash with a running image, parameters, a log of two records; a clock that is set;
 * no command half done. The first call makes it. */
void board_reset(void);

/* Puts bytes on the station's line and lets the firmware work on them; what it says stays until the next call. */
const uint8_t *board_station(const uint8_t *bytes, size_t size, size_t *said);
#endif
