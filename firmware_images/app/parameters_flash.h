/* parameters_flash.h - the parameters in force: two copies in flash, of which the newest valid one counts. */
#ifndef YIMA_PARAMETERS_FLASH_H
#define YIMA_PARAMETERS_FLASH_H
#include <stddef.h>
#include <stdint.h>

#include "package.h"
#include "port.h"
#include "yima/core.h"

typedef struct {
    yima_parameters parameters;
    yima_package package; /* of a bare image: all zero */
    uint32_t version;
    uint32_t sequence;
    uint8_t copy;
    uint8_t environment;
    uint8_t held; /* 0: there are none */
} parameters_in_force;

enum { PARAMETERS_HEADER = 64, PARAMETERS_MAX = PORT_PARAMETERS_SIZE - PARAMETERS_HEADER };

/* Finds and opens the newest valid copy. *why (may be NULL) says what is wrong otherwise. */
int parameters_find(parameters_in_force *found, const char **why);

/* Opens what came as parameters: a package, or a bare image in the test environment. */
int parameters_open(parameters_in_force *p, const uint8_t *bytes, size_t size, const char **why);

/* Taking in new ones: begin erases the older copy, write takes the bytes in order, finish checks the whole against what
 * the device trusts and makes it the copy in force, at once. 1 or 0; *why says what was wrong. */
int parameters_begin(const parameters_in_force *active, uint32_t size, const char **why);
int parameters_write(uint32_t offset, const uint8_t *bytes, size_t size);
int parameters_finish(const parameters_in_force *active, int64_t now, const char **why);
#endif
