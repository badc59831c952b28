/* SPDX-License-Identifier: MIT */
/*
 * The text of a scenario, as steps. A step is a line: a verb, and KEY=VALUE pairs. A value with blanks stands in double
 * quotes. "#" begins a comment. `repeat N {` ... `}` does the lines between N times.
 */
#ifndef LSATRACE_HOST_SCENARIO_STEPS_H
#define LSATRACE_HOST_SCENARIO_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pair {
	char *key, *value;
};

struct step {
	char *verb; /* "repeat": of what follows up to `end` */
	unsigned line;
	struct pair *pairs;
	size_t pair_count;
	unsigned times; /* of a repeat */
	size_t end;     /* of a repeat: the number of the first step behind it */
};

struct steps {
	const char *file; /* as it was given; NULL: the default */
	struct step *all;
	size_t count, room;
};

/* Returns whether it is right. Otherwise one line is printed. The text is changed. */
bool steps_parse(struct steps *steps, const char *file, char *text);
void steps_release(struct steps *steps);

/* Prints "FILE:LINE: TEXT". Returns false. */
bool steps_refuse(const struct steps *steps, unsigned line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Returns the value of a key, or NULL. */
const char *step_text(const struct step *step, const char *key);
uint64_t step_number(const struct step *step, const char *key, uint64_t otherwise);

#endif
