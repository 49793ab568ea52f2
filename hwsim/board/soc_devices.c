/* The peripherals: system control space with SysTick, three UARTs, FPGAIO, watchdog, flash controller. */
#include "soc.h"

#include <string.h>

#define NEVER UINT64_MAX
enum { SYSTICK = 15, FIRST_IRQ = 16, BOARD_MHZ = 25 };
enum { UART_TX_FULL = 1, UART_RX_FULL = 2, UART_RX_OVERRUN = 8, UART_RX_FRAMING = 16, UART_RX_BREAK = 32 };
enum { UART_WRONG = UART_RX_OVERRUN | UART_RX_FRAMING | UART_RX_BREAK };
enum { UART_TX_ENABLE = 1, UART_RX_ENABLE = 2, UART_TX_INTERRUPT = 4, UART_RX_INTERRUPT = 8 };
#define FLASH_ID 0x594C4631u
#define DOG_KEY 0x1ACCE551u

static uint64_t cycles(const soc *s, uint64_t ticks) {
    return ticks * s->mhz / BOARD_MHZ;
}

static uint64_t ticks(const soc *s, uint64_t cycles) {
    return cycles * BOARD_MHZ / s->mhz;
}

static uint64_t byte_time(const soc *s, const soc_uart *u) {
    uint32_t divider = u->bauddiv < 16 ? 16 : u->bauddiv;
    return cycles(s, UINT64_C(10) * divider); /* start, 8 bits, stop */
}

void soc_devices_reset(soc *s) {
    s->tick_next = s->dog_next = NEVER;
    s->prescale = 0;
    s->scs[0xD00 / 4] = 0x411FC272; /* CPUID: Cortex-M7 r1p2 */
    for (int i = 0; i < UARTS; i++) {
        s->uart[i].rx_next = NEVER;
        s->uart[i].bauddiv = 217;
    }
}

static uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

uint64_t soc_next_event(const soc *s) {
    uint64_t next = least(s->tick_next, s->dog_next);
    for (int i = 0; i < UARTS; i++) {
        next = least(next, s->uart[i].rx_next);
        next = least(next, s->uart[i].tx_done ? s->uart[i].tx_done : NEVER);
    }
    return next;
}

/* Interrupt lines that are up, as bits of exception numbers. */
uint64_t soc_lines(const soc *s) {
    uint64_t lines = 0;
    for (int i = 0; i < UARTS; i++) {
        lines |= (uint64_t)(s->uart[i].intstatus >> 1 & 1) << (FIRST_IRQ + 2 * i);
        lines |= (uint64_t)(s->uart[i].intstatus & 1) << (FIRST_IRQ + 2 * i + 1);
    }
    return lines;
}

static void uart_due(soc *s, uint32_t number) {
    soc_uart *u = &s->uart[number];
    if (u->tx_done && u->tx_done <= s->now) {
        soc_log(s, EVENT_TX, number, u->tx, 0);
        u->tx_done = 0;
        u->state &= ~(uint32_t)UART_TX_FULL;
        u->intstatus |= u->ctrl & UART_TX_INTERRUPT ? 1 : 0;
    }
    while (u->rx_next <= s->now) {
        uint8_t byte = u->in[u->head], harm = u->harm[u->head];
        u->head = (u->head + 1) % UART_IN;
        u->rx_next = u->head == u->tail ? NEVER : u->rx_next + byte_time(s, u);
        if (!(u->ctrl & UART_RX_ENABLE) || u->state & UART_RX_FULL) {
            u->state |= u->ctrl & UART_RX_ENABLE ? UART_RX_OVERRUN : 0;
            soc_log(s, EVENT_OVERRUN, number, byte, 0);
        } else {
            u->rx = byte;
            u->state |= UART_RX_FULL;
            u->state |= harm == HARM_FRAMING ? UART_RX_FRAMING : harm == HARM_BREAK ? UART_RX_BREAK : 0;
            u->intstatus |= u->ctrl & UART_RX_INTERRUPT ? 2 : 0;
        }
    }
}

void soc_due(soc *s) {
    for (uint32_t i = 0; i < UARTS; i++) {
        uart_due(s, i);
    }
    if (s->tick_next <= s->now) {
        while (s->tick_next <= s->now) { /* ticks that a flash operation hid are one */
            s->tick_next += s->tick_period;
        }
        s->scs[0x10 / 4] |= 1u << 16;
        if (s->scs[0x10 / 4] & 2) {
            s->pending |= UINT64_C(1) << SYSTICK;
        }
    }
    if (s->dog_next <= s->now) {
        if (s->dog_raised && s->dog_control & 2) {
            soc_log(s, EVENT_WATCHDOG, 2, soc_register(s, s->engine.pc), 0);
            s->stop = STOP_WATCHDOG;
            s->dog_next = NEVER;
        } else {
            soc_log(s, EVENT_WATCHDOG, 1, soc_register(s, s->engine.pc), 0);
            s->dog_raised = 1;
            s->dog_next += cycles(s, s->dog_load);
        }
    }
}

/* Puts bytes onto the line into a UART; returns how many found room. They arrive at the UART's own baud rate, all with
 * the same harm (soc_harm). */
EXPORT uint32_t soc_feed(soc *s, uint32_t number, const uint8_t *bytes, uint32_t size, uint32_t harm) {
    soc_uart *u = &s->uart[number];
    uint32_t fed = 0;
    while (fed < size && (u->tail + 1) % UART_IN != u->head) {
        if (u->rx_next == NEVER) {
            u->rx_next = s->now + byte_time(s, u);
        }
        u->in[u->tail] = harm == HARM_BREAK ? 0 : bytes[fed];
        u->harm[u->tail] = (uint8_t)harm;
        fed++;
        u->tail = (u->tail + 1) % UART_IN;
    }
    return fed;
}

/* Bytes on the line that have not arrived. */
EXPORT uint32_t soc_on_the_line(const soc *s, uint32_t number) {
    return (s->uart[number].tail + UART_IN - s->uart[number].head) % UART_IN;
}

static uint32_t uart_read(soc *s, soc_uart *u, uint32_t offset) {
    switch (offset) {
    case 0x00:
        u->state &= ~(uint32_t)UART_RX_FULL;
        return u->rx;
    case 0x04:
        return u->state;
    case 0x08:
        return u->ctrl;
    case 0x0C:
        return u->intstatus;
    case 0x10:
        return u->bauddiv;
    default:
        (void)s;
        return 0;
    }
}

static void uart_write(soc *s, soc_uart *u, uint32_t offset, uint32_t value) {
    switch (offset) {
    case 0x00:
        if (u->ctrl & UART_TX_ENABLE && !u->tx_done) {
            u->tx = (uint8_t)value;
            u->tx_done = s->now + byte_time(s, u);
            u->state |= UART_TX_FULL;
        }
        break;
    case 0x04:
        u->state &= ~(value & UART_WRONG);
        break;
    case 0x08:
        u->ctrl = value & 0x7F;
        break;
    case 0x0C:
        u->intstatus &= ~value;
        break;
    case 0x10:
        u->bauddiv = value;
        break;
    default:
        break;
    }
}

static uint32_t milliseconds(const soc *s) {
    return s->counter_base + (uint32_t)(ticks(s, s->now - s->counter_at) / (s->prescale + UINT64_C(1)));
}

EXPORT uint32_t soc_rtc(const soc *s) {
    const uint64_t million = 1000000, us = (s->now - s->rtc_at) / s->mhz;
    return s->rtc_base +
           (s->rtc_stopped ? 0 : (uint32_t)(us * (million + (uint64_t)(int64_t)s->drift_ppm) / million / million));
}

/* What a board is like that is not as it should be; 0: no flash operation takes time, no clock drifts. */
EXPORT void soc_set_flaws(soc *s, uint64_t program_cycles, uint64_t erase_cycles, int32_t drift_ppm) {
    s->program_cycles = program_cycles;
    s->erase_cycles = erase_cycles;
    s->drift_ppm = drift_ppm;
}

/* Time that went by for the two clocks alone, so that they still keep each other's pace. */
EXPORT void soc_forward_clocks(soc *s, uint32_t seconds) {
    s->rtc_base += s->rtc_stopped ? 0 : seconds;
    s->counter_base += (uint32_t)(UINT64_C(1000000) * BOARD_MHZ * seconds / (s->prescale + UINT64_C(1)));
}

/* stopped: the oscillator stands still, the register keeps its value. */
EXPORT void soc_set_rtc(soc *s, uint32_t unix_s, uint32_t stopped) {
    s->rtc_base = unix_s;
    s->rtc_at = s->now;
    s->rtc_stopped = stopped;
}

EXPORT void soc_set_buttons(soc *s, uint32_t value) {
    s->buttons = value;
}
EXPORT void soc_set_cut(soc *s, uint64_t operation) {
    s->cut_at = operation;
}

static uint32_t io_read(soc *s, uint32_t offset) {
    switch (offset) {
    case 0x00:
        return s->pins;
    case 0x08:
        return s->buttons;
    case 0x10:
        return soc_rtc(s);
    case 0x14:
        return (uint32_t)(s->now / (UINT64_C(10000) * s->mhz));
    case 0x18:
        return milliseconds(s);
    case 0x1C:
        return s->prescale;
    default:
        return 0;
    }
}

static void io_write(soc *s, uint32_t offset, uint32_t value) {
    if (offset == 0x00) {
        if (s->pins != value) {
            s->pins = value;
            soc_log(s, EVENT_PINS, value, 0, 0);
        }
    } else if (offset == 0x10) {
        soc_set_rtc(s, value, s->rtc_stopped);
    } else if (offset == 0x18 || offset == 0x1C) {
        s->counter_base = offset == 0x18 ? value : milliseconds(s);
        s->counter_at = s->now;
        s->prescale = offset == 0x1C ? value : s->prescale;
    }
}

static uint32_t dog_read(const soc *s, uint32_t offset) {
    switch (offset) {
    case 0x00:
        return s->dog_load;
    case 0x04:
        return s->dog_next == NEVER ? s->dog_load : (uint32_t)ticks(s, s->dog_next - s->now);
    case 0x08:
        return s->dog_control;
    case 0x10:
        return s->dog_raised;
    case 0xC00:
        return s->dog_locked;
    default:
        return 0;
    }
}

static void dog_write(soc *s, uint32_t offset, uint32_t value) {
    if (offset == 0xC00) {
        s->dog_locked = value != DOG_KEY;
        return;
    }
    if (s->dog_locked) {
        return;
    }
    if (offset == 0x00) {
        s->dog_load = value;
    } else if (offset == 0x08) {
        s->dog_control = value & 3;
    } else if (offset == 0x0C) {
        s->dog_raised = 0;
    } else {
        return;
    }
    s->dog_next = s->dog_control & 1 && s->dog_load ? s->now + cycles(s, s->dog_load) : NEVER;
}

static uint32_t flash_command(soc *s, uint32_t command) {
    uint32_t at = s->flash_address, erase = command == 2;
    if ((command != 1 && !erase) || at < FLASH_LOW || at >= FLASH_HIGH || at % (erase ? BLOCK_SIZE : 8)) {
        return 2;
    }
    uint8_t data[8];
    memcpy(data, s->flash_data, 8);
    for (int i = 0; i < 8 && !erase; i++) {
        if (data[i] & ~s->flash[at + i]) {
            return 1;
        }
    }
    soc_log(s, EVENT_FLASH, at | erase << 31, s->flash_data[0], s->flash_data[1]);
    if (s->operations == s->cut_at) {
        s->stop = STOP_POWER;
        s->dead = 1;
        return 0;
    }
    s->operations++;
    if (erase) {
        memset(s->flash + at, 0xFF, BLOCK_SIZE);
    } else {
        memcpy(s->flash + at, data, 8);
    }
    s->now += erase ? s->erase_cycles : s->program_cycles; /* the processor cannot read its code meanwhile */
    return 0;
}

static void flash_write(soc *s, uint32_t offset, uint32_t value) {
    if (offset == 0x04) {
        s->flash_address = value;
    } else if (offset == 0x08 || offset == 0x0C) {
        s->flash_data[offset / 4 - 2] = value;
    } else if (offset == 0x10) {
        s->flash_status = flash_command(s, value);
        if (s->flash_status) {
            soc_log(s, EVENT_FAULT, FAULT_FLASH, soc_register(s, s->engine.pc), s->flash_address);
        }
    }
}

EXPORT uint64_t soc_on_read(void *uc, uint64_t offset, unsigned size, void *user) {
    soc *s = user;
    uint32_t at = (uint32_t)offset, page = at & ~0xFFFu, low = at & 0xFFF;
    (void)uc;
    (void)size;
    if (page >= 0x4000 && page <= 0x6000) {
        return uart_read(s, &s->uart[(page >> 12) - 4], low);
    }
    if (page == 0x8000) {
        return dog_read(s, low);
    }
    if (page == 0x28000) {
        return io_read(s, low);
    }
    if (page == 0x13000) {
        const uint32_t values[6] = {FLASH_ID, s->flash_address, s->flash_data[0], s->flash_data[1], 0, s->flash_status};
        return low < sizeof values ? values[low / 4] : 0;
    }
    return 0;
}

EXPORT void soc_on_write(void *uc, uint64_t offset, unsigned size, uint64_t value, void *user) {
    soc *s = user;
    uint32_t at = (uint32_t)offset, page = at & ~0xFFFu, low = at & 0xFFF;
    (void)uc;
    (void)size;
    if (s->dead) {
        return; /* power is gone: the rest of the block has no effect */
    }
    if (page >= 0x4000 && page <= 0x6000) {
        uart_write(s, &s->uart[(page >> 12) - 4], low, (uint32_t)value);
    } else if (page == 0x8000) {
        dog_write(s, low, (uint32_t)value);
    } else if (page == 0x28000) {
        io_write(s, low, (uint32_t)value);
    } else if (page == 0x13000) {
        flash_write(s, low, (uint32_t)value);
    }
    soc_plan(s);
}
