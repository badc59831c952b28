/* SPDX-License-Identifier: MIT */
/* Start-up: the only place that orders it. */
#ifndef LSATRACE_PRELOAD_LIFE_INIT_H
#define LSATRACE_PRELOAD_LIFE_INIT_H

/*
 * Gets the library ready to find packages, once; it makes no trace. The loader calls it, but other
 * libraries' constructors may come first, so what is exported calls it as well. Keeps errno.
 */
void init_ensure(void);

#endif
