/* validator.c - the type yima.validator._core.Validator.
 *
 * It holds its own buffers and a reference to the image that the core reads in place. The GIL is kept: a judgement
 * takes some 100 microseconds, and one object is used by one thread at a time. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <string.h>

#include "binding.h"
#include "core/sm2.h"
#include "core/trust.h"

typedef struct {
    PyObject_HEAD Py_buffer image; /* the core reads it in place, from memory or a mapped file */
    yima_parameters parameters;
    PyObject *deny; /* the DenyList that the core borrows, or NULL */
    void *memory;
    void *tables;
    yima_verdict asked; /* the last that needs a resolver, whole */
    uint8_t parameters_digest[YIMA_PARAMETERS_DIGEST];
    yima_validator core;
} Validator;

static const yima_sm2_kernel *kernel_named(const char *name) {
    for (const yima_sm2_kernel *const *kernel = yima_sm2_kernels(); *kernel; kernel++) {
        if (strcmp((*kernel)->name, name) == 0 && (*kernel)->available()) {
            return *kernel;
        }
    }
    PyErr_Format(PyExc_ValueError, "no kernel '%s' on this machine", name);
    return NULL;
}

/* Memory for as many used codes as the parameters need, or as were asked for; NULL with an error set. */
static void *memory_for(const yima_parameters *p, Py_ssize_t entries, size_t *size) {
    const uint32_t need = yima_memory_need(p);
    if (entries && (entries < (Py_ssize_t)need || entries > YIMA_MEMORY_MAX)) {
        PyErr_Format(PyExc_ValueError, "these parameters need a memory of %u used codes, not of %zd", need, entries);
        return NULL;
    }
    *size = yima_memory_size(entries ? (uint32_t)entries : need);
    void *memory = PyMem_Malloc(*size);
    return memory ? memory : PyErr_NoMemory();
}

static PyObject *validator_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    static char *names[] = {"image", "mode",    "city",      "memory_entries", "table_bytes", "kernel",
                            "line",  "station", "direction", "operator",       NULL};
    PyObject *image;
    yima_gate gate = {.direction = YIMA_DIRECTION_NONE};
    unsigned int city, operator_id = 0;
    unsigned short line = 0, station = 0;
    Py_ssize_t entries, table_bytes;
    size_t memory_size = 0;
    const char *kernel_name = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "ObInn|zHHbI", names, &image, &gate.mode, &city, &entries,
                                     &table_bytes, &kernel_name, &line, &station, &gate.direction, &operator_id)) {
        return NULL;
    }
    gate.line = line;
    gate.station = station;
    gate.city = city;
    gate.operator_id = operator_id;
    if (entries < 0 || table_bytes < 0) {
        PyErr_SetString(PyExc_ValueError, "memory_entries and table_bytes are at least 0");
        return NULL;
    }
    const yima_sm2_kernel *kernel = kernel_name ? kernel_named(kernel_name) : yima_sm2_best();
    if (!kernel) {
        return NULL;
    }
    const allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Validator *self = (Validator *)allocate(type, 0);
    if (!self) {
        return NULL;
    }
    if (PyObject_GetBuffer(image, &self->image, PyBUF_SIMPLE) < 0 ||
        !yima_open_parameters(&self->parameters, &self->image)) {
        Py_DECREF(self);
        return NULL;
    }
    self->memory = memory_for(&self->parameters, entries, &memory_size);
    self->tables = table_bytes ? PyMem_Malloc((size_t)table_bytes) : NULL;
    if (!self->memory || (table_bytes && !self->tables)) {
        Py_DECREF(self);
        return PyErr_Occurred() ? NULL : PyErr_NoMemory();
    }
    if (yima_validator_init(&self->core, &self->parameters, gate, self->memory, memory_size, self->tables,
                            (size_t)table_bytes) != YIMA_OK) {
        PyErr_SetString(PyExc_ValueError, "mode must be 1 or 2, direction 0 to 2");
        Py_DECREF(self);
        return NULL;
    }
    yima_parameters_digest(&self->parameters, self->parameters_digest);
    self->core.kernel = kernel;
    return (PyObject *)self;
}

/* Other parameters. What was used stays used, in a larger memory if it takes one. */
static PyObject *validator_use(PyObject *object, PyObject *image) {
    Validator *self = (Validator *)object;
    Py_buffer buffer;
    yima_parameters parameters;
    if (PyObject_GetBuffer(image, &buffer, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    if (!yima_open_parameters(&parameters, &buffer)) {
        PyBuffer_Release(&buffer);
        return NULL;
    }
    if (self->core.replay_capacity < yima_memory_need(&parameters)) {
        size_t size;
        void *memory = memory_for(&parameters, 0, &size);
        if (!memory) {
            PyBuffer_Release(&buffer);
            return NULL;
        }
        yima_validator_move(&self->core, memory, size);
        PyMem_Free(self->memory);
        self->memory = memory;
    }
    PyBuffer_Release(&self->image);
    self->image = buffer;
    self->parameters = parameters;
    yima_parameters_digest(&self->parameters, self->parameters_digest);
    yima_validator_use(&self->core, &self->parameters); /* the memory does for them */
    Py_RETURN_NONE;
}

static void validator_dealloc(PyObject *object) {
    Validator *self = (Validator *)object;
    PyTypeObject *type = Py_TYPE(object);
    const freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    PyMem_Free(self->memory);
    PyMem_Free(self->tables);
    PyBuffer_Release(&self->image);
    Py_XDECREF(self->deny);
    release(object);
    Py_DECREF(type);
}

static PyObject *validator_set_deny(PyObject *object, PyObject *list) {
    Validator *self = (Validator *)object;
    const yima_deny *deny = list == Py_None ? NULL : yima_deny_of(list);
    if (!deny && list != Py_None) {
        return NULL;
    }
    PyObject *before = self->deny;
    Py_XINCREF(deny ? list : NULL);
    self->deny = deny ? list : NULL;
    yima_validator_set_deny(&self->core, deny);
    Py_XDECREF(before);
    Py_RETURN_NONE;
}

/* On the way of every tap, hence without a format string to interpret. */
static PyObject *validator_judge(PyObject *object, PyObject *const *args, Py_ssize_t count) {
    Validator *self = (Validator *)object;
    char *code;
    Py_ssize_t length;
    if (count != 4) {
        PyErr_SetString(PyExc_TypeError, "judge takes code, unix_s, tick_ms, trusted");
        return NULL;
    }
    if (PyBytes_AsStringAndSize(args[0], &code, &length) < 0) {
        return NULL;
    }
    const yima_moment now = {
        .unix_s = PyLong_AsLongLong(args[1]),
        .tick_ms = PyLong_AsUnsignedLongLongMask(args[2]),
        .trusted = args[3] == Py_True,
    };
    if (PyErr_Occurred()) {
        return NULL;
    }
    yima_verdict verdict;
    yima_judge(&self->core, (const uint8_t *)code, (size_t)length, now, &verdict);
    if (verdict.reason == YIMA_REASON_NEEDS_RESOLVER && !verdict.again) {
        self->asked = verdict;
    }
    return yima_verdict_tuple(&self->parameters, &verdict);
}

static PyObject *validator_settle(PyObject *object, PyObject *args) {
    Validator *self = (Validator *)object;
    const char *code;
    Py_ssize_t length;
    long long unix_s;
    unsigned long long tick_ms;
    int trusted;
    unsigned short reason;
    unsigned char vouched;
    const char *digest;
    Py_ssize_t digest_size;
    if (!PyArg_ParseTuple(args, "y#y#LKpHb", &code, &length, &digest, &digest_size, &unix_s, &tick_ms, &trusted,
                          &reason, &vouched)) {
        return NULL;
    }
    if (self->asked.reason != YIMA_REASON_NEEDS_RESOLVER || digest_size != sizeof self->asked.digest ||
        memcmp(digest, self->asked.digest, sizeof self->asked.digest) != 0) {
        PyErr_SetString(PyExc_ValueError, "not the code that was judged last to need a resolver");
        return NULL;
    }
    const yima_moment now = {.unix_s = unix_s, .tick_ms = tick_ms, .trusted = (uint8_t)trusted};
    yima_verdict verdict = self->asked;
    if (yima_settle(&self->core, (const uint8_t *)code, (size_t)length, now, (yima_reason)reason, (yima_vouched)vouched,
                    &verdict) != YIMA_OK) {
        PyErr_SetString(PyExc_ValueError, "not the code that was judged last to need a resolver");
        return NULL;
    }
    self->asked.reason = YIMA_REASON_ACCEPTED;
    return yima_verdict_tuple(&self->parameters, &verdict);
}

/* Takes a verdict as its tuple carried it, and the reason that the device gave in the end; with the payload, what is
 * kept of it follows the facts of its refusal. */
static PyObject *validator_facts(PyObject *object, PyObject *args) {
    const Validator *self = (Validator *)object;
    const char *bytes, *payload = NULL;
    Py_ssize_t size, length = 0;
    unsigned short reason;
    long long unix_s;
    unsigned long long tick_ms;
    int trusted;
    unsigned int run;
    yima_verdict verdict;
    yima_facts facts;
    uint8_t out[YIMA_FACTS_MAX + YIMA_REFUSED_MAX], body[YIMA_REFUSED_MAX];
    size_t kept = 0;
    if (!PyArg_ParseTuple(args, "y#HLKpI|y#", &bytes, &size, &reason, &unix_s, &tick_ms, &trusted, &run, &payload,
                          &length)) {
        return NULL;
    }
    if (size != sizeof verdict) {
        PyErr_SetString(PyExc_ValueError, "not a verdict of this core");
        return NULL;
    }
    memcpy(&verdict, bytes, sizeof verdict);
    if (reason != verdict.reason) {
        yima_refuse(&verdict, (yima_reason)reason);
    }
    const yima_moment now = {.unix_s = unix_s, .tick_ms = tick_ms, .trusted = (uint8_t)trusted};
    yima_facts_of_tap(&facts, &self->core, &verdict, now, run, self->parameters_digest);
    if (payload && verdict.reason) {
        kept = yima_facts_refused(&facts.of.tap, (const uint8_t *)payload, (size_t)length, body);
    }
    const size_t written = yima_facts_write(out, YIMA_FACTS_MAX, &facts);
    if (!written) {
        PyErr_SetString(PyExc_ValueError, "a value out of its bounds");
        return NULL;
    }
    memcpy(out + written, body, kept);
    return PyBytes_FromStringAndSize((const char *)out, (Py_ssize_t)(written + kept));
}

static PyObject *validator_retract(PyObject *object, PyObject *args) {
    const char *digest;
    Py_ssize_t size;
    yima_verdict verdict = {.accepted = 1, .has_digest = 1};
    if (!PyArg_ParseTuple(args, "y#", &digest, &size)) {
        return NULL;
    }
    if (size != sizeof verdict.digest) {
        PyErr_SetString(PyExc_ValueError, "a digest has 32 bytes");
        return NULL;
    }
    memcpy(verdict.digest, digest, sizeof verdict.digest);
    yima_retract(&((Validator *)object)->core, &verdict);
    Py_RETURN_NONE;
}

static PyObject *validator_remember(PyObject *object, PyObject *entry) {
    char *bytes;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(entry, &bytes, &size) < 0) {
        return NULL;
    }
    return PyBool_FromLong(yima_remember(&((Validator *)object)->core, (const uint8_t *)bytes, (size_t)size));
}

static PyObject *validator_remember_code(PyObject *object, PyObject *args) {
    const char *code;
    Py_ssize_t length;
    long long accepted_at;
    if (!PyArg_ParseTuple(args, "y#L", &code, &length, &accepted_at)) {
        return NULL;
    }
    return PyBool_FromLong(
        yima_remember_code(&((Validator *)object)->core, (const uint8_t *)code, (size_t)length, accepted_at));
}

/* Whether the memory forbids a code of this digest whatever the clock says; for tests and tools. */
static PyObject *validator_holds(PyObject *object, PyObject *digest) {
    char *bytes;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(digest, &bytes, &size) < 0) {
        return NULL;
    }
    if (size != 32) {
        PyErr_SetString(PyExc_ValueError, "a digest has 32 bytes");
        return NULL;
    }
    return PyBool_FromLong(yima_replay_holds(&((Validator *)object)->core, (const uint8_t *)bytes, INT64_MAX));
}

static PyObject *validator_idle(PyObject *object, PyObject *unused) {
    (void)unused;
    return PyBool_FromLong(yima_idle(&((Validator *)object)->core));
}

static PyObject *validator_memory(PyObject *object, void *unused) {
    (void)unused;
    const yima_validator *v = &((Validator *)object)->core;
    return Py_BuildValue("(IIIL)", (unsigned int)v->replay_count, (unsigned int)v->replay_capacity,
                         (unsigned int)v->refused_full, (long long)v->lost_until);
}

yima_validator *yima_validator_of(PyObject *object) {
    const int is_one = PyType_GetSlot(Py_TYPE(object), Py_tp_new) == (void *)validator_new;
    return is_one ? &((Validator *)object)->core : NULL;
}

static PyObject *validator_issuers(PyObject *object, void *unused) {
    (void)unused;
    const yima_validator *v = &((Validator *)object)->core;
    PyObject *list = PyList_New(0);
    for (int i = 0; list && i < YIMA_TRUSTED_ISSUERS; i++) {
        const yima_trusted_issuer *issuer = &v->issuers[i];
        if (!issuer->valid) {
            continue;
        }
        const int window = issuer->table < 0 ? 0 : v->table_slots[issuer->table].window;
        PyObject *row = Py_BuildValue("(y#Ii)", (const char *)issuer->certificate, (Py_ssize_t)YIMA_CERTIFICATE_SIZE,
                                      (unsigned int)issuer->uses, window);
        if (!row || PyList_Append(list, row) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(row);
    }
    return list;
}

static PyObject *validator_root(PyObject *object, void *unused) {
    (void)unused;
    const yima_root_table *root = &((Validator *)object)->core.root;
    return Py_BuildValue("(ii)", root->index, root->built ? root->window : 0);
}

/* clang-format off */
static PyMethodDef validator_methods[] = {
    {"judge", (PyCFunction)(void (*)(void))validator_judge, METH_FASTCALL,
     "judge(code, unix_s, tick_ms, trusted) -> (reason, accepted, family, again, stages, fare_fen, digest, ...)"},
    {"settle", validator_settle, METH_VARARGS,
     "settle(code, digest, unix_s, tick_ms, trusted, reason, vouched) -> as judge; after NEEDS_RESOLVER"},
    {"facts", validator_facts, METH_VARARGS,
     "facts(verdict, reason, unix_s, tick_ms, trusted, run) -> the facts of a tap, as bytes"},
    {"retract", validator_retract, METH_VARARGS, "retract(digest): takes back what an accepted code left in the memory"},
    {"use", validator_use, METH_O, "use(image): goes over to other parameters; what was used stays used"},
    {"remember", validator_remember, METH_O, "remember(entry) -> whether it was an accepted tap or undid one"},
    {"remember_code", validator_remember_code, METH_VARARGS, "remember_code(code, accepted_at) -> whether it is a code"},
    {"holds", validator_holds, METH_O, "holds(digest) -> whether the code is used, whatever the clock says"},
    {"set_deny", validator_set_deny, METH_O, "set_deny(list): borrows a DenyList; None: no list beside the image's own"},
    {"idle", validator_idle, METH_NOARGS, "idle() -> whether it did a piece of work"},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef validator_properties[] = {
    {"memory", validator_memory, NULL, "(used codes, the most there can be, refused for want of room, lost until)", NULL},
    {"issuers", validator_issuers, NULL, "(certificate, uses, window of its table or 0) of each trusted issuer", NULL},
    {"root", validator_root, NULL, "(index, window of its table or 0) of the root that has a table, or gets one", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot validator_slots[] = {
    {Py_tp_doc, "Validator(image, mode, city, memory_entries, table_bytes, kernel=None, line=0, station=0, direction=0, "
                "operator=0)"},
    {Py_tp_new, (void *)validator_new},
    {Py_tp_dealloc, (void *)validator_dealloc},
    {Py_tp_methods, validator_methods},
    {Py_tp_getset, validator_properties},
    {0, NULL},
};
/* clang-format on */

static PyType_Spec validator_spec = {
    .name = "yima.validator._core.Validator",
    .basicsize = sizeof(Validator),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = validator_slots,
};

PyObject *yima_validator_type(void) {
    return PyType_FromSpec(&validator_spec);
}
