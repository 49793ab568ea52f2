/* station_host.c - the firmware's SMP link over a port in memory, for test_station_link.py through ctypes. Groups other
 * than OS are answered by an echo of the request's map keys that a test asks for. */
#include <stdlib.h>

#include "device.h"
#include "image.h"
#include "port.h"
#include "runtime.h"
#include "session.h"
#include "settings.h"
#include "smp.h"
#include "station.h"
#include "status.h"

static uint8_t input[1 << 16], output[1 << 16];
static size_t input_size, input_at, output_size;
static uint32_t rtc;

size_t port_read(port_uart uart, uint8_t *out, size_t capacity, uint64_t *arrived_ms) {
    size_t size = input_size - input_at;
    (void)arrived_ms;
    if (uart != PORT_STATION) return 0;
    if (size > capacity) size = capacity;
    memcpy(out, input + input_at, size);
    input_at += size;
    return size;
}

port_line_errors port_errors(port_uart uart) {
    static const port_line_errors none;
    (void)uart;
    return none;
}

int port_write(port_uart uart, const uint8_t *bytes, size_t size) {
    if (uart == PORT_STATUS) return 1;
    if (size > sizeof output - output_size) abort();
    memcpy(output + output_size, bytes, size);
    output_size += size;
    return 1;
}

int port_written(port_uart uart) {
    (void)uart;
    return 0;
}

void port_reset(void) {
    abort();
}

uint32_t port_rtc(void) {
    return rtc;
}

uint64_t port_ms(void) {
    return 0;
}

device_settings settings = {.terminal = "T1"};

const char *image_running_version(void) {
    return "1.2.3";
}

int device_set_clock(uint32_t unix_s) {
    rtc = unix_s;
    return 1;
}

int smp_image(smp_request *request) {
    (void)request;
    return SMP_ENOTSUP;
}

/* {"key": text} -> the value of that key in the map "in" the request is, if it is a number, bytes or true. */
int smp_yima(smp_request *request) {
    const uint8_t *bytes;
    uint32_t size, number;
    if (cbor_find_number(request->cbor, request->size, "number", &number)) {
        cbor_put_number(request->answer, "number", number);
    }
    if (cbor_find_bytes(request->cbor, request->size, "bytes", &bytes, &size)) {
        cbor_text(request->answer, "bytes");
        cbor_bytes(request->answer, bytes, size);
    }
    cbor_put_bool(request->answer, "true", cbor_is_true(request->cbor, request->size, "true"));
    return SMP_OK;
}

/* Feeds bytes; returns what the station would see. */
size_t link_feed(const uint8_t *bytes, size_t size, const uint8_t **answer) {
    if (size > sizeof input) abort();
    memcpy(input, bytes, size);
    input_size = size;
    input_at = output_size = 0;
    session = (session_state){.role = SESSION_CENTRE, .until_ms = UINT64_MAX};
    while (station_run()) {
    }
    *answer = output;
    return output_size;
}
