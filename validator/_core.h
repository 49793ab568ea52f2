/* _core.h - what the files of the extension share. */
#ifndef YIMA_CORE_EXTENSION_H
#define YIMA_CORE_EXTENSION_H
#include <Python.h>

#include "yima/core.h"

/* A tuple that steals a reference to each item; NULL if any is NULL. */
PyObject *yima_tuple_of(PyObject *const *items, Py_ssize_t count);

/* _core_validator.c. Opens an image in place; 1, or 0 with ValueError set. */
int yima_open_parameters(yima_parameters *parameters, const Py_buffer *image);
PyObject *yima_validator_type(void);

/* _core_deny.c. The list of a DenyList; NULL with TypeError set if it is none. */
const yima_deny *yima_deny_of(PyObject *object);
PyObject *yima_deny_type(void);

/* _core_sm2.c: SM2 and SM3 for tests and tools. */
extern PyMethodDef yima_sm2_methods[];
int yima_sm2_module_init(PyObject *module);

/* _core_package.c: adds its functions and PACKAGE_ERRORS; -1 with an error set. */
int yima_package_module_init(PyObject *module);
#endif
