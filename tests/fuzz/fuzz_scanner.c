/* fuzz_scanner.c - libFuzzer target: whatever the scanner's line brings and whenever power goes, the metro gate's
 * application takes the next reading, keeps every ride for which the gate rose, and gives no number twice.
 *
 * The input is a script of a day at the gate: bytes on the line in any pieces, the world's good code, passages and a
 * gate that jams, time that passes, a clock that steps, power cuts at flash operations. */
#include "application.h"
#include "device.h"
#include "world.h"

enum { LARGEST = 8192, STEPS = 64, SILENCE_MS = 1500, PASS_MS = 40, LINE = 4096 };

typedef struct {
    script script;
    int steps;
    int asked;     /* how far it is behind the script's end; 3: the reading was answered */
    uint32_t next; /* of the log, as last seen */
} day_of;

static void wait_ms(uint32_t ms) {
    bench.until_ms = bench.now_ms + ms;
}

/* 0: power is switched off. */
static int step(script *s) {
    const uint32_t kind = take(s, 1), value = take(s, 1);
    size_t size;
    const uint8_t *bytes;
    switch (kind % 8) {
    case 0: /* the line brings something, then is silent for a while */
    case 1:
        size = take(s, 2) % LINE;
        bytes = take_bytes(s, &size);
        application_feed(PORT_SCANNER, bytes, size);
        wait_ms(kind % 8 ? value : 5);
        return 1;
    case 2:
        application_feed(PORT_SCANNER, world_code, sizeof world_code);
        wait_ms(10 * value);
        return 1;
    case 3:
        bench.inputs = value;
        wait_ms(PASS_MS);
        return 1;
    case 4:
        wait_ms(20 * value);
        return 1;
    case 5:
        bench.rtc = 1790000000 + take(s, 3) - (1 << 23);
        bench.rtc_stands = value & 1;
        bench.rtc_ms = bench.now_ms;
        wait_ms(PASS_MS);
        return 1;
    case 6: /* power goes at one of the next operations */
        application_cut_after(value);
        wait_ms(PASS_MS);
        return 1;
    default:
        return 0;
    }
}

static int turn(void *context) {
    day_of *d = context;
    demand(device.log.next >= d->next);
    d->next = device.log.next;
    demand(!application.opened || application_has_entry(application.opened));
    if (d->script.left && d->steps++ < STEPS) return step(&d->script);
    switch (d->asked++) {
    case 0: /* a quiet while, with power */
        bench.cut = UINT64_MAX;
        break;
    case 1:
        application.status.size = 0;
        application_feed(PORT_SCANNER, (const uint8_t *)"weather", 7);
        break;
    default:
        demand(application_told("tap n="));
        return 0;
    }
    wait_ms(SILENCE_MS);
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    day_of d = {.script = {data, size}};
    if (size > LARGEST) return 0;
    application_restore();
    do {
        (void)application_live(turn, &d);
    } while (d.asked < 3);
    return 0;
}
