/* sm2.c - SM3 and SM2 verification for Python: the part of yima.validator._core that exposes the primitives.
 *
 * Every bytes-like object is accepted. A key that is none (wrong length or tag, a coordinate not below p, off the
 * curve) is a ValueError; a signature that does not hold is False, whatever its bytes. */
#include <Python.h>
#include <string.h>

#include "core/sm2.h"
#include "core/sm3.h"

/* One global of this file each way: the methods, and the call that readies the module. */
__attribute__((visibility("hidden"))) extern PyMethodDef yima_sm2_methods[];
__attribute__((visibility("hidden"))) int yima_sm2_module_init(PyObject *module);

typedef struct {
    PyObject_HEAD yima_sm2_key key;
    const yima_sm2_kernel *kernel;
    unsigned window; /* 0: no table */
    void *memory;    /* as allocated */
    void *table;     /* 64-byte aligned, within memory */
} KeyObject;

/* The kernels that run here, best first; asked once, when the module is made, since asking a virtual processor costs
 * more than a microsecond. */
static const yima_sm2_kernel *usable[4];

static const yima_sm2_kernel *kernel_named(const char *name) {
    if (name == NULL) return usable[0];
    for (const yima_sm2_kernel *const *k = usable; *k; k++)
        if (strcmp((*k)->name, name) == 0) return *k;
    PyErr_Format(PyExc_ValueError, "no SM2 kernel '%s' on this machine; sm2_kernels() lists them", name);
    return NULL;
}

/* 0 with an exception set if there is no kernel (the exception is already set then) or the bytes are no key. */
static int parse_key(yima_sm2_key *key, const yima_sm2_kernel *kernel, const Py_buffer *bytes) {
    if (kernel == NULL) return 0;
    if (kernel->parse_key(key, bytes->buf, (size_t)bytes->len)) return 1;
    PyErr_SetString(PyExc_ValueError,
                    "not a public key of sm2p256v1: 33 bytes (02 or 03, x), 64 (x, y) or 65 (04, x, y), on the curve");
    return 0;
}

static int check_length(const Py_buffer *bytes, Py_ssize_t length, const char *what) {
    if (bytes->len == length) return 1;
    PyErr_Format(PyExc_ValueError, "%s is %zd bytes, not %zd", what, length, bytes->len);
    return 0;
}

static int check_window(unsigned window) {
    if (yima_sm2_table_size(window)) return 1;
    PyErr_Format(PyExc_ValueError, "no table of window %u: 4 to 8", window);
    return 0;
}

static void *align(void *memory) {
    return (void *)(((uintptr_t)memory + 63) & ~(uintptr_t)63);
}

static PyObject *py_sm3(PyObject *self, PyObject *data) {
    Py_buffer bytes;
    uint8_t digest[32];
    (void)self;
    if (PyObject_GetBuffer(data, &bytes, PyBUF_SIMPLE) < 0) return NULL;
    yima_sm3(bytes.buf, (size_t)bytes.len, digest);
    PyBuffer_Release(&bytes);
    return PyBytes_FromStringAndSize((const char *)digest, sizeof digest);
}

static PyObject *py_kernels(PyObject *self, PyObject *none) {
    (void)self;
    (void)none;
    Py_ssize_t count = 0;
    while (usable[count]) count++;
    PyObject *names = PyTuple_New(count);
    for (Py_ssize_t i = 0; names && i < count; i++) {
        PyObject *name = PyUnicode_FromString(usable[i]->name);
        if (name == NULL) {
            Py_DECREF(names);
            return NULL;
        }
        (void)PyTuple_SetItem(names, i, name);
    }
    return names;
}

static PyObject *py_verify(PyObject *self, PyObject *args, PyObject *keywords) {
    static char *names[] = {"public", "message", "signature", "kernel", NULL};
    Py_buffer public, message, signature;
    const char *kernel_name = NULL;
    yima_sm2_key key;
    uint8_t e[32];
    PyObject *result = NULL;
    (void)self;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "y*y*y*|z", names, &public, &message, &signature, &kernel_name))
        return NULL;
    const yima_sm2_kernel *kernel = kernel_named(kernel_name);
    if (parse_key(&key, kernel, &public) && check_length(&signature, 64, "a signature")) {
        yima_sm2_digest(&key, message.buf, (size_t)message.len, e);
        result = PyBool_FromLong(kernel->verify(&key, e, signature.buf));
    }
    PyBuffer_Release(&public);
    PyBuffer_Release(&message);
    PyBuffer_Release(&signature);
    return result;
}

static PyObject *verify_digest(const Py_buffer *public, unsigned window, const Py_buffer *e, const Py_buffer *signature,
                               const char *kernel_name) {
    const yima_sm2_kernel *kernel = kernel_named(kernel_name);
    yima_sm2_key key;
    if (!parse_key(&key, kernel, public) || !check_length(e, 32, "a digest") ||
        !check_length(signature, 64, "a signature"))
        return NULL;
    if (window == 0) return PyBool_FromLong(kernel->verify(&key, e->buf, signature->buf));
    if (!check_window(window)) return NULL;
    void *memory = PyMem_Malloc(yima_sm2_table_size(window) + 63);
    if (memory == NULL) return PyErr_NoMemory();
    void *table = align(memory);
    kernel->build_table(table, window, &key);
    int valid = kernel->verify_table(table, window, e->buf, signature->buf);
    PyMem_Free(memory);
    return PyBool_FromLong(valid);
}

static PyObject *py_verify_digest(PyObject *self, PyObject *args, PyObject *keywords) {
    static char *names[] = {"public", "e", "signature", "kernel", NULL};
    Py_buffer public, e, signature;
    const char *kernel_name = NULL;
    (void)self;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "y*y*y*|z", names, &public, &e, &signature, &kernel_name))
        return NULL;
    PyObject *result = verify_digest(&public, 0, &e, &signature, kernel_name);
    PyBuffer_Release(&public);
    PyBuffer_Release(&e);
    PyBuffer_Release(&signature);
    return result;
}

static PyObject *py_verify_table(PyObject *self, PyObject *args, PyObject *keywords) {
    static char *names[] = {"public", "window", "e", "signature", "kernel", NULL};
    Py_buffer public, e, signature;
    int window;
    const char *kernel_name = NULL;
    PyObject *result = NULL;
    (void)self;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "y*iy*y*|z", names, &public, &window, &e, &signature,
                                     &kernel_name))
        return NULL;
    if (check_window((unsigned)window)) result = verify_digest(&public, (unsigned)window, &e, &signature, kernel_name);
    PyBuffer_Release(&public);
    PyBuffer_Release(&e);
    PyBuffer_Release(&signature);
    return result;
}

static PyObject *py_digest(PyObject *self, PyObject *args, PyObject *keywords) {
    static char *names[] = {"public", "message", NULL};
    Py_buffer public, message;
    yima_sm2_key key;
    uint8_t e[32];
    PyObject *result = NULL;
    (void)self;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "y*y*", names, &public, &message)) return NULL;
    if (parse_key(&key, usable[0], &public)) {
        yima_sm2_digest(&key, message.buf, (size_t)message.len, e);
        result = PyBytes_FromStringAndSize((const char *)e, sizeof e);
    }
    PyBuffer_Release(&public);
    PyBuffer_Release(&message);
    return result;
}

static PyObject *py_parse_key(PyObject *self, PyObject *args, PyObject *keywords) {
    static char *names[] = {"public", "kernel", NULL};
    Py_buffer public;
    const char *kernel_name = NULL;
    yima_sm2_key key;
    uint8_t xy[64];
    PyObject *result = NULL;
    (void)self;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "y*|z", names, &public, &kernel_name)) return NULL;
    const yima_sm2_kernel *kernel = kernel_named(kernel_name);
    if (parse_key(&key, kernel, &public)) {
        kernel->export_key(&key, xy);
        result = PyBytes_FromStringAndSize((const char *)xy, sizeof xy);
    }
    PyBuffer_Release(&public);
    return result;
}

static PyObject *key_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    static char *names[] = {"public", "table_window", "kernel", NULL};
    Py_buffer public;
    int window = 0;
    const char *kernel_name = NULL;
    yima_sm2_key key;
    KeyObject *self = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "y*|iz", names, &public, &window, &kernel_name)) return NULL;
    const yima_sm2_kernel *kernel = kernel_named(kernel_name);
    int good = parse_key(&key, kernel, &public) && (window == 0 || check_window((unsigned)window));
    PyBuffer_Release(&public);
    if (!good) return NULL;
    self = (KeyObject *)PyType_GenericAlloc(type, 0);
    if (self == NULL) return NULL;
    self->key = key;
    self->kernel = kernel;
    self->window = (unsigned)window;
    if (window) {
        self->memory = PyMem_Malloc(yima_sm2_table_size((unsigned)window) + 63);
        if (self->memory == NULL) {
            Py_DECREF(self);
            return PyErr_NoMemory();
        }
        self->table = align(self->memory);
        kernel->build_table(self->table, (unsigned)window, &key);
    }
    return (PyObject *)self;
}

static void key_dealloc(PyObject *object) {
    KeyObject *self = (KeyObject *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyMem_Free(self->memory);
    PyObject_Free(object);
    Py_DECREF(type);
}

static PyObject *key_verify(PyObject *object, PyObject *const *args, Py_ssize_t count) {
    KeyObject *self = (KeyObject *)object;
    Py_buffer message, signature;
    uint8_t e[32];
    PyObject *result = NULL;
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "verify(message, signature) takes two arguments");
        return NULL;
    }
    if (PyObject_GetBuffer(args[0], &message, PyBUF_SIMPLE) < 0) return NULL;
    if (PyObject_GetBuffer(args[1], &signature, PyBUF_SIMPLE) < 0) {
        PyBuffer_Release(&message);
        return NULL;
    }
    if (check_length(&signature, 64, "a signature")) {
        yima_sm2_digest(&self->key, message.buf, (size_t)message.len, e);
        int valid = self->window ? self->kernel->verify_table(self->table, self->window, e, signature.buf)
                                 : self->kernel->verify(&self->key, e, signature.buf);
        result = PyBool_FromLong(valid);
    }
    PyBuffer_Release(&message);
    PyBuffer_Release(&signature);
    return result;
}

static PyMethodDef key_methods[] = {
    {"verify", (PyCFunction)(void (*)(void))key_verify, METH_FASTCALL,
     "verify(message, signature) -> bool: whether r||s is this key's signature over the message"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot key_slots[] = {
    {Py_tp_doc,
     "Sm2Key(public, table_window=0, kernel=None): a parsed key, with a table if a window of 4 to 8 is given"},
    {Py_tp_new, (void *)key_new},
    {Py_tp_dealloc, (void *)key_dealloc},
    {Py_tp_methods, key_methods},
    {0, NULL},
};

static PyType_Spec key_spec = {
    .name = "yima.validator._core.Sm2Key",
    .basicsize = sizeof(KeyObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = key_slots,
};

#define WITH_KEYWORDS(function) (PyCFunction)(void (*)(void))(function), METH_VARARGS | METH_KEYWORDS

PyMethodDef yima_sm2_methods[] = {
    {"sm3", py_sm3, METH_O, "sm3(data) -> bytes: the SM3 hash, 32 bytes"},
    {"sm2_kernels", py_kernels, METH_NOARGS, "sm2_kernels() -> tuple: names of the kernels that run here, best first"},
    {"sm2_verify", WITH_KEYWORDS(py_verify), "sm2_verify(public, message, signature, kernel=None) -> bool"},
    {"sm2_verify_digest", WITH_KEYWORDS(py_verify_digest),
     "sm2_verify_digest(public, e, signature, kernel=None) -> bool"},
    {"sm2_verify_table", WITH_KEYWORDS(py_verify_table),
     "sm2_verify_table(public, window, e, signature, kernel=None) -> bool: builds a table and verifies through it"},
    {"sm2_digest", WITH_KEYWORDS(py_digest), "sm2_digest(public, message) -> bytes: e = SM3(Z || message)"},
    {"sm2_parse_key", WITH_KEYWORDS(py_parse_key), "sm2_parse_key(public, kernel=None) -> bytes: x and y, 64 bytes"},
    {NULL, NULL, 0, NULL},
};

int yima_sm2_module_init(PyObject *module) {
    size_t count = 0;
    for (const yima_sm2_kernel *const *k = yima_sm2_kernels(); *k; k++)
        if ((*k)->available()) usable[count++] = *k;
    PyObject *type = PyType_FromModuleAndSpec(module, &key_spec, NULL);
    if (type == NULL) return -1;
    int status = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return status;
}
