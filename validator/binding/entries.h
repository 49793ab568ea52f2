/* entries.h - what the files that take many entries a call share: Arrow's binary values in, columns out. */
#ifndef YIMA_BINDING_ENTRIES_H
#define YIMA_BINDING_ENTRIES_H
#include <Python.h>

#include "yima/core.h"

/* Values one behind the other; value i lies from offsets[i] to offsets[i + 1]. */
typedef struct {
    Py_buffer bytes, places;
    const int32_t *offsets;
    Py_ssize_t count;
} yima_entries;

/* Borrows and checks both buffers; 0 with an error set. */
int yima_take_entries(yima_entries *entries, PyObject *bytes, PyObject *offsets);
void yima_release_entries(yima_entries *entries);

static inline const uint8_t *yima_entry(const yima_entries *entries, Py_ssize_t row) {
    return (const uint8_t *)entries->bytes.buf + entries->offsets[row];
}

static inline size_t yima_entry_size(const yima_entries *entries, Py_ssize_t row) {
    return (size_t)(entries->offsets[row + 1] - entries->offsets[row]);
}

/* A column of zeros under its name; NULL with an error set. It is the dictionary's. */
int64_t *yima_new_column(PyObject *columns, const char *name, Py_ssize_t count);

/* A column of text in the making; it may grow without the interpreter's lock. */
typedef struct {
    int32_t *offsets;
    char *characters;
    size_t size, capacity;
} yima_text;

int yima_text_open(yima_text *text, Py_ssize_t count);
int yima_text_room(yima_text *text, size_t more);
int yima_text_give(yima_text *text, PyObject *columns, const char *name, Py_ssize_t count);
void yima_text_close(yima_text *text);
#endif
