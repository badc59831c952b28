/* SPDX-License-Identifier: MIT */
#ifndef ODD_ODD_H
#define ODD_ODD_H

/*
 * A program that is both host and package. It does things that hosts, packages and libraries may
 * do, but seldom do:
 *
 *	oddhost SCENARIO [ARGUMENT]...
 *
 * Its output does not change from run to run, so that an untraced and a traced run can be compared.
 * If something fails that a scenario depends on, it ends by abort().
 */

struct scenario {
	const char *name;
	int (*run)(char **arguments); /* returns the exit status */
};

/* Lists that end with a row of zeroes. threads.c has thread_scenarios, and so on. */
extern const struct scenario thread_scenarios[];
extern const struct scenario leaving_scenarios[];
extern const struct scenario process_scenarios[];
extern const struct scenario limit_scenarios[];
extern const struct scenario table_scenarios[];
extern const struct scenario loading_scenarios[];
extern const struct scenario package_scenarios[];
extern const struct scenario client_scenarios[];
extern const struct scenario way_scenarios[];
extern const struct scenario guarded_scenarios[];
extern const struct scenario sanitized_scenarios[];
extern const struct scenario torture_scenarios[];

/* Prints the reason from errno, and ends the program. */
_Noreturn void fail(const char *what);

/* Ends the program unless a condition holds. */
#define need(condition, what) ((condition) ? (void)0 : fail(what))

/* Returns the number in an argument, or 0 if the argument is missing. */
long number_of(const char *argument);

#endif
