/* SPDX-License-Identifier: MIT */
/*
 * The misuses that were found in this process. Occurrences with equal kind, reason, family,
 * function, package and stacks are one finding, with a count. They are kept in the file.
 *
 * Any thread. A known finding is looked up without a lock; a new one is added under the cold lock. Once
 * there is no room, only one occurrence of CHUNKS_PATIENCE takes the lock to ask again.
 */
#ifndef LSATRACE_PRELOAD_FILE_FINDINGS_H
#define LSATRACE_PRELOAD_FILE_FINDINGS_H

#include <stdbool.h>

#include "include/trace_format.h"

/* For a new file: there are none. Under the cold lock. */
void findings_reset(void);

/* Gets memory ahead of need. */
void findings_prepare(void);

/* Notes an occurrence. what->count and what->bytes are added to those of the finding; the other
 * fields are kept of the first occurrence. If there is no room, that is counted in the trace. */
void findings_note(const struct trace_finding *what);

/* Would it be noted as the first one of its kind? Not after there was no room. */
bool findings_is_first(const struct trace_finding *what);

#endif
