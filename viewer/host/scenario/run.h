/* SPDX-License-Identifier: MIT */
/*
 * Does what a scenario says, with each package that is ready. Each thread has its own clients, logons, credentials and contexts.
 * At the end of a round the clients end, as processes do: the LSA then deletes their contexts, frees their credentials and
 * ends their logons.
 */
#ifndef LSATRACE_HOST_SCENARIO_RUN_H
#define LSATRACE_HOST_SCENARIO_RUN_H

#include <stdbool.h>

#include "viewer/host/scenario/steps.h"

/* What is done without a scenario: every entry point that a package has. */
extern const char run_default[];

/* Checks verbs, keys and values. If something is wrong, prints one line and returns false. */
bool run_check(const struct steps *steps);

/* Checks the names of packages, once these are initialised; likewise. */
bool run_check_packages(const struct steps *steps);

/* Any thread. */
void run_rounds(const struct steps *steps, unsigned rounds);

#endif
