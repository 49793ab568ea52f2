/* parameters_flash.c - see parameters_flash.h and "Parameters in flash" in the board's README.
 *
 * Flash is trusted as the image in it is: what lies there was checked when it came. A copy is looked at again after
 * every start for what a power cut may have left of it, not for its signatures. */
#include "parameters_flash.h"

#include "bytes.h"
#include "flash_writer.h"
#include "flashlog.h"
#include "port.h"
#include "product.h"
#include "settings.h"

enum { HEADER = PARAMETERS_HEADER, COPIES = 3, UNIT = PORT_FLASH_UNIT };
enum { IN_FORCE = 0x31525059 /* "YPR1" */, WAITS = 0x31575059 /* "YPW1" */, NEWEST = 0x314E5059 /* "YPN1" */ };

/* Whom to trust, behind a copy that waited while a package of a higher version was in force: trust goes forward only. */
typedef struct {
    uint32_t magic, version;
    uint8_t needed, key_count, id[YIMA_PACKAGE_ID], keys[YIMA_PACKAGE_KEYS_MAX * YIMA_PACKAGE_KEY];
} newest_package;

static flash_writer incoming;
static uint32_t incoming_copy;

static uint32_t address_of(uint32_t copy) {
    return copy < COPIES - 1 ? PORT_PARAMETERS + copy * PORT_PARAMETERS_SIZE : PORT_WAITING;
}

/* A copy has two heads: that of one in force, and behind it that of one that waits or has waited. */
static uint32_t head_of(uint32_t copy, uint32_t magic) {
    return address_of(copy) + (magic == WAITS ? HEADER / 2 : 0);
}

static uint32_t word_at(uint32_t address) {
    return *(const volatile uint32_t *)(const void *)port_flash_at(address);
}

/* The unit with the magic comes last: until then there is no copy. */
static int write_head(uint32_t at, const uint32_t words[4]) {
    uint8_t head[UNIT < 16 ? 16 : UNIT];
    memset(head, 0xFF, sizeof head);
    memcpy(head, words, 16);
    for (uint32_t offset = sizeof head; offset > 0; offset -= UNIT) {
        if (!port_flash_program(at + offset - UNIT, head + offset - UNIT)) return 0;
    }
    return 1;
}

int parameters_open(parameters_in_force *p, const uint8_t *bytes, size_t size, const char **why) {
    const uint8_t *image = bytes;
    size_t image_size = size;
    memset(p, 0, sizeof *p);
    const yima_package_error form = yima_package_open(&p->package, bytes, size, NULL);
    if (form == YIMA_PACKAGE_OK && p->package.kind == YIMA_PACKAGE_PARAMETERS) {
        image = p->package.image;
        image_size = p->package.image_size;
    } else if (form == YIMA_PACKAGE_OK || form != YIMA_PACKAGE_NOT_A_PACKAGE || YIMA_ENVIRONMENT != ENVIRONMENT_TEST) {
        *why = form == YIMA_PACKAGE_OK ? "OTHER_CHAIN" : yima_package_error_name(form);
        return 0;
    } else {
        memset(&p->package, 0, sizeof p->package);
    }
    if (yima_parameters_open(&p->parameters, image, image_size, NULL) != YIMA_PARAMETERS_OK) {
        *why = "BAD_PARAMETERS";
        return 0;
    }
    if (yima_memory_need(&p->parameters) > REPLAY_CAPACITY) {
        *why = "MEMORY"; /* more used codes to remember than this board has room for */
        return 0;
    }
    p->environment = image[12];
    p->version = yima_be32(image + 16);
    if (p->environment != YIMA_ENVIRONMENT) {
        *why = "OTHER_ENVIRONMENT";
        return 0;
    }
    return 1;
}

/* The size of what a copy holds under that head, 0 if it is not whole. */
static uint32_t whole(uint32_t copy, uint32_t magic) {
    const uint32_t at = head_of(copy, magic), size = word_at(at + 8);
    if (word_at(at) != magic || size == 0 || size > PORT_PARAMETERS_SIZE - HEADER) return 0;
    return yima_crc32(0, port_flash_at(address_of(copy) + HEADER), size) == word_at(at + 12) ? size : 0;
}

/* How late a copy came into force; 0: it never did. Nothing comes into force two thousand million times: a higher number
 * is one of which a power cut has left bits unwritten. */
static uint32_t sequence_of(uint32_t copy) {
    const uint32_t sequence = word_at(address_of(copy)) == IN_FORCE ? word_at(address_of(copy) + 4) : 0;
    return sequence <= INT32_MAX ? sequence : 0;
}

int parameters_find(parameters_in_force *found, const char **why) {
    const char *reason = "NONE";
    uint32_t sizes[COPIES];
    for (uint32_t i = 0; i < COPIES; i++) sizes[i] = sequence_of(i) ? whole(i, IN_FORCE) : 0;
    for (;;) {
        uint32_t copy = COPIES;
        for (uint32_t i = 0; i < COPIES; i++) {
            if (sizes[i] && (copy == COPIES || sequence_of(i) > sequence_of(copy))) copy = i;
        }
        if (copy == COPIES) break;
        if (parameters_open(found, port_flash_at(address_of(copy) + HEADER), sizes[copy], &reason)) {
            found->copy = (uint8_t)copy;
            found->sequence = sequence_of(copy);
            found->held = 1;
            return 1;
        }
        sizes[copy] = 0;
    }
    if (why) *why = reason;
    memset(found, 0, sizeof *found);
    return 0;
}

/* The newest package that was ever in force here says who signs the next one; most often it is the one in force. */
static yima_package_trust trust_of(const parameters_in_force *active, const parameters_that_wait *waiting) {
    const newest_package *newest = active->held
                                       ? (const newest_package *)(const void *)port_flash_at(
                                             address_of(active->copy) + PORT_PARAMETERS_SIZE - PORT_FLASH_BLOCK)
                                       : NULL;
    yima_package_trust trust = {.environment = YIMA_ENVIRONMENT,
                                .city = settings.city,
                                .keys = settings.keys,
                                .key_count = settings.key_count,
                                .needed = settings.keys_needed,
                                .waiting = waiting->version};
    if (active->package.version == 0) return trust;
    const int is_other = newest->magic == NEWEST && newest->version > active->package.version;
    trust.keys = is_other ? newest->keys : active->package.keys;
    trust.key_count = is_other ? newest->key_count : active->package.key_count;
    trust.needed = is_other ? newest->needed : active->package.needed;
    trust.newest = is_other ? newest->version : active->package.version;
    trust.newest_id = is_other ? newest->id : active->package.id;
    return trust;
}

parameters_that_wait parameters_find_waiting(const parameters_in_force *active) {
    parameters_that_wait found = {0};
    for (uint32_t i = 0; i < COPIES; i++) {
        const char *why;
        parameters_in_force held;
        const uint32_t size = sequence_of(i) ? 0 : whole(i, WAITS);
        if (!size || !parameters_open(&held, port_flash_at(address_of(i) + HEADER), size, &why)) continue;
        if (held.version <= found.version || held.version == active->version) continue;
        if (active->package.replaces && held.version < active->version) continue;
        found = (parameters_that_wait){held.version, held.package.not_before, (uint8_t)i};
    }
    return found;
}

/* Erases the beginning of the copy that is neither in force nor waits and is longest out of use: what comes goes there. */
static int begin_copy(const parameters_in_force *active, const parameters_that_wait *waiting, uint32_t size) {
    uint32_t copy = COPIES;
    for (uint32_t i = 0; i < COPIES; i++) {
        const int is_used = (active->held && i == active->copy) || (waiting->version && i == waiting->copy);
        if (!is_used && (copy == COPIES || sequence_of(i) < sequence_of(copy))) copy = i;
    }
    incoming_copy = copy;
    return flash_writer_begin(&incoming, address_of(copy) + HEADER, size) &&
           port_flash_erase(address_of(copy) + PORT_PARAMETERS_SIZE - PORT_FLASH_BLOCK);
}

int parameters_begin(const parameters_in_force *active, const parameters_that_wait *waiting, uint32_t size,
                     const char **why) {
    if (size == 0 || size > PARAMETERS_MAX) {
        *why = "TOO_LARGE";
        return 0;
    }
    if (!begin_copy(active, waiting, size)) {
        *why = "FLASH";
        return 0;
    }
    return 1;
}

int parameters_write(uint32_t offset, const uint8_t *bytes, size_t size) {
    return offset == incoming.done && flash_writer_put(&incoming, bytes, size);
}

/* The package that waits, opened; 0: it cannot be. */
static int open_waiting(parameters_in_force *held, const parameters_that_wait *waiting, const char **why) {
    const uint32_t at = address_of(waiting->copy);
    return parameters_open(held, port_flash_at(at + HEADER), word_at(head_of(waiting->copy, WAITS) + 8), why);
}

/* Whether one that waits leaves `next`, which is OK or NOT_YET by itself, its place. */
static yima_package_error beside(const parameters_in_force *next, const parameters_that_wait *waiting, int is_early,
                                 const char **why) {
    parameters_in_force held;
    if (!waiting->version || !open_waiting(&held, waiting, why)) return YIMA_PACKAGE_OK;
    if (next->version == waiting->version) {
        const int is_same = memcmp(next->package.id, held.package.id, YIMA_PACKAGE_ID) == 0;
        return is_same ? YIMA_PACKAGE_OK : YIMA_PACKAGE_SAME_VERSION;
    }
    if (next->version < waiting->version && held.package.replaces) return YIMA_PACKAGE_OLDER;
    if (is_early && !(next->package.replaces && next->version > waiting->version)) {
        *why = "TOO_MANY"; /* one waits already */
        return YIMA_PACKAGE_ERROR_COUNT;
    }
    return YIMA_PACKAGE_OK;
}

/* Whether the device may take it, now or (NOT_YET) later: signatures, versions and times of a package; of a bare image
 * only that it is not older. */
static yima_package_error trusted(const parameters_in_force *next, const parameters_in_force *active,
                                  const parameters_that_wait *waiting, int64_t now, const char **why) {
    yima_package_error error = YIMA_PACKAGE_OK;
    if (next->package.version == 0) {
        if (active->version && (active->package.version || next->version < active->version)) error = YIMA_PACKAGE_OLDER;
        *why = yima_package_error_name(error);
        return error;
    }
    const yima_package_trust trust = trust_of(active, waiting);
    error = yima_package_check(&next->package, &trust, now);
    *why = yima_package_error_name(error);
    if (error != YIMA_PACKAGE_OK && error != YIMA_PACKAGE_NOT_YET) return error;
    const yima_package_error found = next->package.not_before < active->package.not_before && !next->package.replaces
                                         ? YIMA_PACKAGE_OLDER /* parameters are in force in the order of their times */
                                         : beside(next, waiting, error == YIMA_PACKAGE_NOT_YET, why);
    if (found != YIMA_PACKAGE_OK && found != YIMA_PACKAGE_ERROR_COUNT) *why = yima_package_error_name(found);
    return found == YIMA_PACKAGE_OK ? error : found;
}

/* Writes the head of a copy; `sequence` of one in force. */
static int finish_copy(uint32_t copy, uint32_t magic, uint32_t sequence, uint32_t size) {
    const uint32_t crc = yima_crc32(0, port_flash_at(address_of(copy) + HEADER), size);
    const uint32_t head[4] = {magic, sequence, size, crc};
    return write_head(head_of(copy, magic), head);
}

parameters_taken parameters_finish(const parameters_in_force *active, const parameters_that_wait *waiting, int64_t now,
                                   const char **why) {
    const uint32_t size = incoming.size;
    parameters_in_force next;
    if (size == 0 || incoming.done != size) {
        *why = "TRUNCATED";
        return PARAMETERS_REFUSED;
    }
    if (!parameters_open(&next, port_flash_at(address_of(incoming_copy) + HEADER), size, why))
        return PARAMETERS_REFUSED;
    const yima_package_error error = trusted(&next, active, waiting, now, why);
    const int is_early = error == YIMA_PACKAGE_NOT_YET;
    if (error != YIMA_PACKAGE_OK && !is_early) return PARAMETERS_REFUSED;
    incoming.size = 0;
    if (is_early && next.version == waiting->version) return PARAMETERS_KEPT;
    if (!finish_copy(incoming_copy, is_early ? WAITS : IN_FORCE, active->held ? active->sequence + 1 : 1, size)) {
        *why = "FLASH";
        return PARAMETERS_REFUSED;
    }
    if (waiting->version && next.package.replaces && next.version > waiting->version)
        port_flash_erase(address_of(waiting->copy));
    return is_early ? PARAMETERS_KEPT : PARAMETERS_TAKEN;
}

/* Keeps, behind what waited, whom the newer package that is in force trusts. */
static int keep_trust(const yima_package_trust *trust, uint32_t copy) {
    newest_package newest = {NEWEST, trust->newest, trust->needed, trust->key_count, {0}, {0}};
    flash_writer writer;
    memcpy(newest.id, trust->newest_id, sizeof newest.id);
    memcpy(newest.keys, trust->keys, (size_t)trust->key_count * YIMA_PACKAGE_KEY);
    return flash_writer_begin(&writer, address_of(copy) + PORT_PARAMETERS_SIZE - PORT_FLASH_BLOCK, sizeof newest) &&
           flash_writer_put(&writer, (const uint8_t *)&newest, sizeof newest);
}

/* Where the head of what waits is to be written: in its own copy, unless a power cut has left half a head there, which
 * cannot be written again. Then the package goes into the free copy, and a station that was sending one begins anew. */
static uint32_t copy_to_activate(const parameters_in_force *active, const parameters_that_wait *waiting,
                                 uint32_t size) {
    const uint8_t *package = port_flash_at(address_of(waiting->copy) + HEADER), *head = package - HEADER;
    uint32_t blank = 0;
    while (blank < HEADER / 2 && head[blank] == 0xFF) blank++;
    if (blank == HEADER / 2) return waiting->copy;
    const int moved = begin_copy(active, waiting, size) && flash_writer_put(&incoming, package, size);
    memset(&incoming, 0, sizeof incoming);
    return moved ? incoming_copy : COPIES;
}

int parameters_activate(const parameters_in_force *active, const parameters_that_wait *waiting, int64_t now,
                        const char **why) {
    const uint32_t size = word_at(head_of(waiting->copy, WAITS) + 8);
    yima_package_trust trust = trust_of(active, waiting);
    const int is_behind = trust.newest > waiting->version;
    parameters_in_force held;
    if (open_waiting(&held, waiting, why)) {
        yima_package_trust of_held = trust;
        if (is_behind)
            of_held.newest = 0; /* it waits here already: a higher version may have been in force meanwhile */
        const yima_package_error error = yima_package_check(&held.package, &of_held, now);
        *why = yima_package_error_name(error);
        if (error == YIMA_PACKAGE_OK) {
            const uint32_t copy = copy_to_activate(active, waiting, size);
            *why = "FLASH";
            if (copy < COPIES && (!is_behind || keep_trust(&trust, copy)) &&
                finish_copy(copy, IN_FORCE, active->held ? active->sequence + 1 : 1, size)) {
                if (copy != waiting->copy) port_flash_erase(address_of(waiting->copy));
                return 1;
            }
        }
    }
    port_flash_erase(address_of(waiting->copy));
    return 0;
}
