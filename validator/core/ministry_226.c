/* ministry_226.c - the ministry code's form of 2019: 226 bytes, without certificate.
 *
 *     0  version (1): 40, or 80 and over       84  authorised until (4, unix seconds)
 *     1  length of what follows it (2)         88  validity s (2)
 *     3  type (1): 00 or 01                    90  15, issuer's signature over 10..89 (65)
 *     4  issuer's key id (4)                  157  generation time (4, unix seconds)
 *    18  payment account (16)                 161  15, rider's signature over 8..160 (65)
 *    34  card account (10)
 *    51  rider's key (33)
 *
 * The family is known by the two 15 (families.c), so nobody looks at them again here.
 *
 * Met on terminals of 2019; what stands between these places (8..17, 44..50, 155..156) is not known and not read, so
 * institution, city, modes and cap come from the parameters' row of the issuer's key. The code has no account type that
 * is known; rules see type 0. */
#include "code.h"
#include "families.h"
#include "judge.h"

enum {
    SIZE = 226,
    AT_LENGTH = 1,
    AT_SIGNED_BY_RIDER = 8,
    AT_KEY_ID = 4,
    AT_SIGNED_BY_ISSUER = 10,
    AT_PAYMENT_ACCOUNT = 18,
    AT_CARD_ACCOUNT = 34,
    AT_RIDER_KEY = 51,
    AT_AUTHORISED_UNTIL = 84,
    AT_VALIDITY = 88,
    AT_ISSUER_SIGNATURE = 90,
    AT_GENERATED_AT = 157,
    AT_RIDER_SIGNATURE = 161
};

static yima_reason open_code(yima_judgement *j) {
    const uint8_t *code = j->code;
    if (j->length != SIZE || yima_be16(code + AT_LENGTH) + 3 != SIZE) {
        return YIMA_REASON_LENGTH_FIELD;
    }
    yima_ministry_226_key row = {0};
    (void)yima_ministry_226_key_find(j->v->parameters, code + AT_KEY_ID, &row);
    j->claim = (yima_claim){
        .city = row.city,
        .modes = row.modes,
        .card_account = code + AT_CARD_ACCOUNT,
        .cap_fen = row.cap_fen,
        .authorised_until = yima_be32(code + AT_AUTHORISED_UNTIL),
        .generated_at = yima_be32(code + AT_GENERATED_AT),
        .validity_s = yima_be16(code + AT_VALIDITY),
    };
    return YIMA_REASON_ACCEPTED;
}

static yima_reason judge_format(yima_judgement *j) {
    const yima_reason opened = open_code(j);
    if (opened != YIMA_REASON_ACCEPTED) {
        return opened;
    }
    if (!yima_is_payment_account(j->code + AT_PAYMENT_ACCOUNT)) {
        return YIMA_REASON_PAYMENT_ACCOUNT;
    }
    return yima_is_card_account(j->claim.card_account) ? YIMA_REASON_ACCEPTED : YIMA_REASON_CARD_ACCOUNT;
}

static yima_reason judge_key(yima_judgement *j) {
    yima_ministry_226_key row;
    if (!yima_ministry_226_key_find(j->v->parameters, j->code + AT_KEY_ID, &row) ||
        !j->v->kernel->parse_key(&j->issuer, row.key, 64)) {
        return YIMA_REASON_ISSUER_KEY_NOT_LOADED;
    }
    return YIMA_REASON_ACCEPTED;
}

static yima_reason judge_issuer_signature(yima_judgement *j) {
    const uint8_t *signature = j->code + AT_ISSUER_SIGNATURE;
    uint8_t e[32];
    yima_sm2_digest(&j->issuer, j->code + AT_SIGNED_BY_ISSUER, AT_ISSUER_SIGNATURE - AT_SIGNED_BY_ISSUER, e);
    return j->v->kernel->verify(&j->issuer, e, signature + 1) ? YIMA_REASON_ACCEPTED : YIMA_REASON_ISSUER_SIGNATURE;
}

static int rider_digest(const yima_judgement *j, yima_sm2_key *rider, uint8_t e[32]) {
    if (!j->v->kernel->parse_key(rider, j->code + AT_RIDER_KEY, YIMA_KEY_SIZE)) {
        return 0;
    }
    yima_sm2_digest(rider, j->code + AT_SIGNED_BY_RIDER, AT_RIDER_SIGNATURE - AT_SIGNED_BY_RIDER, e);
    return 1;
}

static yima_reason judge_rider_signature(yima_judgement *j) {
    const uint8_t *signature = j->code + AT_RIDER_SIGNATURE;
    yima_sm2_key rider;
    uint8_t e[32];
    if (!rider_digest(j, &rider, e)) {
        return YIMA_REASON_RIDER_KEY;
    }
    if (!j->v->kernel->verify(&rider, e, signature + 1)) {
        return YIMA_REASON_RIDER_SIGNATURE;
    }
    memcpy(j->verdict->digest, e, sizeof e);
    j->verdict->has_digest = 1;
    return YIMA_REASON_ACCEPTED;
}

static int name_code(yima_judgement *j, uint8_t digest[32]) {
    yima_sm2_key rider;
    return rider_digest(j, &rider, digest);
}

const yima_family_judge yima_ministry_226_judge = {
    .open = open_code,
    .format = judge_format,
    .certificate = judge_key,
    .issuer_signature = judge_issuer_signature,
    .rider_signature = judge_rider_signature,
    .digest = name_code,
};
