/* deny.c - the type yima.validator._core.DenyList: a deny-list looked up in buffers that the caller keeps.
 *
 * It holds the buffers (a mapped file cannot be unmapped meanwhile) and never copies them. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "binding.h"

typedef struct {
    PyObject_HEAD Py_buffer buffers[YIMA_DENY_LAYERS]; /* of the layers; the first core.count of them are held */
    yima_deny core;
} DenyList;

static const char *problem(yima_deny_error error) {
    switch (error) {
    case YIMA_DENY_TRUNCATED:
        return "truncated";
    case YIMA_DENY_NOT_OURS:
        return "not a deny-list of this format";
    case YIMA_DENY_BAD_HEADER:
        return "impossible value or size";
    case YIMA_DENY_NOT_FULL:
        return "an increment where a full list belongs, or the other way round";
    case YIMA_DENY_OTHER_BASE:
        return "made for another state of the list";
    case YIMA_DENY_NOT_NEWER:
        return "not newer than what it was made for";
    case YIMA_DENY_OTHER_WORLD:
        return "of the other environment";
    case YIMA_DENY_TOO_MANY:
        return "one increment too many";
    case YIMA_DENY_BAD_ORDER:
        return "rows not in ascending order";
    case YIMA_DENY_BAD_INDEX:
        return "index astray";
    case YIMA_DENY_BAD_DIGEST:
        return "digest wrong";
    case YIMA_DENY_OK:
        break;
    }
    return "good";
}

/* 1, or 0 with ValueError(problem, file, offset) set. file: 0 the full list, 1 the first increment, ... */
static int good(yima_deny_error error, uint32_t file, size_t offset) {
    if (error == YIMA_DENY_OK) {
        return 1;
    }
    PyObject *arguments = Py_BuildValue("(sIn)", problem(error), (unsigned int)file, (Py_ssize_t)offset);
    if (arguments) {
        PyErr_SetObject(PyExc_ValueError, arguments);
        Py_DECREF(arguments);
    }
    return 0;
}

/* Takes the next file of the list. */
static int take(DenyList *self, PyObject *file) {
    const uint32_t number = self->core.count;
    Py_buffer buffer;
    size_t offset = 0;
    if (PyObject_GetBuffer(file, &buffer, PyBUF_SIMPLE) < 0) {
        return 0;
    }
    const yima_deny_error error = number ? yima_deny_add(&self->core, buffer.buf, (size_t)buffer.len, &offset)
                                         : yima_deny_open(&self->core, buffer.buf, (size_t)buffer.len, &offset);
    if (!good(error, number, offset)) {
        PyBuffer_Release(&buffer);
        return 0;
    }
    self->buffers[number] = buffer;
    return 1;
}

static PyObject *deny_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    if (keywords && PyDict_Size(keywords)) {
        PyErr_SetString(PyExc_TypeError, "DenyList takes the full list and its increments, without names");
        return NULL;
    }
    const Py_ssize_t files = PyTuple_Size(args);
    if (files < 1) {
        PyErr_SetString(PyExc_TypeError, "DenyList takes at least a full list");
        return NULL;
    }
    const allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    DenyList *self = (DenyList *)allocate(type, 0);
    for (Py_ssize_t i = 0; self && i < files; i++) {
        if (!take(self, PyTuple_GetItem(args, i))) {
            Py_CLEAR(self);
        }
    }
    return (PyObject *)self;
}

static void deny_dealloc(PyObject *object) {
    DenyList *self = (DenyList *)object;
    PyTypeObject *type = Py_TYPE(object);
    const freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    for (uint32_t i = 0; i < self->core.count; i++) {
        PyBuffer_Release(&self->buffers[i]);
    }
    release(object);
    Py_DECREF(type);
}

static PyObject *deny_has(PyObject *object, PyObject *account) {
    char *bytes;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(account, &bytes, &size) < 0) {
        return NULL;
    }
    if (size != YIMA_DENY_ACCOUNT_SIZE) {
        PyErr_Format(PyExc_ValueError, "a card account is %d bytes, not %zd", YIMA_DENY_ACCOUNT_SIZE, size);
        return NULL;
    }
    return PyBool_FromLong(yima_deny_has(&((DenyList *)object)->core, (const uint8_t *)bytes));
}

static PyObject *deny_verify(PyObject *object, PyObject *unused) {
    DenyList *self = (DenyList *)object;
    (void)unused;
    for (uint32_t i = 0; i < self->core.count; i++) {
        size_t offset = 0;
        yima_deny_error error;
        /* Half a second for ten million accounts; the buffer is held and never written. */
        Py_BEGIN_ALLOW_THREADS error = yima_deny_verify(self->buffers[i].buf, (size_t)self->buffers[i].len, &offset);
        Py_END_ALLOW_THREADS if (!good(error, i, offset)) {
            return NULL;
        }
    }
    Py_RETURN_NONE;
}

static PyObject *deny_version(PyObject *object, void *unused) {
    (void)unused;
    return PyLong_FromUnsignedLong(yima_deny_version(&((DenyList *)object)->core));
}

static PyObject *deny_issued_at(PyObject *object, void *unused) {
    (void)unused;
    return PyLong_FromUnsignedLong(yima_deny_issued_at(&((DenyList *)object)->core));
}

static PyObject *deny_environment(PyObject *object, void *unused) {
    (void)unused;
    return PyLong_FromLong(yima_deny_environment(&((DenyList *)object)->core));
}

static PyObject *deny_digest(PyObject *object, void *unused) {
    (void)unused;
    return PyBytes_FromStringAndSize((const char *)yima_deny_digest(&((DenyList *)object)->core),
                                     YIMA_DENY_DIGEST_SIZE);
}

static PyObject *deny_counts(PyObject *object, void *unused) {
    (void)unused;
    const yima_deny *d = &((DenyList *)object)->core;
    PyObject *list = PyList_New(0);
    for (uint32_t i = 0; list && i < d->count; i++) {
        const yima_deny_layer *layer = &d->layers[i];
        PyObject *row =
            Py_BuildValue("(IIII)", (unsigned int)layer->denied.count, (unsigned int)layer->allowed.count,
                          (unsigned int)layer->denied_ranges.count, (unsigned int)layer->allowed_ranges.count);
        if (!row || PyList_Append(list, row) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(row);
    }
    return list;
}

/* clang-format off */
static PyMethodDef deny_methods[] = {
    {"has", deny_has, METH_O, "has(account) -> bool: whether the card account of 10 bytes is denied"},
    {"verify", deny_verify, METH_NOARGS, "verify(): ValueError(problem, file, offset) unless every byte of every file is right"},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef deny_properties[] = {
    {"version", deny_version, NULL, "of the newest file", NULL},
    {"issued_at", deny_issued_at, NULL, "when the newest file was drawn up, unix seconds", NULL},
    {"environment", deny_environment, NULL, "1 production, 2 test", NULL},
    {"digest", deny_digest, NULL, "32 bytes that name this state of the list", NULL},
    {"counts", deny_counts, NULL, "a file: denied accounts, allowed accounts, denied ranges, allowed ranges", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot deny_slots[] = {
    {Py_tp_doc, "DenyList(full, *increments): buffers, read in place; ValueError(problem, file, offset)"},
    {Py_tp_new, (void *)deny_new},
    {Py_tp_dealloc, (void *)deny_dealloc},
    {Py_tp_methods, deny_methods},
    {Py_tp_getset, deny_properties},
    {0, NULL},
};
/* clang-format on */

static PyType_Spec deny_spec = {
    .name = "yima.validator._core.DenyList",
    .basicsize = sizeof(DenyList),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = deny_slots,
};

PyObject *yima_deny_type(void) {
    return PyType_FromSpec(&deny_spec);
}

const yima_deny *yima_deny_of(PyObject *object) {
    if (PyType_GetSlot(Py_TYPE(object), Py_tp_dealloc) != (void *)deny_dealloc) {
        PyErr_SetString(PyExc_TypeError, "not a DenyList");
        return NULL;
    }
    return &((DenyList *)object)->core;
}
