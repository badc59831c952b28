/* SPDX-License-Identifier: MIT */
#include "viewer/record/untraced.h"

#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SCRIPTS_NESTED 4 /* the kernel follows no more */

/* What decides whether the loader loads the preload library into a program. */
struct program {
	bool is_elf;
	int class; /* ELFCLASS32 or ELFCLASS64 */
	int machine;
	bool has_loader;
};

static bool has_segment(Elf *elf, GElf_Word type)
{
	GElf_Phdr segment;
	size_t count = 0;

	elf_getphdrnum(elf, &count);
	for (size_t i = 0; i < count && i < INT_MAX; i++)
		if (gelf_getphdr(elf, (int)i, &segment) && segment.p_type == type)
			return true;
	return false;
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
		program.is_elf = true;
		program.class = gelf_getclass(elf);
		program.machine = header.e_machine;
		program.has_loader = has_segment(elf, PT_INTERP);
	}
	elf_end(elf);
	if (fd >= 0)
		close(fd);
	return program;
}

/* Reads the interpreter of a script from its first line. Without one it is /bin/sh, as for execvp. */
static bool read_interpreter(const char *path, char *interpreter, size_t bytes)
{
	FILE *file = fopen(path, "re");
	char line[PATH_MAX] = "";
	char *name;

	if (!file)
		return false;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	name = strncmp(line, "#!", 2) == 0 ? line + 2 + strspn(line + 2, " \t")
					   : (char[]){ "/bin/sh" };
	name[strcspn(name, " \t\n")] = '\0';
	snprintf(interpreter, bytes, "%s", name);
	return *interpreter != '\0';
}

/* Returns why a program has more rights than its caller, or NULL. Its loader ignores LD_PRELOAD. */
static const char *find_raised_rights(const char *path)
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

static bool is_command(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

/* Without PATH, execvp() looks in /bin and /usr/bin. */
static bool find_in_path(const char *command, char *path, size_t bytes)
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
			return true;
		folder += length;
		if (!*folder)
			return false;
	}
}

/* Explains why the loader of `path` loads no preload library. Returns false if it would load it. */
static bool explain_loader(const char *path, const char *subject, const struct program *program,
			   const char *library, char *why, size_t bytes)
{
	struct program own = read_program(library);
	const char *raised = find_raised_rights(path);

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
		return false;
	return true;
}

void untraced_explain(const char *command, const char *library, const char *tables, char *why,
		      size_t bytes)
{
	char path[PATH_MAX], subject[PATH_MAX + 32] = "it";
	struct program program = { 0 };
	bool found = find_in_path(command, path, sizeof(path));

	for (int depth = 0; found && depth <= SCRIPTS_NESTED; depth++) {
		program = read_program(path);
		if (program.is_elf)
			break;
		found = read_interpreter(path, path, sizeof(path));
		snprintf(subject, sizeof(subject), "its interpreter %s", path);
	}
	if (found && program.is_elf && explain_loader(path, subject, &program, library, why, bytes))
		return;
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
