/* judge_entries.h - what the type Judge keeps, and the two questions it answers; see judge.c. */
#ifndef YIMA_BINDING_JUDGE_ENTRIES_H
#define YIMA_BINDING_JUDGE_ENTRIES_H
#include "core/issuer_data.h"
#include "entries.h"

/* A validator trusts few issuers at a time, which is right for a gate; a centre sees those of a region. So there are
 * several for each set of parameters, and a code goes to one by its certificate's last byte. */
enum { YIMA_SHELVES = 8 };

typedef struct {
    yima_validator core;
    struct {
        yima_replay_entry entries[4];
        uint32_t index[16];
    } used;
    void *tables;
} yima_shelf;

typedef struct {
    Py_buffer image;
    yima_parameters parameters;
    uint32_t version;
    uint8_t digest[YIMA_PARAMETERS_DIGEST];
    yima_shelf *shelves[YIMA_SHELVES]; /* made when first needed */
} yima_package;

typedef struct {
    uint32_t version;
    PyObject *list;
    const yima_deny *deny;
} yima_deny_list;

typedef struct {
    PyObject_HEAD yima_package *packages;
    Py_ssize_t package_count;
    yima_deny_list *denies;
    Py_ssize_t deny_count;
    int instead; /* the one package is taken for every tap, whatever its facts name */
} yima_judge_object;

/* Columns of an answer; `applied` has a row for each rule of each tap. */
typedef struct {
    int64_t *intact, *reason, *gross, *fare, *transaction, *signatures, *issuer, *cap;
    int64_t *row, *place, *number, *kind, *fen, *funder, *funder_id;
    yima_text names;
    Py_ssize_t applied;
} yima_answers;

/* What the core says of every accepted tap. 0: memory is out. */
int yima_judge_all(yima_judge_object *self, yima_answers *a, const yima_entries *entries);

/* What every exit costs from an entry at that station and moment; nothing is verified again. 0: memory is out. */
int yima_price_all(yima_judge_object *self, yima_answers *a, const yima_entries *entries, const int64_t *stations,
                   const int64_t *moments);
#endif
