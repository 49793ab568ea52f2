/* smp_yima.c - SMP group 64, our own: the device's state, records out with acknowledgement, parameters in.
 *
 * 0 state (read):      {} -> what the device is and how it stands
 * 1 parameters (write): {"off", "data", "len" with off 0} -> {"off"}; behind the last piece {"off", "active"}, the
 *                      version now in force
 * 2 records (read):    {"from": number} -> {"records": [{"n", "d", "h"}], "next", "ack"}: kept records from that number
 *                      on, as many as an answer holds; "h" is the log's chain value behind the record
 * 3 acknowledge (write): {"n", "h"} -> {"ack"}: the station has kept all up to n; "h" proves that it has that record
 * Errors are {"err": {"group": 64, "rc"}}; the status line says why. */
#include "bytes.h"
#include "device.h"
#include "image.h"
#include "port.h"
#include "product.h"
#include "settings.h"
#include "smp.h"
#include "status.h"

enum { STATE = 0, PARAMETERS = 1, RECORDS = 2, ACKNOWLEDGE = 3 };
enum { ERROR_REFUSED = 1, ERROR_NO_CLOCK = 2, ERROR_NO_RECORD = 3, ERROR_OTHER_RECORD = 4, ERROR_FLASH = 5 };
enum { RECORD_ROOM = 64, CHAIN = 32 };

static uint32_t parameters_size, parameters_done;

static int state(smp_request *request) {
    cbor_out *out = request->answer;
    const yima_moment now = device_now();
    cbor_put_text(out, "product", PRODUCT_NAME);
    cbor_put_text(out, "software", image_running_version());
    cbor_put_text(out, "terminal", settings.terminal);
    cbor_put_text(out, "environment", YIMA_ENVIRONMENT == ENVIRONMENT_TEST ? "test" : "production");
    cbor_put_number(out, "parameters", device.usable ? device.parameters.version : 0);
    cbor_put_bool(out, "signed", device.usable && device.parameters.package.version);
    cbor_put_number(out, "unix", (uint64_t)now.unix_s);
    cbor_put_bool(out, "trusted", now.trusted);
    cbor_put_number(out, "next", device.log.next);
    cbor_put_number(out, "ack", device.log.acknowledged);
    cbor_put_number(out, "room", yima_log_room(&device.log));
    cbor_put_number(out, "taps", device.taps);
    cbor_put_number(out, "slot", port_slot());
    cbor_put_bool(out, "serving", device.loop.in_service);
    return SMP_OK;
}

static int refuse_parameters(smp_request *request, const char *why, uint32_t code) {
    parameters_size = 0;
    status_say_text("parameters", "refused", why);
    return smp_refuse(request, code);
}

static int finish_parameters(smp_request *request) {
    const yima_moment now = device_now();
    const char *why = "";
    if (!now.trusted) return refuse_parameters(request, "NO_CLOCK", ERROR_NO_CLOCK);
    parameters_size = 0;
    if (!parameters_finish(&device.parameters, now.unix_s, &why)) return refuse_parameters(request, why, ERROR_REFUSED);
    device_reload();
    cbor_put_number(request->answer, "off", parameters_done);
    cbor_put_number(request->answer, "active", device.parameters.version);
    return SMP_OK;
}

static int take_parameters(smp_request *request) {
    const char *why = "";
    const uint8_t *data;
    uint32_t size, offset;
    if (!cbor_find_bytes(request->cbor, request->size, "data", &data, &size) ||
        !cbor_find_number(request->cbor, request->size, "off", &offset)) {
        return SMP_EINVAL;
    }
    if (offset == 0) {
        parameters_done = 0;
        if (!cbor_find_number(request->cbor, request->size, "len", &parameters_size)) return SMP_EINVAL;
        if (!parameters_begin(&device.parameters, parameters_size, &why)) {
            return refuse_parameters(request, why, ERROR_REFUSED);
        }
    }
    if (parameters_size == 0) return refuse_parameters(request, "NOT_BEGUN", ERROR_REFUSED);
    if (offset == parameters_done) {
        if (!parameters_write(offset, data, size)) return refuse_parameters(request, "FLASH", ERROR_FLASH);
        parameters_done += size;
        if (parameters_done == parameters_size) return finish_parameters(request);
    }
    cbor_put_number(request->answer, "off", parameters_done);
    return SMP_OK;
}

static int records(smp_request *request) {
    cbor_out *out = request->answer;
    yima_log_place place;
    yima_log_entry entry;
    uint32_t from = 0;
    cbor_find_number(request->cbor, request->size, "from", &from);
    cbor_put_number(out, "next", device.log.next);
    cbor_put_number(out, "ack", device.log.acknowledged);
    cbor_text(out, "records");
    cbor_array(out);
    yima_log_begin(&device.log, &place, from);
    while (yima_log_next(&device.log, &place, &entry)) {
        if (entry.number < from) continue;
        if (entry.size + CHAIN + RECORD_ROOM > out->capacity - out->size) break;
        cbor_map(out);
        cbor_put_number(out, "n", entry.number);
        cbor_text(out, "d");
        cbor_bytes(out, (const uint8_t *)(uintptr_t)(PORT_LOG + entry.address), entry.size);
        cbor_text(out, "h");
        cbor_bytes(out, entry.chain, CHAIN);
        cbor_end(out);
    }
    cbor_end(out);
    return SMP_OK;
}

static int acknowledge(smp_request *request) {
    yima_log_place place;
    yima_log_entry entry = {0};
    const uint8_t *chain;
    uint32_t number, size;
    if (!cbor_find_number(request->cbor, request->size, "n", &number) ||
        !cbor_find_bytes(request->cbor, request->size, "h", &chain, &size) || size != CHAIN) {
        return SMP_EINVAL;
    }
    yima_log_begin(&device.log, &place, number);
    while (entry.number != number) {
        if (!yima_log_next(&device.log, &place, &entry)) return smp_refuse(request, ERROR_NO_RECORD);
    }
    if (memcmp(chain, entry.chain, CHAIN) != 0) return smp_refuse(request, ERROR_OTHER_RECORD);
    if (!yima_log_acknowledge(&device.log, number)) return smp_refuse(request, ERROR_FLASH);
    device_eased();
    status_say_number("log", "acknowledged", device.log.acknowledged);
    cbor_put_number(request->answer, "ack", device.log.acknowledged);
    return SMP_OK;
}

int smp_yima(smp_request *request) {
    const int writes = request->operation == SMP_WRITE;
    if (request->command == STATE && !writes) return state(request);
    if (request->command == PARAMETERS && writes) return take_parameters(request);
    if (request->command == RECORDS && !writes) return records(request);
    if (request->command == ACKNOWLEDGE && writes) return acknowledge(request);
    return SMP_ENOTSUP;
}
