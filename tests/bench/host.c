/* SPDX-License-Identifier: MIT */
/*
 * Measures a whole process, from its start to its end: the test host, with a package that does
 * nothing but call all of the traced functions.
 */
#include <stdio.h>

#include "bench.h"
#include "tracers.h"

enum { REPEAT = 200, CALLS = 1000, THREADS_MOST = 2 };

static void measure(struct bench *b, unsigned threads, struct samples *bare, struct samples *traced)
{
	char thread_text[32], repeat_text[32], command_text[32];
	const char *const arguments[] = { HOST_PROGRAM, thread_text,  repeat_text,
					  command_text, LOAD_PACKAGE, NULL };

	snprintf(thread_text, sizeof(thread_text), "--threads=%u", threads);
	snprintf(repeat_text, sizeof(repeat_text), "--repeat=%d", REPEAT);
	snprintf(command_text, sizeof(command_text), "--command=calls=%d", CALLS);
	for (unsigned round = 0; round < b->rounds; round++) {
		struct outcome o;

		if (way_run(b, WAY_BARE, arguments, &o))
			samples_add(bare, o.seconds);
		outcome_release(&o);
		if (way_run(b, WAY_LSATRACE, arguments, &o))
			samples_add(traced, o.seconds);
		outcome_release(&o);
	}
}

json_t *host_run(struct bench *b)
{
	json_t *all = json_array();

	printf("  %d calls a thread, from every depth up to 16%26s %10s %10s %14s\n",
	       REPEAT * CALLS, "bare ms", "traced ms", "ratio", "ns a call");
	for (unsigned threads = 1; threads <= THREADS_MOST; threads++) {
		struct samples bare = { 0 }, traced = { 0 }, added;
		struct ratio ratio;
		double call_ns;

		measure(b, threads, &bare, &traced);
		added = samples_minus(&traced, &bare);
		ratio = samples_ratio(&traced, &bare);
		call_ns = samples_median(&added) * 1e9 / REPEAT / CALLS;
		printf("  %u thread%-55s", threads, threads == 1 ? "" : "s");
		print_number(11, 1, samples_median(&bare) * 1e3);
		print_number(11, 1, samples_median(&traced) * 1e3);
		print_number(11, 2, ratio.median);
		print_number(15, 1, call_ns);
		putchar('\n');
		json_array_append_new(all,
				      json_pack("{s:i, s:o, s:o, s:o, s:o}", "threads", threads,
						"bare_s", json_samples(&bare), "traced_s",
						json_samples(&traced), "ratio", json_ratio(&ratio),
						"ns_a_call", json_measured(call_ns)));
	}
	return all;
}
