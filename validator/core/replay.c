/* replay.c - the memory of accepted codes: what makes a second showing a repeat.
 *
 * Set-associative by digest, eight ways. A full set loses what no longer matters first, then what expires first; losing
 * one that is still valid is counted, so a memory that is too small does not stay unnoticed. An entry outlives its code
 * by the account interval, if there is one. */
#include "bytes.h"
#include "parameters.h"
#include "trust.h"

static yima_replay_entry *set_of(const yima_validator *v, const uint8_t *digest) {
    const uint32_t sets = v->replay_capacity / YIMA_REPLAY_WAYS;
    return sets ? v->replay + (size_t)(yima_be32(digest) % sets) * YIMA_REPLAY_WAYS : NULL;
}

static int is_entry_of(const yima_replay_entry *entry, const uint8_t *digest) {
    return entry->used && memcmp(entry->digest, digest, sizeof entry->digest) == 0;
}

static int64_t matters_until(const yima_replay_entry *entry, int64_t memory_s) {
    const int64_t interval_ends = entry->accepted_at + memory_s;
    return entry->until > interval_ends ? entry->until : interval_ends;
}

int yima_replay_holds(const yima_validator *v, const uint8_t *digest, int64_t now) {
    const yima_replay_entry *set = set_of(v, digest);
    for (int i = 0; set && i < YIMA_REPLAY_WAYS; i++) {
        if (is_entry_of(&set[i], digest) && now <= set[i].until) {
            return 1;
        }
    }
    return 0;
}

/* Digests say nothing of the account, so this looks at every entry; it does so only where an interval is set. */
int yima_replay_too_soon(const yima_validator *v, const uint8_t *account, int64_t now) {
    const int64_t interval = yima_limit(v->parameters, YIMA_LIMITS_AT_ACCOUNT_INTERVAL_S);
    for (uint32_t i = 0; interval && i < v->replay_capacity; i++) {
        const yima_replay_entry *entry = &v->replay[i];
        if (entry->used && entry->accepted_at <= now && now - entry->accepted_at < interval &&
            memcmp(entry->account, account, sizeof entry->account) == 0) {
            return 1;
        }
    }
    return 0;
}

void yima_replay_insert(yima_validator *v, const uint8_t *digest, const uint8_t *account, int64_t accepted_at,
                        int64_t until, int64_t now) {
    const int64_t interval = v->memory_s;
    yima_replay_entry *set = set_of(v, digest);
    if (!set) {
        v->evicted_live++;
        return;
    }
    yima_replay_entry *victim = set;
    for (int i = 0; i < YIMA_REPLAY_WAYS; i++) {
        if (is_entry_of(&set[i], digest)) {
            victim = &set[i];
            break;
        }
        if (victim->used && (!set[i].used || matters_until(&set[i], interval) < matters_until(victim, interval))) {
            victim = &set[i];
        }
    }
    if (victim->used && !is_entry_of(victim, digest) && matters_until(victim, interval) >= now) {
        v->evicted_live++;
    }
    memcpy(victim->digest, digest, sizeof victim->digest);
    memcpy(victim->account, account, sizeof victim->account);
    victim->accepted_at = accepted_at;
    victim->until = until;
    victim->used = 1;
}

void yima_replay_remove(yima_validator *v, const uint8_t *digest) {
    yima_replay_entry *set = set_of(v, digest);
    for (int i = 0; set && i < YIMA_REPLAY_WAYS; i++) {
        if (is_entry_of(&set[i], digest)) {
            memset(&set[i], 0, sizeof set[i]);
        }
    }
}
