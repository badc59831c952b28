/* SPDX-License-Identifier: MIT */
#ifndef BENCH_TRACERS_H
#define BENCH_TRACERS_H

/* The ways in which a program is run: untraced (bare), under lsatrace with some options, or
 * under a peer. */

#include "bench.h"
#include "spawn.h"

/* WAY(constant, key, column, tracer, options of lsatrace) */
#define WAYS(WAY) \
	WAY(BARE, "bare", "bare", NONE, "") \
	WAY(LSATRACE, "lsatrace", "lsatrace", LSATRACE, "") \
	WAY(LIBUNWIND, "libunwind", "libunwind", LSATRACE, ":unwind=libunwind") \
	WAY(HEAPTRACK, "heaptrack", "heaptrack", HEAPTRACK, "") \
	WAY(LTTNG, "lttng", "LTTng-UST", LTTNG, "") \
	WAY(OTHER_FAMILY, "other-family", "", LSATRACE, ":families=client-buffer") \
	WAY(ONE_FRAME, "one-frame", "", LSATRACE, ":depth=1") \
	WAY(ONE_FRAME_LIBUNWIND, "one-frame-libunwind", "", LSATRACE, ":unwind=libunwind:depth=1") \
	WAY(GROWING, "growing", "growing", LSATRACE, "") \
	WAY(FULL, "full", "", LSATRACE, ":mode=full") \
	WAY(DEEP, "deep", "", LSATRACE, ":depth=256")

#define WAY_ENUM(constant, key, column, tracer, options) WAY_##constant,
enum way { WAYS(WAY_ENUM) WAY_COUNT };

extern const char *const way_key[WAY_COUNT];
extern const char *const way_column[WAY_COUNT];

/* Returns whether the way has a ring that wraps in a host that runs for long. GROWING has none:
 * it is lsatrace while the file still grows to its bound. */
bool way_has_ring(enum way way);

/* Returns why a way cannot be measured, or NULL. */
const char *way_missing(const struct bench *b, enum way way);

/* Runs a program, and removes what the tracer wrote. Returns whether its status was 0. */
bool way_run(struct bench *b, enum way way, const char *const *arguments, struct outcome *outcome);

/* Does the same, but keeps what lsatrace or heaptrack wrote, as the file `trace`. */
bool way_record(struct bench *b, enum way way, const char *const *arguments, const char *trace,
		struct outcome *outcome);

#endif
