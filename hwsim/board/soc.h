/* The emulated board apart from its processor core: time, interrupts, peripherals, flash.
 *
 * Compiled into a library of its own that knows the emulator only by the function pointers it is given; it is linked to
 * nothing. Memory map, registers and interrupts: firmware_images/boards/mps2_an500/README.md.
 *
 * Rules it keeps:
 * - Time is virtual: one instruction is one cycle of `mhz` million a second, and sleep (wfi) skips to the next event.
 *   Nothing here knows the host's clock, so a run is the same every time.
 * - Blocks are counted whole when they begin, and the processor is stopped between blocks only, so that every
 *   instruction is counted once. A debugger may stop it anywhere: see soc_debug.c.
 * - What happened is appended to a list of events; it is the only way out.
 */
#ifndef HWSIM_BOARD_SOC_H
#define HWSIM_BOARD_SOC_H

#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

/* The few functions of the emulator, as unicorn.h declares them. */
typedef struct {
    void *uc;
    int (*emu_start)(void *uc, uint64_t begin, uint64_t until, uint64_t timeout, size_t count);
    int (*emu_stop)(void *uc);
    int (*reg_read)(void *uc, int number, void *value);
    int (*reg_write)(void *uc, int number, const void *value);
    /* numbers of registers */
    int r0, r1, r2, r3, r12, sp, lr, pc, xpsr, primask, control;
} soc_engine;

enum { FLASH_SIZE = 1 << 20, RAM_SIZE = 128 << 10, BLOCK_SIZE = 4096, FLASH_LOW = 0x10000, FLASH_HIGH = 0xF4000 };
#define RAM_BASE 0x20000000u

/* Why soc_run came back. */
typedef enum {
    STOP_TIME = 0, /* `until` is reached */
    STOP_RESET,    /* the firmware asked for it (AIRCR) */
    STOP_WATCHDOG, /* the watchdog reset the board */
    STOP_POWER,    /* the flash operation at which power goes was commanded, and not done */
    STOP_LOCKUP,   /* a fault that nothing handles; event FAULT says where */
    STOP_EVENTS,   /* the list of events must be emptied */
    STOP_DEBUGGER  /* a breakpoint, or the end of a step */
} soc_stop;

typedef enum {
    EVENT_TX = 1,  /* a: UART, b: byte */
    EVENT_PINS,    /* a: LED0 */
    EVENT_FLASH,   /* a: address, b and c: data; bit 31 of a: erase; an operation that was refused is a FAULT */
    EVENT_FAULT,   /* a: what (soc_fault), b: program counter, c: address or command */
    EVENT_OVERRUN, /* a: UART, b: the byte that was lost */
    EVENT_WATCHDOG /* a: 1 it raised its flag, 2 it reset the board */
} soc_event_kind;

/* How a byte arrives: whole, with a stop bit that is none, or as a break, which is no byte. */
typedef enum { HARM_NONE = 0, HARM_FRAMING, HARM_BREAK } soc_harm;

typedef enum { FAULT_MEMORY = 1, FAULT_INSTRUCTION, FAULT_FLASH, FAULT_STACK } soc_fault;

typedef struct {
    uint64_t now;   /* cycles */
    uint64_t insns; /* instructions executed */
    uint32_t kind, a, b, c;
} soc_event;

enum { UARTS = 3, UART_IN = 1 << 16, EVENTS = 1 << 14, EXCEPTIONS = 64, NESTED = 16, PARTS = 64, PART_DEPTH = 64 };

typedef struct {
    uint32_t ctrl, state, intstatus, bauddiv;
    uint8_t rx, tx;
    uint64_t tx_done; /* when the byte being sent is out; 0: idle */
    uint64_t rx_next; /* when the byte at in[head] is there */
    uint32_t head, tail;
    uint8_t in[UART_IN], harm[UART_IN]; /* what came, and as what (soc_harm) */
} soc_uart;

typedef struct {
    uint8_t attached, stopped, stepping;
    uint8_t due;    /* a stop was put off to the end of an IT block */
    uint32_t depth; /* of exceptions, when the processor went on */
    uint32_t skip;  /* where a step began: no stop there */
    uint8_t breaks[FLASH_SIZE / 2];
} soc_debug;

typedef struct soc {
    /* what a reset keeps */
    soc_engine engine;
    uint8_t *flash, *ram;
    uint32_t mhz;
    uint64_t program_cycles, erase_cycles; /* that the processor stands still for a flash operation */
    int32_t drift_ppm;                     /* of the real-time clock against all other time */
    soc_event events[EVENTS];
    uint16_t block_size[FLASH_SIZE / 2], block_insns[FLASH_SIZE / 2];
    soc_debug debug;

    /* what a reset clears, from here on */
    uint64_t now, insns, until, deadline;
    uint32_t stop;           /* soc_stop that is due */
    uint32_t why;            /* why emu_start was left */
    uint32_t intno;          /* what the engine raised */
    uint32_t touched, touch; /* the address that nothing answered at, and how it was touched */
    uint8_t sleeping, waiting, dead;

    /* With a debugger: the block that was counted last, ITSTATE at its beginning, the piece of it that the engine
     * executes, and how far it is executed: to its end, unless the debugger stopped the processor in it. */
    uint32_t block, block_it, piece, reached, block_end;

    uint64_t pending, enabled;
    uint8_t priority[EXCEPTIONS], active[NESTED];
    uint32_t depth;
    uint32_t scs[1024];

    uint64_t tick_next, tick_period;
    soc_uart uart[UARTS];
    uint32_t pins, buttons, prescale, counter_base;
    uint64_t counter_at, rtc_at;
    uint32_t rtc_base, rtc_stopped;
    uint32_t dog_load, dog_control, dog_locked, dog_raised;
    uint64_t dog_next;
    uint32_t flash_address, flash_data[2], flash_status;
    uint64_t operations, cut_at;

    uint32_t event_count;
    uint8_t mark[FLASH_SIZE / 2]; /* the part that begins with the function there; 0: none */
    uint64_t spent[PARTS], entered[PARTS];
    struct {
        uint32_t back;
        uint8_t part;
    } parts[PART_DEPTH];
    uint32_t part_depth;
    uint8_t part;
} soc;

enum { HARD_FAULT = 3, MEMORY_FAULT, BUS_FAULT, USAGE_FAULT };
enum {
    SHCSR = 0xD24,
    CFSR = 0xD28,
    HFSR = 0xD2C,
    MMFAR = 0xD34,
    BFAR = 0xD38
}; /* what faults leave for their handler */

enum { PART_INTERRUPTS = 1, BACK_EXCEPTION = 1 }; /* an odd address is never returned to */

void soc_log(soc *s, soc_event_kind kind, uint32_t a, uint32_t b, uint32_t c);
void soc_due(soc *s);
uint64_t soc_next_event(const soc *s);
uint64_t soc_lines(const soc *s);
void soc_plan(soc *s);
uint32_t soc_register(soc *s, int number);
uint32_t soc_note_cause(soc *s, soc_fault what);
int soc_is_guarded(const soc *s, uint32_t address);
uint64_t soc_scs_read(soc *s, uint32_t offset);
void soc_scs_write(soc *s, uint32_t offset, uint32_t value);
void soc_devices_reset(soc *s);
uint32_t soc_instruction_size(const uint8_t *code);
uint32_t soc_instructions_in(const uint8_t *code, uint32_t size);
int soc_debug_stops(soc *s, uint32_t address);
void soc_debug_begin(soc *s, uint32_t address, uint32_t size);

#endif
