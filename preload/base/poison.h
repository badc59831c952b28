/* SPDX-License-Identifier: MIT */
/*
 * Forbids functions that use the host's allocator, print in the host's name or end the host. Each
 * .c file of the preload library includes this header last.
 */
#ifndef LSATRACE_PRELOAD_BASE_POISON_H
#define LSATRACE_PRELOAD_BASE_POISON_H

#pragma GCC poison malloc calloc realloc reallocarray free strdup asprintf
#pragma GCC poison printf fprintf sprintf snprintf puts fopen fwrite syslog perror
#pragma GCC poison abort assert

#endif
