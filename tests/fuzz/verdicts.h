/* verdicts.h - what holds of every verdict, whatever was judged: for the targets that judge. */
#ifndef YIMA_VERDICTS_H
#define YIMA_VERDICTS_H
#include "fuzz.h"
#include "yima/core.h"

static inline int is_same_verdict(const yima_verdict *a, const yima_verdict *b) {
    return a->reason == b->reason && a->accepted == b->accepted && a->family == b->family && a->again == b->again &&
           a->was_accepted == b->was_accepted && memcmp(a->stages, b->stages, sizeof a->stages) == 0 &&
           a->fare_fen == b->fare_fen && a->gross_fen == b->gross_fen && a->transaction == b->transaction &&
           a->rule_count == b->rule_count && memcmp(a->rules, b->rules, sizeof a->rules) == 0 &&
           a->vouched == b->vouched && a->has_digest == b->has_digest &&
           memcmp(a->digest, b->digest, sizeof a->digest) == 0 &&
           memcmp(a->account, b->account, sizeof a->account) == 0 && a->account_type == b->account_type &&
           a->entry_station == b->entry_station && a->entry_line == b->entry_line && a->entry_at == b->entry_at &&
           a->good_until == b->good_until && a->issuer_city == b->issuer_city;
}

static const yima_reason_info *info_of(uint16_t reason) {
    size_t count;
    const yima_reason_info *all = yima_reasons(&count);
    for (size_t i = 0; i < count; i++) {
        if (all[i].number == reason) return &all[i];
    }
    return NULL;
}

/* The stages run in their order, and the reason belongs to the one that failed. */
static void check_stages(const yima_verdict *v, const yima_reason_info *info) {
    const int answer = v->accepted || v->was_accepted;
    int failed = 0;
    for (int stage = 0; stage < YIMA_STAGES; stage++) {
        demand(v->stages[stage] <= YIMA_FAILED);
        demand(!failed || v->stages[stage] == YIMA_NOT_REACHED);
        if (v->stages[stage] != YIMA_FAILED) continue;
        failed = 1;
        demand(v->reason == YIMA_REASON_NEEDS_RESOLVER ? stage == YIMA_STAGE_PERMISSION : stage == info->stage);
    }
    demand(failed == !answer);
    demand(!answer || v->stages[YIMA_STAGE_REPETITION] == YIMA_PASSED);
}

static inline void check_verdict(const yima_parameters *p, const yima_verdict *v) {
    const yima_reason_info *info = info_of(v->reason);
    demand(info != NULL && info->stage != YIMA_STAGE_DEVICE);
    demand(v->accepted <= 1 && v->again <= 1 && v->has_digest <= 1 && v->rule_count <= YIMA_RULES &&
           v->family < YIMA_FAMILIES);
    demand((v->again ? v->was_accepted : v->accepted) == (v->reason == YIMA_REASON_ACCEPTED));
    demand(v->again ? !v->accepted : !v->was_accepted);
    check_stages(v, info);
    const int answer = v->accepted || v->was_accepted;
    /* A refused ride costs nothing; one that waits for its issuer has the fare it would cost. */
    if (!answer && v->reason != YIMA_REASON_NEEDS_RESOLVER) {
        static const yima_applied_rule none[YIMA_RULES];
        demand(v->fare_fen == 0 && v->gross_fen == 0 && v->transaction == 0 && v->vouched == 0);
        demand(v->rule_count == 0 && memcmp(v->rules, none, sizeof none) == 0);
    }
    demand(v->fare_fen <= 0x3FFFFFC && v->transaction <= YIMA_TRANSACTION_OVER_TIME_EXIT);
    int64_t sum = 0; /* what each rule did to the fare makes up the fare */
    for (unsigned i = 0; i < v->rule_count; i++) sum += v->rules[i].fen;
    demand(sum == v->fare_fen || !answer);
    /* Who is accepted has a name among all codes, and somebody verified it or stands behind it. */
    demand(!answer || v->has_digest);
    demand(!answer || v->vouched ||
           (v->stages[YIMA_STAGE_ISSUER_SIGNATURE] == YIMA_PASSED &&
            v->stages[YIMA_STAGE_RIDER_SIGNATURE] == YIMA_PASSED));
    char text[YIMA_RULE_TEXT_MAX];
    memset(text, 'x', sizeof text);
    const size_t length = yima_rule_text(p, v, text);
    demand(length < sizeof text && text[length] == 0 && strlen(text) == length);
    demand(length == 0 || answer || v->reason == YIMA_REASON_NEEDS_RESOLVER);
}
#endif
