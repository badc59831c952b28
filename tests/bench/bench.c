/* SPDX-License-Identifier: MIT */
/*
 * Measures the cost of tracing and of reading traces, and the cost of those peers that are
 * installed:
 *
 *	bench [--rounds=N] [--output=FILE] [--cells=FIRST[-LAST]] [PART]...
 *
 * Prints tables, writes all results as JSON, and ends with the targets of the project.
 */
#include "bench.h"

#include <ftw.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "spawn.h"

static const struct part parts[] = {
	{ "cost", "what a call costs, over a matrix of patterns", cost_run },
	{ "steps", "what each step of it costs", steps_run },
	{ "process", "first calls, and memory", process_run },
	{ "host", "a whole process: the test host with a busy package", host_run },
	{ "viewer", "reading traces", viewer_run },
	{ "symbols", "names, lines and inlined functions", symbols_run },
	{ "embedded", "blocks of the embedded shared memory", embedded_run },
};
enum { PARTS = sizeof(parts) / sizeof(*parts) };

enum { ROUNDS_DEFAULT = 7 };

const char *bench_path(const struct bench *b, const char *name)
{
	static char paths[4][4096];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", b->folder, name);
	return path;
}

json_t *json_measured(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

json_t *json_samples(const struct samples *s)
{
	return json_measured(samples_median(s));
}

json_t *json_ratio(const struct ratio *r)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "median", json_measured(r->median), "least",
			 json_measured(r->least), "most", json_measured(r->most), "of_medians",
			 json_measured(r->of_medians));
}

void print_number(int width, int decimals, double value)
{
	if (isfinite(value))
		printf("%*.*f", width, decimals, value);
	else
		printf("%*s", width, "-");
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

static char *new_folder(void)
{
	const char *parent = getenv("TMPDIR");
	char *path;

	if (asprintf(&path, "%s/lsatrace-bench.XXXXXX", parent ? parent : "/tmp") < 0)
		abort();
	if (mkdtemp(path))
		return path;
	perror(path);
	exit(1);
}

static double load(void)
{
	double average;

	return getloadavg(&average, 1) == 1 ? average : NAN;
}

static json_t *describe(const struct bench *b)
{
	const struct peers *p = &b->peers;

	return json_pack("{s:i, s:i, s:o, s:b, s:b, s:b, s:b}", "rounds", b->rounds, "processors",
			 (int)sysconf(_SC_NPROCESSORS_ONLN), "load_before", json_measured(load()),
			 "heaptrack", p->heaptrack && p->heaptrack_interpret && p->heaptrack_print,
			 "lttng", p->lttng != NULL, "babeltrace2", p->babeltrace != NULL,
			 "llvm_symbolizer", p->symbolizer != NULL);
}

/* Other programs that run on the machine change the results, so the reader must know of them. */
static void print_machine(const struct bench *b)
{
	printf("%ld processors, load %.2f%s; %u rounds\n", sysconf(_SC_NPROCESSORS_ONLN), load(),
	       load() > 0.5 ? ": BUSY, so that these figures are noisy" : "", b->rounds);
	if (!b->peers.heaptrack)
		printf("heaptrack is not installed: see make bench-deps\n");
	if (b->peers.lttng_missing)
		printf("LTTng: %s\n", b->peers.lttng_missing);
}

static bool is_wanted(const struct part *part, char **names)
{
	for (char **name = names; *name; name++)
		if (strcmp(*name, part->name) == 0)
			return true;
	return !*names;
}

static void check_names(char **names)
{
	for (; *names; names++) {
		size_t i = 0;

		while (i < PARTS && strcmp(*names, parts[i].name) != 0)
			i++;
		if (i < PARTS)
			continue;
		fprintf(stderr, "bench: %s: no such part; there are", *names);
		for (i = 0; i < PARTS; i++)
			fprintf(stderr, " %s", parts[i].name);
		fputc('\n', stderr);
		exit(2);
	}
}

static void run_parts(struct bench *b, char **names)
{
	for (size_t i = 0; i < PARTS; i++) {
		if (!is_wanted(&parts[i], names) || spawn_is_stopped())
			continue;
		printf("\n%s: %s\n", parts[i].name, parts[i].title);
		json_object_set_new(b->json, parts[i].name, parts[i].run(b));
		fflush(stdout);
	}
}

static int finish(const struct bench *b, const char *output)
{
	if (spawn_is_stopped())
		return 130;
	bars_print(b);
	json_object_set_new(b->json, "load_after", json_measured(load()));
	if (json_dump_file(b->json, output, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) == 0)
		return 0;
	perror(output);
	return 1;
}

static bool parse_cells(struct bench *b, const char *text)
{
	char *end;

	b->first_cell = b->last_cell = strtoul(text, &end, 10);
	if (*end == '-')
		b->last_cell = strtoul(end + 1, &end, 10);
	return !*end && b->first_cell > 0;
}

int main(int argc, char **argv)
{
	const char *output = BUILD_DIR "/bench.json";
	struct bench b = { .rounds = ROUNDS_DEFAULT, .first_cell = 1, .last_cell = SIZE_MAX };
	int status;

	for (argv++, argc--; *argv && strncmp(*argv, "--", 2) == 0; argv++)
		if (strncmp(*argv, "--output=", 9) == 0)
			output = *argv + 9;
		else if (strncmp(*argv, "--rounds=", 9) == 0)
			b.rounds = (unsigned)strtoul(*argv + 9, NULL, 10);
		else if (strncmp(*argv, "--cells=", 8) != 0 || !parse_cells(&b, *argv + 8))
			b.rounds = 0;
	if (b.rounds < 1 || b.rounds > SAMPLES_MOST) {
		fprintf(stderr,
			"usage: bench [--rounds=1...%d] [--output=FILE] [--cells=FIRST[-LAST]] "
			"[PART]...\n",
			SAMPLES_MOST);
		return 2;
	}
	check_names(argv);
	spawn_init();
	b.folder = new_folder();
	peers_start(&b.peers, b.folder);
	b.json = json_pack("{s:i, s:o, s:[]}", "schema", 1, "machine", describe(&b), "bars");
	print_machine(&b);
	run_parts(&b, argv);
	status = finish(&b, output);
	json_decref(b.json);
	peers_release(&b.peers);
	nftw(b.folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(b.folder);
	return status;
}
