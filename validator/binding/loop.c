/* loop.c - the type yima.validator._core.Loop: the loop of a tap around a Validator.
 *
 * It holds the terminal's texts and the payload in hand; the step that a call returns is carried out by Python. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <string.h>

#include "binding.h"
#include "yima/loop.h"

enum { LINE_TEXT = 7, STATION_TEXT = 8, TEXTS = 10 };

typedef struct {
    PyObject_HEAD PyObject *validator;
    PyObject *texts[TEXTS]; /* bytes, or NULL */
    PyObject *payload;      /* bytes that the loop reads until it is ready again */
    yima_trip terminal;
    yima_loop loop;
} Loop;

static const char *text_of(PyObject *bytes) {
    return bytes ? PyBytes_AsString(bytes) : NULL;
}

/* vendor, terminal, software, merchant_type, vehicle, plate, driver, line, station, position: str or None. */
static int take_texts(Loop *self, PyObject *texts) {
    if (!PyTuple_Check(texts) || PyTuple_Size(texts) != TEXTS) {
        PyErr_Format(PyExc_TypeError, "terminal is a tuple of %d texts", TEXTS);
        return 0;
    }
    for (Py_ssize_t i = 0; i < TEXTS; i++) {
        PyObject *text = PyTuple_GetItem(texts, i);
        if (text != Py_None) {
            self->texts[i] = PyUnicode_AsUTF8String(text);
            if (!self->texts[i]) {
                return 0;
            }
        }
    }
    self->terminal = (yima_trip){
        .vendor = text_of(self->texts[0]),
        .terminal = text_of(self->texts[1]),
        .software = text_of(self->texts[2]),
        .merchant_type = text_of(self->texts[3]),
        .vehicle = text_of(self->texts[4]),
        .plate = text_of(self->texts[5]),
        .driver = text_of(self->texts[6]),
        .line = text_of(self->texts[LINE_TEXT]),
        .station = text_of(self->texts[STATION_TEXT]),
        .position = text_of(self->texts[9]),
    };
    return 1;
}

static PyObject *loop_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    PyObject *validator, *texts;
    unsigned int run;
    int senses_passage;
    long long not_before;
    if (keywords || !PyArg_ParseTuple(args, "OOIpL", &validator, &texts, &run, &senses_passage, &not_before)) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_TypeError, "Loop takes validator, terminal, run, senses_passage, not_before");
        }
        return NULL;
    }
    yima_validator *judge = yima_validator_of(validator);
    if (!judge) {
        PyErr_SetString(PyExc_TypeError, "validator must be a Validator");
        return NULL;
    }
    const allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Loop *self = (Loop *)allocate(type, 0);
    if (!self) {
        return NULL;
    }
    Py_INCREF(validator);
    self->validator = validator;
    if (!take_texts(self, texts)) {
        Py_DECREF(self);
        return NULL;
    }
    yima_loop_init(&self->loop, judge, &self->terminal, run, senses_passage, not_before);
    return (PyObject *)self;
}

static void loop_dealloc(PyObject *object) {
    Loop *self = (Loop *)object;
    PyTypeObject *type = Py_TYPE(object);
    const freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    for (int i = 0; i < TEXTS; i++) {
        Py_XDECREF(self->texts[i]);
    }
    Py_XDECREF(self->payload);
    Py_XDECREF(self->validator);
    release(object);
    Py_DECREF(type);
}

static PyObject *loop_moment(PyObject *object, PyObject *args) {
    long long unix_s;
    unsigned long long tick_ms, next;
    if (!PyArg_ParseTuple(args, "LKK", &unix_s, &tick_ms, &next)) {
        return NULL;
    }
    return PyLong_FromLong(yima_loop_moment(&((Loop *)object)->loop, unix_s, tick_ms, next));
}

static PyObject *loop_reading(PyObject *object, PyObject *args) {
    Loop *self = (Loop *)object;
    PyObject *payload;
    long long unix_s;
    unsigned long long tick_ms, next;
    unsigned int late_ms;
    char *bytes;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "OLKIK", &payload, &unix_s, &tick_ms, &late_ms, &next) ||
        PyBytes_AsStringAndSize(payload, &bytes, &size) < 0) {
        return NULL;
    }
    if (self->loop.state == YIMA_LOOP_READY) {
        Py_INCREF(payload);
        Py_XDECREF(self->payload);
        self->payload = payload;
    }
    return PyLong_FromLong(
        yima_loop_reading(&self->loop, (const uint8_t *)bytes, (size_t)size, unix_s, tick_ms, late_ms, next));
}

static PyObject *loop_recorded(PyObject *object, PyObject *number) {
    const unsigned long long value = PyLong_AsUnsignedLongLong(number);
    return PyErr_Occurred() ? NULL : PyLong_FromLong(yima_loop_recorded(&((Loop *)object)->loop, value));
}

static PyObject *loop_not_recorded(PyObject *object, PyObject *unused) {
    (void)unused;
    return PyLong_FromLong(yima_loop_not_recorded(&((Loop *)object)->loop));
}

static PyObject *loop_done(PyObject *object, PyObject *unused) {
    (void)unused;
    return PyLong_FromLong(yima_loop_done(&((Loop *)object)->loop));
}

static PyObject *loop_gate(PyObject *object, PyObject *args) {
    unsigned long long tap;
    unsigned char outcome;
    if (!PyArg_ParseTuple(args, "Kb", &tap, &outcome)) {
        return NULL;
    }
    if (outcome < YIMA_OUTCOME_OPENED || outcome > YIMA_OUTCOME_UNKNOWN) {
        PyErr_SetString(PyExc_ValueError, "outcome must be 1 to 5");
        return NULL;
    }
    return PyLong_FromLong(yima_loop_gate(&((Loop *)object)->loop, tap, (yima_outcome)outcome));
}

static PyObject *loop_answered(PyObject *object, PyObject *args) {
    unsigned short reason;
    unsigned char vouched;
    if (!PyArg_ParseTuple(args, "Hb", &reason, &vouched)) {
        return NULL;
    }
    return PyLong_FromLong(yima_loop_answered(&((Loop *)object)->loop, (yima_reason)reason, (yima_vouched)vouched));
}

static PyObject *loop_parameters(PyObject *object, PyObject *until) {
    const long long value = PyLong_AsLongLong(until);
    return PyErr_Occurred() ? NULL : PyLong_FromLong(yima_loop_parameters(&((Loop *)object)->loop, value));
}

static PyObject *loop_confirm(PyObject *object, PyObject *args) {
    long long unix_s;
    unsigned long long tick_ms;
    int is_signed;
    const char *by;
    if (!PyArg_ParseTuple(args, "LKps", &unix_s, &tick_ms, &is_signed, &by)) {
        return NULL;
    }
    return PyLong_FromLong(yima_loop_confirm(&((Loop *)object)->loop, unix_s, tick_ms, is_signed, by));
}

static PyObject *loop_unsent(PyObject *object, PyObject *oldest) {
    const long long value = PyLong_AsLongLong(oldest);
    if (PyErr_Occurred()) {
        return NULL;
    }
    yima_loop_unsent(&((Loop *)object)->loop, value);
    Py_RETURN_NONE;
}

static PyObject *loop_eased(PyObject *object, PyObject *unused) {
    (void)unused;
    yima_loop_eased(&((Loop *)object)->loop);
    Py_RETURN_NONE;
}

/* The numbers go to the judge, the texts into records from here on; false, and nothing is changed, where it cannot be. */
static PyObject *loop_place(PyObject *object, PyObject *args) {
    Loop *self = (Loop *)object;
    unsigned short line, station;
    unsigned char direction;
    PyObject *texts[2];
    if (!PyArg_ParseTuple(args, "HHbUU", &line, &station, &direction, &texts[0], &texts[1])) {
        return NULL;
    }
    PyObject *const line_text = PyUnicode_AsUTF8String(texts[0]);
    PyObject *const station_text = line_text ? PyUnicode_AsUTF8String(texts[1]) : NULL;
    if (!station_text) {
        Py_XDECREF(line_text);
        return NULL;
    }
    if (yima_loop_place(&self->loop, line, station, direction) != YIMA_OK) {
        Py_DECREF(line_text);
        Py_DECREF(station_text);
        Py_RETURN_FALSE;
    }
    Py_XDECREF(self->texts[LINE_TEXT]);
    Py_XDECREF(self->texts[STATION_TEXT]);
    self->texts[LINE_TEXT] = line_text;
    self->texts[STATION_TEXT] = station_text;
    self->terminal.line = PyBytes_Size(line_text) ? text_of(line_text) : NULL;
    self->terminal.station = PyBytes_Size(station_text) ? text_of(station_text) : NULL;
    Py_RETURN_TRUE;
}

static PyObject *loop_not_before(PyObject *object, PyObject *unix_s) {
    const long long value = PyLong_AsLongLong(unix_s);
    if (PyErr_Occurred()) {
        return NULL;
    }
    yima_time_not_before(&((Loop *)object)->loop.time, value);
    Py_RETURN_NONE;
}

static PyObject *loop_entry(PyObject *object, void *unused) {
    (void)unused;
    const yima_loop *l = &((Loop *)object)->loop;
    return PyBytes_FromStringAndSize((const char *)l->entry, (Py_ssize_t)l->entry_size);
}

static PyObject *loop_verdict(PyObject *object, void *unused) {
    (void)unused;
    Loop *self = (Loop *)object;
    return yima_verdict_tuple(yima_validator_of(self->validator)->parameters, &self->loop.verdict);
}

static PyObject *loop_now(PyObject *object, void *unused) {
    (void)unused;
    const yima_moment *now = &((Loop *)object)->loop.now;
    return Py_BuildValue("(LKO)", (long long)now->unix_s, (unsigned long long)now->tick_ms,
                         now->trusted ? Py_True : Py_False);
}

static PyObject *loop_state(PyObject *object, void *unused) {
    (void)unused;
    const yima_loop *l = &((Loop *)object)->loop;
    return Py_BuildValue("(iiiKLiiIIK)", (int)l->state, (int)l->step, (int)l->reason, (unsigned long long)l->tap,
                         (long long)l->refill_from, (int)l->in_service, (int)l->opened_count,
                         (unsigned int)l->unexpected, (unsigned int)l->astray, (unsigned long long)l->ways);
}

/* (states: (name, english, chinese)..., ways: (from, event, to, english)...) of loop.def. */
PyObject *yima_loop_ways_tuple(void) {
    static const char *const states[][3] = {
#define YIMA_STATE(name, english, chinese) {#name, english, chinese},
#include "yima/loop.def"
    };
    static const char *const ways[][4] = {
#define YIMA_WAY(from, on, to, english) {#from, #on, #to, english},
#include "yima/loop.def"
    };
    PyObject *named = PyTuple_New(sizeof states / sizeof *states);
    PyObject *taken = PyTuple_New(sizeof ways / sizeof *ways);
    for (size_t i = 0; named && i < sizeof states / sizeof *states; i++) {
        PyTuple_SetItem(named, (Py_ssize_t)i, Py_BuildValue("(sss)", states[i][0], states[i][1], states[i][2]));
    }
    for (size_t i = 0; taken && i < sizeof ways / sizeof *ways; i++) {
        PyTuple_SetItem(taken, (Py_ssize_t)i, Py_BuildValue("(ssss)", ways[i][0], ways[i][1], ways[i][2], ways[i][3]));
    }
    PyObject *const items[] = {named, taken};
    return yima_tuple_of(items, 2);
}

/* clang-format off */
static PyMethodDef loop_methods[] = {
    {"moment", loop_moment, METH_VARARGS, "moment(unix_s, tick_ms, next) -> step"},
    {"reading", loop_reading, METH_VARARGS, "reading(payload, unix_s, tick_ms, late_ms, next) -> step"},
    {"recorded", loop_recorded, METH_O, "recorded(number) -> step"},
    {"not_recorded", loop_not_recorded, METH_NOARGS, "not_recorded() -> step"},
    {"gate", loop_gate, METH_VARARGS, "gate(tap, outcome) -> step"},
    {"answered", loop_answered, METH_VARARGS, "answered(reason, vouched) -> step"},
    {"done", loop_done, METH_NOARGS, "done() -> step"},
    {"parameters", loop_parameters, METH_O, "parameters(until) -> step"},
    {"confirm", loop_confirm, METH_VARARGS, "confirm(unix_s, tick_ms, is_signed, by) -> step"},
    {"unsent", loop_unsent, METH_O, "unsent(oldest)"},
    {"eased", loop_eased, METH_NOARGS, "eased()"},
    {"place", loop_place, METH_VARARGS, "place(line, station, direction, line_text, station_text) -> whether it is there now"},
    {"not_before", loop_not_before, METH_O, "not_before(unix_s)"},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef loop_properties[] = {
    {"entry", loop_entry, NULL, "the entry to record", NULL},
    {"verdict", loop_verdict, NULL, "of the tap in hand, as Validator.judge gives it", NULL},
    {"now", loop_now, NULL, "(unix_s, tick_ms, trusted) of the tap or event in hand", NULL},
    {"state", loop_state, NULL, "(state, step, reason, tap, refill_from, in_service, opened, unexpected, astray, ways)",
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot loop_slots[] = {
    {Py_tp_doc, "Loop(validator, terminal, run, senses_passage, not_before)"},
    {Py_tp_new, (void *)loop_new},
    {Py_tp_dealloc, (void *)loop_dealloc},
    {Py_tp_methods, loop_methods},
    {Py_tp_getset, loop_properties},
    {0, NULL},
};
/* clang-format on */

static PyType_Spec loop_spec = {
    .name = "yima.validator._core.Loop",
    .basicsize = sizeof(Loop),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = loop_slots,
};

PyObject *yima_loop_type(void) {
    return PyType_FromSpec(&loop_spec);
}
