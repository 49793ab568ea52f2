/* cbor_reference.h - well-formed CBOR as RFC 8949's appendix C tells it, without any of firmware_images/app/cbor.c, for
 * the targets that hold that one against it. Lookups follow the rules of cbor.h. */
#ifndef YIMA_CBOR_REFERENCE_H
#define YIMA_CBOR_REFERENCE_H
#include "cbor.h"
#include "fuzz.h"

enum { NESTED_MAX = 6, BREAK_BYTE = 0xFF }; /* how deep a value may be nested in the map that is asked */

typedef struct {
    unsigned major, info;
    uint64_t argument;
    const uint8_t *behind; /* the head */
} cbor_head;

/* The head at `at`; 0 if it is cut short or reserved. */
static inline int head_at(const uint8_t *at, const uint8_t *end, cbor_head *head) {
    if (at >= end) return 0;
    *head = (cbor_head){.major = at[0] >> 5, .info = at[0] & 31, .argument = at[0] & 31, .behind = at + 1};
    if (head->info >= 24 && head->info <= 27) {
        const ptrdiff_t size = (ptrdiff_t)1 << (head->info - 24);
        if (end - head->behind < size) return 0;
        head->argument = 0;
        for (ptrdiff_t i = 0; i < size; i++) head->argument = head->argument << 8 | *head->behind++;
        return head->major != 7 || head->info != 24 || head->argument >= 32;
    }
    return head->info < 28 || head->info == 31;
}

/* Behind the one item at `at`; NULL if it is not well-formed or nested deeper than `levels`. */
static inline const uint8_t *behind_item(const uint8_t *at, const uint8_t *end, int levels) {
    cbor_head head;
    if (levels < 0 || !head_at(at, end, &head)) return NULL;
    const int indefinite = head.info == 31;
    at = head.behind;
    switch (head.major) {
    case 2:
    case 3:
        if (!indefinite) return head.argument <= (uint64_t)(end - at) ? at + head.argument : NULL;
        while (at < end && *at != BREAK_BYTE) { /* chunks: definite strings of the same kind */
            cbor_head chunk;
            if (!head_at(at, end, &chunk) || chunk.major != head.major || chunk.info == 31) return NULL;
            at = behind_item(at, end, 0);
            if (!at) return NULL;
        }
        return at < end ? at + 1 : NULL;
    case 4:
    case 5: {
        const uint64_t each = head.major - 3; /* items of an entry */
        for (uint64_t i = 0; indefinite || i < head.argument; i++) {
            if (indefinite && at < end && *at == BREAK_BYTE) return at + 1;
            for (uint64_t k = 0; k < each; k++) {
                at = behind_item(at, end, levels - 1);
                if (!at) return NULL;
            }
        }
        return at;
    }
    case 6:
        return indefinite ? NULL : behind_item(at, end, levels - 1);
    default:
        return indefinite ? NULL : at;
    }
}

/* The value of a key in a map whose every item up to that value is well-formed; else NULL. */
static inline const uint8_t *value_in(const uint8_t *at, const uint8_t *end, const char *key) {
    cbor_head map, name;
    if (!head_at(at, end, &map) || map.major != 5) return NULL;
    at = map.behind;
    for (uint64_t i = 0; map.info == 31 || i < map.argument; i++) {
        if (map.info == 31 && at < end && *at == BREAK_BYTE) return NULL;
        const uint8_t *value = behind_item(at, end, NESTED_MAX);
        const uint8_t *next = value ? behind_item(value, end, NESTED_MAX) : NULL;
        if (!next) return NULL;
        demand(head_at(at, end, &name));
        if (name.major == 3 && name.info != 31 && name.argument == strlen(key) &&
            memcmp(name.behind, key, strlen(key)) == 0) {
            return value;
        }
        at = next;
    }
    return NULL;
}
#endif
