/* SPDX-License-Identifier: MIT */
/* Libraries with packages, and libraries that get in front of functions as the tracer does. */
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "host.h"
#include "odd.h"

static void *open_library(const char *path)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	need(handle != NULL, path);
	return handle;
}

/* PATH...: loads, finds, initialises and calls each package before the next one. */
static int libraries(char **arguments)
{
	struct host_library library;

	for (ULONG_PTR id = 1; *arguments; id++, arguments++) {
		need(host_ask(open_library(*arguments), &library), *arguments);
		printf("%x\n", (unsigned int)host_initialize(library.tables, id, &host_table));
		host_call(library.tables, "run");
	}
	return 0;
}

static void load_once(const char *path)
{
	void *handle = open_library(path);
	struct host_library library;

	need(host_ask(handle, &library), path);
	host_initialize(library.tables, 1, &host_table);
	host_call(library.tables, "run");
	dlclose(handle);
}

/* PATH...: loads, finds, initialises, calls and unloads each package before the next one. */
static int in_turn(char **arguments)
{
	for (; *arguments; arguments++)
		load_once(*arguments);
	return 0;
}

/* TIMES PATH: loads and unloads a library again and again. */
static int reload(char **arguments)
{
	for (long i = 0; i < number_of(arguments[0]); i++)
		load_once(arguments[1]);
	return 0;
}

static long rounds;

static void *reload_one(void *path)
{
	for (long i = 0; i < rounds; i++)
		load_once(path);
	return NULL;
}

/* TIMES PATH...: does the same with a thread for each library, so that they take each other's
 * place. */
static int reload_at_once(char **arguments)
{
	pthread_t thread[8];
	int threads = 0;

	rounds = number_of(arguments[0]);
	for (; threads < 8 && arguments[threads + 1]; threads++)
		need(pthread_create(&thread[threads], NULL, reload_one, arguments[threads + 1]) == 0,
		     "thread");
	while (threads > 0)
		pthread_join(thread[--threads], NULL);
	return 0;
}

static void *load_in_thread(void *path)
{
	load_once(path);
	return NULL;
}

static bool *find_flag(const char *name)
{
	bool *flag = dlsym(RTLD_DEFAULT, name);

	need(flag != NULL, "late_close.so is not preloaded");
	return flag;
}

/* ONE OTHER: loads, calls and unloads the one, then the other, most likely where the one lay, before
 * dlclose() of the one has returned. Needs late_close.so preloaded. */
static int replace(char **arguments)
{
	bool *unmapped = find_flag("late_close_unmapped"), *go = find_flag("late_close_go");
	pthread_t one, other;

	need(pthread_create(&one, NULL, load_in_thread, arguments[0]) == 0, "thread");
	while (!__atomic_load_n(unmapped, __ATOMIC_SEQ_CST))
		sched_yield();
	need(pthread_create(&other, NULL, load_in_thread, arguments[1]) == 0, "thread");
	pthread_join(other, NULL);
	__atomic_store_n(go, true, __ATOMIC_SEQ_CST);
	pthread_join(one, NULL);
	return 0;
}

static void print_where(const char *what, const void *symbol)
{
	const char *name = "nowhere", *slash;
	Dl_info info;

	if (symbol && dladdr(symbol, &info) && info.dli_fname)
		name = info.dli_fname;
	slash = strrchr(name, '/');
	printf("%s: %s\n", what, slash ? slash + 1 : name);
}

/* Needs interposer.so preloaded. Prints what dlsym() finds, and the error for a name that nobody
 * has. */
static int resolve(char **arguments)
{
	void (*look)(void);
	void *symbol = dlsym(RTLD_DEFAULT, "interposer_look");

	(void)arguments;
	need(symbol != NULL, "interposer.so is not preloaded");
	memcpy(&look, &symbol, sizeof(look));
	look();
	print_where("default", dlsym(RTLD_DEFAULT, "gnu_get_libc_version"));
	print_where("next", dlsym(RTLD_NEXT, "gnu_get_libc_version"));
	print_where("own", dlsym(RTLD_DEFAULT, SECPKG_LSAMODEINIT_NAME) ? resolve : NULL);
	print_where("absent", dlsym(RTLD_DEFAULT, "no_such_function"));
	printf("%s\n", strstr(dlerror(), "undefined symbol"));
	print_where("no more", dlsym(RTLD_NEXT, SECPKG_LSAMODEINIT_NAME));
	printf("%s\n", strstr(dlerror(), "undefined symbol"));
	host_start();
	return 0;
}

const struct scenario loading_scenarios[] = {
	{ "libraries", libraries },
	{ "libraries-in-turn", in_turn },
	{ "reload", reload },
	{ "reload-at-once", reload_at_once },
	{ "replace", replace },
	{ "resolve", resolve },
	{ 0 },
};
