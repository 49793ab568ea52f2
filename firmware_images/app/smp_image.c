/* smp_image.c - SMP group 1: the images in the slots, upload into the slot that does not run, try, confirm.
 *
 * The upload goes to the other slot, whatever number the station says, and to none while that slot is needed. What the
 * boot ROM would not start is refused with the reason, as far as it is known here: an image linked for another slot, of
 * another product, environment or hardware, no newer than the one that runs, with a lower security counter. Whether it
 * is signed the boot ROM judges.
 *
 * A tool that names no image (number 0, as `smpmgr upgrade` does) marks nothing either: its image is to be tried as soon
 * as it is whole. One that names number 1 says by a command of its own when. */
#include "flash_writer.h"
#include "image.h"
#include "product.h"
#include "runtime.h"
#include "sha256.h"
#include "smp.h"
#include "status.h"

enum { STATE = 0, UPLOAD = 1, ERASE = 5 };

/* mcumgr's codes of the image group. */
enum {
    NO_IMAGE = 3,
    NO_FREE_SLOT = 9,
    FLASH_WRITE_FAILED = 12,
    FLASH_ERASE_FAILED = 13,
    INVALID_SLOT = 14,
    INVALID_OFFSET = 20,
    INVALID_LENGTH = 21,
    INVALID_IMAGE_HEADER = 22,
    INVALID_IMAGE_HEADER_MAGIC = 23,
    INVALID_HASH = 24,
    INVALID_FLASH_ADDRESS = 25,
    CURRENT_VERSION_IS_NEWER = 27,
    INVALID_IMAGE_TOO_LARGE = 30,
    INVALID_IMAGE_DATA_OVERRUN = 31,
    IMAGE_CONFIRMATION_DENIED = 32,
    IMAGE_SETTING_TEST_TO_ACTIVE_DENIED = 33
};

enum { HEADER_BYTES = 32, FLAG_ROM_FIXED = 0x100 };

static flash_writer incoming;
static uint8_t incoming_sha[IMAGE_HASH], has_sha, to_be_tried;

static int refuse(smp_request *request, uint32_t code, const char *why) {
    status_say_text("image", "refused", why);
    return smp_refuse(request, code);
}

static uint32_t little(const uint8_t *bytes) {
    return (uint32_t)bytes[3] << 24 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[1] << 8 | bytes[0];
}

static void put_state(cbor_out *out, uint32_t number) {
    image_info info;
    char version[IMAGE_VERSION_MAX];
    if (!image_look(number, &info)) return;
    const int active = number == port_slot();
    image_version_text(info.version, version);
    cbor_map(out);
    cbor_put_number(out, "slot", number);
    cbor_put_text(out, "version", version);
    cbor_text(out, "hash");
    cbor_bytes(out, info.hash, IMAGE_HASH);
    cbor_put_bool(out, "bootable", 1);
    cbor_put_bool(out, "pending", !active && info.pending && !info.tried);
    cbor_put_bool(out, "confirmed", info.confirmed);
    cbor_put_bool(out, "active", active);
    cbor_put_bool(out, "permanent", info.pending && info.confirmed);
    cbor_end(out);
}

static int states(smp_request *request) {
    cbor_text(request->answer, "images");
    cbor_array(request->answer);
    for (uint32_t number = 0; number < 2; number++) put_state(request->answer, number);
    cbor_end(request->answer);
    cbor_put_number(request->answer, "splitStatus", 0);
    return SMP_OK;
}

/* The slot whose image has the hash; 2: none. */
static uint32_t slot_of(const uint8_t *hash, uint32_t size) {
    image_info info;
    for (uint32_t number = 0; number < 2; number++) {
        if (size == IMAGE_HASH && image_look(number, &info) && memcmp(info.hash, hash, IMAGE_HASH) == 0) return number;
    }
    return 2;
}

static int confirm(smp_request *request, uint32_t slot) {
    if (slot != port_slot()) return refuse(request, IMAGE_CONFIRMATION_DENIED, "NOT_RUNNING");
    if (!image_set_confirmed(slot)) return refuse(request, FLASH_WRITE_FAILED, "FLASH");
    status_say_number("image", "confirmed", slot);
    return states(request);
}

/* Why an image is of no use here; NULL: it is good. *code: what to answer. */
static const char *fault_of(const image_info *info, uint32_t *code) {
    const char *why = image_misfit(info);
    *code = INVALID_IMAGE_HEADER;
    if (!why) {
        why = image_passed_over(info);
        *code = CURRENT_VERSION_IS_NEWER;
    }
    return why;
}

static int set_state(smp_request *request) {
    const uint8_t *hash;
    uint32_t size, code;
    image_info info;
    const int named = cbor_find_bytes(request->cbor, request->size, "hash", &hash, &size);
    const int confirming = cbor_is_true(request->cbor, request->size, "confirm");
    const uint32_t slot = named ? slot_of(hash, size) : port_slot();
    if (slot > 1 || (!named && !confirming)) return refuse(request, INVALID_HASH, "NO_SUCH_IMAGE");
    if (confirming) return confirm(request, slot);
    if (slot == port_slot()) return refuse(request, IMAGE_SETTING_TEST_TO_ACTIVE_DENIED, "RUNNING");
    if (!image_look(slot, &info) || !image_intact(&info)) return refuse(request, INVALID_HASH, "DAMAGED");
    const char *why = fault_of(&info, &code);
    if (why) return refuse(request, code, why);
    if (!image_set_pending(slot)) return refuse(request, FLASH_WRITE_FAILED, "FLASH");
    status_say_number("image", "pending", slot);
    return states(request);
}

static int fits_here(smp_request *request, const uint8_t *data, uint32_t size, uint32_t slot) {
    image_info running;
    if (size < HEADER_BYTES) return refuse(request, INVALID_IMAGE_HEADER, "HEADER");
    if (little(data) != IMAGE_MAGIC) return refuse(request, INVALID_IMAGE_HEADER_MAGIC, "NOT_AN_IMAGE");
    if (!(little(data + 16) & FLAG_ROM_FIXED) || little(data + 4) != image_slot(slot)) {
        return refuse(request, INVALID_FLASH_ADDRESS, "OTHER_SLOT");
    }
    if (image_look(port_slot(), &running) && image_compare(data + 20, running.version) <= 0) {
        return refuse(request, CURRENT_VERSION_IS_NEWER, "NOT_NEWER");
    }
    return SMP_OK;
}

/* The first piece: opens the session, or goes on with one that broke off. Returns SMP_OK if the piece is to be written. */
static int begin(smp_request *request, const uint8_t *data, uint32_t size, int *resumed) {
    const uint32_t slot = port_slot() ^ 1u, start = image_slot(slot);
    const uint8_t *sha;
    uint32_t length, sha_size, number = 0;
    *resumed = 0;
    const char *needed = image_slot_needed();
    if (needed) return refuse(request, NO_FREE_SLOT, needed);
    if (!cbor_find_number(request->cbor, request->size, "len", &length)) {
        return refuse(request, INVALID_LENGTH, "NO_LENGTH");
    }
    if (length > IMAGE_SIZE_MAX) return refuse(request, INVALID_IMAGE_TOO_LARGE, "TOO_LARGE");
    const int named = cbor_find_bytes(request->cbor, request->size, "sha", &sha, &sha_size) && sha_size == IMAGE_HASH;
    const int tries = !cbor_find_number(request->cbor, request->size, "image", &number) || number == 0;
    if (named && has_sha && incoming.size == length && incoming.done < length &&
        memcmp(sha, incoming_sha, IMAGE_HASH) == 0) {
        *resumed = 1;
        to_be_tried = (uint8_t)tries; /* another tool may be going on with it */
        return SMP_OK;
    }
    const int fits = fits_here(request, data, size, slot);
    if (fits != SMP_OK) return fits;
    has_sha = (uint8_t)named;
    if (named) memcpy(incoming_sha, sha, IMAGE_HASH);
    to_be_tried = (uint8_t)tries;
    /* The trailer goes first: from now on, until the image is whole, there is nothing in the slot to start. */
    if (!port_flash_erase(start + PORT_SLOT_SIZE - PORT_FLASH_BLOCK) || !flash_writer_begin(&incoming, start, length)) {
        incoming.size = 0;
        return refuse(request, FLASH_ERASE_FAILED, "FLASH");
    }
    status_begin("image");
    status_number("upload", slot);
    status_number("bytes", length);
    status_end();
    return SMP_OK;
}

/* The last byte has come. */
static int finish(smp_request *request) {
    const uint32_t slot = port_slot() ^ 1u;
    uint8_t digest[IMAGE_HASH];
    image_info info;
    uint32_t code = INVALID_HASH;
    const uint32_t size = incoming.size;
    incoming.size = 0;
    sha256(port_flash_at(image_slot(slot)), size, digest);
    const int match = !has_sha || memcmp(digest, incoming_sha, IMAGE_HASH) == 0;
    const int whole = image_look(slot, &info) && info.size == size && image_intact(&info);
    const char *why = whole ? fault_of(&info, &code) : "DAMAGED";
    if (!match || why) port_flash_erase(image_slot(slot)); /* if it fails: without a trailer nothing starts it */
    if (match && why) return refuse(request, code, why);
    status_say_text("image", "received", match ? "whole" : "DAMAGED");
    if (match && to_be_tried) {
        if (!image_set_pending(slot)) return refuse(request, FLASH_WRITE_FAILED, "FLASH");
        status_say_number("image", "pending", slot);
    }
    cbor_put_number(request->answer, "off", size);
    cbor_put_bool(request->answer, "match", match);
    return SMP_OK;
}

static int upload(smp_request *request) {
    const uint8_t *data;
    uint32_t size, offset;
    int resumed = 0;
    if (!cbor_find_bytes(request->cbor, request->size, "data", &data, &size)) return SMP_EINVAL;
    if (!cbor_find_number(request->cbor, request->size, "off", &offset)) {
        return refuse(request, INVALID_OFFSET, "NO_OFFSET");
    }
    if (offset == 0) {
        const int begun = begin(request, data, size, &resumed);
        if (begun != SMP_OK) return begun;
    }
    if (incoming.size == 0) return refuse(request, INVALID_OFFSET, "NOT_BEGUN");
    if (!resumed && offset == incoming.done) {
        if (size > incoming.size - incoming.done) return refuse(request, INVALID_IMAGE_DATA_OVERRUN, "OVERRUN");
        if (!flash_writer_put(&incoming, data, size)) {
            incoming.size = 0;
            return refuse(request, FLASH_WRITE_FAILED, "FLASH");
        }
        if (incoming.done == incoming.size) return finish(request);
    }
    cbor_put_number(request->answer, "off", incoming.done); /* another offset than expected: go on from here */
    return SMP_OK;
}

static int erase(smp_request *request) {
    const uint32_t slot = port_slot() ^ 1u, start = image_slot(slot);
    uint32_t named;
    if (cbor_find_number(request->cbor, request->size, "slot", &named) && named != slot) {
        return refuse(request, INVALID_SLOT, named == port_slot() ? "RUNNING" : "NO_SUCH_SLOT");
    }
    const char *needed = image_slot_needed();
    if (needed) return refuse(request, NO_FREE_SLOT, needed);
    incoming.size = 0;
    if (!port_flash_erase(start + PORT_SLOT_SIZE - PORT_FLASH_BLOCK) || !port_flash_erase(start)) {
        return refuse(request, FLASH_ERASE_FAILED, "FLASH");
    }
    status_say_number("image", "erased", slot);
    return SMP_OK;
}

int smp_image(smp_request *request) {
    if (request->command == STATE) return request->operation == SMP_READ ? states(request) : set_state(request);
    if (request->operation != SMP_WRITE) return SMP_ENOTSUP;
    if (request->command == UPLOAD) return upload(request);
    return request->command == ERASE ? erase(request) : SMP_ENOTSUP;
}
