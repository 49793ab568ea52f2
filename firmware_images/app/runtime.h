/* runtime.h - the little of a C library that the compiler and the application need. */
#ifndef YIMA_RUNTIME_H
#define YIMA_RUNTIME_H
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);
#endif
