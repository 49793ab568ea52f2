/* resolved.c - codes that only their issuer can verify, online: those of provinces without a public transit form.
 *
 * Nothing is known of such a code but the prefix that the parameters give, so nothing in it is believed or read. The
 * core does what can be done without asking (mode, city, fare, repetition) and then says NEEDS_RESOLVER; the device
 * asks, makes its verdict of the answer, and hands it back with yima_settle. */
#include "families.h"
#include "judge.h"
#include "sm3.h"

static int name_code(yima_judgement *j, uint8_t digest[32]) {
    yima_sm3(j->code, j->length, digest);
    return 1;
}

static yima_reason open_code(yima_judgement *j) {
    yima_resolved found;
    if (!yima_resolved_find(j->v->parameters, j->code, j->length, &found)) {
        return YIMA_REASON_UNKNOWN_FAMILY;
    }
    /* A code without a card account gets one of its own that no card has: its first digit is F. */
    uint8_t digest[32];
    name_code(j, digest);
    memcpy(j->pseudo_account, digest, sizeof j->pseudo_account);
    j->pseudo_account[0] |= 0xf0;
    j->claim = (yima_claim){
        .city = found.city,
        .modes = found.modes,
        .card_account = j->pseudo_account,
        .cap_fen = YIMA_NO_CAP,
        .authorised_until = (uint32_t)j->now,
        .generated_at = (uint32_t)j->now,
        .validity_s = found.remember_s,
    };
    return YIMA_REASON_ACCEPTED;
}

static yima_reason judge_format(yima_judgement *j) {
    if (j->length > YIMA_PAYLOAD_MAX) {
        return YIMA_REASON_TOO_LONG;
    }
    const yima_reason opened = open_code(j);
    if (opened == YIMA_REASON_ACCEPTED) {
        j->verdict->has_digest = (uint8_t)name_code(j, j->verdict->digest);
    }
    return opened;
}

const yima_family_judge yima_resolved_judge = {
    .open = open_code,
    .format = judge_format,
    .digest = name_code,
};
