/* SPDX-License-Identifier: MIT */
/*
 * Suppressions: findings that are known and accepted. A file has them in both grammars:
 *
 *   leak:TEMPLATE            as LeakSanitizer has them, for leaks only. The text may be anywhere in the
 *                            path of the module, the name of the function, or the path of the source
 *                            file, of any frame. '*': any text; '^' and '$': start and end.
 *   { NAME
 *     lsatrace:KIND/REASON   as valgrind has them. The frames, from the innermost one on, must be those
 *     fun:GLOB               of the backtrace; '...' is any number of frames. Blocks for other tools
 *     ...                    are left out. A function that is inlined may be left out of the list.
 *   }
 *
 * The backtrace is that of the call, or else of the allocation, or else of the creation. A function
 * has two names, demangled and as linked: each of them may match. '#' begins a line of comment.
 *
 * A suppression that would hide every finding, or that can match none, is refused: both are easy
 * mistakes.
 *
 * For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_GATE_SUPPRESSIONS_H
#define LSATRACE_VIEWER_GATE_SUPPRESSIONS_H

#include <stddef.h>
#include <stdint.h>

struct buffer;
struct finding;
struct findings;
struct findings_namer;
struct suppressions;

struct suppression {
	char *name; /* valid UTF-8: "leak:TEMPLATE", or the name of a block */
	char *file;
	uint32_t line;
	char *label; /* "FILE:LINE: NAME" */
	/* What it has suppressed: */
	uint64_t count, bytes;
};

/* Never NULL. */
struct suppressions *suppressions_new(void);
/* Accepts NULL. */
void suppressions_free(struct suppressions *s);

/* Reads one more file. Returns NULL, or "FILE: REASON" or "FILE:LINE: REASON", to be freed. */
char *suppressions_read(struct suppressions *s, const char *path);

/* Marks the findings that are suppressed, and counts what each suppression has suppressed. */
void suppressions_apply(struct suppressions *s, struct findings *f);

/* The i-th, in the order of the files; NULL after the last. */
const struct suppression *suppressions_get(const struct suppressions *s, size_t i);

/* Appends a block that suppresses the finding. */
void suppressions_write(struct buffer *b, const struct finding *f,
			const struct findings_namer *namer);

#endif
