/* judge.h - private: one code on its way through the stages, as the judge and the files of the families share it.
 *
 * A family's file knows its form and its signatures: how to open a code, the stages up to the rider's signature, and
 * what names the code. It fills the claim; time, permission and repetition are judged from the claim alone (judge.c),
 * alike for every family, so a rule in the parameters holds for all of them. */
#ifndef YIMA_JUDGE_H
#define YIMA_JUDGE_H
#include "bytes.h"
#include "issuer_data.h"
#include "sm2.h"
#include "yima/core.h"

enum {
    YIMA_SUISHEN_BODY = 211,         /* decoded bytes of its transit form */
    YIMA_NO_CAP = 0x7fffffff,        /* the code says nothing of a cap */
    YIMA_ACCOUNT_TYPE_SUISHEN = 0xa0 /* its user type n is account type a0 + n in concessions: never the ministry's n */
};

/* What a code says of the ride it asks for; set by `open`, true only once the signatures are. */
typedef struct {
    const uint8_t *institution;  /* fields 6 and 7, 8 bytes, for the whitelist and its time shifts; NULL: see below */
    uint32_t city;               /* the issuer's; 0: accepted everywhere. With an institution the whitelist says it. */
    uint8_t modes;               /* the same; 0: the code is not for this mode */
    const uint8_t *card_account; /* 10 bytes */
    uint8_t account_type;
    uint32_t cap_fen;
    uint32_t authorised_until; /* unix seconds */
    uint32_t generated_at;     /* unix seconds */
    uint32_t validity_s;
    const uint8_t *issuer_data; /* field 14, for the issuer's decoder; set where an institution is */
    uint8_t issuer_data_size;
} yima_claim;

typedef struct yima_family_judge yima_family_judge;

typedef struct {
    yima_validator *v;
    const yima_family_judge *own; /* the family's stages; NULL: nobody here can judge it */
    const uint8_t *code;          /* where the family's layout begins: the unified form's first byte is left out */
    size_t length;                /* from there on */
    uint8_t data;                 /* ministry code, field 13: what fields after 14 are moved by */
    int64_t now;                  /* 0 to 2^32 - 1 */
    int trusted_time;
    int slot; /* of the issuer in the cache, -1: not in it */
    yima_sm2_key issuer;
    yima_claim claim;
    const yima_entry_data *known_entry; /* who prices anew knows the entry; NULL: it is read from the issuer's data */
    uint8_t body[YIMA_SUISHEN_BODY];
    uint8_t pseudo_account[10];
    yima_verdict *verdict;
} yima_judgement;

/* A code on its way, nothing of it read yet but its family. */
yima_judgement yima_judgement_of(yima_validator *v, yima_family family, const uint8_t *code, size_t length);

typedef yima_reason yima_stage_judge(yima_judgement *j);

/* A stage that is NULL is not reached: codes that only their issuer can verify have none but their format. */
struct yima_family_judge {
    yima_stage_judge *open;   /* sizes and places, and with them the claim; asks no key, changes nothing */
    yima_stage_judge *format; /* opens, and what else can be wrong with the form */
    yima_stage_judge *certificate;
    yima_stage_judge *issuer_signature;
    yima_stage_judge *rider_signature;
    yima_stage_judge *permission; /* the family's own, before those of all; NULL: it has none */
    /* Of an opened code: what names it among all codes. 0 if it cannot be had. The signatures' stages set it too. */
    int (*digest)(yima_judgement *j, uint8_t digest[32]);
};

extern const yima_family_judge yima_ministry_judge;
extern const yima_family_judge yima_ministry_226_judge;
extern const yima_family_judge yima_suishen_judge;
extern const yima_family_judge yima_resolved_judge;

/* All times of a code are 32 bits, so nothing is lost, and no arithmetic on a time can overflow. */
int64_t yima_bounded(int64_t unix_s);

/* The last second at which an opened code can be accepted, whatever shift its institution is granted: forgetting it
 * earlier would let it be shown again. */
int64_t yima_last_second(const yima_judgement *j);

/* What is in view, with its answer (presentation.c). */
void yima_show(yima_validator *v, const uint8_t *code, size_t length, uint64_t tick_ms, const yima_verdict *verdict);

/* A presentation seen again: its answer, which opens nothing. 0: it is none. */
int yima_shown_again(yima_validator *v, const uint8_t *code, size_t length, uint64_t tick_ms, yima_verdict *verdict);

/* The answer that is shown for this code goes; what another phone shows stays. */
void yima_unshow(yima_validator *v, const yima_verdict *verdict);
#endif
