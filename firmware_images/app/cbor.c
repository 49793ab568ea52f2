/* cbor.c - see cbor.h. What is read is hostile: every length is compared with what is left, nesting is bounded. */
#include "cbor.h"

#include "runtime.h"

enum {
    DEPTH_MAX = 6,
    INDEFINITE = 31,
    BREAK = 0xFF,
    MAJOR_ARRAY = 4,
    MAJOR_MAP = 5,
    MAJOR_TAG = 6,
    MAJOR_SIMPLE = 7,
    ONE_BYTE_FOLLOWS = 24,
    SIMPLE_IN_A_BYTE_MIN = 32 /* smaller ones have one encoding, in the first byte */
};

typedef struct {
    const uint8_t *at, *end;
} input;

typedef struct {
    unsigned major, info;
    uint64_t argument;
} item;

static int read_item(input *in, item *i) {
    if (in->at == in->end) return 0;
    const uint8_t first = *in->at++;
    i->major = first >> 5;
    i->info = first & 31;
    i->argument = i->info;
    if (i->info < 24 || i->info == INDEFINITE) return 1;
    if (i->info > 27) return 0;
    const size_t size = (size_t)1 << (i->info - 24);
    if ((size_t)(in->end - in->at) < size) return 0;
    i->argument = 0;
    for (size_t k = 0; k < size; k++) i->argument = i->argument << 8 | *in->at++;
    return 1;
}

static int at_break(input *in) {
    if (in->at == in->end || *in->at != BREAK) return 0;
    in->at++;
    return 1;
}

static int skip(input *in, int depth);

/* `count` items, or up to the break, which may not stand between a key and its value. */
static int skip_items(input *in, const item *of, uint64_t count, int depth) {
    for (uint64_t k = 0; of->info == INDEFINITE || k < count; k++) {
        if (of->info == INDEFINITE && at_break(in)) return of->major != MAJOR_MAP || k % 2 == 0;
        if (!skip(in, depth + 1)) return 0;
    }
    return 1;
}

static int skip_bytes(input *in, uint64_t count) {
    if (count > (uint64_t)(in->end - in->at)) return 0;
    in->at += count;
    return 1;
}

/* The pieces of a string without length, up to the break: strings of its own kind that have one. */
static int skip_pieces(input *in, unsigned major) {
    item piece;
    while (!at_break(in)) {
        if (!read_item(in, &piece) || piece.major != major || piece.info == INDEFINITE) return 0;
        if (!skip_bytes(in, piece.argument)) return 0;
    }
    return 1;
}

static int skip(input *in, int depth) {
    item i;
    if (depth > DEPTH_MAX || !read_item(in, &i)) return 0;
    if (i.major == CBOR_BYTES || i.major == CBOR_TEXT) {
        return i.info == INDEFINITE ? skip_pieces(in, i.major) : skip_bytes(in, i.argument);
    }
    if (i.major == MAJOR_ARRAY) return skip_items(in, &i, i.argument, depth);
    if (i.major == MAJOR_MAP) return i.argument <= UINT32_MAX && skip_items(in, &i, 2 * i.argument, depth);
    if (i.info == INDEFINITE) return 0; /* a break where none belongs, or no number and no tag at all */
    if (i.major == MAJOR_TAG) return skip(in, depth + 1);
    return i.major != MAJOR_SIMPLE || i.info != ONE_BYTE_FOLLOWS || i.argument >= SIMPLE_IN_A_BYTE_MIN;
}

static int read_value(input *in, cbor_value *value) {
    const input before = *in;
    item i;
    if (!skip(in, 0)) return 0;
    input again = before;
    read_item(&again, &i);
    *value = (cbor_value){.type = CBOR_OTHER, .number = i.argument};
    if (i.info == INDEFINITE) return 1;
    if (i.major == CBOR_UNSIGNED) {
        value->type = CBOR_UNSIGNED;
    } else if (i.major == CBOR_BYTES || i.major == CBOR_TEXT) {
        value->type = (cbor_type)i.major;
        value->bytes = again.at;
    } else if (i.major == MAJOR_SIMPLE && (i.info == 20 || i.info == 21)) {
        value->type = CBOR_BOOL;
        value->number = i.info == 21;
    }
    return 1;
}

static size_t length_of(const char *text) {
    size_t length = 0;
    while (text[length]) length++;
    return length;
}

int cbor_find(const uint8_t *cbor, size_t size, const char *key, cbor_value *value) {
    const size_t key_length = length_of(key);
    input in = {cbor, cbor + size};
    item map;
    if (!read_item(&in, &map) || map.major != MAJOR_MAP) return 0;
    for (uint64_t k = 0; map.info == INDEFINITE || k < map.argument; k++) {
        cbor_value name;
        if (map.info == INDEFINITE && at_break(&in)) return 0;
        if (!read_value(&in, &name) || !read_value(&in, value)) return 0;
        if (name.type == CBOR_TEXT && name.number == key_length && memcmp(name.bytes, key, key_length) == 0) return 1;
    }
    return 0;
}

int cbor_find_number(const uint8_t *cbor, size_t size, const char *key, uint32_t *number) {
    cbor_value value;
    if (!cbor_find(cbor, size, key, &value) || value.type != CBOR_UNSIGNED || value.number > UINT32_MAX) return 0;
    *number = (uint32_t)value.number;
    return 1;
}

int cbor_find_bytes(const uint8_t *cbor, size_t size, const char *key, const uint8_t **bytes, uint32_t *length) {
    cbor_value value;
    if (!cbor_find(cbor, size, key, &value) || (value.type != CBOR_BYTES && value.type != CBOR_TEXT)) return 0;
    *bytes = value.bytes;
    *length = (uint32_t)value.number;
    return 1;
}

int cbor_is_true(const uint8_t *cbor, size_t size, const char *key) {
    cbor_value value;
    return cbor_find(cbor, size, key, &value) && value.type == CBOR_BOOL && value.number;
}

static void put(cbor_out *out, const uint8_t *bytes, size_t size) {
    if (size > out->capacity - out->size) {
        out->full = 1;
        return;
    }
    memcpy(out->bytes + out->size, bytes, size);
    out->size += size;
}

static void put_byte(cbor_out *out, uint8_t byte) {
    put(out, &byte, 1);
}

static void put_head(cbor_out *out, unsigned major, uint64_t argument) {
    const unsigned info = argument < 24            ? 0
                          : argument <= 0xFF       ? 24
                          : argument <= 0xFFFF     ? 25
                          : argument <= UINT32_MAX ? 26
                                                   : 27;
    if (!info) {
        put_byte(out, (uint8_t)(major << 5 | (unsigned)argument));
        return;
    }
    put_byte(out, (uint8_t)(major << 5 | info));
    for (int shift = (8 << (info - 24)) - 8; shift >= 0; shift -= 8) put_byte(out, (uint8_t)(argument >> shift));
}

void cbor_map(cbor_out *out) {
    put_byte(out, MAJOR_MAP << 5 | INDEFINITE);
}
void cbor_array(cbor_out *out) {
    put_byte(out, MAJOR_ARRAY << 5 | INDEFINITE);
}
void cbor_end(cbor_out *out) {
    put_byte(out, BREAK);
}
void cbor_number(cbor_out *out, uint64_t number) {
    put_head(out, CBOR_UNSIGNED, number);
}
void cbor_utf8(cbor_out *out, const uint8_t *text, size_t size) {
    put_head(out, CBOR_TEXT, size);
    put(out, text, size);
}
void cbor_text(cbor_out *out, const char *text) {
    cbor_utf8(out, (const uint8_t *)text, length_of(text));
}
void cbor_bytes(cbor_out *out, const uint8_t *bytes, size_t size) {
    put_head(out, CBOR_BYTES, size);
    put(out, bytes, size);
}
void cbor_bool(cbor_out *out, int value) {
    put_byte(out, value ? 0xF5 : 0xF4);
}

void cbor_put_number(cbor_out *out, const char *key, uint64_t number) {
    cbor_text(out, key);
    cbor_number(out, number);
}
void cbor_put_text(cbor_out *out, const char *key, const char *text) {
    cbor_text(out, key);
    cbor_text(out, text);
}
void cbor_put_bool(cbor_out *out, const char *key, int value) {
    cbor_text(out, key);
    cbor_bool(out, value);
}
