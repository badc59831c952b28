/* SPDX-License-Identifier: MIT */
#include "viewer/sweep/strays.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void strays_adopt(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

/* Returns the first stray; 0: there is none. */
static pid_t find_stray(bool (*is_own)(const void *context, pid_t child), const void *context)
{
	char path[64], *word = NULL;
	size_t room = 0;
	pid_t found = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	file = fopen(path, "re");
	while (file && !found && getdelim(&word, &room, ' ', file) > 0) {
		pid_t child = (pid_t)atoi(word);

		if (!is_own || !is_own(context, child))
			found = child;
	}
	if (file)
		fclose(file);
	free(word);
	return found;
}

static bool has_ended(pid_t child)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
	       info.si_pid != 0;
}

void strays_end(bool (*is_own)(const void *context, pid_t child), const void *context,
		const char *path)
{
	FILE *file = NULL;
	pid_t stray;

	/* The children of one that was killed come to this process. */
	while ((stray = find_stray(is_own, context)) > 0) {
		bool is_alive = !has_ended(stray);

		if (kill(stray, SIGKILL))
			break;
		waitpid(stray, NULL, 0);
		if (path && is_alive && !file)
			file = fopen(path, "we");
		if (file && is_alive)
			fprintf(file, "%d\n", (int)stray);
	}
	if (file)
		fclose(file);
}

bool strays_have(const char *path, pid_t pid)
{
	FILE *file = fopen(path, "re");
	bool has = false;
	int stray;

	while (file && !has && fscanf(file, "%d", &stray) == 1)
		has = stray == pid;
	if (file)
		fclose(file);
	return has;
}
