/* SPDX-License-Identifier: MIT */
/*
 * Where a process crashed, or hung. It is watched as a debugger does (ptrace): when one of its threads gets a
 * signal that dumps core, or SIGTERM, its stack is taken; the last one that was taken is that of its end.
 * Processes that it makes are not watched.
 *
 * For one thread. Nothing here prints.
 */
#ifndef LSATRACE_VIEWER_SWEEP_CRASH_H
#define LSATRACE_VIEWER_SWEEP_CRASH_H

#include <stdbool.h>
#include <sys/types.h>

/* False for a program with LeakSanitizer, which is a debugger itself, and fails under one. The command is looked up
 * as by execvp. */
bool crash_may_be_watched(const char *command);

/*
 * Watches a process that stops, for this one as its tracer, as it becomes the command. Returns when it has ended; it
 * is not reaped. Writes the stack to the file at `path`, in place of an earlier one. Where the process
 * may not be watched, it goes on unwatched.
 *
 * Of a worker (runs.h): at its first instruction the command waits for its turn.
 */
void crash_watch(pid_t pid, const char *path);

/* Does it do so, as an earlier run of this process has shown? If not, the worker needs its turn before it starts the
 * command. */
bool crash_commands_wait(void);

#endif
