/* families.c - what kind of code a payload is, by its first bytes.
 *
 * A reader sees every phone. The order matters where marks can overlap: a ministry code needs two of its three marks,
 * so one damaged byte still gets the lab's number for that byte and not "unknown"; therefore it stands before the
 * families that are known by two bytes. The old form carries two of those marks itself and is told apart first. */
#include "yima/core.h"

#include "bytes.h"
#include "families.h"

enum {
    OLD_FORM_SIZE = 226,
    OLD_FORM_ISSUER_TAG = 90, /* 0x15 before the issuer's signature */
    OLD_FORM_RIDER_TAG = 161, /* 0x15 before the rider's */
    SIGNATURE_TAG = 0x15
};

static int starts_with(const uint8_t *code, size_t length, const char *prefix, size_t size) {
    return length >= size && memcmp(code, prefix, size) == 0;
}

static int is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

static int is_digits(const uint8_t *code, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (!is_digit(code[i])) {
            return 0;
        }
    }
    return length > 0;
}

/* A scheme has no case: some issuers print upper case for QR's alphanumeric mode. */
static int is_web_address(const uint8_t *code, size_t length) {
    static const char scheme[] = "http";
    size_t i = 0;
    for (; i < 4; i++) {
        if (i >= length || (code[i] | 0x20) != scheme[i]) {
            return 0;
        }
    }
    if (i < length && (code[i] | 0x20) == 's') {
        i++;
    }
    return starts_with(code + i, length - i, "://", 3);
}

static int is_suishen_transit(const uint8_t *code, size_t length) {
    static const char prefix[] = "https://s.sh.gov.cn/";
    const size_t size = sizeof prefix - 1;
    return starts_with(code, length, prefix, size) && length >= size + 4 && is_digits(code + size, 4);
}

static int is_ministry(const uint8_t *code, size_t length) {
    if (length < 4) {
        return 0;
    }
    int marks = code[0] >= 0x80;
    marks += (size_t)yima_be16(code + 1) + 3 == length;
    marks += code[3] == 0x24;
    return marks >= 2;
}

static int is_ministry_226(const uint8_t *code, size_t length) {
    return length >= OLD_FORM_SIZE && (code[0] == 0x40 || code[0] >= 0x80) && code[3] <= 1 &&
           code[OLD_FORM_ISSUER_TAG] == SIGNATURE_TAG && code[OLD_FORM_RIDER_TAG] == SIGNATURE_TAG;
}

yima_family yima_family_of(const uint8_t *code, size_t length) {
    if (is_ministry_226(code, length)) {
        return YIMA_FAMILY_MINISTRY_226;
    }
    if (is_ministry(code, length)) {
        return YIMA_FAMILY_MINISTRY;
    }
    if (is_suishen_transit(code, length)) {
        return YIMA_FAMILY_SUISHEN;
    }
    if (is_web_address(code, length)) {
        return YIMA_FAMILY_SUISHEN_HALL;
    }
    if (length < 2) {
        return YIMA_FAMILY_UNKNOWN;
    }
    if (code[0] == 0x55 && is_ministry(code + 1, length - 1)) {
        return YIMA_FAMILY_UNIFIED;
    }
    if (code[0] == '6' && code[1] == '2' && is_digits(code, length)) {
        return YIMA_FAMILY_UNIONPAY;
    }
    if (code[0] == 'T' && code[1] == 'X') {
        return YIMA_FAMILY_WECHAT;
    }
    if (code[0] == 0x54 && (code[1] == 1 || code[1] == 2)) {
        return YIMA_FAMILY_CITY_CARD;
    }
    if ((code[0] == 1 || code[0] == 2) && (code[1] == 1 || code[1] == 2)) { /* version, then algorithm */
        return YIMA_FAMILY_ALIPAY;
    }
    return YIMA_FAMILY_UNKNOWN;
}

/* A configured prefix never takes a code from a family that is known by marks of its own. */
yima_family yima_family_here(const yima_parameters *p, const uint8_t *code, size_t length) {
    const yima_family family = yima_family_of(code, length);
    yima_resolved resolved;
    if ((family == YIMA_FAMILY_UNKNOWN || family == YIMA_FAMILY_SUISHEN_HALL) &&
        yima_resolved_find(p, code, length, &resolved)) {
        return resolved.family;
    }
    return family;
}

const char *yima_family_name(yima_family family) {
    switch (family) {
    case YIMA_FAMILY_MINISTRY:
        return "ministry";
    case YIMA_FAMILY_UNIFIED:
        return "unified";
    case YIMA_FAMILY_MINISTRY_226:
        return "ministry-226";
    case YIMA_FAMILY_SUISHEN:
        return "suishen";
    case YIMA_FAMILY_SUISHEN_HALL:
        return "suishen-hall";
    case YIMA_FAMILY_ALIPAY:
        return "alipay";
    case YIMA_FAMILY_CITY_CARD:
        return "city-card";
    case YIMA_FAMILY_WECHAT:
        return "wechat";
    case YIMA_FAMILY_UNIONPAY:
        return "unionpay";
    case YIMA_FAMILY_SUFU:
        return "sufu";
    case YIMA_FAMILY_ANHUI:
        return "anhui";
    case YIMA_FAMILY_ZHEJIANG:
        return "zhejiang";
    case YIMA_FAMILY_UNKNOWN:
    case YIMA_FAMILIES:
        break;
    }
    return "unknown";
}
