/* fuzz_facts.c - libFuzzer target: what reads as the facts of an entry is written again to the same bytes, and depends on
 * no byte behind them.
 *
 * The input is an entry. Its size may be made to agree: where the first byte is FF, which no size of facts begins with,
 * the whole input is taken as facts without a body. */
#include "fuzz.h"
#include "yima/facts.h"

enum { LARGEST = 10000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const yima_facts none;
    yima_facts facts, again;
    if (size > LARGEST) return 0;
    uint8_t *entry = copy_of(data, size);
    if (size >= 2 && entry[0] == 0xFF) {
        entry[0] = (uint8_t)(size >> 8);
        entry[1] = (uint8_t)size;
    }
    const size_t read = yima_facts_read(&facts, entry, size);
    if (read == 0) {
        demand(memcmp(&facts, &none, sizeof none) == 0);
        free(entry);
        return 0;
    }
    demand(read >= YIMA_HEAD_SIZE && read <= size && read <= YIMA_FACTS_MAX && facts.size == read);
    demand(facts.kind >= YIMA_TAP && facts.kind <= YIMA_NOTE && size - read <= YIMA_BODY_MAX);
    uint8_t *written = malloc(read); /* exactly as much room as is needed */
    demand(written && yima_facts_write(written, read, &facts) == read);
    demand(memcmp(written, entry, read) == 0);
    demand(yima_facts_write(written, read - 1, &facts) == 0);
    free(written);
    for (size_t at = read; at < size; at++) entry[at] ^= 0xFF;
    demand(yima_facts_read(&again, entry, size) == read && memcmp(&again, &facts, sizeof facts) == 0);
    demand(yima_facts_read(&again, entry, read - 1) == 0);
    if (facts.kind == YIMA_TAP) {
        demand(facts.of.tap.rule_count <= YIMA_RULES);
        for (unsigned i = 0; i < YIMA_RULES; i++) demand(strlen(facts.of.tap.rules[i].name) <= YIMA_RULE_NAME_MAX);
    }
    free(entry);
    return 0;
}
