/* device.c - see device.h.
 *
 * The order of a tap: judge, make the record durable, only then move the gate. If the record cannot be written, the
 * verdict is taken back and the gate stays shut (CANNOT_RECORD). The same presentation again shows the answer again and
 * writes nothing. Refused taps are recorded as long as a quarter of the log is free: nobody fills it up with garbage. */
#include "device.h"

#include "bytes.h"
#include "clock.h"
#include "gate.h"
#include "port.h"
#include "product.h"
#include "settings.h"
#include "status.h"
#include "version.h"

enum { LOG_BLOCKS = PORT_LOG_SIZE / PORT_FLASH_BLOCK, RECORD_ID_MAX = 60, TYPICAL_ENTRY = 800 };

device_state device;

static yima_replay_entry replay[REPLAY_CAPACITY];
static _Alignas(64) uint8_t tables[TABLE_BYTES];
static uint8_t written[YIMA_LOG_PAYLOAD_MAX];

static void read_log(void *context, uint32_t address, uint8_t *out, uint32_t size) {
    (void)context;
    memcpy(out, (const uint8_t *)(uintptr_t)(PORT_LOG + address), size);
}

static int program_log(void *context, uint32_t address, const uint8_t unit[YIMA_LOG_UNIT]) {
    (void)context;
    return port_flash_program(PORT_LOG + address, unit);
}

static int erase_log(void *context, uint32_t block) {
    (void)context;
    return port_flash_erase(PORT_LOG + block * PORT_FLASH_BLOCK);
}

/* The value of a record's tag; NULL: it has none. */
static const uint8_t *field_of(const uint8_t *bytes, uint32_t size, uint32_t tag, uint32_t *length) {
    for (uint32_t at = 0; at + 4 <= size;) {
        *length = yima_be16(bytes + at + 2);
        if (*length > size - at - 4) return NULL;
        if (yima_be16(bytes + at) == tag) return bytes + at + 4;
        at += 4 + *length;
    }
    return NULL;
}

/* What an entry of the log tells of a tap. */
typedef struct {
    int64_t at;
    uint32_t run, length;
    uint8_t trusted;
    const uint8_t *code; /* of an accepted one; NULL: none */
} kept_tap;

/* Older firmware kept a trip record alone, with tags of its own: 2001 the reason, 2002 whether the time was trusted. */
static void read_older(kept_tap *tap, const uint8_t *bytes, uint32_t size) {
    uint32_t length;
    const uint8_t *time = field_of(bytes, size, 0x0010, &length);
    tap->at = time && length == 4 ? yima_be32(time) : 0;
    const uint8_t *trusted = field_of(bytes, size, 0x2002, &length);
    tap->trusted = trusted && length == 1 && trusted[0];
    const uint8_t *reason = field_of(bytes, size, 0x2001, &length);
    if (reason && length == 2 && yima_be16(reason) == YIMA_REASON_ACCEPTED) {
        tap->code = field_of(bytes, size, 0x0001, &tap->length);
    }
}

static void read_kept(kept_tap *tap, const uint8_t *bytes, uint32_t size) {
    yima_facts facts;
    const uint32_t body = (uint32_t)yima_facts_read(&facts, bytes, size);
    memset(tap, 0, sizeof *tap);
    if (!body) {
        read_older(tap, bytes, size);
        return;
    }
    tap->at = facts.at;
    tap->run = facts.run;
    tap->trusted = facts.trust;
    if (facts.kind == YIMA_TAP && facts.of.tap.reason == YIMA_REASON_ACCEPTED) {
        tap->code = field_of(bytes + body, size - body, 0x0001, &tap->length);
    }
}

/* Accepted codes of the log go into the memory again. `now` 0: the time is not known, all of them count. The first time,
 * this start becomes the next run. Returns the time of the newest entry whose time was trusted. */
static uint32_t remember(int64_t now) {
    yima_log_place place;
    yima_log_entry entry;
    kept_tap tap = {.at = 0};
    uint32_t newest = 0, count = 0;
    yima_log_begin(&device.log, &place, 0);
    while (yima_log_next(&device.log, &place, &entry)) {
        read_kept(&tap, (const uint8_t *)(uintptr_t)(PORT_LOG + entry.address), entry.size);
        if (tap.trusted) newest = (uint32_t)tap.at;
        if (device.usable && tap.code) {
            count += (uint32_t)yima_remember(&device.validator, tap.code, tap.length, tap.at, now ? now : tap.at);
        }
        port_watchdog();
    }
    if (!device.run) device.run = tap.run + 1;
    if (device.usable) status_say_number("memory", "codes", count);
    return newest;
}

static void take_parameters(void) {
    const char *why = "";
    device.usable = (uint8_t)parameters_find(&device.parameters, &why);
    gate_out_of_service(!device.usable);
    status_begin("parameters");
    if (!device.usable) {
        status_text("refused", why);
        status_end();
        return;
    }
    const yima_gate gate = {.mode = PRODUCT_MODE,
                            .direction = settings.direction,
                            .line = settings.line,
                            .station = settings.station,
                            .city = settings.city,
                            .operator_id = settings.operator_id};
    yima_validator_init(&device.validator, &device.parameters.parameters, gate, replay, REPLAY_CAPACITY, tables,
                        sizeof tables);
    yima_parameters_digest(&device.parameters.parameters, device.parameters_digest);
    status_number("version", device.parameters.version);
    status_text("environment", device.parameters.environment == ENVIRONMENT_TEST ? "test" : "production");
    status_number("signed", device.parameters.package.version != 0);
    status_end();
}

void device_start(void) {
    static const yima_log_port port = {.read = read_log, .program = program_log, .erase = erase_log};
    yima_log_open(&device.log, &port, LOG_BLOCKS, PORT_FLASH_BLOCK);
    status_begin("log");
    status_number("next", device.log.next);
    status_number("acknowledged", device.log.acknowledged);
    status_number("room", yima_log_room(&device.log));
    status_number("torn", device.log.damaged);
    status_end();
    take_parameters();
    const uint32_t rtc = port_rtc();
    clock_start(remember(rtc >= EARLIEST_TIME ? rtc : 0), port_ms());
}

void device_reload(void) {
    take_parameters();
    remember(clock_moment().trusted ? clock_moment().unix_s : 0);
}

/* "terminal-number", unique for ever: the log gives each number once. */
static void name_record(char id[RECORD_ID_MAX], uint32_t number) {
    uint32_t at = 0;
    while (settings.terminal[at]) {
        id[at] = settings.terminal[at];
        at++;
    }
    id[at++] = '-';
    for (uint32_t scale = 1000000000; scale; scale /= 10) id[at++] = (char)('0' + number / scale % 10);
    id[at] = 0;
}

static const char *or_none(const char *text) {
    return *text ? text : NULL;
}

/* Writes the ministry's record of an accepted ride, or the payload of a refused tap, as the body of an entry. 0: it does
 * not fit. */
static size_t write_body(uint8_t *out, size_t capacity, const uint8_t *code, size_t length, const yima_verdict *verdict,
                         yima_moment now) {
    char id[RECORD_ID_MAX];
    if (!verdict->accepted) {
        if (length > capacity) return 0;
        memcpy(out, code, length);
        return length;
    }
    name_record(id, device.log.next);
    const yima_trip trip = {
        .vendor = "yima",
        .terminal = settings.terminal,
        .software = YIMA_VERSION,
        .record_id = id,
        .vehicle = or_none(settings.vehicle),
        .plate = or_none(settings.plate),
        .driver = or_none(settings.driver),
        .line = or_none(settings.line_text),
        .station = or_none(settings.station_text),
        .position = or_none(settings.position),
        .terminal_time = (uint32_t)now.unix_s,
        .mode = PRODUCT_MODE,
    };
    return yima_record_write(out, capacity, code, length, verdict, &trip);
}

/* Makes the entry of a tap durable; *number receives its number, 0: it was left out. 0: it could not be written. */
static int record_tap(const uint8_t *code, size_t length, const yima_verdict *verdict, yima_moment now,
                      uint32_t *number) {
    yima_facts facts;
    *number = 0;
    if (!verdict->accepted && yima_log_room(&device.log) < LOG_BLOCKS / 4) return 1;
    yima_facts_of_tap(&facts, &device.validator, verdict, now, device.run, device.parameters_digest);
    const size_t size = yima_facts_write(written, sizeof written, &facts);
    const size_t body = write_body(written + size, sizeof written - size, code, length, verdict, now);
    if (!size || (!body && length)) return !verdict->accepted; /* a refused payload larger than a block */
    return yima_log_append(&device.log, written, (uint32_t)(size + body), number);
}

static const char *name_of(uint16_t reason) {
    size_t count;
    const yima_reason_info *all = yima_reasons(&count);
    for (size_t i = 0; i < count; i++) {
        if (all[i].number == reason) return all[i].name;
    }
    return "UNKNOWN";
}

static void tell(const yima_verdict *verdict, size_t length, uint32_t number) {
    char stages[YIMA_STAGES + 1];
    for (int i = 0; i < YIMA_STAGES; i++) stages[i] = (char)('0' + verdict->stages[i]);
    stages[YIMA_STAGES] = 0;
    status_begin("tap");
    status_number("n", device.taps);
    status_number("accepted", verdict->accepted);
    status_number("reason", verdict->reason);
    status_text("name", name_of(verdict->reason));
    status_number("family", verdict->family);
    status_number("fare", verdict->fare_fen);
    status_number("again", verdict->again);
    status_text("stages", stages);
    status_number("length", (int64_t)length);
    status_number("record", number);
    status_end();
}

/* Whether the parameters still hold. A bare test image does not expire. */
static int expired(yima_moment now) {
    const yima_package *package = &device.parameters.package;
    return package->version && now.trusted &&
           yima_package_standing(package->not_before, package->expiry, now.unix_s, 0, 0) == YIMA_STANDING_EXPIRED;
}

void device_tap(const uint8_t *payload, size_t length) {
    const yima_moment now = clock_moment();
    yima_verdict verdict;
    uint32_t number = 0;
    memset(&verdict, 0, sizeof verdict);
    if (!device.usable || expired(now)) {
        yima_refuse(&verdict, YIMA_REASON_PARAMETERS_EXPIRED);
        device.taps++;
        gate_refuse(now.tick_ms);
        tell(&verdict, length, 0);
        return;
    }
    yima_judge(&device.validator, payload, length, now, &verdict);
    if (verdict.again) {
        gate_show_again(verdict.accepted, now.tick_ms);
        tell(&verdict, length, 0);
        return;
    }
    device.taps++;
    const int recorded = record_tap(payload, length, &verdict, now, &number);
    if (!recorded) {
        yima_retract(&device.validator, &verdict);
        yima_refuse(&verdict, YIMA_REASON_CANNOT_RECORD);
    }
    if (recorded == device.log_failed) {
        device.log_failed = (uint8_t)!recorded;
        gate_out_of_service(!recorded);
    }
    const uint64_t ms = port_ms();
    if (verdict.accepted) {
        gate_open(ms);
    } else {
        gate_refuse(ms);
    }
    tell(&verdict, length, number);
}

void device_eased(void) {
    if (!device.log_failed || yima_log_room(&device.log) < 2) return;
    device.log_failed = 0;
    gate_out_of_service(!device.usable);
}

int device_idle(void) {
    if (device.usable && yima_idle(&device.validator)) return 1;
    return yima_log_idle(&device.log, TYPICAL_ENTRY);
}
