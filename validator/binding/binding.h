/* binding.h - what the files of the extension share. */
#ifndef YIMA_BINDING_H
#define YIMA_BINDING_H
#include <Python.h>

#include "yima/core.h"

/* A tuple that steals a reference to each item; NULL if any is NULL. */
PyObject *yima_tuple_of(PyObject *const *items, Py_ssize_t count);

/* validator.c: the judge. */
PyObject *yima_validator_type(void);
yima_validator *yima_validator_of(PyObject *object);

/* verdict.c. parameters: those it was judged by, for the names of rules. */
PyObject *yima_verdict_tuple(const yima_parameters *parameters, const yima_verdict *verdict);

/* loop.c: the loop of a tap around a Validator. */
PyObject *yima_loop_type(void);
PyObject *yima_loop_ways_tuple(void);

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

/* image_table.c: PARAMETER_IMAGE, NULL with an error set; opens an image in place, 1, or 0 with ValueError set. */
PyObject *yima_image_table(void);
int yima_open_parameters(yima_parameters *parameters, const Py_buffer *image);
#endif
