/* SPDX-License-Identifier: MIT */
/*
 * The commands of the program. Each gets its own name as argv[0], prints what is wrong itself, and
 * returns the program's exit status.
 *
 * To add a command: a row here, and a file viewer/commands/NAME.c with its function command_NAME().
 */
#ifndef LSATRACE_VIEWER_COMMANDS_COMMANDS_H
#define LSATRACE_VIEWER_COMMANDS_COMMANDS_H

/* COMMAND(name, summary for --help) */
#define COMMANDS(COMMAND) \
	COMMAND(run, "run a command, record it, and report on standard error") \
	COMMAND(record, "run a command and record it") \
	COMMAND(host, "play the LSA for packages that have no host") \
	COMMAND(sweep, "let each call of a command fail, one a run; report what comes of it") \
	COMMAND(report, "report leaks, mismatched frees and other findings of traces") \
	COMMAND(baseline, "write a baseline: findings that are known, and are no failure") \
	COMMAND(diff, "compare the findings and the live memory of two traces") \
	COMMAND(events, "list the retained calls of a trace, oldest first") \
	COMMAND(stat, "print totals of traces, and what was lost") \
	COMMAND(top, "show what is live, and what grows, while the process runs") \
	COMMAND(export, "write traces in the formats of other tools") \
	COMMAND(pack, "compress a trace with its symbols, for another machine")

#define COMMAND_PROTOTYPE(name, summary) int command_##name(int argc, char **argv);
COMMANDS(COMMAND_PROTOTYPE)

/* Exit status of a command that reads traces, for wrong usage and for any other trouble. */
#define COMMAND_TROUBLE 2

#endif
