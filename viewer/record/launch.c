/* SPDX-License-Identifier: MIT */
#include "viewer/record/launch.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "include/options.h"
#include "include/program.h"
#include "viewer/base/buffer.h"
#include "viewer/base/memory.h"

static volatile sig_atomic_t forward_to, has_interrupt;

static void forward_signal(int number, siginfo_t *info, void *context)
{
	int saved = errno;

	(void)info;
	(void)context;
	kill((pid_t)forward_to, number);
	errno = saved;
}

static void take_interrupt(int number, siginfo_t *info, void *context)
{
	has_interrupt = 1;
	/* Another process has sent it, and not the terminal. */
	if (info->si_code <= 0)
		forward_signal(number, info, context);
}

/*
 * A terminal sends SIGINT and SIGQUIT to the command as well. The command decides what happens
 * then, and lsatrace waits to see how it ends. Other processes send them, SIGTERM and the like to
 * lsatrace alone, but mean the command, so these are forwarded. If an ignored SIGCHLD were
 * inherited, the kernel would not keep the command's exit status. A report that cannot be written in full
 * must not cost the exit status, nor the other files.
 */
static struct watched_signal {
	int number;
	void (*take)(int, siginfo_t *, void *); /* or else: */
	void (*disposition)(int);
	struct sigaction before;
} watched_signals[] = {
	{ .number = SIGINT, .take = take_interrupt },
	{ .number = SIGQUIT, .take = take_interrupt },
	{ .number = SIGTERM, .take = forward_signal },
	{ .number = SIGHUP, .take = forward_signal },
	{ .number = SIGUSR1, .take = forward_signal },
	{ .number = SIGUSR2, .take = forward_signal },
	{ .number = SIGALRM, .take = forward_signal },
	{ .number = SIGCHLD, .disposition = SIG_DFL },
	{ .number = SIGPIPE, .disposition = SIG_IGN },
	{ .number = SIGXFSZ, .disposition = SIG_IGN },
};

#define WATCHED_COUNT (sizeof(watched_signals) / sizeof(*watched_signals))

/* Leaves the signals blocked, because there is no process yet to which one could be forwarded. */
static void watch_signals(sigset_t *mask_before)
{
	static bool knows_before; /* an earlier command's signals are ignored by now */
	sigset_t mask;

	sigemptyset(&mask);
	for (size_t i = 0; i < WATCHED_COUNT; i++)
		sigaddset(&mask, watched_signals[i].number);
	sigprocmask(SIG_BLOCK, &mask, mask_before);
	for (size_t i = 0; i < WATCHED_COUNT; i++) {
		struct watched_signal *s = &watched_signals[i];
		struct sigaction action = { .sa_handler = s->disposition };

		if (s->take)
			action = (struct sigaction){ .sa_sigaction = s->take,
						     .sa_flags = SA_RESTART | SA_SIGINFO };
		sigaction(s->number, &action, knows_before ? NULL : &s->before);
	}
	knows_before = true;
	has_interrupt = 0;
}

/*
 * The command has ended, but a signal that was meant for it may be on its way: timeout(1) sends one
 * to lsatrace and then to its whole process group. It must not cost the report. So what is forwarded
 * is ignored from now on, and SIGINT and SIGQUIT if one of these came while the command ran.
 */
static void ignore_late_signals(const sigset_t *mask_before)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	for (size_t i = 0; i < WATCHED_COUNT; i++) {
		const struct watched_signal *s = &watched_signals[i];
		bool is_late = s->take == forward_signal || s->disposition == SIG_IGN ||
			       (s->take == take_interrupt && has_interrupt);

		sigaction(s->number, is_late ? &ignore : &s->before, NULL);
	}
	sigprocmask(SIG_SETMASK, mask_before, NULL);
}

/* In the command's process. */
static void unwatch_signals(const sigset_t *mask_before)
{
	for (size_t i = 0; i < WATCHED_COUNT; i++)
		sigaction(watched_signals[i].number, &watched_signals[i].before, NULL);
	sigprocmask(SIG_SETMASK, mask_before, NULL);
}

/* The value of LD_PRELOAD, to be freed: the library goes before all other items, in the place of the separator after
 * those of sanitizers. */
static char *make_preload(const struct launch *launch)
{
	const char *value = getenv("LD_PRELOAD"), *others = value ? value : "", *rest = others;
	struct buffer preload = { 0 };

	for (size_t bytes; bytes = strcspn(rest, ": "), program_is_sanitizer(rest, bytes);)
		rest += bytes + (rest[bytes] != '\0');
	/* The one that the program is linked to, unless the user has named any. */
	if (rest == others && *launch->sanitizer)
		buffer_format(&preload, "%s:", launch->sanitizer);
	buffer_format(&preload, "%.*s", (int)(rest - others), others);
	if (rest > others && !strchr(": ", rest[-1]))
		buffer_text(&preload, ":");
	buffer_format(&preload, "%s%s%s", launch->library, *rest ? ":" : "", rest);
	return buffer_take(&preload);
}

/* The environment of the command, to be released. */
struct environment {
	char **all; /* ends with NULL */
	char *own[3];
};

static char *make_variable(const char *name, const char *value)
{
	struct buffer variable = { 0 };

	buffer_format(&variable, "%s=%s", name, value);
	return buffer_take(&variable);
}

static bool is_of(const char *variable, const char *name)
{
	size_t length = strlen(name);

	return strncmp(variable, name, length) == 0 && variable[length] == '=';
}

static void make_environment(const struct launch *launch, struct environment *e)
{
	static const char *const names[] = { "LD_PRELOAD", OPTIONS_VARIABLE, SESSION_VARIABLE };
	char *preload = launch->library ? make_preload(launch) : NULL;
	const char *values[] = { preload, launch->options, launch->session };
	size_t count = 0, used = 0;

	while (environ[count])
		count++;
	e->all = memory_new(count + 4, sizeof(*e->all));
	for (size_t i = 0; i < count; i++)
		if (!launch->library ||
		    (!is_of(environ[i], names[0]) && !is_of(environ[i], names[1]) &&
		     !is_of(environ[i], names[2])))
			e->all[used++] = environ[i];
	for (size_t i = 0; launch->library && i < 3; i++)
		e->all[used++] = e->own[i] = make_variable(names[i], values[i]);
	free(preload);
}

static void release_environment(struct environment *e)
{
	for (size_t i = 0; i < 3; i++)
		free(e->own[i]);
	free(e->all);
}

/* The process of the command, until it executes that. It shares the memory of lsatrace, which waits: to copy that costs
 * more than a short command. */
struct child {
	const struct launch *launch;
	char *const *command;
	struct environment environment;
	sigset_t mask_before;
	int error; /* the errno of a failed exec; 0: the command runs */
};

static int become_command(void *child)
{
	struct child *c = child;

	unwatch_signals(&c->mask_before);
	if (c->launch->watch)
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	execvpe(c->command[0], c->command, c->environment.all);
	c->error = errno;
	return LAUNCH_FAILED;
}

/* Returns the process, or -1 with errno set. */
static pid_t start_child(struct child *c)
{
	size_t bytes = 1 << 16;
	char *stack;
	pid_t pid;

	/* execvpe() copies them there if the command is a script without an interpreter. */
	for (char *const *argument = c->command; *argument; argument++)
		bytes += sizeof(*argument);
	stack = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK,
		     -1, 0);
	if (stack == MAP_FAILED)
		return -1;
	pid = clone(become_command, stack + bytes / 16 * 16, CLONE_VM | CLONE_VFORK | SIGCHLD, c);
	munmap(stack, bytes);
	return pid;
}

/*
 * Once the process is reaped, its pid may be given to another. So signals are blocked, and no
 * longer forwarded, just before that.
 */
static int wait_for_end(pid_t pid)
{
	siginfo_t info;
	sigset_t all;
	int status = 0;

	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) && errno == EINTR)
		;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	waitpid(pid, &status, 0);
	return status;
}

enum launch_result launch_command(const struct launch *launch, char *const *command,
				  struct launch_outcome *outcome)
{
	struct child child = { .launch = launch, .command = command };

	make_environment(launch, &child.environment);
	watch_signals(&child.mask_before);
	outcome->pid = start_child(&child);
	outcome->error = outcome->pid < 0 ? errno : child.error;
	if (outcome->pid > 0) {
		forward_to = outcome->pid;
		sigprocmask(SIG_SETMASK, &child.mask_before, NULL);
		if (launch->watch)
			launch->watch(outcome->pid, launch->watch_path);
		outcome->wait_status = wait_for_end(outcome->pid);
	}
	ignore_late_signals(&child.mask_before);
	release_environment(&child.environment);
	if (outcome->pid < 0)
		return LAUNCH_NOT_STARTED;
	return outcome->error ? LAUNCH_NOT_RUN : LAUNCH_ENDED;
}

/* The path of the running program. Where /proc is not mounted, it is the one that was executed. */
static bool find_own_path(char path[PATH_MAX])
{
	ssize_t bytes = readlink("/proc/self/exe", path, PATH_MAX - 1);
	const char *executed = (const char *)getauxval(AT_EXECFN);

	if (bytes >= 0)
		path[bytes] = '\0';
	return bytes >= 0 || (executed && realpath(executed, path));
}

char *launch_find_part(const char *name)
{
	static const char *const places[] = { "", "../lib/", "../lib/lsatrace/" };
	char program[PATH_MAX], path[PATH_MAX + 64];
	char *found = NULL, *slash;

	if (!find_own_path(program))
		return NULL;
	slash = strrchr(program, '/');
	if (slash)
		slash[1] = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(*places) && !found; i++) {
		snprintf(path, sizeof(path), "%s%s%s", program, places[i], name);
		found = realpath(path, NULL);
	}
	return found;
}

static bool is_for_windows(char *const *arguments)
{
	const char *dot = NULL;

	for (; *arguments; arguments++)
		dot = strrchr(*arguments, '.');
	return dot && strcasecmp(dot, ".dll") == 0;
}

const char *launch_host_name(char *const *arguments)
{
	return is_for_windows(arguments) ? "lsatrace-host.exe" : "lsatrace-host";
}

char *const *launch_host(char *const *arguments)
{
	static char wine[] = "wine", *program, **command;
	size_t count = 0, used = 0;

	free(program);
	free(command);
	command = NULL;
	program = launch_find_part(launch_host_name(arguments));
	if (!program)
		return NULL;
	while (arguments[count])
		count++;
	command = memory_new(count + 3, sizeof(*command));
	if (is_for_windows(arguments))
		command[used++] = wine;
	command[used++] = program;
	memcpy(command + used, arguments, count * sizeof(*command));
	return command;
}

/* Is it the running program? */
static bool is_own(const char *command)
{
	char own[PATH_MAX], path[PATH_MAX];
	struct stat a, b;
	struct program program = { 0 };

	program_find(&program, command, getenv("PATH"), path, sizeof(path));
	return find_own_path(own) && stat(path, &a) == 0 && stat(own, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

char *const *launch_skip(char *const *command)
{
	char *const *host = NULL;

	if (command[1] && strcmp(command[1], "host") == 0 && is_own(command[0]))
		host = launch_host(command + 2);
	return host ? host : command;
}

bool launch_can_preload(const char *library)
{
	return library[strcspn(library, ": \t\n\v\f\r")] == '\0';
}

int launch_exit_status(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}
