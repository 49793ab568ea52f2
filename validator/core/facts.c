/* facts.c - the facts of an entry, written and read by the table facts.def; include/yima/facts.h says what they are. */
#include "yima/facts.h"

#include "bytes.h"
#include "sm3.h"

#define ANY UINT64_MAX

enum { SIZE_AT = 0, FORM = 1, FORM_CUT = 2, KINDS = 5, RULE_SIZE = 12, TAP_SIZE = 148, DIGEST = 32 };

/* Bytes of the facts of a kind, without rules; 0: there is no such kind. */
static const uint8_t fixed_sizes[KINDS] = {
    [YIMA_TAP] = TAP_SIZE, [YIMA_OUTCOME] = 76, [YIMA_TIME] = 56, [YIMA_NOTE] = 52};

static const uint16_t body_most[KINDS] = {
    [YIMA_TAP] = YIMA_BODY_MAX, [YIMA_OUTCOME] = 0, [YIMA_TIME] = YIMA_TEXT_MAX, [YIMA_NOTE] = YIMA_TEXT_MAX};

static void put_number(uint8_t *p, uint64_t value, unsigned size) {
    for (unsigned i = size; i-- > 0; value >>= 8) {
        p[i] = (uint8_t)value;
    }
}

static uint64_t get_number(const uint8_t *p, unsigned size) {
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++) {
        value = value << 8 | p[i];
    }
    return value;
}

static int within(uint64_t value, uint64_t least, uint64_t most) {
    return value >= least && value <= most;
}

static int all_zero(const uint8_t *p, size_t size) {
    uint8_t any = 0;
    for (size_t i = 0; i < size; i++) {
        any |= p[i];
    }
    return any == 0;
}

/* What a row of the table does to `p`, the bytes, and `f`, the structure; `good` falls to 0 beyond a bound. */
/* clang-format off */
#define WRITE(form, member, offset, size, least, most, english, chinese) WRITE_##form(member, offset, size, least, most)
#define WRITE_U(member, offset, size, least, most) \
    put_number(p + (offset), (uint64_t)f->member, size); good &= within((uint64_t)f->member, least, most);
#define WRITE_S WRITE_U
#define WRITE_B(member, offset, size, least, most) memcpy(p + (offset), f->member, size);
#define WRITE_Z(member, offset, size, least, most) memset(p + (offset), 0, size);

#define READ(form, member, offset, size, least, most, english, chinese) READ_##form(member, offset, size, least, most)
#define READ_U(member, offset, size, least, most) \
    f->member = (YIMA_UNSIGNED_##size)get_number(p + (offset), size); good &= within((uint64_t)f->member, least, most);
#define READ_S(member, offset, size, least, most) f->member = (YIMA_SIGNED_##size)get_number(p + (offset), size);
#define READ_B(member, offset, size, least, most) memcpy(f->member, p + (offset), size);
#define READ_Z(member, offset, size, least, most) good &= all_zero(p + (offset), size);

#define BOTH_WAYS(name, type, table)                          \
    static int write_##name(uint8_t *p, const type *f) {      \
        int good = 1;                                         \
        table(WRITE)                                          \
        return good;                                          \
    }                                                         \
    static int read_##name(type *f, const uint8_t *p) {       \
        int good = 1;                                         \
        table(READ)                                           \
        return good;                                          \
    }

BOTH_WAYS(head, yima_facts, YIMA_FACTS_HEAD)
BOTH_WAYS(tap, yima_tap_facts, YIMA_FACTS_TAP)
BOTH_WAYS(rule, yima_rule_facts, YIMA_FACTS_RULE)
BOTH_WAYS(outcome, yima_outcome_facts, YIMA_FACTS_OUTCOME)
BOTH_WAYS(time, yima_time_facts, YIMA_FACTS_TIME)
BOTH_WAYS(note, yima_note_facts, YIMA_FACTS_NOTE)
/* clang-format on */

/* Bytes of a rule's name; more than YIMA_RULE_NAME_MAX if it is none. */
static size_t name_length(const char *name) {
    size_t length = 0;
    while (length <= YIMA_RULE_NAME_MAX && name[length] > 0x20 && name[length] < 0x7f) {
        length++;
    }
    return length <= YIMA_RULE_NAME_MAX && name[length] == 0 ? length : YIMA_RULE_NAME_MAX + 1;
}

static size_t write_rules(uint8_t *out, size_t capacity, size_t at, const yima_tap_facts *tap) {
    if ((size_t)tap->rule_count * RULE_SIZE > capacity - at) {
        return 0;
    }
    for (unsigned i = 0; i < tap->rule_count; i++, at += RULE_SIZE) {
        if (!write_rule(out + at, &tap->rules[i])) {
            return 0;
        }
    }
    for (unsigned i = 0; i < tap->rule_count; i++) {
        const size_t length = name_length(tap->rules[i].name);
        if (length > YIMA_RULE_NAME_MAX || capacity - at < 1 + length) {
            return 0;
        }
        out[at++] = (uint8_t)length;
        memcpy(out + at, tap->rules[i].name, length);
        at += length;
    }
    return at;
}

static int write_kind(uint8_t *out, const yima_facts *facts) {
    switch (facts->kind) {
    case YIMA_TAP:
        return write_tap(out, &facts->of.tap);
    case YIMA_OUTCOME:
        return write_outcome(out, &facts->of.outcome);
    case YIMA_TIME:
        return write_time(out, &facts->of.time);
    default:
        return write_note(out, &facts->of.note);
    }
}

/* The form of facts: that of a tap whose body is cut is one of its own, so that nobody takes the body for a payload. 0:
 * what is said of the cut cannot be. */
static uint8_t form_of(const yima_facts *facts) {
    if (facts->kind != YIMA_TAP || !facts->of.tap.cut_from) {
        return FORM;
    }
    return facts->of.tap.reason && facts->of.tap.cut_from > YIMA_REFUSED_MAX ? FORM_CUT : 0;
}

size_t yima_facts_refused(yima_tap_facts *tap, const uint8_t *payload, size_t length, uint8_t body[YIMA_REFUSED_MAX]) {
    const int is_cut = length > YIMA_REFUSED_MAX;
    const size_t first = is_cut ? YIMA_REFUSED_MAX - DIGEST : length;
    tap->cut_from = (uint16_t)(!is_cut ? 0 : length < UINT16_MAX ? length : UINT16_MAX);
    if (first) {
        memcpy(body, payload, first);
    }
    if (is_cut) {
        yima_sm3(payload, length, body + first);
    }
    return is_cut ? YIMA_REFUSED_MAX : length;
}

size_t yima_facts_write(uint8_t *out, size_t capacity, const yima_facts *facts) {
    yima_facts head = *facts;
    size_t size = facts->kind < KINDS ? fixed_sizes[facts->kind] : 0;
    head.form = form_of(facts);
    if (!size || size > capacity || !write_head(out, &head) || !write_kind(out, facts)) {
        return 0;
    }
    if (facts->kind == YIMA_TAP) {
        size = write_rules(out, capacity, size, &facts->of.tap);
    }
    put_number(out + SIZE_AT, size, 2);
    return size;
}

/* The rules of a tap, whose facts have `size` bytes: they and their names must end where the facts do. */
static int read_rules(yima_tap_facts *tap, const uint8_t *entry, size_t size) {
    size_t at = TAP_SIZE;
    if ((size_t)tap->rule_count * RULE_SIZE > size - at) {
        return 0;
    }
    for (unsigned i = 0; i < tap->rule_count; i++, at += RULE_SIZE) {
        if (!read_rule(&tap->rules[i], entry + at)) {
            return 0;
        }
    }
    for (unsigned i = 0; i < tap->rule_count; i++) {
        const size_t length = at < size ? entry[at++] : YIMA_RULE_NAME_MAX + 1u;
        if (length > YIMA_RULE_NAME_MAX || length > size - at) {
            return 0;
        }
        memcpy(tap->rules[i].name, entry + at, length);
        if (name_length(tap->rules[i].name) != length) {
            return 0;
        }
        at += length;
    }
    return at == size;
}

static int read_kind(yima_facts *facts, const uint8_t *entry) {
    switch (facts->kind) {
    case YIMA_TAP:
        return read_tap(&facts->of.tap, entry) && read_rules(&facts->of.tap, entry, facts->size);
    case YIMA_OUTCOME:
        return read_outcome(&facts->of.outcome, entry);
    case YIMA_TIME:
        return read_time(&facts->of.time, entry);
    default:
        return read_note(&facts->of.note, entry);
    }
}

size_t yima_facts_read(yima_facts *facts, const uint8_t *entry, size_t length) {
    memset(facts, 0, sizeof *facts);
    if (length >= YIMA_HEAD_SIZE && read_head(facts, entry)) {
        const size_t fixed = fixed_sizes[facts->kind];
        const size_t size = facts->size;
        if (size <= length && length - size <= body_most[facts->kind] &&
            (facts->kind == YIMA_TAP ? size >= fixed : size == fixed) && read_kind(facts, entry) &&
            facts->form == form_of(facts) && (facts->form == FORM || length - size == YIMA_REFUSED_MAX)) {
            return size;
        }
    }
    memset(facts, 0, sizeof *facts);
    return 0;
}

/* clang-format off */
#define ROW(kind, form, member, offset, size, english, chinese) {kind, #form[0], #member, offset, size, english, chinese},
#define HEAD_ROW(form, member, offset, size, least, most, english, chinese) ROW(0, form, member, offset, size, english, chinese)
#define TAP_ROW(form, member, offset, size, least, most, english, chinese) ROW(YIMA_TAP, form, member, offset, size, english, chinese)
#define RULE_ROW(form, member, offset, size, least, most, english, chinese) ROW(YIMA_FACTS_OF_RULE, form, member, offset, size, english, chinese)
#define OUTCOME_ROW(form, member, offset, size, least, most, english, chinese) ROW(YIMA_OUTCOME, form, member, offset, size, english, chinese)
#define TIME_ROW(form, member, offset, size, least, most, english, chinese) ROW(YIMA_TIME, form, member, offset, size, english, chinese)
#define NOTE_ROW(form, member, offset, size, least, most, english, chinese) ROW(YIMA_NOTE, form, member, offset, size, english, chinese)
/* clang-format on */

const yima_facts_row *yima_facts_layout(size_t *count) {
    static const yima_facts_row rows[] = {YIMA_FACTS_HEAD(HEAD_ROW) YIMA_FACTS_TAP(TAP_ROW) YIMA_FACTS_RULE(
        RULE_ROW) YIMA_FACTS_OUTCOME(OUTCOME_ROW) YIMA_FACTS_TIME(TIME_ROW) YIMA_FACTS_NOTE(NOTE_ROW)};
    *count = sizeof rows / sizeof *rows;
    return rows;
}
