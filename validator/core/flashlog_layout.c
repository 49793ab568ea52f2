/* flashlog_layout.c - see flashlog_layout.h. */
#include "flashlog_layout.h"

/* What a byte makes of a CRC: 1 KB that halves the cost of an entry's two. */
static const uint32_t crc_of_byte[256] = {
    0x00000000, 0x77073096, 0xee0e612c, 0x990951ba, 0x076dc419, 0x706af48f, 0xe963a535, 0x9e6495a3, 0x0edb8832,
    0x79dcb8a4, 0xe0d5e91e, 0x97d2d988, 0x09b64c2b, 0x7eb17cbd, 0xe7b82d07, 0x90bf1d91, 0x1db71064, 0x6ab020f2,
    0xf3b97148, 0x84be41de, 0x1adad47d, 0x6ddde4eb, 0xf4d4b551, 0x83d385c7, 0x136c9856, 0x646ba8c0, 0xfd62f97a,
    0x8a65c9ec, 0x14015c4f, 0x63066cd9, 0xfa0f3d63, 0x8d080df5, 0x3b6e20c8, 0x4c69105e, 0xd56041e4, 0xa2677172,
    0x3c03e4d1, 0x4b04d447, 0xd20d85fd, 0xa50ab56b, 0x35b5a8fa, 0x42b2986c, 0xdbbbc9d6, 0xacbcf940, 0x32d86ce3,
    0x45df5c75, 0xdcd60dcf, 0xabd13d59, 0x26d930ac, 0x51de003a, 0xc8d75180, 0xbfd06116, 0x21b4f4b5, 0x56b3c423,
    0xcfba9599, 0xb8bda50f, 0x2802b89e, 0x5f058808, 0xc60cd9b2, 0xb10be924, 0x2f6f7c87, 0x58684c11, 0xc1611dab,
    0xb6662d3d, 0x76dc4190, 0x01db7106, 0x98d220bc, 0xefd5102a, 0x71b18589, 0x06b6b51f, 0x9fbfe4a5, 0xe8b8d433,
    0x7807c9a2, 0x0f00f934, 0x9609a88e, 0xe10e9818, 0x7f6a0dbb, 0x086d3d2d, 0x91646c97, 0xe6635c01, 0x6b6b51f4,
    0x1c6c6162, 0x856530d8, 0xf262004e, 0x6c0695ed, 0x1b01a57b, 0x8208f4c1, 0xf50fc457, 0x65b0d9c6, 0x12b7e950,
    0x8bbeb8ea, 0xfcb9887c, 0x62dd1ddf, 0x15da2d49, 0x8cd37cf3, 0xfbd44c65, 0x4db26158, 0x3ab551ce, 0xa3bc0074,
    0xd4bb30e2, 0x4adfa541, 0x3dd895d7, 0xa4d1c46d, 0xd3d6f4fb, 0x4369e96a, 0x346ed9fc, 0xad678846, 0xda60b8d0,
    0x44042d73, 0x33031de5, 0xaa0a4c5f, 0xdd0d7cc9, 0x5005713c, 0x270241aa, 0xbe0b1010, 0xc90c2086, 0x5768b525,
    0x206f85b3, 0xb966d409, 0xce61e49f, 0x5edef90e, 0x29d9c998, 0xb0d09822, 0xc7d7a8b4, 0x59b33d17, 0x2eb40d81,
    0xb7bd5c3b, 0xc0ba6cad, 0xedb88320, 0x9abfb3b6, 0x03b6e20c, 0x74b1d29a, 0xead54739, 0x9dd277af, 0x04db2615,
    0x73dc1683, 0xe3630b12, 0x94643b84, 0x0d6d6a3e, 0x7a6a5aa8, 0xe40ecf0b, 0x9309ff9d, 0x0a00ae27, 0x7d079eb1,
    0xf00f9344, 0x8708a3d2, 0x1e01f268, 0x6906c2fe, 0xf762575d, 0x806567cb, 0x196c3671, 0x6e6b06e7, 0xfed41b76,
    0x89d32be0, 0x10da7a5a, 0x67dd4acc, 0xf9b9df6f, 0x8ebeeff9, 0x17b7be43, 0x60b08ed5, 0xd6d6a3e8, 0xa1d1937e,
    0x38d8c2c4, 0x4fdff252, 0xd1bb67f1, 0xa6bc5767, 0x3fb506dd, 0x48b2364b, 0xd80d2bda, 0xaf0a1b4c, 0x36034af6,
    0x41047a60, 0xdf60efc3, 0xa867df55, 0x316e8eef, 0x4669be79, 0xcb61b38c, 0xbc66831a, 0x256fd2a0, 0x5268e236,
    0xcc0c7795, 0xbb0b4703, 0x220216b9, 0x5505262f, 0xc5ba3bbe, 0xb2bd0b28, 0x2bb45a92, 0x5cb36a04, 0xc2d7ffa7,
    0xb5d0cf31, 0x2cd99e8b, 0x5bdeae1d, 0x9b64c2b0, 0xec63f226, 0x756aa39c, 0x026d930a, 0x9c0906a9, 0xeb0e363f,
    0x72076785, 0x05005713, 0x95bf4a82, 0xe2b87a14, 0x7bb12bae, 0x0cb61b38, 0x92d28e9b, 0xe5d5be0d, 0x7cdcefb7,
    0x0bdbdf21, 0x86d3d2d4, 0xf1d4e242, 0x68ddb3f8, 0x1fda836e, 0x81be16cd, 0xf6b9265b, 0x6fb077e1, 0x18b74777,
    0x88085ae6, 0xff0f6a70, 0x66063bca, 0x11010b5c, 0x8f659eff, 0xf862ae69, 0x616bffd3, 0x166ccf45, 0xa00ae278,
    0xd70dd2ee, 0x4e048354, 0x3903b3c2, 0xa7672661, 0xd06016f7, 0x4969474d, 0x3e6e77db, 0xaed16a4a, 0xd9d65adc,
    0x40df0b66, 0x37d83bf0, 0xa9bcae53, 0xdebb9ec5, 0x47b2cf7f, 0x30b5ffe9, 0xbdbdf21c, 0xcabac28a, 0x53b39330,
    0x24b4a3a6, 0xbad03605, 0xcdd70693, 0x54de5729, 0x23d967bf, 0xb3667a2e, 0xc4614ab8, 0x5d681b02, 0x2a6f2b94,
    0xb40bbe37, 0xc30c8ea1, 0x5a05df1b, 0x2d02ef8d,
};

uint32_t yima_crc32(uint32_t crc, const uint8_t *bytes, size_t size) {
    crc = ~crc;
    for (; size >= 4; size -= 4, bytes += 4) {
        crc = crc >> 8 ^ crc_of_byte[(crc ^ bytes[0]) & 0xFF];
        crc = crc >> 8 ^ crc_of_byte[(crc ^ bytes[1]) & 0xFF];
        crc = crc >> 8 ^ crc_of_byte[(crc ^ bytes[2]) & 0xFF];
        crc = crc >> 8 ^ crc_of_byte[(crc ^ bytes[3]) & 0xFF];
    }
    for (; size; size--) crc = crc >> 8 ^ crc_of_byte[(crc ^ *bytes++) & 0xFF];
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
    read_at(log, block, 0, copy, 4);
    if (load(copy) == UINT32_MAX) return 0; /* blank: the first copy is programmed first */
    read_at(log, block, 0, copy, COPY);
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

/* Where the next entry begins behind one that is not whole: at its end, though what stands there may have a head that
 * only mending reads; or at a head that can be read, where nothing stands at its end, or its size was mended wrongly. */
static uint32_t behind_broken(const yima_log *log, const yima_log_place *place, uint32_t end) {
    const uint32_t next = next_head(log, place->block, place->seed, place->at + padded(log, HEAD));
    uint8_t there[8];
    if (next <= end) return next;
    if (next == log->block_size) return end;
    read_at(log, place->block, end, there, sizeof there);
    return is_blank(there, sizeof there) ? next : end;
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
    place->at = behind_broken(log, place, place->at + found->whole_size);
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
