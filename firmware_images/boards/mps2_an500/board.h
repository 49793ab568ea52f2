/* board.h - registers of the MPS2 AN500; see README.md. */
#ifndef YIMA_BOARD_H
#define YIMA_BOARD_H
#include <stdint.h>

typedef volatile uint32_t reg;

typedef struct {
    reg data, state, control, interrupt, baud_divisor;
} uart_registers;

typedef struct {
    reg led, unused_04, button, unused_0c, one_hz, hundred_hz, counter, prescale;
} fpgaio_registers;

typedef struct {
    reg load, value, control, clear, unused[764], lock;
} watchdog_registers;

typedef struct {
    reg control, reload, value;
} systick_registers;

typedef struct {
    reg vector_table, reset, sleep, configuration, priority[3], handlers, cause, hard_cause, debug_cause, memory, bus;
} system_registers;

typedef struct {
    reg control, number, base, attributes;
} protection_registers;

typedef struct {
    reg id, address, data[2], command, status;
} flash_registers;

#define UART0 ((uart_registers *)0x40004000)
#define UART1 ((uart_registers *)0x40005000)
#define UART2 ((uart_registers *)0x40006000)
#define WATCHDOG ((watchdog_registers *)0x40008000)
#define FLASH ((flash_registers *)0x40013000)
#define FPGAIO ((fpgaio_registers *)0x40028000)
#define SYSTICK ((systick_registers *)0xE000E010)
#define NVIC_ENABLE ((reg *)0xE000E100)
#define NVIC_PRIORITY ((reg *)0xE000E400)
#define PROTECTION ((protection_registers *)0xE000ED94)
#define SYSTEM ((system_registers *)0xE000ED08)

_Static_assert(sizeof(watchdog_registers) == 0xC04, "LOCK lies at C00");

enum {
    UART_TX = 1,
    UART_RX = 2,
    UART_TX_INTERRUPT = 4,
    UART_RX_INTERRUPT = 8,
    UART0_RX = 0,
    UART1_RX = 2,
    UART1_TX = 3,
    UART2_TX = 5,
    SYSTICK_ON = 3, /* with interrupt, from the reference clock */
    WATCHDOG_INTERRUPT = 1,
    WATCHDOG_RESET = 2,
    WATCHDOG_KEY = 0x1ACCE551,
    FLASH_ID = 0x594C4631,
    FLASH_PROGRAM = 1,
    FLASH_ERASE = 2,
    SYSTEM_RESET = 0x05FA0004
};

static inline void interrupts_off(void) {
    __asm volatile("cpsid i" ::: "memory");
}
static inline void interrupts_on(void) {
    __asm volatile("cpsie i" ::: "memory");
}
static inline void wait_for_interrupt(void) {
    __asm volatile("dsb\n wfi" ::: "memory");
}

/* From here on faults have handlers of their own, which interrupts do not keep waiting, and nothing may be touched below
 * the stack. */
void faults_on(void);
void fault(void);

void scanner_received(void);
void station_received(void);
void station_sent(void);
void status_sent(void);
void tick(void);
#endif
