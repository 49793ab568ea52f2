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
    IMAGE_TRAILER = 64, /* at the end of a slot: never part of an image */
    IMAGE_SIZE_MAX = PORT_SLOT_SIZE - IMAGE_TRAILER
};

typedef struct {
    uint32_t slot;          /* its first byte */
    uint8_t version[8];     /* major, minor, revision (2), build (4), little-endian */
    uint32_t size;          /* with header and TLVs */
    const uint8_t *hash;    /* SHA-256 of header, image and protected TLVs, as the TLV says */
    const uint8_t *product; /* protected TLV 00A0; NULL: none */
    uint32_t product_size;
    uint8_t pending, confirmed, tried; /* of the trailer: magic, image_ok, copy_done */
} image_info;

/* The slot that this code runs in: 0 or 1, and where a slot lies. */
uint32_t image_running(void);
uint32_t image_slot(uint32_t number);

/* What lies in a slot. 1, or 0: no image, or one whose sizes do not add up. No signature is checked: the boot ROM does
 * that. */
int image_look(uint32_t number, image_info *info);

/* 1 if the SHA-256 of the image is the one that its TLV says. */
int image_intact(const image_info *info);

/* "0.1.0", or "0.1.0.7" with a build number. */
void image_version_text(const uint8_t version[8], char text[IMAGE_VERSION_MAX]);

/* Negative, zero or positive as the first version is older, the same or newer; the build number does not count. */
int image_compare(const uint8_t a[8], const uint8_t b[8]);

/* Writes the trailer: to be tried at the next start; the running image is good. 1, or 0: the flash refused. */
int image_set_pending(uint32_t number);
int image_set_confirmed(uint32_t number);
#endif
