/* presentation.c - what is in view, with its answer: a phone held before the reader is one presentation, not many.
 *
 * It keeps bytes and what was answered to them, and believes nothing of either. */
#include "judge.h"
#include "parameters.h"
#include "sm3.h"

enum { DEBOUNCE_MS = 2000 }; /* where no parameters say it */

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

void yima_show(yima_validator *v, const uint8_t *code, size_t length, uint64_t tick_ms, const yima_verdict *verdict) {
    uint8_t digest[32];
    const uint8_t *bytes;
    const size_t size = presented(code, length, digest, &bytes);
    if (size == 0) {
        return;
    }
    yima_presentation *shown = find_shown(v, bytes, size, length);
    shown = shown ? shown : oldest_shown(v, tick_ms);
    memcpy(shown->code, bytes, size);
    shown->length = (uint32_t)length;
    shown->seen_ms = tick_ms;
    shown->verdict = *verdict;
}

int yima_shown_again(yima_validator *v, const uint8_t *code, size_t length, uint64_t tick_ms, yima_verdict *verdict) {
    uint8_t digest[32];
    const uint8_t *bytes;
    const size_t size = presented(code, length, digest, &bytes);
    yima_presentation *shown = size ? find_shown(v, bytes, size, length) : NULL;
    const uint32_t within_ms = v->parameters ? yima_limit(v->parameters, YIMA_LIMITS_AT_DEBOUNCE_MS) : DEBOUNCE_MS;
    if (!shown || tick_ms - shown->seen_ms >= within_ms) {
        return 0;
    }
    shown->seen_ms = tick_ms;
    *verdict = shown->verdict;
    verdict->again = 1;
    verdict->was_accepted = verdict->accepted;
    verdict->accepted = 0;
    return 1;
}

void yima_unshow(yima_validator *v, const yima_verdict *verdict) {
    for (int i = 0; i < YIMA_DEBOUNCE_SLOTS; i++) {
        yima_presentation *shown = &v->shown[i];
        if (shown->length && shown->verdict.accepted &&
            memcmp(shown->verdict.digest, verdict->digest, sizeof verdict->digest) == 0) {
            memset(shown, 0, sizeof *shown);
        }
    }
}
