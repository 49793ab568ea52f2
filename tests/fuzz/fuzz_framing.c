/* fuzz_framing.c - libFuzzer target: a scanner's bytes give the same payloads in whatever pieces they come.
 *
 * The input is a script of runs: how long the line is silent behind it (1), how large its pieces are (1), its size (2)
 * and its bytes. It is fed three times: each run whole, byte by byte, and in the pieces that it asks for. */
#include "framing.h"

#include "fuzz.h"

enum { RUNS_MAX = 32, LARGEST = 16384, TAKEN_MAX = 1 << 17 };

typedef struct {
    framing framer;
    uint8_t taken[TAKEN_MAX]; /* payloads, each behind its size (4) */
    size_t size;
} reader;

static void keep(void *context, const uint8_t *payload, size_t length) {
    reader *r = context;
    const uint32_t size = (uint32_t)length;
    demand(length > 0 && length <= FRAMING_LIMIT);
    demand(r->size + 4 + length <= sizeof r->taken);
    memcpy(r->taken + r->size, &size, 4);
    memcpy(r->taken + r->size + 4, payload, length);
    r->size += 4 + length;
}

/* Silences in ms: none, just short of one, a gap, an almost patient one, a patient one. */
static uint64_t silence_of(uint8_t choice) {
    static const uint16_t of[] = {0, FRAMING_GAP_MS - 1, FRAMING_GAP_MS, FRAMING_PATIENCE_MS - 1, FRAMING_PATIENCE_MS};
    return of[choice % 5];
}

/* Feeds the whole script; pieces of `piece` bytes, 0: of the size that each run says. */
static void feed(reader *r, script s, size_t piece) {
    uint64_t now_ms = 1000;
    memset(&r->framer, 0, sizeof r->framer);
    r->framer.deliver = keep;
    r->framer.context = r;
    r->size = 0;
    for (int run = 0; s.left && run < RUNS_MAX; run++) {
        const uint64_t pause_ms = silence_of((uint8_t)take(&s, 1));
        const size_t own = 1 + take(&s, 1);
        size_t size = take(&s, 2);
        const uint8_t *bytes = take_bytes(&s, &size);
        for (size_t at = 0; at < size;) {
            const size_t most = piece ? piece : own, next = size - at < most ? size - at : most;
            uint8_t *exact = copy_of(bytes + at, next);
            framing_feed(&r->framer, exact, next, now_ms);
            free(exact);
            at += next;
            demand(r->framer.size < FRAMING_LIMIT && r->framer.checked <= r->framer.size);
        }
        now_ms += pause_ms;
        framing_silence(&r->framer, now_ms);
    }
    framing_silence(&r->framer, now_ms + FRAMING_PATIENCE_MS);
    demand(framing_idle(&r->framer) && r->framer.checked == 0);
}

/* Every payload stands in the stream as it is, behind the one before. */
static void check_order(const reader *r, script s) {
    uint8_t *stream = copy_of(s.at, s.left);
    size_t size = 0, at = 0;
    for (int run = 0; s.left && run < RUNS_MAX; run++) {
        (void)take(&s, 2);
        size_t own = take(&s, 2);
        const uint8_t *bytes = take_bytes(&s, &own);
        memcpy(stream + size, bytes, own);
        size += own;
    }
    for (size_t taken = 0; taken < r->size;) {
        uint32_t length;
        memcpy(&length, r->taken + taken, 4);
        while (at + length <= size && memcmp(stream + at, r->taken + taken + 4, length) != 0) at++;
        demand(at + length <= size);
        at += length;
        taken += 4 + length;
    }
    free(stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static reader whole, bytewise, pieces;
    const script s = {data, size};
    if (size > LARGEST) return 0;
    feed(&whole, s, LARGEST);
    feed(&bytewise, s, 1);
    feed(&pieces, s, 0);
    demand(whole.size == bytewise.size && memcmp(whole.taken, bytewise.taken, whole.size) == 0);
    demand(whole.size == pieces.size && memcmp(whole.taken, pieces.taken, whole.size) == 0);
    check_order(&whole, s);
    return 0;
}
