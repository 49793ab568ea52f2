/* flashlog.c - the flash log; see flashlog.h for what it promises. Everything is little-endian.
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
 *
 * Units are programmed in ascending order, so an entry whose CRC holds was complete. A torn first unit hides the size:
 * the rest of such a block is given up. Blocks are used in turn, which is all the wear-levelling a ring needs.
 *
 * A block is retired before it is erased, so that an erase which power cuts short does not leave what looks like a block.
 * One case is left: the cut erase has restored the mark of retirement and the header still stands. Only the block that
 * is opened next can be in that state, and only if all of it is acknowledged; it is known by its entries, which no
 * longer lead to the chain value that the following block begins with. Walks leave it out.
 *
 * Acknowledging must never fail for want of room: an entry with payload is taken only if, after it, one more block can
 * be opened. A block holds more acknowledgements than entries with payload, so the oldest block comes free in time. */
#include "flashlog.h"

#include "bytes.h"
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

uint32_t yima_crc32(uint32_t crc, const uint8_t *bytes, size_t size) {
    static const uint32_t nibbles[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
                                         0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                         0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ nibbles[crc & 15];
        crc = crc >> 4 ^ nibbles[crc & 15];
    }
    return ~crc;
}

static uint32_t load(const uint8_t *p) {
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static void store(uint8_t *p, uint32_t value) {
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(value >> 8 * i);
}

static int is_blank(const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0xFF) return 0;
    }
    return 1;
}

static void read_at(const yima_log *log, uint32_t block, uint32_t at, uint8_t *out, uint32_t size) {
    log->port.read(log->port.context, block * log->block_size + at, out, size);
}

static uint32_t padded(uint32_t size) {
    return (size + YIMA_LOG_UNIT - 1) / YIMA_LOG_UNIT * YIMA_LOG_UNIT;
}

/* 1 if the block is in use: opened in full and not retired. */
static int block_in_use(const yima_log *log, uint32_t block, block_header *header) {
    uint8_t bytes[YIMA_LOG_BLOCK_HEADER];
    read_at(log, block, 0, bytes, sizeof bytes);
    if (load(bytes) != MAGIC || load(bytes + AT_CRC) != yima_crc32(0, bytes, AT_CRC) ||
        !is_blank(bytes + AT_RETIRED, YIMA_LOG_UNIT)) {
        return 0;
    }
    header->sequence = load(bytes + 4);
    header->next = load(bytes + AT_NEXT);
    header->acknowledged = load(bytes + AT_ACKNOWLEDGED);
    memcpy(header->chain, bytes + AT_CHAIN, sizeof header->chain);
    return header->sequence != 0;
}

/* CRC over what follows an entry's 16 bytes; the chain value, its last 32 bytes, is kept. */
static uint32_t crc_of(const yima_log *log, uint32_t block, uint32_t at, uint32_t size, uint8_t chain[32]) {
    uint8_t piece[PIECE];
    uint32_t crc = 0;
    while (size > 32) {
        const uint32_t taken = size - 32 < PIECE ? size - 32 : PIECE;
        read_at(log, block, at, piece, taken);
        crc = yima_crc32(crc, piece, taken);
        at += taken;
        size -= taken;
    }
    read_at(log, block, at, chain, 32);
    return yima_crc32(crc, chain, 32);
}

/* What stands at a place of a block. */
static entry_state entry_at(const yima_log *log, uint32_t block, uint32_t at, found_entry *found) {
    uint8_t head[ENTRY_HEADER];
    if (log->block_size - at < YIMA_LOG_OVERHEAD) return ENTRY_NONE;
    read_at(log, block, at, head, sizeof head);
    if (is_blank(head, YIMA_LOG_UNIT)) return ENTRY_NONE;
    const uint32_t size = (uint32_t)head[1] << 8 | head[0];
    if (load(head + 4) != yima_crc32(0, head, 4) || (head[2] ^ head[3]) != 0xFF ||
        padded(size) > log->block_size - at - YIMA_LOG_OVERHEAD) {
        return ENTRY_LOST;
    }
    found->type = head[2];
    found->whole_size = padded(size) + YIMA_LOG_OVERHEAD;
    found->entry.size = size;
    found->entry.number = load(head + 8);
    found->entry.address = block * log->block_size + at + ENTRY_HEADER;
    const uint32_t crc = crc_of(log, block, at + ENTRY_HEADER, padded(size) + 32, found->entry.chain);
    return crc == load(head + 12) ? ENTRY_WHOLE : ENTRY_TORN;
}

void yima_log_open(yima_log *log, const yima_log_port *port, uint32_t blocks, uint32_t block_size) {
    block_header header, newest = {0};
    found_entry found;
    memset(log, 0, sizeof *log);
    log->port = *port;
    log->blocks = blocks;
    log->block_size = block_size;
    log->block = blocks;
    log->at = block_size;
    log->next = 1;
    for (uint32_t block = 0; block < blocks; block++) {
        if (block_in_use(log, block, &header) && header.sequence > log->sequence) {
            newest = header;
            log->sequence = header.sequence;
            log->block = block;
        }
    }
    if (log->block == blocks) return;
    log->next = newest.next;
    log->acknowledged = newest.acknowledged;
    memcpy(log->chain, newest.chain, sizeof log->chain);
    log->at = YIMA_LOG_BLOCK_HEADER;
    entry_state state;
    while ((state = entry_at(log, log->block, log->at, &found)) > ENTRY_LOST) {
        log->at += found.whole_size;
        if (state == ENTRY_TORN) {
            log->damaged++;
            continue;
        }
        memcpy(log->chain, found.entry.chain, sizeof log->chain);
        if (found.type == TYPE_PAYLOAD) log->next = found.entry.number + 1;
        if (found.type != TYPE_PAYLOAD) log->acknowledged = found.entry.number;
    }
    if (state != ENTRY_LOST) return;
    log->damaged++;
    log->at = log->block_size;
}

/* 1 if the block `ahead` steps behind the current one can be opened: free, or all of it is acknowledged. How far a block
 * goes is told by the one behind it; where that has rotted, by the log as a whole. */
static int can_open(const yima_log *log, uint32_t ahead) {
    block_header header, after;
    const uint32_t block = log->block == log->blocks ? ahead - 1 : (log->block + ahead) % log->blocks;
    if (!block_in_use(log, block, &header)) return 1;
    const int follows = block_in_use(log, (block + 1) % log->blocks, &after) && after.sequence == header.sequence + 1;
    return (follows ? after.next : log->next) - 1 <= log->acknowledged;
}

uint32_t yima_log_room(const yima_log *log) {
    uint32_t room = 0;
    while (room + 1 < log->blocks && can_open(log, room + 1)) room++;
    return room;
}

static int program(const yima_log *log, uint32_t block, uint32_t at, const uint8_t *bytes, uint32_t size) {
    for (uint32_t i = 0; i < size; i += YIMA_LOG_UNIT) {
        if (!log->port.program(log->port.context, block * log->block_size + at + i, bytes + i)) return 0;
    }
    return 1;
}

/* Opens the next block; the caller has made sure that it may. */
static int open_next(yima_log *log) {
    static const uint8_t retired[YIMA_LOG_UNIT];
    uint8_t bytes[AT_RETIRED];
    block_header header;
    const uint32_t block = log->block == log->blocks ? 0 : (log->block + 1) % log->blocks;
    if (block_in_use(log, block, &header) && !program(log, block, AT_RETIRED, retired, sizeof retired)) return 0;
    if (!log->port.erase(log->port.context, block)) return 0;
    memset(bytes, 0, sizeof bytes);
    store(bytes, MAGIC);
    store(bytes + 4, log->sequence + 1);
    store(bytes + AT_NEXT, log->next);
    store(bytes + AT_ACKNOWLEDGED, log->acknowledged);
    memcpy(bytes + AT_CHAIN, log->chain, sizeof log->chain);
    store(bytes + AT_CRC, yima_crc32(0, bytes, AT_CRC));
    if (!program(log, block, 0, bytes, sizeof bytes)) return 0;
    log->block = block;
    log->sequence++;
    log->at = YIMA_LOG_BLOCK_HEADER;
    return 1;
}

/* An entry's chain value is SM3 over the one before, its number and type, and its payload, which the caller adds. */
static void chain_begin(yima_sm3_state *state, const uint8_t chain[32], uint32_t number, uint8_t type) {
    uint8_t head[5];
    store(head, number);
    head[4] = type;
    yima_sm3_init(state);
    yima_sm3_update(state, chain, 32);
    yima_sm3_update(state, head, sizeof head);
}

/* Leads the chain on over an entry as it stands in flash; 0 if that is not the value the entry carries. */
static int chain_follows(const yima_log *log, uint8_t chain[32], const found_entry *found) {
    yima_sm3_state state;
    uint8_t piece[PIECE];
    chain_begin(&state, chain, found->entry.number, found->type);
    for (uint32_t at = 0; at < found->entry.size; at += PIECE) {
        const uint32_t taken = found->entry.size - at < PIECE ? found->entry.size - at : PIECE;
        log->port.read(log->port.context, found->entry.address + at, piece, taken);
        yima_sm3_update(&state, piece, taken);
    }
    yima_sm3_final(&state, chain);
    return memcmp(chain, found->entry.chain, 32) == 0;
}

static int put_payload(const yima_log *log, const uint8_t *payload, uint32_t size, uint32_t at) {
    const uint32_t whole = size / YIMA_LOG_UNIT * YIMA_LOG_UNIT;
    uint8_t last[YIMA_LOG_UNIT];
    if (!program(log, log->block, at, payload, whole)) return 0;
    if (whole == size) return 1;
    memset(last, 0xFF, sizeof last);
    memcpy(last, payload + whole, size - whole);
    return program(log, log->block, at + whole, last, sizeof last);
}

static int append(yima_log *log, uint8_t type, uint32_t number, const uint8_t *payload, uint32_t size) {
    static const uint8_t fill[YIMA_LOG_UNIT] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    const uint32_t whole_size = padded(size) + YIMA_LOG_OVERHEAD;
    yima_sm3_state state;
    uint8_t head[ENTRY_HEADER], chain[32];
    if (log->block_size - log->at < whole_size && (!can_open(log, 1) || !open_next(log))) return 0;
    chain_begin(&state, log->chain, number, type);
    yima_sm3_update(&state, payload, size);
    yima_sm3_final(&state, chain);
    head[0] = (uint8_t)size;
    head[1] = (uint8_t)(size >> 8);
    head[2] = type;
    head[3] = (uint8_t)~type;
    store(head + 4, yima_crc32(0, head, 4));
    store(head + 8, number);
    uint32_t crc = yima_crc32(0, payload, size);
    crc = yima_crc32(crc, fill, padded(size) - size);
    store(head + 12, yima_crc32(crc, chain, sizeof chain));
    const uint32_t at = log->at;
    log->at = log->block_size; /* given up, unless all of it succeeds */
    if (!program(log, log->block, at, head, sizeof head) || !put_payload(log, payload, size, at + ENTRY_HEADER) ||
        !program(log, log->block, at + ENTRY_HEADER + padded(size), chain, sizeof chain)) {
        return 0;
    }
    log->at = at + whole_size;
    memcpy(log->chain, chain, sizeof chain);
    return 1;
}

int yima_log_append(yima_log *log, const uint8_t *payload, uint32_t size, uint32_t *number) {
    const uint32_t whole_size = padded(size) + YIMA_LOG_OVERHEAD;
    if (size == 0 || size > UINT16_MAX || whole_size > log->block_size - YIMA_LOG_BLOCK_HEADER) return 0;
    const int opens = log->block_size - log->at < whole_size;
    if (!can_open(log, 1) || (opens && !can_open(log, 2))) return 0; /* one stays for acknowledging */
    if (!append(log, TYPE_PAYLOAD, log->next, payload, size)) return 0;
    *number = log->next++;
    return 1;
}

int yima_log_acknowledge(yima_log *log, uint32_t number) {
    if (number >= log->next) return 0;
    if (number <= log->acknowledged) return 1;
    if (!append(log, TYPE_ACKNOWLEDGED, number, log->chain, 0)) return 0;
    log->acknowledged = number;
    return 1;
}

int yima_log_idle(yima_log *log, uint32_t ahead) {
    if (log->block_size - log->at >= padded(ahead) + YIMA_LOG_OVERHEAD) return 0;
    return can_open(log, 1) && can_open(log, 2) && open_next(log);
}

/* Leads the chain through a block that is in use, to what its last whole entry carries; 0 if an entry breaks it. */
static int chain_through(const yima_log *log, uint32_t block, uint8_t chain[32]) {
    block_header header = {0};
    found_entry found;
    entry_state state;
    uint32_t at = YIMA_LOG_BLOCK_HEADER;
    (void)block_in_use(log, block, &header);
    memcpy(chain, header.chain, 32);
    while ((state = entry_at(log, block, at, &found)) > ENTRY_LOST) {
        if (state == ENTRY_WHOLE && !chain_follows(log, chain, &found)) return 0;
        at += found.whole_size;
    }
    return 1;
}

/* 1 if a block that another follows leads to the chain value that the other begins with. */
static int leads_on(const yima_log *log, uint32_t block) {
    block_header after = {0};
    uint8_t chain[32];
    (void)block_in_use(log, (block + 1) % log->blocks, &after);
    return chain_through(log, block, chain) && memcmp(after.chain, chain, sizeof chain) == 0;
}

/* 1 if an erase of this block may have been cut short: it is opened next, needed no more, and part of it is gone. */
static int is_half_erased(const yima_log *log, uint32_t block) {
    return block == (log->block + 1) % log->blocks && can_open(log, 1) && !leads_on(log, block);
}

void yima_log_begin(const yima_log *log, yima_log_place *place, uint32_t from) {
    block_header header;
    *place = (yima_log_place){.sequence = log->sequence, .block = log->block, .at = YIMA_LOG_BLOCK_HEADER};
    if (log->block == log->blocks) return;
    int is_there = block_in_use(log, place->block, &header);
    while (is_there && header.next > from) {
        const uint32_t before = (place->block + log->blocks - 1) % log->blocks;
        is_there = before != log->block && block_in_use(log, before, &header) &&
                   header.sequence == place->sequence - 1 && !is_half_erased(log, before);
        if (is_there) {
            place->block = before;
            place->sequence--;
        }
    }
}

/* The next whole entry of any type. */
static int walk(const yima_log *log, yima_log_place *place, found_entry *found) {
    block_header header;
    if (log->block == log->blocks) return 0;
    for (;;) {
        entry_state state = ENTRY_NONE;
        if (place->sequence != log->sequence || place->at < log->at) {
            state = entry_at(log, place->block, place->at, found);
        }
        if (state > ENTRY_LOST) {
            place->at += found->whole_size;
            if (state == ENTRY_WHOLE) return 1;
            continue;
        }
        if (place->sequence >= log->sequence) return 0;
        place->block = (place->block + 1) % log->blocks;
        place->sequence++;
        place->at = YIMA_LOG_BLOCK_HEADER;
        if (!block_in_use(log, place->block, &header) || header.sequence != place->sequence) return 0;
    }
}

int yima_log_next(const yima_log *log, yima_log_place *place, yima_log_entry *entry) {
    found_entry found;
    do {
        if (!walk(log, place, &found)) return 0;
    } while (found.type != TYPE_PAYLOAD);
    *entry = found.entry;
    return 1;
}

void yima_log_read(const yima_log *log, const yima_log_entry *entry, uint8_t *out) {
    log->port.read(log->port.context, entry->address, out, entry->size);
}

int yima_log_verify(const yima_log *log) {
    yima_log_place place;
    uint8_t chain[32];
    yima_log_begin(log, &place, 0);
    for (; place.sequence != log->sequence; place.sequence++) {
        if (!leads_on(log, place.block)) return 0;
        place.block = (place.block + 1) % log->blocks;
    }
    return log->block == log->blocks || chain_through(log, log->block, chain);
}
