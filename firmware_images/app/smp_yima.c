/* smp_yima.c - SMP group 64, our own: the device's state, records out with acknowledgement, parameters in.
 *
 * 0 state (read):      {} -> what the device is and how it stands
 * 1 parameters (write): {"off", "data", "len" with off 0} -> {"off"}; behind the last piece {"off", "active",
 *                      "waiting"}: the versions now in force and waiting for its time, 0: none
 * 2 records (read):    {"from": number, "off"} -> {"records": [{"n", "d", "h"}], "next", "ack", "lost": [{"from", "to"}]}:
 *                      kept records from that number on, as many as an answer holds; "h" is the log's chain value behind
 *                      the record. Of one that no answer holds, a piece from "off" on, with {"off", "len"}. "lost":
 *                      ranges of numbers, as far as these records go, that cannot be read any more
 * 3 acknowledge (write): {"n", "h"} -> {"ack"}: the station has kept all up to n; "h" proves that it has that record.
 *                      Behind the acknowledged a lost range may be acknowledged with any "h"
 * 4 session:           see smp_session.c
 * 5 place (write):     {"line", "stop", "direction"} -> the same: where a bus is now, numbers of the fare tables, 0: at
 *                      none; direction 0 none, 1 entry, 2 exit; what is left out stays
 * All but state and session are let in within a session only (session.h).
 * Errors are {"err": {"group": 64, "rc"}}; the status line says why. */
#include "bytes.h"
#include "device.h"
#include "image.h"
#include "port.h"
#include "product.h"
#include "session.h"
#include "settings.h"
#include "smp.h"
#include "status.h"

enum { STATE = 0, PARAMETERS = 1, RECORDS = 2, ACKNOWLEDGE = 3, SESSION = 4, PLACE = 5 };
enum { ERROR_REFUSED = 1, ERROR_NO_CLOCK = 2, ERROR_NO_RECORD = 3, ERROR_OTHER_RECORD = 4, ERROR_FLASH = 5 };
enum { RECORD_ROOM = 192, CHAIN = 32, LOST_MAX = 4 }; /* room for the rest of the answer */

static uint32_t parameters_size, parameters_done;

/* Entries that the station has not got and never will. */
static uint32_t lost_numbers(void) {
    yima_log_range lost = {0, 0};
    uint32_t count = 0;
    for (uint32_t i = 0; i < 64 && yima_log_lost(&device.log, lost.last + 1, &lost); i++) {
        count += lost.last - lost.first + 1;
    }
    return count;
}

static void put_fault(cbor_out *out) {
    cbor_text(out, "fault");
    cbor_map(out);
    cbor_put_text(out, "kind", device_fault_name());
    cbor_put_number(out, "cause", device.fault.cause);
    cbor_put_number(out, "hard", device.fault.hard_cause);
    cbor_put_number(out, "pc", device.fault.pc);
    cbor_end(out);
}

static int state(smp_request *request) {
    cbor_out *out = request->answer;
    const yima_moment now = device_now();
    cbor_put_text(out, "product", PRODUCT_NAME);
    cbor_put_text(out, "software", image_running_version());
    cbor_put_text(out, "terminal", settings.terminal);
    cbor_put_text(out, "environment", YIMA_ENVIRONMENT == ENVIRONMENT_TEST ? "test" : "production");
    cbor_put_number(out, "parameters", device.usable ? device.parameters.version : 0);
    cbor_put_number(out, "waiting", device.waiting.version);
    cbor_put_number(out, "waits", (uint64_t)device.waiting.not_before);
    cbor_put_bool(out, "signed", device.usable && device.parameters.package.version);
    cbor_put_number(out, "unix", (uint64_t)now.unix_s);
    cbor_put_bool(out, "trusted", now.trusted);
    cbor_put_number(out, "next", device.log.next);
    cbor_put_number(out, "ack", device.log.acknowledged);
    cbor_put_number(out, "lost", lost_numbers());
    cbor_put_number(out, "room", yima_log_room(&device.log));
    cbor_put_number(out, "taps", device.taps);
    cbor_put_number(out, "slot", port_slot());
    cbor_put_bool(out, "serving", device.loop.in_service);
    cbor_put_number(out, "session", session_role());
    cbor_put_number(out, "refused", session.refused);
    cbor_put_number(out, "faults", device.fault.count);
    if (device.fault.count) put_fault(out);
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
    switch (parameters_finish(&device.parameters, &device.waiting, now.unix_s, &why)) {
    case PARAMETERS_REFUSED:
        return refuse_parameters(request, why, ERROR_REFUSED);
    case PARAMETERS_TAKEN:
        device_reload();
        break;
    case PARAMETERS_KEPT:
        device_look_for_waiting();
        break;
    }
    cbor_put_number(request->answer, "off", parameters_done);
    cbor_put_number(request->answer, "active", device.parameters.version);
    cbor_put_number(request->answer, "waiting", device.waiting.version);
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
        if (!parameters_begin(&device.parameters, &device.waiting, parameters_size, &why)) {
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

/* Whole, or from an offset as much of it as the answer holds. 0: there is no room for any of it. */
static int put_record(cbor_out *out, const yima_log_entry *entry, const uint8_t *data, uint32_t offset, int is_first) {
    const uint32_t room = (uint32_t)(out->capacity - out->size), left = entry->size - offset;
    const int fits = left + CHAIN + RECORD_ROOM <= room;
    if (!fits && !is_first) return 0;
    const uint32_t taken = fits ? left : room - CHAIN - RECORD_ROOM;
    cbor_map(out);
    cbor_put_number(out, "n", entry->number);
    cbor_text(out, "d");
    cbor_bytes(out, data + offset, taken);
    cbor_text(out, "h");
    cbor_bytes(out, entry->chain, CHAIN);
    if (taken < entry->size) {
        cbor_put_number(out, "off", offset);
        cbor_put_number(out, "len", entry->size);
    }
    cbor_end(out);
    return taken == left;
}

/* A bit that reads one way now and another way later may let a second look succeed. */
static int read_record(const yima_log_entry *entry, uint8_t *out) {
    return yima_log_read(&device.log, entry, out) || yima_log_read(&device.log, entry, out);
}

static int records(smp_request *request) {
    uint8_t *const data = device.loop.entry; /* idle while the station is served */
    cbor_out *out = request->answer;
    yima_log_range lost[LOST_MAX];
    yima_log_place place;
    yima_log_entry entry;
    uint32_t from = 0, offset = 0, lost_count = 0, count = 0, more;
    cbor_find_number(request->cbor, request->size, "from", &from);
    cbor_find_number(request->cbor, request->size, "off", &offset);
    uint32_t expected = from > device.log.acknowledged ? from : device.log.acknowledged + 1;
    cbor_put_number(out, "next", device.log.next);
    cbor_put_number(out, "ack", device.log.acknowledged);
    cbor_text(out, "records");
    cbor_array(out);
    yima_log_begin(&device.log, &place, from);
    while ((more = (uint32_t)yima_log_next(&device.log, &place, &entry)) != 0) {
        if (entry.number < from || entry.size > sizeof device.loop.entry || !read_record(&entry, data)) continue;
        if (entry.number > expected) {
            if (lost_count == LOST_MAX) break; /* the next answer tells of this range, and has the record behind it */
            lost[lost_count++] = (yima_log_range){expected, entry.number - 1};
        }
        if (entry.number >= expected) expected = entry.number + 1;
        if (!put_record(out, &entry, data, offset < entry.size ? offset : 0, count++ == 0)) break;
        offset = 0;
    }
    cbor_end(out);
    if (!more && expected < device.log.next && lost_count < LOST_MAX) {
        lost[lost_count++] = (yima_log_range){expected, device.log.next - 1};
    }
    cbor_text(out, "lost");
    cbor_array(out);
    for (uint32_t i = 0; i < lost_count; i++) {
        cbor_map(out);
        cbor_put_number(out, "from", lost[i].first);
        cbor_put_number(out, "to", lost[i].last);
        cbor_end(out);
    }
    cbor_end(out);
    return SMP_OK;
}

/* What is lost proves itself by nothing; it may be acknowledged if nothing is forgotten by it that can be read. */
static int is_all_lost(uint32_t number) {
    yima_log_range lost;
    return number < device.log.next && yima_log_lost(&device.log, 0, &lost) &&
           lost.first == device.log.acknowledged + 1 && lost.last >= number;
}

static int acknowledge(smp_request *request) {
    yima_log_place place;
    yima_log_entry entry = {0};
    const uint8_t *chain;
    uint32_t number, size;
    int found = 1;
    if (!cbor_find_number(request->cbor, request->size, "n", &number) ||
        !cbor_find_bytes(request->cbor, request->size, "h", &chain, &size) || size != CHAIN) {
        return SMP_EINVAL;
    }
    yima_log_begin(&device.log, &place, number);
    while (found && entry.number != number) found = yima_log_next(&device.log, &place, &entry);
    if (!found && !is_all_lost(number)) return smp_refuse(request, ERROR_NO_RECORD);
    if (found && memcmp(chain, entry.chain, CHAIN) != 0) return smp_refuse(request, ERROR_OTHER_RECORD);
    if (!yima_log_acknowledge(&device.log, number)) return smp_refuse(request, ERROR_FLASH);
    device_eased();
    status_say_number("log", "acknowledged", device.log.acknowledged);
    cbor_put_number(request->answer, "ack", device.log.acknowledged);
    return SMP_OK;
}

/* *number is left as it is where the key is not there; 0: it is no number up to `most`. */
static int find_if_there(const smp_request *request, const char *key, uint32_t most, uint32_t *number) {
    cbor_value value;
    if (!cbor_find(request->cbor, request->size, key, &value)) return 1;
    return cbor_find_number(request->cbor, request->size, key, number) && *number <= most;
}

static int place(smp_request *request) {
    const yima_gate *gate = &device.validator.gate;
    uint32_t line = gate->line, stop = gate->station, direction = gate->direction;
    if (!find_if_there(request, "line", UINT16_MAX, &line) || !find_if_there(request, "stop", UINT16_MAX, &stop) ||
        !find_if_there(request, "direction", YIMA_DIRECTION_EXIT, &direction)) {
        return SMP_EINVAL;
    }
    if (!device_place((uint16_t)line, (uint16_t)stop, (uint8_t)direction)) {
        status_say_text("place", "refused", device.usable ? "METRO" : "NO_PARAMETERS");
        return smp_refuse(request, ERROR_REFUSED);
    }
    cbor_put_number(request->answer, "line", line);
    cbor_put_number(request->answer, "stop", stop);
    cbor_put_number(request->answer, "direction", direction);
    return SMP_OK;
}

int smp_yima(smp_request *request) {
    const int writes = request->operation == SMP_WRITE;
    if (request->command == STATE && !writes) return state(request);
    if (request->command == PARAMETERS && writes) return take_parameters(request);
    if (request->command == RECORDS && !writes) return records(request);
    if (request->command == ACKNOWLEDGE && writes) return acknowledge(request);
    if (request->command == SESSION) return session_command(request);
    if (request->command == PLACE && writes) return place(request);
    return SMP_ENOTSUP;
}
