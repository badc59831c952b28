/* SPDX-License-Identifier: MIT */
#ifndef ODD_ODD_H
#define ODD_ODD_H

/*
 * A program that is host and package at once, and does what hosts, packages and the libraries
 * around them may do, but seldom do:
 *
 *	oddhost SCENARIO [ARGUMENT]...
 *
 * It prints nothing that differs from run to run, so that a bare and a traced run can be compared.
 * What a scenario takes for granted and does not get ends it by abort().
 */

struct scenario {
	const char *name;
	int (*run)(char **arguments); /* returns the exit status */
};

/* Lists that end with a row of zeroes, each in the file of its name. */
extern const struct scenario thread_scenarios[];
extern const struct scenario process_scenarios[];
extern const struct scenario limit_scenarios[];
extern const struct scenario table_scenarios[];
extern const struct scenario loading_scenarios[];
extern const struct scenario package_scenarios[];
extern const struct scenario client_scenarios[];
extern const struct scenario way_scenarios[];
extern const struct scenario guarded_scenarios[];
extern const struct scenario sanitized_scenarios[];

/* Ends the program, with the reason of errno. */
_Noreturn void fail(const char *what);

/* Ends it if a condition that the scenario needs does not hold. */
#define need(condition, what) ((condition) ? (void)0 : fail(what))

/* The number that an argument holds; a missing one is 0. */
long number_of(const char *argument);

#endif
