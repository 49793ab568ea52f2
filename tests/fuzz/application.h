/* application.h - the whole application on the board posix, from its main loop down, one life after the other.
 *
 * The flash is memory, and what the application does to it is held to the rules of flash with ECC. Whatever happens:
 * nothing is erased below slot B, nothing programmed there but the flags of the image that runs; the gate rises only
 * for an accepted ride whose entry can be read from flash; the status line is printable. */
#ifndef YIMA_FUZZ_APPLICATION_H
#define YIMA_FUZZ_APPLICATION_H
#include "bench.h"
#include "fuzz.h"

typedef enum { ENDED_OFF, ENDED_RESET, ENDED_POWER } life_end;

/* What it has said on a line in this life. */
typedef struct {
    uint8_t bytes[1 << 18];
    size_t size;
} said_bytes;

typedef struct {
    uint8_t flash[PORT_FLASH_SIZE];
    said_bytes station, status;
    uint32_t opened; /* entries for which the gate rose, since the flash was made: the newest number */
    uint32_t pins;
    int is_strange; /* the flash was not made by a factory and this application alone: it may refuse operations */
} application_state;

extern application_state application;

/* Flash as it leaves the factory, and a day's work on it: a start, the parameters, a ride and a refusal. */
void application_restore(void);

/* All of it erased. */
void application_blank(void);

/* A place in flash is about to be changed from outside. */
void application_touch(uint32_t address, size_t size);

/* Power on. turn is asked whenever the firmware waits and the time in bench.until_ms has come: it feeds lines and sets
 * the next moment, or returns 0, and power is off. */
life_end application_live(int (*turn)(void *context), void *context);

/* Bytes arrive on a line; those for which it has no room are lost. */
void application_feed(port_uart uart, const uint8_t *bytes, size_t size);

/* Power goes at the operation on flash that comes behind so many others. */
void application_cut_after(uint32_t count);

/* 1: the status line had this text since application.status was emptied. */
int application_told(const char *text);

/* The log's entry of this number is there: 1. */
int application_has_entry(uint32_t number);
#endif
