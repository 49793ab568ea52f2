/* main.c - the main loop: scanner bytes in, taps, station, pins. Nothing in it waits; it sleeps when all is quiet. */
#include "device.h"
#include "framing.h"
#include "gate.h"
#include "image.h"
#include "main.h"
#include "port.h"
#include "product.h"
#include "settings.h"
#include "station.h"
#include "status.h"

static framing scanner;
static status_errors scanner_errors;

static void on_payload(void *context, const uint8_t *payload, size_t length) {
    (void)context;
    device_tap(payload, length);
}

static int run_scanner(void) {
    uint8_t bytes[256];
    uint64_t arrived_ms;
    const size_t size = port_read(PORT_SCANNER, bytes, sizeof bytes, &arrived_ms);
    status_tell_errors(&scanner_errors, "scanner", port_errors(PORT_SCANNER), port_ms());
    if (size) {
        framing_feed(&scanner, bytes, size, arrived_ms);
    } else {
        framing_silence(&scanner, port_ms()); /* it is silent: we have just looked */
    }
    return size != 0;
}

static void say_who_we_are(void) {
    status_begin("yima");
    status_text("version", image_running_version());
    status_text("product", PRODUCT_NAME);
    status_text("environment", YIMA_ENVIRONMENT == ENVIRONMENT_TEST ? "TEST" : "production");
    status_end();
}

static void tell_fault(void) {
    device.fault = port_last_fault();
    if (!device.fault.is_new) return;
    status_begin("fault");
    status_number("count", device.fault.count);
    status_text("kind", device_fault_name());
    status_hex("cause", device.fault.cause);
    status_hex("hard", device.fault.hard_cause);
    status_hex("pc", device.fault.pc);
    status_end();
}

int firmware_main(void) {
    port_init();
    say_who_we_are();
    tell_fault();
    const int has_settings = settings_load();
    if (!has_settings) status_say_text("settings", "refused", "NONE");
    scanner.deliver = on_payload;
    device_start(has_settings);
    status_say_text("ready", "terminal", settings.terminal);
    uint64_t looked_ms = port_ms();
    for (;;) {
        port_watchdog();
        const int busy = run_scanner() + station_run();
        const uint64_t now_ms = port_ms();
        /* While bytes come in the loop turns several times a millisecond, and nothing here is finer than that. */
        if (now_ms != looked_ms) {
            looked_ms = now_ms;
            gate_run(now_ms);
            device_moment();
        }
        if (!busy && !(framing_idle(&scanner) && device_idle())) port_wait();
    }
}
