/* SPDX-License-Identifier: MIT */
#include "viewer/symbols/server.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "viewer/base/buffer.h"
#include "viewer/base/memory.h"
#include "viewer/base/progress.h"

#define URLS "DEBUGINFOD_URLS"

/* elfutils gives no pointer to this function, as <elfutils/debuginfod.h> has it. */
typedef int progress_function(debuginfod_client *client, long a, long b);
typedef void set_progress_function(debuginfod_client *client, progress_function *function);

static struct {
	struct progress *progress;
	uint64_t heard_ns; /* when the question was asked, or when there was news */
	long last;         /* bytes that had come by then */
	char *silent;
} server;

static uint64_t read_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void server_forget(void)
{
	unsetenv(URLS);
}

const char *server_urls(void)
{
	const char *urls = getenv(URLS);

	return urls && *urls ? urls : NULL;
}

void server_remember(const char *urls)
{
	setenv(URLS, urls, 1);
}

void server_write_silence(struct buffer *b, const char *urls, unsigned seconds)
{
	buffer_text(b, "debuginfod did not answer within ");
	buffer_count(b, seconds, "second");
	buffer_text(b, ", and was not asked again: ");
	buffer_plain(b, urls);
}

/*
 * libdebuginfod calls this about once a second. Before an answer begins, `a` counts the calls, and `b`
 * is 0; then they are the bytes that have come, and all of them. Returns not 0 to give up.
 */
static int follow_answer(debuginfod_client *client, long a, long b)
{
	uint64_t now = read_clock();
	const char *urls = getenv(URLS);

	(void)client;
	progress_show(server.progress, "asking debuginfod", b > 0 ? (uint64_t)a : 0,
		      b > 0 ? (uint64_t)b : 1);
	if (b > 0 && a != server.last) {
		server.last = a;
		server.heard_ns = now;
	}
	if (now - server.heard_ns < SERVER_SECONDS * 1000000000ull)
		return 0;
	if (!server.silent && urls)
		server.silent = memory_text(urls, strlen(urls));
	server_forget();
	return 1;
}

void server_watch(Dwfl *dwfl, struct progress *progress)
{
	static set_progress_function *set_progress;
	debuginfod_client *client;

	if (!server_urls())
		return;
	/* The library that elfutils has loaded, or is going to load. */
	if (!set_progress) {
		void *library = dlopen("libdebuginfod.so.1", RTLD_LAZY);

		if (library)
			*(void **)&set_progress = dlsym(library, "debuginfod_set_progressfn");
	}
	client = set_progress ? dwfl_get_debuginfod_client(dwfl) : NULL;
	if (!client)
		return;
	server.progress = progress;
	server.heard_ns = read_clock();
	server.last = 0;
	set_progress(client, follow_answer);
}

const char *server_silent(void)
{
	return server.silent;
}
