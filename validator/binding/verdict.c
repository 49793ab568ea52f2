/* verdict.c - a verdict as a tuple, in the order of _core.pyi; its last item is the core's own value. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <string.h>

#include "binding.h"

static PyObject *digest_or_none(const yima_verdict *verdict) {
    if (verdict->has_digest) {
        return PyBytes_FromStringAndSize((const char *)verdict->digest, sizeof verdict->digest);
    }
    Py_INCREF(Py_None);
    return Py_None;
}

/* (number, kind, fen, funder, funder_id, name) of each rule that set the fare. */
static PyObject *rules_tuple(const yima_parameters *parameters, const yima_verdict *verdict) {
    PyObject *tuple = PyTuple_New(verdict->rule_count);
    for (unsigned i = 0; tuple && i < verdict->rule_count; i++) {
        const yima_applied_rule *rule = &verdict->rules[i];
        yima_verdict alone = {.rule_count = 1, .rules = {*rule}};
        char name[YIMA_RULE_TEXT_MAX];
        yima_rule_text(parameters, &alone, name);
        PyObject *row = Py_BuildValue("(iiiiIs)", (int)rule->number, (int)rule->kind, (int)rule->fen, (int)rule->funder,
                                      (unsigned int)rule->funder_id, name);
        if (!row) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SetItem(tuple, i, row);
        }
    }
    return tuple;
}

static PyObject *account_or_none(const yima_verdict *verdict) {
    static const uint8_t none[sizeof verdict->account];
    if (memcmp(verdict->account, none, sizeof none) != 0) {
        return PyBytes_FromStringAndSize((const char *)verdict->account, sizeof verdict->account);
    }
    Py_INCREF(Py_None);
    return Py_None;
}

PyObject *yima_verdict_tuple(const yima_parameters *parameters, const yima_verdict *verdict) {
    PyObject *const items[] = {
        PyLong_FromLong(verdict->reason),
        PyBool_FromLong(verdict->accepted),
        PyLong_FromLong(verdict->family),
        PyBool_FromLong(verdict->again),
        PyBytes_FromStringAndSize((const char *)verdict->stages, sizeof verdict->stages),
        PyLong_FromUnsignedLong(verdict->fare_fen),
        digest_or_none(verdict),
        PyLong_FromLong(verdict->transaction),
        PyLong_FromLong(verdict->vouched),
        PyLong_FromUnsignedLong(verdict->gross_fen),
        rules_tuple(parameters, verdict),
        account_or_none(verdict),
        PyLong_FromLong(verdict->account_type),
        PyLong_FromUnsignedLong(verdict->issuer_city),
        PyLong_FromUnsignedLong(verdict->good_until),
        PyLong_FromUnsignedLong(verdict->entry_at),
        PyLong_FromLong(verdict->entry_station),
        PyLong_FromLong(verdict->entry_line),
        PyBool_FromLong(verdict->was_accepted),
        PyBytes_FromStringAndSize((const char *)verdict, sizeof *verdict),
    };
    return yima_tuple_of(items, sizeof items / sizeof *items);
}
