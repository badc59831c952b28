/* SPDX-License-Identifier: MIT */
/*
 * What the log of a trace defines: the modules, packages, functions, families and allocators that
 * the other items of the trace refer to by number, and the program that was traced. A part of the
 * model.
 *
 * Later records may change what earlier ones said: a package that is initialised again, for
 * example. The last one counts, except for modules, which get a new id each time they are loaded.
 *
 * Pointers are valid until definitions_release(). They lead into the bytes of the reader, too.
 */
#ifndef LSATRACE_VIEWER_MODEL_DEFINITIONS_H
#define LSATRACE_VIEWER_MODEL_DEFINITIONS_H

#include <stddef.h>
#include <stdint.h>

#include "include/trace_format.h"
#include "viewer/model/types.h"

struct reader;

struct definitions {
	struct model_module *module; /* by id */
	uint32_t modules;
	const struct trace_symbol **symbol; /* of a packed trace, by module */
	struct model_package package[TRACE_PACKAGES];
	struct model_function function[TRACE_FUNCTIONS];
	char *family[256]; /* names; NULL: there is no such family */
	/* 1 + enum trace_allocator, by package and family; 0: the host's */
	uint8_t allocator[TRACE_PACKAGES][256];
	char *exe;
	uint64_t stacks; /* number of STACK records */
};

/* Fills in a zeroed struct from the log. */
void definitions_read(struct definitions *d, const struct reader *r);
void definitions_release(struct definitions *d);

/* Returns the module with this id, or NULL. */
const struct model_module *definitions_module(const struct definitions *d, uint32_t id);

#endif
