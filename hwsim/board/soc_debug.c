/* A debugger's stops: at a breakpoint, or after one instruction.
 *
 * Rules it keeps:
 * - A run with stops is the run without them: the same instructions are counted, and interrupts come at the same ones.
 *   So a block in which the processor was stopped goes on before anything else happens, and is not counted again.
 * - Never inside an IT block, where the engine would lose the conditions that are left: the stop is put off to its end.
 * - A step does not go into an interrupt: its handler runs as a whole, unless it has a breakpoint.
 */
#include "soc.h"

#define NOWHERE UINT32_MAX

/* ITSTATE lies in two pieces of xPSR. */
static uint32_t it_state(soc *s) {
    uint32_t xpsr = soc_register(s, s->engine.xpsr);
    return (xpsr >> 10 & 0x3F) << 2 | (xpsr >> 25 & 3);
}

/* Whether the instruction at `address` of the block being executed is one of an IT block's. */
static int inside_it(const soc *s, uint32_t address) {
    uint32_t state = s->block_it;
    for (uint32_t at = s->block; at < address; at += soc_instruction_size(s->flash + at)) {
        const uint8_t *code = s->flash + at;
        if (state & 0xF) {
            state = state & 7 ? (state & 0xE0) | (state << 1 & 0x1F) : 0;
        } else if (code[1] == 0xBF && code[0] & 0xF) {
            state = code[0];
        }
    }
    return (state & 0xF) != 0;
}

static int wanted(const soc *s, uint32_t address) {
    const soc_debug *d = &s->debug;
    return d->due || (d->stepping && s->depth <= d->depth) || (address < FLASH_SIZE && d->breaks[address / 2]);
}

static void stop(soc *s) {
    s->debug.stopped = 1;
    s->debug.stepping = s->debug.due = 0;
    s->engine.emu_stop(s->engine.uc);
}

int soc_debug_stops(soc *s, uint32_t address) {
    if (s->debug.skip == address && s->depth == s->debug.depth) {
        s->debug.skip = NOWHERE;
        return 0;
    }
    if (!wanted(s, address)) {
        return 0;
    }
    stop(s);
    return 1;
}

void soc_debug_begin(soc *s, uint32_t address, uint32_t size) {
    s->block = s->piece = address;
    s->block_end = s->reached = address + size;
    s->block_it = it_state(s);
}

/* The engine calls it at the instructions that soc_debug_resume's caller has named. */
EXPORT void soc_on_instruction(void *uc, uint64_t wide, uint32_t size, void *user) {
    soc *s = user;
    uint32_t address = (uint32_t)wide;
    (void)uc;
    (void)size;
    if (address == s->piece || s->debug.stopped || address < s->block || s->block_end > FLASH_SIZE) {
        return; /* soc_on_block has asked where a piece begins; code in RAM has no breakpoints */
    }
    if (!wanted(s, address)) {
        return;
    }
    if (inside_it(s, address)) {
        s->debug.due = 1;
    } else {
        s->reached = address;
        stop(s);
    }
}

/* Without a debugger nothing stops; the block that it stopped in goes on like after any other stop. */
EXPORT void soc_debug_attach(soc *s, uint32_t attached) {
    s->debug.attached = (uint8_t)attached;
    s->debug.stopped = s->debug.stepping = s->debug.due = 0;
    s->debug.skip = NOWHERE;
}

EXPORT void soc_debug_break(soc *s, uint32_t address, uint32_t there) {
    if (address < FLASH_SIZE) {
        s->debug.breaks[address / 2] = (uint8_t)there;
    }
}

/* The next run goes on. The caller has seen to it that soc_on_instruction is called for 16 bytes from each
 * breakpoint on and, for a step, from the next instruction on. A step does the one it is at, breakpoint or not. */
EXPORT void soc_debug_resume(soc *s, uint32_t stepping) {
    s->debug.stopped = s->debug.due = 0;
    s->debug.stepping = (uint8_t)stepping;
    s->debug.depth = s->depth;
    s->debug.skip = stepping ? soc_register(s, s->engine.pc) & ~1u : NOWHERE;
}

/* The debugger moved the program counter: what is left of a counted block is not executed. Time stays. */
EXPORT void soc_debug_moved(soc *s) {
    if (s->reached < s->block_end && s->block_end <= FLASH_SIZE) {
        uint32_t count = soc_instructions_in(s->flash + s->reached, s->block_end - s->reached);
        s->insns -= count;
        s->spent[s->part] -= count;
    }
    s->reached = s->block_end;
}
