/* start.c - the image's vector table and what happens before main. */
#include "board.h"
#include "main.h"
#include "port.h"
#include "runtime.h"

extern uint32_t image_data_from[], image_data[], image_data_end[], image_bss[], image_bss_end[], stack_top[];
extern void (*const vectors[])(void);

void reset(void) {
    SYSTEM->vector_table = (uint32_t)(uintptr_t)vectors;
    memcpy(image_data, image_data_from, (size_t)((uint8_t *)image_data_end - (uint8_t *)image_data));
    memset(image_bss, 0, (size_t)((uint8_t *)image_bss_end - (uint8_t *)image_bss));
    faults_on();
    firmware_main();
    port_reset();
}

enum { CORE_VECTORS = 16, SYSTICK_VECTOR = 15, VECTORS = CORE_VECTORS + 32 };

uint32_t port_slot(void) {
    return (uint32_t)(uintptr_t)vectors >= PORT_SLOT_B;
}

__attribute__((section(".vectors"), used)) void (*const vectors[VECTORS])(void) = {
    [0] = (void (*)(void))(uintptr_t)stack_top,
    [1] = reset,
    [2 ... SYSTICK_VECTOR - 1] = fault,
    [SYSTICK_VECTOR] = tick,
    [CORE_VECTORS + UART0_RX] = scanner_received,
    [CORE_VECTORS + 1] = fault,
    [CORE_VECTORS + UART1_RX] = station_received,
    [CORE_VECTORS + UART1_TX] = station_sent,
    [CORE_VECTORS + 4] = fault,
    [CORE_VECTORS + UART2_TX] = status_sent,
    [CORE_VECTORS + 6 ... VECTORS - 1] = fault,
};
