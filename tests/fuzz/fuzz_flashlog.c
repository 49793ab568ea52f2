/* fuzz_flashlog.c - libFuzzer target: whatever is done to the flash log, and wherever its power is cut, it keeps what
 * flashlog.h promises.
 *
 * The input is a script of operations, and beside the log runs a model of them: a list. The flash itself is that of
 * tests/validator/core/flash_model.c, which does half of the operation at which the power is cut. An input whose first
 * byte has its highest bit set is no script but what lies in the flash at first: a log takes it as empty or as its own,
 * and does nothing outside it. */
#include "../validator/core/flash_model.c"
#include "fuzz.h"

enum { OPERATIONS = 400, ENTRIES_MAX = OPERATIONS + 1, LARGEST = 16384, GARBAGE = 0x80 };

typedef struct {
    uint32_t size;
    uint8_t fill;
} model_entry;

typedef struct {
    flash_model *flash;
    model_entry entries[ENTRIES_MAX]; /* by number */
    uint32_t next;
    uint32_t acknowledged; /* so far for sure */
    uint32_t asked;        /* the most that ever was */
    uint32_t maybe;        /* perhaps so far: the power was cut while it was written */
} model;

static void fill_payload(uint8_t *payload, model_entry entry) {
    for (uint32_t i = 0; i < entry.size; i++) payload[i] = (uint8_t)(entry.fill + i * 7);
}

/* 1 if an entry may be missed though the log does not know that it was acknowledged: it was, the power cuts had used up
 * the room to write that down, and one more fell into the erase that it allowed. */
static int is_missed(const model *m, uint32_t number) {
    return number <= m->asked && m->flash->log.acknowledged < m->asked;
}

/* What is kept must be what the model says; what it says and was not acknowledged must be kept. */
static void check_kept(const model *m) {
    static uint8_t kept[1 << 18], payload[1 << 16];
    const uint32_t size = model_entries(m->flash, 0, kept, sizeof kept);
    uint32_t expected = 0;
    for (uint32_t at = 0; at < size;) {
        uint32_t number, length;
        memcpy(&number, kept + at, 4);
        memcpy(&length, kept + at + 4, 4);
        demand(number >= 1 && number < m->next);
        if (expected) demand(number == expected || (number > expected && is_missed(m, number - 1)));
        demand(expected || number <= m->asked + 1); /* nothing unacknowledged stands before */
        demand(length == m->entries[number].size);
        fill_payload(payload, m->entries[number]);
        demand(memcmp(payload, kept + at + 8, length) == 0);
        expected = number + 1;
        at += 8 + length;
    }
    demand(expected ? expected == m->next || is_missed(m, m->next - 1) : m->asked + 1 >= m->next);
    demand(m->flash->log.acknowledged == m->acknowledged && m->flash->log.next == m->next);
    /* What was acknowledged, forgotten, and half erased by then is missed. */
    demand(model_verify(m->flash) || m->flash->log.acknowledged < m->asked);
    demand(m->flash->violations == 0);
}

/* Power comes back. What was cut may have been done or not, and then it is settled which. */
static void restart(model *m, model_entry in_flight) {
    model_open(m->flash, UINT32_MAX, 0);
    const yima_log *log = &m->flash->log;
    demand(log->next == m->next || (in_flight.size && log->next == m->next + 1));
    /* Of a log whose room power cuts have used up, what was acknowledged may be forgotten. */
    demand(log->acknowledged <= m->maybe);
    if (log->next > m->next) m->entries[m->next] = in_flight;
    m->next = log->next;
    m->acknowledged = m->maybe = log->acknowledged;
    check_kept(m);
}

static uint32_t append_entry(model *m, model_entry entry) {
    static uint8_t payload[1 << 16];
    fill_payload(payload, entry);
    const uint32_t number = model_append(m->flash, payload, entry.size);
    if (!number) return 0;
    demand(number == m->next);
    m->entries[m->next++] = entry;
    return number;
}

static void acknowledge(model *m, uint32_t number) {
    const int can = number < m->next;
    m->maybe = can && number > m->acknowledged ? number : m->acknowledged;
    if (m->maybe > m->asked) m->asked = m->maybe;
    const int done = model_acknowledge(m->flash, number);
    demand(m->flash->dead || done == can); /* it never fails for want of room */
    if (done) m->acknowledged = m->maybe;
    if (!m->flash->dead) m->maybe = m->acknowledged;
}

/* One operation of the script; the power may go off in it. */
static void operate(model *m, script *s) {
    const uint32_t operation = take(s, 1), value = take(s, 1);
    model_entry in_flight = {0};
    switch (operation % 6) {
    case 0:
    case 1:
        in_flight = (model_entry){.size = operation % 6 ? 1 + value : 1 + 4 * value, .fill = (uint8_t)operation};
        if (m->next < ENTRIES_MAX) append_entry(m, in_flight);
        break;
    case 2:
        acknowledge(m, value & 0x80 ? m->next - 1 + (value & 1) : m->acknowledged + value % 8);
        break;
    case 3:
        (void)model_idle(m->flash, 4 * value);
        break;
    case 4: { /* the power will go off after so many operations of the flash, in this way */
        const uint32_t seed = take(s, 4);
        m->flash->operations = 0;
        m->flash->cut_at = value;
        m->flash->seed = seed;
        break;
    }
    default:
        m->flash->dead = 1; /* the power goes off between two operations */
        break;
    }
    if (m->flash->dead) {
        restart(m, in_flight);
    } else if (m->flash->cut_at == UINT32_MAX) {
        check_kept(m);
    }
}

static void check_script(script *s, uint32_t blocks, uint32_t block_size) {
    static model m;
    memset(&m, 0, sizeof m);
    m.flash = model_new(blocks, block_size);
    m.next = 1;
    model_open(m.flash, UINT32_MAX, 0);
    for (int i = 0; s->left && i < OPERATIONS; i++) operate(&m, s);
    /* In the end everything can be acknowledged, and then there is room again. */
    restart(&m, (model_entry){0});
    acknowledge(&m, m.next - 1);
    demand(m.acknowledged == m.next - 1);
    demand(append_entry(&m, (model_entry){.size = block_size - YIMA_LOG_BLOCK_HEADER - YIMA_LOG_OVERHEAD}));
    check_kept(&m);
    model_free(m.flash);
}

/* Nothing is promised of bytes that no log wrote, but that it stays inside them, ends, and can be used. */
static void check_garbage(script *s, uint32_t blocks, uint32_t block_size) {
    static uint8_t scratch[100];
    flash_model *flash = model_new(blocks, block_size);
    for (uint32_t at = 0; s->left && at < blocks * block_size;) { /* runs: where, how long, what */
        at = take(s, 3) % (blocks * block_size);
        size_t size = take(s, 2);
        const uint8_t *bytes = take_bytes(s, &size);
        memcpy(flash->bytes + at, bytes, size < blocks * block_size - at ? size : blocks * block_size - at);
    }
    model_open(flash, UINT32_MAX, 0);
    yima_log_place place;
    yima_log_entry entry;
    uint32_t walked = 0;
    yima_log_begin(&flash->log, &place, 0);
    while (yima_log_next(&flash->log, &place, &entry)) {
        demand(entry.size <= block_size && entry.address + entry.size <= blocks * block_size);
        demand(++walked <= blocks * block_size / YIMA_LOG_OVERHEAD);
    }
    (void)yima_log_verify(&flash->log);
    uint32_t number = 0;
    if (yima_log_append(&flash->log, scratch, 100, &number)) demand(number == flash->log.next - 1);
    (void)yima_log_acknowledge(&flash->log, flash->log.next - 1);
    (void)yima_log_idle(&flash->log, 100);
    demand(yima_log_room(&flash->log) < blocks);
    model_free(flash);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1 || size > LARGEST) return 0;
    script s = {data + 1, size - 1};
    const uint32_t blocks = YIMA_LOG_BLOCKS_MIN + data[0] % 4, block_size = data[0] & 0x10 ? 4096 : 1024;
    if (data[0] & GARBAGE) {
        check_garbage(&s, blocks, block_size);
    } else {
        check_script(&s, blocks, block_size);
    }
    return 0;
}
