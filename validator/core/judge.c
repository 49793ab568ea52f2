/* judge.c - the judge: one code in, one verdict out.
 *
 * Stages run in their order and the first that fails names the reason. Nothing of a code that did not verify changes
 * any memory but debounce, which keeps bytes and their answer and believes nothing. */
#include "judge.h"

#include "fare.h"
#include "parameters.h"
#include "sm3.h"
#include "trust.h"

int64_t yima_bounded(int64_t unix_s) {
    return unix_s < 0 ? 0 : unix_s > UINT32_MAX ? UINT32_MAX : unix_s;
}

/* What is said of a family that this gate does not accept. */
static yima_reason not_accepted(yima_family family) {
    switch (family) {
    case YIMA_FAMILY_MINISTRY:
        return YIMA_REASON_MINISTRY_NOT_ACCEPTED;
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
    case YIMA_FAMILY_SUFU:
        return YIMA_REASON_SUFU_NOT_ACCEPTED;
    case YIMA_FAMILY_ANHUI:
        return YIMA_REASON_ANHUI_NOT_ACCEPTED;
    case YIMA_FAMILY_ZHEJIANG:
        return YIMA_REASON_ZHEJIANG_NOT_ACCEPTED;
    case YIMA_FAMILY_UNKNOWN:
    case YIMA_FAMILIES:
        break;
    }
    return YIMA_REASON_UNKNOWN_FAMILY;
}

/* Who judges a family's form and signatures; NULL: nobody here can. */
static const yima_family_judge *judge_of(yima_family family) {
    switch (family) {
    case YIMA_FAMILY_MINISTRY:
    case YIMA_FAMILY_UNIFIED:
        return &yima_ministry_judge;
    case YIMA_FAMILY_MINISTRY_226:
        return &yima_ministry_226_judge;
    case YIMA_FAMILY_SUISHEN:
        return &yima_suishen_judge;
    case YIMA_FAMILY_SUFU:
    case YIMA_FAMILY_ANHUI:
    case YIMA_FAMILY_ZHEJIANG:
        return &yima_resolved_judge;
    default:
        return NULL;
    }
}

yima_judgement yima_judgement_of(yima_validator *v, yima_family family, const uint8_t *code, size_t length) {
    const size_t skipped = family == YIMA_FAMILY_UNIFIED; /* its first byte, 55 */
    return (yima_judgement){
        .v = v, .own = judge_of(family), .code = code + skipped, .length = length - skipped, .slot = -1};
}

/* Nobody here can vouch for the code. */
static int needs_resolver(const yima_judgement *j) {
    return !j->own->issuer_signature;
}

/* The three checks of the code's times as if their clock ran `shift` seconds behind UTC. */
static yima_reason judge_time_at(const yima_judgement *j, int32_t shift) {
    const int64_t authorised_until = (int64_t)j->claim.authorised_until + shift;
    const int64_t generated = (int64_t)j->claim.generated_at + shift;
    if (j->now > authorised_until) {
        return YIMA_REASON_AUTHORISATION_EXPIRED;
    }
    if (generated - yima_limit(j->v->parameters, YIMA_LIMITS_AT_FUTURE_TOLERANCE_S) > j->now) {
        return YIMA_REASON_FROM_THE_FUTURE;
    }
    if (j->now > generated + j->claim.validity_s) {
        return YIMA_REASON_CODE_EXPIRED;
    }
    return YIMA_REASON_ACCEPTED;
}

/* The extra shift number i of the code's institution. */
static int shift_of(const yima_parameters *p, const yima_claim *claim, uint32_t i, int32_t *shift) {
    return claim->institution && yima_shift_of(p, claim->institution, i, shift);
}

static yima_reason judge_time(yima_judgement *j) {
    const yima_parameters *p = j->v->parameters;
    if (j->claim.validity_s > yima_limit(p, YIMA_LIMITS_AT_MAX_VALIDITY_S)) {
        return YIMA_REASON_VALIDITY_TOO_LONG;
    }
    if (!j->trusted_time) {
        return YIMA_REASON_TIME_UNTRUSTED;
    }
    const yima_reason in_utc = judge_time_at(j, 0);
    int32_t shift;
    for (uint32_t i = 0; in_utc != YIMA_REASON_ACCEPTED; i++) {
        if (!shift_of(p, &j->claim, i, &shift)) {
            return in_utc;
        }
        if (judge_time_at(j, shift) == YIMA_REASON_ACCEPTED) {
            break;
        }
    }
    return YIMA_REASON_ACCEPTED;
}

/* Whether the deny-list was issued longer ago than the parameters allow; one that does not tell is not judged. */
static int lists_too_old(const yima_judgement *j) {
    const yima_parameters *p = j->v->parameters;
    const int64_t most = yima_limit(p, YIMA_LIMITS_AT_LISTS_MAX_AGE_S);
    const int64_t issued = j->v->deny ? yima_deny_issued_at(j->v->deny) : yima_limit(p, YIMA_LIMITS_AT_LISTS_ISSUED_AT);
    return most && issued && j->now - issued > most;
}

static yima_reason judge_permission(yima_judgement *j) {
    const yima_parameters *p = j->v->parameters;
    const yima_claim *claim = &j->claim;
    const yima_reason own = j->own->permission ? j->own->permission(j) : YIMA_REASON_ACCEPTED;
    if (own != YIMA_REASON_ACCEPTED) {
        return own;
    }
    yima_pair pair = {.city = claim->city, .modes = claim->modes};
    if (claim->institution && !yima_pair_find(p, claim->institution, &pair)) {
        return YIMA_REASON_NOT_WHITELISTED;
    }
    if (!(pair.modes & j->v->gate.mode)) {
        return YIMA_REASON_MODE_NOT_ACCEPTED;
    }
    const yima_family family = (yima_family)j->verdict->family;
    const yima_reason city =
        pair.city ? yima_city_accepted(p, &j->v->gate, family, pair.city, (uint32_t)j->now) : YIMA_REASON_ACCEPTED;
    j->verdict->issuer_city = pair.city;
    if (city != YIMA_REASON_ACCEPTED) {
        return city;
    }
    if (lists_too_old(j)) {
        return YIMA_REASON_LISTS_TOO_OLD;
    }
    if (yima_denied(p, claim->card_account) || (j->v->deny && yima_deny_has(j->v->deny, claim->card_account))) {
        return YIMA_REASON_DENY_LISTED;
    }
    /* The set of types is the ministry's numbers; another family's file judges its own. */
    if (claim->institution && !yima_limit_allows(p, YIMA_LIMITS_AT_ACCOUNT_TYPES, claim->account_type)) {
        return YIMA_REASON_ACCOUNT_TYPE;
    }
    if (claim->cap_fen == 0) {
        return YIMA_REASON_CAP_ZERO;
    }
    return yima_fare_find(j, pair.city);
}

int64_t yima_last_second(const yima_judgement *j) {
    int64_t latest = 0;
    int32_t shift;
    for (uint32_t i = 0; shift_of(j->v->parameters, &j->claim, i, &shift); i++) {
        latest = shift > latest ? shift : latest;
    }
    return (int64_t)j->claim.generated_at + j->claim.validity_s + latest;
}

static yima_reason judge_repetition(yima_judgement *j) {
    const uint8_t *account = j->claim.card_account;
    if (yima_replay_holds(j->v, j->verdict->digest, j->now)) {
        return YIMA_REASON_REPEATED;
    }
    if (yima_replay_too_soon(j->v, account, j->now)) {
        return YIMA_REASON_TOO_SOON;
    }
    if (needs_resolver(j)) {
        return YIMA_REASON_ACCEPTED; /* yima_settle remembers it, if the issuer says yes */
    }
    return yima_replay_insert(j->v, j->verdict->digest, account, j->now, yima_last_second(j), j->now, 1)
               ? YIMA_REASON_ACCEPTED
               : YIMA_REASON_MEMORY_FULL;
}

void yima_refuse(yima_verdict *verdict, yima_reason reason) {
    verdict->accepted = 0;
    verdict->reason = (uint16_t)reason;
    verdict->fare_fen = 0;
    verdict->gross_fen = 0;
    verdict->transaction = 0;
    verdict->vouched = 0;
    verdict->rule_count = 0;
    memset(verdict->rules, 0, sizeof verdict->rules);
}

/* What the opened code says, for whoever writes down what became of it. */
static void tell_claim(const yima_judgement *j) {
    memcpy(j->verdict->account, j->claim.card_account, sizeof j->verdict->account);
    j->verdict->account_type = j->claim.account_type;
    j->verdict->good_until = (uint32_t)yima_bounded(yima_last_second(j));
}

/* All that can be judged without asking has passed; asking is the device's to do. */
static void ask(yima_verdict *verdict) {
    verdict->stages[YIMA_STAGE_PERMISSION] = YIMA_FAILED;
    verdict->stages[YIMA_STAGE_REPETITION] = YIMA_NOT_REACHED;
    verdict->reason = YIMA_REASON_NEEDS_RESOLVER;
}

static void judge_stages(yima_judgement *j) {
    const yima_family family = (yima_family)j->verdict->family;
    const yima_family_judge *own = j->own;
    yima_verdict *verdict = j->verdict;
    int stage = YIMA_STAGE_FORMAT;
    yima_reason reason = not_accepted(family);
    if (own && yima_family_accepted(j->v->parameters, family)) {
        yima_stage_judge *const stages[YIMA_STAGES] = {
            own->format,
            own->certificate,
            own->issuer_signature,
            own->rider_signature,
            needs_resolver(j) ? NULL : judge_time,
            judge_permission,
            judge_repetition,
        };
        while (!stages[stage] || (reason = stages[stage](j)) == YIMA_REASON_ACCEPTED) {
            verdict->stages[stage] = stages[stage] ? YIMA_PASSED : YIMA_NOT_REACHED;
            if (stage == YIMA_STAGE_FORMAT) {
                tell_claim(j);
            }
            if (++stage < YIMA_STAGES) {
                continue;
            }
            if (needs_resolver(j)) {
                ask(verdict);
            } else {
                verdict->accepted = 1;
            }
            return;
        }
    }
    verdict->stages[stage] = YIMA_FAILED;
    yima_refuse(verdict, reason);
}

void yima_judge(yima_validator *v, const uint8_t *code, size_t length, yima_moment now, yima_verdict *verdict) {
    if (yima_shown_again(v, code, length, now.tick_ms, verdict)) {
        return;
    }
    memset(verdict, 0, sizeof *verdict);
    if (!v->parameters) {
        verdict->family = (uint8_t)yima_family_of(code, length);
        yima_refuse(verdict, YIMA_REASON_NO_PARAMETERS);
    } else {
        verdict->family = (uint8_t)yima_family_here(v->parameters, code, length);
        yima_judgement j = yima_judgement_of(v, (yima_family)verdict->family, code, length);
        j.now = yima_bounded(now.unix_s);
        j.trusted_time = now.trusted != 0;
        j.verdict = verdict;
        judge_stages(&j);
    }
    yima_show(v, code, length, now.tick_ms, verdict);
}
