/* SPDX-License-Identifier: MIT */
/*
 * Tells the user what went wrong: the one way in which the viewer writes messages to standard error.
 *
 * Messages quote what users type and what traces hold, so each one is made one line of plain text
 * first: a control character becomes "?".
 */
#ifndef LSATRACE_VIEWER_BASE_COMPLAINT_H
#define LSATRACE_VIEWER_BASE_COMPLAINT_H

#include <stdarg.h>

/* Prints "SUBJECT: TEXT" as one line. `subject` is a file, "lsatrace" or "lsatrace COMMAND". */
void complaint_print(const char *subject, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void complaint_print_list(const char *subject, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

#endif
