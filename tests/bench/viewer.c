/* SPDX-License-Identifier: MIT */
/*
 * Measures how long it takes to read a trace of ten million calls, without leaks and with a million
 * of them, and how much memory; and what heaptrack and babeltrace2 take for theirs of the same calls.
 * All read from the page cache, and print to /dev/null.
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
#define LEAKS 1000000.
/* babeltrace2 is slow, so its trace is shorter. The trace has only those calls that fit into the
 * buffers. */
#define LTTNG_BUFFER "16M"
#define SPACE_NEEDED (4.0 * (1 << 30))

enum reading {
	REPORT,
	HTML,
	SPEEDSCOPE,
	PPROF,
	PERFETTO,
	CTF,
	EVENTS,
	STAT,
	HEAPTRACK_PRINT,
	HEAPTRACK_GRAPHS,
	BABELTRACE,
	LEAKS_REPORT,
	LEAKS_HTML,
	LEAKS_PPROF,
	LEAKS_HEAPTRACK,
	READINGS
};

struct reader {
	const char *key;
	const char *arguments[14];
	double events;
	struct samples speed; /* events a second */
	struct samples peak_mib;
};

static double run_seconds(const char *const *arguments, const char *input, const char *output)
{
	struct command command = { .arguments = arguments, .input = input, .output = output };
	struct outcome o;
	double seconds = spawn_run(&command, &o) ? o.seconds : NAN;

	outcome_release(&o);
	return seconds;
}

static void read_once(struct reader *r)
{
	struct command command = { .arguments = r->arguments, .output = "/dev/null" };
	struct outcome o;
	bool is_read = spawn_run(&command, &o);

	samples_add(&r->speed, is_read ? r->events / o.seconds : NAN);
	samples_add(&r->peak_mib, is_read ? o.peak_mib : NAN);
	outcome_release(&o);
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
static const char *const leaking[] = { CALLS_PROGRAM, "cost",         "rounds=5000",
				       "warm=0",      "live=1000000", NULL };

/* Both return the number of calls in the trace, or NaN. */
static double record_ours(struct bench *b, const char *const *calls, const char *trace)
{
	struct outcome o;
	bool good = way_record(b, WAY_FULL, calls, trace, &o);

	outcome_release(&o);
	return !good ? NAN : FULL_CALLS + (calls == leaking ? LEAKS : 0);
}

/* Does what the heaptrack script does after a recording, without the compression. */
static double record_heaptrack(struct bench *b, const char *const *calls, const char *trace)
{
	const char *raw = bench_path(b, "heaptrack.raw");
	const char *const interpret[] = { b->peers.heaptrack_interpret, NULL };
	struct outcome o;
	bool good;

	if (way_missing(b, WAY_HEAPTRACK) || !b->peers.heaptrack_interpret ||
	    !b->peers.heaptrack_print)
		return NAN;
	good = way_record(b, WAY_HEAPTRACK, calls, raw, &o);
	outcome_release(&o);
	good = good && !isnan(run_seconds(interpret, raw, trace));
	unlink(raw);
	return !good ? NAN : FULL_CALLS + (calls == leaking ? LEAKS : 0);
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
		for (int i = 0; i < READINGS; i++)
			if (readers[i].events > 0)
				read_once(&readers[i]);
}

static json_t *show(const struct reader readers[READINGS])
{
	json_t *all = json_object();

	printf("  %-28s %12s %24s %8s\n", "", "events", "million events a second", "MiB");
	for (int i = 0; i < READINGS; i++) {
		const struct reader *r = &readers[i];

		printf("  %-28s", r->key);
		print_number(13, 0, r->events);
		print_number(25, 2, samples_median(&r->speed) / 1e6);
		print_number(9, 0, samples_median(&r->peak_mib));
		putchar('\n');
		json_object_set_new(all, r->key,
				    json_pack("{s:o, s:o, s:o}", "events", json_measured(r->events),
					      "events_a_second", json_samples(&r->speed),
					      "peak_mib", json_samples(&r->peak_mib)));
	}
	return all;
}

static void judge(struct bench *b, const struct reader readers[READINGS])
{
	const struct samples *print = &readers[HEAPTRACK_PRINT].speed;
	struct ratio report = samples_ratio(&readers[REPORT].speed, print);
	struct ratio events = samples_ratio(&readers[EVENTS].speed, &readers[BABELTRACE].speed);
	struct ratio html = samples_ratio(&readers[HTML].speed, &readers[HEAPTRACK_GRAPHS].speed);
	struct ratio leaks =
		samples_ratio(&readers[LEAKS_REPORT].speed, &readers[LEAKS_HEAPTRACK].speed);
	const char *babeltrace =
		b->peers.babeltrace ? b->peers.lttng_missing : "babeltrace2 is not installed";

	bars_add(b, "report on 10 million events, events/s", "heaptrack_print", &report, AT_LEAST,
		 5, way_missing(b, WAY_HEAPTRACK));
	bars_add(b, "report on a million leaks, events/s", "heaptrack_print", &leaks, AT_LEAST, 1,
		 way_missing(b, WAY_HEAPTRACK));
	bars_add(b, "HTML with flame graphs and course, events/s", "heaptrack_print", &html,
		 AT_LEAST, 1, way_missing(b, WAY_HEAPTRACK));
	bars_add(b, "events as text, events/s", "babeltrace2", &events, AT_LEAST, 5, babeltrace);
}

static bool has_space(const struct bench *b)
{
	struct statvfs fs;

	return statvfs(b->folder, &fs) == 0 &&
	       (double)fs.f_bavail * (double)fs.f_frsize >= SPACE_NEEDED;
}

/* The files that are read, in the folder. */
struct files {
	char *ours, *leaks, *ctf, *heaptrack, *heaptrack_leaks, *lttng;
};

#define EXPORT(format, trace) \
	{ \
		LSATRACE, "export", "--to=" format, trace \
	}
#define HEAPTRACK(...) \
	{ \
		b->peers.heaptrack_print, __VA_ARGS__ \
	}

static json_t *read_traces(struct bench *b, const struct files *f)
{
	struct reader readers[READINGS] = {
		[REPORT] = { .key = "report", .arguments = { LSATRACE, "report", f->ours } },
		[HTML] = { .key = "report --format=html",
			   .arguments = { LSATRACE, "report", "--format=html", f->ours } },
		[SPEEDSCOPE] = { .key = "export --to=speedscope",
				 .arguments = EXPORT("speedscope", f->ours) },
		[PPROF] = { .key = "export --to=pprof", .arguments = EXPORT("pprof", f->ours) },
		[PERFETTO] = { .key = "export --to=perfetto",
			       .arguments = EXPORT("perfetto", f->ours) },
		[CTF] = { .key = "export --to=ctf",
			  .arguments = { "sh",
					 "-c", "rm -rf \"$2\" && exec \"$0\" export --to=ctf -o \"$2\" \"$1\"",
					 LSATRACE, f->ours, f->ctf } },
		[EVENTS] = { .key = "events", .arguments = { LSATRACE, "events", f->ours } },
		[STAT] = { .key = "stat", .arguments = { LSATRACE, "stat", f->ours } },
		[HEAPTRACK_PRINT] = { .key = "heaptrack_print",
				      .arguments = HEAPTRACK("-f", f->heaptrack) },
		[HEAPTRACK_GRAPHS] = { .key = "heaptrack_print, graphs",
				       .arguments = HEAPTRACK("-F", "/dev/null", "-M", "/dev/null",
							      "-f", f->heaptrack) },
		[BABELTRACE] = { .key = "babeltrace2",
				 .arguments = { b->peers.babeltrace, f->lttng } },
		[LEAKS_REPORT] = { .key = "report, leaks",
				   .arguments = { LSATRACE, "report", "--fail-on=never", f->leaks } },
		[LEAKS_HTML] = { .key = "report --format=html, leaks",
				 .arguments = { LSATRACE, "report", "--fail-on=never",
						"--format=html", f->leaks } },
		[LEAKS_PPROF] = { .key = "export --to=pprof, leaks",
				  .arguments = EXPORT("pprof", f->leaks) },
		[LEAKS_HEAPTRACK] = { .key = "heaptrack_print, leaks",
				      .arguments = HEAPTRACK("-l", "1", "-p", "0", "-a", "0", "-T",
							     "0", "-f", f->heaptrack_leaks) },
	};
	double ours = record_ours(b, ten_million, f->ours);
	double leaks = record_ours(b, leaking, f->leaks);

	for (int i = REPORT; i <= STAT; i++)
		readers[i].events = ours;
	for (int i = LEAKS_REPORT; i <= LEAKS_PPROF; i++)
		readers[i].events = leaks;
	readers[HEAPTRACK_PRINT].events = readers[HEAPTRACK_GRAPHS].events =
		record_heaptrack(b, ten_million, f->heaptrack);
	readers[LEAKS_HEAPTRACK].events = record_heaptrack(b, leaking, f->heaptrack_leaks);
	readers[BABELTRACE].events = record_lttng(b, f->lttng);
	read_all(b, readers);
	judge(b, readers);
	return show(readers);
}

json_t *viewer_run(struct bench *b)
{
	static const char *const names[] = { "ours",      "leaks",           "ctf",
					     "heaptrack", "heaptrack-leaks", "snapshot" };
	struct files f;
	char **const file[] = { &f.ours,      &f.leaks,           &f.ctf,
				&f.heaptrack, &f.heaptrack_leaks, &f.lttng };
	json_t *json = json_null();

	for (size_t i = 0; i < sizeof(file) / sizeof(*file); i++)
		*file[i] = strdup(bench_path(b, names[i]));
	if (has_space(b))
		json = read_traces(b, &f);
	else
		printf("  not measured: there is not enough room in %s\n", b->folder);
	for (size_t i = 0; i < sizeof(file) / sizeof(*file); i++) {
		unlink(*file[i]);
		free(*file[i]);
	}
	return json;
}
