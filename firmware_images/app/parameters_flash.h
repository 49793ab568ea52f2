/* parameters_flash.h - parameters in three copies in flash: of those in force the newest valid one counts, one may wait
 * for its time, and what comes goes into the copy that is neither. */
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

/* A package that came before its time. */
typedef struct {
    uint32_t version; /* 0: none waits */
    int64_t not_before;
    uint8_t copy;
} parameters_that_wait;

/* The last block of a copy is for what outlives it: whose signatures count, where a newer package has been in force. */
enum { PARAMETERS_HEADER = 64, PARAMETERS_MAX = PORT_PARAMETERS_SIZE - PARAMETERS_HEADER - PORT_FLASH_BLOCK };

/* Finds and opens the newest valid copy. *why (may be NULL) says what is wrong otherwise. */
int parameters_find(parameters_in_force *found, const char **why);

/* Opens what came as parameters: a package, or a bare image in the test environment. */
int parameters_open(parameters_in_force *p, const uint8_t *bytes, size_t size, const char **why);

/* The package that waits beside those in force. */
parameters_that_wait parameters_find_waiting(const parameters_in_force *active);

typedef enum { PARAMETERS_REFUSED, PARAMETERS_TAKEN, PARAMETERS_KEPT } parameters_taken;

/* Taking in new ones: begin erases the copy that is longest out of use, write takes the bytes in order, finish checks
 * the whole against what the device trusts and makes it the copy in force at once, or keeps it until its time comes.
 * *why says what was wrong. */
int parameters_begin(const parameters_in_force *active, const parameters_that_wait *waiting, uint32_t size,
                     const char **why);
int parameters_write(uint32_t offset, const uint8_t *bytes, size_t size);
parameters_taken parameters_finish(const parameters_in_force *active, const parameters_that_wait *waiting, int64_t now,
                                   const char **why);

/* The time of what waits has come: it is in force, or, where it may not follow what is in force now, given up. */
int parameters_activate(const parameters_in_force *active, const parameters_that_wait *waiting, int64_t now,
                        const char **why);
#endif
