/* entries.c - many entries a call, as columns: for whoever reads millions of them.
 *
 * Entries come as Arrow keeps binary values: one buffer of bytes, one of offsets (32 bits, native order). What goes
 * back is bytes that Arrow takes as columns: numbers of 64 bits, text as (offsets, characters). The interpreter's lock
 * is released while the core reads. Entries are hostile: what is none is a row of zeros, whose kind is 0. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binding.h"
#include "core/parameters.h"
#include "core/sm3.h"
#include "entries.h"

int yima_take_entries(yima_entries *entries, PyObject *bytes, PyObject *offsets) {
    memset(entries, 0, sizeof *entries);
    if (PyObject_GetBuffer(bytes, &entries->bytes, PyBUF_SIMPLE) < 0) {
        return 0;
    }
    if (PyObject_GetBuffer(offsets, &entries->places, PyBUF_SIMPLE) < 0) {
        PyBuffer_Release(&entries->bytes);
        return 0;
    }
    entries->offsets = entries->places.buf;
    entries->count = entries->places.len / (Py_ssize_t)sizeof *entries->offsets - 1;
    int good = entries->count >= 0 && entries->offsets[0] >= 0;
    for (Py_ssize_t i = 0; good && i < entries->count; i++) {
        good = entries->offsets[i] <= entries->offsets[i + 1];
    }
    if (!good || entries->offsets[entries->count] > entries->bytes.len) {
        PyErr_SetString(PyExc_ValueError, "offsets must ascend within the bytes");
        yima_release_entries(entries);
        return 0;
    }
    return 1;
}

void yima_release_entries(yima_entries *entries) {
    PyBuffer_Release(&entries->places);
    PyBuffer_Release(&entries->bytes);
}

int64_t *yima_new_column(PyObject *columns, const char *name, Py_ssize_t count) {
    PyObject *column = PyBytes_FromStringAndSize(NULL, count * (Py_ssize_t)sizeof(int64_t));
    char *bytes = NULL;
    if (column && PyDict_SetItemString(columns, name, column) == 0) {
        bytes = PyBytes_AsString(column); /* nobody else has seen it yet */
        memset(bytes, 0, (size_t)count * sizeof(int64_t));
    }
    Py_XDECREF(column);
    return (int64_t *)(void *)bytes;
}

int yima_text_room(yima_text *text, size_t more) {
    if (text->size + more > text->capacity) {
        const size_t capacity = (text->size + more) * 2;
        char *grown = realloc(text->characters, capacity);
        if (!grown) {
            return 0;
        }
        text->characters = grown;
        text->capacity = capacity;
    }
    return 1;
}

int yima_text_open(yima_text *text, Py_ssize_t count) {
    memset(text, 0, sizeof *text);
    text->offsets = calloc((size_t)count + 1, sizeof *text->offsets);
    return text->offsets && yima_text_room(text, 64);
}

int yima_text_give(yima_text *text, PyObject *columns, const char *name, Py_ssize_t count) {
    PyObject *both =
        Py_BuildValue("(y#y#)", (const char *)text->offsets, (count + 1) * (Py_ssize_t)sizeof *text->offsets,
                      text->characters, (Py_ssize_t)text->size);
    const int given = both && PyDict_SetItemString(columns, name, both) == 0;
    Py_XDECREF(both);
    return given;
}

void yima_text_close(yima_text *text) {
    free(text->offsets);
    free(text->characters);
}

static void hex(char *out, const uint8_t *bytes, size_t size) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
}

/* Appends bytes as hex; all zeros: nothing, which is how facts say that there is none. */
static int put_hex(yima_text *text, const uint8_t *bytes, size_t size) {
    uint8_t any = 0;
    for (size_t i = 0; i < size; i++) {
        any |= bytes[i];
    }
    if (any) {
        if (!yima_text_room(text, 2 * size)) {
            return 0;
        }
        hex(text->characters + text->size, bytes, size);
        text->size += 2 * size;
    }
    return 1;
}

static const char *const funders[] = {"NONE", "RIDING_CITY", "ISSUER_CITY", "OPERATOR", "REGION"};

enum { RULE_TEXT_MAX = 160 + 2 * YIMA_RULE_NAME_MAX };

/* The rules as JSON, keys ascending; a name is printable ASCII, of which JSON escapes two characters. */
static int put_rules(yima_text *text, const yima_tap_facts *tap) {
    if (!yima_text_room(text, 2 + YIMA_RULES * (size_t)RULE_TEXT_MAX)) {
        return 0;
    }
    text->characters[text->size++] = '[';
    for (unsigned i = 0; i < tap->rule_count; i++) {
        const yima_rule_facts *rule = &tap->rules[i];
        char name[2 * YIMA_RULE_NAME_MAX + 1];
        size_t length = 0;
        for (const char *c = rule->name; *c; c++) {
            if (*c == '"' || *c == '\\') {
                name[length++] = '\\';
            }
            name[length++] = *c;
        }
        name[length] = 0;
        const int written =
            snprintf(text->characters + text->size, RULE_TEXT_MAX,
                     "%s{\"fen\":%ld,\"funder\":\"%s\",\"funder_id\":%lu,\"kind\":%u,\"name\":\"%s\",\"number\":%u}",
                     i ? "," : "", (long)rule->fen, funders[rule->funder], (unsigned long)rule->funder_id,
                     (unsigned)rule->kind, name, (unsigned)rule->number);
        text->size += (size_t)written;
    }
    text->characters[text->size++] = ']';
    return 1;
}

/* clang-format off */
#define IS_NUMBER_U(x) x
#define IS_NUMBER_S(x) x
#define IS_NUMBER_B(x)
#define IS_NUMBER_Z(x)
#define COLUMN(form, member, offset, size, least, most, english, chinese) IS_NUMBER_##form(int64_t *member;)
#define MAKE(form, member, offset, size, least, most, english, chinese) \
    IS_NUMBER_##form(&& (c->member = yima_new_column(columns, #member, count)))
#define FILL(form, member, offset, size, least, most, english, chinese) IS_NUMBER_##form(c->member[row] = (int64_t)f->member;)
/* clang-format on */

typedef struct {
    YIMA_FACTS_HEAD(COLUMN)
    YIMA_FACTS_TAP(COLUMN)
    YIMA_FACTS_OUTCOME(COLUMN)
    yima_text parameters_digest, digest, account, rules;
} columns_of_facts;

static int make_columns(columns_of_facts *c, PyObject *columns, Py_ssize_t count) {
    memset(c, 0, sizeof *c);
    return yima_text_open(&c->parameters_digest, count) && yima_text_open(&c->digest, count) &&
           yima_text_open(&c->account, count) &&
           yima_text_open(&c->rules, count) YIMA_FACTS_HEAD(MAKE) YIMA_FACTS_TAP(MAKE) YIMA_FACTS_OUTCOME(MAKE);
}

static void fill_head(columns_of_facts *c, Py_ssize_t row, const yima_facts *f) {
    YIMA_FACTS_HEAD(FILL)
}

static int fill_tap(columns_of_facts *c, Py_ssize_t row, const yima_tap_facts *f) {
    YIMA_FACTS_TAP(FILL)
    return put_hex(&c->parameters_digest, f->parameters_digest, sizeof f->parameters_digest) &&
           put_hex(&c->digest, f->digest, sizeof f->digest) && put_hex(&c->account, f->account, sizeof f->account) &&
           put_rules(&c->rules, f);
}

static void fill_outcome(columns_of_facts *c, Py_ssize_t row, const yima_outcome_facts *f) {
    YIMA_FACTS_OUTCOME(FILL)
}

static int fill(columns_of_facts *c, const yima_entries *entries) {
    yima_text *const texts[] = {&c->parameters_digest, &c->digest, &c->account, &c->rules};
    int good = 1;
    for (Py_ssize_t row = 0; good && row < entries->count; row++) {
        yima_facts facts;
        if (yima_facts_read(&facts, yima_entry(entries, row), yima_entry_size(entries, row))) {
            fill_head(c, row, &facts);
            if (facts.kind == YIMA_TAP) {
                good = fill_tap(c, row, &facts.of.tap);
            } else if (facts.kind == YIMA_OUTCOME) {
                fill_outcome(c, row, &facts.of.outcome);
            }
        }
        for (int i = 0; i < 4; i++) {
            good = good && texts[i]->size <= INT32_MAX;
            texts[i]->offsets[row + 1] = (int32_t)texts[i]->size;
        }
    }
    return good;
}

static PyObject *core_entry_columns(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *bytes, *offsets;
    yima_entries entries;
    columns_of_facts c;
    if (!PyArg_ParseTuple(args, "OO", &bytes, &offsets) || !yima_take_entries(&entries, bytes, offsets)) {
        return NULL;
    }
    PyObject *columns = PyDict_New();
    int good = columns && make_columns(&c, columns, entries.count);
    if (good) {
        Py_BEGIN_ALLOW_THREADS;
        good = fill(&c, &entries);
        Py_END_ALLOW_THREADS;
    }
    good = good && yima_text_give(&c.parameters_digest, columns, "parameters_digest", entries.count) &&
           yima_text_give(&c.digest, columns, "digest", entries.count) &&
           yima_text_give(&c.account, columns, "account", entries.count) &&
           yima_text_give(&c.rules, columns, "rules", entries.count);
    if (columns) {
        yima_text_close(&c.parameters_digest);
        yima_text_close(&c.digest);
        yima_text_close(&c.account);
        yima_text_close(&c.rules);
    }
    yima_release_entries(&entries);
    if (!good) {
        Py_CLEAR(columns);
        return PyErr_Occurred() ? NULL : PyErr_NoMemory();
    }
    return columns;
}

/* SM3(previous ‖ length of device (2) ‖ device ‖ epoch (8) ‖ sequence (8) ‖ entry), the link of a journal's chain. */
static void hash_all(uint8_t *out, const yima_entries *entries, const yima_entries *devices, const yima_entries *before,
                     const int64_t *epochs, const int64_t *sequences) {
    for (Py_ssize_t row = 0; row < entries->count; row++) {
        const size_t device = yima_entry_size(devices, row);
        uint8_t numbers[16];
        uint8_t length[2];
        yima_sm3_state state;
        yima_put_number(length, 2, (uint32_t)device);
        yima_put_number(numbers, 4, (uint32_t)((uint64_t)epochs[row] >> 32));
        yima_put_number(numbers + 4, 4, (uint32_t)epochs[row]);
        yima_put_number(numbers + 8, 4, (uint32_t)((uint64_t)sequences[row] >> 32));
        yima_put_number(numbers + 12, 4, (uint32_t)sequences[row]);
        yima_sm3_init(&state);
        yima_sm3_update(&state, yima_entry(before, row), yima_entry_size(before, row));
        yima_sm3_update(&state, length, sizeof length);
        yima_sm3_update(&state, yima_entry(devices, row), device);
        yima_sm3_update(&state, numbers, sizeof numbers);
        yima_sm3_update(&state, yima_entry(entries, row), yima_entry_size(entries, row));
        yima_sm3_final(&state, out + 32 * row);
    }
}

static PyObject *core_entry_hashes(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *parts[6];
    Py_buffer epochs, sequences;
    yima_entries entries, devices, before;
    if (!PyArg_ParseTuple(args, "OOOOOOy*y*", &parts[0], &parts[1], &parts[2], &parts[3], &parts[4], &parts[5], &epochs,
                          &sequences)) {
        return NULL;
    }
    PyObject *hashes = NULL;
    if (yima_take_entries(&entries, parts[0], parts[1])) {
        if (yima_take_entries(&devices, parts[2], parts[3])) {
            if (yima_take_entries(&before, parts[4], parts[5])) {
                const Py_ssize_t numbers = entries.count * (Py_ssize_t)sizeof(int64_t);
                if (devices.count != entries.count || before.count != entries.count || epochs.len != numbers ||
                    sequences.len != numbers) {
                    PyErr_SetString(PyExc_ValueError, "columns of different lengths");
                } else if ((hashes = PyBytes_FromStringAndSize(NULL, 32 * entries.count))) {
                    uint8_t *out = (uint8_t *)PyBytes_AsString(hashes);
                    Py_BEGIN_ALLOW_THREADS;
                    hash_all(out, &entries, &devices, &before, epochs.buf, sequences.buf);
                    Py_END_ALLOW_THREADS;
                }
                yima_release_entries(&before);
            }
            yima_release_entries(&devices);
        }
        yima_release_entries(&entries);
    }
    PyBuffer_Release(&epochs);
    PyBuffer_Release(&sequences);
    return hashes;
}

PyMethodDef yima_entries_methods[] = {
    {"entry_columns", core_entry_columns, METH_VARARGS,
     "entry_columns(bytes, offsets) -> column by name of facts.def; text as (offsets, characters)"},
    {"entry_hashes", core_entry_hashes, METH_VARARGS,
     "entry_hashes(bytes, offsets, devices, offsets, previous, offsets, epochs, sequences) -> 32 bytes an entry"},
    {NULL, NULL, 0, NULL},
};
