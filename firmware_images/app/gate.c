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

/* Taps that were let in and have not gone through yet, oldest first; and how those before them ended. As many as the loop
   keeps: where there are more, both forget the oldest. */
enum { WAITING_MAX = YIMA_OPENED_MAX };
static uint64_t waiting[WAITING_MAX];
static uint32_t waiting_count, passed_count, given_up_count;

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

/* Who was let in and did not come before the gate shut; whoever stands in the sensor then is still coming. */
static void give_up(uint64_t now_ms) {
    if (now_ms >= gate_until && !passing) given_up_count = waiting_count - passed_count;
}

static void drop_oldest(void) {
    waiting_count--;
    for (uint32_t i = 0; i < waiting_count; i++) waiting[i] = waiting[i + 1];
}

int gate_passage(uint64_t *tap, int *passed) {
    if (passed_count + given_up_count == 0) return 0;
    *tap = waiting[0];
    *passed = passed_count != 0;
    passed_count -= passed_count != 0;
    given_up_count -= !*passed;
    drop_oldest();
    return 1;
}

int gate_open(uint64_t now_ms, uint64_t tap) {
    if (GATE_HAS_FAULT && (port_inputs() & PORT_GATE_FAULT)) return 0;
    give_up(now_ms);
    admitted = now_ms < gate_until ? admitted + 1 : 1; /* who did not come in time is not waited for */
    if (GATE_HAS_PASSAGE) {
        if (waiting_count == WAITING_MAX) drop_oldest();
        waiting[waiting_count++] = tap;
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
        passed_count += passed_count + given_up_count < waiting_count;
        if (--admitted == 0) gate_until = 0;
    }
    passing = inside;
    give_up(now_ms);
    drive(now_ms);
}
