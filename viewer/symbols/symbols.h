/* SPDX-License-Identifier: MIT */
/*
 * Finds the function and the source line for an offset in a module, with elfutils. The module's
 * file must be the one that was traced: a file with another build-id is not used. Debug information
 * comes from that file, from a separate file (found by build-id or .gnu_debuglink), from split files
 * (.dwo), or from debuginfod where that is set up. Without debug information, the ELF symbol table
 * still names the function. A packed trace has the answers itself.
 *
 * Answers are kept, up to about 40 MiB, so asking again is cheap. Names and paths are cut at
 * TRACE_NAME_MAX bytes.
 *
 * For one thread at a time. An answer is valid until the next question.
 */
#ifndef LSATRACE_VIEWER_SYMBOLS_SYMBOLS_H
#define LSATRACE_VIEWER_SYMBOLS_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model;
struct model_module;
struct places;
struct progress;
struct symbols;

/*
 * A function at an address. If calls are inlined there, the innermost inlined function comes first,
 * and `outer` leads from each to the function that contains it.
 */
struct symbol {
	char *function; /* valid UTF-8, as in the source (C++, Rust: demangled); NULL: unknown */
	char *linkage_name; /* valid UTF-8, its symbol, perhaps of a clone of it; NULL: unknown */
	const char *file;   /* valid UTF-8, absolute where that is known; NULL: unknown */
	uint32_t line;      /* 0: unknown */
	bool is_inlined;
	const struct symbol *outer; /* NULL: not inlined */
};

/* `progress` may be NULL. Never returns NULL. */
struct symbols *symbols_new(struct progress *progress);
/* To be called before the first question. The places must outlive the symbols. */
void symbols_look_in(struct symbols *s, const struct places *places);
/* The same: modules whose file is not found are named by the symbols of a packed trace, if that has the same build
 * of them. */
void symbols_borrow(struct symbols *s, const struct model *lender);
/* Keeps what files have told, and forgets the models: the caller is about to close them. */
void symbols_forget(struct symbols *s);
/* Accepts NULL. */
void symbols_free(struct symbols *s);

/*
 * Finds the function of a return address, which is that of the byte before it. Never NULL; if
 * nothing is known, function and file are NULL. `module` is NULL for a module that is not known.
 */
const struct symbol *symbols_find(struct symbols *s, const struct model_module *module,
				  uint64_t offset);

/*
 * Finds the symbol that holds an address of data or code, as it is linked, and sets *from to how far
 * behind its start that is. Returns NULL if it is not known. Valid until symbols_free().
 */
const char *symbols_find_data(struct symbols *s, const struct model_module *module, uint64_t offset,
			      uint64_t *from);

/* Was the file of a module found? And what keeps its debug information from being read, in words, as far as
 * the questions have shown; NULL: nothing. `lsatrace pack` needs both. */
bool symbols_are_known(struct symbols *s, const struct model_module *module);
const char *symbols_obstacle(struct symbols *s, const struct model_module *module);

/* Does anything name the functions of a module? */
bool symbols_has_names(struct symbols *s, const struct model_module *module);
/* Returns the i-th module that was asked for and whose functions nothing names, or NULL after the last. */
const struct model_module *symbols_nameless(const struct symbols *s, size_t i);

/*
 * Returns the i-th module that was asked for and whose file is no longer the one that was traced,
 * or NULL after the last.
 */
const char *symbols_changed(const struct symbols *s, size_t i);

/*
 * Returns the i-th sentence on what is missing, as plain text, or NULL after the last: one for each
 * module that was asked for and whose file, or debug information, could not be read, and one for a
 * server that did not answer. Valid until the next question.
 */
const char *symbols_missing(struct symbols *s, size_t i);

#endif
