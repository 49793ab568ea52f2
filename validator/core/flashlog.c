/* flashlog.c - the flash log; see flashlog.h for what it promises, flashlog_layout.h for how it lies in flash.
 *
 * Units are programmed in ascending order and the end mark last, so an entry whose CRC holds was complete, and one whose
 * CRC does not hold but which bears its mark was complete once. Blocks are used in turn, which is all the wear-levelling
 * a ring needs.
 *
 * An erase that power cuts short may leave what looks like a block. Only the block that is opened next can be in that
 * state, and only if all of it is acknowledged; it is known by its entries, which no longer lead to the chain value that
 * the following block begins with. Walks leave it out.
 *
 * Acknowledging must never fail for want of room: an entry with payload is taken only if, after it, one more block can
 * be opened. A block holds more acknowledgements than entries with payload, so the oldest block comes free in time. Power
 * cuts can use up that last block too. Then an acknowledgement counts without being written, until the oldest block is
 * free: the header of the next block says it.
 *
 * A block that cannot be erased, or takes no header, is passed over, and its sequence number with it: a block's place in
 * the ring and its sequence always go together.
 *
 * What was programmed is read back. Where a place of blank flash has rotted, the entry is written once more into the
 * next block, under the same number: only the whole one of both is an entry. */
#include "flashlog_layout.h"

enum { OPENING_TRIES = 3 }; /* bad blocks in a row, and one more, that end an append */

/* Finds the newest block in use. */
static int find_newest(yima_log *log, block_header *newest) {
    block_header header;
    log->sequence = 0;
    log->block = log->blocks;
    for (uint32_t block = 0; block < log->blocks; block++) {
        if (!yima_log_block_in_use(log, block, &header) || header.sequence <= log->sequence) continue;
        *newest = header;
        log->sequence = header.sequence;
        log->block = block;
    }
    return log->block != log->blocks;
}

static yima_log_place place_in(const yima_log *log, uint32_t block, const block_header *header) {
    return (yima_log_place){.sequence = header->sequence, .block = block, .seed = header->seed, .at = block_start(log)};
}

/* Reads through the newest block. A number counts as given if it may have been: by what rotted, too. */
static void take_newest(yima_log *log, const block_header *newest) {
    yima_log_place place = place_in(log, log->block, newest);
    found_entry found;
    entry_state state;
    log->seed = newest->seed;
    log->next = newest->next;
    log->acknowledged = newest->acknowledged;
    memcpy(log->chain, newest->chain, sizeof log->chain);
    for (uint32_t at = place.at; (state = yima_log_step(log, &place, &found)) != ENTRY_NONE; at = place.at) {
        log->damaged += state != ENTRY_WHOLE;
        if (state == ENTRY_LOST) log->next += (place.at - at) / whole_size(log, 1) + 1;
        if (state < ENTRY_ROTTEN) continue;
        if (found.type == TYPE_PAYLOAD) log->next = found.entry.number + 1;
        if (state != ENTRY_WHOLE) continue;
        memcpy(log->chain, found.entry.chain, sizeof log->chain);
        if (found.type == TYPE_ACKNOWLEDGED && found.entry.number < log->next) log->acknowledged = found.entry.number;
    }
    log->at = yima_log_rest_is_blank(log, log->block, place.at) ? place.at : log->block_size;
}

void yima_log_open(yima_log *log, const yima_log_port *port, uint32_t blocks, uint32_t block_size) {
    block_header newest = {0};
    memset(log, 0, sizeof *log);
    log->port = *port;
    log->blocks = blocks;
    log->block_size = block_size;
    log->at = block_size;
    log->next = 1;
    if (find_newest(log, &newest)) take_newest(log, &newest);
}

uint32_t yima_log_largest(const yima_log *log) {
    const uint32_t room = log->block_size - block_start(log) - whole_size(log, 0);
    return room < UINT16_MAX ? room : UINT16_MAX;
}

static uint32_t block_ahead(const yima_log *log, uint32_t ahead) {
    return log->block == log->blocks ? ahead - 1 : (log->block + ahead) % log->blocks;
}

/* The number before which all of a block lies: the first behind it in a block that can be read, or the log's next. */
static uint32_t end_of(const yima_log *log, uint32_t block, uint32_t sequence) {
    block_header after;
    for (uint32_t steps = 1; steps < log->blocks && sequence + steps <= log->sequence; steps++) {
        const uint32_t later = (block + steps) % log->blocks;
        if (yima_log_block_in_use(log, later, &after) && after.sequence == sequence + steps) return after.next;
    }
    return log->next;
}

/* 1 if the block `ahead` steps behind the current one can be opened: free, passed over in an earlier round, or all of it
 * is acknowledged. */
static int can_open(const yima_log *log, uint32_t ahead) {
    block_header header;
    const uint32_t block = block_ahead(log, ahead);
    if (ahead >= log->blocks) return 0;
    if (!yima_log_block_in_use(log, block, &header)) return 1;
    if (header.sequence + log->blocks < log->sequence + ahead) return 1;
    return end_of(log, block, header.sequence) - 1 <= log->acknowledged;
}

uint32_t yima_log_room(const yima_log *log) {
    uint32_t room = 0;
    while (can_open(log, room + 1)) room++;
    return room;
}

/* What does not fill its place is filled with FF. */
static uint32_t crc_of_fill(const yima_log *log, uint32_t crc, uint32_t size) {
    static const uint8_t blank = 0xFF;
    for (; size < padded(log, size); size++) crc = yima_crc32(crc, &blank, 1);
    return crc;
}

/* 1 if these bytes and what fills their last unit stand there. */
static int stands_at(const yima_log *log, uint32_t address, const uint8_t *bytes, uint32_t size) {
    _Alignas(4) uint8_t back[PIECE];
    const uint32_t whole = padded(log, size);
    for (uint32_t i = 0; i < whole; i += PIECE) {
        const uint32_t taken = whole - i < PIECE ? whole - i : PIECE;
        const uint32_t left = size > i ? size - i : 0, own = left < taken ? left : taken;
        log->port.read(log->port.context, address + i, back, taken);
        if (memcmp(back, bytes + i, own) != 0) return 0;
        for (uint32_t fill = own; fill < taken; fill++) {
            if (back[fill] != 0xFF) return 0;
        }
    }
    return 1;
}

/* Programs bytes and fills their last unit; 0 unless they read back. */
static int program(const yima_log *log, uint32_t at, const uint8_t *bytes, uint32_t size) {
    const uint32_t unit = log->port.unit, whole = padded(log, size);
    uint8_t last[YIMA_LOG_UNIT_MAX];
    at += log->block * log->block_size;
    for (uint32_t i = 0; i < whole; i += unit) {
        const uint8_t *from = bytes + i;
        if (i + unit > size) {
            memset(last, 0xFF, sizeof last);
            if (i < size) memcpy(last, bytes + i, size - i);
            from = last;
        }
        if (!log->port.program(log->port.context, at + i, from)) return 0;
    }
    return stands_at(log, at, bytes, size);
}

/* Erases a block and gives it a header; the log goes on in it. The caller has made sure that it may. */
static int open_block(yima_log *log, uint32_t ahead) {
    const uint32_t before = log->block;
    uint8_t bytes[COPY];
    log->block = block_ahead(log, ahead);
    store(bytes, MAGIC);
    store(bytes + 4, log->sequence + ahead);
    store(bytes + AT_NEXT, log->next);
    store(bytes + AT_ACKNOWLEDGED, log->acknowledged);
    memcpy(bytes + AT_CHAIN, log->chain, sizeof log->chain);
    store(bytes + AT_CRC, yima_crc32(0, bytes, AT_CRC));
    if (!log->port.erase(log->port.context, log->block) ||
        program(log, 0, bytes, COPY) + program(log, padded(log, COPY), bytes, COPY) == 0) {
        log->block = before;
        return 0;
    }
    log->sequence += ahead;
    log->seed = load(bytes + AT_CHAIN);
    log->at = block_start(log);
    return 1;
}

/* Goes on in the next block that takes a header. `kept`: so many behind it must stay free to be opened. */
static int open_next(yima_log *log, uint32_t kept) {
    for (uint32_t ahead = 1; ahead <= OPENING_TRIES && can_open(log, ahead) && can_open(log, ahead + kept); ahead++) {
        if (open_block(log, ahead)) return 1;
    }
    return 0;
}

/* Writes an entry where the log stands; there is room. */
static int put_entry(yima_log *log, uint8_t type, uint32_t number, const uint8_t *payload, uint32_t size) {
    static const uint8_t mark[YIMA_LOG_UNIT_MAX];
    const uint32_t at = log->at, body = at + padded(log, HEAD), behind = body + padded(log, size);
    yima_sm3_state state;
    _Alignas(4) uint8_t head[HEAD], chain[CHAIN];
    yima_log_chain_begin(&state, log->chain, number, type);
    yima_sm3_update(&state, payload, size);
    yima_sm3_final(&state, chain);
    head[0] = (uint8_t)size;
    head[1] = (uint8_t)(size >> 8);
    head[2] = type;
    head[3] = (uint8_t)~type;
    store(head + 4, number);
    uint32_t crc = yima_crc32(log->seed, head, 8);
    store(head + 8, crc);
    crc = crc_of_fill(log, yima_crc32(crc, payload, size), size);
    store(head + 12, yima_crc32(crc, chain, sizeof chain));
    log->at = log->block_size; /* given up, unless all of it succeeds */
    if (!program(log, at, head, sizeof head) || !program(log, body, payload, size) ||
        !program(log, behind, chain, sizeof chain)) {
        return 0;
    }
    (void)program(log, behind + CHAIN, mark, alignment(log)); /* without its mark it is an entry all the same */
    log->at = at + whole_size(log, size);
    memcpy(log->chain, chain, sizeof chain);
    return 1;
}

int yima_log_append(yima_log *log, const uint8_t *payload, uint32_t size, uint32_t *number) {
    if (size == 0 || size > yima_log_largest(log)) return 0;
    for (int tries = 0; tries < 2; tries++) {
        const int opens = log->block_size - log->at < whole_size(log, size);
        if (opens ? !open_next(log, 1) : !can_open(log, 1)) return 0; /* one stays for acknowledging */
        if (put_entry(log, TYPE_PAYLOAD, log->next, payload, size)) {
            *number = log->next++;
            return 1;
        }
    }
    return 0;
}

int yima_log_acknowledge(yima_log *log, uint32_t number) {
    const uint32_t before = log->acknowledged;
    if (number >= log->next) return 0;
    if (number <= before) return 1;
    const int has_room = log->block_size - log->at >= whole_size(log, 0);
    log->acknowledged = number;
    if (has_room && put_entry(log, TYPE_ACKNOWLEDGED, number, log->chain, 0)) return 1;
    if (can_open(log, 1) ? open_next(log, 0) : !has_room) return 1;
    log->acknowledged = before;
    return 0;
}

int yima_log_idle(yima_log *log, uint32_t ahead) {
    if (log->block_size - log->at >= whole_size(log, ahead)) return 0;
    return open_next(log, 1);
}

/* Leads the chain through a block that is in use, to what its last whole entry carries; 0 if an entry breaks it or
 * cannot be read. What power tore was never an entry. */
static int chain_through(const yima_log *log, uint32_t block, uint8_t chain[CHAIN]) {
    block_header header = {0};
    found_entry found;
    entry_state state;
    if (!yima_log_block_in_use(log, block, &header)) return 0;
    yima_log_place place = place_in(log, block, &header);
    memcpy(chain, header.chain, CHAIN);
    while ((state = yima_log_step(log, &place, &found)) != ENTRY_NONE) {
        if (state == ENTRY_TORN) continue;
        if (state != ENTRY_WHOLE || !yima_log_chain_follows(log, chain, &found)) return 0;
    }
    return 1;
}

/* 1 if a block that another follows leads to the chain value that the other begins with. */
static int leads_on(const yima_log *log, uint32_t block) {
    block_header after = {0};
    uint8_t chain[CHAIN];
    return yima_log_block_in_use(log, (block + 1) % log->blocks, &after) && chain_through(log, block, chain) &&
           memcmp(after.chain, chain, sizeof chain) == 0;
}

/* 1 if an erase of this block may have been cut short: it is opened next, needed no more, and part of it is gone. */
static int is_half_erased(const yima_log *log, uint32_t block) {
    return block == (log->block + 1) % log->blocks && can_open(log, 1) && !leads_on(log, block);
}

void yima_log_begin(const yima_log *log, yima_log_place *place, uint32_t from) {
    *place =
        (yima_log_place){.sequence = log->sequence, .block = log->block, .seed = log->seed, .at = block_start(log)};
    if (log->block == log->blocks) return;
    for (uint32_t back = 0; back < log->blocks && back < log->sequence; back++) {
        const uint32_t block = (log->block + log->blocks - back) % log->blocks;
        block_header header;
        if (!yima_log_block_in_use(log, block, &header) || header.sequence != log->sequence - back) continue;
        if (is_half_erased(log, block)) continue;
        *place = place_in(log, block, &header);
        if (header.next <= from) return;
    }
}

/* Goes on to the next block that can be read; 0: there is none. */
static int next_block(const yima_log *log, yima_log_place *place) {
    block_header header;
    while (place->sequence < log->sequence) {
        place->block = (place->block + 1) % log->blocks;
        place->sequence++;
        place->at = log->block_size; /* unless it can be read */
        if (yima_log_block_in_use(log, place->block, &header) && header.sequence == place->sequence) {
            *place = place_in(log, place->block, &header);
            return 1;
        }
    }
    return 0;
}

int yima_log_next(const yima_log *log, yima_log_place *place, yima_log_entry *entry) {
    found_entry found;
    if (log->block == log->blocks) return 0;
    for (;;) {
        entry_state state = ENTRY_NONE;
        if (place->sequence != log->sequence || place->at < log->at) state = yima_log_step(log, place, &found);
        if (state == ENTRY_WHOLE && found.type == TYPE_PAYLOAD) {
            *entry = found.entry;
            return 1;
        }
        if (state == ENTRY_NONE && !next_block(log, place)) return 0;
    }
}

int yima_log_read(const yima_log *log, const yima_log_entry *entry, uint8_t *out) {
    log->port.read(log->port.context, entry->address, out, entry->size);
    uint32_t crc = yima_crc32(entry->head_crc, out, entry->size);
    crc = crc_of_fill(log, crc, entry->size);
    return yima_crc32(crc, entry->chain, sizeof entry->chain) == entry->crc;
}

int yima_log_lost(const yima_log *log, uint32_t from, yima_log_range *lost) {
    yima_log_place place;
    yima_log_entry entry;
    uint32_t expected = from > log->acknowledged ? from : log->acknowledged + 1;
    yima_log_begin(log, &place, expected);
    while (expected < log->next) {
        const int found = yima_log_next(log, &place, &entry);
        if (!found || entry.number > expected) {
            *lost = (yima_log_range){expected, (found ? entry.number : log->next) - 1};
            return 1;
        }
        if (entry.number == expected) expected++;
    }
    return 0;
}

int yima_log_verify(const yima_log *log) {
    yima_log_place place;
    yima_log_range lost;
    uint8_t chain[CHAIN];
    if (log->block == log->blocks) return 1;
    yima_log_begin(log, &place, 0);
    for (; place.sequence != log->sequence; place.sequence++) {
        if (!leads_on(log, place.block)) return 0;
        place.block = (place.block + 1) % log->blocks;
    }
    return chain_through(log, log->block, chain) && !yima_log_lost(log, 0, &lost);
}
