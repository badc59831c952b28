/* SPDX-License-Identifier: MIT */
/* lsatrace-host: the Local Security Authority for one process. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/host/base/faults.h"
#include "viewer/host/base/memory.h"
#include "viewer/host/base/system.h"
#include "viewer/host/lsa/table.h"
#include "viewer/host/lsa/tasks.h"
#include "viewer/host/package/answers.h"
#include "viewer/host/package/entry.h"
#include "viewer/host/package/lifetime.h"
#include "viewer/host/package/packages.h"
#include "viewer/host/program/options.h"
#include "viewer/host/scenario/run.h"

enum { STATUS_TROUBLE = 2 };

static struct options options;
static struct steps steps;

/* Reads a file, or standard input for "-". Returns NULL, with a line printed, if it cannot be read. */
static char *read_text(const char *path)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	const char *wrong = NULL;
	size_t bytes = 0;
	char *text = NULL;

	if (file)
		text = memory_read(file, &bytes, &wrong);
	else
		wrong = strerror(errno);
	if (text && !wrong && memchr(text, '\0', bytes))
		wrong = "is no text";
	if (wrong) {
		fprintf(stderr, "lsatrace-host: %s: %s\n", path, wrong);
		free(text);
		text = NULL;
	}
	if (file && file != stdin)
		fclose(file);
	return text;
}

static bool read_scenario(void)
{
	char *text = options.scenario ? read_text(options.scenario) : memory_text(run_default);
	bool is_right;

	if (!text)
		return false;
	is_right = steps_parse(&steps, options.scenario, text) && run_check(&steps);
	free(text);
	return is_right;
}

static void *run_thread(void *argument)
{
	char room[SYSTEM_FAULT_ROOM];

	(void)argument;
	system_watch_thread(room);
	run_rounds(&steps, options.rounds);
	return NULL;
}

/* A single one is the main thread. Several are all started, so that their backtraces are alike. */
static void run_threads(void)
{
	pthread_t *threads = memory_new(options.threads * sizeof(*threads));
	unsigned started = 0;

	while (options.threads > 1 && started < options.threads &&
	       pthread_create(&threads[started], NULL, run_thread, NULL) == 0)
		started++;
	if (options.threads == 1)
		run_rounds(&steps, options.rounds);
	else if (started < options.threads)
		fprintf(stderr, "lsatrace-host: only %u threads could be started\n", started);
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	free(threads);
}

static const char *plural(unsigned long count)
{
	return count == 1 ? "" : "s";
}

static void print_summary(size_t ready)
{
	printf("lsatrace-host: %zu package%s initialised, %lu call%s, %u fault%s", ready,
	       plural(ready), entry_count(), plural(entry_count()), fault_count(),
	       plural(fault_count()));
	if (fault_unexpected())
		printf(", %u result%s not as the scenario expects", fault_unexpected(),
		       plural(fault_unexpected()));
	printf("\n");
}

static size_t count_ready(void)
{
	size_t ready = 0;

	for (size_t i = 0; i < package_count; i++)
		ready += packages[i].is_ready || packages[i].is_user_ready;
	return ready;
}

int main(int argc, char **argv)
{
	static char room[SYSTEM_FAULT_ROOM];
	size_t ready;

	if (!options_parse(&options, argc, argv))
		return options.status;
	step_is_verbose = options.is_verbose;
	setvbuf(stdout, NULL, _IOLBF, 0); /* a package may end the process at any moment */
	if (!read_scenario())
		return STATUS_TROUBLE;
	answer_unset();
	entry_watch();
	system_watch_thread(room);
	for (char **path = options.packages; *path; path++)
		if (!packages_load(*path))
			return STATUS_TROUBLE;
	lifetime_begin(table_get(options.has_shared_memory), &table_of_clients);
	if (!run_check_packages(&steps))
		return STATUS_TROUBLE;
	ready = count_ready();
	run_threads();
	lifetime_end();
	tasks_finish();
	print_summary(ready);
	steps_release(&steps);
	return fault_count()        ? ENTRY_STATUS_FAULTS
	       : fault_unexpected() ? ENTRY_STATUS_UNEXPECTED
				    : 0;
}
