/* SPDX-License-Identifier: MIT */
#include "drive.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"
#include "client_buffers.h"
#include "sections.h"

enum { HOST_SECTION_SIZE = 65536, HOST_BLOCK_SIZE = 256 };

/* The results of one thread's calls of one package. */
struct tally {
	unsigned long calls;
	unsigned long failed;
	unsigned long disturbed; /* calls that changed errno */
	struct answer last;
};

struct worker {
	pthread_t thread;
	const struct packages *packages;
	const struct options *options;
	const char *command;
	struct tally *tallies; /* one for each package */
};

static void call_once(const struct worker *worker, size_t package, PLSA_CLIENT_REQUEST request)
{
	struct tally *tally = &worker->tallies[package];

	call_package(&worker->packages->all[package], request, worker->command, &tally->last);
	tally->calls++;
	if (!NT_SUCCESS(tally->last.status))
		tally->failed++;
	if (tally->last.error)
		tally->disturbed++;
}

static void call_with_clients(const struct worker *worker, size_t package)
{
	unsigned int count = worker->options->clients;
	PLSA_CLIENT_REQUEST *requests = calloc(count, sizeof(*requests));

	if (!requests)
		abort();
	for (unsigned int i = 0; i < count; i++)
		requests[i] = client_new();
	for (unsigned int n = 0; n < worker->options->repeat; n++) {
		for (unsigned int i = 0; i < count; i++)
			call_once(worker, package, requests[i]);
	}
	free(requests);
}

static void *work(void *argument)
{
	const struct worker *worker = argument;

	for (size_t i = 0; i < worker->packages->count; i++) {
		const struct package *package = &worker->packages->all[i];

		if (package->usable && package->functions.CallPackage)
			call_with_clients(worker, i);
	}
	return NULL;
}

static void worker_init(struct worker *worker, const struct packages *packages,
			const struct options *options, const char *command)
{
	*worker = (struct worker){
		.packages = packages,
		.options = options,
		.command = command,
		.tallies = calloc(packages->count + 1, sizeof(*worker->tallies)),
	};
	if (!worker->tallies)
		abort();
}

static void print_tallies(const struct worker *worker, unsigned int thread)
{
	for (size_t i = 0; i < worker->packages->count; i++) {
		const struct tally *tally = &worker->tallies[i];

		if (!tally->calls)
			continue;
		printf("%s: thread %u: calls %lu, failed %lu, errno changed %lu, "
		       "last %08x %08x errno %d\n",
		       worker->packages->all[i].name, thread, tally->calls, tally->failed,
		       tally->disturbed, (unsigned int)tally->last.status,
		       (unsigned int)tally->last.protocol_status, tally->last.error);
		if (worker->options->print)
			printf("%s\n", tally->last.text);
	}
}

/* Flushes standard output before the fork, so that only one process writes what it holds. */
static pid_t start_child(const struct worker *model)
{
	struct worker worker;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	worker_init(&worker, model->packages, model->options, model->command);
	work(&worker);
	free(worker.tallies);
	exit(0);
}

static void wait_for_children(const pid_t *pids, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		int status = -1;

		waitpid(pids[i], &status, 0);
		printf("child %u: %s %d\n", i, WIFEXITED(status) ? "status" : "signal",
		       WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	}
}

static void run_threads(struct worker *workers, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			abort();
	}
}

static void run_threads_and_children(struct worker *workers, const struct options *options)
{
	pid_t *pids = calloc(options->children + 1, sizeof(*pids));

	if (!pids)
		abort();
	run_threads(workers, options->threads);
	for (unsigned int i = 0; i < options->children; i++)
		pids[i] = start_child(workers);
	for (unsigned int i = 0; i < options->threads; i++)
		pthread_join(workers[i].thread, NULL);
	wait_for_children(pids, options->children);
	free(pids);
}

/* The host does not create this section through the table, so a tracer does not see its
 * creation. */
static void write_command(char *command, size_t size, const struct options *options)
{
	void *section;

	snprintf(command, size, "%s", options->command);
	if (!options->section)
		return;
	section = sections_create(HOST_SECTION_SIZE, HOST_SECTION_SIZE);
	snprintf(command, size, "%s section=%#llx block=%#llx", options->command,
		 (unsigned long long)(uintptr_t)section,
		 (unsigned long long)(uintptr_t)sections_allocate(section, HOST_BLOCK_SIZE));
}

void drive(const struct packages *packages, const struct options *options)
{
	struct worker *workers = calloc(options->threads, sizeof(*workers));
	char command[256];

	if (!workers)
		abort();
	write_command(command, sizeof(command), options);
	for (unsigned int i = 0; i < options->threads; i++)
		worker_init(&workers[i], packages, options, command);
	if (options->threads == 1 && !options->children)
		work(&workers[0]);
	else
		run_threads_and_children(workers, options);
	for (unsigned int i = 0; i < options->threads; i++) {
		print_tallies(&workers[i], i);
		free(workers[i].tallies);
	}
	free(workers);
}
