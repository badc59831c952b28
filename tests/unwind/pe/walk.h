/* SPDX-License-Identifier: MIT */
/*
 * A random walk over functions of a PE image, as ../stress.h has it for ELF images: *places* call each other,
 * from frames of every kind that compilers for Windows make. Built for Windows by several compilers in
 * many ways. The image needs no library, so that a test may load it without Wine.
 */
#ifndef UNWIND_PE_WALK_H
#define UNWIND_PE_WALK_H

#include <stdbool.h>
#include <stdint.h>

/* Of functions that either side may call. */
#define PE_CALL __attribute__((ms_abi))

struct walk {
	uint64_t random;
	uint64_t calls; /* of touch() that are still to be made */
	uint32_t depth; /* how many places may still be nested in this one */
	/* The place to look at a stack from. */
	void(PE_CALL *touch)(struct walk *w);
	/* Calls the action: through code that is not of this image. */
	void(PE_CALL *through)(void(PE_CALL *action)(struct walk *w), struct walk *w);
};

/* Walks until there are no calls left: walk_all, which the image exports. */
typedef void PE_CALL walker(struct walk *w);

#endif
