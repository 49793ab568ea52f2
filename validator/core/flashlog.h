/* flashlog.h - an append-only log in flash: safe against power cuts and decay, wear-levelled, every entry with a CRC,
 * all of them chained by SM3. For vendors too.
 *
 * The log is a ring of flash blocks. It knows flash only through the three functions of a port: reading anywhere,
 * programming a unit at a multiple of its size, erasing a block. Units are programmed once between two erases.
 *
 * What it promises, wherever power fails, also inside an operation (a unit half programmed, a block half erased):
 * - an entry is there whole or not at all; once yima_log_append has returned 1 it was read back as it was written;
 * - an entry that was not acknowledged is never erased; with no room left, append refuses;
 * - numbers are given once, ascend by one, and are not given again, also after everything was acknowledged and erased;
 * - each entry's chain value is SM3(the one before | its number, type and bytes), across blocks and restarts.
 *
 * Power cuts may use up the room that is kept for acknowledgements. Then one counts without being written: a cut may
 * have it forgotten, and if it falls into the erase that was allowed by then, entries are missing and named lost.
 *
 * What it promises where flash decays (bits that flip, or read one way now and another way later):
 * - what is handed out is what was written; an entry that rotted is left out and the rest is still found;
 * - yima_log_lost names by number what was not acknowledged and cannot be read any more; yima_log_verify notices it;
 * - the log goes on, over blocks that can be used no more, and a number that may have been given is not given again.
 *
 * The layout is described in flashlog_layout.h. Numbers wrap after 2^32 entries, which outlives any flash. */
#ifndef YIMA_FLASHLOG_H
#define YIMA_FLASHLOG_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    YIMA_LOG_UNIT_MAX = 32,
    YIMA_LOG_BLOCKS_MIN = 4,
    /* With units of at most 8 bytes: */
    YIMA_LOG_BLOCK_HEADER = 112,
    YIMA_LOG_OVERHEAD = 56 /* of an entry, beside its bytes */
};

/* How the log reaches flash. Addresses count from the start of the log. `program` and `erase` return 1, or 0 if the
 * flash refused. */
typedef struct {
    void *context;
    uint32_t unit; /* bytes that are programmed at once: 1, 2, 4, 8, 16 or 32 */
    void (*read)(void *context, uint32_t address, uint8_t *out, uint32_t size);
    int (*program)(void *context, uint32_t address, const uint8_t *bytes); /* one unit */
    int (*erase)(void *context, uint32_t block);                           /* its number */
} yima_log_port;

/* An open log. Fields are its own; `next`, `acknowledged` and `damaged` may be read. */
typedef struct {
    yima_log_port port;
    uint32_t block_size, blocks;
    uint32_t block;        /* that is being written; `blocks`: none was ever opened */
    uint32_t sequence;     /* of that block */
    uint32_t seed;         /* of that block's heads */
    uint32_t at;           /* offset of the next entry in it; block_size: it is closed */
    uint32_t next;         /* number of the next entry; the first is 1 */
    uint32_t acknowledged; /* up to and with this number */
    uint32_t damaged;      /* entries found torn when the log was opened */
    uint8_t chain[32];
} yima_log;

/* Where a walk through the log stands. */
typedef struct {
    uint32_t sequence, block, seed, at;
} yima_log_place;

typedef struct {
    uint32_t number;
    uint32_t size;    /* of the payload */
    uint32_t address; /* of the payload, from the start of the log */
    uint32_t head_crc, crc;
    uint8_t chain[32];
} yima_log_entry;

/* Numbers from `first` to `last`, both with it. */
typedef struct {
    uint32_t first, last;
} yima_log_range;

/* Opens a log of blocks * block_size bytes (at least 4 blocks, of 1 to 128 KB). What lies there and is no log is taken
 * as empty. */
void yima_log_open(yima_log *log, const yima_log_port *port, uint32_t blocks, uint32_t block_size);

/* The largest payload that append takes. */
uint32_t yima_log_largest(const yima_log *log);

/* Appends an entry; *number receives its number. 1, or 0: larger than that, no room before something is acknowledged,
 * or the flash refused, here and in the next block. */
int yima_log_append(yima_log *log, const uint8_t *payload, uint32_t size, uint32_t *number);

/* Entries up to and with `number` are kept elsewhere now and may be erased. 1, or 0: no such entry, or the flash
 * refused. Where power cuts have used up the room that is kept for it, it counts at once but is written only with the
 * next block: a restart before that hands those entries out once more. */
int yima_log_acknowledge(yima_log *log, uint32_t number);

/* Blocks that an append can still open. */
uint32_t yima_log_room(const yima_log *log);

/* For idle time: opens the next block before it is needed, so that no append waits for an erase. `ahead`: the size of
 * payload that must fit. Returns 1 if it did something. */
int yima_log_idle(yima_log *log, uint32_t ahead);

/* Walking through what is kept, oldest first: begin, then next until it returns 0. `from`: skips what lies before that
 * number as far as whole blocks. An append in between is seen, an erase may end the walk. */
void yima_log_begin(const yima_log *log, yima_log_place *place, uint32_t from);
int yima_log_next(const yima_log *log, yima_log_place *place, yima_log_entry *entry);

/* Copies an entry's payload. 1, or 0: what was read this time is not what was written. */
int yima_log_read(const yima_log *log, const yima_log_entry *entry, uint8_t *out);

/* The first range of numbers from `from` on that were not acknowledged and cannot be read. 1, or 0: there is none. */
int yima_log_lost(const yima_log *log, uint32_t from, yima_log_range *lost);

/* 1 if everything that is kept can be read and the chain holds over it. */
int yima_log_verify(const yima_log *log);

/* CRC-32 (IEEE 802.3, reflected), continued from `crc`; begin with 0. */
uint32_t yima_crc32(uint32_t crc, const uint8_t *bytes, size_t size);

#ifdef __cplusplus
}
#endif
#endif
