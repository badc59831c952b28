/* SPDX-License-Identifier: MIT */
/*
 * Hosts that confine themselves: a seccomp filter, installed by prctl() or syscall(), may end a process
 * for any system call that the host itself does not need. If a filter can, then before it is installed the
 * trace gets room ahead, and from then on the tracer makes no system call on the way of a call
 * (process_is_confined): what it would need one for is counted as lost, except for history, which
 * is overwritten earlier. A filter that only refuses calls changes nothing.
 *
 * A host may also forbid itself the time stamp counter, which the tracer then reads no more.
 *
 * A trace that has not been begun by then is not made. Filters that are installed without the C library
 * are not noticed.
 */
#ifndef LSATRACE_PRELOAD_LIFE_CONFINEMENT_H
#define LSATRACE_PRELOAD_LIFE_CONFINEMENT_H

/* prctl(). Result and errno are those of the real one. */
int confinement_prctl(int option, const unsigned long argument[4]);

/* seccomp(), which the C library has by syscall() only. */
long confinement_seccomp(unsigned long operation, unsigned long flags, const void *filter);

#endif
