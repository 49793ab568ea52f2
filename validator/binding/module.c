/* module.c - the core as a CPython extension (limited API, abi3): the module, its tables and plain functions.
 *
 * It converts; it decides nothing. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "binding.h"

PyObject *yima_tuple_of(PyObject *const *items, Py_ssize_t count) {
    PyObject *tuple = PyTuple_New(count);
    int complete = tuple != NULL;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (!items[i]) {
            complete = 0;
        } else if (tuple) {
            PyTuple_SetItem(tuple, i, items[i]);
        } else {
            Py_DECREF(items[i]);
        }
    }
    if (!complete) {
        Py_CLEAR(tuple);
    }
    return tuple;
}

static PyObject *core_family_of(PyObject *module, PyObject *code) {
    (void)module;
    char *bytes;
    Py_ssize_t length;
    if (PyBytes_AsStringAndSize(code, &bytes, &length) < 0) {
        return NULL;
    }
    return PyUnicode_FromString(yima_family_name(yima_family_of((const uint8_t *)bytes, (size_t)length)));
}

static PyObject *core_parameters_check(PyObject *module, PyObject *image) {
    (void)module;
    yima_parameters parameters;
    Py_buffer bytes;
    if (PyObject_GetBuffer(image, &bytes, PyBUF_SIMPLE) < 0) {
        return NULL;
    }
    const int good = yima_open_parameters(&parameters, &bytes);
    PyBuffer_Release(&bytes);
    if (!good) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *core_root_certificate_valid(PyObject *module, PyObject *certificate) {
    (void)module;
    char *bytes;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(certificate, &bytes, &size) < 0) {
        return NULL;
    }
    return PyBool_FromLong(yima_root_certificate_valid((const uint8_t *)bytes, (size_t)size));
}

static PyObject *core_record_write(PyObject *module, PyObject *args) {
    (void)module;
    const char *code;
    Py_ssize_t length;
    yima_verdict verdict = {.accepted = 1};
    yima_trip trip = {0};
    unsigned int fare;
    unsigned int terminal_time;
    if (!PyArg_ParseTuple(args, "y#IbIzzzzzzzzzzz", &code, &length, &fare, &trip.mode, &terminal_time, &trip.vendor,
                          &trip.terminal, &trip.software, &trip.record_id, &trip.merchant_type, &trip.vehicle,
                          &trip.plate, &trip.driver, &trip.line, &trip.station, &trip.position)) {
        return NULL;
    }
    verdict.fare_fen = fare;
    trip.terminal_time = terminal_time;
    uint8_t out[YIMA_PAYLOAD_MAX + 4096]; /* 11 strings of 255 bytes and the rest take less than 3000 */
    const size_t size = length > YIMA_PAYLOAD_MAX ? 0
                                                  : yima_record_write(out, sizeof out, (const uint8_t *)code,
                                                                      (size_t)length, &verdict, &trip);
    if (size == 0) {
        PyErr_Format(PyExc_ValueError, "a code over %d bytes or a string over 255", YIMA_PAYLOAD_MAX);
        return NULL;
    }
    return PyBytes_FromStringAndSize((const char *)out, (Py_ssize_t)size);
}

static PyObject *core_record_check(PyObject *module, PyObject *record) {
    (void)module;
    char *bytes;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(record, &bytes, &size) < 0) {
        return NULL;
    }
    return PyBool_FromLong(yima_record_check((const uint8_t *)bytes, (size_t)size));
}

/* clang-format off */
static PyMethodDef core_methods[] = {
    {"family_of", core_family_of, METH_O, "family_of(code) -> name of its family, by its first bytes"},
    {"parameters_check", core_parameters_check, METH_O, "parameters_check(image): ValueError says what is wrong, and where"},
    {"root_certificate_valid", core_root_certificate_valid, METH_O, "root_certificate_valid(certificate) -> bool"},
    {"record_write", core_record_write, METH_VARARGS, "record_write(code, fare_fen, mode, ...) -> the record of an accepted ride"},
    {"record_check", core_record_check, METH_O, "record_check(record) -> bool"},
    {NULL, NULL, 0, NULL},
};
/* clang-format on */

static PyObject *reasons_tuple(void) {
    size_t count;
    const yima_reason_info *rows = yima_reasons(&count);
    PyObject *tuple = PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; tuple && i < count; i++) {
        PyObject *row = Py_BuildValue("(isiiss)", (int)rows[i].number, rows[i].name, (int)rows[i].lab_case,
                                      (int)rows[i].stage, rows[i].english, rows[i].chinese);
        if (!row) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SetItem(tuple, (Py_ssize_t)i, row);
        }
    }
    return tuple;
}

static PyObject *layout_tuple(const yima_layout_row *rows, size_t count) {
    PyObject *tuple = PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; tuple && i < count; i++) {
        PyObject *row = Py_BuildValue("(siiiO)", rows[i].name, (int)rows[i].number, (int)rows[i].offset,
                                      (int)rows[i].size, rows[i].after_data ? Py_True : Py_False);
        if (!row) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SetItem(tuple, (Py_ssize_t)i, row);
        }
    }
    return tuple;
}

static PyObject *families_tuple(void) {
    PyObject *items[YIMA_FAMILIES];
    for (int i = 0; i < YIMA_FAMILIES; i++) {
        items[i] = PyUnicode_FromString(yima_family_name((yima_family)i));
    }
    return yima_tuple_of(items, YIMA_FAMILIES);
}

/* Adds a new object to the module and lets go of it; -1 with an error set. */
static int add(PyObject *module, const char *name, PyObject *object) {
    const int result = object ? PyModule_AddObjectRef(module, name, object) : -1;
    Py_XDECREF(object);
    return result;
}

static int core_exec(PyObject *module) {
    size_t code_rows;
    size_t certificate_rows;
    const yima_layout_row *code = yima_code_layout(&code_rows);
    const yima_layout_row *certificate = yima_certificate_layout(&certificate_rows);
    if (add(module, "REASONS", reasons_tuple()) < 0 || add(module, "FAMILIES", families_tuple()) < 0 ||
        add(module, "CODE_LAYOUT", layout_tuple(code, code_rows)) < 0 ||
        add(module, "CERTIFICATE_LAYOUT", layout_tuple(certificate, certificate_rows)) < 0 ||
        add(module, "PARAMETER_IMAGE", yima_image_table()) < 0 ||
        add(module, "FACTS_LAYOUT", yima_facts_layout_tuple()) < 0 ||
        PyModule_AddFunctions(module, yima_facts_methods) < 0 ||
        PyModule_AddFunctions(module, yima_entries_methods) < 0 || add(module, "Judge", yima_judge_type()) < 0 ||
        add(module, "Validator", yima_validator_type()) < 0 || add(module, "Loop", yima_loop_type()) < 0 ||
        add(module, "LOOP", yima_loop_ways_tuple()) < 0 || add(module, "DenyList", yima_deny_type()) < 0 ||
        PyModule_AddFunctions(module, yima_sm2_methods) < 0) {
        return -1;
    }
    return yima_sm2_module_init(module) < 0 ? -1 : yima_package_module_init(module);
}

static PyModuleDef_Slot core_slots[] = {
    {Py_mod_exec, (void *)core_exec},
    {0, NULL},
};

static PyModuleDef core_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "yima.validator._core",
    .m_doc = "The core of Yima: judges ministry-standard transit QR codes.",
    .m_size = 0,
    .m_methods = core_methods,
    .m_slots = core_slots,
};

PyMODINIT_FUNC PyInit__core(void) {
    return PyModuleDef_Init(&core_module);
}
