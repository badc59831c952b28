/* SPDX-License-Identifier: MIT */
/*
 * Measures other costs of a traced process: the first calls of the process and of its threads,
 * memory, and the size of an event in the file.
 */
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "tracers.h"

enum { MEASURES_MOST = 8 };

/* A number that the program prints, and how the table shows it. */
struct measures {
	const char *const *arguments;
	const char *name[MEASURES_MOST];  /* of the program's numbers; ends with NULL */
	const char *title[MEASURES_MOST]; /* of the columns */
	double scale;
};

static const enum way ways[] = { WAY_BARE, WAY_LSATRACE, WAY_LIBUNWIND, WAY_HEAPTRACK, WAY_LTTNG };
enum { WAYS_SHOWN = sizeof(ways) / sizeof(*ways) };

static void measure_round(struct bench *b, const struct measures *m,
			  struct samples samples[][MEASURES_MOST])
{
	for (size_t i = 0; i < WAYS_SHOWN; i++) {
		struct outcome o;

		if (way_missing(b, ways[i]))
			continue;
		way_run(b, ways[i], m->arguments, &o);
		for (size_t j = 0; m->name[j]; j++)
			samples_add(&samples[i][j], outcome_number(&o, m->name[j]) * m->scale);
		outcome_release(&o);
	}
}

/* Prints a row for each way. */
static json_t *measure_all(struct bench *b, const struct measures *m)
{
	struct samples samples[WAYS_SHOWN][MEASURES_MOST] = { 0 };
	json_t *all = json_object();

	for (unsigned round = 0; round < b->rounds; round++)
		measure_round(b, m, samples);
	printf("  %-12s", "");
	for (size_t j = 0; m->name[j]; j++)
		printf(" %17s", m->title[j]);
	putchar('\n');
	for (size_t i = 0; i < WAYS_SHOWN; i++) {
		json_t *json = json_object();

		printf("  %-12s", way_column[ways[i]]);
		for (size_t j = 0; m->name[j]; j++) {
			double median = samples_median(&samples[i][j]);

			print_number(18, 1, median);
			json_object_set_new(json, m->name[j], json_measured(median / m->scale));
		}
		putchar('\n');
		json_object_set_new(all, way_key[ways[i]], json);
	}
	fflush(stdout);
	return all;
}

static json_t *measure_first(struct bench *b)
{
	static const char *const arguments[] = { CALLS_PROGRAM, "first", "threads=64", NULL };
	static const struct measures measures = {
		.arguments = arguments,
		.name = { "load_ns", "first_ns", "thread_first_ns", "thread_second_ns" },
		.title = { "loading a package", "first call", "a thread's first", "its second" },
		.scale = 1e-3,
	};

	printf("  microseconds\n");
	return measure_all(b, &measures);
}

static json_t *measure_memory(struct bench *b, const char *const *arguments, const char *when)
{
	const struct measures measures = {
		.arguments = arguments,
		.name = { "Rss_kb", "Pss_kb", "Pss_Anon_kb", "Pss_File_kb", "Pss_Shmem_kb",
			  "Private_Clean_kb", "Private_Dirty_kb" },
		.title = { "RSS", "PSS", "anonymous", "of files", "shared memory", "private, clean",
			   "private, dirty" },
		.scale = 1. / 1024,
	};

	printf("\n  memory of the process in MiB, after %s\n", when);
	return measure_all(b, &measures);
}

static double file_bytes(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? (double)status.st_size : NAN;
}

/* Records a million calls, of which none is overwritten. */
static double event_bytes(struct bench *b, enum way way)
{
	static const char *const arguments[] = { CALLS_PROGRAM, "cost", "rounds=500", "warm=0",
						 NULL };
	const char *trace = bench_path(b, "trace");
	struct outcome o;
	double bytes;

	if (way_missing(b, way))
		return NAN;
	way_record(b, way, arguments, trace, &o);
	outcome_release(&o);
	bytes = file_bytes(trace);
	unlink(trace);
	return bytes / 1e6;
}

static json_t *measure_events(struct bench *b)
{
	double ours = event_bytes(b, WAY_FULL), heaptracks = event_bytes(b, WAY_HEAPTRACK);

	printf("\n  bytes of the file by event: lsatrace ");
	print_number(0, 1, ours);
	printf(", heaptrack (raw, allocations with stacks) ");
	print_number(0, 1, heaptracks);
	putchar('\n');
	return json_pack("{s:o, s:o}", "lsatrace", json_measured(ours), "heaptrack",
			 json_measured(heaptracks));
}

json_t *process_run(struct bench *b)
{
	static const char *const few[] = { CALLS_PROGRAM, "memory", "rounds=1", "warm=0", NULL };
	static const char *const many[] = { CALLS_PROGRAM, "memory", "rounds=1000", "warm=0", NULL };
	static const char *const threads[] = { CALLS_PROGRAM, "memory", "threads=8",
					       "rounds=125",  "warm=0", NULL };
	json_t *json = json_object();

	json_object_set_new(json, "first", measure_first(b));
	json_object_set_new(json, "memory_2000_calls",
			    measure_memory(b, few, "2,000 calls: at rest"));
	json_object_set_new(json, "memory_2000000_calls",
			    measure_memory(b, many, "2,000,000 calls"));
	json_object_set_new(json, "memory_8_threads",
			    measure_memory(b, threads, "2,000,000 calls of 8 threads"));
	json_object_set_new(json, "bytes_an_event", measure_events(b));
	return json;
}
