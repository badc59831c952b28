/* SPDX-License-Identifier: MIT */
#include "viewer/record/options.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "include/options.h"
#include "viewer/base/memory.h"
#include "viewer/record/launch.h"
#include "viewer/record/session.h"
#include "viewer/record/untraced.h"

/* One line on standard error. */
__attribute__((format(printf, 1, 2))) static int fail(const char *format, ...)
{
	va_list arguments;

	fputs("lsatrace: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return -1;
}

/* Colons part the options of LSATRACE_OPTIONS; a backslash takes the meaning from what follows it. */
static void add_option(struct buffer *b, const char *name, const char *value)
{
	if (b->used > 0)
		buffer_text(b, ":");
	buffer_format(b, "%s=", name);
	for (; *value; value++)
		buffer_format(b, "%s%c", strchr(":\\", *value) ? "\\" : "", *value);
}

static const char *take(struct recording *r, const char *name, const char *value)
{
	struct options checked = OPTIONS_DEFAULT;
	const char *expected;
	int known;

	if (strcmp(name, "no-follow") == 0) {
		name = "follow";
		value = "no";
	}
	expected = options_take(&checked, name, strlen(name), value, strlen(value), &known);
	if (expected)
		return expected;
	if (strcmp(name, "output") == 0)
		r->output = value; /* added last, when it is known to be the one that counts */
	else
		add_option(&r->settings, name, value);
	return NULL;
}

static const struct option *find_row(const struct option *rows, int value)
{
	while (rows->name && rows->val != value)
		rows++;
	return rows->name ? rows : NULL;
}

static int is_own_row(int value)
{
	static const struct option own[] = { RECORDING_OPTIONS(RECORDING_ROW){ 0 } };

	return find_row(own, value) != NULL;
}

static int refuse_option(const struct recording *r, char **argv, const struct option *row,
			 int missing)
{
	if (missing && row)
		fprintf(stderr, "lsatrace %s: --%s: expected a value\n", r->command_name, row->name);
	else
		fprintf(stderr, "lsatrace %s: %s: no such option; see lsatrace %s --help\n",
			r->command_name, argv[optind - 1], r->command_name);
	return LAUNCH_FAILED;
}

/* Writes the name of a long option with '-' for '_', as it is known. 0: there is nothing to change. */
static int unify_name(char *option)
{
	int changed = 0;

	if (strncmp(option, "--", 2) != 0)
		return 0;
	for (; *option && *option != '='; option++)
		if (*option == '_') {
			*option = '-';
			changed = 1;
		}
	return changed;
}

/* Takes the options up to the command. Returns -1, or the exit status. */
static int take_all(struct recording *r, int argc, char **argv, const struct option *rows,
		    recording_take_more *take_more, void *context)
{
	int value;

	opterr = 0;
	while ((value = getopt_long(argc, argv, "+:o:O:", rows, NULL)) != -1) {
		const struct option *row = find_row(rows, value == ':' ? optopt : value);
		const char *text = optarg ? optarg : "", *expected;

		if (value == '?' && unify_name(argv[optind - 1])) {
			optind--;
			continue;
		}
		if (!row || value == ':')
			return refuse_option(r, argv, row, value == ':');
		if (value == 'h')
			return 0;
		expected = is_own_row(value) ? take(r, row->name, text)
					     : take_more(context, row->name, text);
		if (expected) {
			fprintf(stderr, "lsatrace %s: --%s=%s: expected %s\n", r->command_name,
				row->name, text, expected);
			return LAUNCH_FAILED;
		}
	}
	return -1;
}

int recording_parse(struct recording *r, int argc, char **argv, const struct option *rows,
		    const char *usage, recording_take_more *take_more, void *context)
{
	int status;

	r->command_name = argv[0];
	status = take_all(r, argc, argv, rows, take_more, context);
	if (status == 0) {
		fputs(usage, stdout);
	} else if (status < 0 && optind == argc) {
		fprintf(stderr, "lsatrace %s: no command was given; see lsatrace %s --help\n",
			argv[0], argv[0]);
		status = LAUNCH_FAILED;
	}
	return status;
}

/* Copies the first option of `options`, without its escapes. Returns the others, or NULL. */
static const char *copy_option(const char *options, struct buffer *option)
{
	for (; *options && *options != ':'; options++) {
		if (*options == '\\' && options[1])
			options++;
		buffer_bytes(option, options, 1);
	}
	return *options ? options + 1 : NULL;
}

/* The last value of an option in what LSATRACE_OPTIONS may be; `prefix` is its name and an equals sign.
 * To be freed; NULL: there is none. */
static char *find_option(const char *options, const char *prefix)
{
	size_t bytes = strlen(prefix);
	struct buffer option = { 0 };
	char *found = NULL;

	while (options) {
		option.used = 0;
		options = copy_option(options, &option);
		if (option.used <= bytes || memcmp(option.data, prefix, bytes) != 0)
			continue;
		free(found);
		found = memory_text(option.data + bytes, option.used - bytes);
	}
	buffer_release(&option);
	return found;
}

/*
 * The pattern made absolute, for the command may go to another folder before it makes its trace; to be
 * freed. In a pattern, a percent sign of the current folder's own name is doubled.
 */
static char *absolute_pattern(const char *pattern)
{
	struct buffer absolute = { 0 };
	char folder[PATH_MAX];

	if (*pattern != '/' && getcwd(folder, sizeof(folder))) {
		for (const char *c = folder; *c; c++)
			buffer_format(&absolute, "%s%c", *c == '%' ? "%" : "", *c);
		buffer_text(&absolute, "/");
	}
	buffer_text(&absolute, pattern);
	return buffer_take(&absolute);
}

/* The user's LSATRACE_OPTIONS, then the command line's: of two values the later one counts. */
static char *join_options(const struct recording *r)
{
	const char *inherited = getenv(OPTIONS_VARIABLE);
	char *own_output = find_option(inherited ? inherited : "", "output=");
	const char *pattern = own_output ? own_output : OUTPUT_DEFAULT;
	char *absolute = absolute_pattern(r->output ? r->output : pattern);
	struct buffer joined = { 0 };

	if (inherited && *inherited)
		buffer_text(&joined, inherited);
	if (r->settings.used > 0)
		buffer_format(&joined, "%s%s", joined.used ? ":" : "", r->settings.data);
	add_option(&joined, "output", absolute);
	free(absolute);
	free(own_output);
	return buffer_take(&joined);
}

/* What the preload library makes of a pattern with nothing to fill in. 0: there is something. */
static int plain_path(const char *pattern, char *path, size_t bytes)
{
	size_t length = 0;

	for (; *pattern && length + 1 < bytes; pattern++) {
		if (*pattern == '%' && *++pattern != '%')
			return 0;
		path[length++] = *pattern;
	}
	path[length] = '\0';
	return !*pattern;
}

static int is_trace(const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char magic[sizeof(TRACE_MAGIC) - 1];
	int same = fd >= 0 && read(fd, magic, sizeof(magic)) == sizeof(magic) &&
		   memcmp(magic, TRACE_MAGIC, sizeof(magic)) == 0;

	if (fd >= 0)
		close(fd);
	return same;
}

/*
 * A traced process never replaces a file, but takes another name. Whoever names one file with -o
 * wants it to be that, so an old trace goes first; and nothing but a trace does.
 */
static int replace_output(const char *pattern)
{
	char path[PATH_MAX];
	struct stat status;

	if (!pattern || !plain_path(pattern, path, sizeof(path)) || lstat(path, &status))
		return 0;
	if (!S_ISREG(status.st_mode) || (status.st_size > 0 && !is_trace(path)))
		return fail("'%s' exists and is not a trace, so it is not replaced", path);
	if (unlink(path))
		return fail("cannot replace '%s': %s", path, strerror(errno));
	return 0;
}

static int find_library(struct recording *r)
{
	r->library = launch_find_library();
	if (!r->library)
		return fail("liblsatrace.so is neither beside lsatrace nor in ../lib or "
			    "../lib/lsatrace");
	if (!launch_can_preload(r->library))
		return fail(
			"cannot preload '%s': LD_PRELOAD takes no path with a colon or white space",
			r->library);
	return 0;
}

static void explain_no_trace(const struct recording *r, const char *options, const char *command)
{
	char why[PATH_MAX + 256], *tables;

	if (r->session.refused)
		return; /* the library has said why */
	tables = find_option(options, "table=");
	untraced_explain(command, r->library, tables, why, sizeof(why));
	fail("no security package was initialised in '%s': %s", command, why);
	free(tables);
}

/* Runs the command. Returns the exit status. */
static int run_session(struct recording *r, const char *options, char *const *command)
{
	struct launch launch = { r->library, options, r->session.path };
	struct launch_outcome outcome = { 0 };

	switch (launch_command(&launch, command, &outcome)) {
	case LAUNCH_NOT_STARTED:
		fail("cannot make a process: %s", strerror(outcome.error));
		return LAUNCH_FAILED;
	case LAUNCH_NOT_RUN:
		fail("cannot run '%s': %s", command[0], strerror(outcome.error));
		return outcome.error == ENOENT ? LAUNCH_NOT_FOUND : LAUNCH_CANNOT_RUN;
	case LAUNCH_ENDED:
		break;
	}
	session_read(&r->session);
	session_mark_end(&r->session, outcome.pid, outcome.wait_status);
	if (r->session.trace_count == 0)
		explain_no_trace(r, options, command[0]);
	return launch_exit_status(outcome.wait_status);
}

int recording_run(struct recording *r, char *const *command)
{
	char *options;
	int status;

	if (find_library(r) || replace_output(r->output))
		return LAUNCH_FAILED;
	if (session_open(&r->session)) {
		fail("cannot make a temporary file: %s", strerror(errno));
		return LAUNCH_FAILED;
	}
	options = join_options(r);
	status = run_session(r, options, command);
	free(options);
	return status;
}

void recording_release(struct recording *r)
{
	buffer_release(&r->settings);
	session_release(&r->session);
	free(r->library);
	*r = (struct recording){ 0 };
}
