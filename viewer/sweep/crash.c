/* SPDX-License-Identifier: MIT */
#include "viewer/sweep/crash.h"

#include <elf.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "include/program.h"
#include "viewer/base/buffer.h"
#include "viewer/sweep/runs.h"
#include "viewer/symbols/demangle.h"

enum {
	FRAMES_MOST = 32,
	STACKS_MOST = 100, /* of a process that lives on with such signals */
};

/* A stack that is being written. */
struct stack {
	Dwfl *dwfl;
	struct buffer text;
	unsigned frames;
};

static const char *path_of(Dwfl_Module *module)
{
	return module ? dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, NULL, NULL) : NULL;
}

static bool is_tracer(Dwfl_Module *module)
{
	const char *path = path_of(module), *slash = path ? strrchr(path, '/') : NULL;

	return slash && strcmp(slash, "/liblsatrace.so") == 0;
}

static void write_frame(struct stack *s, Dwfl_Module *module, Dwarf_Addr pc)
{
	const char *path =
		module ? dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, NULL, NULL) : NULL;
	const char *name = module ? dwfl_module_addrname(module, pc) : NULL;
	Dwfl_Line *line = module ? dwfl_module_getsrc(module, pc) : NULL;
	char *demangled = name ? demangle(name) : NULL;
	const char *file, *slash = path ? strrchr(path, '/') : NULL;
	int number = 0;

	buffer_format(&s->text, "    #%u ", s->frames++);
	buffer_plain(&s->text, demangled ? demangled : name ? name : "?");
	file = line ? dwfl_lineinfo(line, NULL, &number, NULL, NULL, NULL) : NULL;
	if (file) {
		buffer_text(&s->text, " at ");
		buffer_plain(&s->text, file);
		buffer_format(&s->text, ":%d", number);
	}
	if (path) {
		buffer_text(&s->text, " (");
		buffer_plain(&s->text, slash ? slash + 1 : path);
		buffer_text(&s->text, ")");
	}
	buffer_text(&s->text, "\n");
	free(demangled);
}

static int take_frame(Dwfl_Frame *frame, void *stack)
{
	struct stack *s = stack;
	Dwfl_Module *module;
	bool is_innermost;
	Dwarf_Addr pc;

	if (s->frames == FRAMES_MOST || !dwfl_frame_pc(frame, &pc, &is_innermost))
		return DWARF_CB_ABORT;
	pc -= !is_innermost;
	module = dwfl_addrmodule(s->dwfl, pc);
	if (!is_tracer(module))
		write_frame(s, module, pc);
	return DWARF_CB_OK;
}

/* Of a thread that is stopped. */
static void take_stack(struct stack *s, pid_t pid, pid_t tid)
{
	static const Dwfl_Callbacks callbacks = { .find_elf = dwfl_linux_proc_find_elf,
						  .find_debuginfo = dwfl_standard_find_debuginfo };

	s->dwfl = dwfl_begin(&callbacks);
	if (s->dwfl && dwfl_linux_proc_report(s->dwfl, pid) == 0 &&
	    dwfl_report_end(s->dwfl, NULL, NULL) == 0 &&
	    dwfl_linux_proc_attach(s->dwfl, pid, true) == 0)
		dwfl_getthread_frames(s->dwfl, tid, take_frame, s);
	if (s->dwfl)
		dwfl_end(s->dwfl);
}

/* SIGTERM is how a sweep ends a run that hangs. */
static bool is_worth_a_stack(int number)
{
	return number == SIGTERM || number == SIGSEGV || number == SIGBUS || number == SIGILL ||
	       number == SIGFPE || number == SIGABRT || number == SIGTRAP || number == SIGSYS;
}

static void write_stack(pid_t pid, pid_t tid, const char *path)
{
	struct stack s = { 0 };
	FILE *file;

	take_stack(&s, pid, tid);
	file = s.text.used ? fopen(path, "we") : NULL;
	if (file) {
		fputs(s.text.data, file);
		fclose(file);
	}
	buffer_release(&s.text);
}

/* Lets a thread go on from a stop, as it would without us. */
static void go_on(pid_t tid, int status)
{
	int number = WSTOPSIG(status), event = status >> 16;
	bool is_group_stop =
		event == PTRACE_EVENT_STOP &&
		(number == SIGSTOP || number == SIGTSTP || number == SIGTTIN || number == SIGTTOU);

	if (is_group_stop)
		ptrace(PTRACE_LISTEN, tid, NULL, NULL);
	else
		ptrace(PTRACE_CONT, tid, NULL, (void *)(uintptr_t)(event ? 0 : number));
}

/* In two parts: this program has these texts as well. */
static bool has_sign(const char *bytes, size_t count)
{
	static const char first[] = "__lsan_", second[] = "do_leak_check";
	const char *end = bytes + count, *at = bytes;

	while ((at = memmem(at, (size_t)(end - at), first, sizeof(first) - 1)) != NULL) {
		at += sizeof(first) - 1;
		if ((size_t)(end - at) >= sizeof(second) - 1 &&
		    memcmp(at, second, sizeof(second) - 1) == 0)
			return true;
	}
	return false;
}

/* Linked statically, as clang does it. */
static bool has_leak_sanitizer(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	void *file = MAP_FAILED;
	bool has_one;

	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0)
		file = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (fd >= 0)
		close(fd);
	if (file == MAP_FAILED)
		return false;
	has_one = has_sign(file, (size_t)status.st_size);
	munmap(file, (size_t)status.st_size);
	return has_one;
}

bool crash_may_be_watched(const char *command)
{
	struct program program = { 0 };
	char path[PATH_MAX];

	program_find(&program, command, getenv("PATH"), path, sizeof(path));
	return !*program.sanitizer && !has_leak_sanitizer(path);
}

/* Waits until a process stops or ends, and leaves its state to be waited for. Returns how: a CLD_* code. */
static int wait_for_stop(pid_t pid)
{
	siginfo_t info = { 0 };

	while (waitid(P_PID, (id_t)pid, &info, WSTOPPED | WEXITED | WNOWAIT) && errno == EINTR)
		;
	return info.si_code;
}

/* The command's first instruction, which comes after all that its libraries do as they are loaded. Returns 0 if it is
 * not known. */
static uint64_t find_entry(pid_t pid)
{
	uint64_t entry = 0, pair[2];
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/auxv", (int)pid);
	file = fopen(path, "re");
	while (file && !entry && fread(pair, sizeof(pair), 1, file) == 1)
		entry = pair[0] == AT_ENTRY ? pair[1] : 0;
	if (file)
		fclose(file);
	return entry;
}

/* By a register of the processor: the memory of the command and its children stay as they are. 0 clears it. */
static bool set_breakpoint(pid_t pid, uint64_t at)
{
	return ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[0]), at) == 0 &&
	       ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[7]), at ? 1 : 0) == 0;
}

static bool is_at(pid_t pid, int status, uint64_t entry)
{
	return entry && status >> 16 == 0 && WSTOPSIG(status) == SIGTRAP &&
	       (uint64_t)ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.rip), NULL) ==
		       entry;
}

/* As it becomes the command, it stops for its tracer; only one that has seized it can let it stop for others. Returns
 * where it will stop once more, or 0. */
static uint64_t seize(pid_t pid)
{
	uint64_t entry;

	if (wait_for_stop(pid) != CLD_TRAPPED)
		return 0;
	waitpid(pid, NULL, 0);
	entry = find_entry(pid);
	ptrace(PTRACE_DETACH, pid, NULL, (void *)(uintptr_t)SIGSTOP);
	wait_for_stop(pid);
	ptrace(PTRACE_SEIZE, pid, NULL, (void *)(uintptr_t)PTRACE_O_TRACECLONE);
	if (entry && !set_breakpoint(pid, entry))
		entry = 0;
	if (!entry)
		runs_take_turn();
	kill(pid, SIGCONT);
	return entry;
}

static bool has_stopped; /* a command has, at its first instruction */

bool crash_commands_wait(void)
{
	return has_stopped;
}

void crash_watch(pid_t pid, const char *path)
{
	uint64_t entry = seize(pid);
	unsigned stacks = 0;
	siginfo_t info;
	int status;

	for (;;) {
		if (waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOWAIT | __WALL)) {
			if (errno == EINTR)
				continue;
			return;
		}
		if (info.si_pid == pid && info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED)
			return;
		if (waitpid(info.si_pid, &status, __WALL | WUNTRACED) < 0 || !WIFSTOPPED(status))
			continue;
		if (info.si_pid == pid && is_at(pid, status, entry)) {
			set_breakpoint(pid, entry = 0);
			has_stopped = true;
			runs_take_turn();
			ptrace(PTRACE_CONT, pid, NULL, NULL);
			continue;
		}
		if (status >> 16 == 0 && is_worth_a_stack(WSTOPSIG(status)) && stacks++ < STACKS_MOST)
			write_stack(pid, info.si_pid, path);
		go_on(info.si_pid, status);
	}
}
