/* SPDX-License-Identifier: MIT */
/*
 * Reads .pdata and .xdata, the unwind tables of PE images for x86-64: for an address in code, the same
 * kind of row as eh_frame.h gives.
 *
 * 	.pdata: RUNTIME_FUNCTIONs, by address      .xdata: an UNWIND_INFO
 * 	begin, end, place of the info  ──────────▶ size of the prologue, frame register
 * 	                                           codes: what the prologue does, its end first
 * 	                                           chained: one more RUNTIME_FUNCTION, whose codes
 * 	                                           come before these
 *
 * A code says what an instruction of the prologue does, and at which offset that has been done. There
 * are no codes for epilogues, as nothing can be thrown there: who stands in one is told by its
 * instructions, which must be of a few kinds. So the tables alone are enough behind a call, and what
 * a signal interrupted needs both. A function that has no entry is a leaf: rsp leads to its return
 * address.
 *
 * An image may be damaged or hostile. Every address is checked against its size, every byte is asked
 * for before it is read, and no chain is longer than 32. No lock, no allocation; async-signal-safe.
 *
 * Source of the facts: Microsoft's "x64 exception handling" (versions 1 and 2 of the unwind data),
 * and RtlVirtualUnwind as Wine has it.
 */
#ifndef LSATRACE_PRELOAD_UNWINDTABLE_PDATA_H
#define LSATRACE_PRELOAD_UNWINDTABLE_PDATA_H

#include <stdbool.h>
#include <stdint.h>

#include "preload/unwindtable/eh_frame.h"

/* An image in memory, and the way to read it. */
struct pdata_image {
	uint64_t base;
	uint32_t bytes;              /* SizeOfImage */
	uint32_t table, table_bytes; /* where .pdata lies behind the base */
	/* Can eight bytes anywhere be read? */
	bool (*can_read)(void *reader, uint64_t address);
	void *reader;
};

/*
 * Finds the row for an instruction in the image. `is_interrupted`: it has not been run yet, so that it
 * may lie in an epilogue; otherwise it is a byte of a call. Only rows of machine frames, which the
 * kernel of Windows or an exception has pushed, have `is_signal`. Returns false if the tables of the function
 * cannot be read or understood.
 */
bool pdata_find(const struct pdata_image *image, uint64_t instruction, bool is_interrupted,
		struct eh_row *row);

#endif
