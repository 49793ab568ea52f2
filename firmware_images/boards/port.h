/* port.h - all that the firmware asks of a board. A vendor with other hardware writes these functions and a board.toml,
 * from which map.h is made.
 *
 * One thread (the main loop) calls them; interrupts stay inside the port. None of them waits for the outside world,
 * except port_wait, which sleeps until an interrupt and at most 5 ms. map.h says where the parts of flash lie; an address
 * of flash is no pointer until port_flash_at makes it one. */
#ifndef YIMA_PORT_H
#define YIMA_PORT_H
#include <stddef.h>
#include <stdint.h>

#include "map.h"

typedef enum { PORT_SCANNER = 0, PORT_STATION = 1, PORT_STATUS = 2, PORT_UARTS } port_uart;

/* Pins out, and in. */
enum { PORT_GATE = 1, PORT_RED = 2, PORT_GREEN = 4, PORT_BUZZER = 8, PORT_OUT_OF_SERVICE = 16 };
enum { PORT_PASSAGE = 1, PORT_GATE_FAULT = 2 };

/* Why the firmware was started anew by itself: its stack overflowed, a fault of the processor, an interrupt that nobody
 * enabled. */
typedef enum {
    PORT_FAULT_NONE,
    PORT_FAULT_STACK,
    PORT_FAULT_HARD,
    PORT_FAULT_MEMORY,
    PORT_FAULT_BUS,
    PORT_FAULT_USAGE,
    PORT_FAULT_INTERRUPT
} port_fault_kind;

typedef struct {
    uint32_t count;                        /* since power came; 0: none */
    uint32_t kind;                         /* of the newest */
    uint32_t exception, cause, hard_cause; /* as the processor numbers them: on Cortex-M IPSR, CFSR, HFSR */
    uint32_t pc;                           /* 0: not known, as of most stacks that overflowed */
    uint32_t is_new;                       /* it ended the run before this one */
} port_fault;

/* Clocks, UARTs with their interrupts, watchdog (4 s, then a flag, after 4 s more a reset). */
void port_init(void);

/* Milliseconds since some moment; monotonic, never wraps. To be asked at least once in 49 days. */
uint64_t port_ms(void);

/* The real-time clock, unix seconds UTC, battery-backed; whether it can be believed is the application's to judge. */
uint32_t port_rtc(void);
void port_rtc_set(uint32_t unix_s);

/* Takes what has arrived, at most `capacity` bytes. *arrived_ms (may be NULL): when the newest byte of all came. */
size_t port_read(port_uart uart, uint8_t *out, size_t capacity, uint64_t *arrived_ms);

/* What went wrong on a line since the last question. A byte with a framing error is handed over as it came, a break is
 * no byte. Hardware that cannot tell them leaves them 0. */
typedef struct {
    uint32_t lost;    /* bytes that nobody took in time */
    uint32_t framing; /* bytes whose stop bit was none: another baud rate, noise */
    uint32_t breaks;  /* a line that is held down, or was pulled */
} port_line_errors;

port_line_errors port_errors(port_uart uart);

/* Queues all of `bytes`, or nothing if there is no room: returns 1 or 0. */
int port_write(port_uart uart, const uint8_t *bytes, size_t size);

/* 1 when everything queued is on its way. */
int port_written(port_uart uart);

void port_pins(uint32_t pins);
uint32_t port_inputs(void);

/* One flash operation each; 1, or 0 if the flash refused. A unit is PORT_FLASH_UNIT bytes at a multiple of that and is
 * programmed once between two erases; a block is PORT_FLASH_BLOCK bytes. */
int port_flash_program(uint32_t address, const uint8_t unit[PORT_FLASH_UNIT]);
int port_flash_erase(uint32_t address);

/* Where flash can be read by plain loads, all of it in one piece. */
#ifdef PORT_FLASH_BASE
static inline const uint8_t *port_flash_at(uint32_t address) {
    return (const uint8_t *)(uintptr_t)(PORT_FLASH_BASE + address);
}
#else
const uint8_t *port_flash_at(uint32_t address);
#endif

/* The slot that this code runs in: 0 or 1. */
uint32_t port_slot(void);

/* The newest fault since power came, as RAM keeps it through resets. To be asked once a start: is_new is gone then. */
port_fault port_last_fault(void);

void port_watchdog(void);
void port_wait(void);
_Noreturn void port_reset(void);
#endif
