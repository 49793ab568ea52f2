/* start.c - the image's first instruction and what happens before the application; see README.md. */
#include "board.h"
#include "main.h"
#include "port.h"
#include "runtime.h"

extern uint32_t image_data_from[], image_data[], image_data_end[], image_bss[], image_bss_end[];
extern const uint8_t image_start[];

__attribute__((naked, used, section(".start"))) void reset(void) {
    __asm volatile("la sp, stack_top\n j begin\n");
}

/* A trap nobody expects ends the machine: the bench has cause, place and address. */
__attribute__((aligned(4), used)) static void trap(void) {
    uint32_t cause, pc, value;
    __asm volatile("csrr %0, mcause\n csrr %1, mepc\n csrr %2, mtval\n" : "=r"(cause), "=r"(pc), "=r"(value));
    bench_say(BENCH_TRAP, cause, pc, value);
    bench_end(BENCH_TRAP);
}

__attribute__((used)) void begin(void) {
    __asm volatile("csrw mtvec, %0\n" ::"r"(trap));
    memcpy(image_data, image_data_from, (size_t)((uint8_t *)image_data_end - (uint8_t *)image_data));
    memset(image_bss, 0, (size_t)((uint8_t *)image_bss_end - (uint8_t *)image_bss));
    firmware_main();
    port_reset();
}

uint32_t port_slot(void) {
    return image_start >= port_flash_at(PORT_SLOT_B);
}
