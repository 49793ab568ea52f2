/* The system control space: SysTick, NVIC, SCB, as far as images of this tree use them. */
#include "soc.h"

#include <string.h>

enum { SYSTICK = 15, FIRST_IRQ = 16, CSR = 0x10, RVR = 0x14, CVR = 0x18, ISER = 0x100, ICER = 0x180, ISPR = 0x200 };
enum { ICPR = 0x280, IPR = 0x400, IPR_END = 0x430, ICSR = 0xD04, AIRCR = 0xD0C, SHPR = 0xD18, SHPR_END = 0xD24 };
enum { REFERENCE_CLOCK = 0, TICKS_25 = 25 };

static void start_tick(soc *s) {
    uint64_t reload = (s->scs[RVR / 4] & 0xFFFFFF) + UINT64_C(1);
    s->tick_period = s->scs[CSR / 4] & 4 ? reload * s->mhz / TICKS_25 : reload * s->mhz;
    s->tick_next = s->scs[CSR / 4] & 1 && reload > 1 ? s->now + s->tick_period : UINT64_MAX;
}

static uint32_t current_tick(const soc *s) {
    if (s->tick_next == UINT64_MAX || s->tick_next < s->now) {
        return 0;
    }
    uint64_t left = s->tick_next - s->now;
    return (uint32_t)(s->scs[CSR / 4] & 4 ? left * TICKS_25 / s->mhz : left / s->mhz);
}

EXPORT uint64_t soc_on_system_read(void *uc, uint64_t offset, unsigned size, void *user) {
    soc *s = user;
    uint32_t at = (uint32_t)offset & ~3u, value = s->scs[(at & 0xFFF) / 4];
    (void)uc;
    if (at == CSR) {
        s->scs[CSR / 4] &= ~(1u << 16); /* COUNTFLAG is cleared by reading */
    } else if (at == CVR) {
        value = current_tick(s);
    } else if (at == ISER || at == ICER) {
        value = (uint32_t)(s->enabled >> FIRST_IRQ);
    } else if (at == ISPR || at == ICPR) {
        value = (uint32_t)((s->pending | soc_lines(s)) >> FIRST_IRQ);
    } else if (at == ICSR) {
        value = s->depth ? s->active[s->depth - 1] : 0;
    }
    return size == 4 ? value : value >> 8 * (offset & 3) & (size == 1 ? 0xFF : 0xFFFF);
}

static void set_priorities(soc *s, uint32_t first, uint32_t value, unsigned size) {
    for (unsigned i = 0; i < size && first + i < EXCEPTIONS; i++) {
        s->priority[first + i] = (uint8_t)(value >> 8 * i);
    }
}

EXPORT void soc_on_system_write(void *uc, uint64_t offset, unsigned size, uint64_t wide, void *user) {
    soc *s = user;
    uint32_t at = (uint32_t)offset & 0xFFF, value = (uint32_t)wide;
    (void)uc;
    if (s->dead) {
        return;
    }
    if (size == 4) {
        s->scs[at / 4] = value;
    } else {
        memcpy((uint8_t *)s->scs + at, &value, size);
    }
    if (at == CSR || at == CVR) {
        start_tick(s);
    } else if (at == ISER) {
        s->enabled |= (uint64_t)value << FIRST_IRQ;
    } else if (at == ICER) {
        s->enabled &= ~((uint64_t)value << FIRST_IRQ);
    } else if (at == ISPR) {
        s->pending |= (uint64_t)value << FIRST_IRQ;
    } else if (at == ICPR) {
        s->pending &= ~((uint64_t)value << FIRST_IRQ);
    } else if (at >= IPR && at < IPR_END) {
        set_priorities(s, FIRST_IRQ + at - IPR, value, size);
    } else if (at >= SHPR && at < SHPR_END) {
        set_priorities(s, 4 + at - SHPR, value, size);
    } else if (at == ICSR && value & 1u << 26) {
        s->pending |= UINT64_C(1) << SYSTICK;
    } else if (at == AIRCR && value >> 16 == 0x05FA && value & 4) {
        s->stop = STOP_RESET;
    }
    soc_plan(s);
}
