/* glue.c - the core as a page sees it: WebAssembly's exports, with numbers and addresses alone going across.
 *
 * A page has one instance for each set of parameters, so all state is static and there is one of each. Addresses that
 * come in are places in the instance's memory to which the page has written; the page makes room behind what is here.
 * Times are doubles, since a page's numbers are: every second up to 2^53 is exact. */
#include "code.h"
#include "package.h"
#include "sm2.h"
#include "yima/core.h"

#define EXPORT(name) __attribute__((export_name(#name))) name

static uint8_t payload[YIMA_PAYLOAD_MAX];
static char text[YIMA_RULE_TEXT_MAX];
static yima_parameters parameters;
static yima_validator validator;
static yima_verdict verdict;
static yima_package package;

/* Where a payload is written to before it is judged or looked at; it holds YIMA_PAYLOAD_MAX bytes. */
uint8_t *EXPORT(yima_web_payload)(void) {
    return payload;
}

/* Opens an image that stays where it is. 0, or yima_parameters_error. */
unsigned EXPORT(yima_web_open)(const uint8_t *image, unsigned size) {
    return yima_parameters_open(&parameters, image, size, NULL);
}

/* Bytes that the memory of used codes takes under these parameters. */
unsigned EXPORT(yima_web_memory)(void) {
    return (unsigned)yima_memory_size(yima_memory_need(&parameters));
}

/* A gate under the opened parameters. 0, or yima_status. */
unsigned EXPORT(yima_web_start)(unsigned mode, unsigned direction, unsigned line, unsigned station, unsigned city,
                                void *memory, unsigned size) {
    const yima_gate gate = {
        .mode = (uint8_t)mode,
        .direction = (uint8_t)direction,
        .line = (uint16_t)line,
        .station = (uint16_t)station,
        .city = city,
    };
    return yima_validator_init(&validator, &parameters, gate, memory, size, NULL, 0);
}

/* Judges the payload; returns the reason, and `told` the rest. Without parameters all are refused, as at a gate. */
unsigned EXPORT(yima_web_judge)(unsigned length, double unix_s, double tick_ms, unsigned trusted) {
    const yima_moment now = {.unix_s = (int64_t)unix_s, .tick_ms = (uint64_t)tick_ms, .trusted = trusted != 0};
    yima_judge(&validator, payload, length, now, &verdict);
    return verdict.reason;
}

/* Of the last verdict: 0 accepted, 1 again, 2 was accepted, 3 fare in fen, 4 transaction, 5 family; 16 on, each stage. */
unsigned EXPORT(yima_web_told)(unsigned what) {
    switch (what) {
    case 0:
        return verdict.accepted;
    case 1:
        return verdict.again;
    case 2:
        return verdict.was_accepted;
    case 3:
        return verdict.fare_fen;
    case 4:
        return verdict.transaction;
    case 5:
        return verdict.family;
    default:
        return what >= 16 && what < 16 + YIMA_STAGES ? verdict.stages[what - 16] : 0;
    }
}

/* The rules that set the fare. */
const char *EXPORT(yima_web_rule)(void) {
    text[0] = 0;
    if (verdict.accepted) {
        yima_rule_text(&parameters, &verdict, text);
    }
    return text;
}

/* The name of the payload's family, by its first bytes. */
const char *EXPORT(yima_web_family)(unsigned length) {
    return yima_family_name(yima_family_of(payload, length));
}

/* 1 if these 64 bytes are the key's signature over the message, by SM2 with SM3 and the usual id. */
unsigned EXPORT(yima_web_verify)(const uint8_t *key, unsigned key_size, const uint8_t *message, unsigned size,
                                 const uint8_t *signature) {
    const yima_sm2_kernel *kernel = yima_sm2_best();
    yima_sm2_key parsed;
    uint8_t e[32];
    if (!kernel->parse_key(&parsed, key, key_size)) {
        return 0;
    }
    yima_sm2_digest(&parsed, message, size, e);
    return kernel->verify(&parsed, e, signature) != 0;
}

/* 1 if these bytes are a public key: a point of the curve. */
unsigned EXPORT(yima_web_is_key)(const uint8_t *key, unsigned size) {
    yima_sm2_key parsed;
    return yima_sm2_best()->parse_key(&parsed, key, size) != 0;
}

/* 1 if these bytes are a root certificate that signed itself. */
unsigned EXPORT(yima_web_is_root)(const uint8_t *certificate, unsigned size) {
    return yima_root_certificate_valid(certificate, size) != 0;
}

/* What the form alone makes of the payload as a ministry code that begins at `start`: 0, or yima_reason of the first thing
 * that is wrong. No parameters are asked. */
unsigned EXPORT(yima_web_form)(unsigned start, unsigned length) {
    const uint8_t *code = payload + start;
    yima_reason reason = yima_code_sizes(code, length - start);
    if (reason == YIMA_REASON_ACCEPTED) {
        reason = yima_code_accounts(code);
    }
    return reason == YIMA_REASON_ACCEPTED ? yima_certificate_fields(code + YIMA_AT_CERTIFICATE) : reason;
}

/* The rows of a layout, 0 of the code and 1 of its certificate: how many, and of each 0 number, 1 offset, 2 size,
 * 3 whether field 13 is added; 4 its name's address. */
unsigned EXPORT(yima_web_rows)(unsigned certificate) {
    size_t count;
    (void)(certificate ? yima_certificate_layout(&count) : yima_code_layout(&count));
    return (unsigned)count;
}

unsigned EXPORT(yima_web_row)(unsigned certificate, unsigned place, unsigned what) {
    size_t count;
    const yima_layout_row *row = (certificate ? yima_certificate_layout(&count) : yima_code_layout(&count)) + place;
    const unsigned told[] = {row->number, row->offset, row->size, row->after_data, (unsigned)(uintptr_t)row->name};
    return told[what];
}

/* The table of reasons: how many, and of each 0 number, 1 lab case, 2 stage; 3 name, 4 English, 5 Chinese: addresses. */
unsigned EXPORT(yima_web_reasons)(void) {
    size_t count;
    (void)yima_reasons(&count);
    return (unsigned)count;
}

unsigned EXPORT(yima_web_reason)(unsigned place, unsigned what) {
    size_t count;
    const yima_reason_info *row = yima_reasons(&count) + place;
    const unsigned told[] = {row->number,
                             row->lab_case,
                             row->stage,
                             (unsigned)(uintptr_t)row->name,
                             (unsigned)(uintptr_t)row->english,
                             (unsigned)(uintptr_t)row->chinese};
    return told[what];
}

/* Opens a package of parameters and looks at it as a device would that trusts whom the package itself names. So an
 * answer of 0 says that nothing is changed, and nothing of who made it. Else yima_package_error. */
unsigned EXPORT(yima_web_package)(const uint8_t *bytes, unsigned size, double unix_s) {
    const yima_package_error error = yima_package_open(&package, bytes, size, NULL);
    if (error != YIMA_PACKAGE_OK) {
        return error;
    }
    const yima_package_trust trust = {
        .environment = package.environment,
        .city = package.city,
        .keys = package.keys,
        .key_count = package.key_count,
        .needed = package.needed,
    };
    return yima_package_check(&package, &trust, (int64_t)unix_s);
}

const char *EXPORT(yima_web_package_error)(unsigned error) {
    return yima_package_error_name((yima_package_error)error);
}

/* The image inside the package, and how many bytes it has. */
const uint8_t *EXPORT(yima_web_package_image)(void) {
    return package.image;
}

unsigned EXPORT(yima_web_package_size)(void) {
    return (unsigned)package.image_size;
}
