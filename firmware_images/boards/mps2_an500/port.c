/* port.c - the board port for Arm's MPS2 with the AN500 image (Cortex-M7), as QEMU and hwsim have it; see README.md. */
#include "../port.h"

#include "board.h"
#include "runtime.h"

enum {
    BAUD_DIVISOR = PORT_CLOCK_HZ / 115200,
    TX_EMPTY = 1,
    RX_FULL = 2,
    TX_FULL = 1,
    RX_OVERRUN = 8,
    RX_FRAMING = 16,
    RX_BREAK = 32,
    RX_WRONG = RX_OVERRUN | RX_FRAMING | RX_BREAK,
    MS_PRESCALE = PORT_CLOCK_HZ / 1000 - 1,
    WATCHDOG_LOAD = 4 * PORT_CLOCK_HZ, /* 4 s */
    TICK_RELOAD = 5000 - 1             /* 5 ms of the 1 MHz reference clock */
};

/* Each UART's interrupt handler is the only writer of `in.head` and `out.tail`, the main loop of the other two. */
typedef struct {
    uint8_t *bytes;
    uint32_t mask;
    volatile uint32_t head, tail;
} ring;

typedef struct {
    uart_registers *hardware;
    ring in, out;
    volatile port_line_errors errors;
    volatile uint32_t arrived;
    volatile uint8_t sending;
} line;

static uint8_t scanner_in[4096], station_in[4096], station_out[4096], status_out[4096];

static line lines[PORT_UARTS] = {
    {.hardware = UART0, .in = {.bytes = scanner_in, .mask = sizeof scanner_in - 1}},
    {.hardware = UART1,
     .in = {.bytes = station_in, .mask = sizeof station_in - 1},
     .out = {.bytes = station_out, .mask = sizeof station_out - 1}},
    {.hardware = UART2, .out = {.bytes = status_out, .mask = sizeof status_out - 1}},
};

/* A byte that came with a break is none. */
static void note_errors(line *l, uint32_t wrong) {
    l->hardware->state = wrong;
    l->errors.lost += (wrong & RX_OVERRUN) != 0;
    l->errors.framing += (wrong & RX_FRAMING) != 0;
    l->errors.breaks += (wrong & RX_BREAK) != 0;
    if (wrong & RX_BREAK) (void)l->hardware->data;
}

static void received(line *l) {
    l->hardware->interrupt = RX_FULL;
    const uint32_t wrong = l->hardware->state & RX_WRONG;
    if (wrong) note_errors(l, wrong);
    while (l->hardware->state & RX_FULL) {
        const uint8_t byte = (uint8_t)l->hardware->data;
        if (l->in.head - l->in.tail > l->in.mask) {
            l->errors.lost++;
        } else {
            l->in.bytes[l->in.head & l->in.mask] = byte;
            l->in.head++;
        }
        l->arrived = FPGAIO->counter;
    }
}

static void send_next(line *l) {
    while (l->out.head != l->out.tail && !(l->hardware->state & TX_FULL)) {
        l->hardware->data = l->out.bytes[l->out.tail & l->out.mask];
        l->out.tail++;
    }
    l->sending = l->out.head != l->out.tail || (l->hardware->state & TX_FULL);
}

static void sent(line *l) {
    l->hardware->interrupt = TX_EMPTY;
    send_next(l);
}

void scanner_received(void) {
    received(&lines[PORT_SCANNER]);
}
void station_received(void) {
    received(&lines[PORT_STATION]);
}
void station_sent(void) {
    sent(&lines[PORT_STATION]);
}
void status_sent(void) {
    sent(&lines[PORT_STATUS]);
}
void tick(void) {
}

static void start_line(const line *l) {
    l->hardware->baud_divisor = BAUD_DIVISOR;
    l->hardware->control =
        (l->out.bytes ? UART_TX | UART_TX_INTERRUPT : 0) | (l->in.bytes ? UART_RX | UART_RX_INTERRUPT : 0);
}

void port_init(void) {
    FPGAIO->prescale = MS_PRESCALE;
    port_pins(0);
    for (int i = 0; i < PORT_UARTS; i++) start_line(&lines[i]);
    NVIC_ENABLE[0] = 1u << UART0_RX | 1u << UART1_RX | 1u << UART1_TX | 1u << UART2_TX;
    SYSTICK->reload = TICK_RELOAD;
    SYSTICK->value = 0;
    SYSTICK->control = SYSTICK_ON; /* from the reference clock */
    WATCHDOG->lock = WATCHDOG_KEY;
    WATCHDOG->load = WATCHDOG_LOAD;
    WATCHDOG->control = WATCHDOG_INTERRUPT | WATCHDOG_RESET;
    WATCHDOG->lock = 0;
    interrupts_on();
}

/* The low half is the board's counter; the high half counts how often it was seen to wrap. */
static uint64_t now_ms(void) {
    static uint32_t high, last;
    const uint32_t low = FPGAIO->counter;
    high += low < last;
    last = low;
    return (uint64_t)high << 32 | low;
}

uint64_t port_ms(void) {
    return now_ms();
}

uint32_t port_rtc(void) {
    return FPGAIO->one_hz;
}

void port_rtc_set(uint32_t unix_s) {
    FPGAIO->one_hz = unix_s;
}

size_t port_read(port_uart uart, uint8_t *out, size_t capacity, uint64_t *arrived_ms) {
    line *l = &lines[uart];
    size_t size = 0;
    while (size < capacity && l->in.tail != l->in.head) {
        out[size++] = l->in.bytes[l->in.tail & l->in.mask];
        l->in.tail++;
    }
    if (arrived_ms) {
        const uint64_t now = now_ms();
        *arrived_ms = now - (uint32_t)((uint32_t)now - l->arrived);
    }
    return size;
}

port_line_errors port_errors(port_uart uart) {
    static const port_line_errors none;
    interrupts_off();
    const port_line_errors found = lines[uart].errors;
    lines[uart].errors = none;
    interrupts_on();
    return found;
}

int port_write(port_uart uart, const uint8_t *bytes, size_t size) {
    line *l = &lines[uart];
    const uint32_t room = l->out.mask + 1 - (l->out.head - l->out.tail);
    if (size > room) return 0;
    for (size_t i = 0; i < size; i++) l->out.bytes[(l->out.head + i) & l->out.mask] = bytes[i];
    interrupts_off();
    l->out.head += (uint32_t)size;
    if (!l->sending) send_next(l);
    interrupts_on();
    return 1;
}

int port_written(port_uart uart) {
    return !lines[uart].sending;
}

void port_pins(uint32_t pins) {
    FPGAIO->led = pins;
}

uint32_t port_inputs(void) {
    return FPGAIO->button & (PORT_PASSAGE | PORT_GATE_FAULT);
}

static int allowed(uint32_t address) {
    return address >= PORT_FLASH_FROM && address < PORT_FLASH_END;
}

static int command(uint32_t what, uint32_t address) {
    FLASH->address = address;
    FLASH->command = what;
    return FLASH->status == 0;
}

int port_flash_program(uint32_t address, const uint8_t unit[PORT_FLASH_UNIT]) {
    uint32_t words[PORT_FLASH_UNIT / 4];
    memcpy(words, unit, sizeof words);
    if (!allowed(address) || address % PORT_FLASH_UNIT) return 0;
    if (FLASH->id == FLASH_ID) {
        FLASH->data[0] = words[0];
        FLASH->data[1] = words[1];
        return command(FLASH_PROGRAM, address);
    }
    volatile uint32_t *cells = (volatile uint32_t *)address; /* QEMU: plain memory, the rules are kept here */
    if ((cells[0] & words[0]) != words[0] || (cells[1] & words[1]) != words[1]) return 0;
    cells[0] = words[0];
    cells[1] = words[1];
    return 1;
}

int port_flash_erase(uint32_t address) {
    if (!allowed(address) || address % PORT_FLASH_BLOCK) return 0;
    if (FLASH->id == FLASH_ID) return command(FLASH_ERASE, address);
    volatile uint32_t *cells = (volatile uint32_t *)address;
    for (int i = 0; i < PORT_FLASH_BLOCK / 4; i++) cells[i] = UINT32_MAX;
    return 1;
}

void port_watchdog(void) {
    WATCHDOG->lock = WATCHDOG_KEY;
    WATCHDOG->clear = 1;
    WATCHDOG->lock = 0;
}

/* A byte that comes between the last look and wfi is not lost sight of for longer than one tick. */
void port_wait(void) {
    wait_for_interrupt();
}

void port_reset(void) {
    SYSTEM->reset = SYSTEM_RESET;
    for (;;) wait_for_interrupt();
}
