/* framing_host.c - the firmware's framing with its payloads collected, for test_framing.py through ctypes. */
#include <stdlib.h>

#include "framing.h"
#include "runtime.h"

typedef struct {
    framing framer;
    uint8_t out[1 << 20];
    uint32_t size;
} collector;

static void collect(void *context, const uint8_t *payload, size_t length) {
    collector *c = context;
    const uint32_t size = (uint32_t)length;
    if (c->size + 4 + size > sizeof c->out) abort();
    memcpy(c->out + c->size, &size, 4);
    memcpy(c->out + c->size + 4, payload, length);
    c->size += 4 + size;
}

collector *collector_new(void) {
    collector *c = calloc(1, sizeof *c);
    if (!c) abort();
    c->framer.deliver = collect;
    c->framer.context = c;
    return c;
}

void collector_free(collector *c) {
    free(c);
}

void collector_feed(collector *c, const uint8_t *bytes, uint32_t size, uint64_t now_ms) {
    framing_feed(&c->framer, bytes, size, now_ms);
}

void collector_silence(collector *c, uint64_t now_ms) {
    framing_silence(&c->framer, now_ms);
}

uint32_t collector_held(const collector *c) {
    return c->framer.size;
}

int collector_idle(const collector *c) {
    return framing_idle(&c->framer);
}

/* What was delivered since the last question: size (4) and bytes of each payload. */
uint32_t collector_take(collector *c, const uint8_t **out) {
    const uint32_t size = c->size;
    *out = c->out;
    c->size = 0;
    return size;
}
