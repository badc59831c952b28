/* SPDX-License-Identifier: MIT */
#include "viewer/record/untraced.h"

#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { SCRIPTS_NESTED = 4 }; /* as many as the kernel follows */

/* What decides whether the loader takes the preload library into a program. */
struct program {
	int is_elf;
	int class; /* ELFCLASS32 or ELFCLASS64 */
	int machine;
	int has_loader;
};

static int has_segment(Elf *elf, GElf_Word type)
{
	GElf_Phdr segment;
	size_t count = 0;

	elf_getphdrnum(elf, &count);
	for (size_t i = 0; i < count && i < INT_MAX; i++)
		if (gelf_getphdr(elf, (int)i, &segment) && segment.p_type == type)
			return 1;
	return 0;
}

static struct program read_program(const char *path)
{
	struct program program = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf *elf = NULL;
	GElf_Ehdr header;

	if (fd >= 0 && elf_version(EV_CURRENT) != EV_NONE)
		elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && gelf_getehdr(elf, &header)) {
		program.is_elf = 1;
		program.class = gelf_getclass(elf);
		program.machine = header.e_machine;
		program.has_loader = has_segment(elf, PT_INTERP);
	}
	elf_end(elf);
	if (fd >= 0)
		close(fd);
	return program;
}

/* The interpreter of a script, as the kernel takes it from the first line; without one, execvp's. */
static int read_interpreter(const char *path, char *interpreter, size_t bytes)
{
	FILE *file = fopen(path, "re");
	char line[PATH_MAX] = "";
	char *name;

	if (!file)
		return 0;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	name = strncmp(line, "#!", 2) == 0 ? line + 2 + strspn(line + 2, " \t")
					   : (char[]){ "/bin/sh" };
	name[strcspn(name, " \t\n")] = '\0';
	snprintf(interpreter, bytes, "%s", name);
	return *interpreter != '\0';
}

/* The loader of a program that runs with more rights than its caller ignores LD_PRELOAD. */
static const char *raised_rights(const char *path)
{
	struct stat status;

	if (stat(path, &status))
		return NULL;
	if ((status.st_mode & S_ISUID) && status.st_uid != getuid())
		return "set-uid";
	if ((status.st_mode & S_ISGID) && (status.st_mode & S_IXGRP) && status.st_gid != getgid())
		return "set-gid";
	if (getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0)
		return "given file capabilities";
	return NULL;
}

static int is_command(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

/* As execvp, which looks in these places when there is no PATH. */
static int find_in_path(const char *command, char *path, size_t bytes)
{
	const char *folder = getenv("PATH");

	if (strchr(command, '/')) {
		snprintf(path, bytes, "%s", command);
		return is_command(path);
	}
	for (folder = folder ? folder : "/bin:/usr/bin";; folder++) {
		size_t length = strcspn(folder, ":");

		snprintf(path, bytes, "%.*s%s%s", (int)length, folder, length ? "/" : "", command);
		if (is_command(path))
			return 1;
		folder += length;
		if (!*folder)
			return 0;
	}
}

/* Says why the loader of `path` takes no preload library in; returns 0 if it would. */
static int explain_loader(const char *path, const char *subject, const struct program *program,
			  const char *library, char *why, size_t bytes)
{
	struct program own = read_program(library);
	const char *raised = raised_rights(path);

	if (program->class != own.class || program->machine != own.machine)
		snprintf(why, bytes,
			 "%s is built for another kind of processor than liblsatrace.so", subject);
	else if (!program->has_loader)
		snprintf(why, bytes, "%s is statically linked, so nothing can be preloaded into it",
			 subject);
	else if (raised)
		snprintf(why, bytes, "%s is %s, and then the loader ignores LD_PRELOAD", subject,
			 raised);
	else
		return 0;
	return 1;
}

static void explain_host(const char *tables, char *why, size_t bytes)
{
	if (tables)
		snprintf(
			why, bytes,
			"no file that it loaded has the symbol of a table with functions in it: %s",
			tables);
	else
		snprintf(why, bytes,
			 "it never asked for SpLsaModeInitialize, never called a package's "
			 "Initialize with a function table, or was another user by then, whose "
			 "traces cannot be told of");
}

void untraced_explain(const char *command, const char *library, const char *tables, char *why,
		      size_t bytes)
{
	char path[PATH_MAX], subject[PATH_MAX + 32] = "it";
	struct program program = { 0 };
	int found = find_in_path(command, path, sizeof(path));

	for (int depth = 0; found && depth <= SCRIPTS_NESTED; depth++) {
		program = read_program(path);
		if (program.is_elf)
			break;
		found = read_interpreter(path, path, sizeof(path));
		snprintf(subject, sizeof(subject), "its interpreter %s", path);
	}
	if (found && program.is_elf && explain_loader(path, subject, &program, library, why, bytes))
		return;
	explain_host(tables, why, bytes);
}
