/* sm2_adx.c - the kernel for x86-64 with mulx (BMI2), adcx and adox (ADX). */
#include "sm2_private.h"

typedef int not_empty;

#ifdef YIMA_KERNEL_ADX
#include "field_adx.h"

#include "sm2_point.h"

/* CPUID leaf 7: EBX bit 8 is BMI2, bit 19 is ADX. The registers they use need nothing from the system. */
static int available(void) {
    uint32_t a = 0, b, c = 0, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    if (a < 7) return 0;
    a = 7;
    c = 0;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return (b >> 8 & 1) && (b >> 19 & 1);
}

#define KERNEL yima_sm2_kernel_adx
#define KERNEL_NAME "adx"
#include "sm2_kernel.h"

#include "sm2_build.h"
#endif
