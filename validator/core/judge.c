/* judge.c - the judge: one code in, one verdict out.
 *
 * Stages run in their order and the first that fails names the reason. Nothing of a code that did not verify changes
 * any memory but debounce, which keeps bytes and their answer and believes nothing. */
#include "code.h"
#include "parameters.h"
#include "sm3.h"
#include "trust.h"

/* One code on its way through the stages. */
typedef struct {
    yima_validator *v;
    const uint8_t *code;
    uint8_t data; /* field 13: what fields after 14 are moved by */
    int64_t now;
    int trusted_time;
    int slot; /* of the issuer in the cache, -1: not in it */
    yima_sm2_key issuer;
    yima_verdict *verdict;
} judgement;

/* All times of a code are 32 bits, so nothing is lost, and no arithmetic on a time can overflow. */
static int64_t bounded(int64_t unix_s) {
    return unix_s < 0 ? 0 : unix_s > UINT32_MAX ? UINT32_MAX : unix_s;
}

static yima_reason judge_format(judgement *j, size_t length) {
    switch ((yima_family)j->verdict->family) {
    case YIMA_FAMILY_MINISTRY:
        break;
    case YIMA_FAMILY_UNIFIED:
        return YIMA_REASON_UNIFIED_NOT_ACCEPTED;
    case YIMA_FAMILY_MINISTRY_226:
        return YIMA_REASON_MINISTRY_226_NOT_ACCEPTED;
    case YIMA_FAMILY_SUISHEN:
        return YIMA_REASON_SUISHEN_NOT_ACCEPTED;
    case YIMA_FAMILY_SUISHEN_HALL:
        return YIMA_REASON_ONLINE_CODE_NOT_ACCEPTED;
    case YIMA_FAMILY_ALIPAY:
        return YIMA_REASON_ALIPAY_NOT_ACCEPTED;
    case YIMA_FAMILY_CITY_CARD:
        return YIMA_REASON_CITY_CARD_NOT_ACCEPTED;
    case YIMA_FAMILY_WECHAT:
        return YIMA_REASON_WECHAT_NOT_ACCEPTED;
    case YIMA_FAMILY_UNIONPAY:
        return YIMA_REASON_UNIONPAY_NOT_ACCEPTED;
    case YIMA_FAMILY_UNKNOWN:
    case YIMA_FAMILIES:
        return YIMA_REASON_UNKNOWN_FAMILY;
    }
    if (!yima_limit_allows(j->v->parameters, YIMA_LIMIT_VERSIONS, j->code[YIMA_AT_VERSION])) {
        return YIMA_REASON_VERSION;
    }
    const yima_reason sizes = yima_code_sizes(j->code, length);
    if (sizes != YIMA_REASON_ACCEPTED) {
        return sizes;
    }
    j->data = j->code[YIMA_AT_ISSUER_DATA_LENGTH];
    return yima_code_accounts(j->code);
}

static yima_reason judge_certificate(judgement *j) {
    return yima_trust_check(j->v, j->code, (uint32_t)j->now, j->trusted_time, &j->issuer, &j->slot);
}

static yima_reason judge_issuer_signature(judgement *j) {
    const uint8_t *signature = j->code + YIMA_AT_ISSUER_SIGNATURE + j->data;
    const uint8_t *signed_from = j->code + YIMA_AT_CERTIFICATE;
    uint8_t e[32];
    yima_sm2_digest(&j->issuer, signed_from, (size_t)(signature - signed_from), e);
    return signature[0] == YIMA_SIGNATURE_TAG && yima_trust_verify(j->v, j->slot, &j->issuer, e, signature + 1)
               ? YIMA_REASON_ACCEPTED
               : YIMA_REASON_ISSUER_SIGNATURE;
}

static yima_reason judge_rider_signature(judgement *j) {
    const uint8_t *signature = j->code + YIMA_AT_RIDER_SIGNATURE + j->data;
    yima_sm2_key rider;
    if (!j->v->kernel->parse_key(&rider, j->code + YIMA_AT_RIDER_KEY, YIMA_KEY_SIZE)) {
        return YIMA_REASON_RIDER_KEY;
    }
    uint8_t e[32];
    yima_sm2_digest(&rider, j->code, (size_t)(signature - j->code), e);
    if (signature[0] != YIMA_SIGNATURE_TAG || !j->v->kernel->verify(&rider, e, signature + 1)) {
        return YIMA_REASON_RIDER_SIGNATURE;
    }
    memcpy(j->verdict->digest, e, sizeof e);
    j->verdict->has_digest = 1;
    yima_trust_keep(j->v, j->slot, j->code + YIMA_AT_CERTIFICATE, &j->issuer);
    return YIMA_REASON_ACCEPTED;
}

/* The three checks of field 11 and 16 as if their clock ran `shift` seconds behind UTC. */
static yima_reason judge_time_at(const judgement *j, int32_t shift) {
    const int64_t authorised_until = (int64_t)yima_be32(j->code + YIMA_AT_AUTHORISED_UNTIL) + shift;
    const int64_t generated = (int64_t)yima_be32(j->code + YIMA_AT_GENERATED_AT + j->data) + shift;
    if (j->now > authorised_until) {
        return YIMA_REASON_AUTHORISATION_EXPIRED;
    }
    if (generated - yima_limit(j->v->parameters, YIMA_LIMIT_FUTURE_TOLERANCE_S) > j->now) {
        return YIMA_REASON_FROM_THE_FUTURE;
    }
    if (j->now > generated + yima_be16(j->code + YIMA_AT_VALIDITY)) {
        return YIMA_REASON_CODE_EXPIRED;
    }
    return YIMA_REASON_ACCEPTED;
}

static yima_reason judge_time(judgement *j) {
    const yima_parameters *p = j->v->parameters;
    if (yima_be16(j->code + YIMA_AT_VALIDITY) > yima_limit(p, YIMA_LIMIT_MAX_VALIDITY_S)) {
        return YIMA_REASON_VALIDITY_TOO_LONG;
    }
    if (!j->trusted_time) {
        return YIMA_REASON_TIME_UNTRUSTED;
    }
    const yima_reason in_utc = judge_time_at(j, 0);
    int32_t shift;
    for (uint32_t i = 0; in_utc != YIMA_REASON_ACCEPTED; i++) {
        if (!yima_shift_of(p, j->code + YIMA_AT_ORGANISATION, i, &shift)) {
            return in_utc;
        }
        if (judge_time_at(j, shift) == YIMA_REASON_ACCEPTED) {
            break;
        }
    }
    return YIMA_REASON_ACCEPTED;
}

static yima_reason judge_permission(judgement *j) {
    const yima_parameters *p = j->v->parameters;
    const yima_gate gate = j->v->gate;
    yima_pair pair;
    if (!yima_pair_find(p, j->code + YIMA_AT_ORGANISATION, &pair)) {
        return YIMA_REASON_NOT_WHITELISTED;
    }
    if (!(pair.modes & gate.mode)) {
        return YIMA_REASON_MODE_NOT_ACCEPTED;
    }
    if (pair.city && !yima_city_accepted(p, gate.city, pair.city)) {
        return YIMA_REASON_CITY_NOT_ACCEPTED;
    }
    const uint8_t *account = j->code + YIMA_AT_CARD_ACCOUNT;
    if (yima_denied(p, account) || (j->v->deny && yima_deny_has(j->v->deny, account))) {
        return YIMA_REASON_DENY_LISTED;
    }
    if (!yima_limit_allows(p, YIMA_LIMIT_ACCOUNT_TYPES, j->code[YIMA_AT_ACCOUNT_TYPE])) {
        return YIMA_REASON_ACCOUNT_TYPE;
    }
    const uint32_t cap = yima_be24(j->code + YIMA_AT_CAP);
    if (cap == 0) {
        return YIMA_REASON_CAP_ZERO;
    }
    uint32_t fare;
    if (!yima_fare_of(p, gate.mode, &fare)) {
        return YIMA_REASON_NO_FARE;
    }
    if (fare > cap) {
        return YIMA_REASON_FARE_OVER_CAP;
    }
    j->verdict->fare_fen = fare;
    return YIMA_REASON_ACCEPTED;
}

/* The last second at which a code can be accepted, whatever shift its institution is granted: forgetting it earlier
 * would let it be shown again. */
static int64_t last_second(const yima_validator *v, const uint8_t *code, uint8_t data) {
    int64_t latest = 0;
    int32_t shift;
    for (uint32_t i = 0; yima_shift_of(v->parameters, code + YIMA_AT_ORGANISATION, i, &shift); i++) {
        latest = shift > latest ? shift : latest;
    }
    return (int64_t)yima_be32(code + YIMA_AT_GENERATED_AT + data) + yima_be16(code + YIMA_AT_VALIDITY) + latest;
}

static yima_reason judge_repetition(judgement *j) {
    const uint8_t *account = j->code + YIMA_AT_CARD_ACCOUNT;
    if (yima_replay_holds(j->v, j->verdict->digest, j->now)) {
        return YIMA_REASON_REPEATED;
    }
    if (yima_replay_too_soon(j->v, account, j->now)) {
        return YIMA_REASON_TOO_SOON;
    }
    yima_replay_insert(j->v, j->verdict->digest, account, j->now, last_second(j->v, j->code, j->data), j->now);
    return YIMA_REASON_ACCEPTED;
}

static void judge_stages(judgement *j, size_t length) {
    static yima_reason (*const stages[YIMA_STAGES])(judgement *) = {
        [YIMA_STAGE_CERTIFICATE] = judge_certificate,         [YIMA_STAGE_ISSUER_SIGNATURE] = judge_issuer_signature,
        [YIMA_STAGE_RIDER_SIGNATURE] = judge_rider_signature, [YIMA_STAGE_TIME] = judge_time,
        [YIMA_STAGE_PERMISSION] = judge_permission,           [YIMA_STAGE_REPETITION] = judge_repetition,
    };
    yima_verdict *verdict = j->verdict;
    yima_reason reason = judge_format(j, length);
    int stage = YIMA_STAGE_FORMAT;
    while (reason == YIMA_REASON_ACCEPTED) {
        verdict->stages[stage] = YIMA_PASSED;
        if (++stage == YIMA_STAGES) {
            verdict->accepted = 1;
            return;
        }
        reason = stages[stage](j);
    }
    verdict->stages[stage] = YIMA_FAILED;
    verdict->reason = (uint16_t)reason;
    verdict->fare_fen = 0;
}

/* What debounce compares: the payload, or its SM3 if it does not fit. 0: too long to be any reader's. */
static size_t presented(const uint8_t *code, size_t length, uint8_t digest[32], const uint8_t **bytes) {
    *bytes = code;
    if (length <= sizeof((yima_presentation *)0)->code) {
        return length;
    }
    if (length > YIMA_PAYLOAD_MAX) {
        return 0;
    }
    yima_sm3(code, length, digest);
    *bytes = digest;
    return 32;
}

/* The slot that shows these bytes, else NULL. */
static yima_presentation *find_shown(yima_validator *v, const uint8_t *bytes, size_t size, size_t length) {
    for (int i = 0; i < YIMA_DEBOUNCE_SLOTS; i++) {
        if (v->shown[i].length == length && memcmp(v->shown[i].code, bytes, size) == 0) {
            return &v->shown[i];
        }
    }
    return NULL;
}

/* An empty slot, else the one longest out of view. A tick that ran backwards leaves slots "in the future": their age
 * wraps to a huge one, so they count as out of view and go first. */
static yima_presentation *oldest_shown(yima_validator *v, uint64_t tick_ms) {
    yima_presentation *oldest = v->shown;
    for (int i = 0; i < YIMA_DEBOUNCE_SLOTS; i++) {
        if (v->shown[i].length == 0) {
            return &v->shown[i];
        }
        if (tick_ms - v->shown[i].seen_ms > tick_ms - oldest->seen_ms) {
            oldest = &v->shown[i];
        }
    }
    return oldest;
}

void yima_judge(yima_validator *v, const uint8_t *code, size_t length, yima_moment now, yima_verdict *verdict) {
    uint8_t digest[32];
    const uint8_t *bytes;
    const size_t size = presented(code, length, digest, &bytes);
    yima_presentation *shown = size ? find_shown(v, bytes, size, length) : NULL;
    if (shown && now.tick_ms - shown->seen_ms < yima_limit(v->parameters, YIMA_LIMIT_DEBOUNCE_MS)) {
        shown->seen_ms = now.tick_ms;
        *verdict = shown->verdict;
        verdict->again = 1;
        return;
    }
    memset(verdict, 0, sizeof *verdict);
    verdict->family = (uint8_t)yima_family_of(code, length);
    judgement j = {
        .v = v,
        .code = code,
        .now = bounded(now.unix_s),
        .trusted_time = now.trusted != 0,
        .slot = -1,
        .verdict = verdict,
    };
    judge_stages(&j, length);
    if (size) {
        shown = shown ? shown : oldest_shown(v, now.tick_ms);
        memcpy(shown->code, bytes, size);
        shown->length = (uint32_t)length;
        shown->seen_ms = now.tick_ms;
        shown->verdict = *verdict;
    }
}

void yima_validator_init(yima_validator *v, const yima_parameters *p, yima_gate gate, yima_replay_entry *replay,
                         uint32_t replay_capacity, void *tables, size_t tables_size) {
    memset(v, 0, sizeof *v);
    v->parameters = p;
    v->gate = gate;
    v->kernel = yima_sm2_best();
    v->replay = replay;
    v->replay_capacity = replay_capacity - replay_capacity % YIMA_REPLAY_WAYS;
    memset(replay, 0, sizeof *replay * v->replay_capacity);
    for (int i = 0; i < YIMA_TRUSTED_ISSUERS; i++) {
        v->issuers[i].table = -1;
    }
    yima_trust_divide(v, tables, tables_size);
}

void yima_validator_set_deny(yima_validator *v, const yima_deny *deny) {
    v->deny = deny;
}

void yima_retract(yima_validator *v, const yima_verdict *verdict) {
    if (!verdict->accepted || verdict->again || !verdict->has_digest) {
        return;
    }
    yima_replay_remove(v, verdict->digest);
    for (int i = 0; i < YIMA_DEBOUNCE_SLOTS; i++) {
        yima_presentation *shown = &v->shown[i];
        if (shown->length && shown->verdict.accepted &&
            memcmp(shown->verdict.digest, verdict->digest, sizeof verdict->digest) == 0) {
            memset(shown, 0, sizeof *shown);
        }
    }
}

int yima_remember(yima_validator *v, const uint8_t *code, size_t length, int64_t accepted_at, int64_t now) {
    yima_sm2_key rider;
    if (yima_code_sizes(code, length) != YIMA_REASON_ACCEPTED ||
        !v->kernel->parse_key(&rider, code + YIMA_AT_RIDER_KEY, YIMA_KEY_SIZE)) {
        return 0;
    }
    const uint8_t data = code[YIMA_AT_ISSUER_DATA_LENGTH];
    const int64_t until = last_second(v, code, data);
    const int64_t interval_ends = bounded(accepted_at) + yima_limit(v->parameters, YIMA_LIMIT_ACCOUNT_INTERVAL_S);
    if (bounded(now) > until && bounded(now) >= interval_ends) {
        return 0;
    }
    uint8_t digest[32];
    yima_sm2_digest(&rider, code, (size_t)YIMA_AT_RIDER_SIGNATURE + data, digest);
    yima_replay_insert(v, digest, code + YIMA_AT_CARD_ACCOUNT, bounded(accepted_at), until, bounded(now));
    return 1;
}
