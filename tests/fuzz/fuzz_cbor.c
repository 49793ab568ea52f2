/* fuzz_cbor.c - libFuzzer target: CBOR is read as RFC 8949 says, and what is written can be read.
 *
 * The first byte chooses: READ takes the rest as a map of somebody's and asks it for the keys that the firmware asks
 * for; otherwise the rest is a script of what to write. */
#include "cbor_reference.h"

enum { READ = 1, LARGEST = 4096 };

static const char *const keys[] = {"d",       "off",  "data", "len", "sha", "hash",     "confirm",
                                   "upgrade", "from", "n",    "h",   "",    "datetime", "query"};
enum { KEYS = sizeof keys / sizeof *keys };

static void check_value(const uint8_t *at, const uint8_t *end, const cbor_value *value) {
    cbor_head head;
    demand(head_at(at, end, &head));
    const int definite = head.info != 31, is_bool = head.major == 7 && (head.info == 20 || head.info == 21);
    if (head.major == 0) {
        demand(value->type == CBOR_UNSIGNED && value->number == head.argument);
    } else if ((head.major == 2 || head.major == 3) && definite) {
        demand(value->type == (head.major == 2 ? CBOR_BYTES : CBOR_TEXT) && value->number == head.argument);
        demand(value->bytes == head.behind && value->number <= (uint64_t)(end - value->bytes));
    } else if (is_bool) {
        demand(value->type == CBOR_BOOL && value->number == (head.info == 21));
    } else {
        demand(value->type == CBOR_OTHER);
    }
}

static void check_reading(const uint8_t *cbor, size_t size) {
    for (unsigned i = 0; i < KEYS; i++) {
        cbor_value value = {0};
        uint32_t number = 0, length = 0;
        const uint8_t *bytes = NULL, *there = value_in(cbor, cbor + size, keys[i]);
        const int found = cbor_find(cbor, size, keys[i], &value);
        demand(found == (there != NULL));
        if (found) check_value(there, cbor + size, &value);
        const int is_number = found && value.type == CBOR_UNSIGNED && value.number <= UINT32_MAX;
        demand(cbor_find_number(cbor, size, keys[i], &number) == is_number);
        demand(!is_number || number == value.number);
        const int is_string = found && (value.type == CBOR_BYTES || value.type == CBOR_TEXT);
        demand(cbor_find_bytes(cbor, size, keys[i], &bytes, &length) == is_string);
        demand(!is_string || (bytes == value.bytes && length == value.number));
        demand(cbor_is_true(cbor, size, keys[i]) == (found && value.type == CBOR_BOOL && value.number));
    }
}

/* A map of a number, a text, bytes, a truth and a list of numbers, in a buffer that may be too small for it. */
static void check_writing(script *s) {
    const size_t capacity = take(s, 2) % LARGEST;
    const uint64_t number = (uint64_t)take(s, 4) << 32 | take(s, 4);
    const int truth = take(s, 1) & 1;
    size_t count = take(s, 1), size = take(s, 2);
    const uint8_t *data = take_bytes(s, &size);
    uint8_t *bytes = malloc(capacity ? capacity : 1);
    demand(bytes != NULL);
    cbor_out out = {.bytes = bytes, .capacity = capacity};
    cbor_map(&out);
    cbor_put_number(&out, "off", number);
    cbor_text(&out, "d");
    cbor_utf8(&out, data, size);
    cbor_text(&out, "data");
    cbor_bytes(&out, data, size);
    cbor_put_bool(&out, "confirm", truth);
    cbor_text(&out, "h");
    cbor_array(&out);
    for (size_t i = 0; i < count; i++) cbor_number(&out, i);
    cbor_end(&out);
    cbor_put_text(&out, "query", "mode");
    cbor_end(&out);
    demand(out.size <= capacity && out.full <= 1);
    if (!out.full) {
        cbor_value value;
        demand(behind_item(bytes, bytes + out.size, 2) == bytes + out.size);
        demand(cbor_find(bytes, out.size, "off", &value) && value.type == CBOR_UNSIGNED && value.number == number);
        demand(cbor_find(bytes, out.size, "d", &value) && value.type == CBOR_TEXT && value.number == size);
        demand(cbor_find(bytes, out.size, "data", &value) && value.type == CBOR_BYTES && value.number == size);
        demand(memcmp(value.bytes, data, size) == 0);
        demand(cbor_is_true(bytes, out.size, "confirm") == truth);
        demand(cbor_find(bytes, out.size, "h", &value) && value.type == CBOR_OTHER);
        demand(cbor_find(bytes, out.size, "query", &value) && value.type == CBOR_TEXT && value.number == 4);
    }
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1 || size > LARGEST) return 0;
    if (data[0] & READ) {
        uint8_t *cbor = copy_of(data + 1, size - 1);
        check_reading(cbor, size - 1);
        free(cbor);
    } else {
        script s = {data + 1, size - 1};
        check_writing(&s);
    }
    return 0;
}
