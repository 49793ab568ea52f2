/* port.c - the board port for QEMU's `virt`, 32-bit RISC-V; see README.md. No interrupts: QEMU holds back the bytes for
 * which a UART has no room, so that looking at it now and then loses none. */
#include "port.h"

#include "board.h"
#include "runtime.h"

enum {
    TICKS_A_MS = PORT_CLOCK_HZ / 1000,
    WAIT_MS = 1,
    WATCHDOG_MS = 8000,
    NS_A_S = 1000000000,
    IO_ENABLE = 1,
    IO_PORT = 0x1000
};

typedef struct {
    uint8_t bytes[4096];
    uint32_t head, tail;
} ring;

static ring outgoing[PORT_UARTS];
static uint32_t lost[PORT_UARTS], operations;
static uint64_t watched;

static volatile uint8_t *uart_at(uint32_t uart) {
    return UARTS + 8 * uart;
}

static uint64_t ticks(void) {
    uint32_t high, low;
    do {
        high = MTIME[1];
        low = MTIME[0];
    } while (high != MTIME[1]);
    return (uint64_t)high << 32 | low;
}

static void send_what_there_is(void) {
    for (uint32_t uart = 0; uart < PORT_UARTS; uart++) {
        ring *out = &outgoing[uart];
        while (out->tail != out->head && (uart_at(uart)[UART_STATUS] & LINE_EMPTY)) {
            uart_at(uart)[UART_DATA] = out->bytes[out->tail++ % sizeof out->bytes];
        }
    }
}

void port_init(void) {
    PCI_SERIAL[4] = IO_PORT;
    PCI_SERIAL[1] = IO_ENABLE;
    for (uint32_t uart = 0; uart < PORT_UARTS; uart++) {
        uart_at(uart)[UART_LINE] = 3; /* eight bits */
        uart_at(uart)[UART_FIFO] = 1;
    }
    __asm volatile("csrw mie, %0\n" ::"r"(1 << 7)); /* the timer wakes wfi; nothing is let through to a handler */
    port_watchdog();
    port_pins(0);
}

uint64_t port_ms(void) {
    return ticks() / TICKS_A_MS;
}

uint32_t port_rtc(void) {
    const uint32_t low = RTC[0];
    return (uint32_t)(((uint64_t)RTC[1] << 32 | low) / NS_A_S);
}

void port_rtc_set(uint32_t unix_s) {
    const uint64_t ns = (uint64_t)unix_s * NS_A_S;
    RTC[1] = (uint32_t)(ns >> 32);
    RTC[0] = (uint32_t)ns;
}

size_t port_read(port_uart uart, uint8_t *out, size_t capacity, uint64_t *arrived_ms) {
    static uint64_t newest[PORT_UARTS];
    size_t size = 0;
    for (uint8_t status; size < capacity && (status = uart_at(uart)[UART_STATUS], status & LINE_READY); size++) {
        lost[uart] += (status & LINE_OVERRUN) != 0;
        out[size] = uart_at(uart)[UART_DATA];
    }
    if (size) newest[uart] = port_ms();
    if (arrived_ms) *arrived_ms = newest[uart];
    return size;
}

port_line_errors port_errors(port_uart uart) {
    const port_line_errors found = {.lost = lost[uart]};
    lost[uart] = 0;
    return found;
}

int port_write(port_uart uart, const uint8_t *bytes, size_t size) {
    ring *out = &outgoing[uart];
    send_what_there_is();
    if (size > sizeof out->bytes - (out->head - out->tail)) return 0;
    for (size_t i = 0; i < size; i++) out->bytes[out->head++ % sizeof out->bytes] = bytes[i];
    send_what_there_is();
    return 1;
}

int port_written(port_uart uart) {
    send_what_there_is();
    return outgoing[uart].head == outgoing[uart].tail;
}

void bench_say(uint32_t kind, uint32_t a, uint32_t b, uint32_t c) {
    volatile bench_event *event = &BENCH->events[BENCH->count % BENCH_EVENTS];
    event->kind = kind;
    event->a = a;
    event->b = b;
    event->c = c;
    BENCH->count++;
}

_Noreturn void bench_end(uint32_t why) {
    BENCH->end = why;
    *MACHINE_END = why == BENCH_RESET ? MACHINE_RESET : why == BENCH_POWER ? MACHINE_PASS : MACHINE_FAIL;
    for (;;) {
    }
}

void port_pins(uint32_t pins) {
    bench_say(BENCH_PINS, pins, 0, 0);
}

uint32_t port_inputs(void) {
    return BENCH->inputs & (PORT_PASSAGE | PORT_GATE_FAULT);
}

static int is_place(uint32_t address, uint32_t size) {
    return address % size == 0 && address >= PORT_FLASH_FROM && address < PORT_FLASH_END;
}

/* An operation is told before it is done; power may go at it. */
static volatile uint32_t *begin_operation(uint32_t address, uint32_t erases, const uint32_t words[2]) {
    bench_say(BENCH_FLASH, address | erases << 31, words[0], words[1]);
    if (++operations == BENCH->cut) bench_end(BENCH_POWER);
    return (volatile uint32_t *)(uintptr_t)port_flash_at(address);
}

int port_flash_program(uint32_t address, const uint8_t unit[PORT_FLASH_UNIT]) {
    uint32_t words[PORT_FLASH_UNIT / 4];
    memcpy(words, unit, sizeof words);
    if (!is_place(address, PORT_FLASH_UNIT)) return 0;
    const uint32_t *before = (const uint32_t *)(const void *)port_flash_at(address);
    if ((before[0] & before[1]) != UINT32_MAX) return 0; /* as flash with ECC has it */
    volatile uint32_t *cells = begin_operation(address, 0, words);
    cells[0] = words[0];
    cells[1] = words[1];
    return 1;
}

int port_flash_erase(uint32_t address) {
    static const uint32_t blank[2] = {UINT32_MAX, UINT32_MAX};
    if (!is_place(address, PORT_FLASH_BLOCK)) return 0;
    volatile uint32_t *cells = begin_operation(address, 1, blank);
    for (int i = 0; i < PORT_FLASH_BLOCK / 4; i++) cells[i] = UINT32_MAX;
    return 1;
}

port_fault port_last_fault(void) {
    return (port_fault){0};
}

/* The machine has none; a firmware that waits and waits is noticed all the same. */
void port_watchdog(void) {
    watched = ticks();
    send_what_there_is(); /* this is called in every turn */
}

void port_wait(void) {
    const uint64_t until = ticks() + WAIT_MS * TICKS_A_MS;
    MTIMECMP[1] = UINT32_MAX;
    MTIMECMP[0] = (uint32_t)until;
    MTIMECMP[1] = (uint32_t)(until >> 32);
    __asm volatile("wfi" ::: "memory");
    if (ticks() - watched > WATCHDOG_MS * (uint64_t)TICKS_A_MS) bench_end(BENCH_WATCHDOG);
    send_what_there_is();
}

void port_reset(void) {
    bench_end(BENCH_RESET);
}
