/* SPDX-License-Identifier: MIT */
/*
 * Images as the trace has them: modules. The id of a module is the number of its image (images.h).
 * A module is defined in the trace when a frame or a package in it is first stored; when it is
 * unloaded, the trace says that it is gone.
 *
 * A *frame* (trace_format.h) is a return address as module and offset in it.
 */
#ifndef LSATRACE_PRELOAD_CAPTURE_MODULES_H
#define LSATRACE_PRELOAD_CAPTURE_MODULES_H

#include <stdbool.h>
#include <stdint.h>

#include "include/trace_format.h"
#include "preload/host/images.h"

/* Returns false if there is no memory. */
bool modules_init(void);

/* The id of the module that holds an address, defined in the trace; 0: none does. Like
 * images_number(), it reads the image. Under the cold lock. */
uint32_t modules_id(uint64_t address);

/* The frames of return addresses of one stack. With `may_define`, under the cold lock: modules that are
 * new are defined. Without it, for any thread: returns false if a module is not defined yet. */
bool modules_frames(const uint64_t *pc, uint64_t *frame, uint32_t count, bool may_define);

/* Is a module defined in the trace of this process, or of the one that it was forked from? */
bool modules_is_defined(uint32_t id);

/* What include/site.h makes of a module that is defined; 0: of none. Any thread. */
uint64_t modules_site(uint32_t id);

/* Writes down which modules are gone. Under the cold lock. */
void modules_note_gone(void);

/* Does a frame stand for this return address now? Of a frame that lies in no module only the lower
 * bits are known. */
static inline bool modules_holds(uint64_t frame, uint64_t pc)
{
	uint64_t id = frame >> TRACE_FRAME_OFFSET_BITS;
	uint64_t offset = frame & ((1ull << TRACE_FRAME_OFFSET_BITS) - 1);

	return ((images_base[id] + offset) ^ pc) << (id ? 0 : 64 - TRACE_FRAME_OFFSET_BITS) == 0;
}

#endif
