/* SPDX-License-Identifier: MIT */
#include "tracers.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum tracer { TRACER_NONE, TRACER_LSATRACE, TRACER_HEAPTRACK, TRACER_LTTNG };

#define WAY_KEY(constant, key, column, tracer, options) key,
#define WAY_COLUMN(constant, key, column, tracer, options) column,
#define WAY_TRACER(constant, key, column, tracer, options) TRACER_##tracer,
#define WAY_OPTIONS(constant, key, column, tracer, options) options,

const char *const way_key[WAY_COUNT] = { WAYS(WAY_KEY) };
const char *const way_column[WAY_COUNT] = { WAYS(WAY_COLUMN) };
static const enum tracer way_tracer[WAY_COUNT] = { WAYS(WAY_TRACER) };
static const char *const way_options[WAY_COUNT] = { WAYS(WAY_OPTIONS) };

bool way_has_ring(enum way way)
{
	return way_tracer[way] == TRACER_LSATRACE && way != WAY_GROWING && way != WAY_FULL;
}

const char *way_missing(const struct bench *b, enum way way)
{
	switch (way_tracer[way]) {
	case TRACER_HEAPTRACK:
		return b->peers.heaptrack ? NULL : "heaptrack is not installed";
	case TRACER_LTTNG:
		return b->peers.lttng_missing;
	default:
		return NULL;
	}
}

static __attribute__((format(printf, 1, 2))) char *text(const char *format, ...)
{
	va_list values;
	char *made;

	va_start(values, format);
	if (vasprintf(&made, format, values) < 0)
		abort();
	va_end(values);
	return made;
}

/* The environment for a way. The user of it frees the strings in own[]. */
struct assignments {
	char *own[2];
	const char *all[5];
};

static void assign(struct assignments *a, const struct bench *b, enum way way, const char *trace)
{
	*a = (struct assignments){ 0 };
	switch (way_tracer[way]) {
	case TRACER_NONE:
		return;
	case TRACER_LSATRACE:
		a->own[0] = text("LD_PRELOAD=%s", PRELOAD);
		a->own[1] = text("LSATRACE_OPTIONS=output=%s%s", trace, way_options[way]);
		break;
	case TRACER_HEAPTRACK:
		a->own[0] = text("LD_PRELOAD=%s", b->peers.heaptrack);
		a->own[1] = text("DUMP_HEAPTRACK_OUTPUT=%s", trace);
		break;
	case TRACER_LTTNG:
		a->own[0] = text("LD_PRELOAD=%s", b->peers.lttng);
		a->own[1] = text("LTTNG_UST_REGISTER_TIMEOUT=%d", 10000);
		a->all[2] = b->peers.lttng_home;
		break;
	}
	a->all[0] = a->own[0];
	a->all[1] = a->own[1];
}

bool way_record(struct bench *b, enum way way, const char *const *arguments, const char *trace,
		struct outcome *outcome)
{
	struct assignments assignments;
	struct command command = { .arguments = arguments, .environment = assignments.all };
	bool good;

	assign(&assignments, b, way, trace);
	unlink(trace);
	good = spawn_run(&command, outcome);
	free(assignments.own[0]);
	free(assignments.own[1]);
	return good;
}

bool way_run(struct bench *b, enum way way, const char *const *arguments, struct outcome *outcome)
{
	const char *trace = bench_path(b, "trace");
	bool good = way_record(b, way, arguments, trace, outcome);

	unlink(trace);
	return good;
}
