/* SPDX-License-Identifier: MIT */
/*
 * Forbids functions that use the host's allocator, print in the host's name, end the host, are
 * cancellation points, or are exported (kernel.h has what to call instead). Each .c file of the preload library
 * includes this header last.
 */
#ifndef LSATRACE_PRELOAD_BASE_POISON_H
#define LSATRACE_PRELOAD_BASE_POISON_H

#pragma GCC poison malloc calloc realloc reallocarray free strdup asprintf
#pragma GCC poison printf fprintf sprintf snprintf puts fopen fwrite syslog perror
#pragma GCC poison abort assert syscall

/* Cancellation points. */
#pragma GCC poison open openat creat close fcntl fallocate posix_fallocate fsync fdatasync msync
#pragma GCC poison read pread readv preadv preadv2 write pwrite writev pwritev pwritev2
#pragma GCC poison sleep usleep nanosleep clock_nanosleep pause poll ppoll select pselect
#pragma GCC poison wait waitpid waitid sigsuspend sigwait sigwaitinfo sigtimedwait system
#pragma GCC poison pthread_join pthread_cond_wait pthread_cond_timedwait pthread_testcancel
#pragma GCC poison lockf tcdrain accept connect recv recvfrom recvmsg send sendto sendmsg

#endif
