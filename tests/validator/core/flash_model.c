/* flash_model.c - flash in memory that keeps the rules, counts operations, and loses power at one of them. For
 * test_flashlog.py, which calls it through ctypes. */
#include <stdlib.h>

#include "bytes.h"
#include "flashlog.h"

typedef struct {
    uint8_t *bytes;
    uint8_t *programmed; /* a unit: 1 since its last erase */
    uint32_t blocks, block_size, unit;
    uint32_t operations, violations;
    uint32_t cut_at; /* this operation is the last, and not done in full; UINT32_MAX: none */
    uint32_t seed;   /* how much of it is done; 0: nothing */
    int dead;
    uint32_t stuck_at; /* this byte reads as FF, whatever is programmed; 0: none */
    uint64_t worn;     /* bit n: block n cannot be erased any more */
    uint32_t erases[64];
    yima_log log;
    yima_log_place place; /* of a walk step by step */
} flash_model;

static uint32_t next_random(uint32_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    return *seed ^= *seed << 5;
}

static int is_cut(flash_model *m) {
    if (!m->dead && m->operations++ == m->cut_at) m->dead = 1;
    return m->dead;
}

static void model_read(void *context, uint32_t address, uint8_t *out, uint32_t size) {
    const flash_model *m = context;
    if (address + size > m->blocks * m->block_size) abort();
    memcpy(out, m->bytes + address, size);
    if (m->stuck_at >= address && m->stuck_at < address + size && m->stuck_at) out[m->stuck_at - address] = 0xFF;
}

/* A cut leaves any of the bits that should be cleared. */
static int model_program(void *context, uint32_t address, const uint8_t *unit) {
    flash_model *m = context;
    int is_blank = 1;
    const int was_dead = m->dead, cut = is_cut(m);
    if (was_dead) return 0;
    if (address % m->unit || address + m->unit > m->blocks * m->block_size || m->programmed[address / m->unit]) {
        m->violations++;
    }
    m->programmed[address / m->unit] = 1;
    for (uint32_t i = 0; i < m->unit; i++) {
        const uint8_t done = !cut ? 0xFF : m->seed ? (uint8_t)(next_random(&m->seed) >> 9) : 0;
        m->bytes[address + i] &= unit[i] | (uint8_t)~done;
        is_blank &= m->bytes[address + i] == 0xFF;
    }
    /* A cut so early that nothing shows: nobody can tell it from a blank unit, so it may be programmed again. */
    if (cut && is_blank) m->programmed[address / m->unit] = 0;
    return !cut;
}

/* A cut leaves part of the block erased: from either end, or here and there. */
static int model_erase(void *context, uint32_t block) {
    flash_model *m = context;
    const int was_dead = m->dead, cut = is_cut(m);
    if (was_dead) return 0;
    if (block >= m->blocks) abort();
    if (m->worn >> block & 1) return 0;
    uint8_t *bytes = m->bytes + block * m->block_size;
    const uint32_t edge = cut && m->seed ? next_random(&m->seed) % m->block_size : 0, kind = m->seed % 3;
    for (uint32_t i = 0; i < m->block_size; i++) {
        const int done = !cut || (m->seed && (kind == 0   ? i < edge
                                              : kind == 1 ? i >= edge
                                                          : next_random(&m->seed) & 1));
        if (done) bytes[i] = 0xFF;
    }
    memset(m->programmed + block * m->block_size / m->unit, 0, m->block_size / m->unit);
    m->erases[block]++;
    return !cut;
}

flash_model *model_of_units(uint32_t blocks, uint32_t block_size, uint32_t unit) {
    flash_model *m = calloc(1, sizeof *m);
    if (!m || blocks > 64) abort();
    m->blocks = blocks;
    m->block_size = block_size;
    m->unit = unit;
    m->bytes = malloc(blocks * block_size);
    m->programmed = calloc(1, blocks * block_size / unit);
    if (!m->bytes || !m->programmed) abort();
    memset(m->bytes, 0xFF, blocks * block_size);
    m->cut_at = UINT32_MAX;
    return m;
}

flash_model *model_new(uint32_t blocks, uint32_t block_size) {
    return model_of_units(blocks, block_size, 8);
}

void model_free(flash_model *m) {
    free(m->bytes);
    free(m->programmed);
    free(m);
}

/* Power comes back; the next cut is as given. */
void model_open(flash_model *m, uint32_t cut_at, uint32_t seed) {
    const yima_log_port port = {
        .context = m, .unit = m->unit, .read = model_read, .program = model_program, .erase = model_erase};
    m->dead = 0;
    m->operations = 0;
    m->cut_at = cut_at;
    m->seed = seed;
    yima_log_open(&m->log, &port, m->blocks, m->block_size);
}

uint32_t model_append(flash_model *m, const uint8_t *payload, uint32_t size) {
    uint32_t number = 0;
    return yima_log_append(&m->log, payload, size, &number) ? number : 0;
}

int model_acknowledge(flash_model *m, uint32_t number) {
    return yima_log_acknowledge(&m->log, number);
}

int model_idle(flash_model *m, uint32_t ahead) {
    return yima_log_idle(&m->log, ahead);
}

int model_verify(const flash_model *m) {
    return yima_log_verify(&m->log);
}

/* Writes number (4), size (4), payload of each kept entry from `from` on, one behind the other; returns the size. */
uint32_t model_entries(const flash_model *m, uint32_t from, uint8_t *out, uint32_t capacity) {
    yima_log_place place;
    yima_log_entry entry;
    uint32_t at = 0;
    yima_log_begin(&m->log, &place, from);
    while (yima_log_next(&m->log, &place, &entry)) {
        if (entry.number < from) continue;
        if (at + 8 + entry.size > capacity) abort();
        memcpy(out + at, &entry.number, 4);
        memcpy(out + at + 4, &entry.size, 4);
        if (!yima_log_read(&m->log, &entry, out + at + 8)) abort();
        at += 8 + entry.size;
    }
    return at;
}

/* The first lost range from a number on, both ends; 0 and 0: there is none. */
void model_lost(const flash_model *m, uint32_t from, uint32_t range[2]) {
    yima_log_range lost = {0, 0};
    (void)yima_log_lost(&m->log, from, &lost);
    range[0] = lost.first;
    range[1] = lost.last;
}

void model_begin(flash_model *m) {
    yima_log_begin(&m->log, &m->place, 0);
}

/* The number of the next entry of the walk; 0: it has ended. */
uint32_t model_next(flash_model *m) {
    yima_log_entry entry;
    return yima_log_next(&m->log, &m->place, &entry) ? entry.number : 0;
}

uint32_t model_value(const flash_model *m, int which) {
    const uint32_t values[] = {m->operations,       m->violations,  (uint32_t)m->dead,      m->log.next,
                               m->log.acknowledged, m->log.damaged, yima_log_room(&m->log), yima_log_largest(&m->log)};
    return values[which];
}

uint32_t model_erases(const flash_model *m, uint32_t block) {
    return m->erases[block];
}

void model_stick(flash_model *m, uint32_t address) {
    m->stuck_at = address;
}

void model_wear_out(flash_model *m, uint32_t block) {
    m->worn |= UINT64_C(1) << block;
}

uint8_t *model_bytes(flash_model *m) {
    return m->bytes;
}
