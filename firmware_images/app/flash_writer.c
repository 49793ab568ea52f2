/* flash_writer.c - see flash_writer.h. */
#include "flash_writer.h"

#include "runtime.h"

enum { UNIT = PORT_FLASH_UNIT };

static int erase_next(flash_writer *w) {
    if (!port_flash_erase(w->erased_to)) return 0;
    w->erased_to += PORT_FLASH_BLOCK;
    port_watchdog(); /* an erase is slow on real flash, and progress */
    return 1;
}

int flash_writer_begin(flash_writer *w, uint32_t start, uint32_t size) {
    memset(w, 0, sizeof *w);
    w->start = start;
    w->size = size;
    w->erased_to = start - start % PORT_FLASH_BLOCK;
    return erase_next(w);
}

static int flush(flash_writer *w) {
    const uint32_t at = w->start + (w->done - 1) / UNIT * UNIT;
    if (at >= w->erased_to && !erase_next(w)) return 0;
    return port_flash_program(at, w->unit);
}

int flash_writer_put(flash_writer *w, const uint8_t *bytes, size_t size) {
    if (size > w->size - w->done) return 0;
    for (size_t i = 0; i < size; i++) {
        if (w->done % UNIT == 0) memset(w->unit, 0xFF, sizeof w->unit);
        w->unit[w->done % UNIT] = bytes[i];
        w->done++;
        if ((w->done % UNIT == 0 || w->done == w->size) && !flush(w)) return 0;
    }
    return 1;
}
