/* judge.c - the type yima.validator._core.Judge: the core judges many taps again, for whoever trusts no gate.
 *
 * It holds parameter images and deny-lists, by whose names taps are judged (judge_entries.c). The interpreter's lock is
 * released; one object is used by one thread at a time. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdlib.h>
#include <string.h>

#include "binding.h"
#include "core/parameters.h"
#include "judge_entries.h"

static void judge_dealloc(PyObject *object) {
    yima_judge_object *self = (yima_judge_object *)object;
    PyTypeObject *type = Py_TYPE(object);
    for (Py_ssize_t i = 0; i < self->package_count; i++) {
        for (int k = 0; k < YIMA_SHELVES; k++) {
            if (self->packages[i].shelves[k]) {
                free(self->packages[i].shelves[k]->tables);
                free(self->packages[i].shelves[k]);
            }
        }
        PyBuffer_Release(&self->packages[i].image);
    }
    for (Py_ssize_t i = 0; i < self->deny_count; i++) {
        Py_XDECREF(self->denies[i].list);
    }
    free(self->packages);
    free(self->denies);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(object);
    Py_DECREF(type);
}

static int take_package(yima_package *to, PyObject *image) {
    if (PyObject_GetBuffer(image, &to->image, PyBUF_SIMPLE) < 0 || !yima_open_parameters(&to->parameters, &to->image)) {
        return 0;
    }
    to->version = YIMA_VALUE(to->parameters.image, HEADER, VERSION);
    yima_parameters_digest(&to->parameters, to->digest);
    return 1;
}

static PyObject *judge_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    static char *names[] = {"images", "denies", "instead", NULL};
    PyObject *images;
    PyObject *denies;
    int instead = 0;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O!O!|p", names, &PyTuple_Type, &images, &PyTuple_Type, &denies,
                                     &instead)) {
        return NULL;
    }
    if (instead && PyTuple_Size(images) != 1) {
        PyErr_SetString(PyExc_ValueError, "one image is taken instead of those that taps name");
        return NULL;
    }
    yima_judge_object *self = (yima_judge_object *)((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
    if (!self) {
        return NULL;
    }
    self->instead = instead;
    const Py_ssize_t packages = PyTuple_Size(images);
    const Py_ssize_t lists = PyTuple_Size(denies);
    self->packages = calloc((size_t)packages + 1, sizeof *self->packages);
    self->denies = calloc((size_t)lists + 1, sizeof *self->denies);
    int good = self->packages && self->denies;
    if (!good) {
        PyErr_NoMemory();
    }
    for (; good && self->package_count < packages; self->package_count++) {
        good = take_package(&self->packages[self->package_count], PyTuple_GetItem(images, self->package_count));
    }
    for (; good && self->deny_count < lists; self->deny_count++) {
        yima_deny_list *deny = &self->denies[self->deny_count];
        PyObject *list = PyTuple_GetItem(denies, self->deny_count);
        deny->deny = yima_deny_of(list);
        good = deny->deny != NULL;
        if (good) {
            Py_INCREF(list);
            deny->list = list;
            deny->version = yima_deny_version(deny->deny);
        }
    }
    if (!good) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static int make_answers(yima_answers *a, PyObject *columns, Py_ssize_t count) {
    const Py_ssize_t rules = count * YIMA_RULES;
    memset(a, 0, sizeof *a);
    return yima_text_open(&a->names, rules) && (a->intact = yima_new_column(columns, "intact", count)) &&
           (a->reason = yima_new_column(columns, "reason", count)) &&
           (a->gross = yima_new_column(columns, "gross_fen", count)) &&
           (a->fare = yima_new_column(columns, "fare_fen", count)) &&
           (a->transaction = yima_new_column(columns, "transaction", count)) &&
           (a->signatures = yima_new_column(columns, "signatures", count)) &&
           (a->issuer = yima_new_column(columns, "issuer", count)) &&
           (a->cap = yima_new_column(columns, "cap_fen", count)) && (a->row = yima_new_column(columns, "row", rules)) &&
           (a->place = yima_new_column(columns, "place", rules)) &&
           (a->number = yima_new_column(columns, "number", rules)) &&
           (a->kind = yima_new_column(columns, "kind", rules)) && (a->fen = yima_new_column(columns, "fen", rules)) &&
           (a->funder = yima_new_column(columns, "funder", rules)) &&
           (a->funder_id = yima_new_column(columns, "funder_id", rules));
}

/* Columns of all entries; with `known` the fare from those entries, without it the whole judgement. */
static PyObject *answer(yima_judge_object *self, PyObject *bytes, PyObject *offsets, const Py_buffer *stations,
                        const Py_buffer *moments) {
    yima_entries entries;
    yima_answers a;
    if (!yima_take_entries(&entries, bytes, offsets)) {
        return NULL;
    }
    const Py_ssize_t numbers = entries.count * (Py_ssize_t)sizeof(int64_t);
    if (stations && (stations->len != numbers || moments->len != numbers)) {
        PyErr_SetString(PyExc_ValueError, "columns of different lengths");
        yima_release_entries(&entries);
        return NULL;
    }
    PyObject *columns = PyDict_New();
    int good = columns && make_answers(&a, columns, entries.count);
    if (good) {
        Py_BEGIN_ALLOW_THREADS;
        good = stations ? yima_price_all(self, &a, &entries, stations->buf, moments->buf)
                        : yima_judge_all(self, &a, &entries);
        Py_END_ALLOW_THREADS;
    }
    if (good) {
        PyObject *applied = PyLong_FromSsize_t(a.applied);
        good = applied && PyDict_SetItemString(columns, "applied", applied) == 0 &&
               yima_text_give(&a.names, columns, "name", a.applied);
        Py_XDECREF(applied);
    }
    if (columns) {
        yima_text_close(&a.names);
    }
    yima_release_entries(&entries);
    if (!good) {
        Py_CLEAR(columns);
        return PyErr_Occurred() ? NULL : PyErr_NoMemory();
    }
    return columns;
}

static PyObject *judge_judge(PyObject *self, PyObject *args) {
    PyObject *bytes, *offsets;
    return PyArg_ParseTuple(args, "OO", &bytes, &offsets)
               ? answer((yima_judge_object *)self, bytes, offsets, NULL, NULL)
               : NULL;
}

static PyObject *judge_price(PyObject *self, PyObject *args) {
    PyObject *bytes, *offsets;
    Py_buffer stations, moments;
    if (!PyArg_ParseTuple(args, "OOy*y*", &bytes, &offsets, &stations, &moments)) {
        return NULL;
    }
    PyObject *columns = answer((yima_judge_object *)self, bytes, offsets, &stations, &moments);
    PyBuffer_Release(&stations);
    PyBuffer_Release(&moments);
    return columns;
}

static PyObject *judge_packages(PyObject *object, void *unused) {
    (void)unused;
    const yima_judge_object *self = (yima_judge_object *)object;
    PyObject *tuple = PyTuple_New(self->package_count);
    for (Py_ssize_t i = 0; tuple && i < self->package_count; i++) {
        PyObject *row = Py_BuildValue("(Iy#)", (unsigned int)self->packages[i].version,
                                      (const char *)self->packages[i].digest, (Py_ssize_t)YIMA_PARAMETERS_DIGEST);
        if (!row) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SetItem(tuple, i, row);
        }
    }
    return tuple;
}

/* clang-format off */
static PyMethodDef judge_methods[] = {
    {"judge", judge_judge, METH_VARARGS, "judge(bytes, offsets) -> columns by name: what the core says of every accepted tap"},
    {"price", judge_price, METH_VARARGS,
     "price(bytes, offsets, stations, moments) -> columns by name: the fare of every exit from that entry"},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef judge_properties[] = {
    {"packages", judge_packages, NULL, "(version, digest) of each set of parameters", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot judge_slots[] = {
    {Py_tp_doc, "Judge(images, denies, instead=False): parameter images and deny-lists, by whose names taps are judged; "
                 "instead: under the one image, whatever they name"},
    {Py_tp_new, (void *)judge_new},
    {Py_tp_dealloc, (void *)judge_dealloc},
    {Py_tp_methods, judge_methods},
    {Py_tp_getset, judge_properties},
    {0, NULL},
};
/* clang-format on */

static PyType_Spec judge_spec = {
    .name = "yima.validator._core.Judge",
    .basicsize = sizeof(yima_judge_object),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = judge_slots,
};

PyObject *yima_judge_type(void) {
    return PyType_FromSpec(&judge_spec);
}
