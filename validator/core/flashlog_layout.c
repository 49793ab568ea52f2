/* flashlog_layout.c - see flashlog_layout.h. */
#include "flashlog_layout.h"

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

static int is_blank(const uint8_t *bytes, size_t size) {
    while (size >= 4 && load(bytes) == UINT32_MAX) {
        bytes += 4;
        size -= 4;
    }
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0xFF) return 0;
    }
    return 1;
}

static void read_at(const yima_log *log, uint32_t block, uint32_t at, uint8_t *out, uint32_t size) {
    log->port.read(log->port.context, block * log->block_size + at, out, size);
}

static int is_header(const uint8_t copy[COPY]) {
    return load(copy) == MAGIC && load(copy + 4) != 0 && load(copy + AT_CRC) == yima_crc32(0, copy, AT_CRC);
}

/* Both copies have rotted: looks for the header that takes each word from one or the other. They differ in few. */
static int mend_header(uint8_t copy[COPY], const uint8_t other[COPY]) {
    enum { WORDS = COPY / 4, DIFFERING_MAX = 8 };
    uint8_t differing[DIFFERING_MAX];
    uint32_t count = 0;
    for (uint32_t word = 0; word < WORDS; word++) {
        if (memcmp(copy + 4 * word, other + 4 * word, 4) == 0) continue;
        if (count == DIFFERING_MAX) return 0;
        differing[count++] = (uint8_t)word;
    }
    for (uint32_t choice = 1; choice < 1u << count; choice++) {
        uint8_t mixed[COPY];
        memcpy(mixed, copy, COPY);
        for (uint32_t i = 0; i < count; i++) {
            if (choice >> i & 1) memcpy(mixed + 4 * differing[i], other + 4 * differing[i], 4);
        }
        if (is_header(mixed)) {
            memcpy(copy, mixed, COPY);
            return 1;
        }
    }
    return 0;
}

/* A copy that begins like one, and has a single flipped bit behind that: found by trying each. */
static int mend_bit(uint8_t copy[COPY]) {
    uint32_t wrong = load(copy) ^ MAGIC, flipped = 0;
    for (; wrong; wrong &= wrong - 1) flipped++;
    if (flipped > 8) return 0;
    store(copy, MAGIC);
    if (is_header(copy)) return 1;
    for (uint32_t bit = 0; bit < 8 * COPY; bit++) {
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (is_header(copy)) return 1;
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    return 0;
}

int yima_log_block_in_use(const yima_log *log, uint32_t block, block_header *header) {
    uint8_t copy[COPY], other[COPY];
    read_at(log, block, 0, copy, COPY);
    if (load(copy) == UINT32_MAX) return 0; /* blank: the first copy is programmed first */
    if (!is_header(copy)) {
        read_at(log, block, padded(log, COPY), other, COPY);
        if (is_header(other)) {
            memcpy(copy, other, COPY);
        } else if (!mend_header(copy, other) && !mend_bit(copy)) {
            if (!mend_bit(other)) return 0;
            memcpy(copy, other, COPY);
        }
    }
    header->sequence = load(copy + 4);
    header->next = load(copy + AT_NEXT);
    header->acknowledged = load(copy + AT_ACKNOWLEDGED);
    header->seed = load(copy + AT_CHAIN);
    memcpy(header->chain, copy + AT_CHAIN, CHAIN);
    return 1;
}

/* CRC over an entry's payload and chain value; the latter is kept. */
static uint32_t crc_of(const yima_log *log, const yima_log_entry *entry, uint8_t chain[CHAIN]) {
    uint8_t piece[PIECE];
    uint32_t crc = entry->head_crc;
    const uint32_t size = padded(log, entry->size);
    for (uint32_t at = 0; at < size; at += PIECE) {
        const uint32_t taken = size - at < PIECE ? size - at : PIECE;
        log->port.read(log->port.context, entry->address + at, piece, taken);
        crc = yima_crc32(crc, piece, taken);
    }
    log->port.read(log->port.context, entry->address + size, chain, CHAIN);
    return yima_crc32(crc, chain, CHAIN);
}

static int is_head(const uint8_t head[HEAD], uint32_t seed) {
    return (head[2] ^ head[3]) == 0xFF && load(head + 8) == yima_crc32(seed, head, 8);
}

/* A single flipped bit of a head, or of its CRC, is found by trying each. */
static int mend_head(uint8_t head[HEAD], uint32_t seed) {
    for (uint32_t bit = 0; bit < 96; bit++) {
        head[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (is_head(head, seed)) return 1;
        head[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    return 0;
}

static int fits(const yima_log *log, uint32_t at, const uint8_t head[HEAD]) {
    return whole_size(log, (uint32_t)head[1] << 8 | head[0]) <= log->block_size - at;
}

/* Where the next head that can be read begins, from a place on; block_size: nowhere. */
static uint32_t next_head(const yima_log *log, uint32_t block, uint32_t seed, uint32_t at) {
    uint8_t head[HEAD];
    for (; at + whole_size(log, 0) <= log->block_size; at += alignment(log)) {
        read_at(log, block, at, head, HEAD);
        if (is_head(head, seed) && fits(log, at, head)) return at;
    }
    return log->block_size;
}

/* Whether the end mark stands behind an entry: more of its bits are zeros than not. */
static int has_end_mark(const yima_log *log, const yima_log_entry *entry) {
    uint8_t mark[END_MARK];
    uint32_t zeros = 0;
    log->port.read(log->port.context, entry->address + padded(log, entry->size) + CHAIN, mark, END_MARK);
    for (uint32_t bit = 0; bit < 8 * END_MARK; bit++) zeros += !(mark[bit / 8] >> bit % 8 & 1);
    return zeros > 4 * END_MARK;
}

/* The head at a place cannot be read. Nothing behind it: power went while it was written, and hid the size; the rest of
 * such a block is given up. */
static entry_state step_over_lost(const yima_log *log, yima_log_place *place, found_entry *found) {
    const uint32_t behind = place->at + padded(log, HEAD);
    memset(found, 0, sizeof *found);
    place->at = next_head(log, place->block, place->seed, behind);
    const int is_torn = place->at == log->block_size && yima_log_rest_is_blank(log, place->block, behind);
    return is_torn ? ENTRY_TORN : ENTRY_LOST;
}

entry_state yima_log_step(const yima_log *log, yima_log_place *place, found_entry *found) {
    uint8_t head[HEAD];
    if (place->at + whole_size(log, 0) > log->block_size) return ENTRY_NONE;
    read_at(log, place->block, place->at, head, HEAD);
    if (is_blank(head, 8)) return ENTRY_NONE;
    if (!(is_head(head, place->seed) || mend_head(head, place->seed)) || !fits(log, place->at, head)) {
        return step_over_lost(log, place, found);
    }
    found->type = head[2];
    found->entry.size = (uint32_t)head[1] << 8 | head[0];
    found->entry.number = load(head + 4);
    found->entry.head_crc = load(head + 8);
    found->entry.crc = load(head + 12);
    found->entry.address = place->block * log->block_size + place->at + padded(log, HEAD);
    found->whole_size = whole_size(log, found->entry.size);
    if (crc_of(log, &found->entry, found->entry.chain) == found->entry.crc) {
        place->at += found->whole_size;
        return ENTRY_WHOLE;
    }
    const uint32_t end = place->at + found->whole_size;
    place->at = next_head(log, place->block, place->seed, place->at + padded(log, HEAD));
    if (place->at == log->block_size) place->at = end;
    return has_end_mark(log, &found->entry) ? ENTRY_ROTTEN : ENTRY_TORN;
}

void yima_log_chain_begin(yima_sm3_state *state, const uint8_t chain[CHAIN], uint32_t number, uint8_t type) {
    uint8_t head[5];
    store(head, number);
    head[4] = type;
    yima_sm3_init(state);
    yima_sm3_update(state, chain, CHAIN);
    yima_sm3_update(state, head, sizeof head);
}

int yima_log_chain_follows(const yima_log *log, uint8_t chain[CHAIN], const found_entry *found) {
    yima_sm3_state state;
    uint8_t piece[PIECE];
    yima_log_chain_begin(&state, chain, found->entry.number, found->type);
    for (uint32_t at = 0; at < found->entry.size; at += PIECE) {
        const uint32_t taken = found->entry.size - at < PIECE ? found->entry.size - at : PIECE;
        log->port.read(log->port.context, found->entry.address + at, piece, taken);
        yima_sm3_update(&state, piece, taken);
    }
    yima_sm3_final(&state, chain);
    return memcmp(chain, found->entry.chain, CHAIN) == 0;
}

int yima_log_rest_is_blank(const yima_log *log, uint32_t block, uint32_t at) {
    uint8_t piece[PIECE];
    for (; at < log->block_size; at += PIECE) {
        const uint32_t taken = log->block_size - at < PIECE ? log->block_size - at : PIECE;
        read_at(log, block, at, piece, taken);
        if (!is_blank(piece, taken)) return 0;
    }
    return 1;
}
