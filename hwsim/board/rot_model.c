/* rot_model.c - flash that decays under the firmware's own log, settings and parameters: what rot.py drives.
 *
 * The flash lies where the board's map has it. A case takes the flash as it was written, flips bits of one part of it,
 * and looks what the code that reads that part makes of it. Of the log some cells may be weak and read as they please, or dead and
 * read the same whatever was written. */
#define _GNU_SOURCE /* mmap at a place of one's choice */
#include <sys/mman.h>

#include "bytes.h"
#include "flashlog.h"
#include "parameters_flash.h"
#include "port.h"
#include "settings.h"

#define EXPORT __attribute__((visibility("default")))

enum {
    BLOCKS = PORT_LOG_SIZE / PORT_FLASH_BLOCK,
    FLASH_SIZE = PORT_FLASH_END - PORT_SLOT_A,
    CELLS_MAX = 8,
    LARGEST = 1000,
    UNSENT_MAX = 1000,
    ASKED_MAX = 32,
    NEW_ENTRIES = 24 /* more than a block holds */
};

/* What the station knows of a record that it has not got. */
typedef enum __attribute__((packed)) { UNTOLD, NAMED, HANDED_OUT } told_of;

/* What became of one case. */
typedef struct {
    uint32_t noticed, lost, silent, jammed, doubled;
} rot_outcome;

static uint8_t written[FLASH_SIZE];
static yima_log_port port;
static yima_log log_as_written;
static struct {
    uint32_t bit;
    uint8_t is_dead, value;
} cells[CELLS_MAX];
static uint32_t cell_count, weak_count;
static uint64_t chance;
static device_settings good_settings;
static uint32_t good_version;

static uint8_t *at(uint32_t address) {
    return (uint8_t *)(uintptr_t)address;
}

static uint32_t next_random(uint32_t below) {
    chance = chance * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((chance >> 33) % below);
}

/* The port of the whole board, as far as flash goes. */
int port_flash_program(uint32_t address, const uint8_t unit[8]) {
    for (int i = 0; i < 8; i++) {
        if ((at(address)[i] & unit[i]) != unit[i]) return 0;
    }
    memcpy(at(address), unit, 8);
    return 1;
}
int port_flash_erase(uint32_t address) {
    memset(at(address), 0xFF, PORT_FLASH_BLOCK);
    return 1;
}
void port_watchdog(void) {
}

static void read_log(void *context, uint32_t address, uint8_t *out, uint32_t size) {
    (void)context;
    memcpy(out, at(PORT_LOG + address), size);
    for (uint32_t i = 0; i < cell_count; i++) {
        const uint32_t byte = cells[i].bit / 8, mask = 1u << cells[i].bit % 8;
        if (byte < address || byte >= address + size) continue;
        uint8_t *read = &out[byte - address];
        const int is = cells[i].is_dead ? cells[i].value : ((*read & mask) != 0) ^ (next_random(2) != 0);
        *read = (uint8_t)(is ? *read | mask : *read & ~mask);
    }
}
static int program_log(void *context, uint32_t address, const uint8_t *unit) {
    (void)context;
    return port_flash_program(PORT_LOG + address, unit);
}
static int erase_log(void *context, uint32_t block) {
    (void)context;
    return port_flash_erase(PORT_LOG + block * PORT_FLASH_BLOCK);
}

/* The payload of an entry follows from its number. */
static uint32_t payload_of(uint32_t number, uint8_t out[LARGEST]) {
    uint32_t state = number * 2654435761u + 1;
    const uint32_t size = 60 + state % (LARGEST - 60);
    for (uint32_t i = 0; i < size; i++) {
        state = state * 1664525u + 1013904223u;
        out[i] = (uint8_t)(state >> 24);
    }
    return size;
}

/* Begins, once: flash with a log in its `rounds`-th round, of which the station has not got the last `unsent`; settings
 * and parameters are as the factory wrote them at `image`, the flash from PORT_SLOT_A on. 0: it could not be had. */
EXPORT int rot_begin(const uint8_t *image, uint32_t rounds, uint32_t unsent) {
    static uint8_t payload[LARGEST];
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    void *wanted = (void *)(uintptr_t)PORT_SLOT_A;
    parameters_in_force found;
    yima_log log;
    uint32_t number;
    if (mmap(wanted, FLASH_SIZE, PROT_READ | PROT_WRITE, flags, -1, 0) != wanted) return 0;
    memcpy(at(PORT_SLOT_A), image, FLASH_SIZE);
    port = (yima_log_port){.unit = 8, .read = read_log, .program = program_log, .erase = erase_log};
    cell_count = weak_count = 0;
    yima_log_open(&log, &port, BLOCKS, PORT_FLASH_BLOCK);
    while (log.sequence < rounds * BLOCKS) {
        if (!yima_log_append(&log, payload, payload_of(log.next, payload), &number)) return 0;
        if (number > unsent && number % 10 == 0 && !yima_log_acknowledge(&log, number - unsent)) return 0;
    }
    if (!yima_log_acknowledge(&log, log.next - 1 - unsent)) return 0;
    if (!settings_load() || !parameters_find(&found, NULL)) return 0;
    log_as_written = log;
    good_settings = settings;
    good_version = found.version;
    memcpy(written, at(PORT_SLOT_A), FLASH_SIZE);
    return 1;
}

/* The flash's place is free for another model. */
EXPORT void rot_end(void) {
    munmap((void *)(uintptr_t)PORT_SLOT_A, FLASH_SIZE);
}

static void flip(uint32_t address, uint32_t size, uint32_t bits) {
    while (bits-- > 0) {
        const uint32_t bit = next_random(8 * size);
        at(address)[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* A station takes all records that it has not got, once. */
static void take_records(const yima_log *log, told_of told[], rot_outcome *outcome) {
    static uint8_t payload[LARGEST], data[PORT_FLASH_BLOCK];
    const uint32_t sent = log_as_written.acknowledged;
    yima_log_place place;
    yima_log_entry entry;
    yima_log_begin(log, &place, sent + 1);
    while (yima_log_next(log, &place, &entry)) {
        if (entry.number <= sent || !yima_log_read(log, &entry, data)) continue;
        const uint32_t size = payload_of(entry.number, payload);
        outcome->silent += entry.size != size || memcmp(data, payload, size) != 0;
        if (entry.number < log_as_written.next) told[entry.number - sent - 1] = HANDED_OUT;
    }
}

/* It asks the device what is lost. What can be had is not lost, unless it reads as it pleases. */
static void take_lost(const yima_log *log, told_of told[], rot_outcome *outcome) {
    const uint32_t sent = log_as_written.acknowledged;
    yima_log_range lost = {0, 0};
    while (yima_log_lost(log, lost.last + 1, &lost)) {
        for (uint32_t number = lost.first; number <= lost.last && number < log_as_written.next; number++) {
            if (number <= sent) continue;
            outcome->silent += told[number - sent - 1] == HANDED_OUT && !weak_count;
            if (told[number - sent - 1] == UNTOLD) told[number - sent - 1] = NAMED;
        }
    }
}

/* What the station has not got is handed out as it was written, or named as lost; what weak bits hide both times, it
 * asks for again. Returns the number up to which it can acknowledge. */
static uint32_t hand_out(const yima_log *log, rot_outcome *outcome) {
    static told_of told[UNSENT_MAX];
    const uint32_t count = log_as_written.next - log_as_written.acknowledged - 1;
    uint32_t untold = count;
    memset(told, UNTOLD, sizeof told);
    for (uint32_t asked = 0; untold && asked < (weak_count ? ASKED_MAX : 1); asked++) {
        take_records(log, told, outcome);
        take_lost(log, told, outcome);
        untold = 0;
        for (uint32_t i = 0; i < count; i++) untold += told[i] == UNTOLD;
    }
    outcome->silent += untold;
    for (uint32_t i = 0; i < count; i++) outcome->lost += told[i] == NAMED;
    return log->next - 1;
}

/* The device goes on: the station acknowledges, new entries are taken, kept, and have numbers of their own. */
static void go_on(yima_log *log, uint32_t taken, rot_outcome *outcome) {
    static uint8_t payload[LARGEST];
    uint32_t number = 0, before = log_as_written.next - 1, first = 0, kept = 0;
    yima_log_place place;
    yima_log_entry entry;
    /* What meets a weak bit is refused; what is refused twice is refused for good. */
    outcome->jammed = !yima_log_acknowledge(log, taken) && !yima_log_acknowledge(log, taken);
    for (int i = 0; i < NEW_ENTRIES && !outcome->jammed; i++) {
        const uint32_t size = payload_of(log->next, payload);
        outcome->jammed =
            !yima_log_append(log, payload, size, &number) && !yima_log_append(log, payload, size, &number);
        outcome->doubled += !outcome->jammed && number <= before;
        first = first ? first : number;
        before = number;
    }
    yima_log_begin(log, &place, first);
    while (yima_log_next(log, &place, &entry)) kept += entry.number >= first;
    outcome->silent += !outcome->jammed && !weak_count && kept != NEW_ENTRIES;
}

/* `flips` bits of the log flip; `bad` cells are dead or weak. */
EXPORT void rot_log(uint64_t seed, uint32_t flips, uint32_t bad, int is_dead, rot_outcome *outcome) {
    yima_log log;
    memset(outcome, 0, sizeof *outcome);
    memcpy(at(PORT_LOG), written + (PORT_LOG - PORT_SLOT_A), PORT_LOG_SIZE);
    chance = seed;
    flip(PORT_LOG, PORT_LOG_SIZE, flips);
    for (cell_count = 0; cell_count < bad; cell_count++) {
        cells[cell_count].bit = next_random(8 * PORT_LOG_SIZE);
        cells[cell_count].is_dead = is_dead != 0;
        cells[cell_count].value = (uint8_t)next_random(2);
    }
    weak_count = is_dead ? 0 : cell_count;
    yima_log_open(&log, &port, BLOCKS, PORT_FLASH_BLOCK);
    const uint32_t taken = hand_out(&log, outcome);
    outcome->noticed = outcome->lost || !yima_log_verify(&log);
    go_on(&log, taken, outcome);
    cell_count = weak_count = 0;
}

/* `flips` bits of what is written of both copies flip; what is read is what was written, or it is refused. */
EXPORT void rot_settings(uint64_t seed, uint32_t flips, uint32_t size, rot_outcome *outcome) {
    memset(outcome, 0, sizeof *outcome);
    memcpy(at(PORT_SETTINGS), written + (PORT_SETTINGS - PORT_SLOT_A), 2 * PORT_FLASH_BLOCK);
    chance = seed;
    for (uint32_t i = 0; i < flips; i++) flip(PORT_SETTINGS + next_random(2) * PORT_FLASH_BLOCK, size, 1);
    outcome->noticed = outcome->lost = !settings_load();
    outcome->silent = !outcome->lost && memcmp(&settings, &good_settings, sizeof settings) != 0;
}

EXPORT void rot_parameters(uint64_t seed, uint32_t flips, uint32_t size, rot_outcome *outcome) {
    const uint32_t good = PORT_PARAMETERS - PORT_SLOT_A + 64;
    parameters_in_force found;
    memset(outcome, 0, sizeof *outcome);
    memcpy(at(PORT_PARAMETERS), written + (PORT_PARAMETERS - PORT_SLOT_A), 2 * PORT_PARAMETERS_SIZE);
    chance = seed;
    for (uint32_t i = 0; i < flips; i++) flip(PORT_PARAMETERS + next_random(2) * PORT_PARAMETERS_SIZE, size, 1);
    outcome->noticed = outcome->lost = !parameters_find(&found, NULL);
    outcome->silent = !outcome->lost &&
                      (found.version != good_version || memcmp(found.parameters.image, written + good, size - 64) != 0);
}
