/* image.c - see image.h. Offsets and numbers are those of MCUboot's bootutil/image.h and its trailer. */
#include "image.h"

#include "product.h"
#include "runtime.h"
#include "sha256.h"
#include "version.h"

enum {
    AT_HEADER_SIZE = 8,
    AT_PROTECTED_SIZE = 10,
    AT_IMAGE_SIZE = 12,
    AT_VERSION = 20,
    TLV_INFO = 4,
    TLV_MAGIC = 0x6907,
    TLV_PROTECTED_MAGIC = 0x6908,
    TLV_SHA256 = 0x10,
    TLV_COUNTER = 0x50,
    TLV_PRODUCT = 0xA0,
    TLV_ENVIRONMENT = 0xA1,
    TLV_HARDWARE = 0xA2,
    TLVS_MAX = 32, /* in one area; an image has nine in both */
    UNIT = PORT_FLASH_UNIT,
    FROM_END_MAGIC = 16,
    MAGIC_UNITS = UNIT > 16 ? UNIT : 16, /* what is programmed for it */
    FROM_END_IMAGE_OK = MAGIC_UNITS + IMAGE_TRAILER_UNIT,
    FROM_END_COPY_DONE = MAGIC_UNITS + 2 * IMAGE_TRAILER_UNIT
};

/* Of flash with units of up to 8 bytes, and of others: there the magic begins with the size of a flag. */
static const uint8_t trailer_magics[2][16] = {
    {0x77, 0xc2, 0x95, 0xf3, 0x60, 0xd2, 0xef, 0x7f, 0x35, 0x52, 0x50, 0x0f, 0x2c, 0xb6, 0x79, 0x80},
    {IMAGE_TRAILER_UNIT, 0, 0x2d, 0xe1, 0x5d, 0x29, 0x41, 0x0b, 0x8d, 0x77, 0x67, 0x9c, 0x11, 0x0f, 0x1f, 0x8a}};
static const uint8_t *const trailer_magic = trailer_magics[UNIT > 8];

static uint32_t little(const uint8_t *bytes, uint32_t size) {
    uint32_t value = 0;
    while (size-- > 0) value = value << 8 | bytes[size];
    return value;
}

uint32_t image_slot(uint32_t number) {
    return number ? PORT_SLOT_B : PORT_SLOT_A;
}

static const uint8_t *trailer(uint32_t number, uint32_t from_end) {
    return port_flash_at(image_slot(number) + PORT_SLOT_SIZE - from_end);
}

/* The value of a TLV in one area; NULL: none. */
static const uint8_t *find_tlv(const uint8_t *area, uint32_t area_size, uint32_t type, uint32_t *size) {
    for (uint32_t at = TLV_INFO; at + 4 <= area_size;) {
        *size = little(area + at + 2, 2);
        if (*size > area_size - at - 4) return NULL;
        if (little(area + at, 2) == type) return area + at + 4;
        at += 4 + *size;
    }
    return NULL;
}

/* 1 if the TLVs of an area fill it, and none stands twice: of two, one reader would take the first, another the last. */
static int are_sound(const uint8_t *area, uint32_t area_size) {
    uint32_t types[TLVS_MAX], count = 0, at = TLV_INFO;
    for (; at + 4 <= area_size; at += 4 + little(area + at + 2, 2)) {
        const uint32_t type = little(area + at, 2);
        if (count == TLVS_MAX) return 0;
        for (uint32_t i = 0; i < count; i++) {
            if (types[i] == type) return 0;
        }
        types[count++] = type;
    }
    return at == area_size;
}

/* The size of a TLV area by its own words, 0 if it is none, larger than `left`, or not sound. */
static uint32_t area_size(const uint8_t *area, uint32_t left, uint32_t magic) {
    if (left < TLV_INFO || little(area, 2) != magic) return 0;
    const uint32_t size = little(area + 2, 2);
    return size >= TLV_INFO && size <= left && are_sound(area, size) ? size : 0;
}

static image_text text_of(const uint8_t *area, uint32_t area_size, uint32_t type) {
    image_text text = {NULL, 0};
    text.bytes = find_tlv(area, area_size, type, &text.size);
    if (!text.bytes) text.size = 0;
    return text;
}

static void read_protected(image_info *info, const uint8_t *area, uint32_t area_size) {
    uint32_t size;
    const uint8_t *counter = find_tlv(area, area_size, TLV_COUNTER, &size);
    info->has_counter = counter && size == 4;
    info->counter = info->has_counter ? little(counter, 4) : 0;
    info->product = text_of(area, area_size, TLV_PRODUCT);
    info->environment = text_of(area, area_size, TLV_ENVIRONMENT);
    info->hardware = text_of(area, area_size, TLV_HARDWARE);
}

int image_look(uint32_t number, image_info *info) {
    const uint8_t *image = port_flash_at(image_slot(number));
    uint32_t length;
    memset(info, 0, sizeof *info);
    info->slot = image_slot(number);
    const uint32_t header = little(image + AT_HEADER_SIZE, 2), protected_size = little(image + AT_PROTECTED_SIZE, 2);
    const uint32_t size = little(image + AT_IMAGE_SIZE, 4);
    if (little(image, 4) != IMAGE_MAGIC || header != PORT_IMAGE_HEADER || size > IMAGE_SIZE_MAX - header) return 0;
    uint32_t at = header + size;
    if (protected_size) {
        if (area_size(image + at, IMAGE_SIZE_MAX - at, TLV_PROTECTED_MAGIC) != protected_size) return 0;
        read_protected(info, image + at, protected_size);
        at += protected_size;
    }
    const uint32_t rest = area_size(image + at, IMAGE_SIZE_MAX - at, TLV_MAGIC);
    info->hash = rest ? find_tlv(image + at, rest, TLV_SHA256, &length) : NULL;
    if (!info->hash || length != IMAGE_HASH) return 0;
    info->size = at + rest;
    memcpy(info->version, image + AT_VERSION, sizeof info->version);
    info->pending = memcmp(trailer(number, FROM_END_MAGIC), trailer_magic, FROM_END_MAGIC) == 0;
    info->confirmed = trailer(number, FROM_END_IMAGE_OK)[0] == 1;
    info->tried = trailer(number, FROM_END_COPY_DONE)[0] == 1;
    return 1;
}

int image_intact(const image_info *info) {
    const uint8_t *image = port_flash_at(info->slot);
    uint8_t digest[IMAGE_HASH];
    sha256(image, PORT_IMAGE_HEADER + little(image + AT_IMAGE_SIZE, 4) + little(image + AT_PROTECTED_SIZE, 2), digest);
    return memcmp(digest, info->hash, sizeof digest) == 0;
}

static int says(image_text text, const char *wanted, uint32_t size) {
    return text.size == size && memcmp(text.bytes, wanted, size) == 0;
}

const char *image_misfit(const image_info *info) {
    if (!says(info->product, PRODUCT_NAME, sizeof PRODUCT_NAME - 1)) return "OTHER_PRODUCT";
    if (!says(info->environment, ENVIRONMENT_NAME, sizeof ENVIRONMENT_NAME - 1)) return "OTHER_ENVIRONMENT";
    if (!says(info->hardware, PORT_HARDWARE, sizeof PORT_HARDWARE - 1)) return "OTHER_HARDWARE";
    return info->has_counter ? NULL : "NO_COUNTER";
}

const char *image_passed_over(const image_info *info) {
    image_info running;
    if (!image_look(port_slot(), &running)) return NULL;
    if (image_compare(info->version, running.version) <= 0) return "NOT_NEWER";
    return info->counter < running.counter ? "OLDER_COUNTER" : NULL;
}

const char *image_slot_needed(void) {
    image_info running, other;
    const int known = image_look(port_slot(), &running);
    if (!known || !running.pending || !running.confirmed) return "NOT_CONFIRMED";
    if (image_intact(&running)) return NULL;
    return image_look(port_slot() ^ 1u, &other) && image_intact(&other) ? "ONLY_GOOD_ONE" : NULL;
}

static char *put_number(char *to, uint32_t value) {
    char reversed[10];
    int count = 0;
    do {
        reversed[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (count > 0) *to++ = reversed[--count];
    return to;
}

void image_version_text(const uint8_t version[8], char text[IMAGE_VERSION_MAX]) {
    char *to = put_number(text, version[0]);
    *to++ = '.';
    to = put_number(to, version[1]);
    *to++ = '.';
    to = put_number(to, little(version + 2, 2));
    if (little(version + 4, 4)) {
        *to++ = '.';
        to = put_number(to, little(version + 4, 4));
    }
    *to = 0;
}

const char *image_running_version(void) {
    static char text[IMAGE_VERSION_MAX];
    image_info running;
    if (!image_look(port_slot(), &running)) return YIMA_VERSION;
    image_version_text(running.version, text);
    return text;
}

static uint32_t rank(const uint8_t version[8]) {
    return (uint32_t)version[0] << 24 | (uint32_t)version[1] << 16 | little(version + 2, 2);
}

int image_compare(const uint8_t a[8], const uint8_t b[8]) {
    return rank(a) < rank(b) ? -1 : rank(a) > rank(b);
}

static uint32_t trailer_address(uint32_t number, uint32_t from_end) {
    return image_slot(number) + PORT_SLOT_SIZE - from_end;
}

int image_set_pending(uint32_t number) {
    uint8_t magic[MAGIC_UNITS];
    const uint32_t at = trailer_address(number, MAGIC_UNITS);
    if (memcmp(trailer(number, FROM_END_MAGIC), trailer_magic, FROM_END_MAGIC) == 0) return 1;
    memset(magic, 0xFF, sizeof magic);
    memcpy(magic + MAGIC_UNITS - FROM_END_MAGIC, trailer_magic, FROM_END_MAGIC);
    for (uint32_t offset = 0; offset < MAGIC_UNITS; offset += UNIT) {
        if (!port_flash_program(at + offset, magic + offset)) return 0;
    }
    return 1;
}

int image_set_confirmed(uint32_t number) {
    uint8_t flag[UNIT] = {1};
    if (trailer(number, FROM_END_IMAGE_OK)[0] == 1) return 1;
    for (uint32_t i = 1; i < UNIT; i++) flag[i] = 0xFF;
    return port_flash_program(trailer_address(number, FROM_END_IMAGE_OK), flag);
}
