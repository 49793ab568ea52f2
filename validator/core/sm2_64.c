/* sm2_64.c - the portable kernel for machines with a 64-bit multiplier. */
#include "sm2_private.h"

typedef int not_empty;

#ifdef YIMA_KERNEL_64
#include "field_64.h"

#include "sm2_point.h"

static int available(void) {
    return 1;
}

#define KERNEL yima_sm2_kernel_64
#define KERNEL_NAME "64"
#include "sm2_kernel.h"

#include "sm2_build.h"
#endif
