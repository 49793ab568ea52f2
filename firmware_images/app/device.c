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

enum { LOG_BLOCKS = PORT_LOG_SIZE / PORT_FLASH_BLOCK, RECORD_ID_MAX = 60, TYPICAL_RECORD = 720 };

device_state device;

static yima_replay_entry replay[REPLAY_CAPACITY];
static _Alignas(64) uint8_t tables[TABLE_BYTES];
static uint8_t record[YIMA_LOG_PAYLOAD_MAX];

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

/* Accepted codes of the log go into the memory again. `now` 0: the time is not known, all of them count.
 * Returns the time of the newest record whose time was trusted. */
static uint32_t remember(int64_t now) {
    yima_log_place place;
    yima_log_entry entry;
    uint32_t newest = 0, count = 0, length;
    yima_log_begin(&device.log, &place, 0);
    while (yima_log_next(&device.log, &place, &entry)) {
        const uint8_t *bytes = (const uint8_t *)(uintptr_t)(PORT_LOG + entry.address);
        const uint8_t *time = field_of(bytes, entry.size, 0x0010, &length);
        const uint32_t at = time && length == 4 ? yima_be32(time) : 0;
        const uint8_t *reason = field_of(bytes, entry.size, 0x2001, &length);
        const int accepted = reason && length == 2 && yima_be16(reason) == YIMA_REASON_ACCEPTED;
        const uint8_t *trusted = field_of(bytes, entry.size, 0x2002, &length);
        if (trusted && length == 1 && trusted[0]) newest = at;
        const uint8_t *code = field_of(bytes, entry.size, 0x0001, &length);
        if (device.usable && accepted && code) {
            count += (uint32_t)yima_remember(&device.validator, code, length, at, now ? now : at);
        }
        port_watchdog();
    }
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

/* Makes the record durable; *number receives its number, 0: it was left out. 0: it could not be written. */
static int record_tap(const uint8_t *code, size_t length, const yima_verdict *verdict, yima_moment now,
                      uint32_t *number) {
    char id[RECORD_ID_MAX], rule[YIMA_RULE_TEXT_MAX];
    *number = 0;
    if (!verdict->accepted && yima_log_room(&device.log) < LOG_BLOCKS / 4) return 1;
    name_record(id, device.log.next);
    yima_rule_text(&device.parameters.parameters, verdict, rule);
    const yima_trip trip = {
        .vendor = "yima",
        .terminal = settings.terminal,
        .software = YIMA_VERSION,
        .record_id = id,
        .merchant_type = "4131",
        .vehicle = or_none(settings.vehicle),
        .plate = or_none(settings.plate),
        .driver = or_none(settings.driver),
        .line = or_none(settings.line_text),
        .station = or_none(settings.station_text),
        .position = or_none(settings.position),
        .terminal_time = (uint32_t)now.unix_s,
        .time_trusted = now.trusted,
        .rule = rule,
    };
    const size_t size = yima_record_write(record, sizeof record, code, length, verdict, &trip);
    if (size == 0) return !verdict->accepted; /* a refused payload larger than any code */
    return yima_log_append(&device.log, record, (uint32_t)size, number);
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
    return yima_log_idle(&device.log, TYPICAL_RECORD);
}
