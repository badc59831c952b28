/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "odd.h"

static const struct scenario *const lists[] = {
	thread_scenarios, leaving_scenarios, process_scenarios,   limit_scenarios,
	table_scenarios,  loading_scenarios, package_scenarios,   client_scenarios,
	way_scenarios,    guarded_scenarios, sanitized_scenarios, torture_scenarios,
};

void fail(const char *what)
{
	perror(what);
	abort();
}

long number_of(const char *argument)
{
	return argument ? strtol(argument, NULL, 0) : 0;
}

static const struct scenario *find(const char *name)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		for (const struct scenario *s = lists[i]; s->name; s++) {
			if (strcmp(s->name, name) == 0)
				return s;
		}
	}
	return NULL;
}

int main(int argc, char **argv)
{
	const struct scenario *scenario = argc > 1 ? find(argv[1]) : NULL;

	if (!scenario) {
		fprintf(stderr, "oddhost: no such scenario\n");
		return 2;
	}
	return scenario->run(argv + 2);
}
