/* image.h - MCUboot images as they lie in the two slots; the format is MCUboot's, see docs/firmware.md. */
#ifndef YIMA_IMAGE_H
#define YIMA_IMAGE_H
#include <stddef.h>
#include <stdint.h>

#include "port.h"

/* The first word of a header. No enumerator: those are int in C11, and it is beyond. */
#define IMAGE_MAGIC UINT32_C(0x96f3b83d)

enum {
    IMAGE_HASH = 32,
    IMAGE_VERSION_MAX = 24,
    IMAGE_TRAILER_UNIT = PORT_FLASH_UNIT > 8 ? PORT_FLASH_UNIT : 8, /* a flag: MCUboot's BOOT_MAX_ALIGN */
    IMAGE_TRAILER = IMAGE_TRAILER_UNIT > 16 ? 96 : 64,              /* at the end of a slot: never part of an image */
    IMAGE_SIZE_MAX = PORT_SLOT_SIZE - IMAGE_TRAILER
};

/* A text of the protected TLVs; size 0: there is none. */
typedef struct {
    const uint8_t *bytes;
    uint32_t size;
} image_text;

typedef struct {
    uint32_t slot;                             /* its first byte */
    uint8_t version[8];                        /* major, minor, revision (2), build (4), little-endian */
    uint32_t size;                             /* with header and TLVs */
    const uint8_t *hash;                       /* SHA-256 of header, image and protected TLVs, as the TLV says */
    image_text product, environment, hardware; /* protected TLVs 00A0, 00A1, 00A2 */
    uint32_t counter;                          /* security counter, protected TLV 0050 */
    uint8_t has_counter;
    uint8_t pending, confirmed, tried; /* of the trailer: magic, image_ok, copy_done */
} image_info;

/* Where slot 0 or 1 lies. */
uint32_t image_slot(uint32_t number);

/* What lies in a slot. 1, or 0: no image, or one that the boot ROM cannot read: sizes that do not add up, a TLV that
 * stands twice. No signature is checked: the boot ROM does that. */
int image_look(uint32_t number, image_info *info);

/* 1 if the SHA-256 of the image is the one that its TLV says. */
int image_intact(const image_info *info);

/* Whether an image is made for this device. NULL, or why not: "OTHER_PRODUCT", "OTHER_ENVIRONMENT", "OTHER_HARDWARE",
 * "NO_COUNTER". */
const char *image_misfit(const image_info *info);

/* Whether the boot ROM would start it beside the image that runs. NULL, or why not: "NOT_NEWER", "OLDER_COUNTER". */
const char *image_passed_over(const image_info *info);

/* Whether the slot that does not run may be written: not while an image is on trial, whose fall-back lies there, nor if
 * the image there is the only good one. NULL, or why not: "NOT_CONFIRMED", "ONLY_GOOD_ONE". */
const char *image_slot_needed(void);

/* The version of the image that runs, as its header says; without one, that of the sources. */
const char *image_running_version(void);

/* "0.1.0", or "0.1.0.7" with a build number. */
void image_version_text(const uint8_t version[8], char text[IMAGE_VERSION_MAX]);

/* Negative, zero or positive as the first version is older, the same or newer; the build number does not count. */
int image_compare(const uint8_t a[8], const uint8_t b[8]);

/* Writes the trailer: to be tried at the next start; the running image is good. 1, or 0: the flash refused. */
int image_set_pending(uint32_t number);
int image_set_confirmed(uint32_t number);
#endif
