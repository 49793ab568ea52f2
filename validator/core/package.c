/* package.c - signed packages: their form, and the rules of trust.
 *
 * Everything is big-endian:
 *
 *   header, 128 bytes
 *     0  magic "YIMA"                                 32  expiry, unix s (8)
 *     4  format (2): 1                                40  SM3 of the image (32)
 *     6  environment (1): 1 production, 2 test        72  increment: id of the package it applies to (32), else zeros
 *     7  kind (1): 1 parameters, 2 deny-list         104  number of signers' keys (1), 1 to 16
 *        increment, 3 deny-list                      105  how many of them must sign the next package (1)
 *     8  city (4), 0 any                             106  1: what waits on a device is given up for it (1), else 0
 *    12  version (4), from 1                         107  1: in parts, else 0 (1)
 *                                                    108  zero (20)
 *    16  previous version (4)
 *    20  size of the image (4)
 *    24  not before, unix s (8)
 *   keys, 33 bytes each, ascending: who signs the next package
 *   number of signatures (1), 0 to 16
 *   signatures, 72 bytes each, ascending: key id (8: the first bytes of SM3(key)), r, s
 *   zeros up to a multiple of 64
 *   of a package in parts: the list of parts, 34 bytes each, ascending, and zeros up to a multiple of 64; `size of the
 *       image` and `SM3 of the image` are those of the list, and the image may be cut to what one gate needs
 *   image, to the end
 *
 * Header and keys are what is signed; their SM3 is the package's id, whoever signs it. The image comes last and is
 * bound by its digest, so a device knows by the first kilobyte, before it takes the bulk, whether the rest is worth its
 * flash; and a large deny-list need not be hashed again to see who signed it.
 *
 * The rules, in the manner of The Update Framework: each signature must be by a key that is trusted, or that the
 * package itself names, and must hold; as many trusted keys must have signed as the newest package demanded. Thus no
 * bit of a package can change without notice, and while keys are changed a package can carry both signatures. Versions
 * never go back, one version is one package, an increment applies to exactly what is active. */
#include "package.h"

#include "bytes.h"
#include "parameters.h"
#include "sm2.h"
#include "sm3.h"

enum {
    FORMAT = 1,
    AT_FORMAT = 4,
    AT_ENVIRONMENT = 6,
    AT_KIND = 7,
    AT_CITY = 8,
    AT_VERSION = 12,
    AT_PREVIOUS = 16,
    AT_IMAGE_SIZE = 20,
    AT_NOT_BEFORE = 24,
    AT_EXPIRY = 32,
    AT_DIGEST = 40,
    AT_BASE = 72,
    AT_KEY_COUNT = 104,
    AT_NEEDED = 105,
    AT_REPLACES = 106,
    AT_PARTS = 107,
    AT_RESERVED = 108,
    PARTS_SIZE_MAX = 1 << 20 /* some thirty thousand parts */
};

/* Sections that only hold fares by place, or names for people: a gate of another place does without, and where one is
 * kept from a gate that needs it, nobody rides (fare.c). Every other section is a rule that must not be switched off. */
static const uint64_t MAY_LACK = UINT64_C(1) << YIMA_SECTION_STATIONS | UINT64_C(1) << YIMA_SECTION_STAGES |
                                 UINT64_C(1) << YIMA_SECTION_MATRICES | UINT64_C(1) << YIMA_SECTION_AXES |
                                 UINT64_C(1) << YIMA_SECTION_CELLS | UINT64_C(1) << YIMA_SECTION_LABELS |
                                 UINT64_C(1) << YIMA_SECTION_COLUMNS;

static int64_t be64(const uint8_t *p) {
    const uint64_t value = (uint64_t)yima_be32(p) << 32 | yima_be32(p + 4);
    return value > INT64_MAX ? -1 : (int64_t)value;
}

static int is_zero(const uint8_t *bytes, size_t size) {
    uint8_t any = 0;
    for (size_t i = 0; i < size; i++) any |= bytes[i];
    return any == 0;
}

static size_t signed_size_of(const uint8_t *header) {
    return YIMA_PACKAGE_HEADER + (size_t)header[AT_KEY_COUNT] * YIMA_PACKAGE_KEY;
}

static size_t aligned(size_t size) {
    return (size + YIMA_PACKAGE_ALIGNMENT - 1) / YIMA_PACKAGE_ALIGNMENT * YIMA_PACKAGE_ALIGNMENT;
}

/* Where the image begins, or the list of parts before it, by the counts of keys and signatures. */
static size_t image_at(const uint8_t *bytes) {
    const size_t count_at = signed_size_of(bytes);
    return aligned(count_at + 1 + (size_t)bytes[count_at] * YIMA_PACKAGE_SIGNATURE);
}

static yima_package_error fail(size_t *offset, size_t at, yima_package_error error) {
    *offset = at;
    return error;
}

static yima_package_error check_header(const uint8_t *h, size_t *offset) {
    if (memcmp(h, "YIMA", 4) != 0) return fail(offset, 0, YIMA_PACKAGE_NOT_A_PACKAGE);
    if (yima_be16(h + AT_FORMAT) != FORMAT) return fail(offset, AT_FORMAT, YIMA_PACKAGE_OTHER_FORMAT);
    const int increment = h[AT_KIND] == YIMA_PACKAGE_DENY_INCREMENT;
    const struct {
        size_t at;
        int holds;
    } fields[] = {
        {AT_ENVIRONMENT, h[AT_ENVIRONMENT] == 1 || h[AT_ENVIRONMENT] == 2},
        {AT_KIND, h[AT_KIND] >= YIMA_PACKAGE_PARAMETERS && h[AT_KIND] <= YIMA_PACKAGE_DENY_LIST},
        {AT_VERSION, yima_be32(h + AT_VERSION) > 0},
        {AT_PREVIOUS, yima_be32(h + AT_PREVIOUS) < yima_be32(h + AT_VERSION)},
        {AT_NOT_BEFORE, be64(h + AT_NOT_BEFORE) >= 0},
        {AT_EXPIRY, be64(h + AT_EXPIRY) > be64(h + AT_NOT_BEFORE)},
        {AT_BASE, is_zero(h + AT_BASE, YIMA_PACKAGE_ID) != increment},
        {AT_KEY_COUNT, h[AT_KEY_COUNT] >= 1 && h[AT_KEY_COUNT] <= YIMA_PACKAGE_KEYS_MAX},
        {AT_NEEDED, h[AT_NEEDED] >= 1 && h[AT_NEEDED] <= h[AT_KEY_COUNT]},
        {AT_REPLACES, h[AT_REPLACES] <= 1},
        {AT_PARTS, h[AT_PARTS] <= (h[AT_KIND] == YIMA_PACKAGE_PARAMETERS)},
        {AT_IMAGE_SIZE,
         !h[AT_PARTS] || (yima_be32(h + AT_IMAGE_SIZE) && yima_be32(h + AT_IMAGE_SIZE) <= PARTS_SIZE_MAX &&
                          yima_be32(h + AT_IMAGE_SIZE) % YIMA_PACKAGE_PART == 0)},
        {AT_RESERVED, is_zero(h + AT_RESERVED, YIMA_PACKAGE_HEADER - AT_RESERVED)},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (!fields[i].holds) return fail(offset, fields[i].at, YIMA_PACKAGE_BAD_VALUE);
    return YIMA_PACKAGE_OK;
}

/* Rows must ascend strictly by their first `key` bytes: none is counted twice, and one content has one form. */
static int ascends(const uint8_t *rows, unsigned count, size_t row, size_t key, size_t *at) {
    for (unsigned i = 1; i < count; i++) {
        *at = i * row;
        if (memcmp(rows + (i - 1) * row, rows + i * row, key) >= 0) return 0;
    }
    return 1;
}

/* The list of parts begins at `at`; the image behind it is as large as it says itself. */
static yima_package_error open_parts(yima_package *p, const uint8_t *bytes, size_t at, size_t size, size_t *offset) {
    const size_t listed = yima_be32(bytes + AT_IMAGE_SIZE), image = aligned(at + listed);
    size_t wrong = 0;
    if (image + YIMA_HEADER_SIZE > size) return fail(offset, size, YIMA_PACKAGE_TRUNCATED);
    p->parts = bytes + at;
    p->part_count = listed / YIMA_PACKAGE_PART;
    if (!ascends(p->parts, (unsigned)p->part_count, YIMA_PACKAGE_PART, YIMA_PACKAGE_PART, &wrong))
        return fail(offset, at + wrong, YIMA_PACKAGE_BAD_VALUE);
    if (!is_zero(bytes + at + listed, image - at - listed)) return fail(offset, at + listed, YIMA_PACKAGE_BAD_VALUE);
    p->image = bytes + image;
    p->image_size = YIMA_VALUE(p->image, HEADER, SIZE);
    if (p->image_size > size - image) return fail(offset, size, YIMA_PACKAGE_TRUNCATED);
    if (p->image_size < size - image) return fail(offset, image + p->image_size, YIMA_PACKAGE_TRAILING);
    return YIMA_PACKAGE_OK;
}

static yima_package_error open_front(yima_package *p, const uint8_t *bytes, size_t size, size_t *offset) {
    const size_t keys_at = YIMA_PACKAGE_HEADER;
    const size_t count_at = signed_size_of(bytes);
    if (count_at >= size) return fail(offset, size, YIMA_PACKAGE_TRUNCATED);
    if (bytes[count_at] > YIMA_PACKAGE_KEYS_MAX) return fail(offset, count_at, YIMA_PACKAGE_BAD_VALUE);
    const size_t image = image_at(bytes);
    if (image > size) return fail(offset, size, YIMA_PACKAGE_TRUNCATED);
    p->key_count = bytes[AT_KEY_COUNT];
    p->keys = bytes + keys_at;
    p->signed_part = bytes;
    p->signed_size = count_at;
    p->signature_count = bytes[count_at];
    p->signatures = bytes + count_at + 1;
    size_t at = 0;
    if (!ascends(p->keys, p->key_count, YIMA_PACKAGE_KEY, YIMA_PACKAGE_KEY, &at))
        return fail(offset, keys_at + at, YIMA_PACKAGE_BAD_VALUE);
    if (!ascends(p->signatures, p->signature_count, YIMA_PACKAGE_SIGNATURE, YIMA_PACKAGE_KEY_ID, &at))
        return fail(offset, count_at + 1 + at, YIMA_PACKAGE_BAD_VALUE);
    const size_t padding = count_at + 1 + (size_t)p->signature_count * YIMA_PACKAGE_SIGNATURE;
    if (!is_zero(bytes + padding, image - padding)) return fail(offset, padding, YIMA_PACKAGE_BAD_VALUE);
    const yima_sm2_kernel *kernel = yima_sm2_best();
    yima_sm2_key key;
    for (unsigned i = 0; i < p->key_count; i++)
        if (!kernel->parse_key(&key, p->keys + i * YIMA_PACKAGE_KEY, YIMA_PACKAGE_KEY))
            return fail(offset, keys_at + (size_t)i * YIMA_PACKAGE_KEY, YIMA_PACKAGE_BAD_KEY);
    if (bytes[AT_PARTS]) return open_parts(p, bytes, image, size, offset);
    p->image = bytes + image;
    p->image_size = yima_be32(bytes + AT_IMAGE_SIZE);
    if (p->image_size > size - image) return fail(offset, size, YIMA_PACKAGE_TRUNCATED);
    if (p->image_size < size - image) return fail(offset, image + p->image_size, YIMA_PACKAGE_TRAILING);
    return YIMA_PACKAGE_OK;
}

static yima_package_error open_package(yima_package *p, const uint8_t *bytes, size_t size, size_t *offset) {
    if (size < YIMA_PACKAGE_HEADER) return fail(offset, size, YIMA_PACKAGE_TRUNCATED);
    yima_package_error error = check_header(bytes, offset);
    if (error == YIMA_PACKAGE_OK) error = open_front(p, bytes, size, offset);
    if (error != YIMA_PACKAGE_OK) return error;
    p->environment = bytes[AT_ENVIRONMENT];
    p->kind = bytes[AT_KIND];
    p->city = yima_be32(bytes + AT_CITY);
    p->version = yima_be32(bytes + AT_VERSION);
    p->previous = yima_be32(bytes + AT_PREVIOUS);
    p->not_before = be64(bytes + AT_NOT_BEFORE);
    p->expiry = be64(bytes + AT_EXPIRY);
    p->digest = bytes + AT_DIGEST;
    p->base = bytes + AT_BASE;
    p->needed = bytes[AT_NEEDED];
    p->replaces = bytes[AT_REPLACES];
    yima_sm3(p->signed_part, p->signed_size, p->id);
    return YIMA_PACKAGE_OK;
}

uint64_t yima_package_size(const uint8_t *start, size_t size) {
    size_t offset;
    if (size < YIMA_PACKAGE_HEADER || check_header(start, &offset) != YIMA_PACKAGE_OK || start[AT_PARTS] ||
        signed_size_of(start) >= size || start[signed_size_of(start)] > YIMA_PACKAGE_KEYS_MAX) {
        return 0;
    }
    return (uint64_t)image_at(start) + yima_be32(start + AT_IMAGE_SIZE);
}

yima_package_error yima_package_open(yima_package *p, const uint8_t *bytes, size_t size, size_t *offset) {
    size_t at = 0;
    memset(p, 0, sizeof *p);
    const yima_package_error error = open_package(p, bytes, size, &at);
    if (error != YIMA_PACKAGE_OK) {
        memset(p, 0, sizeof *p);
        if (offset) *offset = at;
    }
    return error;
}

/* The key of this id among `count` keys, or NULL. */
static const uint8_t *key_of(const uint8_t *id, const uint8_t *keys, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        uint8_t digest[32];
        yima_sm3(keys + (size_t)i * YIMA_PACKAGE_KEY, YIMA_PACKAGE_KEY, digest);
        if (memcmp(digest, id, YIMA_PACKAGE_KEY_ID) == 0) return keys + (size_t)i * YIMA_PACKAGE_KEY;
    }
    return NULL;
}

yima_package_error yima_package_check_signatures(const yima_package *p, const yima_package_trust *trust) {
    const yima_sm2_kernel *kernel = yima_sm2_best();
    unsigned trusted = 0;
    if (p->signature_count == 0) return YIMA_PACKAGE_UNSIGNED;
    for (unsigned i = 0; i < p->signature_count; i++) {
        const uint8_t *signature = p->signatures + (size_t)i * YIMA_PACKAGE_SIGNATURE;
        const uint8_t *bytes = key_of(signature, trust->keys, trust->key_count);
        const int counts = bytes != NULL;
        if (!bytes) bytes = key_of(signature, p->keys, p->key_count);
        if (!bytes) return YIMA_PACKAGE_UNKNOWN_SIGNER;
        yima_sm2_key key;
        uint8_t e[32];
        if (!kernel->parse_key(&key, bytes, YIMA_PACKAGE_KEY)) return YIMA_PACKAGE_BAD_KEY;
        yima_sm2_digest(&key, p->signed_part, p->signed_size, e);
        if (!kernel->verify(&key, e, signature + YIMA_PACKAGE_KEY_ID)) return YIMA_PACKAGE_BAD_SIGNATURE;
        trusted += (unsigned)counts;
    }
    if (trusted == 0) return YIMA_PACKAGE_UNKNOWN_SIGNER; /* also where the trust demands no signature at all */
    return trusted >= trust->needed ? YIMA_PACKAGE_OK : YIMA_PACKAGE_TOO_FEW_SIGNATURES;
}

static yima_package_error check_place(const yima_package *p, const yima_package_trust *trust) {
    if (p->environment != trust->environment) return YIMA_PACKAGE_OTHER_ENVIRONMENT;
    if ((p->kind != YIMA_PACKAGE_PARAMETERS) != (trust->deny_chain != 0)) return YIMA_PACKAGE_OTHER_CHAIN;
    if (p->city != 0 && trust->city != 0 && p->city != trust->city) return YIMA_PACKAGE_OTHER_CITY;
    return YIMA_PACKAGE_OK;
}

static yima_package_error check_version(const yima_package *p, const yima_package_trust *trust) {
    const int increment = p->kind == YIMA_PACKAGE_DENY_INCREMENT;
    if (trust->newest != 0) {
        if (p->version < trust->newest) return YIMA_PACKAGE_OLDER;
        if (p->version == trust->newest) return YIMA_PACKAGE_SAME_VERSION;
        if (p->previous > trust->newest && p->previous > trust->waiting) return YIMA_PACKAGE_GAP;
    }
    if (increment && (!trust->active_id || memcmp(p->base, trust->active_id, YIMA_PACKAGE_ID) != 0))
        return YIMA_PACKAGE_OTHER_BASE;
    return YIMA_PACKAGE_OK;
}

/* Whether a section of the image, by its entry in the directory, is one of the parts. */
static int is_part(const yima_package *p, const uint8_t *entry) {
    const uint64_t size = (uint64_t)YIMA_VALUE(entry, ENTRY, ROW_SIZE) * YIMA_VALUE(entry, ENTRY, ROWS);
    const uint32_t start = YIMA_VALUE(entry, ENTRY, START);
    uint8_t row[YIMA_PACKAGE_PART];
    yima_sm3_state state;
    if (YIMA_VALUE(entry, ENTRY, SECTION) >= YIMA_SECTION_KINDS || start > p->image_size ||
        size > p->image_size - start)
        return 0;
    memcpy(row, entry, 2);
    yima_sm3_init(&state);
    yima_sm3_update(&state, entry, YIMA_ENTRY_AT_START);
    yima_sm3_update(&state, p->image + start, (size_t)size);
    yima_sm3_final(&state, row + 2);
    for (size_t i = 0; i < p->part_count; i++)
        if (memcmp(p->parts + i * YIMA_PACKAGE_PART, row, sizeof row) == 0) return 1;
    return 0;
}

static int parts_hold(const yima_package *p) {
    const uint32_t count = YIMA_VALUE(p->image, HEADER, SECTIONS);
    uint64_t has = MAY_LACK;
    if ((p->image_size - YIMA_HEADER_SIZE) / YIMA_ENTRY_SIZE < count) return 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *entry = p->image + YIMA_HEADER_SIZE + (size_t)i * YIMA_ENTRY_SIZE;
        if (!is_part(p, entry)) return 0;
        has |= UINT64_C(1) << YIMA_VALUE(entry, ENTRY, SECTION);
    }
    for (size_t i = 0; i < p->part_count; i++) {
        const uint32_t section = yima_be16(p->parts + i * YIMA_PACKAGE_PART);
        if (section >= YIMA_SECTION_KINDS || !(has >> section & 1)) return 0;
    }
    return 1;
}

int yima_package_image_intact(const yima_package *p) {
    uint8_t digest[32];
    if (p->parts)
        yima_sm3(p->parts, p->part_count * YIMA_PACKAGE_PART, digest);
    else
        yima_sm3(p->image, p->image_size, digest);
    return memcmp(digest, p->digest, sizeof digest) == 0 &&
           (!p->parts || (p->image_size >= YIMA_HEADER_SIZE && parts_hold(p)));
}

static yima_package_error check_image(const yima_package *p) {
    if (!yima_package_image_intact(p)) return YIMA_PACKAGE_BAD_IMAGE;
    if (p->kind == YIMA_PACKAGE_PARAMETERS &&
        (p->image_size < YIMA_HEADER_SIZE ||
         memcmp(YIMA_PLACE(p->image, HEADER, MAGIC), "YIMP", YIMA_HEADER_SIZE_MAGIC) != 0 ||
         YIMA_VALUE(p->image, HEADER, ENVIRONMENT) != p->environment ||
         YIMA_VALUE(p->image, HEADER, VERSION) != p->version))
        return YIMA_PACKAGE_MIXED;
    return YIMA_PACKAGE_OK;
}

/* The very package that was checked when it became the newest; its signer may have been replaced by itself. */
static int is_newest(const yima_package *p, const yima_package_trust *trust) {
    return trust->newest != 0 && p->version == trust->newest && memcmp(p->id, trust->newest_id, YIMA_PACKAGE_ID) == 0;
}

yima_package_error yima_package_check(const yima_package *p, const yima_package_trust *trust, int64_t now) {
    yima_package_error error = check_place(p, trust);
    if (error == YIMA_PACKAGE_OK && !is_newest(p, trust)) {
        error = yima_package_check_signatures(p, trust);
        if (error == YIMA_PACKAGE_OK) error = check_version(p, trust);
    }
    if (error == YIMA_PACKAGE_OK && now >= p->expiry) error = YIMA_PACKAGE_EXPIRED;
    if (error == YIMA_PACKAGE_OK) error = check_image(p);
    if (error == YIMA_PACKAGE_OK && now < p->not_before) error = YIMA_PACKAGE_NOT_YET;
    return error;
}

yima_standing yima_package_standing(int64_t not_before, int64_t expiry, int64_t now, uint32_t alarm_s,
                                    uint32_t grace_s) {
    if (now < not_before) return YIMA_STANDING_NOT_YET;
    if (now < expiry) return expiry - now <= (int64_t)alarm_s ? YIMA_STANDING_EXPIRING : YIMA_STANDING_GOOD;
    return now - expiry < (int64_t)grace_s ? YIMA_STANDING_GRACE : YIMA_STANDING_EXPIRED;
}

const char *yima_package_error_name(yima_package_error error) {
    static const char *const names[] = {
#define YIMA_X(name) #name,
        YIMA_PACKAGE_ERRORS(YIMA_X)
#undef YIMA_X
    };
    return (unsigned)error < YIMA_PACKAGE_ERROR_COUNT ? names[error] : "unknown";
}
