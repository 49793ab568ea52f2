/* fuzz_flash.c - libFuzzer target: whatever lies in flash when power comes, and wherever power went before, the
 * application starts, answers its station and its scanner, and does what application.h demands.
 *
 * The input is a script that changes flash and starts the application on it: bytes anywhere, copies of settings and
 * parameters and entries of the log whose checksums are right, flipped bits, erased blocks, power cuts. */
#include "application.h"
#include "device.h"
#include "flashlog.h"

enum { LARGEST = 16384, STEPS = 48, RUN_MS = 200, PATIENCE_MS = 3000, LOG_BLOCKS = PORT_LOG_SIZE / PORT_FLASH_BLOCK };

/* Where something lies that a start reads. */
static const uint32_t places[] = {
    PORT_SETTINGS,
    PORT_SETTINGS + PORT_FLASH_BLOCK,
    PORT_PARAMETERS,
    PORT_PARAMETERS + PORT_PARAMETERS_SIZE,
    PORT_LOG,
    PORT_SLOT_A,
    PORT_SLOT_B - PORT_FLASH_BLOCK,
    PORT_SLOT_B,
    PORT_SLOT_B + PORT_SLOT_SIZE - PORT_FLASH_BLOCK,
};

/* One of them, and so far from there; within flash. */
static uint32_t place_of(uint32_t which, uint32_t offset) {
    const uint32_t at = places[which % (sizeof places / sizeof *places)] + offset;
    return at < PORT_FLASH_END ? at : PORT_FLASH_END - 1;
}

static void put(uint32_t address, const uint8_t *bytes, size_t size) {
    if (size > PORT_FLASH_END - address) size = PORT_FLASH_END - address;
    application_touch(address, size);
    memcpy(application.flash + address, bytes, size);
}

static void put_number(uint32_t address, uint32_t number) {
    const uint8_t little[4] = {(uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16),
                               (uint8_t)(number >> 24)};
    put(address, little, sizeof little);
}

/* A copy of settings or parameters as a factory writes it, with any contents. */
static void put_copy(uint32_t address, const char *magic, uint32_t header, script *s) {
    const uint32_t sequence = take(s, 1);
    size_t size = take(s, 2);
    const uint8_t *bytes = take_bytes(s, &size);
    put(address, (const uint8_t *)magic, 4);
    put_number(address + 4, sequence);
    put_number(address + 8, (uint32_t)size);
    put_number(address + 12, yima_crc32(0, bytes, size));
    put(address + header, bytes, size);
}

static void read_log(void *context, uint32_t address, uint8_t *out, uint32_t size) {
    (void)context;
    memcpy(out, application.flash + PORT_LOG + address, size);
}

static int program_log(void *context, uint32_t address, const uint8_t *unit) {
    (void)context;
    put(PORT_LOG + address, unit, PORT_FLASH_UNIT);
    return 1;
}

static int erase_log(void *context, uint32_t block) {
    (void)context;
    application_touch(PORT_LOG + block * PORT_FLASH_BLOCK, PORT_FLASH_BLOCK);
    memset(application.flash + PORT_LOG + block * PORT_FLASH_BLOCK, 0xFF, PORT_FLASH_BLOCK);
    return 1;
}

/* An entry as the log writes one, with any contents; or one acknowledged. */
static void put_entry(script *s, int acknowledges) {
    const yima_log_port port = {.unit = PORT_FLASH_UNIT, .read = read_log, .program = program_log, .erase = erase_log};
    yima_log log;
    uint32_t number;
    yima_log_open(&log, &port, LOG_BLOCKS, PORT_FLASH_BLOCK);
    if (acknowledges) {
        (void)yima_log_acknowledge(&log, log.acknowledged + take(s, 1));
        return;
    }
    size_t size = take(s, 2);
    const uint8_t *bytes = take_bytes(s, &size);
    (void)yima_log_append(&log, bytes, (uint32_t)size, &number);
}

static int run_a_while(void *context) {
    int *turns = context;
    bench.until_ms = bench.now_ms + RUN_MS;
    return (*turns)++ < 2;
}

static void step(script *s) {
    static int turns;
    const uint32_t kind = take(s, 1), which = take(s, 1);
    uint32_t at;
    size_t size;
    const uint8_t *bytes;
    switch (kind % 8) {
    case 0:
        at = place_of(which, take(s, 2));
        size = take(s, 2);
        bytes = take_bytes(s, &size);
        put(at, bytes, size);
        break;
    case 1:
        put_copy(PORT_SETTINGS + which % 2 * PORT_FLASH_BLOCK, "YSE1", 16, s);
        break;
    case 2:
        put_copy(PORT_PARAMETERS + which % 2 * PORT_PARAMETERS_SIZE, "YPR1", 64, s);
        break;
    case 3:
    case 4:
        put_entry(s, kind % 8 == 4);
        break;
    case 5: /* a bit flips */
        at = place_of(which, take(s, 2));
        application_touch(at, 1);
        application.flash[at] ^= (uint8_t)(1 << take(s, 1) % 8);
        break;
    case 6:
        at = place_of(which, take(s, 2)) / PORT_FLASH_BLOCK * PORT_FLASH_BLOCK;
        application_touch(at, PORT_FLASH_BLOCK);
        memset(application.flash + at, 0xFF, PORT_FLASH_BLOCK);
        break;
    default:
        turns = 0;
        if (which) bench.cut = which;
        (void)application_live(run_a_while, &turns);
        break;
    }
}

/* Station and scanner ask, and both are answered. */
static int ask(void *context) {
    static const char state[] = "\n\x06\x09"
                                "AAsIAAABAEABAKCAGQ==\n";
    int *turn = context;
    bench.until_ms = bench.now_ms + PATIENCE_MS;
    if (*turn == 1) {
        application.status.size = application.station.size = 0;
        application_feed(PORT_STATION, (const uint8_t *)state, sizeof state - 1);
        application_feed(PORT_SCANNER, (const uint8_t *)"weather", 7);
    }
    if (*turn == 2) {
        demand(application.station.size > 0);
        demand(application_told("tap n="));
    }
    return (*turn)++ < 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    script s = {data, size};
    int turn = 0;
    if (size > LARGEST) return 0;
    application_restore();
    application.is_strange = 1;
    if (take(&s, 1) & 1) application_blank();
    for (int i = 0; s.left && i < STEPS; i++) step(&s);
    demand(application_live(ask, &turn) == ENDED_OFF);
    return 0;
}
