/* What a fault leaves for its handler: cause and address in the SCB, and the guard region of the MPU. */
#include "soc.h"

enum { FETCH_UNMAPPED = 21, FETCH_PROTECTED = 24 }; /* as unicorn.h has them */
enum { MPU_CTRL = 0xD94, MPU_RBAR = 0xD9C, MPU_RASR = 0xDA0 };
enum { GUARDED = 0x82, FETCH = 1 << 8, PRECISE = 0x8200, UNDEFINED = 1 << 16 }; /* CFSR; two with the address */

/* Whether the MPU's region 0 forbids an address. It is the only one that is known, as a guard where nothing is mapped:
 * what is mapped is not looked at, access by access. */
int soc_is_guarded(const soc *s, uint32_t address) {
    uint32_t attributes = s->scs[MPU_RASR / 4], size = attributes >> 1 & 31;
    int is_on = s->scs[MPU_CTRL / 4] & 1 && attributes & 1 && (attributes >> 24 & 7) == 0;
    return is_on && address >> size >> 1 == s->scs[MPU_RBAR / 4] >> size >> 1;
}

/* What the fault status says; which handler it is for. */
uint32_t soc_note_cause(soc *s, soc_fault what) {
    uint32_t *cause = &s->scs[CFSR / 4];
    if (what == FAULT_INSTRUCTION) {
        *cause |= UNDEFINED;
        return USAGE_FAULT;
    }
    if (s->touch == FETCH_UNMAPPED || s->touch == FETCH_PROTECTED) {
        *cause |= FETCH;
        return BUS_FAULT;
    }
    if (soc_is_guarded(s, s->touched)) {
        *cause |= GUARDED;
        s->scs[MMFAR / 4] = s->touched;
        return MEMORY_FAULT;
    }
    *cause |= PRECISE;
    s->scs[BFAR / 4] = s->touched;
    return BUS_FAULT;
}

/* Whatever the processor touches where there is nothing, or that it may not. */
EXPORT int soc_on_invalid(void *uc, int how, uint64_t address, int size, int64_t value, void *user) {
    soc *s = user;
    (void)uc;
    (void)size;
    (void)value;
    s->touch = (uint32_t)how;
    s->touched = (uint32_t)address;
    return 0;
}
