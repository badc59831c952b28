/* SPDX-License-Identifier: MIT */
/* How processes begin, execute other programs, and end. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"
#include "odd.h"
#include "package.h"

extern char **environ;

/* vfork() is on purpose; the analyzer would prefer posix_spawn(). */
#ifdef __clang_analyzer__
#define vfork fork
#endif

static char *const shell[] = { "sh", "-c", "exit 5", NULL };

static void by_execl(const char *path)
{
	execl(path, "sh", "-c", "exit 5", (char *)NULL);
}

static void by_execlp(const char *path)
{
	execlp(path, "sh", "-c", "exit 5", (char *)NULL);
}

static void by_execle(const char *path)
{
	execle(path, "sh", "-c", "exit 5", (char *)NULL, environ);
}

static void by_execv(const char *path)
{
	execv(path, shell);
}

static void by_execvp(const char *path)
{
	execvp(path, shell);
}

static void by_execve(const char *path)
{
	execve(path, shell, environ);
}

static void by_execvpe(const char *path)
{
	execvpe(path, shell, environ);
}

static void by_fexecve(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	need(fd >= 0, path);
	fexecve(fd, shell, environ);
	close(fd);
}

static void by_execveat(const char *path)
{
	execveat(AT_FDCWD, path, shell, environ, 0);
}

static const struct {
	const char *name;
	void (*call)(const char *path);
} ways[] = {
	{ "execl", by_execl },     { "execlp", by_execlp },   { "execle", by_execle },
	{ "execv", by_execv },     { "execvp", by_execvp },   { "execve", by_execve },
	{ "execvpe", by_execvpe }, { "fexecve", by_fexecve }, { "execveat", by_execveat },
};

/* FUNCTION PATH: executes a shell that exits with 5. If that fails, goes on, and is killed. */
static int become(char **arguments)
{
	host_start();
	leak(11);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(ways[i].name, arguments[0]) != 0)
			continue;
		errno = 0;
		ways[i].call(arguments[1]);
		printf("%s\n", strerror(errno));
		fflush(stdout);
	}
	churn(3);
	raise(SIGKILL);
	return 0;
}

/* Executes this program again, which leaks the same again. */
static int become_itself(char **arguments)
{
	host_start();
	leak(11);
	if (!arguments[0])
		return 7;
	execl("/proc/self/exe", "oddhost", "become-itself", (char *)NULL);
	return 6;
}

static void wait_for(pid_t pid)
{
	int status = -1;

	need(pid > 0 && waitpid(pid, &status, 0) == pid, "a child");
	printf("child: %x\n", (unsigned int)status);
	fflush(stdout);
}

/* Children that share this process's memory until they execute a program or end. Then it is
 * killed. */
static int vforks(char **arguments)
{
	pid_t pid;

	(void)arguments;
	host_start();
	leak(11);
	for (int i = 0; i < 3; i++) {
		pid = vfork();
		if (pid == 0) {
			execl("/nonexistent", "x", (char *)NULL);
			_exit(3);
		}
		wait_for(pid);
	}
	pid = vfork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", "exit 4", (char *)NULL);
		_exit(3);
	}
	wait_for(pid);
	churn(3);
	raise(SIGKILL);
	return 0;
}

static void spawn(const char *path)
{
	char *const argv[] = { "sh", "-c", "exit 8", NULL };
	pid_t pid = 0;
	int error = posix_spawn(&pid, path, NULL, NULL, argv, environ);

	printf("spawn: %s\n", strerror(error));
	if (error == 0)
		wait_for(pid);
}

static int spawns(char **arguments)
{
	FILE *pipe;

	(void)arguments;
	host_start();
	leak(11);
	printf("system: %x\n", (unsigned int)system("exit 3"));
	spawn("/bin/sh");
	spawn("/nonexistent");
	pipe = popen("cat >/dev/null; exit 9", "w");
	need(pipe != NULL, "popen");
	printf("popen: %x\n", (unsigned int)pclose(pipe));
	fflush(stdout);
	churn(3);
	raise(SIGKILL);
	return 0;
}

static pid_t raw_fork(void)
{
	return (pid_t)syscall(SYS_fork);
}

static void end_by_exit(void)
{
	exit(0);
}

static void end_by_exit_now(void)
{
	_exit(0);
}

static void end_by_quick_exit(void)
{
	quick_exit(0);
}

static void end_by_exec(void)
{
	execl("/bin/sh", "sh", "-c", "exit 0", (char *)NULL);
}

/* Children that never call a table function. Then it is killed. */
static int silent_forks(char **arguments)
{
	static void (*const ends[])(void) = { end_by_exit, end_by_exit_now, end_by_quick_exit,
					      end_by_exec };

	(void)arguments;
	host_start();
	leak(11);
	for (size_t i = 0; i < 2 * sizeof(ends) / sizeof(ends[0]); i++) {
		pid_t pid = i % 2 ? fork() : raw_fork();

		if (pid == 0)
			ends[i / 2]();
		wait_for(pid);
	}
	churn(3);
	raise(SIGKILL);
	return 0;
}

static int clear_environment(char **arguments)
{
	(void)arguments;
	clearenv();
	host_start();
	leak(11);
	return 9;
}

/* Makes a child that the C library does not know of, and which ends without it. Parent and child go on, and
 * each leaks. */
static int raw_forks(char **arguments)
{
	pid_t pid;

	(void)arguments;
	host_start();
	leak(13);
	pid = raw_fork();
	churn(10);
	if (pid == 0) {
		leak(17);
		syscall(SYS_exit_group, 0);
	}
	wait_for(pid);
	return 0;
}

/* Makes a child a good while after the start, which leaks. */
static int forks_later(char **arguments)
{
	pid_t pid;

	(void)arguments;
	host_start();
	usleep(700000);
	pid = fork();
	if (pid == 0) {
		leak(17);
		_exit(0);
	}
	wait_for(pid);
	return 0;
}

static pid_t forked;

static void fork_in_call(void)
{
	forked = fork();
}

/* The host forks inside a table function, which returns a block in both processes. */
static int fork_in_host(char **arguments)
{
	PVOID block;

	(void)arguments;
	host_start();
	host_interlude = fork_in_call;
	block = lsa->AllocateLsaHeap(19);
	churn(10);
	lsa->FreeLsaHeap(block);
	if (forked > 0)
		wait_for(forked);
	return 0;
}

/* The parent ends. The child has no terminal and no parent, and leaks. */
static int become_daemon(char **arguments)
{
	(void)arguments;
	host_start();
	leak(13);
	need(daemon(1, 0) == 0, "daemon");
	leak(77);
	churn(20);
	return 0;
}

static void *exit_in_thread(void *unused)
{
	(void)unused;
	exit(9);
}

static void end_in_thread(void)
{
	pthread_t thread;

	need(pthread_create(&thread, NULL, exit_in_thread, NULL) == 0, "a thread");
	pthread_join(thread, NULL);
}

static void *outlive_main(void *unused)
{
	(void)unused;
	usleep(20000);
	churn(3);
	return NULL;
}

static void end_main_only(void)
{
	pthread_t thread;

	need(pthread_create(&thread, NULL, outlive_main, NULL) == 0, "a thread");
	pthread_exit(NULL);
}

/* HOW: ends with 9, except that a program without a main thread ends with 0. */
static int end(char **arguments)
{
	const char *how = arguments[0];

	host_start();
	leak(11);
	if (strcmp(how, "_exit") == 0)
		_exit(9);
	if (strcmp(how, "_Exit") == 0)
		_Exit(9);
	if (strcmp(how, "quick_exit") == 0)
		quick_exit(9);
	if (strcmp(how, "exit_group") == 0)
		syscall(SYS_exit_group, 9);
	if (strcmp(how, "thread") == 0)
		end_in_thread();
	if (strcmp(how, "pthread_exit") == 0)
		end_main_only();
	return 9;
}

static PVOID last_block;

static void free_last_block(void)
{
	lsa->FreeLsaHeap(last_block);
}

/* The program's own exit handler runs last, after the tracer has noted the end. */
static int free_at_exit(char **arguments)
{
	(void)arguments;
	atexit(free_last_block);
	host_start();
	last_block = lsa->AllocateLsaHeap(23);
	return 0;
}

/* Starts a shell that prints its LD_PRELOAD, and then this program again, and forks a child that
 * calls. */
static int children(char **arguments)
{
	pid_t pid;

	(void)arguments;
	host_start();
	leak(11);
	fflush(stdout);
	printf("shell: %x\n", (unsigned int)system("echo \"preloaded: ${LD_PRELOAD-}\"; "
						   "echo \"options: ${LSATRACE_OPTIONS+set}\"; "
						   "echo \"session: ${LSATRACE_SESSION+set}\""));
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		churn(3);
		execl("/proc/self/exe", "oddhost", "in-turn", "1", "1", (char *)NULL);
	}
	wait_for(pid);
	return 0;
}

/* FUNCTION PATH: lets another process execute a program, and exits with its status. */
static int spawn_one(char **arguments)
{
	char *argv[] = { arguments[1], NULL };
	bool by_search = strcmp(arguments[0], "posix_spawnp") == 0;
	int status = 0;
	pid_t pid;

	host_start();
	leak(11);
	if (strcmp(arguments[0], "system") == 0)
		return WEXITSTATUS(system(arguments[1]));
	if (strcmp(arguments[0], "popen") == 0)
		return WEXITSTATUS(pclose(popen(arguments[1], "r")));
	need((by_search ? posix_spawnp : posix_spawn)(&pid, arguments[1], NULL, NULL, argv,
						      environ) == 0,
	     arguments[1]);
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

const struct scenario process_scenarios[] = {
	{ "spawn", spawn_one },
	{ "become", become },
	{ "become-itself", become_itself },
	{ "vforks", vforks },
	{ "spawns", spawns },
	{ "silent-forks", silent_forks },
	{ "raw-forks", raw_forks },
	{ "forks-later", forks_later },
	{ "clear-environment", clear_environment },
	{ "fork-in-host", fork_in_host },
	{ "daemon", become_daemon },
	{ "end", end },
	{ "free-at-exit", free_at_exit },
	{ "children", children },
	{ 0 },
};
