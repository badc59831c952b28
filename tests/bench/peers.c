/* SPDX-License-Identifier: MIT */
#include "peers.h"

#include <dlfcn.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "spawn.h"

#define LTTNG_SESSION "lsatrace-bench"
#define LTTNG_CHANNEL "calls"

enum { LTTNG_PATIENCE_MS = 10000, LTTNG_TURN_MS = 100 };

/* Returns the path of a program that can be run, or NULL. */
static char *find_program(const char *name)
{
	const char *folders = getenv("PATH");

	for (const char *end; folders; folders = *end ? end + 1 : NULL) {
		char *path;

		end = strchrnul(folders, ':');
		if (asprintf(&path, "%.*s/%s", (int)(end - folders), folders, name) < 0)
			abort();
		if (access(path, X_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

/* Returns the path if there is such a file. Otherwise frees it and returns NULL. */
static char *if_there(char *path)
{
	if (access(path, R_OK) == 0)
		return path;
	free(path);
	return NULL;
}

/* heaptrack is a script, which says where its other files are, relative to its own folder. */
static char *heaptrack_file(const char *script, const char *variable, const char *name)
{
	char *folder = strdup(script), *path = NULL;
	FILE *file = fopen(script, "r");
	size_t bytes = strlen(variable);
	char line[4096];

	while (folder && file && !path && fgets(line, sizeof(line), file)) {
		if (strncmp(line, variable, bytes) != 0 || strncmp(line + bytes, "=\"", 2) != 0)
			continue;
		line[strcspn(line + bytes + 2, "\"") + bytes + 2] = '\0';
		if (asprintf(&path, "%s/%s/%s", dirname(folder), line + bytes + 2, name) < 0)
			abort();
	}
	if (file)
		fclose(file);
	free(folder);
	return path ? if_there(path) : NULL;
}

static void find_heaptrack(struct peers *p)
{
	char *script = find_program("heaptrack"), *real = script ? realpath(script, NULL) : NULL;

	if (real) {
		p->heaptrack = heaptrack_file(real, "LIB_REL_PATH", "libheaptrack_preload.so");
		p->heaptrack_interpret =
			heaptrack_file(real, "LIBEXEC_REL_PATH", "heaptrack_interpret");
		p->heaptrack_print = find_program("heaptrack_print");
	}
	free(script);
	free(real);
}

/* In another process, because these libraries start threads. */
static bool can_be_loaded(const char *library)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(dlopen(library, RTLD_LAZY) ? 0 : 1);
	return waitpid(pid, &status, 0) == pid && status == 0;
}

static const char *find_lttng(void)
{
	static const char *const libraries[] = { "liblttng-ust-libc-wrapper.so.1",
						 "liblttng-ust-libc-wrapper.so.0" };

	for (size_t i = 0; i < sizeof(libraries) / sizeof(*libraries); i++)
		if (can_be_loaded(libraries[i]))
			return libraries[i];
	return NULL;
}

#define LTTNG(p, ...) \
	spawn_quietly((const char *const[]){ "lttng", "--no-sessiond", __VA_ARGS__, NULL }, \
		      (const char *const[]){ (p)->lttng_home, NULL })

bool lttng_begin(struct peers *p, const char *buffer_size)
{
	lttng_end(p);
	if (!p->lttng_sessiond || !LTTNG(p, "create", LTTNG_SESSION, "--snapshot"))
		return false;
	p->lttng_session = true;
	if (buffer_size)
		return LTTNG(p, "enable-channel", "-u", "-s", LTTNG_SESSION, "--num-subbuf", "4",
			     "--subbuf-size", buffer_size, LTTNG_CHANNEL) &&
		       LTTNG(p, "enable-event", "-u", "-s", LTTNG_SESSION, "-c", LTTNG_CHANNEL,
			     "lttng_ust_libc:malloc,lttng_ust_libc:free") &&
		       LTTNG(p, "add-context", "-u", "-s", LTTNG_SESSION, "-c", LTTNG_CHANNEL, "-t",
			     "vtid", "-t", "ip") &&
		       LTTNG(p, "start", LTTNG_SESSION);
	return LTTNG(p, "enable-channel", "-u", "-s", LTTNG_SESSION, LTTNG_CHANNEL) &&
	       LTTNG(p, "enable-event", "-u", "-s", LTTNG_SESSION, "-c", LTTNG_CHANNEL,
		     "lttng_ust_libc:malloc,lttng_ust_libc:free") &&
	       LTTNG(p, "add-context", "-u", "-s", LTTNG_SESSION, "-c", LTTNG_CHANNEL, "-t", "vtid",
		     "-t", "ip") &&
	       LTTNG(p, "start", LTTNG_SESSION);
}

bool lttng_snapshot(struct peers *p, const char *folder)
{
	return p->lttng_session && LTTNG(p, "snapshot", "record", "-s", LTTNG_SESSION, folder);
}

void lttng_end(struct peers *p)
{
	if (p->lttng_session)
		LTTNG(p, "destroy", LTTNG_SESSION);
	p->lttng_session = false;
}

static bool has_ended(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) != 0;
}

/* The daemon is ready when a session can be created. It ends at once if this user has a daemon
 * already: root can have only one, whatever the folder. */
static const char *start_sessiond(struct peers *p)
{
	static const char *const arguments[] = { "lttng-sessiond", "--no-kernel", "--quiet", NULL };
	const char *const environment[] = { p->lttng_home, NULL };
	const struct timespec turn = { .tv_nsec = LTTNG_TURN_MS * 1000000L };

	p->lttng_sessiond = spawn_start(&(struct command){
		.arguments = arguments, .environment = environment, .output = "/dev/null" });
	for (int waited = 0; waited < LTTNG_PATIENCE_MS; waited += LTTNG_TURN_MS) {
		nanosleep(&turn, NULL);
		if (has_ended(p->lttng_sessiond)) {
			p->lttng_sessiond = 0;
			return "its session daemon does not start: is another one running?";
		}
		if (lttng_begin(p, NULL))
			return NULL;
	}
	return "its session daemon lets no session begin";
}

static const char *start_lttng(struct peers *p, const char *folder)
{
	char *client = find_program("lttng"), *daemon = find_program("lttng-sessiond");
	bool is_installed = client && daemon;
	const char *library = is_installed ? find_lttng() : NULL, *why;

	free(client);
	free(daemon);
	if (!library)
		return "LTTng-UST is not installed";
	if (asprintf(&p->lttng_home, "LTTNG_HOME=%s/lttng", folder) < 0)
		abort();
	mkdir(p->lttng_home + strlen("LTTNG_HOME="), 0700);
	why = start_sessiond(p);
	if (!why)
		p->lttng = library;
	return why;
}

void peers_start(struct peers *p, const char *folder)
{
	find_heaptrack(p);
	p->babeltrace = find_program("babeltrace2");
	p->symbolizer = find_program("llvm-symbolizer");
	p->lttng_missing = start_lttng(p, folder);
}

void peers_release(struct peers *p)
{
	lttng_end(p);
	spawn_end(p->lttng_sessiond);
	free(p->heaptrack);
	free(p->heaptrack_interpret);
	free(p->heaptrack_print);
	free(p->babeltrace);
	free(p->symbolizer);
	free(p->lttng_home);
	*p = (struct peers){ 0 };
}
