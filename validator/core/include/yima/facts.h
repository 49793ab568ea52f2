/* yima/facts.h - the facts of an entry: what this system says of a tap, beside the ministry's record of it.
 *
 * An entry is what a device keeps and hands on: facts, then a body. The same bytes lie in a host's journal, in a
 * board's flash log and in an upload. facts.def is the table of what lies where; this header makes its types of it.
 *
 *   kind     body
 *   TAP      accepted: the ministry's trip record; refused: the payload as scanned, or the beginning of a long one
 *   OUTCOME  none
 *   TIME     who set the time, ASCII, at most YIMA_TEXT_MAX bytes
 *   NOTE     text, UTF-8, at most YIMA_TEXT_MAX bytes
 *
 * What is read comes from outside (a flash that decayed, an upload): every length and bound is checked, and what does
 * not hold is refused whole. Whatever reads is written again to the same bytes. */
#ifndef YIMA_FACTS_H
#define YIMA_FACTS_H

#include <stddef.h>
#include <stdint.h>

#include "facts.def"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { YIMA_TAP = 1, YIMA_OUTCOME = 2, YIMA_TIME = 3, YIMA_NOTE = 4 } yima_entry_kind;

/* What a rule did to the fare. */
typedef enum {
    YIMA_RULE_FARE = 1,
    YIMA_RULE_CONCESSION = 2,
    YIMA_RULE_SURCHARGE = 3,
    YIMA_RULE_OTHER = 4
} yima_rule_kind;

/* Who pays for a reduction. */
typedef enum {
    YIMA_FUNDER_NONE = 0,
    YIMA_FUNDER_RIDING_CITY = 1,
    YIMA_FUNDER_ISSUER_CITY = 2,
    YIMA_FUNDER_OPERATOR = 3,
    YIMA_FUNDER_REGION = 4
} yima_funder;

/* What the gate did. */
typedef enum {
    YIMA_OUTCOME_OPENED = 1, /* and nothing more can be known */
    YIMA_OUTCOME_PASSED = 2,
    YIMA_OUTCOME_NOT_PASSED = 3,
    YIMA_OUTCOME_FAILED = 4, /* it did not open */
    YIMA_OUTCOME_UNKNOWN = 5 /* it did not say */
} yima_outcome;

typedef enum {
    YIMA_TIME_STEPPED = 1,
    YIMA_TIME_TRUSTED_AGAIN = 2,
    YIMA_TIME_SET_BY_OPERATOR = 3,
    YIMA_TIME_SET_BY_SIGNED_TIME = 4,
    YIMA_TIME_START = 5
} yima_time_event;

typedef enum {
    YIMA_NOTE_PARAMETERS = 1, /* a: version */
    YIMA_NOTE_DENY_LIST = 2,  /* a: version */
    YIMA_NOTE_MEMORY_FULL = 3,
    YIMA_NOTE_OLDER_JOURNAL = 4,
    YIMA_NOTE_OLDER_ENTRIES = 5,
    YIMA_NOTE_GAP = 6 /* of a station: numbers a to b of a device cannot be had */
} yima_note;

enum {
    YIMA_RULES = 4, /* the most rules that set one fare */
    YIMA_RULE_NAME_MAX = 31,
    YIMA_HEAD_SIZE = 32,
    YIMA_FACTS_MAX = 148 + YIMA_RULES * (12 + 1 + YIMA_RULE_NAME_MAX),
    YIMA_TEXT_MAX = 255,
    YIMA_REFUSED_MAX = 400, /* the most that is kept of a refused payload: no code of a ride is longer */
    YIMA_BODY_MAX = 8192
};

/* Members by the table: U1 to U8, S4, S8 are numbers of so many bytes. */
#define YIMA_MEMBER(form, member, offset, size, least, most, english, chinese) YIMA_MEMBER_##form(member, size)
#define YIMA_MEMBER_U(member, size) YIMA_UNSIGNED_##size member;
#define YIMA_MEMBER_S(member, size) YIMA_SIGNED_##size member;
#define YIMA_MEMBER_B(member, size) uint8_t member[size];
#define YIMA_MEMBER_Z(member, size)
#define YIMA_UNSIGNED_1 uint8_t
#define YIMA_UNSIGNED_2 uint16_t
#define YIMA_UNSIGNED_4 uint32_t
#define YIMA_UNSIGNED_8 uint64_t
#define YIMA_SIGNED_4 int32_t
#define YIMA_SIGNED_8 int64_t

typedef struct {
    YIMA_FACTS_RULE(YIMA_MEMBER)
    char name[YIMA_RULE_NAME_MAX + 1]; /* printable ASCII, ends with zero; "": it has none */
} yima_rule_facts;

typedef struct {
    YIMA_FACTS_TAP(YIMA_MEMBER)
    yima_rule_facts rules[YIMA_RULES];
} yima_tap_facts;

typedef struct {
    YIMA_FACTS_OUTCOME(YIMA_MEMBER)
} yima_outcome_facts;

typedef struct {
    YIMA_FACTS_TIME(YIMA_MEMBER)
} yima_time_facts;

typedef struct {
    YIMA_FACTS_NOTE(YIMA_MEMBER)
} yima_note_facts;

/* The facts of one entry; of the four, the one that `kind` names. */
typedef struct {
    YIMA_FACTS_HEAD(YIMA_MEMBER)
    union {
        yima_tap_facts tap;
        yima_outcome_facts outcome;
        yima_time_facts time;
        yima_note_facts note;
    } of;
} yima_facts;

/* Writes facts; `size` and `form` are filled in. Returns how many bytes that are, 0 if `capacity` is too small or a
 * member is out of its bounds. The body is the caller's to put behind them. */
size_t yima_facts_write(uint8_t *out, size_t capacity, const yima_facts *facts);

/* What an entry keeps of a refused payload, into `body`: all of it, or, of one longer than YIMA_REFUSED_MAX, its first
 * bytes and behind them the SM3 of the whole; `cut_from` of the tap's facts says so. Whoever holds up a poster fills no
 * journal. Returns the body's size. */
size_t yima_facts_refused(yima_tap_facts *tap, const uint8_t *payload, size_t length, uint8_t body[YIMA_REFUSED_MAX]);

/* Reads the facts of an entry of `length` bytes. Returns their size (the body lies behind them), 0 if the bytes are no
 * entry; then *facts is all zeros. */
size_t yima_facts_read(yima_facts *facts, const uint8_t *entry, size_t length);

/* One row of the table, for whoever shows it. Kind 0: the head; YIMA_FACTS_OF_RULE: a rule. */
typedef struct {
    uint8_t kind;
    char form;
    const char *member;
    uint8_t offset, size;
    const char *english;
    const char *chinese; /* UTF-8 */
} yima_facts_row;

enum { YIMA_FACTS_OF_RULE = 5 };

/* The whole table, in its order; *count receives its length. */
const yima_facts_row *yima_facts_layout(size_t *count);

#ifdef __cplusplus
}
#endif
#endif
