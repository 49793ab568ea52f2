/* map.h - where things lie in the flash of this board; see README.md. */
#ifndef YIMA_MAP_H
#define YIMA_MAP_H

/* The names of this hardware, as images carry it, and of its processor. */
#define PORT_HARDWARE "mps2-an500"
#define PORT_PROCESSOR "cortex-m7"

enum {
    PORT_FLASH_BLOCK = 4096,
    PORT_SLOT_A = 0x00010000,
    PORT_SLOT_B = 0x00040000,
    PORT_SLOT_SIZE = 0x30000,
    PORT_IMAGE_HEADER = 0x200,
    PORT_PARAMETERS = 0x00080000, /* two copies, one behind the other */
    PORT_PARAMETERS_SIZE = 0x10000,
    PORT_LOG = 0x000A0000,
    PORT_LOG_SIZE = 0x40000,
    PORT_SETTINGS = 0x000E0000, /* two copies of one block */
    PORT_FLASH_END = 0x000E4000
};
#endif
