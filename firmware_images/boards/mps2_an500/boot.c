/* boot.c - a stand-in for the boot ROM where there is none (QEMU): starts slot A and checks nothing. It is part of the
 * ELF only, never of an image. */
#include <stdint.h>

extern const uint32_t vectors[], stack_top[];

__attribute__((naked, used, section(".boot_code"))) void boot(void) {
    __asm volatile("ldr r0, =vectors\n"
                   "ldr r1, [r0, #0]\n"
                   "msr msp, r1\n"
                   "ldr r1, [r0, #4]\n"
                   "bx r1\n");
}

__attribute__((section(".boot_vectors"), used)) static const void *const boot_vectors[] = {stack_top, (void *)boot};
