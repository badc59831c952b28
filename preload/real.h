/* SPDX-License-Identifier: MIT */
/* The functions of the C library that ours stand in front of. */
#ifndef LSATRACE_REAL_H
#define LSATRACE_REAL_H

/* The C library's dlsym(). Set before anything can call ours; entry_amd64.S jumps to it. */
extern void *(*real_dlsym)(void *handle, const char *name);

/* Finds it. May be called more than once. */
void real_init(void);

#endif
