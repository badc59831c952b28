/* SPDX-License-Identifier: MIT */
/* Libraries that are loaded and unloaded. Different code comes to the same address, and frames
 * at the same return address get another size. */
#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stress.h"

enum { VARIANTS = 2 };

typedef void module_function(place *visit, struct walk *w);

/* The libraries are in the folder of the program. */
static void *load(unsigned variant)
{
	char program[PATH_MAX], path[PATH_MAX + 32];
	ssize_t bytes = readlink("/proc/self/exe", program, sizeof(program) - 1);
	void *library;

	if (bytes < 0)
		abort();
	program[bytes] = '\0';
	snprintf(path, sizeof(path), "%s/module%u.so", dirname(program), variant);
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		fprintf(stderr, "%s\n", dlerror());
		abort();
	}
	return library;
}

static module_function *find(void *library, const char *name)
{
	void *symbol = dlsym(library, name);
	module_function *function;

	if (!symbol)
		abort();
	memcpy(&function, &symbol, sizeof(function));
	return function;
}

static const char *const by_hand_names[VARIANTS] = { "module_zero", "module_one" };

static NOINLINE void visit_both(void *library, unsigned variant, struct walk *w)
{
	module_function *by_hand = find(library, by_hand_names[variant]);
	module_function *compiled = find(library, "module_compiled");

	for (unsigned i = 0; i < 4; i++) {
		w->depth = 4;
		w->odd = walk_random(w, 2) ? 0 : 8;
		by_hand(walk_on, w);
		compiled(walk_on, w);
		touch(w);
	}
	w->odd = 0;
}

static void run_modules(struct walk *w)
{
	while (w->calls > 0) {
		unsigned variant = walk_random(w, VARIANTS);
		void *library = load(variant);

		visit_both(library, variant, w);
		dlclose(library);
	}
}

static unsigned leak_bytes;

static NOINLINE void modules_leak_handler(int signal)
{
	(void)signal;
	leak_block(leak_bytes);
	STAY();
}

/* Behind the frame of a signal, no unwinder may use rules of a library that was at this address
 * before. */
static NOINLINE void modules_leak_raise(struct walk *w)
{
	struct sigaction action = { .sa_handler = modules_leak_handler };

	(void)w;
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	STAY();
}

static NOINLINE void modules_leak_visit(unsigned variant)
{
	void *library = load(variant);
	module_function *by_hand = find(library, by_hand_names[variant]);

	by_hand(modules_leak_raise, NULL);
	dlclose(library);
}

/* Each variant leaks one block, of different sizes. */
static NOINLINE void modules_leak(unsigned bytes)
{
	leak_bytes = 1;
	modules_leak_visit(0);
	leak_bytes = bytes;
	modules_leak_visit(1);
	STAY();
}

const struct scenario modules_scenario = {
	.name = "modules",
	.run = run_modules,
	.leak = modules_leak,
	.chain = "modules_leak_handler * modules_leak_raise module_one "
		 "modules_leak_visit modules_leak",
	.share = 40,
	.late = true,
};
