/* SPDX-License-Identifier: MIT */
/*
 * Fuzzing of the viewer. An input is a *packed* trace: for each chunk two bytes, the number of bytes
 * that follow, and these bytes; the rest of the chunk is zero. So an input is short, and no file is
 * needed: what the viewer asks the system about the trace is answered from memory (world.c).
 *
 * make fuzz runs the two targets under libFuzzer, and test_fuzz runs them in `make check`.
 */
#ifndef LSATRACE_TESTS_FUZZ_FUZZ_H
#define LSATRACE_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "include/trace_format.h"

#define FUZZ_CHUNKS 16u
#define FUZZ_STEPS 2u
#define FUZZ_BYTES (32u << 10) /* of a packed trace, at most */

/* A chunk of a packed trace. */
struct fuzz_chunk {
	const uint8_t *bytes;
	uint32_t used; /* at most TRACE_CHUNK_BYTES */
};

/* Finds the chunks of a packed trace. Returns how many there are, at most FUZZ_CHUNKS. */
uint32_t fuzz_unpack(const uint8_t *data, size_t size, struct fuzz_chunk chunk[FUZZ_CHUNKS]);

/*
 * Changes a packed trace: a field of an item, an item, a chunk. Sometimes begins anew with a valid
 * trace, as it does with an input that is none. Returns the new size, at most `room`. Equal seeds do
 * the same.
 */
size_t fuzz_mutate(uint8_t *data, size_t size, size_t room, unsigned seed);

/* From now on this is the trace that the viewer finds, by any path. */
void world_set(const uint8_t *data, size_t size);

/*
 * The targets: reading a trace (open, check, model); all formats and commands, one after the other; and
 * FUZZ_STEPS of them, which the trace chooses: in the same time that finds more, since each of them
 * reads the trace anew. A fault ends the process.
 */
void fuzz_reading(const uint8_t *data, size_t size);
void fuzz_whole(const uint8_t *data, size_t size);
void fuzz_some(const uint8_t *data, size_t size);

/* What libFuzzer calls, and what it offers. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);

#endif
