/* fuzz_package.c - libFuzzer target: no bytes make the package reader look outside them, or trust them.
 *
 * The first byte says whether the rest is taken as it is, or first made to look like a package, so that what lies
 * behind the header is reached: magic, counts, keys of the curve, the size and, if asked for, the digest, of a package
 * in parts the list and the digests of its sections. */
#include "fuzz.h"
#include "package.h"
#include "parameters.h"
#include "sm3.h"

enum { MENDED = 1, WITH_DIGEST = 2, IN_PARTS = 4, LARGEST = 8192, PARTS_MOST = 8 };

/* The generator of the curve and its double. Nobody here knows how to sign by chance. */
static const uint8_t keys[2][YIMA_PACKAGE_KEY] = {
    {0x02, 0x32, 0xc4, 0xae, 0x2c, 0x1f, 0x19, 0x81, 0x19, 0x5f, 0x99, 0x04, 0x46, 0x6a, 0x39, 0xc9, 0x94,
     0x8f, 0xe3, 0x0b, 0xbf, 0xf2, 0x66, 0x0b, 0xe1, 0x71, 0x5a, 0x45, 0x89, 0x33, 0x4c, 0x74, 0xc7},
    {0x03, 0x56, 0xce, 0xfd, 0x60, 0xd7, 0xc8, 0x7c, 0x00, 0x0d, 0x58, 0xef, 0x57, 0xfa, 0x73, 0xba, 0x4d,
     0x9c, 0x0d, 0xfa, 0x08, 0xc0, 0x8a, 0x73, 0x31, 0x49, 0x5c, 0x2e, 0x1d, 0xa3, 0xf2, 0xbd, 0x52},
};

static int section_of(const uint8_t *image, size_t size, uint32_t number, uint64_t *start, uint64_t *length) {
    const uint8_t *entry = image + YIMA_HEADER_SIZE + (size_t)number * YIMA_ENTRY_SIZE;
    if (size < YIMA_HEADER_SIZE + (size_t)(number + 1) * YIMA_ENTRY_SIZE) return 0;
    *start = YIMA_VALUE(entry, ENTRY, START);
    *length = (uint64_t)YIMA_VALUE(entry, ENTRY, ROW_SIZE) * YIMA_VALUE(entry, ENTRY, ROWS);
    return *start <= size && *length <= size - *start;
}

/* A list of parts at `at`, and behind it an image, whose first sections are those parts if asked for. */
static void mend_parts(uint8_t *b, size_t size, size_t at, int with_digest) {
    const uint32_t count = 1 + b[20] % PARTS_MOST;
    const size_t listed = (size_t)count * YIMA_PACKAGE_PART, image = (at + listed + 63) / 64 * 64;
    b[7] = YIMA_PACKAGE_PARAMETERS;
    b[107] = 1;
    memset(b + 72, 0, YIMA_PACKAGE_ID);
    if (size < image + YIMA_HEADER_SIZE) return;
    for (unsigned i = 0; i < 4; i++) b[20 + i] = (uint8_t)(listed >> (24 - 8 * i));
    memset(b + at + listed, 0, image - at - listed);
    YIMA_PUT(b + image, HEADER, SIZE, (uint32_t)(size - image));
    const uint32_t sections = YIMA_VALUE(b + image, HEADER, SECTIONS) % (count + 1);
    YIMA_PUT(b + image, HEADER, SECTIONS, sections);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *row = b + at + (size_t)i * YIMA_PACKAGE_PART;
        uint8_t *entry = b + image + YIMA_HEADER_SIZE + (size_t)i * YIMA_ENTRY_SIZE;
        uint64_t start, length;
        row[0] = 0;
        row[1] = (uint8_t)(i + 1);
        if (!with_digest || i >= sections || size < image + YIMA_HEADER_SIZE + (size_t)(i + 1) * YIMA_ENTRY_SIZE)
            continue;
        YIMA_PUT(entry, ENTRY, SECTION, i + 1);
        if (!section_of(b + image, size - image, i, &start, &length)) continue;
        yima_sm3_state state;
        yima_sm3_init(&state);
        yima_sm3_update(&state, entry, YIMA_ENTRY_AT_START);
        yima_sm3_update(&state, b + image + start, (size_t)length);
        yima_sm3_final(&state, row + 2);
    }
    if (with_digest) yima_sm3(b + at, listed, b + 40);
}

/* Makes the bytes look like a package with two keys and up to three signatures. */
static void mend(uint8_t *b, size_t size, int with_digest, int in_parts) {
    const size_t count_at = YIMA_PACKAGE_HEADER + sizeof keys;
    if (size <= count_at) return;
    memcpy(b, "YIMA\0\1", 6);
    b[6] = 1 + b[6] % 2;
    b[7] = 1 + b[7] % 3;
    if (b[7] != YIMA_PACKAGE_DENY_INCREMENT) memset(b + 72, 0, YIMA_PACKAGE_ID);
    b[24] = b[32] = 0;
    b[104] = 2;
    b[105] = 1 + b[105] % 2;
    memset(b + 106, 0, 22);
    memcpy(b + YIMA_PACKAGE_HEADER, keys, sizeof keys);
    b[count_at] %= 4;
    const size_t padding = count_at + 1 + (size_t)b[count_at] * YIMA_PACKAGE_SIGNATURE;
    const size_t image = (padding + 63) / 64 * 64;
    if (size < image) return;
    memset(b + padding, 0, image - padding);
    if (in_parts) {
        mend_parts(b, size, image, with_digest);
        return;
    }
    for (unsigned i = 0; i < 4; i++) b[20 + i] = (uint8_t)((size - image) >> (24 - 8 * i));
    if (with_digest) yima_sm3(b + image, size - image, b + 40);
}

static void check_views(const yima_package *p, const uint8_t *bytes, size_t size) {
    demand(p->signed_part == bytes && p->keys == bytes + YIMA_PACKAGE_HEADER);
    demand(p->key_count >= 1 && p->key_count <= YIMA_PACKAGE_KEYS_MAX && p->needed >= 1 && p->needed <= p->key_count);
    demand(p->signature_count <= YIMA_PACKAGE_KEYS_MAX);
    demand(p->signatures + (size_t)p->signature_count * YIMA_PACKAGE_SIGNATURE <= p->image);
    demand(!p->parts || (p->part_count > 0 && p->parts + p->part_count * YIMA_PACKAGE_PART <= p->image));
    demand(p->image + p->image_size == bytes + size && (p->image - bytes) % YIMA_PACKAGE_ALIGNMENT == 0);
    demand(p->version > p->previous && p->not_before >= 0 && p->expiry > p->not_before);
    demand(yima_package_size(bytes, size) == (p->parts ? 0 : size));
}

static void check_trust(const yima_package *p) {
    yima_package_trust trust = {
        .environment = p->environment,
        .deny_chain = p->kind != YIMA_PACKAGE_PARAMETERS,
        .keys = keys[1],
        .key_count = 1,
        .needed = 1,
        .active_id = p->base,
    };
    /* Signed by nobody whom the device knows. */
    const yima_package_error stranger = yima_package_check(p, &trust, p->not_before);
    demand(stranger >= YIMA_PACKAGE_UNSIGNED && stranger <= YIMA_PACKAGE_TOO_FEW_SIGNATURES);
    /* The one that is known already: only time and image are left to look at. */
    trust.newest = p->version;
    trust.newest_id = p->id;
    const yima_package_error known = yima_package_check(p, &trust, p->not_before);
    demand(known == YIMA_PACKAGE_OK || known == YIMA_PACKAGE_BAD_IMAGE || known == YIMA_PACKAGE_MIXED);
    demand((known == YIMA_PACKAGE_BAD_IMAGE) == !yima_package_image_intact(p));
    demand(yima_package_check(p, &trust, p->expiry) == YIMA_PACKAGE_EXPIRED);
    if (known == YIMA_PACKAGE_OK && p->not_before > 0)
        demand(yima_package_check(p, &trust, p->not_before - 1) == YIMA_PACKAGE_NOT_YET);
}

/* The list ascends, and of an image that is taken no byte of a section can be another. */
static void check_parts(const yima_package *p, uint8_t *image) {
    for (size_t i = 1; i < p->part_count; i++) {
        const uint8_t *row = p->parts + i * YIMA_PACKAGE_PART;
        demand(memcmp(row - YIMA_PACKAGE_PART, row, YIMA_PACKAGE_PART) < 0);
    }
    if (!yima_package_image_intact(p)) return;
    const uint32_t count = YIMA_VALUE(image, HEADER, SECTIONS);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t start, length;
        demand(section_of(image, p->image_size, i, &start, &length));
        if (!length || start < YIMA_HEADER_SIZE + (uint64_t)count * YIMA_ENTRY_SIZE) continue;
        image[start + length - 1] ^= 1;
        demand(!yima_package_image_intact(p));
        image[start + length - 1] ^= 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    yima_package p;
    size_t offset = 0;
    if (size < 1 || size > LARGEST) return 0;
    uint8_t *bytes =
        malloc(size - 1 ? size - 1 : 1); /* of its exact size, so that the sanitizer sees one byte too many */
    demand(bytes != NULL);
    memcpy(bytes, data + 1, size - 1);
    if (data[0] & MENDED) mend(bytes, size - 1, data[0] & WITH_DIGEST, data[0] & IN_PARTS);
    if (yima_package_open(&p, bytes, size - 1, &offset) == YIMA_PACKAGE_OK) {
        check_views(&p, bytes, size - 1);
        check_trust(&p);
        if (p.parts) check_parts(&p, bytes + (p.image - bytes));
    } else {
        demand(offset <= size - 1 && p.image == NULL);
        (void)yima_package_size(bytes, size - 1);
    }
    free(bytes);
    return 0;
}
