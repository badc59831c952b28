/* SPDX-License-Identifier: MIT */
#include "viewer/sweep/resume.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "viewer/base/buffer.h"
#include "viewer/base/complaint.h"
#include "viewer/base/memory.h"
#include "viewer/sweep/runs.h"
#include "viewer/sweep/state.h"

#define ENDED "ended"
#define TIMED_OUT "timed-out"

static char *file_of(const char *folder, const char *name)
{
	struct buffer path = { 0 };

	buffer_format(&path, "%s/%s", folder, name);
	return buffer_take(&path);
}

static bool write_arguments(const struct sweep *s, int fd, char *const *options, size_t count)
{
	FILE *file = fdopen(dup(fd), "w");
	char folder[PATH_MAX];
	bool is_written = file && getcwd(folder, sizeof(folder)) && ftruncate(fd, 0) == 0;

	if (is_written) {
		fprintf(file, "%s%c%zu%c", folder, 0, count, 0);
		for (size_t i = 0; i < count; i++)
			fprintf(file, "%s%c", options[i], 0);
		for (size_t i = 0; s->command[i]; i++)
			fprintf(file, "%s%c", s->command[i], 0);
		is_written = !ferror(file);
	}
	return file && fclose(file) == 0 && is_written;
}

bool resume_begin(struct sweep *s, char *const *options, size_t count)
{
	char *path = file_of(s->folder, "arguments");
	bool is_ready = false;

	s->lock = open(path, s->resume ? O_RDWR | O_CLOEXEC : O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
		       0666);
	if (s->lock < 0 && errno == EEXIST)
		complaint_print(s->folder,
				"this folder has a sweep already, which --resume goes on with");
	else if (s->lock >= 0 && flock(s->lock, LOCK_EX | LOCK_NB) < 0)
		complaint_print(s->folder, "another sweep is at work in this folder");
	else if (s->lock < 0 || !(s->resume || write_arguments(s, s->lock, options, count)))
		complaint_print(path, "%s", strerror(errno));
	else
		is_ready = true;
	free(path);
	return is_ready;
}

const char *resume_folder(int argc, char *const *argv)
{
	static const char name[] = "--resume";

	for (int i = 1; i < argc && argv[i][0] == '-' && strcmp(argv[i], "--") != 0; i++) {
		if (strncmp(argv[i], name, sizeof(name) - 1) != 0)
			continue;
		if (argv[i][sizeof(name) - 1] == '=')
			return argv[i] + sizeof(name);
		if (!argv[i][sizeof(name) - 1])
			return i + 1 < argc ? argv[i + 1] : NULL;
	}
	return NULL;
}

/* Reads the texts of the file `arguments`. Returns their number; 0: it cannot be read. */
static size_t read_arguments(const char *folder, char ***texts)
{
	char *path = file_of(folder, "arguments"), *text = NULL;
	FILE *file = fopen(path, "re");
	size_t count = 0, room = 0, rooms = 0;

	*texts = NULL;
	while (file && getdelim(&text, &room, '\0', file) > 0) {
		memory_room(*texts, count, rooms);
		(*texts)[count++] = memory_text(text, strlen(text));
	}
	if (!file)
		complaint_print(path, "%s", strerror(errno));
	else if (count < 3)
		complaint_print(path, "this is not of a sweep");
	if (file)
		fclose(file);
	free(text);
	free(path);
	return count < 3 ? 0 : count;
}

int resume_arguments(const char *folder, int *argc, char ***argv)
{
	static char **texts; /* as long as the process */
	size_t count = read_arguments(folder, &texts), options, used = 0;
	char **all, here[PATH_MAX];

	if (!count)
		return 0;
	options = strtoul(texts[1], NULL, 10);
	if (!getcwd(here, sizeof(here)) || strcmp(here, texts[0]) != 0) {
		complaint_print(folder, "this sweep was begun in the folder %s, and goes on there",
				texts[0]);
		return 0;
	}
	if (options > count - 3) {
		complaint_print(folder, "this is not of a sweep");
		return 0;
	}
	all = memory_new(count + (size_t)*argc + 1, sizeof(*all));
	all[used++] = (*argv)[0];
	for (size_t i = 0; i < options; i++)
		all[used++] = texts[2 + i];
	for (int i = 1; i < *argc; i++)
		all[used++] = (*argv)[i];
	all[used++] = (char *)"--";
	for (size_t i = 2 + options; i < count; i++)
		all[used++] = texts[i];
	*argc = (int)used;
	*argv = all;
	return (int)(used - (count - 2 - options));
}

/* The first line of the file that says how a run ended. */
static void write_calls(const struct sweep *s, size_t run, struct buffer *b)
{
	const struct result *r = &s->results.all[run];

	for (unsigned i = 0; i < r->count; i++) {
		buffer_text(b, i ? " " : "");
		result_write_option(&s->results, &r->failing[i], b);
	}
	buffer_text(b, "\n");
}

/* Returns whether the run has ended before. */
static bool read_end(const struct sweep *s, size_t run)
{
	char *path = sweep_file(s, run, ENDED), *line = NULL;
	FILE *file = fopen(path, "re");
	struct run *p = &s->runs[run];
	struct buffer calls = { 0 };
	size_t room = 0;
	bool has_ended = false;

	write_calls(s, run, &calls);
	if (file && getline(&line, &room, file) > 0 && strcmp(line, calls.data) == 0 &&
	    getline(&line, &room, file) > 0) {
		if (strcmp(line, TIMED_OUT "\n") == 0)
			p->state = RUN_TIMED_OUT;
		else if (sscanf(line, ENDED " %d\n", &p->wait_status) == 1)
			p->state = RUN_ENDED;
		has_ended = p->state != RUN_WAITING;
	}
	if (file)
		fclose(file);
	buffer_release(&calls);
	free(line);
	free(path);
	return has_ended;
}

/* Of what a sweep has put there. */
static bool is_own(const char *name)
{
	return strcmp(name, ENDED) == 0 || strcmp(name, "output") == 0 ||
	       strcmp(name, CRASH_FILE) == 0 || strcmp(name, STRAYS_FILE) == 0 ||
	       sweep_is_trace(name);
}

static void empty_folder(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;

	while (folder && (entry = readdir(folder)) != NULL)
		if (is_own(entry->d_name))
			unlinkat(dirfd(folder), entry->d_name, 0);
	if (folder)
		closedir(folder);
}

/* A run without a trace cannot be judged: the disk may have been full. */
static bool has_trace(const char *path)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;
	bool has = false;

	while (folder && !has && (entry = readdir(folder)) != NULL)
		has = sweep_is_trace(entry->d_name);
	if (folder)
		closedir(folder);
	return has;
}

/* A folder that is there already is somebody else's, unless a sweep goes on. */
static bool make_folder(const struct sweep *s, const char *folder)
{
	if (mkdir(folder, 0777) == 0 || (errno == EEXIST && s->resume))
		return true;
	complaint_print(folder, "%s", strerror(errno));
	return false;
}

bool resume_prepare(const struct sweep *s, size_t run)
{
	char *folder = sweep_folder(s, run);
	bool is_made = make_folder(s, folder);

	if (is_made && !(s->resume && has_trace(folder) && read_end(s, run)))
		empty_folder(folder);
	free(folder);
	return is_made;
}

void resume_note_end(const struct sweep *s, size_t run)
{
	const struct run *p = &s->runs[run];
	char *path = sweep_file(s, run, ENDED);
	FILE *file = fopen(path, "we");
	struct buffer calls = { 0 };

	write_calls(s, run, &calls);
	if (file) {
		fputs(calls.data, file);
		if (p->state == RUN_TIMED_OUT)
			fputs(TIMED_OUT "\n", file);
		else
			fprintf(file, ENDED " %d\n", p->wait_status);
		fclose(file);
	}
	buffer_release(&calls);
	free(path);
}
