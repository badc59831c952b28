/* SPDX-License-Identifier: MIT */
/*
 * `lsatrace record` as its user sees it. Commands are shell scripts, which play a traced process
 * where one is needed: they write to the session file what the preload library would.
 */
#include <pty.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "include/options.h"
#include "tests/support/trace_builder.h"
#include "viewer/record/launch.h"
#include "viewer/record/untraced.h"

#define TOOL BUILD_DIR "/lsatrace"
#define LIBRARY BUILD_DIR "/liblsatrace.so"
#define NOT_ASKED \
	"it never asked for SpLsaModeInitialize, never called a package's Initialize with a " \
	"function table, or was executed without the library"

/* What the last shell() wrote to standard output and standard error. */
static char output[16384];
static char folder[64];

static void enter_scratch_folder(void)
{
	strcpy(folder, "/tmp/lsatrace-test.XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	cr_assert_eq(chdir(folder), 0);
	cr_assert_eq(setenv("LSATRACE", TOOL, 1), 0);
	unsetenv(OPTIONS_VARIABLE);
}

/* Runs a script in which $LSATRACE is the program. Returns its status. */
static int shell(const char *script)
{
	FILE *pipe;
	size_t bytes;
	int status;

	cr_assert_eq(setenv("SCRIPT", script, 1), 0);
	pipe = popen("exec 2>&1; s=$SCRIPT; unset SCRIPT; eval \"$s\"", "r");
	cr_assert_not_null(pipe);
	bytes = fread(output, 1, sizeof(output) - 1, pipe);
	output[bytes] = '\0';
	status = pclose(pipe);
	return WEXITSTATUS(status);
}

static void leave_scratch_folder(void)
{
	cr_assert_eq(chdir("/"), 0);
	cr_assert_eq(setenv("FOLDER", folder, 1), 0);
	shell("/bin/rm -rf \"$FOLDER\"");
}

TestSuite(launch, .init = enter_scratch_folder, .fini = leave_scratch_folder);
TestSuite(recording, .init = enter_scratch_folder, .fini = leave_scratch_folder);
TestSuite(gate, .init = enter_scratch_folder, .fini = leave_scratch_folder);
TestSuite(untraced, .init = enter_scratch_folder, .fini = leave_scratch_folder);

static void assert_output(const char *expected)
{
	cr_assert_str_eq(output, expected, "output was: %s", output);
}

static void assert_says(const char *words)
{
	cr_assert_not_null(strstr(output, words), "output was: %s", output);
}

/* Does the script write the same, and end with the same status, with `lsatrace record` before it? */
static void assert_same_when_traced(const char *script)
{
	char bare[sizeof(output)];
	int status;

	cr_assert_eq(setenv("COMMAND", script, 1), 0);
	status = shell("sh -c \"$COMMAND\"");
	strcpy(bare, output);
	cr_assert_eq(shell("$LSATRACE record -- sh -c \"$COMMAND\" 2>/dev/null"), status);
	cr_assert_str_eq(output, bare);
}

Test(launch, the_status_is_the_commands_own)
{
	cr_assert_eq(shell("$LSATRACE record -- sh -c 'exit 0'"), 0);
	cr_assert_eq(shell("$LSATRACE record -- sh -c 'exit 42'"), 42);
	cr_assert_eq(shell("$LSATRACE run -- sh -c 'exit 42'"), 42);
}

Test(launch, a_command_killed_by_a_signal_gives_128_and_its_number)
{
	cr_assert_eq(shell("$LSATRACE record -- sh -c 'kill -KILL $$'"), 128 + SIGKILL);
	cr_assert_eq(shell("$LSATRACE run -- sh -c 'kill -TERM $$'"), 128 + SIGTERM);
}

Test(launch, a_command_that_is_not_found_gives_127_and_one_line)
{
	cr_assert_eq(shell("$LSATRACE record -- ./nowhere"), 127);
	assert_output("lsatrace: cannot run './nowhere': No such file or directory\n");
	cr_assert_eq(shell("$LSATRACE run -- lsatrace-no-such-command"), 127);
}

/* As in a shell. execvp() says "Permission denied", since it does not know what the folder holds. */
Test(launch, a_folder_of_path_that_cannot_be_searched_holds_no_command)
{
	cr_assert_eq(mkdir("closed", 0), 0);
	if (getuid() == 0)
		cr_assert_eq(chown(folder, 65534, 65534) || setuid(65534), 0);
	if (access(TOOL, X_OK))
		cr_skip_test("an ordinary user may not run the program from where it was built");
	cr_expect_eq(shell("PATH=$PWD/closed:$PATH; $LSATRACE record -- lsatrace-no-such-command"),
		     127);
	assert_output("lsatrace: cannot run 'lsatrace-no-such-command': No such file or "
		      "directory\n");
}

Test(launch, a_command_that_cannot_be_run_gives_126_and_one_line)
{
	cr_assert_eq(shell("touch file; $LSATRACE record -- ./file"), 126);
	assert_output("lsatrace: cannot run './file': Permission denied\n");
	cr_assert_eq(shell("mv file unusable; PATH=$PWD:$PATH; $LSATRACE record -- unusable"), 126);
}

Test(launch, bad_usage_gives_125_and_one_line)
{
	cr_assert_eq(shell("$LSATRACE record --ring=abc true"), 125);
	assert_output("lsatrace record: --ring=abc: expected a size from 256K to 64G, "
		      "such as 64M\n");
	cr_assert_eq(shell("$LSATRACE run --error-exitcode=256 true"), 125);
	assert_output("lsatrace run: --error-exitcode=256: expected a number from 1 to 255\n");
	cr_assert_eq(shell("$LSATRACE record --depth"), 125);
	assert_output("lsatrace record: --depth: expected a value\n");
	cr_assert_eq(shell("$LSATRACE record --colour=host true"), 125);
	assert_output("lsatrace record: --colour=host: no such option; see lsatrace record "
		      "--help\n");
	cr_assert_eq(shell("$LSATRACE record --guard_side=both true"), 125);
	assert_output("lsatrace record: --guard-side=both: expected after or before\n");
	cr_assert_eq(shell("$LSATRACE run --alocator=guard true"), 125);
	assert_output("lsatrace run: --alocator=guard: no such option; did you mean --allocator? "
		      "See lsatrace run --help\n");
	cr_assert_eq(shell("$LSATRACE run --allocator=gaurd true"), 125);
	assert_says("; did you mean guard?\n");
	cr_assert_eq(shell("$LSATRACE run"), 125);
	assert_output("lsatrace run: no command was given; see lsatrace run --help\n");
}

Test(launch, help_goes_to_standard_output)
{
	cr_assert_eq(shell("$LSATRACE record --help 2>/dev/null"), 0);
	assert_says("usage: lsatrace record ");
	cr_assert_eq(shell("$LSATRACE run --help 2>/dev/null"), 0);
	assert_says("--error-exitcode");
	cr_assert_eq(shell("$LSATRACE --help 2>/dev/null"), 0);
	assert_says("  record ");
	cr_assert_eq(
		shell("$LSATRACE --help >1; $LSATRACE help | cmp 1 - && $LSATRACE -h | cmp 1 - && "
		      "$LSATRACE run --help >2 && $LSATRACE run -h | cmp 2 - && "
		      "$LSATRACE help run | cmp 2 -"),
		0);
	cr_assert_eq(shell("$LSATRACE --version >1; grep -q '^lsatrace [0-9]' 1 && "
			   "$LSATRACE -V | cmp 1 -"),
		     0);
}

Test(launch, an_unknown_command_gives_2_and_one_line)
{
	cr_assert_eq(shell("$LSATRACE reccord true"), 2);
	assert_output("lsatrace: 'reccord' is no command; did you mean 'record'?\n");
	cr_assert_eq(shell("$LSATRACE --hepl"), 2);
	assert_output("lsatrace: '--hepl' is no command; did you mean '--help'?\n");
	cr_assert_eq(shell("$LSATRACE frobnicate"), 2);
	assert_output("lsatrace: 'frobnicate' is no command; see lsatrace --help\n");
	cr_assert_eq(shell("$LSATRACE /bin/true"), 2);
	assert_output("lsatrace: '/bin/true' is no command; to trace it, type: lsatrace run "
		      "/bin/true\n");
	cr_assert_eq(shell("$LSATRACE >/dev/null"), 2);
	assert_says("usage: ");
}

Test(launch, options_after_the_command_are_its_own)
{
	shell("$LSATRACE record --depth=8 echo --depth=9 -o x 2>/dev/null");
	assert_output("--depth=9 -o x\n");
	shell("$LSATRACE record -- echo -- --help 2>/dev/null");
	assert_output("-- --help\n");
}

#define PRINT_OPTIONS "printenv LSATRACE_OPTIONS 2>/dev/null"

Test(launch, the_command_lines_options_come_after_the_users)
{
	shell("LSATRACE_OPTIONS=ring=1M:depth=3 $LSATRACE record --depth=5 --mode=full --no-follow "
	      "-o /x/y " PRINT_OPTIONS);
	assert_output("ring=1M:depth=3:depth=5:mode=full:follow=no:output=/x/y\n");
}

Test(launch, the_output_is_made_absolute_with_its_folders_name_taken_literally)
{
	shell("mkdir 'a:b%p\\c'; cd 'a:b%p\\c'; $LSATRACE record -o 'x:%p' " PRINT_OPTIONS);
	cr_assert(strncmp(output, "output=/tmp/", 12) == 0);
	assert_says("/a\\:b%%p\\\\c/x\\:%p\n");
}

Test(launch, the_default_output_lies_in_the_folder_where_lsatrace_was_started)
{
	shell("$LSATRACE record sh -c 'cd /; " PRINT_OPTIONS "' 2>/dev/null");
	cr_assert(strncmp(output, "output=/tmp/lsatrace-test.", 26) == 0);
	assert_says("/lsatrace.%e.%p.trace\n");
}

Test(launch, the_users_own_output_is_kept_but_made_absolute)
{
	shell("LSATRACE_OPTIONS='output=/n:output=a\\:b:depth=3' $LSATRACE record " PRINT_OPTIONS);
	cr_assert(strncmp(output, "output=/n:output=a\\:b:depth=3:output=/tmp/", 42) == 0);
	assert_says("/a\\:b\n");
}

Test(launch, the_library_goes_before_what_is_preloaded_already)
{
	shell("LD_PRELOAD=libm.so.6 $LSATRACE record printenv LD_PRELOAD 2>/dev/null");
	assert_output(LIBRARY ":libm.so.6\n");
	shell("LD_PRELOAD= $LSATRACE record printenv LD_PRELOAD 2>/dev/null");
	assert_output(LIBRARY "\n");
}

static void expect_preload(const char *before, const char *after)
{
	cr_assert_eq(setenv("BEFORE", before, 1), 0);
	/* The loader complains of libraries that are not there. */
	shell("LD_PRELOAD=$BEFORE $LSATRACE record sh -c 'echo $LD_PRELOAD' 2>/dev/null");
	assert_output(after);
}

Test(launch, a_sanitizer_that_is_first_stays_first)
{
	expect_preload("/nowhere/libasan.so.8", "/nowhere/libasan.so.8:" LIBRARY "\n");
	expect_preload("/nowhere/libclang_rt.asan-x86_64.so:libm.so.6",
		       "/nowhere/libclang_rt.asan-x86_64.so:" LIBRARY ":libm.so.6\n");
	expect_preload("/nowhere/libasan.so /nowhere/libubsan.so.1 libm.so.6 libasan.so",
		       "/nowhere/libasan.so /nowhere/libubsan.so.1 " LIBRARY
		       ":libm.so.6 libasan.so\n");
	expect_preload("libm.so.6:/nowhere/libasan.so", LIBRARY ":libm.so.6:/nowhere/libasan.so\n");
}

Test(launch, a_library_whose_path_cannot_be_preloaded_is_reported)
{
	cr_assert_eq(
		shell("mkdir 'a b'; cp $LSATRACE " LIBRARY " 'a b'; 'a b/lsatrace' record true"),
		125);
	assert_says("/a b/liblsatrace.so': LD_PRELOAD takes no path with a colon or white space\n");
}

Test(launch, the_library_is_found_in_the_places_of_an_installation)
{
	cr_assert_eq(shell("mkdir -p usr/bin usr/lib/lsatrace; cp $LSATRACE usr/bin;"
			   "cp " LIBRARY " usr/lib/lsatrace;"
			   "usr/bin/lsatrace record printenv LD_PRELOAD 2>/dev/null"),
		     0);
	assert_says("/usr/lib/lsatrace/liblsatrace.so\n");
	cr_assert_eq(shell("rm usr/lib/lsatrace/*; usr/bin/lsatrace record true"), 125);
	assert_output("lsatrace: liblsatrace.so is neither beside lsatrace nor in ../lib or "
		      "../lib/lsatrace\n");
}

Test(launch, the_library_is_found_where_proc_is_not_mounted)
{
#ifdef __SANITIZE_ADDRESS__
	cr_skip_test("the address sanitizer needs /proc");
#endif
	if (shell("unshare -rmpf mount -t tmpfs none /proc"))
		cr_skip_test("this user cannot mount anything in a namespace of its own");
	cr_assert_eq(shell("unshare -rmpf sh -c 'mount -t tmpfs none /proc; cd ${LSATRACE%/*}; "
			   "./lsatrace record printenv LD_PRELOAD 2>/dev/null'"),
		     0);
	assert_output(LIBRARY "\n");
}

Test(launch, the_rest_of_the_environment_is_the_same)
{
	assert_same_when_traced("env | grep -v -e ^LSATRACE_ -e ^LD_PRELOAD= | sort");
}

Test(launch, the_command_has_the_same_descriptors)
{
	assert_same_when_traced("ls /proc/$$/fd");
	assert_same_when_traced("exec 7</dev/null; ls /proc/$$/fd");
}

Test(launch, the_command_has_the_same_signal_mask_and_dispositions)
{
	const char *script = "exec grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status";
	sigset_t mask;

	assert_same_when_traced(script);
	signal(SIGHUP, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	signal(SIGCHLD, SIG_DFL); /* pclose needs it here */
	assert_same_when_traced(script);
}

Test(launch, a_status_is_known_even_where_children_are_reaped_by_themselves)
{
	cr_assert_eq(shell("trap '' CHLD; $LSATRACE record -- sh -c 'exit 9'"), 9);
}

static _Noreturn void record_script(const char *script)
{
	/* Who runs the test may ignore them, and then a shell cannot trap them. */
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	execl(TOOL, TOOL, "record", "--", "sh", "-c", script, (char *)NULL);
	_exit(1);
}

static void await_line(int fd)
{
	char c = 0;

	while (c != '\n')
		cr_assert_eq(read(fd, &c, 1), 1);
}

/* Starts `lsatrace record -- sh -c SCRIPT`, and waits until it has written a line. `*lines` is where one
 * reads further ones. */
static pid_t start_recording(const char *script, int *lines)
{
	int ends[2];
	pid_t pid;

	cr_assert_eq(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		record_script(script);
	}
	close(ends[1]);
	await_line(ends[0]);
	*lines = ends[0];
	return pid;
}

static int end_of(pid_t pid)
{
	int status;

	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* For ten seconds: nothing is left if the test fails. */
#define LOOP "i=0; while [ $((i += 1)) -lt 200 ]; do sleep 0.05; done"

/* The first one is told, the second one is the end. */
Test(launch, each_signal_of_another_process_is_forwarded_to_the_command, .timeout = 60)
{
	static const struct {
		const char *name;
		int number;
	} all[] = { { "TERM", SIGTERM }, { "HUP", SIGHUP },   { "INT", SIGINT },
		    { "QUIT", SIGQUIT }, { "USR1", SIGUSR1 }, { "USR2", SIGUSR2 } };
	char script[128];
	int lines;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		pid_t pid;

		snprintf(script, sizeof(script),
			 "trap 'n=x$n; echo $n; [ $n = x ] || exit 7' %s; echo ready; " LOOP,
			 all[i].name);
		pid = start_recording(script, &lines);
		kill(pid, all[i].number);
		await_line(lines);
		kill(pid, all[i].number);
		cr_expect_eq(end_of(pid), 7, "%s", all[i].name);
		close(lines);
	}
}

/* The command gets it from the terminal, and not from lsatrace as well. */
Test(launch, an_interrupt_of_the_terminal_comes_once, .timeout = 60)
{
	static const char *const keys[] = { "\003", "\034" }; /* Ctrl-C and Ctrl-\ */
	int terminal;

	for (int i = 0; i < 2; i++) {
		pid_t pid = forkpty(&terminal, NULL, NULL, NULL);

		if (pid == 0)
			record_script("trap 'n=x$n' INT QUIT; echo ready; "
				      "until [ $n ] || [ $((i += 1)) = 200 ]; do sleep 0.05; done; "
				      "sleep 0.3; "
				      "[ $n = x ] && exit 5");
		await_line(terminal);
		cr_assert_eq(write(terminal, keys[i], 1), 1);
		cr_expect_eq(end_of(pid), 5);
		close(terminal);
	}
}

Test(launch, a_wait_status_becomes_a_shells_status)
{
	cr_assert_eq(launch_exit_status(3 << 8), 3);
	cr_assert_eq(launch_exit_status(SIGSEGV | 0x80), 128 + SIGSEGV);
}

Test(recording, a_command_without_a_package_is_reported_and_keeps_its_status)
{
	cr_assert_eq(shell("$LSATRACE record -- sh -c 'exit 3'"), 3);
	assert_output("lsatrace: no security package was initialised in 'sh': " NOT_ASKED "\n");
	cr_assert_eq(shell("$LSATRACE run -- sh -c 'exit 3'"), 3);
	assert_output("lsatrace: no security package was initialised in 'sh': " NOT_ASKED "\n");
}

Test(recording, a_trace_that_could_not_be_made_is_no_missing_package)
{
	cr_assert_eq(shell("$LSATRACE record sh -c 'echo !full >>$LSATRACE_SESSION; exit 4'"), 4);
	assert_output("lsatrace: full\n");
}

Test(recording, nothing_is_printed_when_there_is_a_trace)
{
	cr_assert_eq(shell("$LSATRACE record sh -c 'echo /x.trace >>$LSATRACE_SESSION'"), 0);
	assert_output("");
}

Test(recording, the_session_file_is_private_and_removed)
{
	shell("mkdir tmp; export TMPDIR=tmp; $LSATRACE record sh -c 'stat -c %a "
	      "\"$LSATRACE_SESSION\"; cd /; echo / >>$LSATRACE_SESSION'; ls tmp");
	assert_output("600\n");
}

Test(recording, a_missing_temporary_folder_does_not_matter)
{
	cr_assert_eq(shell("TMPDIR=/nowhere $LSATRACE record sh -c 'exit 6' 2>/dev/null"), 6);
}

Test(recording, an_old_trace_of_the_same_name_is_replaced)
{
	shell("echo lsatrace-old >t; $LSATRACE record -o t true >/dev/null; ls; "
	      ">'%t'; $LSATRACE record -o %%t true; ls");
	assert_output("lsatrace: no security package was initialised in 'true': " NOT_ASKED "\n"
		      "lsatrace: no security package was initialised in 'true': " NOT_ASKED "\n");
}

/* Makes a trace of a run of lsatrace. */
static void make_trace(const char *path, const char *session)
{
	struct trace_header header = { .magic = TRACE_MAGIC };
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	memcpy(header.session, session, sizeof(header.session));
	cr_assert_eq(fwrite(&header, sizeof(header), 1, file), 1);
	fclose(file);
}

/* A traced process numbers its file where the name is taken. */
Test(recording, further_traces_of_the_old_run_go_with_the_first_one)
{
	static const char none[8];

	for (int i = 0; i < 2; i++) {
		shell("rm -rf d; mkdir d");
		make_trace("d/t", i ? "e.abcdef" : none);
		make_trace("d/t.1", i ? "e.abcdef" : none);
		make_trace("d/t.12", "e.abcdef");
		make_trace("d/t.2", "e.abcdeg");
		make_trace("d/t.2x", "e.abcdef");
		make_trace("d/t.", "e.abcdef");
		shell("echo text >d/t.3; cd d; $LSATRACE record -o $PWD/t true 2>/dev/null; ls -x");
		assert_output(i ? "t.  t.2  t.2x  t.3\n" : "t.  t.1  t.12  t.2  t.2x  t.3\n");
	}
}

Test(recording, what_is_not_a_trace_is_never_replaced)
{
	static const char *const others[] = { "echo text >t", "echo lsatrace >old; ln -s old t",
					      "mkdir t", "mkfifo t" };

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		shell("rm -rf t");
		shell(others[i]);
		cr_assert_eq(shell("$LSATRACE record -o t echo ran"), 125);
		assert_output("lsatrace: 't' exists and is not a trace, so it is not replaced\n");
		cr_assert_eq(shell("ls -d t"), 0);
	}
}

Test(recording, a_pattern_replaces_nothing)
{
	shell("echo lsatrace >t%p; $LSATRACE record -o t%p true 2>/dev/null; cat t%p");
	assert_output("lsatrace\n");
}

Test(recording, the_folder_of_the_traces_is_made)
{
	shell("export LSATRACE_OPTIONS=output=elsewhere:depth=3; "
	      "$LSATRACE record --output-dir=a%/b -o x.%p --ring=1M sh -c 'echo $LSATRACE_OPTIONS' "
	      "2>/dev/null; $LSATRACE record --output-dir=a%/b sh -c 'echo $LSATRACE_OPTIONS' "
	      "2>/dev/null | sed s,$PWD,X,; ls -d a%/b");
	assert_says("a%%/b/x.%p\n");
	assert_says("X/a%%/b/lsatrace.%e.%p.trace\na%/b\n");
	shell("echo lsatrace >a%/b/t; $LSATRACE record --output-dir=a%/b -o t true 2>/dev/null; "
	      "ls a%/b");
	assert_output("");
	cr_expect_eq(
		shell("$LSATRACE record --output-dir=a%/b -o /x%p sh -c 'echo $LSATRACE_OPTIONS' "
		      "2>/dev/null"),
		0);
	assert_output("output=/x%p\n");
}

Test(recording, a_folder_that_cannot_be_made_is_told)
{
	cr_expect_eq(shell(">file; $LSATRACE record --output-dir=file echo ran"), 125);
	assert_output("lsatrace: cannot make the folder 'file': Not a directory\n");
	cr_expect_eq(shell("$LSATRACE record --output-dir=file/x echo ran"), 125);
	assert_output("lsatrace: cannot make the folder 'file/x': Not a directory\n");
}

/* A trace that says it is running, with pid 0 for a script to replace. */
static void write_header(void)
{
	struct trace_header header = { .magic = TRACE_MAGIC,
				       .version = TRACE_VERSION,
				       .byte_order = TRACE_BYTE_ORDER };
	FILE *file = fopen("t", "w");

	cr_assert_not_null(file);
	cr_assert_eq(fwrite(&header, sizeof(header), 1, file), 1);
	fclose(file);
}

static struct trace_header read_header(void)
{
	struct trace_header header;
	FILE *file = fopen("t", "r");

	cr_assert_not_null(file);
	cr_assert_eq(fread(&header, sizeof(header), 1, file), 1);
	fclose(file);
	return header;
}

/* Script: puts $1 as the pid into the header, and notes the trace. */
#define CLAIM \
	"claim() { for s in 0 8 16 24; do printf \"\\\\$(printf %03o $(($1 >> s & 255)))\"; " \
	"done | dd of=t bs=1 seek=$PID_OFFSET conv=notrunc 2>/dev/null; " \
	"echo $PWD/t >>$LSATRACE_SESSION; }; "

static void record_claim(const char *script, int status)
{
	char offset[32], command[1024];

	write_header();
	snprintf(offset, sizeof(offset), "%zu", offsetof(struct trace_header, pid));
	snprintf(command, sizeof(command), "%s%s", CLAIM, script);
	setenv("PID_OFFSET", offset, 1);
	setenv("COMMAND", command, 1);
	cr_assert_eq(shell("$LSATRACE record sh -c \"$COMMAND\""), status);
	assert_output("");
}

Test(recording, the_trace_of_a_killed_command_gets_the_signal)
{
	struct trace_header header;

	record_claim("claim $$; kill -KILL $$", 137);
	header = read_header();
	cr_assert_eq(header.end, TRACE_END_KILLED);
	cr_assert_eq(header.exit_status, 137);
}

Test(recording, the_trace_of_a_command_that_ended_by_a_bare_system_call_gets_its_status)
{
	struct trace_header header;

	record_claim("claim $$; exit 11", 11);
	header = read_header();
	cr_assert_eq(header.end, TRACE_END_EXIT);
	cr_assert_eq(header.exit_status, 11);
}

Test(recording, the_trace_of_another_process_is_left_alone)
{
	record_claim("claim $(($$ + 1)); exit 11", 11);
	cr_assert_eq(read_header().end, TRACE_END_RUNNING);
}

#define MAKE_STATIC "echo 'int main(void) { return 0; }' | cc -static -o still -x c - && "

/* The traces $WHOLE, $LEAKY and $LOSSY: one without a finding, one with an error, and one without a
 * finding in which something was lost. */
static void make_traces(struct trace_builder *b[3])
{
	static const char *const names[] = { "WHOLE", "LEAKY", "LOSSY" };
	struct trace_finding finding = { .kind = TRACE_KIND_DOUBLE_FREE,
					 .family = FAMILY_LSA_HEAP,
					 .function = SLOT_FreeLsaHeap };

	for (int i = 0; i < 3; i++) {
		b[i] = trace_builder_new();
		trace_builder_package(b[i], 0, "p", 1, 0);
	}
	trace_builder_finding(b[1], finding);
	trace_builder_header(b[2])->lost[TRACE_LOST_BLOCKS] = 1;
	for (int i = 0; i < 3; i++)
		setenv(names[i], trace_builder_write(b[i]), 1);
}

#define MAKE "sh -c 'for line; do echo \"$line\"; done >>$LSATRACE_SESSION; exit 5' sh "

/* A gate is never green by accident: without anything to judge by, a run ends with 125 and says
 * why. */
Test(gate, a_run_that_has_nothing_to_judge_by_fails)
{
	static const struct {
		const char *arguments, *reason;
		int status;
	} cases[] = {
		{ MAKE "$WHOLE", "; exact\n", 5 },
		{ MAKE "$LEAKY", "; exact\n", 9 },
		{ MAKE "$LOSSY", "no finding, but something was lost", 125 },
		{ MAKE "$LOSSY $LEAKY", "; a lower bound\n", 9 },
		{ MAKE "$WHOLE !full", "lsatrace: full\n", 125 },
		{ MAKE "!full", "lsatrace: full\n", 125 },
		{ MAKE, "no security package was initialised in 'sh': it never asked", 125 },
		{ "--allow-untraced " MAKE, "it never asked", 5 },
		{ "--allow-untraced " MAKE "!full", "lsatrace: full\n", 125 },
		{ "--allow-untraced ./still", "it is statically linked", 125 },
		{ "-- ./still", "it is statically linked", 125 },
		{ MAKE "$WHOLE /nowhere", "/nowhere: ", 125 },
		{ "./nowhere", "cannot run", 127 },
		{ "--format=json " MAKE "$LOSSY", "no finding, but something was lost", 125 },
		{ "--format=json " MAKE "$WHOLE !full", "lsatrace: full\n", 125 },
	};
	struct trace_builder *b[3];
	char command[1024];

	make_traces(b);
	cr_assert_eq(shell(MAKE_STATIC "true"), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(command, sizeof(command), "$LSATRACE run --error-exitcode=9 %s",
			 cases[i].arguments);
		cr_expect_eq(shell(command), cases[i].status, "%s", command);
		cr_expect(strstr(output, cases[i].reason), "%s: %s", command, output);
		snprintf(command, sizeof(command), "$LSATRACE run %s", cases[i].arguments);
		if (strncmp(cases[i].arguments, MAKE, strlen(MAKE)) == 0 &&
		    !strstr(command, "/nowhere"))
			cr_expect_eq(shell(command), 5, "%s", command);
	}
	for (int i = 0; i < 3; i++)
		trace_builder_free(b[i]);
}

/* Script: claims $1 as a trace of this run, as a traced process does. */
#define CLAIM_ITS_OWN \
	"own() { printf %s \"${LSATRACE_SESSION#\"${LSATRACE_SESSION%????????}\"}\" | " \
	"dd of=$1 bs=1 seek=$SESSION_OFFSET conv=notrunc 2>/dev/null; " \
	"echo $PWD/$1 >>$LSATRACE_SESSION; }; "

Test(gate, traces_are_kept_as_asked_for)
{
	static const struct {
		const char *options, *trace, *left;
	} cases[] = {
		{ "", "$WHOLE", "t\n" },
		{ "--keep=always", "$WHOLE", "t\n" },
		{ "--keep=never", "$LEAKY", "" },
		{ "--keep=findings", "$WHOLE", "" },
		{ "--keep=findings", "$LEAKY", "t\n" },
		{ "--keep=findings --fail-on=never", "$LEAKY", "t\n" },
		{ "--keep=findings", "$LOSSY", "t\n" },
		{ "--keep=findings --format=json", "$WHOLE", "" },
		{ "--keep=never -O json:/dev/full", "$WHOLE", "t\n" },
		{ "--keep=findings -O json:/dev/full", "$WHOLE", "t\n" },
	};
	struct trace_builder *b[3];
	char offset[32];

	make_traces(b);
	snprintf(offset, sizeof(offset), "%zu", offsetof(struct trace_header, session));
	setenv("SESSION_OFFSET", offset, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		setenv("KEEP", cases[i].options, 1);
		setenv("TRACE", cases[i].trace, 1);
		shell("eval cp $TRACE t; $LSATRACE run $KEEP sh -c '" CLAIM_ITS_OWN "own t'");
		cr_expect_eq(!strstr(output, "lsatrace: trace in "), !*cases[i].left, "%s", output);
		shell("find t 2>/dev/null; rm -f t");
		cr_expect_str_eq(output, cases[i].left, "%s %s: %s", cases[i].options,
				 cases[i].trace, output);
	}
	for (int i = 0; i < 3; i++)
		trace_builder_free(b[i]);
}

/* Two runs at the same time, with one name for the trace: the later one has replaced it. */
Test(gate, the_trace_of_another_run_says_nothing_of_this_one)
{
	struct trace_builder *b[3];
	char offset[32];

	make_traces(b);
	snprintf(offset, sizeof(offset), "%zu", offsetof(struct trace_header, session));
	setenv("SESSION_OFFSET", offset, 1);
	cr_expect_eq(
		shell("cp $WHOLE t; printf otherone | dd of=t bs=1 seek=$SESSION_OFFSET "
		      "conv=notrunc 2>/dev/null; $LSATRACE run --error-exitcode=9 --keep=never "
		      "sh -c 'echo $PWD/t >>$LSATRACE_SESSION'"),
		125);
	assert_says("/t: another run has replaced this trace\n");
	cr_expect_eq(shell("$LSATRACE report t >/dev/null"), 0);
	for (int i = 0; i < 3; i++)
		trace_builder_free(b[i]);
}

Test(gate, only_traces_of_the_run_are_ever_removed)
{
	struct trace_builder *b[3];

	make_traces(b);
	shell("cp $WHOLE other; echo text >text; $LSATRACE run --keep=never sh -c '"
	      "echo $PWD/other >>$LSATRACE_SESSION; echo $PWD/text >>$LSATRACE_SESSION' "
	      "2>/dev/null; "
	      "ls other text");
	assert_output("other\ntext\n");
	for (int i = 0; i < 3; i++)
		trace_builder_free(b[i]);
}

Test(gate, a_strict_report_of_a_lower_bound_without_a_finding_fails)
{
	struct trace_builder *b[3];

	make_traces(b);
	cr_expect_eq(shell("$LSATRACE report --strict $WHOLE"), 0);
	cr_expect_eq(shell("$LSATRACE report --strict $LEAKY $LOSSY"), 1);
	cr_expect_eq(shell("$LSATRACE report --strict --fail-on=never $LEAKY $LOSSY"), 0);
	cr_expect_eq(shell("$LSATRACE report --strict --fail-on=never $LOSSY"), 2);
	cr_expect_eq(shell("$LSATRACE report $LOSSY"), 0);
	cr_expect_eq(shell("$LSATRACE report --strict $LOSSY"), 2);
	assert_says("no finding, but something was lost, so that the result is a lower bound\n");
	for (int i = 0; i < 3; i++)
		trace_builder_free(b[i]);
}

Test(gate, a_level_that_changes_nothing_is_told)
{
	shell("$LSATRACE run --fail-on=warning true");
	assert_says("lsatrace run: --fail-on has no effect without --error-exitcode\n");
}

/* timeout(1) sends its signal to lsatrace, and then to the whole process group, also to lsatrace. */
Test(gate, a_signal_that_was_meant_for_the_command_does_not_cost_the_report)
{
	static const char *const signals[] = { "TERM", "HUP", "INT" };
	struct trace_builder *b[3];

	make_traces(b);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		setenv("SIGNAL", signals[i], 1);
		cr_expect_eq(shell("$LSATRACE run --error-exitcode=9 sh -c '"
				   "echo $LEAKY >>$LSATRACE_SESSION; p=$PPID; trap \"\" $SIGNAL; "
				   "kill -$SIGNAL $p; "
				   "(while kill -$SIGNAL $p 2>/dev/null; do :; done) & exit 5'"),
			     9, "%s: %s", signals[i], output);
		assert_says("; exact\n");
	}
	for (int i = 0; i < 3; i++)
		trace_builder_free(b[i]);
}

/* Such a process cannot write to the session file. Its trace says to which run it belongs. */
Test(gate, the_trace_of_a_process_that_has_become_another_user_is_found)
{
	char header[64];

	write_header();
	snprintf(header, sizeof(header), "%zu", offsetof(struct trace_header, session));
	setenv("AT", header, 1);
	cr_expect_eq(shell("mkdir d; $LSATRACE record -o 'd/%e.%p' sh -c '"
			   "printf %s $LSATRACE_SESSION | tail -c 8 | dd of=t bs=1 seek=$AT "
			   "conv=notrunc 2>/dev/null; cp t d/sh.1.2; cp t d/other; cp t d/x.y'"),
		     0);
	assert_output("");
	cr_expect_eq(shell("$LSATRACE run -o 'd/%e.%p' true"), 0);
	assert_says("no security package was initialised");
}

static const char *explain(const char *command)
{
	untraced_explain(command, NULL, output, sizeof(output));
	return output;
}

Test(untraced, a_statically_linked_command_is_the_reason)
{
	cr_assert_eq(shell(MAKE_STATIC "$LSATRACE record ./still"), 0);
	assert_output(
		"lsatrace: no security package was initialised in './still': it is statically "
		"linked, so nothing can be preloaded into it\n");
}

Test(untraced, a_scripts_interpreter_is_the_reason)
{
	cr_assert_eq(shell(MAKE_STATIC "echo \"#! $PWD/still -x\" >script && chmod +x script"), 0);
	explain("./script");
	assert_says("its interpreter /tmp/lsatrace-test.");
	assert_says("/still is statically linked, so nothing can be preloaded into it");
}

Test(untraced, a_command_is_looked_up_as_exec_does)
{
	cr_assert_eq(shell(MAKE_STATIC "mkdir bin && touch still.txt && mv still bin"), 0);
	setenv("PATH", "/nowhere:bin", 1);
	explain("still");
	assert_says("it is statically linked");
	cr_assert_eq(chdir("bin"), 0);
	setenv("PATH", "/nowhere:", 1);
	explain("still");
	assert_says("it is statically linked");
	cr_assert_str_eq(explain("still.txt"), NOT_ASKED);
}

Test(untraced, a_program_for_another_processor_is_the_reason)
{
	cr_assert_eq(shell("cp /bin/true . && printf '\\003' | dd of=true bs=1 seek=18 "
			   "conv=notrunc 2>/dev/null"),
		     0);
	explain("./true");
	assert_says("it is built for another kind of processor than liblsatrace.so");
}

Test(untraced, a_program_with_raised_rights_is_the_reason)
{
	if (getuid() != 0)
		cr_skip_test("only root can give a program to somebody else");
	cr_assert_eq(shell("cp /bin/true . && chown 65534:65534 true && chmod u+s true"), 0);
	cr_assert_str_eq(explain("./true"),
			 "it is set-uid, and then the loader ignores LD_PRELOAD");
	cr_assert_eq(shell("chmod u-s,g+s true"), 0);
	cr_assert_str_eq(explain("./true"),
			 "it is set-gid, and then the loader ignores LD_PRELOAD");
}

Test(untraced, an_ordinary_program_script_or_missing_file_never_asked)
{
	cr_assert_str_eq(explain("true"), NOT_ASKED);
	cr_assert_eq(shell("echo true >script; chmod +x script"), 0);
	cr_assert_str_eq(explain("./script"), NOT_ASKED);
	cr_assert_eq(shell("echo '#!./loop' >loop; chmod +x loop; : >none; chmod +x none"), 0);
	cr_assert_str_eq(explain("./loop"), NOT_ASKED);
	cr_assert_str_eq(explain("./none"), NOT_ASKED);
	cr_assert_str_eq(explain("./missing"), NOT_ASKED);
}

Test(untraced, a_table_that_nobody_found_is_the_reason)
{
	cr_assert_eq(shell("$LSATRACE record --table=lsa_table,other true"), 0);
	assert_output("lsatrace: no security package was initialised in 'true': no file that it "
		      "loaded has the symbol of a table with functions in it: lsa_table,other\n");
	setenv(OPTIONS_VARIABLE, "table=its_table", 1);
	cr_assert_eq(shell("$LSATRACE record true"), 0);
	assert_says("functions in it: its_table\n");
}
