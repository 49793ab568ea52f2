/* sm2_32.c - the kernel for 32-bit processors; compiled on a 64-bit host as well, to be tested there. */
#include "sm2_private.h"

typedef int not_empty;

#ifdef YIMA_KERNEL_32
#include "field_32.h"

#include "sm2_point.h"

static int available(void) {
    return 1;
}

#define KERNEL yima_sm2_kernel_32
#define KERNEL_NAME "32"
#include "sm2_kernel.h"

#include "sm2_build.h"
#endif
