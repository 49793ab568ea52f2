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

enum { MAGIC = 0x31525059 /* "YPR1" */, HEADER = PARAMETERS_HEADER, COPIES = 2, UNIT = PORT_FLASH_UNIT };

static flash_writer incoming;
static uint32_t incoming_copy;

static uint32_t address_of(uint32_t copy) {
    return PORT_PARAMETERS + copy * PORT_PARAMETERS_SIZE;
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

/* The size of what a copy holds, 0 if it is not whole. */
static uint32_t whole(uint32_t copy) {
    const uint32_t at = address_of(copy), size = word_at(at + 8);
    if (word_at(at) != MAGIC || size == 0 || size > PARAMETERS_MAX) return 0;
    return yima_crc32(0, port_flash_at(at + HEADER), size) == word_at(at + 12) ? size : 0;
}

int parameters_find(parameters_in_force *found, const char **why) {
    const uint32_t sizes[COPIES] = {whole(0), whole(1)};
    const char *reason = "NONE";
    uint32_t first = sizes[1] && (!sizes[0] || (int32_t)(word_at(address_of(1) + 4) - word_at(address_of(0) + 4)) > 0);
    for (uint32_t i = 0; i < COPIES; i++) {
        const uint32_t copy = first ^ i, at = address_of(copy);
        if (sizes[copy] && parameters_open(found, port_flash_at(at + HEADER), sizes[copy], &reason)) {
            found->copy = (uint8_t)copy;
            found->sequence = word_at(at + 4);
            found->held = 1;
            return 1;
        }
    }
    if (why) *why = reason;
    memset(found, 0, sizeof *found);
    return 0;
}

int parameters_begin(const parameters_in_force *active, uint32_t size, const char **why) {
    if (size == 0 || size > PARAMETERS_MAX) {
        *why = "TOO_LARGE";
        return 0;
    }
    incoming_copy = active->held ? active->copy ^ 1u : 0;
    if (!flash_writer_begin(&incoming, address_of(incoming_copy) + HEADER, size)) {
        *why = "FLASH";
        return 0;
    }
    return 1;
}

int parameters_write(uint32_t offset, const uint8_t *bytes, size_t size) {
    return offset == incoming.done && flash_writer_put(&incoming, bytes, size);
}

/* Whether the device may take it: signatures and versions of a package; of a bare image only that it is not older. */
static int trusted(const parameters_in_force *next, const parameters_in_force *active, int64_t now, const char **why) {
    if (next->package.version == 0) {
        *why = "OLDER";
        return !(active->version && (active->package.version || next->version < active->version));
    }
    const int chained = active->package.version != 0;
    const yima_package_trust trust = {
        .environment = YIMA_ENVIRONMENT,
        .city = settings.city,
        .keys = chained ? active->package.keys : settings.keys,
        .key_count = chained ? active->package.key_count : settings.key_count,
        .needed = chained ? active->package.needed : settings.keys_needed,
        .newest = active->package.version,
        .newest_id = active->package.id,
    };
    const yima_package_error error = yima_package_check(&next->package, &trust, now);
    *why = yima_package_error_name(error);
    return error == YIMA_PACKAGE_OK;
}

int parameters_finish(const parameters_in_force *active, int64_t now, const char **why) {
    const uint32_t at = address_of(incoming_copy);
    parameters_in_force next;
    if (incoming.size == 0 || incoming.done != incoming.size) {
        *why = "TRUNCATED";
        return 0;
    }
    if (!parameters_open(&next, port_flash_at(at + HEADER), incoming.size, why) || !trusted(&next, active, now, why)) {
        return 0;
    }
    const uint32_t head[4] = {MAGIC, active->held ? active->sequence + 1 : 1, incoming.size,
                              yima_crc32(0, port_flash_at(at + HEADER), incoming.size)};
    incoming.size = 0;
    if (!write_head(at, head)) {
        *why = "FLASH";
        return 0;
    }
    return 1;
}
