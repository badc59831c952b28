/* SPDX-License-Identifier: MIT */
/*
 * The live view, in a terminal that tmux plays. The trace is one that a test has made, of a child of
 * the test that does nothing, so that the test decides what happens to it, and when.
 */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/run.h"
#include "tests/support/trace_builder.h"
#include "tests/support/traced.h"

#define LSATRACE BUILD_DIR "/lsatrace"
#define LSA_HOST BUILD_DIR "/tests/lsahost"
#define LOAD BUILD_DIR "/tests/packages/load.so"

/* Runs a shell command in a folder, where $L is lsatrace. */
static struct run shell(const char *folder, const char *command)
{
	return run_command(
		COMMAND("sh", "-c", "cd \"$0\" && L=$1 && eval \"$2\"", folder, LSATRACE, command));
}

static void must(const char *folder, const char *command)
{
	struct run run = shell(folder, command);

	cr_assert_eq(run.status, 0, "%s: %s%s", command, run.out, run.err);
	run_release(&run);
}

/* A trace, and its process. */
struct live {
	struct trace_builder *b;
	char *folder; /* has the trace, named T */
	pid_t child;
	uint32_t steady, growing; /* backtraces */
};

/* The trace is replaced as a whole: whoever reads it sees the old one or the new one. */
static void live_write(struct live *l)
{
	struct arguments command = { 0 };
	struct run run;

	arguments_add_all(&command,
			  COMMAND("sh", "-c", "cp \"$1\" \"$0/new\" && mv \"$0/new\" \"$0/T\""));
	arguments_add(&command, "%s", l->folder);
	arguments_add(&command, "%s", trace_builder_write(l->b));
	run = run_command((const char *const *)command.all);
	cr_assert_eq(run.status, 0, "%s", run.err);
	run_release(&run);
	arguments_release(&command);
}

static void live_add(struct live *l, uint32_t stack, uint64_t bytes)
{
	trace_builder_entry(l->b, (struct trace_entry){ .address = 0x1000,
							.size = bytes,
							.stack = stack,
							.state = TRACE_ENTRY_BLOCK,
							.family = FAMILY_LSA_HEAP });
}

static pid_t start_child(void)
{
	pid_t child = fork();

	while (child == 0)
		pause();
	cr_assert_gt(child, 0);
	return child;
}

static struct live live_start(const char *package)
{
	struct live l = { .b = trace_builder_new(), .folder = temporary_folder_new() };

	l.child = start_child();
	trace_builder_running(l.b, l.child);
	trace_builder_module(l.b, 1, "/lib/alpha.so", 0x100000, NULL);
	trace_builder_package(l.b, 0, package, 1, 1);
	trace_builder_counter(l.b, 0, SLOT_AllocateLsaHeap, 100, 0, 640);
	l.steady = trace_builder_place(l.b, 1, 0x10);
	l.growing = trace_builder_place(l.b, 1, 0x20);
	live_add(&l, l.steady, 5000);
	live_write(&l);
	return l;
}

static void end_child(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void live_end(struct live *l)
{
	if (l->child)
		end_child(l->child);
	trace_builder_free(l->b);
	temporary_folder_remove(l->folder);
}

/* Runs tmux with the server of a folder. */
static struct run tmux(const char *folder, const char *arguments)
{
	struct arguments command = { 0 };
	struct run run;

	arguments_add_all(
		&command,
		COMMAND("sh", "-c", "unset TMUX; cd \"$0\" && eval \"tmux -S S -f /dev/null $1\""));
	arguments_add(&command, "%s", folder);
	arguments_add(&command, "%s", arguments);
	run = run_command((const char *const *)command.all);
	arguments_release(&command);
	return run;
}

static void send_keys(const char *folder, const char *keys)
{
	struct arguments command = { 0 };
	struct run run;

	arguments_add(&command, "send-keys %s", keys);
	run = tmux(folder, command.all[0]);
	cr_assert_eq(run.status, 0, "%s", run.err);
	run_release(&run);
	arguments_release(&command);
}

/* Waits until the terminal shows a text, or no longer does. */
static void expect_shown(const char *folder, const char *text, bool is_wanted)
{
	struct run run = { 0 };

	for (time_t end = time(NULL) + 60; time(NULL) < end; usleep(50000)) {
		run_release(&run);
		run = tmux(folder, "capture-pane -p");
		if (run.status == 0 && (strstr(run.out, text) != NULL) == is_wanted)
			break;
	}
	cr_assert_eq(run.out && strstr(run.out, text), is_wanted, "'%s':\n%s%s", text, run.out,
		     run.err);
	run_release(&run);
}

static void wait_shown(const char *folder, const char *text)
{
	expect_shown(folder, text, true);
}

/*
 * Runs a command of bash in a terminal, with what the terminal was like before and afterwards in files.
 * `environment` is a list of assignments.
 */
static void start_terminal(const char *folder, const char *environment, const char *command)
{
	struct arguments line = { 0 };
	struct run run = run_command(COMMAND("tmux", "-V"));
	FILE *script;

	if (run.status != 0)
		cr_skip_test("tmux is not installed");
	run_release(&run);
	arguments_add(&line, "%s/script", folder);
	script = fopen(line.all[0], "w");
	cr_assert(script);
	fprintf(script,
		"trap : INT\nset -m\nexport LSATRACE='%s' %s\nmodes() { stty -a | sed 's/ rows.* "
		"columns [^;]*;//'; }\nmodes >before\n%s\necho status $?\n"
		"modes >after\necho left\nexec sleep 1000\n",
		LSATRACE, environment, command);
	fclose(script);
	/* The server of the terminal before may still be about to exit, and takes the new session with it. */
	for (int tries = 0;; tries++) {
		run = tmux(folder,
			   "new-session -d -x 80 -y 24 timeout --foreground 240 bash script");
		if (run.status == 0 || tries == 100)
			break;
		run_release(&run);
		usleep(20000);
	}
	cr_assert_eq(run.status, 0, "%s", run.err);
	run_release(&run);
	arguments_release(&line);
}

static void start_top(const struct live *l)
{
	start_terminal(l->folder, "LC_ALL=C.UTF-8", "$LSATRACE top -d 0.1 T");
	wait_shown(l->folder, "allocated by");
}

/* Waits until the view has been left, with a status, and ends the terminal. */
static void end_terminal(const char *folder, const char *status)
{
	wait_shown(folder, "left");
	wait_shown(folder, status);
	must(folder, "cmp before after");
	run_release((struct run[]){ tmux(folder, "kill-server") });
}

TestSuite(top, .timeout = 300);

Test(top, shows_rows_by_order_and_their_backtraces)
{
	struct live l = live_start("alpha");

	live_add(&l, l.growing, 64);
	live_write(&l);
	start_top(&l);
	wait_shown(l.folder, "live: 2 blocks, 4.9 KiB; 0 sections; since the mark");
	wait_shown(l.folder, "found: 0 errors, 0 warnings, 0 notes; exact so far");
	wait_shown(l.folder,
		   "bytes*  blocks  +bytes  +blocks  of        package  allocated by  (2 stacks)");
	wait_shown(l.folder, "alpha.so+0x20");
	send_keys(l.folder, "g");
	wait_shown(l.folder, "bytes  blocks  +bytes*  +blocks");
	send_keys(l.folder, "b Down Enter");
	wait_shown(l.folder, "allocated here:\n  #0 alpha.so+0x20");
	send_keys(l.folder, "q 1 Enter");
	wait_shown(l.folder, "AllocateLsaHeap: 100 calls, 640 B");
	send_keys(l.folder, "'?'");
	wait_shown(l.folder, "order by growth since the mark");
	send_keys(l.folder, "Escape");
	expect_shown(l.folder, "order by growth since the mark", false);
	send_keys(l.folder, "q");
	end_terminal(l.folder, "status 0");
	live_end(&l);
}

Test(top, counts_growth_from_the_mark_and_stands_still_in_a_pause)
{
	struct live l = live_start("alpha");

	start_top(&l);
	live_add(&l, l.growing, 64);
	live_write(&l);
	wait_shown(l.folder, "): +1, +64 B");
	send_keys(l.folder, "m");
	wait_shown(l.folder, "): 0, 0 B");
	send_keys(l.folder, "p");
	wait_shown(l.folder, "paused");
	live_add(&l, l.growing, 64);
	live_write(&l);
	usleep(500000);
	wait_shown(l.folder, "): 0, 0 B");
	send_keys(l.folder, "p");
	wait_shown(l.folder, "): +1, +64 B");
	send_keys(l.folder, "q");
	end_terminal(l.folder, "status 0");
	live_end(&l);
}

static void resize(const struct live *l, const char *size, const char *shown)
{
	struct arguments command = { 0 };
	struct run run;

	arguments_add(&command, "resize-window %s", size);
	run = tmux(l->folder, command.all[0]);
	cr_assert_eq(run.status, 0, "%s", run.err);
	run_release(&run);
	arguments_release(&command);
	wait_shown(l->folder, shown);
}

Test(top, fits_any_size_of_the_terminal)
{
	struct live l = live_start("alpha");

	start_top(&l);
	resize(&l, "-x 60 -y 20", "q leave  ? help  Tab table  Enter backtrace  b c g order\n");
	wait_shown(l.folder, "4.8 KiB");
	resize(&l, "-x 20 -y 10", "q leave  ? help\n");
	wait_shown(l.folder, "4.8 KiB  alpha.so+0");
	resize(&l, "-x 20 -y 2", "q leave  ? help\n");
	resize(&l, "-x 2 -y 1", "q\n");
	resize(&l, "-x 120 -y 40", "p pause");
	wait_shown(l.folder, "(0 findings)");
	send_keys(l.folder, "q");
	end_terminal(l.folder, "status 0");
	live_end(&l);
}

Test(top, ends_with_the_process_and_says_how)
{
	struct live l = live_start("alpha");

	start_top(&l);
	end_child(l.child);
	l.child = 0;
	end_terminal(l.folder, "status 0");
	live_end(&l);
}

Test(top, says_how_the_process_exited)
{
	struct live l = live_start("alpha");

	start_top(&l);
	trace_builder_header(l.b)->end = TRACE_END_EXIT;
	trace_builder_header(l.b)->exit_status = 3;
	live_write(&l);
	end_child(l.child);
	l.child = 0;
	wait_shown(l.folder, "exited with status 3");
	end_terminal(l.folder, "status 0");
	live_end(&l);
}

Test(top, walks_through_the_trace_of_a_process_that_has_ended)
{
	struct live l = live_start("alpha");

	trace_builder_header(l.b)->end = TRACE_END_EXIT;
	trace_builder_header(l.b)->exit_status = 3;
	live_add(&l, l.growing, 64);
	live_write(&l);
	end_child(l.child);
	l.child = 0;
	start_top(&l);
	wait_shown(l.folder, ", exited with status 3: ");
	wait_shown(l.folder, "the process has ended; q leave");
	send_keys(l.folder, "Down Enter");
	wait_shown(l.folder, "allocated here:\n  #0 alpha.so+0x20");
	send_keys(l.folder, "q 1 Enter");
	wait_shown(l.folder, "AllocateLsaHeap: 100 calls, 640 B");
	send_keys(l.folder, "q q");
	end_terminal(l.folder, "status 0");
	start_terminal(l.folder, "TERM=dumb", "$LSATRACE top T");
	wait_shown(l.folder, "alpha.so+0x20");
	end_terminal(l.folder, "status 0");
	live_end(&l);
}

Test(top, gives_the_terminal_back_on_each_signal_that_ends_it)
{
	static const struct {
		const char *name, *status;
	} signals[] = { { "INT", "status 130" },  { "TERM", "status 143" },
			{ "HUP", "status 129" },  { "QUIT", "status 131" },
			{ "USR1", "status 138" }, { "SEGV", "status 139" },
			{ "ABRT", "status 134" } };
	struct live l = live_start("alpha");

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		struct arguments command = { 0 };

		start_terminal(l.folder, "LC_ALL=C.UTF-8",
			       "sh -c 'echo $$ >pid; ulimit -c 0; exec $LSATRACE top T'");
		wait_shown(l.folder, "allocated by");
		arguments_add(&command, "kill -%s $(cat pid)", signals[i].name);
		must(l.folder, command.all[0]);
		arguments_release(&command);
		end_terminal(l.folder, signals[i].status);
	}
	live_end(&l);
}

Test(top, gives_the_terminal_back_while_it_is_stopped)
{
	struct live l = live_start("alpha");

	start_terminal(l.folder, "LC_ALL=C.UTF-8",
		       "$LSATRACE top -d 0.1 T; modes >stopped; echo halted; read; fg");
	wait_shown(l.folder, "allocated by");
	send_keys(l.folder, "C-z");
	wait_shown(l.folder, "halted");
	must(l.folder, "cmp before stopped");
	live_add(&l, l.growing, 64);
	live_write(&l);
	send_keys(l.folder, "Enter");
	wait_shown(l.folder, "): +1, +64 B");
	send_keys(l.folder, "q");
	end_terminal(l.folder, "status 0");
	live_end(&l);
}

Test(top, follows_a_trace_that_is_cut_off_or_replaced)
{
	struct live l = live_start("alpha");
	pid_t other;

	start_top(&l);
	must(l.folder, ": >T");
	wait_shown(l.folder, "not the newest, because the trace cannot be read: empty file");
	wait_shown(l.folder, "live: 1 block, ");
	live_write(&l);
	wait_shown(l.folder, "q leave");
	must(l.folder, "head -c 20000 T >half; mv half T");
	wait_shown(l.folder, "cannot be read: cut off");
	other = start_child();
	trace_builder_running(l.b, other);
	trace_builder_header(l.b)->start_time_ns++;
	live_add(&l, l.growing, 64);
	live_write(&l);
	wait_shown(l.folder, "live: 2 blocks");
	wait_shown(l.folder, "): 0, 0 B");
	end_child(other);
	end_terminal(l.folder, "status 0");
	live_end(&l);
}

Test(top, does_not_obey_what_names_hold)
{
	struct live l = live_start("\033]0;owned\007\033[2Jné\xc2\x9bm");
	struct run run;

	start_top(&l);
	wait_shown(l.folder, "?]0;owned??[2Jné?m");
	run = tmux(l.folder, "display-message -p '#{pane_title}'");
	cr_expect_null(strstr(run.out, "owned"), "%s", run.out);
	run_release(&run);
	send_keys(l.folder, "q");
	end_terminal(l.folder, "status 0");
	start_terminal(l.folder, "LC_ALL=C", "$LSATRACE top -d 0.1 T");
	wait_shown(l.folder, "?]0;owned??[2Jn??m");
	send_keys(l.folder, "q");
	end_terminal(l.folder, "status 0");
	live_end(&l);
}

static void expect_refused(const struct live *l, const char *environment, const char *words)
{
	start_terminal(l->folder, environment, "$LSATRACE top T");
	wait_shown(l->folder, words);
	end_terminal(l->folder, "status 2");
}

Test(top, says_what_it_needs_of_a_terminal)
{
	struct live l = live_start("alpha");
	struct run run = shell(l.folder, "$L top T");

	cr_expect_eq(run.status, 2);
	cr_expect_str_eq(run.err, "lsatrace top: this is no terminal; -b writes text\n");
	run_release(&run);
	expect_refused(&l, "TERM=dumb", "the terminal that TERM names cannot show a screen");
	expect_refused(&l, "TERM=no-such-terminal", "the terminal that TERM names is not known");
	live_end(&l);
}

Test(top, writes_text_without_a_terminal)
{
	struct live l = live_start("alpha");
	struct run run = shell(l.folder, "$L top -b -n 2 -d 0.1 T");
	const char *second;

	cr_expect_eq(run.status, 0, "%s", run.err);
	cr_expect(strstr(run.out, "live: 1 block, 5000 bytes; 0 sections"), "%s", run.out);
	cr_expect(strstr(run.out, "lsa-heap  alpha    alpha.so+0x10\n"), "%s", run.out);
	second = strstr(run.out, "\n\n?, process ");
	cr_assert(second, "%s", run.out);
	cr_expect_null(strstr(second + 3, "?, process "));
	run_release(&run);
	/* A reader that has seen enough ends it. */
	run = shell(l.folder, "(trap '' PIPE; $L top -b -d 0.1 T; echo status $? >&2) | head -n 1");
	cr_expect_str_eq(run.err, "status 0\n");
	run_release(&run);
	end_child(l.child);
	l.child = 0;
	run = shell(l.folder, "$L top -b T </dev/null");
	cr_expect_eq(run.status, 0, "%s", run.err);
	cr_expect(strstr(run.out, ", was killed: "), "%s", run.out);
	run_release(&run);
	run = shell(l.folder, "$L top -b none");
	cr_expect_eq(run.status, 2);
	cr_expect_str_eq(run.err, "none: No such file or directory\n");
	run_release(&run);
	live_end(&l);
}

Test(top, finds_the_trace_of_a_host_that_runs)
{
	char *folder = temporary_folder_new();
	pid_t host = fork();
	struct arguments command = { 0 };
	struct run run = { 0 };

	if (host == 0) {
		if (chdir(folder) != 0 || !freopen("/dev/null", "w", stdout))
			_exit(1);
		execl(LSATRACE, "lsatrace", "record", "-o", "T", "--", LSA_HOST, "--threads=2",
		      "--repeat=1000000", LOAD, (char *)NULL);
		_exit(1);
	}
	/* The host is the child of that process. */
	arguments_add(&command,
		      "N=0; while ! test -s T && test $((N += 1)) -lt 600; do sleep 0.05; done; "
		      "P=$(cat /proc/%d/task/%d/children); $L top -b -n 3 -d 0.1 $P; "
		      "$L top -b -n 1 %d | grep -q \"lsahost, process $(echo $P), running\" && "
		      "echo found; "
		      "kill $P",
		      host, host, host);
	run = shell(folder, command.all[0]);
	waitpid(host, NULL, 0);
	cr_expect_eq(run.status, 0, "%s", run.err);
	cr_expect(strstr(run.out, "lsahost, process "), "%s%s", run.out, run.err);
	cr_expect(strstr(run.out, ", running for "), "%s%s", run.out, run.err);
	cr_expect(strstr(run.out, "  load\n"), "%s", run.out);
	cr_expect(strstr(run.out, "; exact so far\n"), "%s", run.out);
	/* The same by the number of lsatrace. */
	cr_expect(strstr(run.out, "\nfound\n"), "%s%s", run.out, run.err);
	run_release(&run);
	arguments_release(&command);
	temporary_folder_remove(folder);
}

/* A server that takes questions and does not answer. Returns its socket, and writes what makes it the server. */
static int open_silent_server(const char *folder, char environment[256])
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t bytes = sizeof(address);
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert(bind(server, (struct sockaddr *)&address, bytes) == 0 && listen(server, 64) == 0 &&
		  getsockname(server, (struct sockaddr *)&address, &bytes) == 0);
	snprintf(environment,
		 256, "LC_ALL=C.UTF-8 DEBUGINFOD_URLS=http://127.0.0.1:%d/ DEBUGINFOD_CACHE_PATH=%s/cache",
		 ntohs(address.sin_port), folder);
	return server;
}

/* A trace, T, of a process that has ended, and whose files have no lines. */
static char *record_without_lines(void)
{
	char *folder = temporary_folder_new();

	if (!dlopen("libdebuginfod.so.1", RTLD_LAZY))
		cr_skip_test("there is no libdebuginfod");
	must(folder, "cp '" LSA_HOST "' '" BUILD_DIR "/tests/packages/demo.so' . && "
		     "strip -g lsahost demo.so && $L record -o T -- ./lsahost ./demo.so");
	return folder;
}

Test(top, a_picture_does_not_wait_for_a_server_that_is_silent_and_says_so)
{
	char *folder = record_without_lines(), environment[256];
	int server = open_silent_server(folder, environment);
	struct arguments command = { 0 };
	struct timespec start, end;
	struct run run;

	must(folder, "$L top --no-debuginfod -b -n 1 T >expected 2>e && test ! -s e");
	arguments_add(&command, "%s $L top -b -n 1 T | tee seen", environment);
	clock_gettime(CLOCK_MONOTONIC, &start);
	run = shell(folder, command.all[0]);
	clock_gettime(CLOCK_MONOTONIC, &end);
	cr_expect_lt(end.tv_sec - start.tv_sec, 4);
	cr_expect(strstr(run.err,
			 "lsatrace top: debuginfod did not answer within 1 second, and was "
			 "not asked again: http://127.0.0.1:"),
		  "%s", run.err);
	must(folder, "cmp seen expected");
	run_release(&run);
	arguments_release(&command);
	close(server);
	temporary_folder_remove(folder);
}

Test(top, the_view_has_names_at_once_and_says_in_its_bar_that_a_server_is_silent)
{
	char *folder = record_without_lines(), environment[256];
	int server = open_silent_server(folder, environment);
	time_t start = time(NULL);

	start_terminal(folder, environment, "$LSATRACE top T");
	wait_shown(folder, "begin_context");
	cr_expect_lt(time(NULL) - start, 4);
	wait_shown(folder, "debuginfod did not answer within 5 seconds, and was not asked again");
	send_keys(folder, "Tab");
	wait_shown(folder, "q leave");
	send_keys(folder, "q");
	end_terminal(folder, "lsatrace top: debuginfod did not answer within 5 seconds");
	close(server);
	temporary_folder_remove(folder);
}
