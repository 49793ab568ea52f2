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

static uint32_t load(const uint8_t *p) {
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
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

int yima_log_block_in_use(const yima_log *log, uint32_t block, block_header *header) {
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

entry_state yima_log_entry_at(const yima_log *log, uint32_t block, uint32_t at, found_entry *found) {
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

void yima_log_chain_begin(yima_sm3_state *state, const uint8_t chain[32], uint32_t number, uint8_t type) {
    uint8_t head[5];
    store(head, number);
    head[4] = type;
    yima_sm3_init(state);
    yima_sm3_update(state, chain, 32);
    yima_sm3_update(state, head, sizeof head);
}

int yima_log_chain_follows(const yima_log *log, uint8_t chain[32], const found_entry *found) {
    yima_sm3_state state;
    uint8_t piece[PIECE];
    yima_log_chain_begin(&state, chain, found->entry.number, found->type);
    for (uint32_t at = 0; at < found->entry.size; at += PIECE) {
        const uint32_t taken = found->entry.size - at < PIECE ? found->entry.size - at : PIECE;
        log->port.read(log->port.context, found->entry.address + at, piece, taken);
        yima_sm3_update(&state, piece, taken);
    }
    yima_sm3_final(&state, chain);
    return memcmp(chain, found->entry.chain, 32) == 0;
}

int yima_log_rest_is_blank(const yima_log *log, uint32_t block, uint32_t at) {
    uint8_t unit[YIMA_LOG_UNIT];
    for (; at < log->block_size; at += YIMA_LOG_UNIT) {
        read_at(log, block, at, unit, sizeof unit);
        if (!is_blank(unit, sizeof unit)) return 0;
    }
    return 1;
}
