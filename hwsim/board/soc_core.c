/* The processor's surroundings: counting, exceptions as ARMv7-M has them, sleep, and the loop that runs it all.
 *
 * Only the main stack is known and no floating point state is stacked: the images run so. */
#include "soc.h"

#include <stdlib.h>
#include <string.h>

enum { WHY_NONE = 0, WHY_DEADLINE, WHY_INTERRUPT };
enum { INTERRUPT_EXCEPTION_EXIT = 8, SYSTICK = 15, PRIORITY_NONE = 256 };
enum { INVALID_INSTRUCTION = 10 };                                      /* as unicorn.h has it */
enum { GUARDED_STACKING = 0x10, STACKING = 1 << 12, FORCED = 1 << 30 }; /* CFSR, HFSR */
#define XPSR_T (1u << 24)
#define XPSR_ALIGNED (1u << 9)

uint32_t soc_register(soc *s, int number) {
    uint32_t value = 0;
    s->engine.reg_read(s->engine.uc, number, &value);
    return value;
}

static void set_register(soc *s, int number, uint32_t value) {
    s->engine.reg_write(s->engine.uc, number, &value);
}

void soc_log(soc *s, soc_event_kind kind, uint32_t a, uint32_t b, uint32_t c) {
    if (s->event_count < EVENTS) {
        s->events[s->event_count++] = (soc_event){s->now, s->insns, kind, a, b, c};
    }
    if (s->event_count >= EVENTS - 256 && s->stop == STOP_TIME) {
        s->stop = STOP_EVENTS;
    }
}

/* Thumb: an instruction is 4 bytes if its first halfword begins with 11101, 11110 or 11111. */
uint32_t soc_instruction_size(const uint8_t *code) {
    return code[1] >> 3 >= 0x1D ? 4 : 2;
}

uint32_t soc_instructions_in(const uint8_t *code, uint32_t size) {
    uint32_t count = 0;
    for (uint32_t at = 0; at < size; count++) {
        at += soc_instruction_size(code + at);
    }
    return count;
}

static uint32_t count_block(soc *s, uint32_t address, uint32_t size) {
    if (address < FLASH_SIZE && address + size <= FLASH_SIZE) {
        uint32_t at = address / 2;
        if (s->block_size[at] != size) {
            s->block_size[at] = (uint16_t)size;
            s->block_insns[at] = (uint16_t)soc_instructions_in(s->flash + address, size);
        }
        return s->block_insns[at];
    }
    if (address - RAM_BASE < RAM_SIZE && address - RAM_BASE + size <= RAM_SIZE) {
        return soc_instructions_in(s->ram + (address - RAM_BASE), size);
    }
    return 0;
}

static void enter_part(soc *s, uint32_t back, uint8_t part) {
    if (s->part_depth < PART_DEPTH) {
        s->parts[s->part_depth].back = back;
        s->parts[s->part_depth].part = s->part;
        s->part_depth++;
        s->part = part;
        s->entered[part]++;
    }
}

static void count(soc *s, uint32_t instructions) {
    s->insns += instructions;
    s->now += instructions;
    s->spent[s->part] += instructions;
}

/* The rest of a block in which a debugger stopped the processor. A piece that ends early is followed by the next; one
 * that goes on behind the block is counted from there. */
static void go_on(soc *s, uint32_t address, uint32_t size) {
    if (s->debug.attached && soc_debug_stops(s, address)) {
        return;
    }
    s->piece = address;
    s->reached = address + size;
    if (s->reached > s->block_end) {
        count(s, count_block(s, s->block_end, s->reached - s->block_end));
        s->block_end = s->reached;
    }
}

EXPORT void soc_on_block(void *uc, uint64_t address, uint32_t size, void *user) {
    soc *s = user;
    (void)uc;
    if (s->reached < s->block_end) {
        go_on(s, (uint32_t)address, size);
        return;
    }
    if (s->now >= s->deadline || (s->waiting && soc_register(s, s->engine.primask) == 0)) {
        s->why = WHY_DEADLINE;
        s->engine.emu_stop(s->engine.uc);
        return;
    }
    if (s->debug.attached) {
        if (soc_debug_stops(s, (uint32_t)address)) {
            return;
        }
        soc_debug_begin(s, (uint32_t)address, size);
    }
    while (s->part_depth && s->parts[s->part_depth - 1].back == (uint32_t)address) {
        s->part = s->parts[--s->part_depth].part;
    }
    if (address < FLASH_SIZE && s->mark[address / 2]) {
        enter_part(s, soc_register(s, s->engine.lr) & ~1u, s->mark[address / 2]);
    }
    count(s, count_block(s, (uint32_t)address, size));
}

EXPORT void soc_on_interrupt(void *uc, uint32_t number, void *user) {
    soc *s = user;
    (void)uc;
    s->intno = number;
    s->why = WHY_INTERRUPT;
    s->engine.emu_stop(s->engine.uc);
}

static uint8_t *stack_at(soc *s, uint32_t address, uint32_t size) {
    uint32_t at = address - RAM_BASE;
    return at < RAM_SIZE && at + size <= RAM_SIZE ? s->ram + at : NULL;
}

static uint32_t active_priority(const soc *s) {
    uint32_t least = PRIORITY_NONE;
    for (uint32_t i = 0; i < s->depth; i++) {
        uint32_t priority = s->active[i] == HARD_FAULT ? 0 : s->priority[s->active[i]] + 1u;
        least = priority < least ? priority : least;
    }
    return least;
}

static uint64_t deliverable(const soc *s) {
    uint64_t lines = soc_lines(s);
    for (uint32_t i = 0; i < s->depth; i++) {
        lines &= ~(UINT64_C(1) << s->active[i]);
    }
    return (s->pending | lines) & s->enabled;
}

/* The exception to take now, 0: none. */
static uint32_t next_exception(const soc *s) {
    uint64_t ready = deliverable(s);
    uint32_t best = 0, least = active_priority(s);
    for (uint32_t number = 1; ready >> number; number++) {
        if (ready >> number & 1 && s->priority[number] + 1u < least) {
            best = number;
            least = s->priority[number] + 1u;
        }
    }
    return best;
}

static void lock_up(soc *s, soc_fault what, uint32_t address) {
    soc_log(s, EVENT_FAULT, what, soc_register(s, s->engine.pc), address);
    s->stop = STOP_LOCKUP;
}

/* A fault's own handler, if it is enabled and may interrupt what runs; else HardFault. */
static uint32_t handler_of(soc *s, uint32_t number) {
    uint32_t least = soc_register(s, s->engine.primask) & 1 ? 1 : active_priority(s);
    if (s->scs[SHCSR / 4] >> (number + 12) & 1 && s->priority[number] + 1u < least) {
        return number;
    }
    s->scs[HFSR / 4] |= FORCED;
    return HARD_FAULT;
}

static void enter(soc *s, uint32_t number) {
    const soc_engine *e = &s->engine;
    uint32_t sp = soc_register(s, e->sp), xpsr = soc_register(s, e->xpsr) & ~XPSR_ALIGNED;
    uint32_t aligned = (sp - 32) & ~7u, table = s->scs[0xD08 / 4];
    uint8_t *frame = stack_at(s, aligned, 32);
    if (!frame) { /* the fault comes first; a fault's own frame is given up */
        int is_guarded = soc_is_guarded(s, aligned);
        s->scs[CFSR / 4] |= is_guarded ? GUARDED_STACKING : STACKING;
        if (number > USAGE_FAULT) {
            soc_log(s, EVENT_FAULT, FAULT_STACK, soc_register(s, s->engine.pc), sp);
            number = handler_of(s, is_guarded ? MEMORY_FAULT : BUS_FAULT);
        }
    }
    if (s->depth == NESTED || soc_register(s, e->control) & 2 || table + 4 * number + 4 > FLASH_SIZE) {
        lock_up(s, FAULT_STACK, sp);
        return;
    }
    const int order[7] = {e->r0, e->r1, e->r2, e->r3, e->r12, e->lr, e->pc};
    for (int i = 0; frame && i < 7; i++) {
        uint32_t value = soc_register(s, order[i]);
        memcpy(frame + 4 * i, &value, 4);
    }
    xpsr |= sp & 4 ? XPSR_ALIGNED : 0;
    if (frame) {
        memcpy(frame + 28, &xpsr, 4);
    }
    uint32_t handler;
    memcpy(&handler, s->flash + table + 4 * number, 4);
    set_register(s, e->sp, aligned);
    set_register(s, e->xpsr, XPSR_T | number);
    set_register(s, e->lr, s->depth ? 0xFFFFFFF1u : 0xFFFFFFF9u);
    set_register(s, e->pc, handler | 1);
    s->reached = s->block_end;
    s->pending &= ~(UINT64_C(1) << number);
    s->active[s->depth++] = (uint8_t)number;
    s->sleeping = 0;
    enter_part(s, BACK_EXCEPTION, PART_INTERRUPTS);
}

static void leave(soc *s) {
    const soc_engine *e = &s->engine;
    uint32_t sp = soc_register(s, e->sp), values[8];
    const uint8_t *frame = stack_at(s, sp, 32);
    if (!frame || s->depth == 0) {
        lock_up(s, FAULT_STACK, sp);
        return;
    }
    memcpy(values, frame, 32);
    s->depth--;
    const int order[6] = {e->r0, e->r1, e->r2, e->r3, e->r12, e->lr};
    for (int i = 0; i < 6; i++) {
        set_register(s, order[i], values[i]);
    }
    set_register(s, e->xpsr, values[7] & ~XPSR_ALIGNED);
    set_register(s, e->sp, sp + 32 + (values[7] & XPSR_ALIGNED ? 4 : 0));
    set_register(s, e->pc, values[6] | 1);
    while (s->part_depth) {
        s->part = s->parts[--s->part_depth].part;
        if (s->parts[s->part_depth].back == BACK_EXCEPTION) {
            break;
        }
    }
}

/* A fault goes to its own handler or to HardFault; a second one inside HardFault locks the processor up. */
static void fault(soc *s, soc_fault what, uint32_t address) {
    for (uint32_t i = 0; i < s->depth; i++) {
        if (s->active[i] == HARD_FAULT) {
            lock_up(s, what, address);
            return;
        }
    }
    soc_log(s, EVENT_FAULT, what, soc_register(s, s->engine.pc), address);
    enter(s, handler_of(s, soc_note_cause(s, what)));
}

void soc_plan(soc *s) {
    uint64_t next = soc_next_event(s);
    s->deadline = next < s->until ? next : s->until;
    s->waiting = next_exception(s) != 0;
    if (s->stop) {
        s->deadline = 0;
    }
}

static void run_processor(soc *s) {
    const soc_engine *e = &s->engine;
    s->why = WHY_NONE;
    int error = e->emu_start(e->uc, soc_register(s, e->pc) | 1, 0xFFFFFFFFu, 0, 0);
    if ((s->stop && s->stop != STOP_EVENTS) || s->debug.stopped) {
        return; /* a full list of events waits until what the engine raised is done */
    }
    if (error) {
        fault(s, error == INVALID_INSTRUCTION ? FAULT_INSTRUCTION : FAULT_MEMORY, (uint32_t)error);
    } else if (s->why == WHY_INTERRUPT && s->intno == INTERRUPT_EXCEPTION_EXIT) {
        leave(s);
    } else if (s->why == WHY_INTERRUPT) {
        fault(s, FAULT_INSTRUCTION, s->intno);
    } else if (s->why == WHY_NONE) {
        s->sleeping = 1; /* wfi is the only other way out */
    }
}

EXPORT int soc_run(soc *s, uint64_t until) {
    s->until = until;
    if (s->stop == STOP_EVENTS && s->event_count == 0) {
        s->stop = STOP_TIME;
    }
    for (;;) {
        if (s->debug.stopped) {
            return STOP_DEBUGGER;
        }
        if (s->reached < s->block_end) {
            soc_plan(s);
            run_processor(s);
            continue;
        }
        soc_due(s);
        if (s->stop || s->now >= until) {
            return (int)s->stop;
        }
        if (s->sleeping && deliverable(s)) {
            s->sleeping = 0;
        }
        uint32_t number = next_exception(s);
        if (number && (soc_register(s, s->engine.primask) & 1) == 0) {
            enter(s, number);
        } else if (s->sleeping) {
            uint64_t next = soc_next_event(s);
            s->now = next < until ? next : until;
        } else {
            soc_plan(s);
            run_processor(s);
        }
    }
}

EXPORT soc *soc_new(const soc_engine *engine, uint8_t *flash, uint8_t *ram, uint32_t mhz) {
    soc *s = calloc(1, sizeof *s);
    if (s) {
        s->engine = *engine;
        s->flash = flash;
        s->ram = ram;
        s->mhz = mhz;
    }
    return s;
}

/* A new life of the processor, whose registers the caller has reset; the code is what it was in the lives before.
 * now: where time goes on. */
EXPORT void soc_reset(soc *s, uint64_t now) {
    memset(&s->now, 0, sizeof *s - offsetof(soc, now));
    s->now = now;
    s->debug.skip = UINT32_MAX;
    s->debug.depth = 0;
    s->cut_at = UINT64_MAX;
    s->enabled = UINT64_C(1) << SYSTICK;
    soc_devices_reset(s);
    uint32_t start[2];
    memcpy(start, s->flash, 8);
    set_register(s, s->engine.sp, start[0]);
    set_register(s, s->engine.pc, start[1] | 1);
}

EXPORT void soc_free(soc *s) {
    free(s);
}

EXPORT uint32_t soc_take_events(soc *s, soc_event *out) {
    uint32_t count = s->event_count;
    memcpy(out, s->events, count * sizeof *out);
    s->event_count = 0;
    return count;
}

EXPORT void soc_mark(soc *s, uint32_t address, uint8_t part) {
    if (address < FLASH_SIZE && part < PARTS) {
        s->mark[address / 2] = part;
    }
}

EXPORT void soc_clear_parts(soc *s) {
    memset(s->spent, 0, sizeof s->spent);
    memset(s->entered, 0, sizeof s->entered);
}

EXPORT uint64_t soc_spent(const soc *s, uint32_t part) {
    return part < PARTS ? s->spent[part] : 0;
}
EXPORT uint64_t soc_entered(const soc *s, uint32_t part) {
    return part < PARTS ? s->entered[part] : 0;
}
EXPORT uint64_t soc_now(const soc *s) {
    return s->now;
}
EXPORT uint64_t soc_insns(const soc *s) {
    return s->insns;
}
EXPORT uint64_t soc_operations(const soc *s) {
    return s->operations;
}
