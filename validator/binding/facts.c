/* facts.c - the facts of an entry as a dictionary by the names of facts.def, both ways. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <string.h>

#include "binding.h"
#include "yima/facts.h"

/* Adds a new object to a dictionary; 0 with an error set. */
static int give(PyObject *values, const char *name, PyObject *object) {
    const int given = object && PyDict_SetItemString(values, name, object) == 0;
    Py_XDECREF(object);
    return given;
}

static int take_unsigned(PyObject *values, const char *name, uint64_t most, uint64_t *number) {
    PyObject *value = PyDict_GetItemString(values, name);
    if (!value) {
        PyErr_Format(PyExc_KeyError, "%s", name);
        return 0;
    }
    *number = PyLong_AsUnsignedLongLong(value);
    if (!PyErr_Occurred() && *number > most) {
        PyErr_Format(PyExc_OverflowError, "%s is too large", name);
    }
    return !PyErr_Occurred();
}

static int take_signed(PyObject *values, const char *name, unsigned size, int64_t *number) {
    PyObject *value = PyDict_GetItemString(values, name);
    const int64_t most = size == 8 ? INT64_MAX : INT32_MAX;
    if (!value) {
        PyErr_Format(PyExc_KeyError, "%s", name);
        return 0;
    }
    *number = PyLong_AsLongLong(value);
    if (!PyErr_Occurred() && (*number > most || *number < -most - 1)) {
        PyErr_Format(PyExc_OverflowError, "%s is out of range", name);
    }
    return !PyErr_Occurred();
}

static int take_bytes(PyObject *values, const char *name, uint8_t *to, Py_ssize_t size) {
    PyObject *value = PyDict_GetItemString(values, name);
    char *bytes;
    Py_ssize_t length;
    if (!value) {
        PyErr_Format(PyExc_KeyError, "%s", name);
        return 0;
    }
    if (PyBytes_AsStringAndSize(value, &bytes, &length) < 0) {
        return 0;
    }
    if (length != size) {
        PyErr_Format(PyExc_ValueError, "%s has %zd bytes", name, size);
        return 0;
    }
    memcpy(to, bytes, (size_t)size);
    return 1;
}

/* clang-format off */
#define GIVE(form, member, offset, size, least, most, english, chinese) GIVE_##form(member, size)
#define GIVE_U(member, size) && give(values, #member, PyLong_FromUnsignedLongLong(f->member))
#define GIVE_S(member, size) && give(values, #member, PyLong_FromLongLong(f->member))
#define GIVE_B(member, size) && give(values, #member, PyBytes_FromStringAndSize((const char *)f->member, size))
#define GIVE_Z(member, size)

#define TAKE(form, member, offset, size, least, most, english, chinese) TAKE_##form(member, size)
#define TAKE_U(member, size) \
    if (!take_unsigned(values, #member, UINT64_MAX >> (64 - 8 * (size)), &number)) return 0; \
    f->member = (YIMA_UNSIGNED_##size)number;
#define TAKE_S(member, size) \
    if (!take_signed(values, #member, size, &whole)) return 0; \
    f->member = (YIMA_SIGNED_##size)whole;
#define TAKE_B(member, size) if (!take_bytes(values, #member, f->member, size)) return 0;
#define TAKE_Z(member, size)

#define BOTH_WAYS(name, type, table)                          \
    static int give_##name(PyObject *values, const type *f) { \
        return 1 table(GIVE);                                 \
    }                                                         \
    static int take_##name(PyObject *values, type *f) {       \
        uint64_t number = 0;                                  \
        int64_t whole = 0;                                    \
        table(TAKE)                                           \
        (void)number;                                         \
        (void)whole;                                          \
        return 1;                                             \
    }

BOTH_WAYS(head, yima_facts, YIMA_FACTS_HEAD)
BOTH_WAYS(tap, yima_tap_facts, YIMA_FACTS_TAP)
BOTH_WAYS(rule, yima_rule_facts, YIMA_FACTS_RULE)
BOTH_WAYS(outcome, yima_outcome_facts, YIMA_FACTS_OUTCOME)
BOTH_WAYS(time, yima_time_facts, YIMA_FACTS_TIME)
BOTH_WAYS(note, yima_note_facts, YIMA_FACTS_NOTE)
/* clang-format on */

/* The rules of a tap as a tuple of dictionaries. */
static PyObject *rules_of(const yima_tap_facts *tap) {
    PyObject *rules = PyTuple_New(tap->rule_count);
    for (unsigned i = 0; rules && i < tap->rule_count; i++) {
        PyObject *values = PyDict_New();
        if (!values || !give_rule(values, &tap->rules[i]) ||
            !give(values, "name", PyUnicode_FromString(tap->rules[i].name))) {
            Py_XDECREF(values);
            Py_CLEAR(rules);
        } else {
            PyTuple_SetItem(rules, i, values);
        }
    }
    return rules;
}

static int give_kind(PyObject *values, const yima_facts *facts) {
    switch (facts->kind) {
    case YIMA_TAP:
        return give_tap(values, &facts->of.tap) && give(values, "rules", rules_of(&facts->of.tap));
    case YIMA_OUTCOME:
        return give_outcome(values, &facts->of.outcome);
    case YIMA_TIME:
        return give_time(values, &facts->of.time);
    default:
        return give_note(values, &facts->of.note);
    }
}

static PyObject *core_facts_read(PyObject *module, PyObject *entry) {
    (void)module;
    char *bytes;
    Py_ssize_t length;
    yima_facts facts;
    if (PyBytes_AsStringAndSize(entry, &bytes, &length) < 0) {
        return NULL;
    }
    if (!yima_facts_read(&facts, (const uint8_t *)bytes, (size_t)length)) {
        PyErr_SetString(PyExc_ValueError, "not an entry of this form");
        return NULL;
    }
    PyObject *values = PyDict_New();
    if (values && (!give_head(values, &facts) || !give_kind(values, &facts))) {
        Py_CLEAR(values);
    }
    return values;
}

static int take_rules(PyObject *values, yima_tap_facts *tap) {
    PyObject *rules = PyDict_GetItemString(values, "rules");
    const Py_ssize_t count = rules ? PyTuple_Size(rules) : -1;
    if (count < 0 || count > YIMA_RULES) {
        if (!PyErr_Occurred()) {
            PyErr_Format(PyExc_ValueError, "rules: a tuple of at most %d", YIMA_RULES);
        }
        return 0;
    }
    tap->rule_count = (uint8_t)count;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *rule = PyTuple_GetItem(rules, i);
        PyObject *name = rule && PyDict_Check(rule) ? PyDict_GetItemString(rule, "name") : NULL;
        Py_ssize_t length;
        const char *text = name ? PyUnicode_AsUTF8AndSize(name, &length) : NULL;
        if (!text || length > YIMA_RULE_NAME_MAX || strlen(text) != (size_t)length ||
            !take_rule(rule, &tap->rules[i])) {
            if (!PyErr_Occurred()) {
                PyErr_Format(PyExc_ValueError, "a rule needs a name of at most %d bytes", YIMA_RULE_NAME_MAX);
            }
            return 0;
        }
        memcpy(tap->rules[i].name, text, (size_t)length);
    }
    return 1;
}

static int take_kind(PyObject *values, yima_facts *facts) {
    switch (facts->kind) {
    case YIMA_TAP:
        return take_tap(values, &facts->of.tap) && take_rules(values, &facts->of.tap);
    case YIMA_OUTCOME:
        return take_outcome(values, &facts->of.outcome);
    case YIMA_TIME:
        return take_time(values, &facts->of.time);
    default:
        return take_note(values, &facts->of.note);
    }
}

static PyObject *core_facts_write(PyObject *module, PyObject *values) {
    (void)module;
    yima_facts facts;
    uint8_t out[YIMA_FACTS_MAX];
    memset(&facts, 0, sizeof facts);
    if (!PyDict_Check(values)) {
        PyErr_SetString(PyExc_TypeError, "facts_write takes a dictionary");
        return NULL;
    }
    if (!take_head(values, &facts) || !take_kind(values, &facts)) {
        return NULL;
    }
    const size_t size = yima_facts_write(out, sizeof out, &facts);
    if (!size) {
        PyErr_SetString(PyExc_ValueError, "a value out of its bounds");
        return NULL;
    }
    return PyBytes_FromStringAndSize((const char *)out, (Py_ssize_t)size);
}

PyMethodDef yima_facts_methods[] = {
    {"facts_read", core_facts_read, METH_O, "facts_read(entry) -> its facts by name"},
    {"facts_write", core_facts_write, METH_O, "facts_write(facts by name) -> bytes"},
    {NULL, NULL, 0, NULL},
};

PyObject *yima_facts_layout_tuple(void) {
    size_t count;
    const yima_facts_row *rows = yima_facts_layout(&count);
    PyObject *tuple = PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; tuple && i < count; i++) {
        PyObject *row = Py_BuildValue("(iCsiiss)", (int)rows[i].kind, (int)rows[i].form, rows[i].member,
                                      (int)rows[i].offset, (int)rows[i].size, rows[i].english, rows[i].chinese);
        if (!row) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SetItem(tuple, (Py_ssize_t)i, row);
        }
    }
    return tuple;
}
