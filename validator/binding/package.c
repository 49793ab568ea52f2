/* package.c - signed packages for Python: the part of yima.validator._core that opens and checks them.
 *
 * Every bytes-like object is accepted and read in place. A package that is none is an answer, not an exception. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "binding.h"
#include "core/package.h"

static PyObject *bytes_of(const uint8_t *bytes, size_t size) {
    return PyBytes_FromStringAndSize((const char *)bytes, (Py_ssize_t)size);
}

/* A tuple of the first `part` bytes of each of `count` rows. */
static PyObject *rows_of(const uint8_t *rows, unsigned count, size_t row, size_t part) {
    PyObject *items[YIMA_PACKAGE_KEYS_MAX];
    for (unsigned i = 0; i < count; i++) items[i] = bytes_of(rows + i * row, part);
    return yima_tuple_of(items, (Py_ssize_t)count);
}

static PyObject *py_package_open(PyObject *self, PyObject *data) {
    Py_buffer bytes;
    yima_package p;
    size_t offset = 0;
    (void)self;
    if (PyObject_GetBuffer(data, &bytes, PyBUF_SIMPLE) < 0) return NULL;
    const uint8_t *const start = bytes.buf;
    const yima_package_error error = yima_package_open(&p, start, (size_t)bytes.len, &offset);
    PyObject *result;
    if (error != YIMA_PACKAGE_OK) {
        result = Py_BuildValue("(inO)", (int)error, (Py_ssize_t)offset, Py_None);
    } else {
        PyObject *const items[] = {
            PyLong_FromLong(p.environment),
            PyLong_FromLong(p.kind),
            PyLong_FromUnsignedLong(p.city),
            PyLong_FromUnsignedLong(p.version),
            PyLong_FromUnsignedLong(p.previous),
            PyLong_FromLongLong(p.not_before),
            PyLong_FromLongLong(p.expiry),
            bytes_of(p.digest, 32),
            bytes_of(p.base, YIMA_PACKAGE_ID),
            PyLong_FromLong(p.needed),
            PyBool_FromLong(p.replaces),
            rows_of(p.keys, p.key_count, YIMA_PACKAGE_KEY, YIMA_PACKAGE_KEY),
            rows_of(p.signatures, p.signature_count, YIMA_PACKAGE_SIGNATURE, YIMA_PACKAGE_KEY_ID),
            bytes_of(p.id, YIMA_PACKAGE_ID),
            PyLong_FromSsize_t(p.image - start),
            PyLong_FromSize_t(p.image_size),
            bytes_of(p.parts, p.part_count * YIMA_PACKAGE_PART),
        };
        PyObject *fields = yima_tuple_of(items, sizeof items / sizeof *items);
        result = fields ? Py_BuildValue("(inN)", (int)error, (Py_ssize_t)0, fields) : NULL;
    }
    PyBuffer_Release(&bytes);
    return result;
}

/* 1 if the id is there and whole or may be left out and is; else 0 with ValueError set. */
static int id_fits(const char *id, Py_ssize_t size, int may_lack) {
    if (id ? size == YIMA_PACKAGE_ID : may_lack) return 1;
    PyErr_SetString(PyExc_ValueError, "the id of a package has 32 bytes");
    return 0;
}

/* Fills the trust from the tuple (environment, deny_chain, city, keys, needed, newest, newest_id, waiting, active_id);
 * the views into it are borrowed from the tuple. */
static int trust_of(PyObject *tuple, yima_package_trust *trust) {
    const char *keys;
    const char *newest_id;
    const char *active_id;
    Py_ssize_t keys_size;
    Py_ssize_t newest_size;
    Py_ssize_t active_size;
    int deny_chain;
    unsigned int city;
    unsigned int newest;
    unsigned int waiting;
    if (!PyArg_ParseTuple(tuple, "bpIy#bIz#Iz#", &trust->environment, &deny_chain, &city, &keys, &keys_size,
                          &trust->needed, &newest, &newest_id, &newest_size, &waiting, &active_id, &active_size)) {
        return 0;
    }
    if (keys_size % YIMA_PACKAGE_KEY || keys_size > YIMA_PACKAGE_KEY * YIMA_PACKAGE_KEYS_MAX) {
        PyErr_SetString(PyExc_ValueError, "trusted keys are 0 to 16 times 33 bytes");
        return 0;
    }
    if (!id_fits(newest_id, newest_size, newest == 0) || !id_fits(active_id, active_size, 1)) return 0;
    trust->deny_chain = (uint8_t)deny_chain;
    trust->city = city;
    trust->keys = (const uint8_t *)keys;
    trust->key_count = (uint8_t)(keys_size / YIMA_PACKAGE_KEY);
    trust->newest = newest;
    trust->waiting = waiting;
    trust->newest_id = (const uint8_t *)newest_id;
    trust->active_id = (const uint8_t *)active_id;
    return 1;
}

static PyObject *py_package_check(PyObject *self, PyObject *args) {
    PyObject *data;
    PyObject *tuple;
    long long now;
    yima_package p;
    yima_package_trust trust;
    Py_buffer bytes;
    (void)self;
    if (!PyArg_ParseTuple(args, "OO!L", &data, &PyTuple_Type, &tuple, &now) || !trust_of(tuple, &trust) ||
        PyObject_GetBuffer(data, &bytes, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    yima_package_error error;
    /* A national deny-list takes half a second to hash. */
    Py_BEGIN_ALLOW_THREADS;
    error = yima_package_open(&p, bytes.buf, (size_t)bytes.len, NULL);
    if (error == YIMA_PACKAGE_OK) error = yima_package_check(&p, &trust, now);
    Py_END_ALLOW_THREADS;
    PyBuffer_Release(&bytes);
    return PyLong_FromLong(error);
}

static PyObject *py_package_image_intact(PyObject *self, PyObject *data) {
    Py_buffer bytes;
    yima_package p;
    int intact;
    (void)self;
    if (PyObject_GetBuffer(data, &bytes, PyBUF_SIMPLE) < 0) return NULL;
    Py_BEGIN_ALLOW_THREADS;
    intact =
        yima_package_open(&p, bytes.buf, (size_t)bytes.len, NULL) == YIMA_PACKAGE_OK && yima_package_image_intact(&p);
    Py_END_ALLOW_THREADS;
    PyBuffer_Release(&bytes);
    return PyBool_FromLong(intact);
}

static PyObject *py_package_size(PyObject *self, PyObject *data) {
    Py_buffer bytes;
    (void)self;
    if (PyObject_GetBuffer(data, &bytes, PyBUF_SIMPLE) < 0) return NULL;
    const uint64_t size = yima_package_size(bytes.buf, (size_t)bytes.len);
    PyBuffer_Release(&bytes);
    return PyLong_FromUnsignedLongLong(size);
}

static PyObject *py_package_standing(PyObject *self, PyObject *args) {
    long long not_before;
    long long expiry;
    long long now;
    unsigned int alarm_s;
    unsigned int grace_s;
    (void)self;
    if (!PyArg_ParseTuple(args, "LLLII", &not_before, &expiry, &now, &alarm_s, &grace_s)) return NULL;
    return PyLong_FromLong(yima_package_standing(not_before, expiry, now, alarm_s, grace_s));
}

static PyMethodDef package_methods[] = {
    {"package_open", py_package_open, METH_O,
     "package_open(data) -> (error, offset, fields or None): its form, nothing of it trusted"},
    {"package_check", py_package_check, METH_VARARGS, "package_check(data, trust, now) -> error"},
    {"package_image_intact", py_package_image_intact, METH_O, "package_image_intact(data) -> bool"},
    {"package_size", py_package_size, METH_O, "package_size(first bytes) -> bytes of the whole, 0 if they do not tell"},
    {"package_standing", py_package_standing, METH_VARARGS,
     "package_standing(not_before, expiry, now, alarm_s, grace_s) -> standing"},
    {NULL, NULL, 0, NULL},
};

int yima_package_module_init(PyObject *module) {
    PyObject *items[YIMA_PACKAGE_ERROR_COUNT];
    for (int i = 0; i < YIMA_PACKAGE_ERROR_COUNT; i++)
        items[i] = PyUnicode_FromString(yima_package_error_name((yima_package_error)i));
    PyObject *names = yima_tuple_of(items, YIMA_PACKAGE_ERROR_COUNT);
    const int result = names ? PyModule_AddObjectRef(module, "PACKAGE_ERRORS", names) : -1;
    Py_XDECREF(names);
    return result < 0 ? -1 : PyModule_AddFunctions(module, package_methods);
}
