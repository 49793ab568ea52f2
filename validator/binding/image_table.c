/* image_table.c - parameters.def as data: the table PARAMETER_IMAGE of the module. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "binding.h"
#include "yima/core.h"

typedef struct {
    const char *name;
    unsigned offset;
    unsigned bytes;
    const char *form;
    uint32_t least;
    uint32_t most;
    const char *meaning;
} field_row;

typedef struct {
    unsigned number; /* 0: a part */
    const char *name;
    unsigned row;
    unsigned key;
    const char *rows;
    const char *meaning;
    const field_row *fields; /* up to one without a name */
} section_row;

/* clang-format off */
#define LEAST(least, most) (least)
#define MOST(least, most) (most)
#define YIMA_PART(name, bytes, meaning) static const field_row name##_fields[] = {
#define YIMA_SECTION(number, name, row, key, rows, meaning) static const field_row name##_fields[] = {
#define YIMA_FIELD(section, name, offset, bytes, form, range, meaning) \
    {#name, (offset), (bytes), #form, LEAST range, MOST range, meaning},
#define YIMA_END(name) {NULL, 0, 0, NULL, 0, 0, NULL}};
#include "core/parameters.def"

static const section_row sections[] = {
#define YIMA_PART(name, bytes, meaning) {0, #name, (bytes), 0, "", meaning, name##_fields},
#define YIMA_SECTION(number, name, row, key, rows, meaning) \
    {(number), #name, (row), (key), #rows, meaning, name##_fields},
#define YIMA_FIELD(section, name, offset, bytes, form, range, meaning)
#define YIMA_END(name)
#include "core/parameters.def"
};
/* clang-format on */

static PyObject *fields_tuple(const field_row *fields) {
    Py_ssize_t count = 0;
    while (fields[count].name) {
        count++;
    }
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t i = 0; tuple && i < count; i++) {
        const field_row *field = fields + i;
        PyObject *row = Py_BuildValue("(sIIsIIs)", field->name, field->offset, field->bytes, field->form,
                                      (unsigned)field->least, (unsigned)field->most, field->meaning);
        if (!row) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SetItem(tuple, i, row);
        }
    }
    return tuple;
}

PyObject *yima_image_table(void) {
    const Py_ssize_t count = sizeof sections / sizeof *sections;
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t i = 0; tuple && i < count; i++) {
        const section_row *section = sections + i;
        PyObject *row = Py_BuildValue("(IsIIssN)", section->number, section->name, section->row, section->key,
                                      section->rows, section->meaning, fields_tuple(section->fields));
        if (!row) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SetItem(tuple, i, row);
        }
    }
    return tuple;
}

static const char *parameters_problem(yima_parameters_error error) {
    switch (error) {
    case YIMA_PARAMETERS_TRUNCATED:
        return "truncated";
    case YIMA_PARAMETERS_NOT_OURS:
        return "not a parameter image of this format";
    case YIMA_PARAMETERS_BAD_SECTION:
        return "bad section";
    case YIMA_PARAMETERS_UNSORTED:
        return "rows not in ascending order";
    case YIMA_PARAMETERS_BAD_VALUE:
        return "impossible value";
    case YIMA_PARAMETERS_OK:
        break;
    }
    return "good";
}

int yima_open_parameters(yima_parameters *parameters, const Py_buffer *image) {
    size_t offset;
    const yima_parameters_error error = yima_parameters_open(parameters, image->buf, (size_t)image->len, &offset);
    if (error != YIMA_PARAMETERS_OK) {
        PyErr_Format(PyExc_ValueError, "%s at byte %zu", parameters_problem(error), offset);
    }
    return error == YIMA_PARAMETERS_OK;
}
