/* yima/core.h - the one header a device vendor reads.
 *
 * The core reads a ministry-standard transit QR code (JT/T 1179) and says whether its bearer may ride. It is a
 * function: code bytes, time, the gate's place, parameters and the device's short memory in; one verdict out. It has no
 * clock, no I/O, no heap, no mutable globals, and needs no libc beyond memcpy, memmove, memset and memcmp.
 *
 * Ownership: every pointer belongs to the caller. The core keeps only those named "borrowed" below, and they must stay
 * readable and unchanged for as long as the object that borrowed them is used.
 *
 * Threads: objects are independent; one object is used by one thread at a time.
 *
 * All inputs are public (codes, signatures, public keys), so nothing here is constant-time, and nothing needs to be.
 * The core only verifies; it has no signing and no secret.
 *
 * Units: money in fen, times in unix seconds UTC, ticks in milliseconds of any monotonic clock. Every multi-byte
 * integer on the wire is big-endian.
 */
#ifndef YIMA_CORE_H
#define YIMA_CORE_H

#include <stddef.h>
#include <stdint.h>

#include "deny.h"
#include "facts.h"
#include "timekeeper.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Reasons and stages --------------------------------------------------------------------------------------- */

/* Why a code was accepted or refused. The table is reasons.def; numbers never change meaning once released. */
typedef enum {
#define YIMA_R(number, name, lab_case, stage, english, chinese) YIMA_REASON_##name = (number),
#include "../../reasons.def"
#undef YIMA_R
} yima_reason;

/* The order of judging. A verdict says for each stage whether it passed, failed, or was not reached. */
typedef enum {
    YIMA_STAGE_FORMAT = 0,
    YIMA_STAGE_CERTIFICATE,
    YIMA_STAGE_ISSUER_SIGNATURE,
    YIMA_STAGE_RIDER_SIGNATURE,
    YIMA_STAGE_TIME,
    YIMA_STAGE_PERMISSION,
    YIMA_STAGE_REPETITION,
    YIMA_STAGES,
    YIMA_STAGE_DEVICE = 15 /* reasons that the device gives, never the core */
} yima_stage;

typedef enum { YIMA_NOT_REACHED = 0, YIMA_PASSED = 1, YIMA_FAILED = 2 } yima_stage_result;

typedef struct {
    uint16_t number;   /* yima_reason */
    uint16_t lab_case; /* the lab's case number that terminals show; 0 where the lab has none */
    uint8_t stage;     /* yima_stage */
    const char *name;
    const char *english; /* UTF-8 */
    const char *chinese; /* UTF-8 */
} yima_reason_info;

/* The whole table, in ascending order of number; *count receives its length. */
const yima_reason_info *yima_reasons(size_t *count);

/* ---- Families of codes ---------------------------------------------------------------------------------------- */

/* What kind of code a payload is, by its first bytes alone; nothing is verified. */
typedef enum {
    YIMA_FAMILY_UNKNOWN = 0,
    YIMA_FAMILY_MINISTRY,     /* ministry code, JT/T 1179 */
    YIMA_FAMILY_UNIFIED,      /* 55, then the ministry layout */
    YIMA_FAMILY_MINISTRY_226, /* the form of 2019, without certificate */
    YIMA_FAMILY_SUISHEN,      /* Shanghai's code, transit form */
    YIMA_FAMILY_SUISHEN_HALL, /* Shanghai's code, service-hall form; any other http(s) URL */
    YIMA_FAMILY_ALIPAY,
    YIMA_FAMILY_CITY_CARD,
    YIMA_FAMILY_WECHAT,
    YIMA_FAMILY_UNIONPAY,
    YIMA_FAMILY_SUFU, /* Jiangsu's, Anhui's, Zhejiang's: verified online only, known by a prefix in the parameters */
    YIMA_FAMILY_ANHUI,
    YIMA_FAMILY_ZHEJIANG,
    YIMA_FAMILIES
} yima_family;

yima_family yima_family_of(const uint8_t *code, size_t length);

/* English name of a family, ASCII; never NULL. */
const char *yima_family_name(yima_family family);

/* ---- The code ------------------------------------------------------------------------------------------------- */

enum {
    YIMA_CODE_MIN = 332,
    YIMA_CODE_MAX = 364,
    YIMA_ISSUER_DATA_MAX = 32,
    YIMA_CERTIFICATE_SIZE = 117,
    YIMA_ROOT_CERTIFICATE_SIZE = 144,
    YIMA_PAYLOAD_MAX = 4096 /* longest payload a reader may hand over; the largest QR symbol holds 2953 bytes */
};

/* One row of the layout table (layout.h): where a field lies in the code. */
typedef struct {
    const char *name;
    uint8_t number;     /* the standard's field number */
    uint16_t offset;    /* from the start of the code, without the issuer's data */
    uint16_t size;      /* 0 for field 14, whose size is field 13 */
    uint8_t after_data; /* 1: add field 13 to offset */
} yima_layout_row;

const yima_layout_row *yima_code_layout(size_t *count);
const yima_layout_row *yima_certificate_layout(size_t *count); /* offsets within the certificate; number is 3 */

/* 1 if the 144 bytes are a root certificate: fixed fields right, key on the curve, signed by itself. Whether that root
 * is to be trusted is the caller's to know. */
int yima_root_certificate_valid(const uint8_t *certificate, size_t size);

/* ---- Parameters ----------------------------------------------------------------------------------------------- */

/* An opened parameter image: views into bytes that the caller keeps (borrowed). The one door through which
 * configuration enters the core; the layout of the image is in parameters.def. */
typedef struct {
    const uint8_t *image;
    size_t size;
    struct {
        const uint8_t *rows;
        uint32_t count;
    } sections[48];
} yima_parameters;

typedef enum {
    YIMA_PARAMETERS_OK = 0,
    YIMA_PARAMETERS_TRUNCATED,   /* shorter than it says */
    YIMA_PARAMETERS_NOT_OURS,    /* magic or format version */
    YIMA_PARAMETERS_BAD_SECTION, /* outside the image, wrong row size, or repeated */
    YIMA_PARAMETERS_UNSORTED,    /* rows that are searched must ascend, without repetition */
    YIMA_PARAMETERS_BAD_VALUE    /* a row holds what cannot be, e.g. a root key off the curve */
} yima_parameters_error;

/* Opens and checks an image. On an error, *offset (if not NULL) receives the byte at which it was noticed. */
yima_parameters_error yima_parameters_open(yima_parameters *p, const uint8_t *image, size_t size, size_t *offset);

/* As yima_family_of, and by the prefixes of the parameters. */
yima_family yima_family_here(const yima_parameters *p, const uint8_t *code, size_t length);

/* ---- Judging -------------------------------------------------------------------------------------------------- */

typedef enum { YIMA_MODE_BUS = 1, YIMA_MODE_METRO = 2 } yima_mode; /* also bits of a mode mask */

/* What a tap at this gate means. NONE: one tap is the ride, as on a bus. */
typedef enum { YIMA_DIRECTION_NONE = 0, YIMA_DIRECTION_ENTRY = 1, YIMA_DIRECTION_EXIT = 2 } yima_direction;

/* Where the gate stands. */
typedef struct {
    uint8_t mode;      /* yima_mode */
    uint8_t direction; /* yima_direction */
    uint16_t line;     /* numbers of the parameters' own; 0: not told */
    uint16_t station;
    uint32_t city;        /* administrative division code as a number, e.g. 320500 for Suzhou; 0: not told */
    uint32_t operator_id; /* the acquirer's organisation code, 8 digits, as a number; 0: not told */
} yima_gate;

/* What an accepted tap was at a gate with a direction, as metro uploads number it. */
typedef enum {
    YIMA_TRANSACTION_NONE = 0,
    YIMA_TRANSACTION_ENTRY = 1,
    YIMA_TRANSACTION_EXIT = 2,
    YIMA_TRANSACTION_OVER_TIME_EXIT = 3
} yima_transaction;

enum {
    YIMA_RULE_TEXT_MAX = YIMA_RULES * (YIMA_RULE_NAME_MAX + 1) /* with its terminating zero */
};

/* Who stands behind an accepted code that could not be verified here. */
typedef enum {
    YIMA_VOUCHED_HERE = 0,   /* it was verified here */
    YIMA_VOUCHED_ISSUER = 1, /* its issuer said yes */
    YIMA_VOUCHED_NOBODY = 2  /* its issuer could not be reached: accepted at risk */
} yima_vouched;

/* One rule's part in a fare. The first one's is the gross fare; together they are the fare. */
typedef struct {
    uint16_t number;    /* of its name in the parameters, counted from 1; 0: it has none */
    uint8_t kind;       /* yima_rule_kind */
    uint8_t funder;     /* yima_funder: who pays for a reduction */
    int32_t fen;        /* below 0: a reduction */
    uint32_t funder_id; /* the funding city or operator; 0: not told */
} yima_applied_rule;

typedef struct {
    uint16_t reason;      /* yima_reason; 0 = accepted */
    uint8_t accepted;     /* 1: open, once */
    uint8_t family;       /* yima_family */
    uint8_t again;        /* 1: the same presentation as a moment ago. Show the answer again, write nothing. */
    uint8_t was_accepted; /* with `again`: that answer let the rider pass; `accepted` is 0, so nothing opens twice */
    uint8_t stages[YIMA_STAGES]; /* yima_stage_result */
    uint32_t fare_fen;           /* what the ride costs; 0 when refused. With NEEDS_RESOLVER: what it would cost. */
    uint32_t gross_fen;          /* the same before reductions and surcharges */
    uint8_t transaction;         /* yima_transaction; 0 when refused */
    uint8_t rule_count;
    yima_applied_rule rules[YIMA_RULES]; /* which rules set the fare, in the order they were applied */
    uint8_t vouched;                     /* yima_vouched; 0 when refused */
    uint8_t has_digest;                  /* 1: digest below is set */
    uint8_t digest[32]; /* names this code among all codes; a ministry code's is e of the rider's signature */
    /* What the code says, once its format has passed; true once its signatures have. Zeros: not told. */
    uint8_t account[10]; /* card account */
    uint8_t account_type;
    uint16_t entry_station; /* the entry, as the issuer's own data tell it at an exit */
    uint16_t entry_line;
    uint32_t entry_at;    /* unix seconds */
    uint32_t good_until;  /* the last unix second at which the code can be accepted */
    uint32_t issuer_city; /* by the whitelist */
} yima_verdict;

/* The memory of used codes: one entry an accepted code, 32 bytes. */
typedef struct {
    uint8_t digest[12];
    uint8_t account[10];
    uint16_t used; /* 0: no; 1: for as long as it is remembered; 2: until then, and its issuer may be asked again */
    uint32_t accepted_at;
    uint32_t until; /* unix seconds: the last one at which the code can be accepted */
} yima_replay_entry;

enum { YIMA_MEMORY_MAX = 1 << 22 }; /* the most entries a memory can have */

typedef struct {
    uint8_t certificate[YIMA_CERTIFICATE_SIZE];
    uint8_t valid;
    uint32_t uses;    /* how often it vouched for a code */
    uint32_t used_at; /* order of use, for eviction */
    int16_t table;    /* index into table_slots of its precomputed table, -1: none */
    uint64_t key[16]; /* parsed issuer key (yima_sm2_key) */
} yima_trusted_issuer;

/* The root whose table is kept: that of the newest issuer, and before there is one the parameters' first. */
typedef struct {
    uint64_t key[16]; /* parsed (yima_sm2_key), once the table is built */
    uint8_t index;
    uint8_t window; /* of its table, which lies first in the memory for them; 0: there is no room */
    uint8_t built;
} yima_root_table;

enum { YIMA_TRUSTED_ISSUERS = 16, YIMA_DEBOUNCE_SLOTS = 4 };

typedef struct {
    uint8_t code[YIMA_CODE_MAX + 1]; /* the payload, or the SM3 of one that is longer */
    uint32_t length;                 /* of the payload; 0: empty */
    uint64_t seen_ms;                /* the last time it was in view */
    yima_verdict verdict;
} yima_presentation;

/* What became of a call that may fail. */
typedef enum {
    YIMA_OK = 0,
    YIMA_BAD_ARGUMENT,    /* a pointer that is NULL, memory that is not aligned to 8 bytes, a gate of no mode */
    YIMA_MEMORY_TOO_SMALL /* fewer entries than yima_memory_need says */
} yima_status;

/* How many used codes a gate under these parameters must be able to remember: those that come in at the highest rate
 * for as long as one of them can matter: by its validity, its account's interval, or as its issuer's answer is remembered.
 * And how many bytes a memory of so many entries takes; 0: more than there can be. */
uint32_t yima_memory_need(const yima_parameters *p);
size_t yima_memory_size(uint32_t entries);

/* A validator: one gate's judge with its short memory. About 8 KB; static storage is fine. Fields are the core's own.
 * One of all zeros, or one whose yima_validator_init did not return YIMA_OK, refuses everybody (NO_PARAMETERS). */
typedef struct {
    const yima_parameters *parameters; /* borrowed */
    const yima_deny *deny;             /* borrowed; NULL: none beside the parameters' own */
    yima_gate gate;
    const struct yima_sm2_kernel *kernel;
    yima_replay_entry *replay; /* borrowed: a ring, and behind it its index */
    uint32_t *index;
    uint32_t index_places;
    uint32_t replay_capacity, replay_first, replay_count;
    uint32_t memory_s;     /* how long an account's last ride matters: its interval */
    uint32_t refused_full; /* good codes turned away because the memory was full of such that could still be shown */
    int64_t lost_until;    /* a refill was larger than the memory: until then nobody rides */
    uint32_t clock;        /* order of use */
    uint8_t *tables;       /* borrowed: precomputed tables; may be NULL */
    yima_root_table root;
    struct {
        size_t offset;
        uint8_t window;
    } table_slots[YIMA_TRUSTED_ISSUERS]; /* window 0: there is no such slot */
    yima_trusted_issuer issuers[YIMA_TRUSTED_ISSUERS];
    yima_presentation shown[YIMA_DEBOUNCE_SLOTS];
} yima_validator;

/* Prepares a validator. memory: for used codes, aligned to 8 bytes, at least yima_memory_size(yima_memory_need(p)); it is
 * cleared. tables, aligned to 8 bytes, makes a root and issuers that are seen often cheaper; may be NULL, need not be
 * cleared. Half of it at most is the root's. */
yima_status yima_validator_init(yima_validator *v, const yima_parameters *p, yima_gate gate, void *memory,
                                size_t memory_size, void *tables, size_t tables_size);

/* Goes over to other parameters, or to none (NULL). What was used stays used; issuers are verified anew. Where they grant
 * time shifts, what the log tells is to be remembered again (the loop asks for it). Returns YIMA_MEMORY_TOO_SMALL, and
 * stays with those before, where the memory does not do for them. */
yima_status yima_validator_use(yima_validator *v, const yima_parameters *p);

/* Goes over to a larger memory, keeping what was used. The one before is not needed afterwards. */
yima_status yima_validator_move(yima_validator *v, void *memory, size_t memory_size);

/* Where a bus is now: another line, stop, direction; between two taps. A metro gate stands where it stands:
 * YIMA_BAD_ARGUMENT, as for a direction that is none. */
yima_status yima_validator_place(yima_validator *v, uint16_t line, uint16_t station, uint8_t direction);

/* Borrows a deny-list of national size, looked up beside the parameters' own; NULL: none. May be called at any time. */
void yima_validator_set_deny(yima_validator *v, const yima_deny *deny);

/* Judges one payload of any length. Never fails: every sequence of bytes has a verdict. */
void yima_judge(yima_validator *v, const uint8_t *code, size_t length, yima_moment now, yima_verdict *verdict);

/* The names of the rules that set the fare, joined by "+", e.g. "metro-distance+senior-half"; "" when refused. `out`
 * holds YIMA_RULE_TEXT_MAX bytes. Returns the length without the terminating zero. */
size_t yima_rule_text(const yima_parameters *p, const yima_verdict *verdict, char *out);

/* After NEEDS_RESOLVER, with what the device made of the issuer's answer: reason ACCEPTED and who vouched, or a refusal.
 * Completes `verdict`, which becomes the answer of this presentation; an accepted code is remembered, so that showing it
 * again is a repeat. `code` is what was judged. YIMA_BAD_ARGUMENT: the verdict asks for nothing, or is about another
 * code; nothing has changed. A verdict that was settled before is not accepted a second time. */
yima_status yima_settle(yima_validator *v, const uint8_t *code, size_t length, yima_moment now, yima_reason reason,
                        yima_vouched vouched, yima_verdict *verdict);

/* Takes back what an accepted verdict left in the memory: its record could not be made durable, the gate stays shut. */
void yima_retract(yima_validator *v, const yima_verdict *verdict);

/* After a restart, entry by entry in the order of the log: an accepted tap is put into the memory, an outcome that
 * reverses one takes it out. Whatever any clock says. Returns 1 if the entry was one of these. */
int yima_remember(yima_validator *v, const uint8_t *entry, size_t size);

/* The same for a code of a record without facts, as older devices wrote them. Returns 1, or 0 if the bytes are no code
 * of a family that is judged here. */
int yima_remember_code(yima_validator *v, const uint8_t *code, size_t length, int64_t accepted_at);

/* The device turns a verdict into a refusal of its own; what it left in the memory is yima_retract's. */
void yima_refuse(yima_verdict *verdict, yima_reason reason);

/* `verdict` is the answer of this code from now on, as long as it stays in view. */
void yima_answer(yima_validator *v, const uint8_t *code, size_t length, yima_moment now, const yima_verdict *verdict);

/* The device cannot serve now: takes back what the verdict left in the memory, refuses, and gives the same answer while
 * the code stays in view. `code` is what was judged. */
void yima_decline(yima_validator *v, const uint8_t *code, size_t length, yima_moment now, yima_reason reason,
                  yima_verdict *verdict);

/* For idle time: does at most one piece of useful work (builds a table for an issuer seen often, or for a root). Returns
 * 1 if it did. */
int yima_idle(yima_validator *v);

/* ---- The facts of a tap ---------------------------------------------------------------------------------------- */

enum { YIMA_PARAMETERS_DIGEST = 16 };

/* Names the parameters in facts: the first bytes of SM3 over the image. Looks at every byte, so do it once. */
void yima_parameters_digest(const yima_parameters *p, uint8_t digest[YIMA_PARAMETERS_DIGEST]);

/* The facts of a judged presentation, for yima_facts_write. run: how often this device has started. */
void yima_facts_of_tap(yima_facts *facts, const yima_validator *v, const yima_verdict *verdict, yima_moment now,
                       uint32_t run, const uint8_t parameters_digest[YIMA_PARAMETERS_DIGEST]);

/* ---- The trip record ------------------------------------------------------------------------------------------ */

/* What a terminal says of itself and of the ride; strings are borrowed, may be NULL (the tag is then left out). */
typedef struct {
    const char *vendor;        /* 0002 */
    const char *terminal;      /* 0003 */
    const char *software;      /* 0004 */
    const char *record_id;     /* 0005 */
    const char *merchant_type; /* 0006; NULL: of `mode`, 4131 for a bus, 4111 for a metro */
    const char *vehicle;       /* 000A */
    const char *plate;         /* 000B, UTF-8 */
    const char *driver;        /* 000C */
    const char *line;          /* 000D */
    const char *station;       /* 000E */
    const char *position;      /* 000F, "lat,lon" */
    uint32_t terminal_time;    /* 0010 */
    uint8_t mode;              /* yima_mode; of the gate */
} yima_trip;

/* Writes the ministry's trip record of an accepted ride: TLVs 0000 to 0011 and no others, 0011 being SM3 over all before
 * it. The amount (0009) is binary, 4 bytes, fen. What else is known of the tap is in its facts.
 * Returns its size, or 0 if the verdict is a refusal, `capacity` too small or a string longer than 255 bytes. */
size_t yima_record_write(uint8_t *out, size_t capacity, const uint8_t *code, size_t length, const yima_verdict *verdict,
                         const yima_trip *trip);

/* 1 if the bytes are a well-formed record whose 0011 agrees. */
int yima_record_check(const uint8_t *record, size_t size);

#ifdef __cplusplus
}
#endif
#endif
