/* flashlog_layout.h - private: how the log lies in flash, and reading it. Everything is little-endian.
 *
 * A block begins with 64 bytes:
 *    0  magic "YLG1" (4), sequence of the block (4): from 1, ascending by one in the order of use
 *    8  number of its first entry (4), acknowledged when it was opened (4)
 *   16  chain value when it was opened (32)
 *   48  CRC-32 of the 48 bytes before (4), zeros (4)
 *   56  FF; anything else: retired, to be erased
 * then entries:
 *    0  size of the payload (2), type (1), its complement (1), CRC-32 of these 4 bytes (4)
 *    8  number (4), CRC-32 of what follows (4)
 *   16  payload, filled with FF to a multiple of 8
 *       chain value (32)
 * An acknowledgement is an entry without payload, whose number is the one acknowledged; it takes no number itself.
 */
#ifndef YIMA_FLASHLOG_LAYOUT_H
#define YIMA_FLASHLOG_LAYOUT_H
#include "bytes.h"
#include "flashlog.h"
#include "sm3.h"

enum {
    MAGIC = 0x31474C59,
    AT_NEXT = 8,
    AT_ACKNOWLEDGED = 12,
    AT_CHAIN = 16,
    AT_CRC = 48,
    AT_RETIRED = 56,
    ENTRY_HEADER = 16,
    TYPE_PAYLOAD = 1,
    TYPE_ACKNOWLEDGED = 2,
    PIECE = 64
};

typedef struct {
    uint32_t sequence, next, acknowledged;
    uint8_t chain[32];
} block_header;

typedef enum { ENTRY_NONE, ENTRY_LOST, ENTRY_TORN, ENTRY_WHOLE } entry_state;

typedef struct {
    uint8_t type;
    uint32_t whole_size; /* in flash */
    yima_log_entry entry;
} found_entry;

static inline void store(uint8_t *p, uint32_t value) {
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(value >> 8 * i);
}

static inline uint32_t padded(uint32_t size) {
    return (size + YIMA_LOG_UNIT - 1) / YIMA_LOG_UNIT * YIMA_LOG_UNIT;
}

/* 1 if the block is in use: opened in full and not retired. */
int yima_log_block_in_use(const yima_log *log, uint32_t block, block_header *header);

/* 1 if nothing is programmed from a place of a block on. */
int yima_log_rest_is_blank(const yima_log *log, uint32_t block, uint32_t at);

/* What stands at a place of a block. */
entry_state yima_log_entry_at(const yima_log *log, uint32_t block, uint32_t at, found_entry *found);

/* An entry's chain value is SM3 over the one before, its number and type, and its payload, which the caller adds. */
void yima_log_chain_begin(yima_sm3_state *state, const uint8_t chain[32], uint32_t number, uint8_t type);

/* Leads the chain on over an entry as it stands in flash; 0 if that is not the value the entry carries. */
int yima_log_chain_follows(const yima_log *log, uint8_t chain[32], const found_entry *found);
#endif
