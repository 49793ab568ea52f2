/* flash_writer.h - writes bytes that come in order, in pieces of any size, into flash blocks, erasing each when it is
 * reached. */
#ifndef YIMA_FLASH_WRITER_H
#define YIMA_FLASH_WRITER_H
#include <stddef.h>
#include <stdint.h>

#include "port.h"

typedef struct {
    uint32_t start; /* a multiple of a unit */
    uint32_t size;  /* so many bytes will come */
    uint32_t done;  /* so many have come */
    uint32_t erased_to;
    uint8_t unit[PORT_FLASH_UNIT];
} flash_writer;

/* The block that holds `start` is erased at once, with whatever stands before `start` in it. 1, or 0 if the flash
 * refused. */
int flash_writer_begin(flash_writer *w, uint32_t start, uint32_t size);

/* 1, or 0: more than was announced, or the flash refused. The last piece also fills up its unit with FF. */
int flash_writer_put(flash_writer *w, const uint8_t *bytes, size_t size);
#endif
