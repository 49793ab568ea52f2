/* flashlog.c - the flash log; see flashlog.h for what it promises, flashlog_layout.h for how it lies in flash.
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
 * be opened. A block holds more acknowledgements than entries with payload, so the oldest block comes free in time. Power
 * cuts can use up that last block too. It holds nothing but acknowledgements then, so it is erased and opened again in
 * its place, with the newest one in its header. If power fails in that very erase, what it held is forgotten: entries
 * that were acknowledged are then there once more, and the log goes on from the block before. */
#include "flashlog_layout.h"

/* Finds the newest block in use among those of a lower sequence. */
static int find_newest(yima_log *log, uint32_t below, block_header *newest) {
    block_header header;
    log->sequence = 0;
    log->block = log->blocks;
    for (uint32_t block = 0; block < log->blocks; block++) {
        if (!yima_log_block_in_use(log, block, &header) || header.sequence <= log->sequence || header.sequence >= below)
            continue;
        *newest = header;
        log->sequence = header.sequence;
        log->block = block;
    }
    return log->block != log->blocks;
}

/* Reads through the newest block. 0: it holds no payload and is not as it was written, so an erase in its place was cut
 * short. */
static int take_newest(yima_log *log, const block_header *newest) {
    found_entry found;
    entry_state state;
    uint8_t chain[32];
    int follows = 1;
    log->next = newest->next;
    log->acknowledged = newest->acknowledged;
    log->damaged = 0;
    log->at = YIMA_LOG_BLOCK_HEADER;
    memcpy(log->chain, newest->chain, sizeof log->chain);
    memcpy(chain, newest->chain, sizeof chain);
    while ((state = yima_log_entry_at(log, log->block, log->at, &found)) > ENTRY_LOST) {
        log->at += found.whole_size;
        if (state == ENTRY_TORN) {
            log->damaged++;
            continue;
        }
        follows = follows && yima_log_chain_follows(log, chain, &found);
        memcpy(log->chain, found.entry.chain, sizeof log->chain);
        if (found.type == TYPE_PAYLOAD) log->next = found.entry.number + 1;
        if (found.type != TYPE_PAYLOAD) log->acknowledged = found.entry.number;
    }
    const int is_blank_behind = state == ENTRY_LOST || yima_log_rest_is_blank(log, log->block, log->at);
    if (state == ENTRY_LOST) {
        log->damaged++;
        log->at = log->block_size;
    }
    return log->next != newest->next || (follows && is_blank_behind);
}

void yima_log_open(yima_log *log, const yima_log_port *port, uint32_t blocks, uint32_t block_size) {
    block_header newest = {0};
    uint32_t below = UINT32_MAX;
    memset(log, 0, sizeof *log);
    log->port = *port;
    log->blocks = blocks;
    log->block_size = block_size;
    while (find_newest(log, below, &newest)) {
        if (take_newest(log, &newest)) return;
        below = log->sequence;
    }
    log->at = block_size;
    log->next = 1;
    log->acknowledged = log->damaged = 0;
    memset(log->chain, 0, sizeof log->chain);
}

/* 1 if the block `ahead` steps behind the current one can be opened: free, or all of it is acknowledged. How far a block
 * goes is told by the one behind it; where that has rotted, by the log as a whole. One that is newer than the newest is
 * half erased. */
static int can_open(const yima_log *log, uint32_t ahead) {
    block_header header, after;
    const uint32_t block = log->block == log->blocks ? ahead - 1 : (log->block + ahead) % log->blocks;
    if (!yima_log_block_in_use(log, block, &header) || header.sequence > log->sequence) return 1;
    const int follows =
        yima_log_block_in_use(log, (block + 1) % log->blocks, &after) && after.sequence == header.sequence + 1;
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

/* Erases a block and gives it a header; the log goes on in it. */
static int open_block(yima_log *log, uint32_t block, uint32_t sequence) {
    static const uint8_t retired[YIMA_LOG_UNIT];
    uint8_t bytes[AT_RETIRED];
    block_header header;
    if (yima_log_block_in_use(log, block, &header) && !program(log, block, AT_RETIRED, retired, sizeof retired))
        return 0;
    if (!log->port.erase(log->port.context, block)) return 0;
    memset(bytes, 0, sizeof bytes);
    store(bytes, MAGIC);
    store(bytes + 4, sequence);
    store(bytes + AT_NEXT, log->next);
    store(bytes + AT_ACKNOWLEDGED, log->acknowledged);
    memcpy(bytes + AT_CHAIN, log->chain, sizeof log->chain);
    store(bytes + AT_CRC, yima_crc32(0, bytes, AT_CRC));
    if (!program(log, block, 0, bytes, sizeof bytes)) return 0;
    log->block = block;
    log->sequence = sequence;
    log->at = YIMA_LOG_BLOCK_HEADER;
    return 1;
}

/* Opens the next block; the caller has made sure that it may. */
static int open_next(yima_log *log) {
    const uint32_t block = log->block == log->blocks ? 0 : (log->block + 1) % log->blocks;
    return open_block(log, block, log->sequence + 1);
}

/* Opens the newest block again in its place, which holds nothing but acknowledgements. */
static int open_again(yima_log *log) {
    block_header header;
    if (!yima_log_block_in_use(log, log->block, &header) || header.next != log->next) return 0;
    memcpy(log->chain, header.chain, sizeof log->chain);
    log->at = log->block_size; /* given up, unless all of it succeeds */
    return open_block(log, log->block, log->sequence);
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
    if (log->block_size - log->at < whole_size && !(can_open(log, 1) ? open_next(log) : open_again(log))) return 0;
    yima_log_chain_begin(&state, log->chain, number, type);
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
    (void)yima_log_block_in_use(log, block, &header);
    memcpy(chain, header.chain, 32);
    while ((state = yima_log_entry_at(log, block, at, &found)) > ENTRY_LOST) {
        if (state == ENTRY_WHOLE && !yima_log_chain_follows(log, chain, &found)) return 0;
        at += found.whole_size;
    }
    return 1;
}

/* 1 if a block that another follows leads to the chain value that the other begins with. */
static int leads_on(const yima_log *log, uint32_t block) {
    block_header after = {0};
    uint8_t chain[32];
    (void)yima_log_block_in_use(log, (block + 1) % log->blocks, &after);
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
    int is_there = yima_log_block_in_use(log, place->block, &header);
    while (is_there && header.next > from) {
        const uint32_t before = (place->block + log->blocks - 1) % log->blocks;
        is_there = before != log->block && yima_log_block_in_use(log, before, &header) &&
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
            state = yima_log_entry_at(log, place->block, place->at, found);
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
        if (!yima_log_block_in_use(log, place->block, &header) || header.sequence != place->sequence) return 0;
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
