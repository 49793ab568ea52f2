/* framing.h - cuts a scanner's byte stream into payloads; the rules of validator/readers/framing.py, profile `raw`.
 *
 * No I/O and no clock: bytes and milliseconds in, payloads out through a function. The same bytes give the same
 * payloads in whatever pieces they come. A line is called silent only by the caller, who has looked. */
#ifndef YIMA_FRAMING_H
#define YIMA_FRAMING_H
#include <stddef.h>
#include <stdint.h>

enum { FRAMING_LIMIT = 4096, FRAMING_GAP_MS = 20, FRAMING_PATIENCE_MS = 150 };

typedef void framing_deliver(void *context, const uint8_t *payload, size_t length);

/* Fields are the framer's own. All zero, but for deliver and context, is the beginning. */
typedef struct {
    framing_deliver *deliver;
    void *context;
    uint64_t last_ms;    /* when the last byte of all came */
    uint32_t size;       /* bytes held */
    uint32_t checked;    /* no code starts before this offset */
    uint8_t behind_code; /* a code was delivered since the last silence */
    uint8_t flooded;     /* a frame hit the limit since the last silence */
    uint8_t bytes[FRAMING_LIMIT];
} framing;

/* Takes bytes that had arrived at now_ms; delivers the codes they completed. */
void framing_feed(framing *f, const uint8_t *bytes, size_t size, uint64_t now_ms);

/* Nothing has arrived until now_ms: delivers what that silence ended, if it was long enough. */
void framing_silence(framing *f, uint64_t now_ms);

/* 1 if nothing is open, so that silence has nothing to end. */
int framing_idle(const framing *f);
#endif
