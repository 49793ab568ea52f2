/* board.h - what QEMU's `virt` has at which address, and the window through which its bench looks. */
#ifndef YIMA_BOARD_H
#define YIMA_BOARD_H
#include <stdint.h>

#define MACHINE_END ((volatile uint32_t *)0x100000) /* a value ends QEMU */
#define RTC ((volatile uint32_t *)0x101000)         /* nanoseconds, low word first */
#define MTIMECMP ((volatile uint32_t *)0x2004000)   /* of hart 0 */
#define MTIME ((volatile uint32_t *)0x200BFF8)
#define UARTS ((volatile uint8_t *)0x3001000)        /* port 0x1000: four of them, eight bytes apart */
#define PCI_SERIAL ((volatile uint32_t *)0x30008000) /* configuration of device 1: pci-serial-4x */
#define BENCH ((bench_window *)0x80800000)

enum { MACHINE_RESET = 0x7777, MACHINE_PASS = 0x5555, MACHINE_FAIL = 0x3333 };
enum { UART_DATA = 0, UART_FIFO = 2, UART_LINE = 3, UART_STATUS = 5 };
enum { LINE_READY = 1, LINE_OVERRUN = 2, LINE_EMPTY = 0x20 };

/* What happened, in order, for virt.py; and what it wants. The machine has no pins and no flash of its own. */
enum { BENCH_EVENTS = 1 << 16, BENCH_PINS = 2, BENCH_FLASH = 3 };
enum { BENCH_RESET = 1, BENCH_POWER = 2, BENCH_TRAP = 3, BENCH_WATCHDOG = 4 };

typedef struct {
    uint32_t kind, a, b, c;
} bench_event;

typedef struct {
    volatile uint32_t count;  /* events so far */
    volatile uint32_t cut;    /* power goes at the flash operation of this number, from 1; 0: at none */
    volatile uint32_t inputs; /* as port_inputs has them */
    volatile uint32_t end;    /* why the machine ends */
    volatile bench_event events[BENCH_EVENTS];
} bench_window;

void bench_say(uint32_t kind, uint32_t a, uint32_t b, uint32_t c);
_Noreturn void bench_end(uint32_t why);
#endif
