/* SPDX-License-Identifier: MIT */
/*
 * From a module and an offset in it to the function and the line, with elfutils. The binary must be
 * the one that was traced: a file with another build-id is not looked at. Debug information comes
 * from the binary, from a separate file (build-id, .gnu_debuglink) or from debuginfod where that is
 * set up; without any, the ELF symbol table still names the function.
 *
 * What libdw offers for an address walks all of a unit each time; asked for 10,000 addresses that
 * takes seconds. Here the functions of each unit that is hit are collected once, sorted by address,
 * the calls inlined into a function when that is hit, and so on inward. Every answer is kept.
 *
 * One thread at a time. Answers live as long as the struct symbols.
 */
#ifndef LSATRACE_VIEWER_SYMBOLS_SYMBOLS_H
#define LSATRACE_VIEWER_SYMBOLS_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model_module;
struct progress;
struct symbols;

/* A function at an address. Inlined ones come first and lead outward to the one that is not. */
struct symbol {
	char *function;   /* valid UTF-8, as linked (C++: mangled); NULL: unknown */
	const char *file; /* valid UTF-8, absolute where that is known; NULL: unknown */
	uint32_t line;    /* 0: unknown */
	bool inlined;
	const struct symbol *outer; /* NULL: not inlined */
};

/* `progress` may be NULL. */
struct symbols *symbols_new(struct progress *progress);
void symbols_free(struct symbols *s);

/*
 * What a return address in a module belongs to: the code looked up is the byte before it. Never
 * NULL; where nothing is known, function and file are NULL. `module` NULL is a module that is not
 * known.
 */
const struct symbol *symbols_find(struct symbols *s, const struct model_module *module,
				  uint64_t offset);

/* Modules whose file is not the one that was traced, of those asked for: the i-th, or NULL. */
const char *symbols_changed(const struct symbols *s, size_t i);

#endif
