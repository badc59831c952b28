/* SPDX-License-Identifier: MIT */
/* A few seconds of what `make fuzz` does for longer, the same each time and with any compiler. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "viewer/model/model.h"

#define RUNS_READING 20000u
#define RUNS_WHOLE 1000u

/* Calls the target with a trace that is changed step by step, and begun anew every 20 steps. */
static void run(void (*target)(const uint8_t *data, size_t size), unsigned runs)
{
	static uint8_t data[FUZZ_BYTES];
	size_t size = 0;

	for (unsigned i = 0; i < runs; i++) {
		size = fuzz_mutate(data, i % 20 ? size : 0, sizeof(data), i);
		target(data, size);
	}
}

/* How many of the traces are read: neither all nor none, or the changes are of no use. */
static unsigned opened;

static void open_model(const uint8_t *data, size_t size)
{
	struct trouble trouble;
	struct model *m;

	world_set(data, size);
	m = model_open("fuzzed", NULL, &trouble);
	opened += m != NULL;
	model_close(m);
}

Test(fuzz, changed_traces_are_read_or_refused, .timeout = 300)
{
	run(fuzz_reading, RUNS_READING);
}

Test(fuzz, changed_traces_are_reported_in_all_formats_or_refused, .timeout = 300)
{
	cr_assert(freopen("/dev/null", "w", stdout) && freopen("/dev/null", "w", stderr));
	run(fuzz_whole, RUNS_WHOLE);
}

Test(fuzz, many_changed_traces_are_still_read)
{
	run(open_model, 2000);
	cr_expect(opened > 200 && opened < 1800, "%u of 2000", opened);
}
