/* package.h - the signed envelope around a parameter image or a deny-list, and the rules by which a device trusts it.
 *
 * For vendors too. Pure: bytes, trust and the moment in, one answer out; nothing is allocated, kept or written. Who
 * holds a package in flash opens it here, checks it here, and hands `image` to yima_parameters_open. The layout is
 * described in package.c. Pointers are borrowed, times are unix seconds UTC. */
#ifndef YIMA_PACKAGE_H
#define YIMA_PACKAGE_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    YIMA_PACKAGE_HEADER = 128,
    YIMA_PACKAGE_KEY = 33,       /* an SM2 public key, compressed */
    YIMA_PACKAGE_KEY_ID = 8,     /* the first bytes of its SM3 */
    YIMA_PACKAGE_SIGNATURE = 72, /* key id, r, s */
    YIMA_PACKAGE_KEYS_MAX = 16,  /* and at most as many signatures */
    YIMA_PACKAGE_ALIGNMENT = 64, /* of the image, from the first byte of the package */
    YIMA_PACKAGE_PART = 34,      /* a row of the list of parts: section, SM3 */
    YIMA_PACKAGE_ID = 32         /* SM3 of what is signed: names the package */
};

/* What a package carries. Parameters and deny-lists are two chains of versions, each with its own newest. */
typedef enum {
    YIMA_PACKAGE_PARAMETERS = 1,
    YIMA_PACKAGE_DENY_INCREMENT = 2, /* applies to one package of its chain, which it names, and to no other */
    YIMA_PACKAGE_DENY_LIST = 3
} yima_package_kind;

/* Why a package is not taken, in the order of looking. The first rows are about its form, BAD_* name an offset. */
#define YIMA_PACKAGE_ERRORS(X)                                                                                         \
    X(OK)                                                                                                              \
    X(TRUNCATED)         /* shorter than it says */                                                                    \
    X(NOT_A_PACKAGE)     /* other magic */                                                                             \
    X(OTHER_FORMAT)      /* of a format that this software does not know */                                            \
    X(BAD_VALUE)         /* a field of the header, the order of keys or signatures, or the padding */                  \
    X(BAD_KEY)           /* a signer's key is not on the curve */                                                      \
    X(TRAILING)          /* bytes behind the image */                                                                  \
    X(OTHER_ENVIRONMENT) /* test on a production device, or the other way */                                           \
    X(OTHER_CHAIN)       /* a deny-list for parameters, or the other way */                                            \
    X(OTHER_CITY)                                                                                                      \
    X(UNSIGNED)                                                                                                        \
    X(UNKNOWN_SIGNER) /* none by a trusted key, or one by a key that the package does not name either */               \
    X(BAD_SIGNATURE)                                                                                                   \
    X(TOO_FEW_SIGNATURES) /* of trusted keys */                                                                        \
    X(OLDER)              /* than the newest this device has had */                                                    \
    X(SAME_VERSION)       /* as the newest, but not the same package */                                                \
    X(GAP)                /* a package before it is missing */                                                         \
    X(OTHER_BASE)         /* an increment to something that is not active here */                                      \
    X(EXPIRED)                                                                                                         \
    X(BAD_IMAGE) /* its bytes do not have the digest that was signed */                                                \
    X(MIXED)     /* the parameters inside say another environment or version than the envelope */                      \
    X(NOT_YET)   /* all is well, but for the time: it may be kept until then */

typedef enum {
#define YIMA_X(name) YIMA_PACKAGE_##name,
    YIMA_PACKAGE_ERRORS(YIMA_X)
#undef YIMA_X
        YIMA_PACKAGE_ERROR_COUNT
} yima_package_error;

/* An opened package: its header and views into its bytes. */
typedef struct {
    uint8_t environment; /* 1 production, 2 test */
    uint8_t kind;        /* yima_package_kind */
    uint32_t city;       /* 0: for any */
    uint32_t version;    /* from 1 */
    uint32_t previous;   /* the device must have had this version, or a later one, or hold one that waits; 0: none */
    int64_t not_before;
    int64_t expiry;        /* the first second at which it no longer holds */
    const uint8_t *digest; /* SM3 of the image; of a package in parts: of the list of parts */
    const uint8_t *base;   /* of an increment: the id of the package it applies to; else zeros */
    uint8_t needed;        /* how many of the keys below must sign the next package */
    uint8_t replaces;      /* 1: what waits on the device, of an older version, is given up for this one */
    uint8_t key_count;
    const uint8_t *keys; /* ascending */
    uint8_t signature_count;
    const uint8_t *signatures; /* ascending by key id */
    const uint8_t *signed_part;
    size_t signed_size;
    uint8_t id[YIMA_PACKAGE_ID];
    const uint8_t *parts; /* of a package in parts: rows of section (2) and SM3 over number, row size, rows and content
                             of that section; its image may lack sections that only hold fares. Else NULL */
    size_t part_count;
    const uint8_t *image;
    size_t image_size;
} yima_package;

/* What a device trusts. Its first keys are pinned; from then on the newest package says whose signatures count. */
typedef struct {
    uint8_t environment;
    uint8_t deny_chain;  /* 0: parameters; 1: deny-lists and their increments */
    uint32_t city;       /* 0: it stands nowhere in particular and takes any */
    const uint8_t *keys; /* 33 bytes each */
    uint8_t key_count;
    uint8_t needed;
    uint32_t newest;          /* the highest version it has had in this chain, 0: none */
    const uint8_t *newest_id; /* 32 bytes, looked at if newest is not 0 */
    uint32_t waiting;         /* the highest version that it holds for its time to come, 0: none */
    const uint8_t *active_id; /* 32 bytes: what an increment must apply to; NULL: nothing is active */
} yima_package_trust;

/* The size of the whole package by its first bytes, so that a receiver knows how much is to come: 657 of them (header,
 * 16 keys, a count) always suffice. 0 if they do not, are no package, or one
 * in parts, of which each device may have another image. Nothing is verified: keep your own limit. */
uint64_t yima_package_size(const uint8_t *start, size_t size);

/* Opens a package: its form is checked, and nothing else. On an error, *offset (if not NULL) receives the byte. */
yima_package_error yima_package_open(yima_package *p, const uint8_t *bytes, size_t size, size_t *offset);

/* Whether a device that trusts `trust` may activate this package at `now`. NOT_YET comes last: whoever gets it may keep
 * the package and ask again from not_before on. */
yima_package_error yima_package_check(const yima_package *p, const yima_package_trust *trust, int64_t now);

/* Signatures alone, without any byte of the image: whether the first part of a package is worth receiving the rest. */
yima_package_error yima_package_check_signatures(const yima_package *p, const yima_package_trust *trust);

/* 1 if the image has the digest that was signed; of a package in parts, if the list of parts has it, each section of
 * the image is one of the parts, and none is missing but such as only hold fares: without those nobody rides. */
int yima_package_image_intact(const yima_package *p);

/* How a package that is in force stands, by its times, which are never negative. Grace and alarm are the device's
 * policy, in seconds. */
typedef enum {
    YIMA_STANDING_NOT_YET = 0,
    YIMA_STANDING_GOOD,
    YIMA_STANDING_EXPIRING, /* good, but less than `alarm` remains: whoever supplies packages should be told */
    YIMA_STANDING_GRACE,    /* expired; goes on for `grace` */
    YIMA_STANDING_EXPIRED   /* judge by it no more */
} yima_standing;

yima_standing yima_package_standing(int64_t not_before, int64_t expiry, int64_t now, uint32_t alarm_s,
                                    uint32_t grace_s);

/* "OLDER", ...; never NULL. */
const char *yima_package_error_name(yima_package_error error);

#ifdef __cplusplus
}
#endif
#endif
