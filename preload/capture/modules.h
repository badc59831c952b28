/* SPDX-License-Identifier: MIT */
/*
 * What is loaded where, in whatever namespace. A module gets an id when a frame in it is first stored;
 * when it is unloaded its id is dead, and whatever comes to its place gets a new one. All of it under
 * the cold lock, but for modules_holds(). The loader's locks are left alone.
 */
#ifndef LSATRACE_PRELOAD_CAPTURE_MODULES_H
#define LSATRACE_PRELOAD_CAPTURE_MODULES_H

#include <stdbool.h>
#include <stdint.h>

#include "include/trace_format.h"

enum { MODULES_MAX = 65536 };

/* False: no memory. */
bool modules_init(void);

/* The frame (trace_format.h) of a return address. */
uint64_t modules_frame(uint64_t pc);

/* The id of the module that holds an address, or 0. */
uint32_t modules_id(uint64_t address);

/* The highest id given so far. */
uint32_t modules_count(void);

/* Finds out what is gone after a dlclose(). */
void modules_unloaded(void);

/* What must be added to the offset of a frame of module `id`; for one that is unloaded, something
 * that leads to no address. */
extern uint64_t *modules_base;

/* Does a frame stand for an address of now? One that lies in no module has its lower bits only. */
static inline bool modules_holds(uint64_t frame, uint64_t pc)
{
	uint64_t id = frame >> TRACE_FRAME_OFFSET_BITS;
	uint64_t offset = frame & ((1ull << TRACE_FRAME_OFFSET_BITS) - 1);

	return ((modules_base[id] + offset) ^ pc) << (id ? 0 : 64 - TRACE_FRAME_OFFSET_BITS) == 0;
}

#endif
