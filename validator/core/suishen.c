/* suishen.c - Shanghai's code (随申码) in its transit form.
 *
 * Text: `https://s.sh.gov.cn/` (20), four decimal digits: the decoded size, the body in base64url, `##`. Decoded:
 *
 *     0  outer signature r, s (64)
 *    64  UUID (32)
 *    96  flags (2); bit 40 of the first: usable for transit
 *    98  client (2)
 *   100  expiry (14), ASCII yyyyMMddHHmmss, Beijing time (UTC+8)
 *   114  index of the outer key (1)
 *   115  transport block (32): card number (10, BCD), enable flags (2; bit 80 of the first: metro), user type (1:
 *        01 ordinary, 02 senior, 03 military, 04 test), cap in fen (3), validity s (2), generation time (4, unix
 * seconds), index of the transport key (1), reserved (9) 147  transport signature r, s (64)
 *
 * The outer signature covers 64 to the end; the transport signature covers UUID, client and expiry, transport block: 80
 * bytes put together. These places were read from a metro reader's structures, not from a sample code: until a real
 * code has been judged, "accepted" here is a claim about that layout.
 *
 * No bit is known that says "bus", so the transport key's row in the parameters says on which modes its codes ride; for
 * the metro the code's own bit must be set as well. */
#include "code.h"
#include "families.h"
#include "judge.h"
#include "sm3.h"

enum {
    PREFIX_SIZE = 20, /* https://s.sh.gov.cn/, looked at by families.c */
    DIGITS = 4,
    AT_OUTER_SIGNATURE = 0,
    AT_UUID = 64,
    AT_FLAGS = 96,
    AT_CLIENT = 98, /* and the expiry behind it: 16 bytes that the transport signature covers */
    AT_EXPIRY = 100,
    AT_KEY_INDEX = 114,
    AT_BLOCK = 115,
    AT_CARD = AT_BLOCK,
    AT_ENABLED = AT_BLOCK + 10,
    AT_USER_TYPE = AT_BLOCK + 12,
    AT_CAP = AT_BLOCK + 13,
    AT_VALIDITY = AT_BLOCK + 16,
    AT_GENERATED = AT_BLOCK + 18,
    AT_TRANSPORT_KEY_INDEX = AT_BLOCK + 22,
    AT_TRANSPORT_SIGNATURE = 147,
    BLOCK_SIZE = 32,
    UUID_SIZE = 32,
    CLIENT_AND_EXPIRY = 16,
    TRANSPORT_MESSAGE = UUID_SIZE + CLIENT_AND_EXPIRY + BLOCK_SIZE,
    USABLE_FOR_TRANSIT = 0x40,
    ENABLED_FOR_METRO = 0x80,
    TYPE_TEST = 4,
    ENVIRONMENT_TEST = 2,
    AT_ENVIRONMENT = 12, /* in the parameters' header */
    SHANGHAI = 310000,
    BEIJING_AHEAD_S = 8 * 3600
};

static int sextet(uint8_t c) {
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* Decodes exactly the body's size, strictly: no other alphabet, no bits left over. Padding may stand or be left out. */
static int decode_body(const uint8_t *text, size_t size, uint8_t body[YIMA_SUISHEN_BODY]) {
    const size_t needed = (YIMA_SUISHEN_BODY * 8 + 5) / 6;
    if (size != needed && !(size == needed + 2 && text[needed] == '=' && text[needed + 1] == '=')) {
        return 0;
    }
    uint32_t bits = 0;
    unsigned held = 0;
    size_t out = 0;
    for (size_t i = 0; i < needed; i++) {
        const int value = sextet(text[i]);
        if (value < 0) {
            return 0;
        }
        bits = (bits << 6 | (uint32_t)value) & 0xffff;
        held += 6;
        if (held >= 8) {
            held -= 8;
            body[out++] = (uint8_t)(bits >> held);
        }
    }
    return (bits & ((1u << held) - 1)) == 0;
}

static uint32_t decimal(const uint8_t *digits, unsigned count) {
    uint32_t value = 0;
    for (unsigned i = 0; i < count; i++) {
        value = value * 10 + (uint32_t)(digits[i] - '0');
    }
    return value;
}

/* yyyyMMddHHmmss in Beijing as unix seconds, held within 32 bits; 0 returned if it is no moment. */
static int moment_of(const uint8_t *text, uint32_t *unix_s) {
    static const uint8_t days_in[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (unsigned i = 0; i < 14; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return 0;
        }
    }
    const uint32_t year = decimal(text, 4);
    const uint32_t month = decimal(text + 4, 2);
    const uint32_t day = decimal(text + 6, 2);
    const uint32_t hour = decimal(text + 8, 2);
    const uint32_t minute = decimal(text + 10, 2);
    const uint32_t second = decimal(text + 12, 2);
    const uint32_t leap_day = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in[month - 1] + leap_day || hour > 23 ||
        minute > 59 || second > 59) {
        return 0;
    }
    /* Years that begin in March, so that the leap day comes last. */
    const uint32_t y = month > 2 ? year : year - 1;
    const uint32_t m = month > 2 ? month - 3 : month + 9;
    const int64_t days = 365 * (int64_t)y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
    const int64_t moment = days * 86400 + hour * 3600 + minute * 60 + second - BEIJING_AHEAD_S;
    *unix_s = moment < 0 ? 0 : moment > UINT32_MAX ? UINT32_MAX : (uint32_t)moment;
    return 1;
}

static yima_reason open_code(yima_judgement *j) {
    const size_t head = PREFIX_SIZE + DIGITS;
    const uint8_t *code = j->code;
    uint8_t *body = j->body;
    uint32_t expires;
    if (j->length < head + 2 || decimal(code + PREFIX_SIZE, DIGITS) != YIMA_SUISHEN_BODY ||
        memcmp(code + j->length - 2, "##", 2) != 0 || !decode_body(code + head, j->length - head - 2, body) ||
        !moment_of(body + AT_EXPIRY, &expires)) {
        return YIMA_REASON_SUISHEN_FORM;
    }
    uint8_t modes = 0;
    (void)yima_transport_key(j->v->parameters, body[AT_TRANSPORT_KEY_INDEX], &modes);
    if (!(body[AT_ENABLED] & ENABLED_FOR_METRO)) {
        modes &= (uint8_t)~YIMA_MODE_METRO;
    }
    j->claim = (yima_claim){
        .city = SHANGHAI,
        .modes = modes,
        .card_account = body + AT_CARD,
        .account_type = YIMA_ACCOUNT_TYPE_SUISHEN + (body[AT_USER_TYPE] & 0xf),
        .cap_fen = yima_be24(body + AT_CAP),
        .authorised_until = expires,
        .generated_at = yima_be32(body + AT_GENERATED),
        .validity_s = yima_be16(body + AT_VALIDITY),
    };
    return YIMA_REASON_ACCEPTED;
}

static yima_reason judge_format(yima_judgement *j) {
    const yima_reason opened = open_code(j);
    if (opened != YIMA_REASON_ACCEPTED) {
        return opened;
    }
    return yima_is_card_account(j->claim.card_account) ? YIMA_REASON_ACCEPTED : YIMA_REASON_CARD_ACCOUNT;
}

static yima_reason judge_keys(yima_judgement *j) {
    uint8_t modes;
    return yima_suishen_key(j->v->parameters, j->body[AT_KEY_INDEX]) &&
                   yima_transport_key(j->v->parameters, j->body[AT_TRANSPORT_KEY_INDEX], &modes)
               ? YIMA_REASON_ACCEPTED
               : YIMA_REASON_ISSUER_KEY_NOT_LOADED;
}

static int verify(const yima_judgement *j, const uint8_t *xy, const uint8_t *message, size_t size,
                  const uint8_t *signature) {
    yima_sm2_key key;
    uint8_t e[32];
    if (!j->v->kernel->parse_key(&key, xy, 64)) {
        return 0;
    }
    yima_sm2_digest(&key, message, size, e);
    return j->v->kernel->verify(&key, e, signature);
}

static yima_reason judge_outer_signature(yima_judgement *j) {
    const uint8_t *key = yima_suishen_key(j->v->parameters, j->body[AT_KEY_INDEX]);
    return verify(j, key, j->body + AT_UUID, YIMA_SUISHEN_BODY - AT_UUID, j->body + AT_OUTER_SIGNATURE)
               ? YIMA_REASON_ACCEPTED
               : YIMA_REASON_ISSUER_SIGNATURE;
}

static void transport_message(const uint8_t *body, uint8_t message[TRANSPORT_MESSAGE]) {
    memcpy(message, body + AT_UUID, UUID_SIZE);
    memcpy(message + UUID_SIZE, body + AT_CLIENT, CLIENT_AND_EXPIRY);
    memcpy(message + UUID_SIZE + CLIENT_AND_EXPIRY, body + AT_BLOCK, BLOCK_SIZE);
}

/* Without the key, so that a code is recalled after its key has been replaced. */
static int name_code(yima_judgement *j, uint8_t digest[32]) {
    uint8_t message[TRANSPORT_MESSAGE];
    transport_message(j->body, message);
    yima_sm3(message, sizeof message, digest);
    return 1;
}

static yima_reason judge_transport_signature(yima_judgement *j) {
    uint8_t message[TRANSPORT_MESSAGE];
    uint8_t modes;
    const uint8_t *key = yima_transport_key(j->v->parameters, j->body[AT_TRANSPORT_KEY_INDEX], &modes);
    transport_message(j->body, message);
    if (!verify(j, key, message, sizeof message, j->body + AT_TRANSPORT_SIGNATURE)) {
        return YIMA_REASON_TRANSPORT_SIGNATURE;
    }
    j->verdict->has_digest = (uint8_t)name_code(j, j->verdict->digest);
    return YIMA_REASON_ACCEPTED;
}

static yima_reason judge_own_permission(yima_judgement *j) {
    const uint8_t type = j->body[AT_USER_TYPE];
    if (!(j->body[AT_FLAGS] & USABLE_FOR_TRANSIT)) {
        return YIMA_REASON_NOT_FOR_TRANSIT;
    }
    const int in_test = j->v->parameters->image[AT_ENVIRONMENT] == ENVIRONMENT_TEST;
    return type >= 1 && (type < TYPE_TEST || (type == TYPE_TEST && in_test)) ? YIMA_REASON_ACCEPTED
                                                                             : YIMA_REASON_ACCOUNT_TYPE;
}

const yima_family_judge yima_suishen_judge = {
    .open = open_code,
    .format = judge_format,
    .certificate = judge_keys,
    .issuer_signature = judge_outer_signature,
    .rider_signature = judge_transport_signature,
    .permission = judge_own_permission,
    .digest = name_code,
};
