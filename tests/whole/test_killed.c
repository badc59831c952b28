/* SPDX-License-Identifier: MIT */
/*
 * Tests of traces of processes that are killed at a random moment, in half of the cases with their
 * children. The host counts its calls in a journal that survives as well. Both must agree, except for
 * the calls that were in flight.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/host/journal.h"
#include "tests/support/json.h"
#include "tests/support/traced.h"

enum { KILLS = 100, KILLS_MANY = 1000, THREADS = 3, LATEST_MS = 60 };

#define HOST BUILD_DIR "/tests/lsahost"
#define LOAD BUILD_DIR "/tests/packages/load.so"

static const char *const names[] = {
#define NAME(table, name, ...) #name,
	TRACED_SLOTS(NAME)
};

struct counts {
	long long begun, returned, traced;
};

static void nap_ms(long ms)
{
	struct timespec nap = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	while (nanosleep(&nap, &nap) != 0 && errno == EINTR)
		;
}

static char *path_of(const char *folder, const char *name)
{
	char *path;

	cr_assert_gt(asprintf(&path, "%s/%s", folder, name), 0);
	return path;
}

/* Starts a host that never ends by itself, with or without children, as the leader of a group. Its
 * traces go to the folder. */
static pid_t start_host(const char *folder, bool has_children)
{
	char *options, *journal;
	pid_t pid;

	cr_assert_gt(asprintf(&options, "output=%s/%%p.trace:ring=1M", folder), 0);
	cr_assert_gt(asprintf(&journal, "--journal=%s/journal", folder), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		setpgid(0, 0);
		setenv("LD_PRELOAD", LIBRARY, 1);
		setenv("LSATRACE_OPTIONS", options, 1);
		if (!freopen("/dev/null", "w", stdout))
			_exit(126);
		execl(HOST, HOST, "--threads=3", "--repeat=1000000000", "--command=calls=10 leaks=7",
		      journal, LOAD, has_children ? "--fork=2" : (char *)NULL, (char *)NULL);
		_exit(127);
	}
	free(options);
	free(journal);
	return pid;
}

static void await_trace(const char *folder, pid_t pid)
{
	char name[32], *path;

	snprintf(name, sizeof(name), "%d.trace", (int)pid);
	path = path_of(folder, name);
	for (int i = 0; i < 5000 && access(path, R_OK) != 0; i++)
		nap_ms(1);
	cr_assert_eq(access(path, R_OK), 0, "no trace");
	free(path);
}

/* Waits for the children as well, which become those of this process. */
static void kill_at_random(const char *folder, bool has_children, unsigned *seed)
{
	pid_t pid = start_host(folder, has_children);
	int status;

	await_trace(folder, pid);
	/* Down to microseconds. Half of the moments are in the first milliseconds. */
	usleep((useconds_t)rand_r(seed) % (rand_r(seed) % 2 ? 3000 : LATEST_MS * 1000));
	cr_assert_eq(kill(-pid, SIGKILL), 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status), "the host ended by itself");
	while (wait(NULL) > 0)
		;
}

static json_t *report_of(const char *path)
{
	struct run run = run_command(COMMAND(LSATRACE, "report", "--format=json", path));
	json_t *report = json_loads(run.out, 0, NULL);

	cr_assert_not_null(report, "status %d: %s", run.status, run.err);
	cr_assert_str_empty(run.err);
	run_release(&run);
	return report;
}

static struct counts count(const json_t *report, const struct journal_file *journal, int function)
{
	long long pid = json_number_at(report, "traces.0.pid");
	struct counts c = { 0 };
	char path[200];

	for (int i = 0; i < JOURNAL_THREADS; i++) {
		if (journal->threads[i].pid != pid)
			continue;
		c.begun += (long long)journal->threads[i].begun[function];
		c.returned += (long long)journal->threads[i].returned[function];
	}
	snprintf(path, sizeof(path), "traces.0.calls.%s", names[function]);
	c.traced = json_number_at(report, path);
	if (c.traced < 0)
		c.traced = 0;
	return c;
}

/* Returns how many calls of a function are in flight in the trace. */
static long long in_flight(const json_t *report, const char *name)
{
	json_t *list = json_at(report, "traces.0.in_flight"), *call;
	long long found = 0;
	size_t i;

	json_array_foreach(list, i, call) found +=
		json_same_text(json_text_at(call, "function"), name);
	return found;
}

/* Each call that the host has answered is in the trace, or was being recorded. Nothing else is
 * in the trace. */
static void expect_every_call(const json_t *report, const struct journal_file *journal)
{
	for (int function = 0; function < SLOT_COUNT; function++) {
		struct counts c = count(report, journal, function);
		long long flying = in_flight(report, names[function]);

		cr_expect_leq(c.returned, c.traced + flying, "%s: answered %lld, traced %lld + %lld",
			      names[function], c.returned, c.traced, flying);
		cr_expect_leq(c.traced, c.begun + flying, "%s: begun %lld, traced %lld",
			      names[function], c.begun, c.traced);
	}
}

/* Allocations minus frees are what the ledger holds, except for one call of each thread. */
static void expect_ledger(const json_t *report, const struct journal_file *journal)
{
	static const struct {
		enum slot function;
		int change;
	} rows[] = {
		{ SLOT_AllocateLsaHeap, 1 },      { SLOT_FreeLsaHeap, -1 },
		{ SLOT_CallPackage, 1 },          { SLOT_FreeReturnBuffer, -1 },
		{ SLOT_AllocatePrivateHeap, 1 },  { SLOT_FreePrivateHeap, -1 },
		{ SLOT_AllocateClientBuffer, 1 }, { SLOT_FreeClientBuffer, -1 },
		{ SLOT_AllocateSharedMemory, 1 }, { SLOT_FreeSharedMemory, -1 },
	};
	long long live = 0, leaked = json_number_at(report, "summary.leaked_blocks");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		live += rows[i].change * count(report, journal, rows[i].function).traced;
	cr_expect_leq(llabs(live - leaked), THREADS, "counts leave %lld, the ledger has %lld", live,
		      leaked);
}

static void expect_whole(const json_t *report)
{
	json_t *findings = json_at(report, "findings"), *finding;
	size_t i;

	cr_expect_str_eq(json_text_at(report, "traces.0.end"), "killed");
	cr_expect(json_is_true(json_at(report, "summary.exact")));
	cr_expect_leq(json_number_at(report, "traces.0.events.torn"), THREADS);
	cr_expect_eq(json_number_at(report, "traces.0.events.lost"), 0);
	json_array_foreach(findings, i, finding)
		cr_expect(json_same_text(json_text_at(finding, "level"), "error") &&
				  strstr(json_text_at(finding, "kind"), "-leak"),
			  "%s", json_text_at(finding, "kind"));
}

static struct journal_file *read_journal(const char *folder)
{
	char *path = path_of(folder, "journal");
	struct journal_file *journal;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	cr_assert_geq(fd, 0);
	journal = mmap(NULL, sizeof(*journal), PROT_READ, MAP_SHARED, fd, 0);
	cr_assert_neq(journal, MAP_FAILED);
	close(fd);
	free(path);
	return journal;
}

/* A child that was killed early has no trace. */
static void expect_each_trace(const char *folder)
{
	struct journal_file *journal = read_journal(folder);
	struct arguments paths = { 0 };

	folder_list(&paths, folder, ".trace");
	for (size_t i = 0; i < paths.count; i++) {
		json_t *report = report_of(paths.all[i]);

		expect_whole(report);
		expect_every_call(report, journal);
		expect_ledger(report, journal);
		json_decref(report);
	}
	arguments_release(&paths);
	munmap(journal, sizeof(*journal));
}

Test(killed, a_trace_agrees_with_its_host_whenever_that_is_killed, .timeout = 3000)
{
	unsigned seed = 20;

	cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	for (long i = 0; i < run_count(KILLS, KILLS_MANY); i++) {
		char *folder = temporary_folder_new();

		kill_at_random(folder, i % 2, &seed);
		expect_each_trace(folder);
		temporary_folder_remove(folder);
	}
}
