/* SPDX-License-Identifier: MIT */
/*
 * A host of security packages, as the LSA is one, for tests and demonstrations of tracers. Its
 * output does not depend on addresses, processes or time, so that untraced and traced runs can be
 * compared byte for byte.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"
#include "drive.h"
#include "journal.h"
#include "loader.h"
#include "options.h"
#include "sections.h"
#include "stripes.h"

static void load_all(struct packages *packages, const struct options *options)
{
	int failures = options->linked ? packages_load_linked(packages) : 0;

	for (int i = 0; i < options->path_count; i++)
		failures += packages_load(packages, options->paths[i], options->lookup);
	if (failures) {
		fflush(stdout);
		exit(3);
	}
}

/* Unloads a package that fails to initialise, as the LSA does. */
static void initialise_all(struct packages *packages)
{
	for (size_t i = 0; i < packages->count; i++) {
		struct package *package = &packages->all[i];

		call_initialise(package, (ULONG)i + 1);
		if (package->usable)
			call_logon(package);
		else
			packages_drop(packages, package);
	}
}

static void shut_down_all(struct packages *packages, bool unload)
{
	for (size_t i = 0; i < packages->count; i++) {
		if (packages->all[i].usable)
			call_shutdown(&packages->all[i]);
	}
	if (unload)
		packages_unload(packages);
	packages_release(packages);
}

static _Noreturn void end(const struct options *options)
{
	fflush(stdout);
	switch (options->ending) {
	case ENDING_QUICK_EXIT:
		_exit(options->exit_status);
	case ENDING_ABORT:
		abort();
	case ENDING_KILL:
		raise(SIGKILL);
		break;
	case ENDING_EXIT:
		break;
	}
	exit(options->exit_status);
}

int main(int argc, char **argv)
{
	struct packages packages = { 0 };
	struct options options;

	options_parse(&options, argc, argv);
	stripes_init();
	if (journal_open(options.journal) != 0) {
		perror(options.journal);
		return 2;
	}
	sections_refuse_deletes(options.refuse_deletes);
	load_all(&packages, &options);
	initialise_all(&packages);
	drive(&packages, &options);
	shut_down_all(&packages, options.unload);
	end(&options);
}
