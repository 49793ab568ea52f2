/* gate.c - see gate.h. Each pin is on until a moment; the gate, where there is a passage sensor, also until as many
 * have gone through as were let through. */
#include "gate.h"

#include "port.h"
#include "product.h"
#include "status.h"
#include "yima/core.h"
#include "yima/loop.h"

enum { GREEN_MS = 1000, RED_MS = 1500, ACCEPTED_SOUND_MS = 100, REFUSED_SOUND_MS = 400 };

static uint64_t gate_until, green_until, red_until, buzzer_until;
static uint32_t shown, passing, admitted, in_service; /* out of service until told otherwise */

/* Taps that were let in, oldest first, until it is told how they ended. As many as the loop keeps: where there are more,
   both forget the oldest. */
typedef enum { COMING, PASSED, GIVEN_UP } ending;
enum { WAITING_MAX = YIMA_OPENED_MAX };
static struct {
    uint64_t tap;
    ending end;
} waiting[WAITING_MAX];
static uint32_t waiting_count;

static void drive(uint64_t now_ms) {
    const uint32_t pins = (now_ms < gate_until ? PORT_GATE : 0) |
                          (now_ms < green_until || now_ms < gate_until ? PORT_GREEN : 0) |
                          (now_ms < red_until ? PORT_RED : 0) | (now_ms < buzzer_until ? PORT_BUZZER : 0) |
                          (in_service ? 0 : PORT_OUT_OF_SERVICE);
    if (pins == shown) return;
    port_pins(pins);
    if ((pins ^ shown) & PORT_GATE) status_say_text("gate", "state", pins & PORT_GATE ? "open" : "shut");
    shown = pins;
}

/* The oldest who is still to come; waiting_count: there is none. */
static uint32_t first_coming(void) {
    uint32_t i = 0;
    while (i < waiting_count && waiting[i].end != COMING) i++;
    return i;
}

/* Who was let in and did not come before the gate shut; whoever stands in the sensor then is still coming. */
static void give_up(uint64_t now_ms) {
    if (now_ms < gate_until) return;
    for (uint32_t i = first_coming() + (passing != 0); i < waiting_count; i++) waiting[i].end = GIVEN_UP;
}

static void drop_oldest(void) {
    waiting_count--;
    for (uint32_t i = 0; i < waiting_count; i++) waiting[i] = waiting[i + 1];
}

int gate_passage(uint64_t *tap, int *passed) {
    if (waiting_count == 0 || waiting[0].end == COMING) return 0;
    *tap = waiting[0].tap;
    *passed = waiting[0].end == PASSED;
    drop_oldest();
    return 1;
}

int gate_open(uint64_t now_ms, uint64_t tap) {
    if (GATE_HAS_FAULT && (port_inputs() & PORT_GATE_FAULT)) return 0;
    give_up(now_ms);
    /* Who did not come in time is not waited for; who stands in the sensor leaves it before this rider does. */
    if (now_ms >= gate_until) admitted = first_coming() < waiting_count;
    admitted++;
    if (GATE_HAS_PASSAGE) {
        if (waiting_count == WAITING_MAX) drop_oldest();
        waiting[waiting_count].tap = tap;
        waiting[waiting_count++].end = COMING;
    }
    gate_until = now_ms + GATE_OPEN_MS;
    green_until = now_ms + GREEN_MS;
    red_until = 0;
    buzzer_until = now_ms + ACCEPTED_SOUND_MS;
    drive(now_ms);
    return 1;
}

void gate_refuse(uint64_t now_ms) {
    red_until = now_ms + RED_MS;
    green_until = 0;
    buzzer_until = now_ms + REFUSED_SOUND_MS;
    drive(now_ms); /* who was let through before may still pass */
}

void gate_show_again(int accepted, uint64_t now_ms) {
    if (accepted) {
        green_until = now_ms + GREEN_MS;
    } else {
        red_until = now_ms + RED_MS;
    }
    drive(now_ms);
}

void gate_out_of_service(int is) {
    in_service = !is;
}

void gate_run(uint64_t now_ms) {
    const uint32_t inside = GATE_HAS_PASSAGE ? port_inputs() & PORT_PASSAGE : 0;
    if (passing && !inside && admitted) {
        const uint32_t first = first_coming();
        if (first < waiting_count) waiting[first].end = PASSED;
        if (--admitted == 0) gate_until = 0;
    }
    passing = inside;
    give_up(now_ms);
    drive(now_ms);
}
