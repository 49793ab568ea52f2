/* device.c - see device.h.
 *
 * What a tap goes through is the core's loop (yima/loop.h); here its steps are carried out: entries go into the log in
 * flash, answers to the gate's pins. Refused taps are recorded as long as a quarter of the log is free, so nobody fills
 * it up with garbage. Where the product's gate has a fault contact, a ride for which it could not open is reversed; where it
 * has a passage sensor, the passage follows as an entry of its own. */
#include "device.h"

#include "bytes.h"
#include "gate.h"
#include "image.h"
#include "port.h"
#include "product.h"
#include "settings.h"
#include "status.h"

enum { LOG_BLOCKS = PORT_LOG_SIZE / PORT_FLASH_BLOCK, TYPICAL_ENTRY = 960, GRACE_S = 3 * 86400 };

device_state device;

static _Alignas(8) uint8_t memory[REPLAY_CAPACITY * sizeof(yima_replay_entry) + REPLAY_INDEX * sizeof(uint32_t)];
static _Alignas(64) uint8_t tables[TABLE_BYTES];
static yima_trip terminal;
static char line_text[6], stop_text[6]; /* of records, once the station has said where the bus is */

static void read_log(void *context, uint32_t address, uint8_t *out, uint32_t size) {
    (void)context;
    memcpy(out, port_flash_at(PORT_LOG + address), size);
}

static int program_log(void *context, uint32_t address, const uint8_t *unit) {
    (void)context;
    return port_flash_program(PORT_LOG + address, unit);
}

static int erase_log(void *context, uint32_t block) {
    (void)context;
    return port_flash_erase(PORT_LOG + block * PORT_FLASH_BLOCK);
}

static const char *or_none(const char *text) {
    return *text ? text : NULL;
}

static const char *name_of(uint16_t reason) {
    size_t count;
    const yima_reason_info *all = yima_reasons(&count);
    for (size_t i = 0; i < count; i++) {
        if (all[i].number == reason) return all[i].name;
    }
    return "UNKNOWN";
}

static void tell_tap(uint64_t number) {
    const yima_verdict *verdict = &device.loop.verdict;
    char stages[YIMA_STAGES + 1];
    for (int i = 0; i < YIMA_STAGES; i++) stages[i] = (char)('0' + verdict->stages[i]);
    stages[YIMA_STAGES] = 0;
    status_begin("tap");
    status_number("n", device.taps);
    status_number("accepted", verdict->again ? verdict->was_accepted : verdict->accepted);
    status_number("reason", verdict->reason);
    status_text("name", name_of(verdict->reason));
    status_number("family", verdict->family);
    status_number("fare", verdict->fare_fen);
    status_number("again", verdict->again);
    status_text("stages", stages);
    status_number("length", (int64_t)device.loop.length);
    status_number("record", (int64_t)number);
    status_end();
}

static void tell_clock(void) {
    const uint32_t now = port_rtc();
    const yima_timekeeper *time = &device.loop.time;
    status_begin("clock");
    status_number("trusted", time->trusted);
    status_number("unix", now);
    if (!time->trusted) status_text("why", now < EARLIEST_TIME ? "unset" : time->stepped ? "stepped" : "behind");
    status_end();
}

/* Older firmware kept a trip record alone, with tags of its own (2001 the reason, 2002 whether the time was trusted). */
static const uint8_t *field_of(const uint8_t *bytes, uint32_t size, uint32_t tag, uint32_t wanted, uint32_t *length) {
    for (uint32_t at = 0; at + 4 <= size;) {
        *length = yima_be16(bytes + at + 2);
        if (*length > size - at - 4) return NULL;
        if (yima_be16(bytes + at) == tag) return !wanted || *length == wanted ? bytes + at + 4 : NULL;
        at += 4 + *length;
    }
    return NULL;
}

static int remember_older(const uint8_t *bytes, uint32_t size) {
    uint32_t length;
    const uint8_t *reason = field_of(bytes, size, 0x2001, 2, &length);
    const uint8_t *time = field_of(bytes, size, 0x0010, 4, &length);
    const uint8_t *code = field_of(bytes, size, 0x0001, 0, &length);
    if (!reason || yima_be16(reason) != YIMA_REASON_ACCEPTED || !time || !code) return 0;
    return yima_remember_code(&device.validator, code, length, yima_be32(time));
}

/* Hands every entry of the log to the memory of used codes. */
static void refill(void) {
    yima_log_place place;
    yima_log_entry entry;
    uint32_t count = 0;
    yima_log_begin(&device.log, &place, 0);
    while (yima_log_next(&device.log, &place, &entry)) {
        const uint8_t *bytes = port_flash_at(PORT_LOG + entry.address);
        count += (uint32_t)(yima_remember(&device.validator, bytes, entry.size) || remember_older(bytes, entry.size));
        port_watchdog();
    }
    status_say_number("memory", "codes", count);
}

/* What the entries say: how often the device had started, the newest trusted time, and how many are lost that the
 * station has not got. */
static void look_back(uint32_t *run, int64_t *newest, uint32_t *lost) {
    yima_log_place place;
    yima_log_entry entry;
    uint32_t length;
    yima_facts facts;
    uint32_t expected = device.log.acknowledged + 1;
    *run = *lost = 0;
    *newest = 0;
    yima_log_begin(&device.log, &place, 0);
    while (yima_log_next(&device.log, &place, &entry)) {
        if (entry.number >= expected) {
            *lost += entry.number - expected;
            expected = entry.number + 1;
        }
        const uint8_t *bytes = port_flash_at(PORT_LOG + entry.address);
        if (yima_facts_read(&facts, bytes, entry.size)) {
            *run = facts.run;
            if (facts.trust) *newest = facts.at;
        } else {
            const uint8_t *trusted = field_of(bytes, entry.size, 0x2002, 1, &length);
            const uint8_t *time = field_of(bytes, entry.size, 0x0010, 4, &length);
            if (trusted && *trusted && time) *newest = yima_be32(time);
        }
        port_watchdog();
    }
    *lost += device.log.next - expected;
}

/* Makes the loop's entry durable; *number receives its number, 0: it was left out. 0: it could not be written. */
static int record(uint32_t *number) {
    const yima_loop *l = &device.loop;
    const int is_refusal = l->kind == YIMA_TAP && !l->verdict.accepted;
    *number = 0;
    if (is_refusal && yima_log_room(&device.log) < LOG_BLOCKS / 4) return 1;
    return yima_log_append(&device.log, l->entry, l->entry_size, number);
}

static yima_step carry_out_record(void) {
    uint32_t number;
    const uint8_t kind = device.loop.kind;
    const int done = record(&number);
    const yima_step next = done ? yima_loop_recorded(&device.loop, number) : yima_loop_not_recorded(&device.loop);
    if (kind == YIMA_TIME) tell_clock();
    return next;
}

static void carry_out(yima_step step) {
    yima_loop *l = &device.loop;
    while (step != YIMA_STEP_NOTHING) {
        const uint64_t ms = port_ms();
        switch (step) {
        case YIMA_STEP_RECORD:
            step = carry_out_record();
            break;
        case YIMA_STEP_OPEN:
            if (gate_open(ms, l->tap)) {
                tell_tap(l->tap);
                step = yima_loop_gate(l, l->tap, YIMA_OUTCOME_OPENED);
            } else { /* told when the rider is: the ride is reversed first */
                step = yima_loop_gate(l, l->tap, YIMA_OUTCOME_FAILED);
            }
            break;
        case YIMA_STEP_REFUSE:
            gate_refuse(ms);
            tell_tap(l->tap);
            step = yima_loop_done(l);
            break;
        case YIMA_STEP_SHOW_AGAIN:
            gate_show_again(l->verdict.was_accepted, ms);
            tell_tap(0);
            step = yima_loop_done(l);
            break;
        case YIMA_STEP_ASK: /* there is nobody here to ask */
            step = yima_loop_answered(l, YIMA_REASON_NEEDS_RESOLVER, YIMA_VOUCHED_HERE);
            break;
        case YIMA_STEP_SERVICE:
            gate_out_of_service(!l->in_service);
            step = yima_loop_done(l);
            break;
        case YIMA_STEP_REFILL:
            refill();
            step = yima_loop_done(l);
            break;
        case YIMA_STEP_NOTHING:
            break;
        }
    }
}

void device_look_for_waiting(void) {
    device.waiting = parameters_find_waiting(&device.parameters);
    if (!device.waiting.version) return;
    status_begin("parameters");
    status_number("waiting", device.waiting.version);
    status_number("from", device.waiting.not_before);
    status_end();
}

/* Goes over to the newest good parameters in flash. 0: it has none. */
static int take_parameters(void) {
    const char *why = "";
    device.usable = (uint8_t)parameters_find(&device.parameters, &why);
    status_begin("parameters");
    if (!device.usable) {
        status_text("refused", why);
        status_end();
        return 0;
    }
    status_number("version", device.parameters.version);
    status_text("environment", device.parameters.environment == ENVIRONMENT_TEST ? "test" : "production");
    status_number("signed", device.parameters.package.version != 0);
    status_end();
    return 1;
}

/* The judge goes by the parameters; 1: he was made ready only now, and knows of no used code. */
static int begin_judge(void) {
    const yima_gate gate = {.mode = PRODUCT_MODE,
                            .direction = settings.direction,
                            .line = settings.line,
                            .station = settings.station,
                            .city = settings.city,
                            .operator_id = settings.operator_id};
    if (device.validator.kernel) {
        yima_validator_use(&device.validator, &device.parameters.parameters);
        return 0;
    }
    yima_validator_init(&device.validator, &device.parameters.parameters, gate, memory, sizeof memory, tables,
                        sizeof tables);
    return 1;
}

/* When they stop being used: a package some days after its expiry, but for the end of time; a bare test image never. */
static int64_t parameters_until(void) {
    const yima_package *package = &device.parameters.package;
    return !package->version ? 0 : package->expiry > INT64_MAX - GRACE_S ? INT64_MAX : package->expiry + GRACE_S;
}

void device_start(int has_settings) {
    static const yima_log_port port = {
        .unit = PORT_FLASH_UNIT, .read = read_log, .program = program_log, .erase = erase_log};
    uint32_t run, lost;
    int64_t newest;
    yima_log_open(&device.log, &port, LOG_BLOCKS, PORT_FLASH_BLOCK);
    look_back(&run, &newest, &lost);
    status_begin("log");
    status_number("next", device.log.next);
    status_number("acknowledged", device.log.acknowledged);
    status_number("room", yima_log_room(&device.log));
    status_number("torn", device.log.damaged);
    status_number("lost", lost);
    status_end();
    terminal = (yima_trip){
        .vendor = "yima",
        .terminal = settings.terminal,
        .software = image_running_version(),
        .vehicle = or_none(settings.vehicle),
        .plate = or_none(settings.plate),
        .driver = or_none(settings.driver),
        .line = or_none(settings.line_text),
        .station = or_none(settings.station_text),
        .position = or_none(settings.position),
    };
    yima_loop_init(&device.loop, &device.validator, &terminal, run + 1, GATE_HAS_PASSAGE,
                   newest > EARLIEST_TIME ? newest : EARLIEST_TIME);
    device.loop.unset = !has_settings;
    if (take_parameters()) begin_judge();
    device_look_for_waiting();
    device_moment();
    if (device.usable) carry_out(yima_loop_parameters(&device.loop, parameters_until()));
}

void device_reload(void) {
    const int has = take_parameters();
    device_look_for_waiting();
    if (!has) return;
    if (begin_judge()) refill();
    carry_out(yima_loop_parameters(&device.loop, parameters_until()));
}

/* Brings what waits into force when its time has come. */
static void look_at_waiting(void) {
    const yima_moment now = device_now();
    const char *why = "";
    if (!device.waiting.version || !now.trusted || now.unix_s < device.waiting.not_before) return;
    if (!parameters_activate(&device.parameters, &device.waiting, now.unix_s, &why)) {
        status_begin("parameters");
        status_number("given-up", device.waiting.version);
        status_text("why", why);
        status_end();
        device.waiting.version = 0;
        return;
    }
    device_reload();
}

/* Tells the loop since when an entry waits for the station. One whose time was not trusted does not tell, and those
   behind it have waited for less: the first that tells is taken. Each is looked at once. */
static void look_at_backlog(void) {
    const uint32_t first = device.log.acknowledged + 1;
    yima_log_place place;
    yima_log_entry entry;
    yima_facts facts;
    if (device.oldest < first) {
        device.oldest = first;
        device.oldest_at = 0;
    }
    if (!device.oldest_at && device.oldest < device.log.next) {
        yima_log_begin(&device.log, &place, device.oldest);
        while (!device.oldest_at && yima_log_next(&device.log, &place, &entry)) {
            if (entry.number < device.oldest) continue;
            const uint8_t *bytes = port_flash_at(PORT_LOG + entry.address);
            if (yima_facts_read(&facts, bytes, entry.size) && facts.trust) device.oldest_at = facts.at;
            device.oldest = entry.number;
        }
        if (!device.oldest_at) device.oldest = device.log.next;
    }
    yima_loop_unsent(&device.loop, device.oldest_at);
}

void device_moment(void) {
    uint64_t tap;
    int passed;
    look_at_waiting();
    look_at_backlog();
    carry_out(yima_loop_moment(&device.loop, port_rtc(), port_ms(), device.log.next));
    while (gate_passage(&tap, &passed)) {
        carry_out(yima_loop_gate(&device.loop, tap, passed ? YIMA_OUTCOME_PASSED : YIMA_OUTCOME_NOT_PASSED));
    }
}

void device_eased(void) {
    if (yima_log_room(&device.log) >= 2) yima_loop_eased(&device.loop);
    device_moment();
}

yima_moment device_now(void) {
    return (yima_moment){.unix_s = port_rtc(), .tick_ms = port_ms(), .trusted = device.loop.time.trusted};
}

int device_set_clock(uint32_t unix_s) {
    if (unix_s < EARLIEST_TIME) return 0;
    port_rtc_set(unix_s);
    carry_out(yima_loop_confirm(&device.loop, unix_s, port_ms(), 0, "station"));
    return 1;
}

/* A number in decimal digits; 0: none is told. */
static const char *digits_of(uint32_t number, char text[6]) {
    char *at = text + 5;
    *at = 0;
    for (; number; number /= 10) *--at = (char)('0' + number % 10);
    return or_none(at);
}

int device_place(uint16_t line, uint16_t stop, uint8_t direction) {
    if (yima_loop_place(&device.loop, line, stop, direction) != YIMA_OK) return 0;
    terminal.line = digits_of(line, line_text);
    terminal.station = digits_of(stop, stop_text);
    status_begin("place");
    status_number("line", line);
    status_number("stop", stop);
    status_number("direction", direction);
    status_end();
    return 1;
}

void device_tap(const uint8_t *payload, size_t length) {
    yima_step step = yima_loop_reading(&device.loop, payload, length, port_rtc(), port_ms(), 0, device.log.next);
    device.taps += step != YIMA_STEP_SHOW_AGAIN;
    carry_out(step);
}

const char *device_fault_name(void) {
    static const char *const names[] = {"NONE", "STACK", "HARD", "MEMORY", "BUS", "USAGE", "INTERRUPT"};
    return device.fault.kind < sizeof names / sizeof *names ? names[device.fault.kind] : "UNKNOWN";
}

int device_idle(void) {
    if (device.usable && yima_idle(&device.validator)) return 1;
    return yima_log_idle(&device.log, TYPICAL_ENTRY);
}
