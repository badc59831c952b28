/* SPDX-License-Identifier: MIT */
/*
 * What `record` and `run` share: the options of a recording, the command that is recorded, and the
 * traces that it left.
 *
 * Standard output is never written but for --help. When all goes well nothing is printed at all, for
 * standard error is the command's.
 */
#ifndef LSATRACE_VIEWER_RECORD_OPTIONS_H
#define LSATRACE_VIEWER_RECORD_OPTIONS_H

#include <getopt.h>
#include <stddef.h>

#include "viewer/base/buffer.h"
#include "viewer/record/session.h"

/* Starts zeroed. */
struct recording {
	const char *command_name; /* "record" or "run", for messages */
	const char *output;       /* of -o; NULL: not given */
	struct buffer settings;   /* the other options, as LSATRACE_OPTIONS has them */
	char *library;            /* the preload library's path */
	struct session session;   /* after recording_run: the traces */
};

/* OPTION(long name, argument, what getopt_long returns for it, and for it alone) */
#define RECORDING_OPTIONS(OPTION) \
	OPTION("output", required_argument, 'o') \
	OPTION("ring", required_argument, 'r') \
	OPTION("mode", required_argument, 'm') \
	OPTION("depth", required_argument, 'd') \
	OPTION("on-error", required_argument, 'e') \
	OPTION("unwind", required_argument, 'u') \
	OPTION("allocator", required_argument, 'a') \
	OPTION("families", required_argument, 'f') \
	OPTION("table", required_argument, 't') \
	OPTION("no-follow", no_argument, 'n') \
	OPTION("guard-side", required_argument, 's') \
	OPTION("guard-families", required_argument, 'g') \
	OPTION("guard-quarantine", required_argument, 'q') \
	OPTION("help", no_argument, 'h')

#define RECORDING_ROW(name, argument, value) { name, argument, NULL, value },

#define RECORDING_OPTIONS_HELP \
	"  -o, --output=PATTERN   name of the trace; %e executable, %p pid, %h host, %t time\n" \
	"                         (default lsatrace.%e.%p.trace); without a %, it is replaced\n" \
	"      --ring=SIZE        bound of the trace's size, with K, M or G (default 64M)\n" \
	"      --mode=ring|full   overwrite the oldest calls, or let the file grow\n" \
	"      --depth=N          frames of a backtrace, 1 to 256 (default 64)\n" \
	"      --on-error=log|trap|abort\n" \
	"                         what a misuse does beside being recorded\n" \
	"      --unwind=auto|libunwind|check\n" \
	"                         how backtraces are taken; check compares both ways\n" \
	"      --allocator=auto|host|embedded|guard\n" \
	"                         whose shared memory: the host's, or lsatrace's where it has " \
	"none;\n" \
	"                         the host's only; lsatrace's; guard: blocks end at a page\n" \
	"                         whose access is a finding\n" \
	"      --families=LIST    trace these families only, such as shared-memory,lsa-heap\n" \
	"      --table=SYMBOL     trace the function table that is this global variable\n" \
	"      --no-follow        do not trace child processes\n" \
	"      --guard-side=after|before\n" \
	"                         where that page lies (default after)\n" \
	"      --guard-families=LIST\n" \
	"                         guard these (default shared-memory)\n" \
	"      --guard-quarantine=SIZE\n" \
	"                         how much of what was freed stays inaccessible (64M)\n"

/* What a command adds to the options: takes one by its long name. NULL, or the words after "expected". */
typedef const char *recording_take_more(void *context, const char *name, const char *value);

/*
 * Reads the options up to the command. Returns -1 when argv[optind] is the command, else the exit
 * status: 0 after --help, LAUNCH_FAILED after bad usage, on which one line has been printed.
 */
int recording_parse(struct recording *r, int argc, char **argv, const struct option *rows,
		    const char *usage, recording_take_more *take_more, void *context);

/*
 * Runs the command and collects its traces. Returns the exit status that record is to have. Whatever
 * kept lsatrace from running it, or the command from leaving a trace, has been printed in one line.
 */
int recording_run(struct recording *r, char *const *command);

void recording_release(struct recording *r);

#endif
