/* SPDX-License-Identifier: MIT */
/*
 * Included last by every file that runs in the target: what may take the host's allocator, print in
 * the host's name or end the host is not to be had there.
 */
#ifndef LSATRACE_PRELOAD_BASE_POISON_H
#define LSATRACE_PRELOAD_BASE_POISON_H

#pragma GCC poison malloc calloc realloc reallocarray free strdup asprintf
#pragma GCC poison printf fprintf sprintf snprintf puts fopen fwrite syslog perror
#pragma GCC poison abort assert

#endif
