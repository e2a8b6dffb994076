/* The functions of <string.h> that runtime.c implements, for toolchains without a C library.
 * This folder is searched after the system's, so a toolchain's own header comes first. */
#ifndef THUMBCLOCK_STRING_H
#define THUMBCLOCK_STRING_H

#include <stddef.h>

void *memcpy(void *restrict destination, const void *restrict source, size_t size);
void *memmove(void *destination, const void *source, size_t size);
void *memset(void *destination, int value, size_t size);
int memcmp(const void *left, const void *right, size_t size);
size_t strlen(const char *text);

#endif
