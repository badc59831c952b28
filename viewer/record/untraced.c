/* SPDX-License-Identifier: MIT */
#include "viewer/record/untraced.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/xattr.h>

static struct program find_program(const char *command, char path[PATH_MAX])
{
	struct program program = { 0 };

	program_find(&program, command, getenv("PATH"), path, PATH_MAX);
	return program;
}

struct program untraced_look_at(const char *command)
{
	char path[PATH_MAX];

	return find_program(command, path);
}

/* Returns why a program has more rights than its caller, or NULL. Its loader ignores LD_PRELOAD. */
static const char *find_raised_rights(const char *path)
{
	struct stat status;

	if (stat(path, &status))
		return NULL;
	if ((status.st_mode & S_ISUID) && status.st_uid != getuid())
		return "is set-uid";
	if ((status.st_mode & S_ISGID) && (status.st_mode & S_IXGRP) && status.st_gid != getgid())
		return "is set-gid";
	if (getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0)
		return "is given file capabilities";
	return NULL;
}

bool untraced_explain(const char *command, const char *tables, char *why, size_t bytes)
{
	char path[PATH_MAX];
	struct program program = find_program(command, path);
	const char *interpreter = program.interpreter, *raised = NULL;
	const char *reason = program_reason(program.kind);

	if (program.kind == PROGRAM_FITS)
		raised = find_raised_rights(*interpreter ? interpreter : path);
	if (reason || raised)
		snprintf(why, bytes, "%s%s %s%s", *interpreter ? "its interpreter " : "it",
			 interpreter, reason ? reason : raised,
			 reason ? "" : ", and then the loader ignores LD_PRELOAD");
	else if (tables)
		snprintf(
			why, bytes,
			"no file that it loaded has the symbol of a table with functions in it: %s",
			tables);
	else
		snprintf(why, bytes,
			 "it never asked for SpLsaModeInitialize, never called a package's "
			 "Initialize with a function table, or was executed without the library");
	return reason || raised;
}
