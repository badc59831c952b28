/* SPDX-License-Identifier: MIT */
#include "viewer/sweep/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "include/failures.h"
#include "viewer/base/buffer.h"
#include "viewer/base/complaint.h"
#include "viewer/base/memory.h"
#include "viewer/record/launch.h"
#include "viewer/record/recording.h"
#include "viewer/record/session.h"
#include "viewer/sweep/crash.h"
#include "viewer/sweep/pipe.h"
#include "viewer/sweep/runs.h"
#include "viewer/sweep/state.h"
#include "viewer/sweep/strays.h"

/* What the sweep writes: how many runs there are; then of each its number, and the length of its options, which
 * follow. */
struct request {
	uint64_t run, bytes;
};

/* What the runner writes: that a run has ended; and after the last one, a run of RUNS_END. */
struct answer {
	uint64_t run;
	int32_t state, wait_status, error;
	bool is_whole;
};

#define RUNS_END UINT64_MAX

/* In the runner: the runs of one request. */
struct batch {
	const struct sweep *sweep;
	bool is_watched; /* crash_watch() */
	int answers;
	struct run *runs;
	struct request *request;
	char **options;
	size_t count;
};

/* In a worker, before its first run. */
static void begin_worker(void *batch)
{
	const struct batch *b = batch;

	close(b->answers);
	strays_adopt();
}

static int record(void *batch, size_t i)
{
	const struct batch *b = batch;
	struct recording recording = { .settings = { .output = "%e.%p.trace" } };
	char *folder = sweep_folder(b->sweep, b->request[i].run);
	char *crash = sweep_file(b->sweep, b->request[i].run, CRASH_FILE);
	char *strays = sweep_file(b->sweep, b->request[i].run, STRAYS_FILE);
	int status;

	recording.settings.folder = recording.session.folder = folder;
	recording.watch = b->is_watched ? crash_watch : NULL;
	recording.watch_path = crash;
	if (!crash_commands_wait())
		runs_take_turn();
	buffer_text(&recording.settings.text, b->options[i]);
	status = recording_run(&recording, b->sweep->command);
	strays_end(NULL, NULL, strays);
	runs_end_turn();
	recording_release(&recording);
	free(crash);
	free(strays);
	free(folder);
	return status;
}

static void tell(void *batch, size_t i)
{
	const struct batch *b = batch;
	const struct run *run = &b->runs[i];
	char *folder = sweep_folder(b->sweep, b->request[i].run);
	struct answer answer = { .run = b->request[i].run,
				 .state = run->state,
				 .wait_status = run->wait_status,
				 .error = run->error };

	session_remove_left(folder);
	if (run->state != RUN_WAITING)
		pipe_write(b->answers, &answer, sizeof(answer));
	free(folder);
}

static bool read_batch(struct batch *b, int requests)
{
	uint64_t count;

	if (!pipe_read(requests, &count, sizeof(count)))
		return false;
	b->count = count;
	b->runs = memory_new(count, sizeof(*b->runs));
	b->request = memory_new(count, sizeof(*b->request));
	b->options = memory_new(count, sizeof(*b->options));
	for (size_t i = 0; i < count; i++) {
		if (!pipe_read(requests, &b->request[i], sizeof(b->request[i])))
			return false;
		b->options[i] = memory_new(b->request[i].bytes + 1, 1);
		if (!pipe_read(requests, b->options[i], b->request[i].bytes))
			return false;
		b->runs[i].output = sweep_file(b->sweep, b->request[i].run, "output");
	}
	return true;
}

static void release_batch(struct batch *b)
{
	for (size_t i = 0; i < b->count; i++) {
		free(b->options[i]);
		free(b->runs[i].output);
	}
	free(b->runs);
	free(b->request);
	free(b->options);
}

/* While a command runs, the next one is loaded on a processor that is free, up to its first instruction. */
static uint32_t count_workers(const struct batch *b)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	return b->is_watched && b->sweep->jobs < processors ? 2 * b->sweep->jobs : b->sweep->jobs;
}

static _Noreturn void become_runner(const struct sweep *s, int requests, int answers)
{
	struct batch b = { .sweep = s,
			   .is_watched = crash_may_be_watched(launch_skip(s->command)[0]),
			   .answers = answers };

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	strays_adopt();
	signal(SIGPIPE, SIG_IGN);
	while (read_batch(&b, requests)) {
		struct runs runs = { .all = b.runs,
				     .count = b.count,
				     .jobs = s->jobs,
				     .workers = count_workers(&b),
				     .timeout_seconds = s->timeout_seconds,
				     .end_ns = s->end_ns,
				     .context = &b,
				     .begin = begin_worker,
				     .run = record,
				     .ended = tell };
		struct answer end = { .run = RUNS_END, .is_whole = runs_do(&runs) };

		pipe_write(answers, &end, sizeof(end));
		release_batch(&b);
	}
	_exit(0);
}

bool runner_start(struct sweep *s)
{
	int requests[2], answers[2];

	if (pipe2(requests, O_CLOEXEC) || pipe2(answers, O_CLOEXEC)) {
		complaint_print("lsatrace sweep", "cannot make a pipe: %s", strerror(errno));
		return false;
	}
	fflush(NULL);
	s->runner = fork();
	if (s->runner == 0) {
		close(requests[1]);
		close(answers[0]);
		become_runner(s, requests[0], answers[1]);
	}
	if (s->runner < 0)
		complaint_print("lsatrace sweep", "cannot make a process: %s", strerror(errno));
	close(requests[0]);
	close(answers[1]);
	s->requests = requests[1];
	s->answers = answers[0];
	return s->runner > 0;
}

/* Lets all calls be kept and recorded, also those of functions that are not traced. */
static void record_all(struct settings *settings)
{
	char value[64];

	settings_add(settings, "mode", "full");
	for (const struct failure_slot *f = failures_slots(); f->name; f++)
		if (f->function >= TRANSFER_END) {
			snprintf(value, sizeof(value), "%s:0", f->name);
			settings_add(settings, "fail", value);
		}
}

static bool request(const struct sweep *s, size_t run)
{
	const struct result *r = &s->results.all[run];
	struct settings settings = { 0 };
	struct request head = { .run = run };
	bool is_written;

	if (s->settings.text.used)
		buffer_text(&settings.text, s->settings.text.data);
	if (r->count == 0 || (r->count == 1 && s->has_pairs))
		record_all(&settings);
	for (unsigned i = 0; i < r->count; i++) {
		struct buffer value = { 0 };

		result_write_option(&s->results, &r->failing[i], &value);
		settings_add(&settings, "fail", value.data);
		buffer_release(&value);
	}
	head.bytes = settings.text.used;
	is_written = pipe_write(s->requests, &head, sizeof(head)) &&
		     pipe_write(s->requests, settings.text.data, settings.text.used);
	settings_release(&settings);
	return is_written;
}

static volatile sig_atomic_t forward_to;

/* The runner ends the runs; what there is is reported. */
static void forward_signal(int number)
{
	int saved = errno;

	kill((pid_t)forward_to, number);
	errno = saved;
}

bool runner_do(struct sweep *s, size_t first, void (*judge)(struct sweep *s, size_t run))
{
	struct sigaction forward = { .sa_handler = forward_signal, .sa_flags = SA_RESTART },
			 before[2];
	uint64_t count = 0, done = 0;
	struct answer answer;
	bool is_alive = true;

	for (size_t i = first; i < s->results.count; i++)
		count += s->runs[i].state == RUN_WAITING;
	forward_to = s->runner;
	sigaction(SIGINT, &forward, &before[0]);
	sigaction(SIGTERM, &forward, &before[1]);
	is_alive = pipe_write(s->requests, &count, sizeof(count));
	for (size_t i = first; is_alive && i < s->results.count; i++)
		is_alive = s->runs[i].state != RUN_WAITING || request(s, i);
	while (is_alive) {
		struct run *run;

		progress_show(&s->progress, "runs", done++, count);
		is_alive = pipe_read(s->answers, &answer, sizeof(answer));
		if (!is_alive || answer.run == RUNS_END)
			break;
		run = &s->runs[answer.run];
		run->state = (enum run_state)answer.state;
		run->wait_status = answer.wait_status;
		run->error = answer.error;
		judge(s, answer.run);
	}
	progress_end(&s->progress);
	sigaction(SIGINT, &before[0], NULL);
	sigaction(SIGTERM, &before[1], NULL);
	return is_alive && answer.is_whole;
}

void runner_end(struct sweep *s)
{
	if (s->runner <= 0)
		return;
	close(s->requests);
	close(s->answers);
	waitpid(s->runner, NULL, 0);
}
