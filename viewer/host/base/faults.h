/* SPDX-License-Identifier: MIT */
/*
 * What a package did that a real LSA would trip over. Each is one line on standard error, with the package, the entry
 * point and the line of the scenario, and is printed once, however often it happens. Any thread.
 */
#ifndef LSATRACE_HOST_BASE_FAULTS_H
#define LSATRACE_HOST_BASE_FAULTS_H

#include <stdbool.h>

/* Tells a fault of the entry point in which the thread is. Control characters are printed as "?". */
void fault_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same of what is no fault. */
void note_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Tells the one that ends the process. It takes no lock and no memory: the package may have been in the allocator. */
void fault_tell_last(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Tells that a step did not do what the scenario expects of it. That need not be the package's fault. */
void fault_tell_unexpected(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Return how many different faults, and unexpected results, were told. */
unsigned fault_count(void);
unsigned fault_unexpected(void);

/* With -v, prints a line about a step on standard output. Otherwise it does nothing. */
void step_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
extern bool step_is_verbose;

#endif
