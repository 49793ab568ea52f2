/* counterfeit.h - signatures that a fuzzer can afford. Behind a signature that must be right lies most of the judge, and
 * nobody finds one by chance; so these targets give the validator a kernel for which r||s is good where r is the digest
 * itself and s the key's Z. Everything but the curve's arithmetic (what is signed, by which key, in which order) stays
 * the real thing, and `counterfeit` puts such signatures into a code after the fuzzer has changed it. */
#ifndef YIMA_COUNTERFEIT_H
#define YIMA_COUNTERFEIT_H
#include "code.h"
#include "families.h"
#include "fuzz.h"
#include "parameters.h"
#include "sm2.h"

enum { SUISHEN_HEAD = 24, SUISHEN_BODY = 211, SUISHEN_TEXT = (SUISHEN_BODY * 8 + 5) / 6 };

static int counterfeit_available(void) {
    return 1;
}

static int counterfeit_parse(yima_sm2_key *key, const uint8_t *bytes, size_t length) {
    return yima_sm2_best()->parse_key(key, bytes, length);
}

static int counterfeit_verify(const yima_sm2_key *key, const uint8_t e[32], const uint8_t signature[64]) {
    return memcmp(signature, e, 32) == 0 && memcmp(signature + 32, key->z, 32) == 0;
}

static int counterfeit_verify_table(const void *table, unsigned window, const uint8_t e[32],
                                    const uint8_t signature[64]) {
    (void)window;
    return memcmp(signature, e, 32) == 0 && memcmp(signature + 32, table, 32) == 0;
}

static void counterfeit_build(void *table, unsigned window, const yima_sm2_key *key) {
    memset(table, 0, yima_sm2_table_size(window)); /* all of it: the memory must be there */
    memcpy(table, key->z, 32);
}

static void counterfeit_export(const yima_sm2_key *key, uint8_t xy[64]) {
    yima_sm2_best()->export_key(key, xy);
}

static const yima_sm2_kernel counterfeit_kernel = {
    .name = "counterfeit",
    .available = counterfeit_available,
    .parse_key = counterfeit_parse,
    .verify = counterfeit_verify,
    .verify_table = counterfeit_verify_table,
    .build_table = counterfeit_build,
    .export_key = counterfeit_export,
};

/* Signs a message, if the key is one. */
static void counterfeit_sign(const uint8_t *key, size_t key_size, const uint8_t *message, size_t size,
                             uint8_t signature[64]) {
    yima_sm2_key parsed;
    if (!counterfeit_parse(&parsed, key, key_size)) return;
    yima_sm2_digest(&parsed, message, size, signature);
    memcpy(signature + 32, parsed.z, 32);
}

static void counterfeit_ministry(const yima_parameters *p, uint8_t *code, size_t length) {
    yima_root root;
    if (yima_code_sizes(code, length) != YIMA_REASON_ACCEPTED) return;
    uint8_t *certificate = code + YIMA_AT_CERTIFICATE;
    const size_t data = code[YIMA_AT_ISSUER_DATA_LENGTH];
    if (yima_root_find(p, certificate[YIMA_CERTIFICATE_AT_ROOT_INDEX], &root)) {
        counterfeit_sign(root.key, 64, certificate + YIMA_CERTIFICATE_AT_FORMAT,
                         YIMA_CERTIFICATE_AT_CA_SIGNATURE - YIMA_CERTIFICATE_AT_FORMAT,
                         certificate + YIMA_CERTIFICATE_AT_CA_SIGNATURE);
    }
    counterfeit_sign(certificate + YIMA_CERTIFICATE_AT_ISSUER_KEY, YIMA_KEY_SIZE, certificate,
                     YIMA_AT_ISSUER_SIGNATURE + data - YIMA_AT_CERTIFICATE, code + YIMA_AT_ISSUER_SIGNATURE + data + 1);
    counterfeit_sign(code + YIMA_AT_RIDER_KEY, YIMA_KEY_SIZE, code, YIMA_AT_RIDER_SIGNATURE + data,
                     code + YIMA_AT_RIDER_SIGNATURE + data + 1);
}

static void counterfeit_ministry_226(const yima_parameters *p, uint8_t *code, size_t length) {
    yima_ministry_226_key row;
    if (length != 226) return;
    if (yima_ministry_226_key_find(p, code + 4, &row)) counterfeit_sign(row.key, 64, code + 10, 80, code + 91);
    counterfeit_sign(code + 51, YIMA_KEY_SIZE, code + 8, 153, code + 162);
}

/* Shanghai's code is text: it is decoded, signed and written again, if it is of the right size. */
static void counterfeit_suishen(const yima_parameters *p, uint8_t *code, size_t length) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t body[SUISHEN_BODY + 2] = {0}, message[80], modes;
    uint8_t *text = code + SUISHEN_HEAD;
    if (length < SUISHEN_HEAD + SUISHEN_TEXT) return;
    for (size_t i = 0; i < 8 * (size_t)SUISHEN_BODY; i++) {
        const char *digit = memchr(alphabet, text[i / 6], sizeof alphabet - 1);
        if (!digit) return;
        body[i / 8] = (uint8_t)(body[i / 8] | ((unsigned)(digit - alphabet) >> (5 - i % 6) & 1) << (7 - i % 8));
    }
    const uint8_t *inner = yima_transport_key(p, body[137], &modes), *outer = yima_suishen_key(p, body[114]);
    memcpy(message, body + 64, 32);
    memcpy(message + 32, body + 98, 16);
    memcpy(message + 48, body + 115, 32);
    if (inner) counterfeit_sign(inner, 64, message, sizeof message, body + 147);
    if (outer) counterfeit_sign(outer, 64, body + 64, SUISHEN_BODY - 64, body);
    for (size_t i = 0; i < SUISHEN_TEXT; i++) {
        unsigned value = 0;
        for (size_t k = 6 * i; k < 6 * i + 6; k++) value = value << 1 | (body[k / 8] >> (7 - k % 8) & 1u);
        text[i] = (uint8_t)alphabet[value];
    }
}

/* Puts the signatures of this kernel into a code of any family that has some. */
static inline void counterfeit(const yima_parameters *p, uint8_t *code, size_t length) {
    switch (yima_family_of(code, length)) {
    case YIMA_FAMILY_MINISTRY:
        counterfeit_ministry(p, code, length);
        break;
    case YIMA_FAMILY_UNIFIED:
        counterfeit_ministry(p, code + 1, length - 1);
        break;
    case YIMA_FAMILY_MINISTRY_226:
        counterfeit_ministry_226(p, code, length);
        break;
    case YIMA_FAMILY_SUISHEN:
        counterfeit_suishen(p, code, length);
        break;
    default:
        break;
    }
}
#endif
