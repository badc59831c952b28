/* SPDX-License-Identifier: MIT */
/*
 * Measures how long it takes to read a trace of ten million calls, and how long heaptrack and
 * babeltrace2 take for theirs of the same calls. All read from the page cache, and print to
 * /dev/null.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "bench.h"
#include "tracers.h"

#define FULL_CALLS 10000000.
/* babeltrace2 is slow, so its trace is shorter. The trace has only those calls that fit into the
 * buffers. */
#define LTTNG_BUFFER "16M"
#define SPACE_NEEDED (3.0 * (1 << 30))

enum reading { REPORT, EVENTS, STAT, HEAPTRACK_PRINT, BABELTRACE, READINGS };

struct reader {
	const char *key;
	const char *arguments[8];
	double events;
	struct samples speed; /* events a second */
};

static double run_seconds(const char *const *arguments, const char *input, const char *output)
{
	struct command command = { .arguments = arguments, .input = input, .output = output };
	struct outcome o;
	double seconds = spawn_run(&command, &o) ? o.seconds : NAN;

	outcome_release(&o);
	return seconds;
}

static double count_lines(const char *path)
{
	FILE *file = fopen(path, "r");
	double lines = 0;
	int byte;

	if (!file)
		return NAN;
	while ((byte = getc_unlocked(file)) != EOF)
		lines += byte == '\n';
	fclose(file);
	return lines;
}

static const char *const ten_million[] = { CALLS_PROGRAM, "cost", "rounds=5000", "warm=0", NULL };

static bool record_ours(struct bench *b, const char *trace)
{
	struct outcome o;
	bool good = way_record(b, WAY_FULL, ten_million, trace, &o);

	outcome_release(&o);
	return good;
}

/* Does what the heaptrack script does after a recording, without the compression. */
static bool record_heaptrack(struct bench *b, const char *trace)
{
	const char *raw = bench_path(b, "heaptrack.raw");
	const char *const interpret[] = { b->peers.heaptrack_interpret, NULL };
	struct outcome o;
	bool good;

	if (way_missing(b, WAY_HEAPTRACK) || !b->peers.heaptrack_interpret ||
	    !b->peers.heaptrack_print)
		return false;
	good = way_record(b, WAY_HEAPTRACK, ten_million, raw, &o);
	outcome_release(&o);
	good = good && !isnan(run_seconds(interpret, raw, trace));
	unlink(raw);
	return good;
}

/* Returns the number of events in the file, or NaN. */
static double record_lttng(struct bench *b, const char *folder)
{
	static const char *const calls[] = { CALLS_PROGRAM, "cost", "rounds=250", "warm=0", NULL };
	const char *text = bench_path(b, "babeltrace.txt");
	const char *const convert[] = { b->peers.babeltrace, folder, NULL };
	double lines = NAN;
	struct outcome o;

	if (way_missing(b, WAY_LTTNG) || !b->peers.babeltrace)
		return NAN;
	if (lttng_begin(&b->peers, LTTNG_BUFFER) && way_run(b, WAY_LTTNG, calls, &o)) {
		outcome_release(&o);
		if (lttng_snapshot(&b->peers, folder) && !isnan(run_seconds(convert, NULL, text)))
			lines = count_lines(text);
	}
	lttng_end(&b->peers);
	unlink(text);
	return lines;
}

static void read_all(struct bench *b, struct reader readers[READINGS])
{
	for (unsigned round = 0; round < b->rounds; round++)
		for (int i = 0; i < READINGS; i++) {
			struct reader *r = &readers[i];

			if (r->events > 0)
				samples_add(&r->speed, r->events / run_seconds(r->arguments, NULL,
									       "/dev/null"));
		}
}

static json_t *show(const struct reader readers[READINGS])
{
	json_t *all = json_object();

	printf("  %-20s %12s %22s\n", "", "events", "million events a second");
	for (int i = 0; i < READINGS; i++) {
		const struct reader *r = &readers[i];

		printf("  %-20s", r->key);
		print_number(13, 0, r->events);
		print_number(23, 2, samples_median(&r->speed) / 1e6);
		putchar('\n');
		json_object_set_new(all, r->key,
				    json_pack("{s:o, s:o}", "events", json_measured(r->events),
					      "events_a_second", json_samples(&r->speed)));
	}
	return all;
}

static void judge(struct bench *b, const struct reader readers[READINGS])
{
	const struct samples *print = &readers[HEAPTRACK_PRINT].speed;
	struct ratio report = samples_ratio(&readers[REPORT].speed, print);
	struct ratio events = samples_ratio(&readers[EVENTS].speed, &readers[BABELTRACE].speed);
	const char *babeltrace =
		b->peers.babeltrace ? b->peers.lttng_missing : "babeltrace2 is not installed";

	bars_add(b, "report on 10 million events, events/s", "heaptrack_print", &report, AT_LEAST,
		 5, way_missing(b, WAY_HEAPTRACK));
	bars_add(b, "events as text, events/s", "babeltrace2", &events, AT_LEAST, 5, babeltrace);
}

static bool has_space(const struct bench *b)
{
	struct statvfs fs;

	return statvfs(b->folder, &fs) == 0 &&
	       (double)fs.f_bavail * (double)fs.f_frsize >= SPACE_NEEDED;
}

static json_t *read_traces(struct bench *b, const char *ours, const char *heaptracks,
			   const char *lttngs)
{
	struct reader readers[READINGS] = {
		[REPORT] = { .key = "report", .arguments = { LSATRACE, "report", ours } },
		[EVENTS] = { .key = "events", .arguments = { LSATRACE, "events", ours } },
		[STAT] = { .key = "stat", .arguments = { LSATRACE, "stat", ours } },
		[HEAPTRACK_PRINT] = { .key = "heaptrack_print",
				      .arguments = { b->peers.heaptrack_print, "-f", heaptracks } },
		[BABELTRACE] = { .key = "babeltrace2", .arguments = { b->peers.babeltrace, lttngs } },
	};

	readers[BABELTRACE].events = record_lttng(b, lttngs);
	readers[HEAPTRACK_PRINT].events = record_heaptrack(b, heaptracks) ? FULL_CALLS : NAN;
	readers[REPORT].events = record_ours(b, ours) ? FULL_CALLS : NAN;
	readers[EVENTS].events = readers[STAT].events = readers[REPORT].events;
	read_all(b, readers);
	judge(b, readers);
	return show(readers);
}

json_t *viewer_run(struct bench *b)
{
	char *ours = strdup(bench_path(b, "ours"));
	char *heaptracks = strdup(bench_path(b, "heaptrack"));
	char *lttngs = strdup(bench_path(b, "snapshot"));
	json_t *json = json_null();

	if (has_space(b))
		json = read_traces(b, ours, heaptracks, lttngs);
	else
		printf("  not measured: there is not enough room in %s\n", b->folder);
	unlink(ours);
	unlink(heaptracks);
	free(ours);
	free(heaptracks);
	free(lttngs);
	return json;
}
