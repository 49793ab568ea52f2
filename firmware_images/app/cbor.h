/* cbor.h - as much CBOR (RFC 8949) as SMP needs: looking up keys of a map, and writing maps. */
#ifndef YIMA_CBOR_H
#define YIMA_CBOR_H
#include <stddef.h>
#include <stdint.h>

typedef enum { CBOR_UNSIGNED = 0, CBOR_BYTES = 2, CBOR_TEXT = 3, CBOR_OTHER = 4, CBOR_BOOL = 7 } cbor_type;

typedef struct {
    cbor_type type;
    uint64_t number;      /* UNSIGNED; BOOL: 0 or 1; BYTES and TEXT: the length */
    const uint8_t *bytes; /* BYTES, TEXT */
} cbor_value;

/* The value of a text key in the map that `cbor` is. 1, or 0: no such key, or not a well-formed map. */
int cbor_find(const uint8_t *cbor, size_t size, const char *key, cbor_value *value);

/* The same, of one type; a number has at most 32 bits. */
int cbor_find_number(const uint8_t *cbor, size_t size, const char *key, uint32_t *number);
int cbor_find_bytes(const uint8_t *cbor, size_t size, const char *key, const uint8_t **bytes, uint32_t *length);
int cbor_is_true(const uint8_t *cbor, size_t size, const char *key);

typedef struct {
    uint8_t *bytes;
    size_t capacity, size;
    int full; /* something did not fit */
} cbor_out;

/* Maps and arrays are written with indefinite length: begin, content, end. */
void cbor_map(cbor_out *out);
void cbor_array(cbor_out *out);
void cbor_end(cbor_out *out);
void cbor_number(cbor_out *out, uint64_t number);
void cbor_text(cbor_out *out, const char *text);
void cbor_utf8(cbor_out *out, const uint8_t *text, size_t size);
void cbor_bytes(cbor_out *out, const uint8_t *bytes, size_t size);
void cbor_bool(cbor_out *out, int value);

/* A key and its value. */
void cbor_put_number(cbor_out *out, const char *key, uint64_t number);
void cbor_put_text(cbor_out *out, const char *key, const char *text);
void cbor_put_bool(cbor_out *out, const char *key, int value);
#endif
