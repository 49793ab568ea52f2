/* binding.h - what the files of the extension share. */
#ifndef YIMA_BINDING_H
#define YIMA_BINDING_H
#include <Python.h>

#include "yima/core.h"

/* A tuple that steals a reference to each item; NULL if any is NULL. */
PyObject *yima_tuple_of(PyObject *const *items, Py_ssize_t count);

/* validator.c. Opens an image in place; 1, or 0 with ValueError set. */
int yima_open_parameters(yima_parameters *parameters, const Py_buffer *image);
PyObject *yima_validator_type(void);

/* deny.c. The list of a DenyList; NULL with TypeError set if it is none. */
const yima_deny *yima_deny_of(PyObject *object);
PyObject *yima_deny_type(void);

/* sm2.c: SM2 and SM3 for tests and tools. */
extern PyMethodDef yima_sm2_methods[];
int yima_sm2_module_init(PyObject *module);

/* facts.c: the facts of an entry by name, and their table. */
extern PyMethodDef yima_facts_methods[];
PyObject *yima_facts_layout_tuple(void);

/* entries.c: many entries a call, as columns. */
extern PyMethodDef yima_entries_methods[];

/* judge.c: the core as judge over many entries. */
PyObject *yima_judge_type(void);

/* package.c: adds its functions and PACKAGE_ERRORS; -1 with an error set. */
int yima_package_module_init(PyObject *module);

/* image_table.c: PARAMETER_IMAGE; NULL with an error set. */
PyObject *yima_image_table(void);
#endif
