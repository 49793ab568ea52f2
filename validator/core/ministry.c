/* ministry.c - the ministry code's own stages: format, certificate and the two signatures below it.
 *
 * The unified platform's form is the same code one byte later; whoever fills in the judgement leaves that byte out. */
#include "code.h"
#include "judge.h"
#include "parameters.h"
#include "trust.h"

static yima_reason open_code(yima_judgement *j) {
    const yima_reason sizes = yima_code_sizes(j->code, j->length);
    if (sizes != YIMA_REASON_ACCEPTED) {
        return sizes;
    }
    const uint8_t *code = j->code;
    j->data = code[YIMA_AT_ISSUER_DATA_LENGTH];
    j->claim = (yima_claim){
        .institution = code + YIMA_AT_ORGANISATION,
        .card_account = code + YIMA_AT_CARD_ACCOUNT,
        .account_type = code[YIMA_AT_ACCOUNT_TYPE],
        .cap_fen = yima_be24(code + YIMA_AT_CAP),
        .authorised_until = yima_be32(code + YIMA_AT_AUTHORISED_UNTIL),
        .generated_at = yima_be32(code + YIMA_AT_GENERATED_AT + j->data),
        .validity_s = yima_be16(code + YIMA_AT_VALIDITY),
        .issuer_data = code + YIMA_AT_ISSUER_DATA,
        .issuer_data_size = j->data,
    };
    return YIMA_REASON_ACCEPTED;
}

static yima_reason judge_format(yima_judgement *j) {
    if (!yima_limit_allows(j->v->parameters, YIMA_LIMITS_AT_VERSIONS, j->code[YIMA_AT_VERSION])) {
        return YIMA_REASON_VERSION;
    }
    const yima_reason opened = open_code(j);
    return opened == YIMA_REASON_ACCEPTED ? yima_code_accounts(j->code) : opened;
}

static yima_reason judge_certificate(yima_judgement *j) {
    return yima_trust_check(j->v, j->code, (uint32_t)j->now, j->trusted_time, &j->issuer, &j->slot);
}

static yima_reason judge_issuer_signature(yima_judgement *j) {
    const uint8_t *signature = j->code + YIMA_AT_ISSUER_SIGNATURE + j->data;
    const uint8_t *signed_from = j->code + YIMA_AT_CERTIFICATE;
    uint8_t e[32];
    yima_sm2_digest(&j->issuer, signed_from, (size_t)(signature - signed_from), e);
    return signature[0] == YIMA_SIGNATURE_TAG && yima_trust_verify(j->v, j->slot, &j->issuer, e, signature + 1)
               ? YIMA_REASON_ACCEPTED
               : YIMA_REASON_ISSUER_SIGNATURE;
}

/* e of the rider's signature, whose message holds the rider's key and every field before it. */
static int rider_digest(const yima_judgement *j, yima_sm2_key *rider, uint8_t e[32]) {
    if (!j->v->kernel->parse_key(rider, j->code + YIMA_AT_RIDER_KEY, YIMA_KEY_SIZE)) {
        return 0;
    }
    yima_sm2_digest(rider, j->code, (size_t)YIMA_AT_RIDER_SIGNATURE + j->data, e);
    return 1;
}

static yima_reason judge_rider_signature(yima_judgement *j) {
    const uint8_t *signature = j->code + YIMA_AT_RIDER_SIGNATURE + j->data;
    yima_sm2_key rider;
    uint8_t e[32];
    if (!rider_digest(j, &rider, e)) {
        return YIMA_REASON_RIDER_KEY;
    }
    if (signature[0] != YIMA_SIGNATURE_TAG || !j->v->kernel->verify(&rider, e, signature + 1)) {
        return YIMA_REASON_RIDER_SIGNATURE;
    }
    memcpy(j->verdict->digest, e, sizeof e);
    j->verdict->has_digest = 1;
    yima_trust_keep(j->v, j->slot, j->code + YIMA_AT_CERTIFICATE, &j->issuer);
    return YIMA_REASON_ACCEPTED;
}

static int name_code(yima_judgement *j, uint8_t digest[32]) {
    yima_sm2_key rider;
    return rider_digest(j, &rider, digest);
}

const yima_family_judge yima_ministry_judge = {
    .open = open_code,
    .format = judge_format,
    .certificate = judge_certificate,
    .issuer_signature = judge_issuer_signature,
    .rider_signature = judge_rider_signature,
    .digest = name_code,
};
