/* SPDX-License-Identifier: MIT */
/*
 * What is wrong with a trace: the error type of everything in viewer/read/.
 *
 * Functions of this room take a `struct trouble *` as their last argument, and fill it in when they
 * return false or NULL.
 */
#ifndef LSATRACE_VIEWER_READ_TROUBLE_H
#define LSATRACE_VIEWER_READ_TROUBLE_H

#include <stdbool.h>
#include <stdint.h>

enum trouble_error {
	TROUBLE_NONE,
	TROUBLE_CANNOT_OPEN, /* no such file, permission denied, ... */
	TROUBLE_NOT_A_FILE,  /* a folder, a pipe or a device */
	TROUBLE_CANNOT_READ, /* the system reports a read error */
	TROUBLE_EMPTY,       /* the file has 0 bytes */
	TROUBLE_NOT_A_TRACE, /* another kind of file, or a trace whose header was never finished */
	TROUBLE_OTHER_BYTE_ORDER, /* written on a machine with the other byte order */
	TROUBLE_OTHER_VERSION,    /* written by another version of lsatrace */
	TROUBLE_CUT_OFF,          /* shorter than its header says */
	TROUBLE_DAMAGED,          /* a value outside the range that trace_format.h gives */
};

struct trouble {
	enum trouble_error error;
	uint64_t at;    /* offset in the file, in bytes, of the wrong value */
	char text[160]; /* one line for the user, to be printed after the file's name and ": " */
};

/* Fills in all of it. Always returns false, so that a check can return this call's result. */
bool trouble_set(struct trouble *t, enum trouble_error error, uint64_t at, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The same for TROUBLE_DAMAGED: the text is "damaged: WHAT at byte AT". */
bool trouble_set_damaged(struct trouble *t, uint64_t at, const char *what);

#endif
