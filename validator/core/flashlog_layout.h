/* flashlog_layout.h - private: how the log lies in flash, and reading it. Everything is little-endian.
 *
 * Whatever begins anywhere begins at a multiple of A: 8, or the unit where that is larger. What does not fill its
 * place is filled with FF. A block begins with its header, twice:
 *    0  magic "YLG2" (4), sequence of the block (4): from 1, ascending by one in the order of use
 *    8  number of its first entry (4), acknowledged when it was opened (4)
 *   16  chain value when it was opened (32)
 *   48  CRC-32 of the 48 bytes before (4)
 * then entries:
 *    0  size of the payload (2), type (1), its complement (1), number (4)
 *    8  CRC-32 of these 8 bytes, begun with the first 4 bytes of the chain value of the block's header (4)
 *   12  CRC-32 of what follows up to the end mark, begun with the CRC before (4)
 *       payload
 *       chain value (32)
 *       end mark, A zeros: programmed last. What is not whole and bears it has rotted; without it, power went.
 * An acknowledgement is an entry without payload, whose number is the one acknowledged; it takes no number itself.
 *
 * The chain value in the heads' CRC is known to nobody who shows a code: none can hide an entry in a payload. */
#ifndef YIMA_FLASHLOG_LAYOUT_H
#define YIMA_FLASHLOG_LAYOUT_H
#include "bytes.h"
#include "flashlog.h"
#include "sm3.h"

enum {
    MAGIC = 0x32474C59,
    AT_NEXT = 8,
    AT_ACKNOWLEDGED = 12,
    AT_CHAIN = 16,
    AT_CRC = 48,
    COPY = 52,
    HEAD = 16,
    CHAIN = 32,
    END_MARK = 8, /* as much of it as is looked at */
    TYPE_PAYLOAD = 1,
    TYPE_ACKNOWLEDGED = 2,
    PIECE = 64
};

typedef struct {
    uint32_t sequence, next, acknowledged, seed;
    uint8_t chain[CHAIN];
} block_header;

/* NONE: blank. LOST: something whose head cannot be read. TORN: power went before it was complete. ROTTEN: it was
 * complete. Of TORN (but for a torn head: number 0), ROTTEN and WHOLE the head is known. */
typedef enum { ENTRY_NONE, ENTRY_LOST, ENTRY_TORN, ENTRY_ROTTEN, ENTRY_WHOLE } entry_state;

typedef struct {
    uint8_t type;
    uint32_t whole_size; /* in flash */
    yima_log_entry entry;
} found_entry;

static inline void store(uint8_t *p, uint32_t value) {
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(value >> 8 * i);
}

static inline uint32_t load(const uint8_t *p) {
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static inline uint32_t alignment(const yima_log *log) {
    return log->port.unit < 8 ? 8 : log->port.unit;
}

static inline uint32_t padded(const yima_log *log, uint32_t size) {
    return (size + alignment(log) - 1) & ~(alignment(log) - 1);
}

static inline uint32_t block_start(const yima_log *log) {
    return 2 * padded(log, COPY);
}

/* An entry's size in flash. */
static inline uint32_t whole_size(const yima_log *log, uint32_t size) {
    return padded(log, HEAD) + padded(log, size) + CHAIN + alignment(log);
}

/* 1 if the block is in use: one copy of its header can be read, or both together give one. */
int yima_log_block_in_use(const yima_log *log, uint32_t block, block_header *header);

/* 1 if nothing is programmed from a place of a block on. */
int yima_log_rest_is_blank(const yima_log *log, uint32_t block, uint32_t at);

/* What stands at place->at of a block; the place moves behind it: to where it ends, if its head can be read and something
 * stands there; else to the next head that can be read. */
entry_state yima_log_step(const yima_log *log, yima_log_place *place, found_entry *found);

/* An entry's chain value is SM3 over the one before, its number and type, and its payload, which the caller adds. */
void yima_log_chain_begin(yima_sm3_state *state, const uint8_t chain[CHAIN], uint32_t number, uint8_t type);

/* Leads the chain on over an entry as it stands in flash; 0 if that is not the value the entry carries. */
int yima_log_chain_follows(const yima_log *log, uint8_t chain[CHAIN], const found_entry *found);
#endif
