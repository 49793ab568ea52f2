/* fault.c - what a fault, or an interrupt that nobody enabled, leaves behind: cause, place and count, in RAM that a reset
 * does not clear. Then the board starts again. A fault that comes back lets the watchdog of the boot ROM, or an
 * unconfirmed image's revert, do its work.
 *
 * The handler has the stack to itself: what stood on it is given up. Where the stack had no room for the processor's own
 * frame, nobody knows the place. */
#include "board.h"
#include "flashlog.h"
#include "port.h"
#include "runtime.h"

enum {
    MAGIC = 0x544C4659, /* "YFLT" */
    OWN_HANDLERS = 7u << 16,
    LOWER = 0x80,
    STACKING = 1u << 4 | 1u << 12,
    GUARD = 1 << 20,            /* bytes below the stack: more than any function takes at once */
    GUARD_REGION = 19 << 1 | 1, /* 2 to the 20th bytes, no access */
    PROTECTION_ON = 5,          /* with the default map beside the regions */
    FRAME = 32,
    FRAME_PC = 6,
    PUSHED_MOST = 64 /* by one instruction */
};
enum { HARD_FAULT = 3, MEMORY_FAULT, BUS_FAULT, USAGE_FAULT };

typedef struct {
    uint32_t magic;
    port_fault fault;
    uint32_t crc;
} kept;

_Static_assert(sizeof(kept) <= 64, "the linker script's room");

extern kept fault_kept;
extern uint8_t stack_bottom[], stack_top[];

static uint32_t crc_of_kept(void) {
    return yima_crc32(0, (const uint8_t *)&fault_kept, offsetof(kept, crc));
}

static int is_kept(void) {
    return fault_kept.magic == MAGIC && fault_kept.crc == crc_of_kept();
}

static port_fault_kind kind_of(uint32_t exception, uint32_t sp) {
    if (sp < (uint32_t)(uintptr_t)stack_bottom + PUSHED_MOST) return PORT_FAULT_STACK;
    switch (exception) {
    case HARD_FAULT:
        return PORT_FAULT_HARD;
    case MEMORY_FAULT:
        return PORT_FAULT_MEMORY;
    case BUS_FAULT:
        return PORT_FAULT_BUS;
    case USAGE_FAULT:
        return PORT_FAULT_USAGE;
    default:
        return PORT_FAULT_INTERRUPT;
    }
}

__attribute__((used)) _Noreturn void fault_keep(uint32_t sp, uint32_t exception) {
    const uint32_t cause = SYSTEM->cause;
    const int has_frame =
        !(cause & STACKING) && sp >= (uint32_t)(uintptr_t)stack_bottom && sp <= (uint32_t)(uintptr_t)stack_top - FRAME;
    const uint32_t count = is_kept() ? fault_kept.fault.count : 0;
    fault_kept.magic = MAGIC;
    fault_kept.fault = (port_fault){.count = count + 1,
                                    .kind = kind_of(exception, sp),
                                    .exception = exception,
                                    .cause = cause,
                                    .hard_cause = SYSTEM->hard_cause,
                                    .pc = has_frame ? ((const uint32_t *)(uintptr_t)sp)[FRAME_PC] : 0,
                                    .is_new = 1};
    fault_kept.crc = crc_of_kept();
    port_reset();
}

__attribute__((naked)) void fault(void) {
    __asm volatile("mrs r0, msp\n"
                   "mrs r1, ipsr\n"
                   "ldr r2, =stack_top\n"
                   "mov sp, r2\n"
                   "b fault_keep\n");
}

void faults_on(void) {
    PROTECTION->number = 0;
    PROTECTION->base = (uint32_t)(uintptr_t)stack_bottom - GUARD;
    PROTECTION->attributes = GUARD_REGION;
    PROTECTION->control = PROTECTION_ON;
    __asm volatile("dsb\n isb" ::: "memory");
    SYSTEM->handlers = OWN_HANDLERS;
    SYSTEM->priority[2] = (uint32_t)LOWER << 24; /* SysTick */
    NVIC_PRIORITY[0] = NVIC_PRIORITY[1] = LOWER * 0x01010101u;
}

port_fault port_last_fault(void) {
    if (!is_kept()) return (port_fault){0};
    const port_fault found = fault_kept.fault;
    fault_kept.fault.is_new = 0;
    fault_kept.crc = crc_of_kept();
    return found;
}
