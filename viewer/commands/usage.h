/* SPDX-License-Identifier: MIT */
/*
 * What the commands that read traces share in going through their arguments with getopt_long.
 */
#ifndef LSATRACE_VIEWER_COMMANDS_USAGE_H
#define LSATRACE_VIEWER_COMMANDS_USAGE_H

#include <getopt.h>

#define USAGE_STATUS 2 /* of bad usage, and of any other trouble */

/*
 * Says which of the arguments is no option, or lacks its value: `value` is what getopt_long
 * returned for it. The option string begins with ':' and opterr is 0. Returns USAGE_STATUS.
 */
int usage_refuse(char **argv, const struct option *rows, int value);

/* "lsatrace COMMAND: --NAME=VALUE: expected WORDS". Returns USAGE_STATUS. */
int usage_expected(const char *command, const char *name, const char *value, const char *words);

/* "lsatrace COMMAND: WORDS; see ...". Returns USAGE_STATUS. */
int usage_wrong(const char *command, const char *words);

/* The long name of the option for which getopt_long returns `value`. */
const char *usage_name(const struct option *rows, int value);

#endif
