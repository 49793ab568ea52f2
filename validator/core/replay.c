/* replay.c - the memory of accepted codes: what makes a second showing a repeat.
 *
 * A ring of entries in the order in which codes were accepted, and an index by digest: open addressing with linear
 * probing, at most two thirds full. An entry forbids its code for as long as it is in the ring, whatever any clock says.
 * One leaves only for another, and only when its code can no longer be shown, the oldest first; while all could be, a
 * new code is turned away instead (MEMORY_FULL). So no code is accepted twice, and what the memory must hold is a number
 * that the parameters give (yima_memory_need). */
#include "bytes.h"
#include "judge.h"
#include "parameters.h"
#include "trust.h"

enum { DIGEST = sizeof((yima_replay_entry *)0)->digest, LASTS = 1, FOR_A_TIME = 2 };

/* Places of the index for so many entries: a power of two, at least half as many again. */
static uint32_t places_for(uint32_t entries) {
    uint32_t places = 16;
    while (places < entries + entries / 2) {
        places *= 2;
    }
    return places;
}

size_t yima_memory_size(uint32_t entries) {
    return entries > YIMA_MEMORY_MAX
               ? 0
               : (size_t)entries * sizeof(yima_replay_entry) + (size_t)places_for(entries) * sizeof(uint32_t);
}

/* The largest number of entries that fits. */
static uint32_t entries_for(size_t size) {
    uint32_t low = 0, high = YIMA_MEMORY_MAX;
    while (low < high) {
        const uint32_t middle = low + (high - low + 1) / 2;
        if (yima_memory_size(middle) <= size) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    return low;
}

/* For how long after its acceptance a code that says itself until when it is good can be shown, whichever shift was
 * granted then. */
static int64_t shown_for(const yima_parameters *p) {
    int64_t earliest, latest;
    yima_shift_bounds(p, &earliest, &latest);
    return (int64_t)yima_limit(p, YIMA_LIMITS_AT_MAX_VALIDITY_S) + yima_limit(p, YIMA_LIMITS_AT_FUTURE_TOLERANCE_S) +
           latest - earliest;
}

uint32_t yima_memory_need(const yima_parameters *p) {
    const uint8_t *row;
    int64_t seconds = shown_for(p), interval = yima_limit(p, YIMA_LIMITS_AT_ACCOUNT_INTERVAL_S);
    seconds = interval > seconds ? interval : seconds;
    for (uint32_t i = 0; (row = yima_row(p, YIMA_SECTION_RESOLVED, i)) != NULL; i++) {
        const int64_t remembered = YIMA_VALUE(row, RESOLVED, REMEMBER_S);
        seconds = remembered > seconds ? remembered : seconds;
    }
    const uint64_t taps = ((uint64_t)seconds * yima_limit(p, YIMA_LIMITS_AT_TAPS_PER_MINUTE) + 59) / 60;
    return taps >= YIMA_MEMORY_MAX ? YIMA_MEMORY_MAX : (uint32_t)taps + 1;
}

int64_t yima_replay_until(const yima_parameters *p, int64_t accepted_at, int64_t until) {
    int64_t earliest, latest;
    if (!p) {
        return until;
    }
    yima_shift_bounds(p, &earliest, &latest);
    const int64_t most = accepted_at + shown_for(p), shifted = until + latest;
    return until >= most ? until : yima_bounded(shifted < most ? shifted : most);
}

void yima_replay_begin(yima_validator *v, void *memory, size_t size) {
    const uint32_t entries = entries_for(size);
    v->replay = memory;
    v->replay_capacity = entries;
    v->replay_first = v->replay_count = 0;
    v->index = (uint32_t *)(void *)(v->replay + entries);
    v->index_places = places_for(entries);
    memset(memory, 0, yima_memory_size(entries));
}

/* In the index stands the entry's place in the ring, counted from 1; 0: nothing. Digests are as good as random. */
static uint32_t home_of(const yima_validator *v, const uint8_t *digest) {
    return yima_be32(digest) & (v->index_places - 1);
}

/* Where the index names this digest, or where it would be put. */
static uint32_t place_of(const yima_validator *v, const uint8_t *digest) {
    uint32_t place = home_of(v, digest);
    while (v->index[place] && memcmp(v->replay[v->index[place] - 1].digest, digest, DIGEST) != 0) {
        place = (place + 1) & (v->index_places - 1);
    }
    return place;
}

/* Takes a place out of the index and moves up what would no longer be found behind the hole. */
static void unname(yima_validator *v, uint32_t hole) {
    const uint32_t mask = v->index_places - 1;
    uint32_t place = hole;
    v->index[hole] = 0;
    for (;;) {
        place = (place + 1) & mask;
        if (!v->index[place]) {
            return;
        }
        const uint32_t home = home_of(v, v->replay[v->index[place] - 1].digest);
        if (((place - home) & mask) >= ((place - hole) & mask)) {
            v->index[hole] = v->index[place];
            v->index[place] = 0;
            hole = place;
        }
    }
}

/* The entry of this digest, NULL if there is none. */
static yima_replay_entry *entry_of(const yima_validator *v, const uint8_t *digest) {
    const uint32_t named = v->replay_capacity ? v->index[place_of(v, digest)] : 0;
    return named ? &v->replay[named - 1] : NULL;
}

int yima_replay_holds(const yima_validator *v, const uint8_t *digest, int64_t now) {
    const yima_replay_entry *entry = entry_of(v, digest);
    return entry && (entry->used == LASTS || now <= entry->until);
}

/* Digests say nothing of the account, so this looks at every entry; it does so only where an interval is set. */
int yima_replay_too_soon(const yima_validator *v, const uint8_t *account, int64_t now) {
    const int64_t interval = yima_limit(v->parameters, YIMA_LIMITS_AT_ACCOUNT_INTERVAL_S);
    for (uint32_t i = 0; interval && i < v->replay_count; i++) {
        const yima_replay_entry *entry = &v->replay[(v->replay_first + i) % v->replay_capacity];
        if (entry->used && entry->accepted_at <= now && now - entry->accepted_at < interval &&
            memcmp(entry->account, account, sizeof entry->account) == 0) {
            return 1;
        }
    }
    return 0;
}

/* An entry matters as long as its code could be shown, and as long as its account may not ride again. */
static int matters(const yima_validator *v, const yima_replay_entry *entry, int64_t now) {
    return entry->used && (now <= entry->until || now - entry->accepted_at < v->memory_s);
}

static void forget_oldest(yima_validator *v) {
    yima_replay_entry *oldest = &v->replay[v->replay_first];
    if (oldest->used) {
        unname(v, place_of(v, oldest->digest));
    }
    memset(oldest, 0, sizeof *oldest);
    v->replay_first = (v->replay_first + 1) % v->replay_capacity;
    v->replay_count--;
}

/* Whether another code can be remembered without forgetting one that could still be shown. Where the ring is full, the
 * oldest that matters no more becomes its first. */
static int has_room(yima_validator *v, int64_t now) {
    if (v->lost_until && now <= v->lost_until) {
        return 0;
    }
    if (v->replay_count < v->replay_capacity) {
        return 1;
    }
    for (uint32_t i = 0; i < v->replay_count; i++) {
        if (!matters(v, &v->replay[v->replay_first], now)) {
            return 1;
        }
        v->replay_first = (v->replay_first + 1) % v->replay_capacity; /* behind the newest, where it already stands */
    }
    return 0;
}

void yima_replay_remove(yima_validator *v, const uint8_t *digest) {
    yima_replay_entry *entry = entry_of(v, digest);
    if (entry) {
        unname(v, place_of(v, digest));
        memset(entry, 0, sizeof *entry); /* its place in the ring is given up in its turn */
    }
}

/* A new entry at the end of the ring. The caller has seen to it that there is room, or accepts what is lost. */
static yima_replay_entry *append(yima_validator *v, const uint8_t *digest) {
    if (v->replay_count == v->replay_capacity) {
        forget_oldest(v);
    }
    const uint32_t at = (v->replay_first + v->replay_count) % v->replay_capacity;
    memcpy(v->replay[at].digest, digest, DIGEST);
    v->index[place_of(v, digest)] = at + 1;
    v->replay_count++;
    return &v->replay[at];
}

/* What is there already is written again where it stands, so that nothing must leave for it. */
static void put(yima_validator *v, const uint8_t *digest, const uint8_t *account, int64_t accepted_at, int64_t until,
                int lasts) {
    yima_replay_entry *there = entry_of(v, digest);
    yima_replay_entry *entry = there ? there : append(v, digest);
    memcpy(entry->account, account, sizeof entry->account);
    entry->accepted_at = (uint32_t)accepted_at;
    entry->until = (uint32_t)until;
    entry->used = lasts ? LASTS : FOR_A_TIME;
}

int yima_replay_insert(yima_validator *v, const uint8_t *digest, const uint8_t *account, int64_t accepted_at,
                       int64_t until, int64_t now, int lasts) {
    if (!has_room(v, now)) {
        v->refused_full++;
        return 0;
    }
    put(v, digest, account, accepted_at, until, lasts);
    return 1;
}

void yima_replay_widen(yima_validator *v) {
    for (uint32_t i = 0; i < v->replay_capacity; i++) {
        yima_replay_entry *entry = &v->replay[i];
        if (entry->used == LASTS) {
            entry->until = (uint32_t)yima_replay_until(v->parameters, entry->accepted_at, entry->until);
        }
    }
}

void yima_replay_refill(yima_validator *v, const uint8_t *digest, const uint8_t *account, int64_t accepted_at,
                        int64_t until, int lasts) {
    const yima_replay_entry *oldest = v->replay_capacity ? &v->replay[v->replay_first] : NULL;
    const int64_t lost = !oldest                                                                         ? until
                         : v->replay_count == v->replay_capacity && oldest->used && !entry_of(v, digest) ? oldest->until
                                                                                                         : 0;
    v->lost_until = lost > v->lost_until ? lost : v->lost_until;
    if (oldest) {
        put(v, digest, account, accepted_at, until, lasts);
    }
}
