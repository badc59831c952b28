/* SPDX-License-Identifier: MIT */
/*
 * The findings of this process, aggregated: equal kind, reason, family, function, package and stacks
 * are one, with a count. Kept in the file; looked up without a lock, added under the cold lock.
 */
#ifndef LSATRACE_PRELOAD_FILE_FINDINGS_H
#define LSATRACE_PRELOAD_FILE_FINDINGS_H

#include "include/trace_format.h"

/* For a new file: there are none. */
void findings_reset(void);

/* Notes one occurrence; `what->count` and `what->bytes` are its own. */
void findings_note(const struct trace_finding *what);

/* The strings that users know them by. */
const char *findings_kind(enum trace_kind kind);
const char *findings_reason(enum trace_reason reason);
enum trace_level findings_level(enum trace_kind kind);

#endif
