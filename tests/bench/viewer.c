/* SPDX-License-Identifier: MIT */
/*
 * Measures how long it takes to read a trace of ten million calls, without leaks, with a million of one
 * stack, and with a million of 100,000 stacks; and how much memory. Beside it, what heaptrack and
 * babeltrace2 take for theirs of the same calls. All read from the page cache, and print to /dev/null.
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

/* babeltrace2 is slow, so its trace is shorter. The trace has only those calls that fit into the
 * buffers. */
#define LTTNG_BUFFER "16M"
#define SPACE_NEEDED (6.0 * (1 << 30))

/* The traces, which lsatrace and heaptrack make both. */
enum pattern { PLAIN, LEAKS, STACKS, PATTERNS };

static const struct {
	const char *ours, *heaptrack; /* files in the folder */
	const char *calls[8];
	double events;
} patterns[PATTERNS] = {
	[PLAIN] = { "ours",
		    "heaptrack",
		    { CALLS_PROGRAM, "cost", "rounds=5000", "warm=0", NULL },
		    10e6 },
	[LEAKS] = { "leaks",
		    "heaptrack-leaks",
		    { CALLS_PROGRAM, "cost", "rounds=5000", "warm=0", "live=1000000", NULL },
		    11e6 },
	[STACKS] = { "stacks",
		     "heaptrack-stacks",
		     { CALLS_PROGRAM, "cost", "rounds=5500", "warm=0", "stacks=100000", "inner=3",
		       "leaks=1000", NULL },
		     10e6 },
};

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
	LEAKS_GRAPHS,
	STACKS_REPORT,
	STACKS_HTML,
	STACKS_SPEEDSCOPE,
	STACKS_PPROF,
	STACKS_FOLDED,
	STACKS_HEAPTRACK,
	READINGS
};

struct reader {
	const char *key;
	const char *arguments[18];
	double events;        /* 0: there is no trace */
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

/* Both return the number of calls in the trace, or 0. */
static double record_ours(struct bench *b, enum pattern pattern, const char *trace)
{
	struct outcome o;
	bool good = way_record(b, WAY_FULL, patterns[pattern].calls, trace, &o);

	outcome_release(&o);
	return good ? patterns[pattern].events : 0;
}

/* Does what the heaptrack script does after a recording, without the compression. */
static double record_heaptrack(struct bench *b, enum pattern pattern, const char *trace)
{
	const char *raw = bench_path(b, "heaptrack.raw");
	const char *const interpret[] = { b->peers.heaptrack_interpret, NULL };
	struct outcome o;
	bool good;

	if (way_missing(b, WAY_HEAPTRACK) || !b->peers.heaptrack_interpret ||
	    !b->peers.heaptrack_print)
		return 0;
	good = way_record(b, WAY_HEAPTRACK, patterns[pattern].calls, raw, &o);
	outcome_release(&o);
	good = good && !isnan(run_seconds(interpret, raw, trace));
	unlink(raw);
	return good ? patterns[pattern].events : 0;
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

	printf("  %-32s %12s %24s %8s %8s\n", "", "events", "million events a second", "seconds",
	       "MiB");
	for (int i = 0; i < READINGS; i++) {
		const struct reader *r = &readers[i];

		printf("  %-32s", r->key);
		print_number(13, 0, r->events);
		print_number(25, 2, samples_median(&r->speed) / 1e6);
		print_number(9, 2, r->events / samples_median(&r->speed));
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
	static const struct {
		const char *what;
		enum reading ours, peers;
		double target;
	} bars[] = {
		{ "report on 10 million events, events/s", REPORT, HEAPTRACK_PRINT, 5 },
		{ "HTML with flame graphs and course, events/s", HTML, HEAPTRACK_GRAPHS, 1 },
		{ "report on a million leaks, events/s", LEAKS_REPORT, LEAKS_HEAPTRACK, 1 },
		{ "HTML of a million leaks, events/s", LEAKS_HTML, LEAKS_GRAPHS, 1 },
		{ "report on leaks of 100000 stacks, events/s", STACKS_REPORT, STACKS_HEAPTRACK, 1 },
	};
	struct ratio events = samples_ratio(&readers[EVENTS].speed, &readers[BABELTRACE].speed);
	const char *babeltrace =
		b->peers.babeltrace ? b->peers.lttng_missing : "babeltrace2 is not installed";

	for (size_t i = 0; i < sizeof(bars) / sizeof(*bars); i++) {
		struct ratio ratio =
			samples_ratio(&readers[bars[i].ours].speed, &readers[bars[i].peers].speed);

		bars_add(b, bars[i].what, "heaptrack_print", &ratio, AT_LEAST, bars[i].target,
			 way_missing(b, WAY_HEAPTRACK));
	}
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
	char *ours[PATTERNS], *heaptrack[PATTERNS], *ctf, *lttng;
};

/* Records all patterns, and says so to those that read them. */
static void record_all(struct bench *b, const struct files *f, struct reader readers[READINGS])
{
	static const struct {
		enum pattern pattern;
		enum reading first, last; /* of lsatrace; those of heaptrack follow */
		unsigned peers;
	} all[] = {
		{ PLAIN, REPORT, STAT, 2 },
		{ LEAKS, LEAKS_REPORT, LEAKS_PPROF, 2 },
		{ STACKS, STACKS_REPORT, STACKS_FOLDED, 1 },
	};

	for (size_t i = 0; i < PATTERNS; i++) {
		enum pattern pattern = all[i].pattern;
		double ours = record_ours(b, pattern, f->ours[pattern]);
		double heaptrack = record_heaptrack(b, pattern, f->heaptrack[pattern]);

		for (unsigned j = all[i].first; j <= all[i].last; j++)
			readers[j].events = ours;
		for (unsigned j = 1; j <= all[i].peers; j++)
			readers[all[i].last + j].events = heaptrack;
	}
	readers[BABELTRACE].events = record_lttng(b, f->lttng);
}

#define EXPORT(format, trace) \
	{ \
		LSATRACE, "export", "--to=" format, trace \
	}
#define READ(trace, ...) \
	{ \
		LSATRACE, "report", "--fail-on=never", trace, __VA_ARGS__ \
	}
#define HEAPTRACK(...) \
	{ \
		b->peers.heaptrack_print, __VA_ARGS__ \
	}
#define GRAPHS "-F", "/dev/null", "-M", "/dev/null", "-f"
/* Only leaks; and all of them, which are not merged by their innermost functions. */
#define ONLY_LEAKS "-l", "1", "-p", "0", "-a", "0", "-T", "0", "-f"
#define ALL_LEAKS "-m", "0", "-n", "1000000", ONLY_LEAKS

static json_t *read_traces(struct bench *b, const struct files *f)
{
	char *plain = f->ours[PLAIN], *leaks = f->ours[LEAKS], *stacks = f->ours[STACKS];
	struct reader readers[READINGS] = {
		[REPORT] = { .key = "report", .arguments = READ(plain) },
		[HTML] = { .key = "report --format=html", .arguments = READ(plain, "--format=html") },
		[SPEEDSCOPE] = { .key = "export --to=speedscope",
				 .arguments = EXPORT("speedscope", plain) },
		[PPROF] = { .key = "export --to=pprof", .arguments = EXPORT("pprof", plain) },
		[PERFETTO] = { .key = "export --to=perfetto",
			       .arguments = EXPORT("perfetto", plain) },
		[CTF] = { .key = "export --to=ctf",
			  .arguments = { "sh",
					 "-c", "rm -rf \"$2\" && exec \"$0\" export --to=ctf -o \"$2\" \"$1\"",
					 LSATRACE, plain, f->ctf } },
		[EVENTS] = { .key = "events", .arguments = { LSATRACE, "events", plain } },
		[STAT] = { .key = "stat", .arguments = { LSATRACE, "stat", plain } },
		[HEAPTRACK_PRINT] = { .key = "heaptrack_print",
				      .arguments = HEAPTRACK("-f", f->heaptrack[PLAIN]) },
		[HEAPTRACK_GRAPHS] = { .key = "heaptrack_print, graphs",
				       .arguments = HEAPTRACK(GRAPHS, f->heaptrack[PLAIN]) },
		[BABELTRACE] = { .key = "babeltrace2",
				 .arguments = { b->peers.babeltrace, f->lttng } },
		[LEAKS_REPORT] = { .key = "report, leaks", .arguments = READ(leaks) },
		[LEAKS_HTML] = { .key = "report --format=html, leaks",
				 .arguments = READ(leaks, "--format=html") },
		[LEAKS_PPROF] = { .key = "export --to=pprof, leaks",
				  .arguments = EXPORT("pprof", leaks) },
		[LEAKS_HEAPTRACK] = { .key = "heaptrack_print, leaks",
				      .arguments = HEAPTRACK(ONLY_LEAKS, f->heaptrack[LEAKS]) },
		[LEAKS_GRAPHS] = { .key = "heaptrack_print, leaks, graphs",
				   .arguments = HEAPTRACK(GRAPHS, f->heaptrack[LEAKS]) },
		[STACKS_REPORT] = { .key = "report, stacks", .arguments = READ(stacks) },
		[STACKS_HTML] = { .key = "report --format=html, stacks",
				  .arguments = READ(stacks, "--format=html") },
		[STACKS_SPEEDSCOPE] = { .key = "export --to=speedscope, stacks",
					.arguments = EXPORT("speedscope", stacks) },
		[STACKS_PPROF] = { .key = "export --to=pprof, stacks",
				   .arguments = EXPORT("pprof", stacks) },
		[STACKS_FOLDED] = { .key = "export --to=folded, stacks",
				    .arguments = EXPORT("folded", stacks) },
		[STACKS_HEAPTRACK] = { .key = "heaptrack_print, stacks",
				       .arguments = HEAPTRACK(ALL_LEAKS, f->heaptrack[STACKS]) },
	};

	record_all(b, f, readers);
	read_all(b, readers);
	judge(b, readers);
	return show(readers);
}

static void forget(char *file)
{
	unlink(file);
	free(file);
}

json_t *viewer_run(struct bench *b)
{
	struct files f = { .ctf = strdup(bench_path(b, "ctf")),
			   .lttng = strdup(bench_path(b, "snapshot")) };
	json_t *json = json_null();

	for (size_t i = 0; i < PATTERNS; i++) {
		f.ours[i] = strdup(bench_path(b, patterns[i].ours));
		f.heaptrack[i] = strdup(bench_path(b, patterns[i].heaptrack));
	}
	if (has_space(b))
		json = read_traces(b, &f);
	else
		printf("  not measured: there is not enough room in %s\n", b->folder);
	for (size_t i = 0; i < PATTERNS; i++) {
		forget(f.ours[i]);
		forget(f.heaptrack[i]);
	}
	forget(f.ctf);
	forget(f.lttng);
	return json;
}
