/* SPDX-License-Identifier: MIT */
/* Ways from a host to its packages, and from a package to its table. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"
#include "include/lsatrace.h"
#include "odd.h"
#include "package.h"
#include "tests/packages/libraries/lender.h"
#include "tests/packages/libraries/plugin.h"

/* Opens a library. HOW is plain, deepbind or dlmopen. */
static void *open_by(const char *how, const char *path)
{
	void *handle;

	if (strcmp(how, "dlmopen") == 0)
		handle = dlmopen(LM_ID_NEWLM, path, RTLD_LAZY);
	else
		handle = dlopen(path,
				RTLD_LAZY | (strcmp(how, "deepbind") == 0 ? RTLD_DEEPBIND : 0));
	if (!handle)
		fprintf(stderr, "%s\n", dlerror());
	need(handle != NULL, path);
	return handle;
}

/* Initialises and calls the package of a library by its entry point. */
static void use(void *symbol)
{
	struct host_library library = { 0 };
	SpLsaModeInitializeFn entry;

	need(symbol != NULL, "the entry point");
	memcpy(&entry, &symbol, sizeof(entry));
	need(NT_SUCCESS(entry(1, &library.version, &library.tables, &library.count)), "entry");
	printf("%x\n", (unsigned int)host_initialize(library.tables, 1, &host_table));
	host_call(library.tables, "run");
}

/* HOW PATH WAY PACKAGE TIMES: opens a plug-in by HOW, which finds packages. */
static int plugin(char **arguments)
{
	void *handle = open_by(arguments[0], arguments[1]);
	void *symbol = dlsym(handle, PLUGIN_RUN_NAME);
	plugin_run_function *run;

	memcpy(&run, &symbol, sizeof(run));
	printf("%d\n",
	       run(arguments[2], arguments[3], (PLSA_SECPKG_FUNCTION_TABLE)(uintptr_t)&host_table,
		   number_of(arguments[4])));
	dlclose(handle);
	return 0;
}

/* HOW PATH PACKAGE: the plug-in calls the functions of lsatrace.h. */
static int plugin_asks(char **arguments)
{
	void *handle = open_by(arguments[0], arguments[1]), *symbol;
	plugin_leaks_function *leaks;

	plugin((char *[]){ arguments[0], arguments[1], "dlsym", arguments[2], "3" });
	symbol = dlsym(handle, PLUGIN_LEAKS_NAME);
	memcpy(&leaks, &symbol, sizeof(leaks));
	printf("%zu\n", leaks());
	return 0;
}

/* TIMES and the arguments of `plugin`: loads and unloads the plug-in, too. */
static int plugin_again(char **arguments)
{
	for (long i = 0; i < number_of(arguments[0]); i++)
		plugin(arguments + 1);
	return 0;
}

/* PATH PACKAGE TIMES: opens a plug-in in each way. */
static int plugin_in_turn(char **arguments)
{
	char *hows[] = { "plain", "dlmopen", "deepbind" };

	for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++)
		plugin((char *[]){ hows[i], arguments[0], "dlsym", arguments[1], arguments[2] });
	return 0;
}

/* HOW PACKAGE: the host itself opens the package by HOW. */
static int opened(char **arguments)
{
	void *handle = open_by(arguments[0], arguments[1]);

	use(dlsym(handle, SECPKG_LSAMODEINIT_NAME));
	dlclose(handle);
	return 0;
}

static int versioned(char **arguments)
{
	void *handle = open_by("plain", arguments[0]);

	printf("%s\n", dlvsym(handle, SECPKG_LSAMODEINIT_NAME, "PACKAGE_0.9") ? "found" : "none");
	printf("%s\n", strstr(dlerror(), "PACKAGE_0.9") ? "no such version" : "another error");
	use(dlvsym(handle, SECPKG_LSAMODEINIT_NAME, "PACKAGE_1.0"));
	return 0;
}

/* Asks the C library for its dlsym(). */
static int asked_for(char **arguments)
{
	void *libc = open_by("plain", "libc.so.6"), *symbol = dlsym(libc, "dlsym");
	void *(*found)(void *, const char *);

	memcpy(&found, &symbol, sizeof(found));
	use(found(open_by("plain", arguments[0]), SECPKG_LSAMODEINIT_NAME));
	return 0;
}

static void *look_up_for_ever(void *ended)
{
	while (!__atomic_load_n((bool *)ended, __ATOMIC_RELAXED))
		need(dlsym(RTLD_DEFAULT, "getenv") != NULL, "getenv");
	return NULL;
}

/* TIMES PATH PACKAGE: forks children while threads are in dlsym(). The children load a library. */
static int look_up_and_fork(char **arguments)
{
	bool ended = false;
	pthread_t thread[3];

	for (size_t i = 0; i < 3; i++)
		pthread_create(&thread[i], NULL, look_up_for_ever, &ended);
	for (long i = 0; i < number_of(arguments[0]); i++) {
		pid_t child = fork();
		int status;

		need(child >= 0, "fork");
		if (child == 0)
			_exit(dlsym(open_by("plain", arguments[1]), PLUGIN_RUN_NAME) ? 0 : 1);
		need(waitpid(child, &status, 0) == child && status == 0, "a child");
	}
	ended = true;
	for (size_t i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	use(dlsym(open_by("plain", arguments[2]), SECPKG_LSAMODEINIT_NAME));
	return 0;
}

/* Tables that only a symbol table names. */
static LSA_SECPKG_FUNCTION_TABLE filled_table;

/* The package is in the program, and gets its table by a function without a name. */
static void start(const void *table)
{
	package_initialize(1, NULL, (PLSA_SECPKG_FUNCTION_TABLE)(uintptr_t)table);
}

/* The host's table, exported and constant. */
static int constant_table(char **arguments)
{
	(void)arguments;
	start(&host_table);
	leak(44);
	return 0;
}

static PVOID (*wrapped_allocate)(ULONG size);

static PVOID allocate_wrapped(ULONG size)
{
	printf("allocating %u\n", size);
	return wrapped_allocate(size);
}

/* [again | wrap]: a table that main() fills; then it fills it again, or puts another function
 * around one. */
static int filled(char **arguments)
{
	memcpy(&filled_table, &host_table, sizeof(filled_table));
	dlsym(RTLD_DEFAULT, "getenv");
	start(&filled_table);
	leak(44);
	if (*arguments && strcmp(*arguments, "again") == 0)
		memcpy(&filled_table, &host_table, sizeof(filled_table));
	if (*arguments && strcmp(*arguments, "wrap") == 0) {
		wrapped_allocate = filled_table.AllocateLsaHeap;
		filled_table.AllocateLsaHeap = allocate_wrapped;
	}
	dlsym(RTLD_DEFAULT, "getenv");
	leak(44);
	return 0;
}

/* TIMES PATH: the table is in a library, which is loaded and unloaded. */
static int lent(char **arguments)
{
	enum { KNOWN_BYTES = sizeof(LSA_DISPATCH_TABLE) };

	for (long i = 0; i < number_of(arguments[0]); i++) {
		void *library = open_by("plain", arguments[1]);
		void *symbol = dlsym(library, LENDER_TABLE_NAME);
		PLSA_SECPKG_FUNCTION_TABLE table;
		lender_table_function *find;

		memcpy(&find, &symbol, sizeof(find));
		table = find();
		memcpy(table, &host_table, sizeof(*table));
		dlsym(library, LENDER_TABLE_NAME);
		start(table);
		leak(44);
		printf("%d\n",
		       memcmp((char *)table + KNOWN_BYTES, (const char *)&host_table + KNOWN_BYTES,
			      sizeof(*table) - KNOWN_BYTES));
		dlclose(library);
	}
	return 0;
}

static bool lent_is_done;

static void *look_up_until_done(void *unused)
{
	(void)unused;
	while (!__atomic_load_n(&lent_is_done, __ATOMIC_ACQUIRE))
		dlsym(RTLD_DEFAULT, "printf");
	return NULL;
}

/* TIMES PATH: the same while other threads look something else up, whereupon tables are looked at. */
static int lent_amid_others(char **arguments)
{
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		need(pthread_create(&threads[i], NULL, look_up_until_done, NULL) == 0, "thread");
	lent(arguments);
	__atomic_store_n(&lent_is_done, true, __ATOMIC_RELEASE);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

/* The host tells the tracer where its table is. */
static int told_table(char **arguments)
{
	LSA_SECPKG_FUNCTION_TABLE *table = malloc(sizeof(*table));

	(void)arguments;
	need(table != NULL, "malloc");
	memcpy(table, &host_table, sizeof(*table));
	lsatrace_hook_table(table);
	lsatrace_hook_table(table);
	start(table);
	leak(44);
	return 0;
}

/* The same, but the package has used the table before. It frees a block from that time, and a younger
 * one wrongly. */
static int told_late(char **arguments)
{
	LSA_SECPKG_FUNCTION_TABLE table = host_table;
	PVOID older = table.AllocateLsaHeap(40);

	(void)arguments;
	lsatrace_hook_table(&table);
	table.FreePrivateHeap(table.AllocateLsaHeap(41));
	table.FreeLsaHeap(older);
	return 0;
}

static void print_leaks(void)
{
	printf("%zu %zu %zu %zu\n", lsatrace_leaks_since("first"), lsatrace_leaks_since("second"),
	       lsatrace_leaks_since("never"), lsatrace_leaks_since(NULL));
}

/* Checkpoints, and the leaks since then. */
static int checkpoints(char **arguments)
{
	PVOID section, block;

	(void)arguments;
	lsatrace_checkpoint("first");
	print_leaks();
	host_start();
	leak(44);
	lsatrace_checkpoint("second");
	section = lsa->CreateSharedMemory(64, 64);
	block = lsa->AllocateSharedMemory(section, 8);
	print_leaks();
	lsa->FreeSharedMemory(section, block);
	print_leaks();
	lsatrace_checkpoint("first");
	print_leaks();
	leak(44);
	print_leaks();
	lsa->DeleteSharedMemory(section);
	print_leaks();
	return 0;
}

/* Blocks and a section that live for ever on purpose, and one of each that does not. */
static int ignored(char **arguments)
{
	PVOID section;
	int local;

	(void)arguments;
	lsatrace_ignore(&local);
	host_start();
	lsatrace_checkpoint("start");
	lsatrace_ignore(lsa->AllocateLsaHeap(44));
	section = lsa->CreateSharedMemory(64, 64);
	lsatrace_ignore(section);
	lsatrace_ignore(lsa->AllocateSharedMemory(section, 8));
	lsatrace_ignore(NULL);
	lsatrace_ignore(&local);
	lsatrace_ignore((void *)1);
	leak(44);
	printf("%zu\n", lsatrace_leaks_since("start"));
	return 0;
}

const struct scenario way_scenarios[] = {
	{ "plugin", plugin },
	{ "plugin-again", plugin_again },
	{ "plugin-in-turn", plugin_in_turn },
	{ "plugin-asks", plugin_asks },
	{ "opened", opened },
	{ "versioned", versioned },
	{ "asked-for", asked_for },
	{ "look-up-and-fork", look_up_and_fork },
	{ "constant-table", constant_table },
	{ "filled-table", filled },
	{ "lent-table", lent },
	{ "lent-table-amid-others", lent_amid_others },
	{ "told-table", told_table },
	{ "told-late", told_late },
	{ "checkpoints", checkpoints },
	{ "ignored", ignored },
	{ 0 },
};
